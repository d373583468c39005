"""Which steps and branches conversations took."""

from __future__ import annotations

from pathlib import Path

from bot.flow.read import read as read_flows
from config.talks.coverage import coverage, total
from tests.config.talks.project import played

FLOWS = """
flow: weigh
about: The customer weighs something.
examples: [weigh it]
slots: {kilos: {type: integer}, sure: {type: yes_no}}
steps:
  - ask: kilos
    say: How much?
    tries: 1
    stuck:
      - say: Never mind then.
  - when: kilos > 9
    then:
      - say: Heavy.
    else:
      - say: Light.
  - when: kilos
    switch:
      "1": [{say: One.}]
      "2": [{say: Two.}]
"""


def told(folder: Path, *lines: str) -> tuple[list[str], float]:
    entries = "".join(f"  - customer: {line}\n" for line in lines)
    results = played(folder, f"test: t\ntalk:\n{entries}  - expect: {{said: ''}}\n", flows=FLOWS)
    (found,) = coverage(read_flows(folder), [(result.begun, result.events) for result in results])
    return [f"{mark.line}:{mark.column} {what}" for mark, what in found.missing], round(total([found]), 1)


def test_what_was_never_taken_is_told_with_its_place(tmp_path: Path) -> None:
    assert told(tmp_path, "weigh it", "12") == (
        [
            "6:5 step 'ask_kilos': 'stuck' is never taken",
            "10:9 step 'say_1' is never taken",
            "11:5 step 'when_1': 'else' is never taken",
            "15:9 step 'say_2' is never taken",
            "16:5 step 'when_2': 'case 1' is never taken",
            "16:5 step 'when_2': 'case 2' is never taken",
            "18:13 step 'say_4' is never taken",
            "19:13 step 'say_5' is never taken",
        ],
        38.5,
    )


SILENT = """
flow: weigh
about: The customer weighs something.
examples: [weigh it]
slots: {kilos: {type: integer}, plan: {type: text}}
steps:
  - ask: kilos
    say: How much?
    quiet: [{after: 10m, say: There?}, {after: 1d, cancel: true}]
  - handoff: service
    nobody: [{say: Nobody.}]
  - agent: Agree on a plan.
    fills: [plan]
    stuck: [{say: No plan.}]
"""
ALL = """
test: silent
talk:
  - customer: weigh it
  - expect: {ask: kilos}
  - advance: 10m
  - expect: {said: "There?"}
LATER
---
test: closed
given: {now: 2026-03-01T10:00Z}
talk:
  - customer: weigh it
  - customer: "3"
  - expect: {said: No plan.}
---
test: open
talk:
  - customer: weigh it
  - customer: "3"
  - expect: {handoff: {queue: service}}
  - agent: takes_over
    name: Jo
  - agent: {hands_back: resume}
  - expect: {said: No plan.}
"""
HOURS = """
assistant: Ada
languages: [en]
queues: [service, returns]
hours: {mon-fri: "09:00-17:00"}
"""


def silent(folder: Path, later: str) -> list[str]:
    results = played(folder, ALL.replace("LATER", later), flows=SILENT, header=HOURS)
    (found,) = coverage(read_flows(folder), [(result.begun, result.events) for result in results])
    return [f"{mark.line}:{mark.column} {what}" for mark, what in found.missing]


def test_silence_closed_doors_and_a_model_that_gets_nowhere_are_branches(tmp_path: Path) -> None:
    assert silent(tmp_path, "") == ["6:5 step 'ask_kilos': 'quiet 2' is never taken"]


def test_each_silence_is_a_branch_of_its_own(tmp_path: Path) -> None:
    assert silent(tmp_path, "  - advance: 1d\n  - expect: {outcome: cancelled}") == []


def test_several_conversations_take_everything_together(tmp_path: Path) -> None:
    lines = ("weigh it", "12", "weigh it", "1", "weigh it", "2", "weigh it", "blue")
    assert told(tmp_path, *lines) == ([], 100.0)


def test_a_project_without_a_visit_has_nothing_covered(tmp_path: Path) -> None:
    assert told(tmp_path, "/human")[1] == 0
