"""Where both sides may differ, and the sentence of the specification (v2.1.0) that decides for Beewolf."""

from __future__ import annotations

import ipaddress
from typing import Callable, Iterator, NamedTuple

from sigma.types import SigmaCIDRExpression, SigmaExists, SigmaTimestampPart

from .events import Event
from .rules import Leaf, Rule, every_leaf


class Decision(NamedTuple):
    """One reason to differ."""

    name: str
    sentence: str
    applies: Callable[[Rule, Event], bool]


def leaves(rule: Rule) -> Iterator[Leaf]:
    for condition in rule.conditions:
        yield from every_leaf(condition)


def has_letters_outside_ascii(_: Rule, event: Event) -> bool:
    return any(isinstance(value, str) and not value.isascii() for value in event.values())


def is_no_address(rule: Rule, event: Event) -> bool:
    """A network is asked for where there is no address, or one in another spelling."""
    for leaf in leaves(rule):
        if isinstance(leaf.value, SigmaCIDRExpression) and leaf.field in event:
            text = str(event[leaf.field])
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                return True
            if str(address) != text or getattr(address, "ipv4_mapped", None) is not None:
                return True
    return False


def has_null_that_is_there(rule: Rule, event: Event) -> bool:
    return any(
        isinstance(leaf.value, SigmaExists) and leaf.field in event and event[leaf.field] is None
        for leaf in leaves(rule)
    )


def has_part_of_a_date(rule: Rule, _: Event) -> bool:
    return any(isinstance(leaf.value, SigmaTimestampPart) for leaf in leaves(rule))


DECISIONS = [
    Decision(
        "letters outside ASCII",
        "All values are treated as case-insensitive strings. (SQLite folds ASCII letters only.)",
        has_letters_outside_ascii,
    ),
    Decision(
        "networks",
        "The modifiers listed in this section can only be applied to IP values. (The backend compares texts with "
        "patterns such as `127.0.0.*`, which `127.0.0.x` fits and `::ffff:127.0.0.1` does not.)",
        is_no_address,
    ),
    Decision(
        "null that is there",
        "Note that this check only verifies the presence of a field, not its value, be it empty or null. (The backend "
        "stores null and absent alike.)",
        has_null_that_is_there,
    ),
    Decision(
        "parts of dates",
        "It is not designed to handle timezone or format conversions; week: number between 1 and 52. (SQLite converts "
        "offsets to UTC, reads numbers as Julian days and counts weeks from 0.)",
        has_part_of_a_date,
    ),
]


def decision(rule: Rule, event: Event) -> Decision | None:
    """What decides a difference on an event."""
    return next((one for one in DECISIONS if one.applies(rule, event)), None)
