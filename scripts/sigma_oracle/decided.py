"""Where both sides may differ, and the sentence of the specification (v2.1.0) that decides for Beewolf."""

from __future__ import annotations

import ipaddress
import re
from typing import Callable, Iterator, NamedTuple

from sigma.types import SigmaBool, SigmaCIDRExpression, SigmaCompareExpression, SigmaExists, SigmaTimestampPart

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
            if str(address) != text or address.version != leaf.value.network.version:
                return True
            # `::ffff:10.0.0.0/104` is 10.0.0.0/8, however either is spelled.
            if address.version == 6 and address.ipv4_mapped is not None:
                return True
    return False


def has_null_that_is_there(rule: Rule, event: Event) -> bool:
    return any(
        isinstance(leaf.value, SigmaExists) and leaf.field in event and event[leaf.field] is None
        for leaf in leaves(rule)
    )


def has_part_of_a_date(rule: Rule, _: Event) -> bool:
    return any(isinstance(leaf.value, SigmaTimestampPart) for leaf in leaves(rule))


def has_whole_number_with_a_point(_: Rule, event: Event) -> bool:
    return any(isinstance(value, float) and value.is_integer() for value in event.values())


def has_number_for_a_flag(rule: Rule, event: Event) -> bool:
    return any(isinstance(leaf.value, SigmaBool) and event.get(leaf.field or "") in (0, 1) for leaf in leaves(rule))


def has_no_number_to_compare(rule: Rule, event: Event) -> bool:
    return any(
        isinstance(leaf.value, SigmaCompareExpression) and not is_number(event.get(leaf.field or "", 0))
        for leaf in leaves(rule)
    )


def is_number(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[+-]?\d+(\.\d+)?", value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def has_space_in_a_name(rule: Rule, event: Event) -> bool:
    return any(" " in name for name in event) or any(" " in (leaf.field or "") for leaf in leaves(rule))


def has_scalar_of_yaml_1_1(rule: Rule, _: Event) -> bool:
    text = rule.path.read_text(encoding="utf-8")
    return re.search(r"\b(a|b|c): (0\d+|\d+_\d+|\d+e\d+)$", text, re.MULTILINE) is not None


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
        "numbers with a point",
        "The key is a field in the log data and the value is a string or integer value: 5.0 in an event is the integer 5. "
        "(The backend compares the texts 5 and 5.0.)",
        has_whole_number_with_a_point,
    ),
    Decision(
        "flags",
        "All values are treated as case-insensitive strings: 1 is not `true`. (The backend takes either.)",
        has_number_for_a_flag,
    ),
    Decision(
        "order of what is no number",
        "The modifiers listed in this section can only be applied to numeric values. (SQLite puts any text behind all "
        "numbers.)",
        has_no_number_to_compare,
    ),
    Decision(
        "spaces in names",
        "Use them as they appear in the log source and strip all spaces. (pySigma leaves them to its pipelines.)",
        has_space_in_a_name,
    ),
    Decision(
        "scalars of YAML 1.1",
        "The rule files are written in yaml format, version 1.2.2, where 0755 is the number 755, 1e3 a number and 1_000 "
        "a string. (pySigma reads them by version 1.1.)",
        has_scalar_of_yaml_1_1,
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
