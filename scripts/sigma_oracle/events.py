"""Events made out of rules: one per value and branch, and near misses of each.

Everything is chosen by place and never by chance: the same rules give the same events.
"""

from __future__ import annotations

import re
import sre_constants
import sre_parse
from typing import Any, Iterator

from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from .rules import Branch, Leaf, Node, Rule, every_leaf

# Where the words of keywords stand.
MESSAGE = "message"
# Values of a rule whose near misses are made; of the others there is only the hit.
NEAR_MISSES = 40

Event = dict[str, Any]


def of_rule(rule: Rule) -> Iterator[Event]:
    """The events of a rule, without repetition."""
    seen = set()
    for condition in rule.conditions:
        for number, focus in enumerate(every_leaf(condition)):
            event = Builder(condition, focus).event()
            candidates = [event]
            if number < NEAR_MISSES:
                candidates.extend(near_misses(event, focus))
            for candidate in candidates:
                key = repr(sorted(candidate.items()))
                if candidate and key not in seen:
                    seen.add(key)
                    yield candidate


class Builder:
    """Collects what one leaf and its surroundings ask of an event."""

    def __init__(self, condition: Node, focus: Leaf) -> None:
        self.focus = focus
        self.texts: dict[str, list[tuple[str, bool, bool]]] = {}
        self.exact: Event = {}
        self.same: list[tuple[str, str]] = []
        self.satisfy(condition)

    def holds_focus(self, node: Node) -> bool:
        return any(leaf is self.focus for leaf in every_leaf(node))

    def satisfy(self, node: Node) -> None:
        if isinstance(node, Leaf):
            self.leaf(node)
        elif node.word == "and":
            for part in node.parts:
                self.satisfy(part)
        elif node.word == "or":
            chosen = [part for part in node.parts if self.holds_focus(part)]
            self.satisfy((chosen or node.parts)[0])
        elif self.holds_focus(node):
            # What a `not` excludes: everything else as the rule wants it, and this too.
            self.satisfy(node.parts[0])
        else:
            self.deny(node.parts[0])

    def deny(self, node: Node) -> None:
        """A negated test fails by itself, unless it asks for something that is not there."""
        for leaf in every_leaf(node):
            absent = isinstance(leaf.value, SigmaNull) or (
                isinstance(leaf.value, SigmaExists) and not leaf.value.exists
            )
            if absent and leaf.field:
                self.exact.setdefault(leaf.field, "there")

    def leaf(self, leaf: Leaf) -> None:
        field, value = leaf.field or MESSAGE, leaf.value
        if isinstance(value, SigmaString):
            self.texts.setdefault(field, []).append(pieces(value, keyword=leaf.field is None))
        elif isinstance(value, SigmaRegularExpression):
            text = sample(str(value.regexp))
            self.texts.setdefault(field, []).append((text, "^" in str(value.regexp)[:1], str(value.regexp).endswith("$")))
        elif isinstance(value, SigmaFieldReference):
            self.same.append((field, value.field))
        elif isinstance(value, SigmaNull) or (isinstance(value, SigmaExists) and not value.exists):
            pass
        else:
            self.exact[field] = plain(value)

    def event(self) -> Event:
        event = dict(self.exact)
        for field, wanted in self.texts.items():
            event[field] = joined(wanted)
        for field, other in self.same:
            event[other] = event.setdefault(field, event.get(other, "same value"))
        return event


def pieces(value: SigmaString, keyword: bool) -> tuple[str, bool, bool]:
    """A text that fits a string with wildcards, and whether start and end are given."""
    parts = list(value.s)
    text = "".join({SpecialChars.WILDCARD_MULTI: "", SpecialChars.WILDCARD_SINGLE: "z"}.get(part, part) for part in parts)
    starts = not keyword and not (parts and parts[0] == SpecialChars.WILDCARD_MULTI)
    ends = not keyword and not (parts and parts[-1] == SpecialChars.WILDCARD_MULTI)
    return text, starts, ends


def joined(wanted: list[tuple[str, bool, bool]]) -> str:
    """One text for all that is wanted of a field, as far as that goes together."""
    for text, starts, ends in wanted:
        if starts and ends:
            return text
    first = [text for text, starts, _ in wanted if starts][:1]
    last = [text for text, _, ends in wanted if ends][:1]
    middle = [text for text, starts, ends in wanted if not starts and not ends]
    return " ".join(first + middle + last)


