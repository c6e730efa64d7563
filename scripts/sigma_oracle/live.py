"""Linux rules for process creations, shown live: each one's own event is acted out, harmlessly.

The program that an event names is a copy of true(1) under that name, below a folder of its own; its
parent, where the rule asks for one, is a copy of bash. Nothing else is done.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from . import events, rules

# What can be acted out by starting a program.
FIELDS = {"Image", "CommandLine", "ParentImage"}
# Seconds for the sensor to attach, and to say the last alert.
PATIENCE = 60


class Act:
    """The start of a program, as a rule wants it."""

    def __init__(self, rule: rules.Rule, event: events.Event, folder: Path) -> None:
        self.rule = rule
        image = str(event.get("Image", "/program"))
        self.image = folder / image.lstrip("/")
        self.command = str(event.get("CommandLine", self.image)).split(" ")
        parent = event.get("ParentImage")
        self.parent = folder / "parents" / str(parent).lstrip("/") if parent else None

    def run(self, group: Path) -> None:
        copy("/bin/true", self.image)

        def enter() -> None:
            (group / "cgroup.procs").write_text("0")

        command, executable = self.command, str(self.image)
        if self.parent:
            copy("/bin/bash", self.parent)
            # A subshell, so that the parent is there when the child starts.
            script = 'name=$2; image=$1; shift 2; (exec -a "$name" "$image" "$@"); :'
            command = ["bash", "-c", script, "act", executable, *self.command]
            executable = str(self.parent)
        subprocess.run(
            command,
            executable=executable,
            preexec_fn=enter,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )


def copy(program: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy(program, place)


def acts(folder: Path, loaded: list[rules.Rule]) -> Iterator[Act]:
    """One for each rule that a program's start alone can match."""
    for rule in loaded:
        if rule.logsource[:2] != ("process_creation", "linux"):
            continue
        possible = (event for event in events.of_rule(rule) if set(event) <= FIELDS and "CommandLine" in event)
        event = next(possible, None)
        # What is nobody's path, or no argument, cannot be acted out.
        if event and not any("\0" in str(value) or ".." in str(value) for value in event.values()):
            yield Act(rule, event, folder / rule.id)


def watch(beewolf: str, folder: Path, group: Path) -> subprocess.Popen[str]:
    sensor = subprocess.Popen(
        [beewolf, "run", "--no-replay", "--output", "json", "--scope-cgroup", str(group), "--rules", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert sensor.stderr
    for line in sensor.stderr:
        if line.startswith("watching "):
            return sensor
    raise SystemExit("the sensor does not watch")


def main() -> int:
    parser = argparse.ArgumentParser(prog="sigma_oracle.live", description=__doc__)
    parser.add_argument("--rules", type=Path, required=True, help="folder with Sigma rules")
    parser.add_argument("--beewolf", required=True, help="the program")
    parser.add_argument("--cgroup", type=Path, required=True, help="a cgroup of version 2, made for this")
    parser.add_argument("--least", type=int, default=30, help="rules that must alert")
    given = parser.parse_args()
    loaded, _, _ = rules.load(given.rules, {})
    with tempfile.TemporaryDirectory() as name:
        done = list(acts(Path(name), loaded))
        sensor = watch(given.beewolf, given.rules, given.cgroup)
        try:
            for act in done:
                act.run(given.cgroup)
        finally:
            sensor.send_signal(signal.SIGINT)
            out, _ = sensor.communicate(timeout=PATIENCE)
    alerted = {json.loads(line).get("rule", {}).get("id") for line in out.splitlines()}
    silent = [act.rule for act in done if act.rule.id not in alerted]
    for rule in silent:
        print(f"silent: {rule.id} {os.path.relpath(rule.path, given.rules)}")
    print(f"{len(done) - len(silent)} of {len(done)} rules for Linux process creations alerted live")
    return 0 if len(done) - len(silent) >= given.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
