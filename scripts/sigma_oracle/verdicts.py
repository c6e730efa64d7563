"""The verdicts of both sides on the events of one log source."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from sigma.backends.sqlite import sqliteBackend
from sigma.types import SigmaCompareExpression

from .events import Event
from .rules import Rule, every_leaf

FULLTEXT = "_fulltext"
LINE = "_line"
Verdicts = set[tuple[str, int]]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def regexp(pattern: str, value: Any) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


def stored(value: Any) -> Any:
    """A value as the backend's documentation wants it: booleans are words."""
    return str(value).lower() if isinstance(value, bool) else value


class Table:
    """Events as a table: a column for each field that some rules ask for."""

    def __init__(self) -> None:
        # SQLite's names of columns have no case; those of fields do.
        self.columns: dict[str, str] = {}
        self.rules: list[Rule] = []

    def takes(self, rule: Rule, fields: list[str]) -> bool:
        """Adds a rule, unless two fields would differ in case only."""
        if any(self.columns.get(field.lower(), field) != field for field in fields):
            return False
        self.columns.update((field.lower(), field) for field in fields)
        self.rules.append(rule)
        return True

    def fill(self, events: list[Event]) -> sqlite3.Connection:
        # Where order is asked for the column is one of numbers, elsewhere of texts, as the backend makes its own.
        numeric = {
            leaf.field
            for rule in self.rules
            for condition in rule.conditions
            for leaf in every_leaf(condition)
            if isinstance(leaf.value, SigmaCompareExpression)
        }
        database = sqlite3.connect(":memory:")
        database.create_function("regexp", 2, regexp, deterministic=True)
        made = [f"{LINE} INTEGER", f"{FULLTEXT} TEXT"]
        for field in self.columns.values():
            made.append(f"{quoted(field)} {'NUMERIC' if field in numeric else 'TEXT COLLATE NOCASE'}")
        database.execute(f"CREATE TABLE logs ({', '.join(made)})")
        rows = (
            [number, "\n".join(str(stored(value)) for value in event.values())]
            + [stored(event.get(field)) for field in self.columns.values()]
            for number, event in enumerate(events, 1)
        )
        database.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(made))})", rows)
        return database


def oracle(rules: list[Rule], events: list[Event]) -> tuple[Verdicts, list[str]]:
    """Which rule matches which event, by pySigma and SQLite; and what it could not judge."""
    backend = sqliteBackend(collate_nocase=True, fulltext_field=FULLTEXT)
    tables = [Table()]
    for rule in rules:
        fields = sorted(set(backend.required_fields(rule.parsed)) - {FULLTEXT})
        if not any(table.takes(rule, fields) for table in tables):
            tables.append(Table())
            tables[-1].takes(rule, fields)
    verdicts: Verdicts = set()
    problems = []
    for table in tables:
        database = table.fill(events)
        for rule in table.rules:
            try:
                for query in backend.convert_rule(rule.parsed):
                    query = query.replace("SELECT * FROM", f"SELECT {LINE} FROM", 1)
                    verdicts.update((rule.id, line) for (line,) in database.execute(query))
            except Exception as error:  # whatever it raises: this rule has no verdict
                problems.append(f"{rule.id}: {type(error).__name__}: {error}")
        database.close()
    return verdicts, problems


def nested(event: Event) -> Event:
    """The same event with objects for the dots of its names."""
    out: Event = {}
    for name, value in event.items():
        *folders, last = name.split(".")
        place = out
        for folder in folders:
            inner = place.setdefault(folder, {})
            if not isinstance(inner, dict):
                return event
            place = inner
        if last in place:
            return event
        place[last] = value
    return out


def write(events: list[Event], path: Path) -> None:
    """Writes events as JSON lines; every other one with objects for the dots of its names."""
    with path.open("w", encoding="utf-8") as file:
        for number, event in enumerate(events):
            file.write(json.dumps(nested(event) if number % 2 else event) + "\n")


def beewolf(program: Path, rules: list[Path], events: Path, logsource: str, more: list[str]) -> Verdicts:
    """Which rule matches which event, by Beewolf."""
    files = sorted({str(path) for path in rules})
    command = [str(program), "replay", "--sigma-events", str(events), "--logsource", logsource, *more, "--rules", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, told = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{told}")
    matches = (json.loads(line) for line in out.splitlines())
    return {(match["rule"]["id"], match["line"]) for match in matches}


def recorded(path: Path) -> dict[str, set[int]]:
    """The lines that each rule of a case matches: `rule: 1 4`. Rules that were refused are not there."""
    found: dict[str, set[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, numbers = line.partition(":")
        if " " not in name:
            found[name] = {int(number) for number in numbers.split()}
    return found