def plain(value: Any) -> Any:
    """A value that passes a test that is not one of text."""
    if isinstance(value, SigmaTimestampPart):
        number = int(value.number)
        date = {
            TimestampPart.MINUTE: f"2024-06-12 10:{number:02}:00",
            TimestampPart.HOUR: f"2024-06-12 {number:02}:30:00",
            TimestampPart.DAY: f"2024-05-{number:02} 10:30:00",
            TimestampPart.WEEK: "2024-06-12 10:30:00",
            TimestampPart.MONTH: f"2024-{number:02}-12 10:30:00",
            TimestampPart.YEAR: f"{number:04}-06-12 10:30:00",
        }
        return date[value.timestamp_part]
    if isinstance(value, SigmaNumber):
        return value.number
    if isinstance(value, SigmaBool):
        return value.boolean
    if isinstance(value, SigmaCIDRExpression):
        return str(value.network.network_address + (1 if value.network.num_addresses > 1 else 0))
    if isinstance(value, SigmaCompareExpression):
        number = value.number.number
        return {"LT": number - 1, "LTE": number, "GT": number + 1, "GTE": number, "NEQ": number + 1}[value.op.name]
    return "there"


def near_misses(event: Event, focus: Leaf) -> Iterator[Event]:
    """The same event with what the leaf looks at changed a little."""
    field, value = focus.field or MESSAGE, focus.value
    if field not in event:
        yield {**event, field: "there"}
        yield {**event, field: ""}
        return
    without = dict(event)
    old = without.pop(field)
    yield without
    if isinstance(old, str):
        changed = [old.swapcase(), old[:-1] + "~", f"x{old}x", f"{old} and more", f"before {old}", ""]
        if isinstance(value, SigmaString):
            changed.extend(filled(value))
        if isinstance(value, SigmaCIDRExpression):
            network = value.network
            changed = [str(network[0]), str(network[-1]), "", "host"]
            changed.extend(str(network[place] + step) for place, step in ((0, -1), (-1, 1)) if inside(network, place, step))
        for text in changed:
            yield {**event, field: text}
    elif isinstance(old, bool):
        yield {**event, field: not old}
        yield {**event, field: str(old).lower()}
    else:
        yield from ({**event, field: old + step} for step in (-1, 1, 2))
        yield {**event, field: str(old)}


def filled(value: SigmaString) -> Iterator[str]:
    """Texts for a pattern whose wildcards stand for something, and for too little."""
    for many, one in (("/a b", "\\"), ("", ""), ("*", "?")):
        yield "".join({SpecialChars.WILDCARD_MULTI: many, SpecialChars.WILDCARD_SINGLE: one}.get(part, part) for part in value.s)


def inside(network: Any, place: int, step: int) -> bool:
    return 0 <= int(network[place]) + step < 1 << network.max_prefixlen


def sample(pattern: str) -> str:
    """A text that a regular expression matches, if it is not too clever."""
    try:
        parsed = sre_parse.parse(pattern)
    except re.error:
        return pattern
    return text_of(parsed)


def text_of(parsed: Any) -> str:
    return "".join(part_of(code, argument) for code, argument in parsed)


def part_of(code: Any, argument: Any) -> str:
    name = str(code)
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return "b" if argument == ord("a") else "a"
    if name == "ANY":
        return "a"
    if name == "IN":
        return member(argument)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = argument
        return text_of(inner) * max(least, min(1, most))
    if name == "SUBPATTERN":
        return text_of(argument[-1])
    if name == "BRANCH":
        return text_of(argument[1][0])
    return ""


def member(choices: list[Any]) -> str:
    """A character of a class."""
    if choices[0][0] == sre_constants.NEGATE:
        unwanted = choices[1:]
        return next((c for c in "aA0 _-/.\\" if not any(belongs(c, choice) for choice in unwanted)), "")
    code, argument = choices[0]
    if code == sre_constants.LITERAL:
        return chr(argument)
    if code == sre_constants.RANGE:
        return chr(argument[0])
    return {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w", "CATEGORY_NOT_SPACE": "s",
            "CATEGORY_NOT_DIGIT": "d", "CATEGORY_NOT_WORD": "-"}.get(str(argument), "a")


def belongs(character: str, choice: Any) -> bool:
    code, argument = choice
    if code == sre_constants.LITERAL:
        return ord(character) == argument
    if code == sre_constants.RANGE:
        return argument[0] <= ord(character) <= argument[1]
    classes = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_SPACE": r"\S",
               "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_NOT_WORD": r"\W"}
    return re.match(classes.get(str(argument), "$"), character) is not None
