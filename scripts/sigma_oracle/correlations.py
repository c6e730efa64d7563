"""Correlation rules: what both sides say to streams of events.

pySigma's SQLite backend says which windows are enough. It judges a whole table, Beewolf one event after the other; so the
oracle is asked again after each event, with what was seen up to then, and an alert is due when a window that the new
event is in is enough. As an alert speaks for its group for as long as the window is, the next one is due after that.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from .verdicts import quoted

# Names of Sigma, and where the value stands in an event of ours.
FIELDS = {
    "CommandLine": ("process", "command_line"),
    "DestinationIp": ("destination", "ip"),
    "DestinationPort": ("destination", "port"),
    "Image": ("process", "executable"),
    "ProcessId": ("process", "pid"),
    "User": ("user", "name"),
}
NUMBERS = {"DestinationPort", "ProcessId"}
COMPARISONS = {"eq", "gt", "gte", "lt", "lte", "neq"}
ID = "_line"
TIME = "_time"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
# Seconds that an event may be older than the newest; Beewolf's preset.
LATENESS = 10.0
# Made streams of a case, and the events of each.
STREAMS = 6
LENGTH = 60
# What a recording begins with.
HEADER = {"record": "header", "format": 1, "host": "h", "kernel": "6.1.0", "version": "0.1.0",
          "boot_id": "00000000-0000-4000-8000-000000000000", "created": "2026-01-01T00:00:00Z"}

Row = dict[str, Any]
# Titles of rules, and the numbers of the events that complete their alerts.
Alerts = dict[str, list[int]]


class Correlation(NamedTuple):
    """A correlation rule and the query for its windows."""

    rule: SigmaCorrelationRule
    query: str


class Converted(NamedTuple):
    """What the backend makes of rules: conditions of plain ones by id, and queries of correlations."""

    bases: dict[str, str]
    correlations: list[Correlation]


def converted(documents: list[dict[str, Any]]) -> Converted:
    collection = SigmaCollection.from_dicts(documents)
    collection.resolve_rule_references()
    backend = sqliteBackend(collate_nocase=True, timestamp_field=TIME, timestamp_format="unix", event_id_field=ID)
    bases: dict[str, str] = {}
    correlations: list[Correlation] = []
    # Correlations are made of what the rules behind them were converted to.
    for rule in (rule for rule in collection.rules if isinstance(rule, SigmaRule)):
        backend.convert_rule(rule)
        bases[str(rule.id)] = " OR ".join(f"({query})" for query in rule.get_conversion_result())
    for rule in (rule for rule in collection.rules if isinstance(rule, SigmaCorrelationRule)):
        # None for one that others refer to.
        for query in backend.convert_correlation_rule(rule):
            correlations.append(Correlation(rule, f"SELECT window_end, group_keys FROM ({query})"))
    return Converted(bases, correlations)


def bounds(document: dict[str, Any]) -> list[str]:
    """The comparisons of a correlation's condition."""
    condition = document.get("correlation", {}).get("condition", {})
    return [key for key in condition if key in COMPARISONS] if isinstance(condition, dict) else []


