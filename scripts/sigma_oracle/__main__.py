"""The command line; see the package's comment."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import yaml

from . import correlations, events, rules, verdicts
from . import decided as decisions


def logsource_text(logsource: tuple[str | None, ...]) -> str:
    names = ("category", "product", "service")
    return ",".join(f"{name}={value}" for name, value in zip(names, logsource) if value)


def by_logsource(all_rules: list[rules.Rule]) -> dict[tuple[str | None, ...], list[rules.Rule]]:
    groups: dict[tuple[str | None, ...], list[rules.Rule]] = {}
    for rule in all_rules:
        groups.setdefault(rule.logsource, []).append(rule)
    return groups


def compare(given: argparse.Namespace) -> int:
    placeholders = yaml.safe_load(given.placeholders.read_text(encoding="utf-8")) if given.placeholders else {}
    more = ["--sigma-placeholders", str(given.placeholders)] if given.placeholders else []
    loaded, filters, problems = rules.load(given.rules, placeholders)
    given.work.mkdir(parents=True, exist_ok=True)
    total = matching = 0
    silent: set[str] = set()
    decided: Counter[decisions.Decision] = Counter()
    differing: list[dict[str, object]] = []
    settled: list[dict[str, object]] = []
    for logsource, group in sorted(by_logsource(loaded).items(), key=lambda item: str(item[0])):
        name = logsource_text(logsource)
        made = [event for rule in group for event in events.of_rule(rule)]
        path = given.work / f"{name.replace(',', '_').replace('=', '-')}.jsonl"
        verdicts.write(made, path)
        began = time.monotonic()
        theirs, unjudged = verdicts.oracle(group, made)
        middle = time.monotonic()
        problems.extend(unjudged)
        judged = {rule.id: rule for rule in group}
        for problem in unjudged:
            judged.pop(problem.split(":")[0])
        files = [rule.path for rule in group] + filters
        found = verdicts.beewolf(given.beewolf, files, path, name, more)
        ours = {verdict for verdict in found if verdict[0] in judged}
        total += len(made) * len(judged)
        matching += len(theirs)
        silent |= judged.keys() - {rule for rule, _ in theirs}
        for rule, line in sorted(theirs ^ ours):
            event = made[line - 1]
            decision = decisions.decision(judged[rule], event)
            difference = {"rule": rule, "logsource": name, "oracle": (rule, line) in theirs, "event": event}
            if decision:
                decided[decision] += 1
                settled.append({"decision": decision.name} | difference)
            else:
                differing.append(difference)
        print(f"{name}: {len(group)} rules, {len(made)} events, {middle - began:.1f} s and "
              f"{time.monotonic() - middle:.1f} s", file=sys.stderr)
    for file_name, found_ones in (("differences.jsonl", differing), ("decided.jsonl", settled)):
        with (given.work / file_name).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(difference) + "\n" for difference in found_ones)
    for problem in problems:
        print(f"not judged by the oracle: {problem}")
    for rule in sorted(silent):
        print(f"no event matches, for the oracle either: {rule}")
    for difference in differing[: given.show]:
        print(f"differs: {json.dumps(difference)}")
    for decision, count in decided.most_common():
        print(f"{count} differ and are decided ({decision.name}): {decision.sentence}")
    print(f"{len(loaded)} rules, {total} verdicts, {matching} of them matches; {len(problems)} rules not judged by the "
          f"oracle; {sum(decided.values())} differences decided, {len(differing)} open")
    return 1 if differing else 0


def cases(given: argparse.Namespace) -> int:
    """The verdicts recorded in the cases of a folder against the oracle's."""
    wrong = judged = 0
    for case in sorted(path.parent for path in given.folder.glob("*/rules.yml")):
        lines = [json.loads(line) for line in (case / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        # The oracle has no arrays and no objects.
        flat = [not any(isinstance(value, (dict, list)) for value in line.values()) for line in lines]
        recorded = verdicts.recorded(case / "expected")
        given_for = case / "placeholders.yml"
        placeholders = yaml.safe_load(given_for.read_text(encoding="utf-8")) if given_for.exists() else {}
        loaded, _, problems = rules.load(case / "rules.yml", placeholders)
        theirs, unjudged = verdicts.oracle(loaded, [line if plain else {} for line, plain in zip(lines, flat)])
        for problem in problems + unjudged:
            print(f"{case.name}: not judged by the oracle: {problem}")
        without = {problem.split(":")[0] for problem in problems + unjudged}
        for rule in loaded:
            if rule.id in without:
                continue
            if rule.id not in recorded:
                print(f"{case.name}: the oracle takes {rule.id}, which is refused here")
                continue
            for number, (line, plain) in enumerate(zip(lines, flat), 1):
                judged += plain
                if not plain or ((rule.id, number) in theirs) == (number in recorded[rule.id]):
                    continue
                decision = decisions.decision(rule, line)
                wrong += decision is None
                print(f"{case.name}: {rule.id} differs on line {number} "
                      f"({decision.name if decision else 'open'}): {json.dumps(line, ensure_ascii=False)}")
    print(f"{judged} recorded verdicts held against the oracle, {wrong} differences open")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="sigma_oracle")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("compare", help="hold all verdicts of both sides against each other")
    one.add_argument("--rules", type=Path, required=True)
    one.add_argument("--beewolf", type=Path, required=True)
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--placeholders", type=Path)
    one.add_argument("--show", type=int, default=20, help="open differences that are printed")
    one.set_defaults(run=compare)
    two = commands.add_parser("cases", help="hold the verdicts recorded in the cases of a folder against the oracle")
    two.add_argument("folder", type=Path)
    two.set_defaults(run=cases)
    three = commands.add_parser("correlations", help="hold the alerts of correlations against each other")
    three.add_argument("folder", type=Path)
    three.add_argument("--beewolf", type=Path, required=True)
    three.add_argument("--work", type=Path, required=True)
    three.set_defaults(run=lambda given: correlations.compare(given.folder, given.beewolf, given.work))
    given = parser.parse_args()
    return given.run(given)


if __name__ == "__main__":
    sys.exit(main())
