"""Rules as pySigma reads them: conditions as trees of and, or, not and leaves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import yaml
from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation
from sigma.rule import SigmaRule
from sigma.types import SigmaExpansion


@dataclass
class Leaf:
    """A field, or None for the whole event, and what pySigma has made of a value."""

    field: str | None
    value: Any


@dataclass
class Branch:
    """`and`, `or` or `not` of nodes."""

    word: str
    parts: list[Any]


Node = Leaf | Branch


def tree(condition: Any) -> Node:
    """A parsed condition as a tree; expansions become `or`."""
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        return leaves(condition.field, condition.value)
    if isinstance(condition, ConditionValueExpression):
        return leaves(None, condition.value)
    word = {ConditionAND: "and", ConditionOR: "or", ConditionNOT: "not"}[type(condition)]
    return Branch(word, [tree(part) for part in condition.args])


def leaves(field: str | None, value: Any) -> Node:
    if isinstance(value, SigmaExpansion):
        return Branch("or", [leaves(field, inner) for inner in value.values])
    return Leaf(field, value)


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def every_leaf(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    else:
        for part in node.parts:
            yield from every_leaf(part)


@dataclass
class Rule:
    """A rule that both sides know by the same id."""

    id: str
    logsource: tuple[str | None, str | None, str | None]
    conditions: list[Node]
    parsed: SigmaRule
    path: Path


def load(folder: Path, placeholders: dict[str, list[str]]) -> tuple[list[Rule], list[Path], list[str]]:
    """The rules below a folder with its filters applied, the files of the filters, and what pySigma could not read.

    Rules need an `id`.
    """
    documents: list[tuple[Path, dict[str, Any]]] = []
    for path in sorted(folder.rglob("*.yml")) if folder.is_dir() else [folder]:
        with path.open(encoding="utf-8") as file:
            for document in yaml.safe_load_all(file):
                if isinstance(document, dict) and ("detection" in document or "filter" in document):
                    documents.append((path, document))
    problems: list[str] = []
    rules: list[Rule] = []
    expand = ProcessingPipeline(
        items=[ProcessingItem(ValueListPlaceholderTransformation())],
        vars=dict(placeholders),
    )
    filters = [
        {key: value for key, value in document.items() if key != "id" or is_uuid(str(value))}
        for _, document in documents
        if "filter" in document
    ]
    for path, document in documents:
        if "filter" in document:
            continue
        name = str(document.get("id"))
        if not is_uuid(name):
            # pySigma wants ids to be UUIDs; a rule answers to its name as well.
            document = {key: value for key, value in document.items() if key != "id"} | {"name": name}
        try:
            # One by one, so that a problem is that of one rule.
            collection = SigmaCollection.from_dicts([document, *filters])
            (parsed,) = [rule for rule in collection.rules if isinstance(rule, SigmaRule)]
            if placeholders:
                expand.apply(parsed)
            conditions = [tree(condition.parsed) for condition in parsed.detection.parsed_condition]
        except Exception as error:  # whatever pySigma raises is its verdict on the rule
            problems.append(f"{name}: {type(error).__name__}: {error}")
            continue
        source = parsed.logsource
        rules.append(Rule(name, (source.category, source.product, source.service), conditions, parsed, path))
    return rules, [path for path, document in documents if "filter" in document], problems