def with_one_bound(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The rule with only one end of its range."""
    unwanted = [key for place, key in enumerate(bounds(document)) if place != min(number, len(bounds(document)) - 1)]
    if not unwanted:
        return document
    correlation = document["correlation"]
    condition = {key: value for key, value in correlation["condition"].items() if key not in unwanted}
    return document | {"correlation": correlation | {"condition": condition}}


class Case:
    """A folder with rules, events and the alerts that were recorded."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.rules = folder / "rules.yml"
        self.lines = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        parts = (line.split(":") for line in (folder / "expected").read_text(encoding="utf-8").splitlines())
        self.recorded: Alerts = {title: [int(number) for number in numbers.split()] for title, numbers in parts}
        documents = list(yaml.safe_load_all(self.rules.read_text(encoding="utf-8")))
        # pySigma takes one comparison in a condition: the windows of a range are those that are in each half of it.
        halves = [
            converted([with_one_bound(document, number) for document in documents])
            for number in range(max(len(bounds(document)) for document in documents))
        ]
        self.bases = halves[0].bases
        self.correlations = [
            Correlation(same[0].rule, " INTERSECT ".join(dict.fromkeys(half.query for half in same)))
            for same in zip(*(half.correlations for half in halves))
        ]

    def streams(self) -> Iterator[list[Row]]:
        """The recorded events, then streams made of them."""
        yield self.lines
        spans = sorted({float(one.rule.timespan.seconds) for one in self.correlations})
        for number in range(STREAMS):
            yield list(self.stream(number, spans))

    def stream(self, number: int, spans: list[float]) -> Iterator[Row]:
        """Events of the case at times that are chosen by place: ties, both ends of windows and just outside; in every
        other stream some are late."""
        now = 0.0
        for place in range(LENGTH):
            choice = hashlib.sha256(f"{self.name} {number} {place}".encode()).digest()
            span = spans[choice[0] % len(spans)]
            steps = [0.0, 0.25, 0.25, 1.0, 2.0, span / 4, span / 2, span - 0.25, span, span + 0.25]
            back = min(choice[3] / 4, LATENESS, now) if number % 2 and choice[2] < 64 else 0.0
            # SQLite reckons with binary fractions; quarters of a second are exact.
            now += 0.0 if back else int(steps[choice[1] % len(steps)] * 4) / 4
            line = self.lines[choice[4] % len(self.lines)]
            time = (START + datetime.timedelta(seconds=now - back)).isoformat(timespec="milliseconds")
            event = line["event"] | {"id": str(place + 1)}
            yield line | {"@timestamp": time.replace("+00:00", "Z"), "event": event}


def row(line: Row) -> Row:
    """An event as the oracle sees it: the names of Sigma, and seconds."""
    found = {name: line.get(folder, {}).get(field) for name, (folder, field) in FIELDS.items()}
    time = datetime.datetime.fromisoformat(line["@timestamp"].replace("Z", "+00:00"))
    return found | {ID: int(line["event"]["id"]), TIME: (time - START).total_seconds()}


def groups(rule: Any, bases: set[str], fields: list[str], event: Row) -> set[tuple[Any, ...]]:
    """The groups of a rule that an event is in: the fields to group by, which each rule behind may call otherwise."""
    if isinstance(rule, SigmaRule):
        key = tuple(str(event[field]).lower() if event[field] is not None else None for field in fields)
        return {key} if str(rule.id) in bases and None not in key else set()
    found: set[tuple[Any, ...]] = set()
    for reference in rule.rules:
        names = (reference.reference, reference.rule.name, str(reference.rule.id))
        called = {
            alias.alias: field
            for alias in rule.aliases
            for target, field in alias.mapping.items()
            if target.reference in names
        }
        found |= groups(reference.rule, bases, [called.get(field, field) for field in fields], event)
    return found


def due(case: Case, lines: list[Row]) -> Alerts:
    """The alerts that the oracle's windows ask for."""
    database = sqlite3.connect(":memory:")
    kinds = (f"{quoted(name)} {'NUMERIC' if name in NUMBERS else 'TEXT COLLATE NOCASE'}" for name in FIELDS)
    database.execute(f"CREATE TABLE logs ({', '.join(kinds)}, {ID} INTEGER PRIMARY KEY, {TIME} REAL)")
    alerts: Alerts = {one.rule.title: [] for one in case.correlations}
    quiet: dict[tuple[str, tuple[Any, ...]], float] = {}
    for event in map(row, lines):
        database.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(event))})", list(event.values()))
        bases = {
            base
            for base, predicate in case.bases.items()
            if database.execute(f"SELECT 1 FROM logs WHERE {ID} = {event[ID]} AND ({predicate})").fetchone()
        }
        for rule, query in case.correlations:
            field = getattr(rule.condition, "fieldref", None)
            if field and event[field] is None:
                continue
            inside = groups(rule, bases, list(rule.group_by or []), event)
            span = rule.timespan.seconds
            ends = database.execute(f"{query} ORDER BY window_end") if inside else []
            for end, keys in ends:
                group = tuple(str(value) for value in json.loads(keys).values())
                is_in = group in inside and event[TIME] <= end <= event[TIME] + span
                if is_in and end > quiet.get((rule.title, group), float("-inf")):
                    quiet[rule.title, group] = end + span
                    alerts[rule.title].append(event[ID])
    database.close()
    return alerts


def compare(folder: Path, program: Path, work: Path) -> int:
    """Holds the recorded alerts of the cases against the oracle, and both sides' alerts on streams made of them."""
    work.mkdir(parents=True, exist_ok=True)
    cases = [Case(path.parent) for path in sorted(folder.glob("*/rules.yml"))]
    judged = alerts = wrong = 0
    for case in cases:
        for number, lines in enumerate(case.streams()):
            theirs = due(case, lines)
            ours = beewolf(program, case, lines, work)
            if number == 0 and case.recorded != {title: found for title, found in theirs.items() if found}:
                wrong += 1
                print(f"{case.name}: the recorded alerts are not the oracle's: {json.dumps(theirs)}")
            for title, found in theirs.items():
                judged += len(lines)
                alerts += len(found)
                if found != ours[title]:
                    wrong += 1
                    print(f"{case.name}, stream {number}: {title} is due at {found} and came at {ours[title]}")
    rules = sum(len(case.correlations) for case in cases)
    print(f"{rules} correlations, {len(cases) * (STREAMS + 1)} streams, {judged} verdicts, {alerts} of them alerts; "
          f"{wrong} differences open")
    return 1 if wrong else 0


def beewolf(program: Path, case: Case, lines: list[Row], work: Path) -> Alerts:
    """The alerts of a replay, none of them taken for repeats."""
    recording, config = work / f"{case.name}.jsonl", work / "beewolf.yml"
    with recording.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in [{"beewolf": HEADER}, *lines])
    config.write_text("deduplication: {window: 0s}\n", encoding="utf-8")
    command = [str(program), "replay", str(recording), "--rules", str(case.rules), "--config", str(config)]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    alerts: Alerts = {one.rule.title: [] for one in case.correlations}
    for alert in map(json.loads, done.stdout.splitlines()):
        alerts[alert["rule"]["name"]].append(int(alert["event"]["id"]))
    return alerts
