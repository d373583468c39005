"""Patterns as they are read: those that are shipped, and those with which a project replaces them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import FlowErrors
from bot.flow import say
from bot.flow.book import Flow
from bot.flow.patterns import PATTERNS
from bot.flow.read import SHIPPED, read
from bot.flow.steps import Ask, Say
from bot.flow.texts import Wording
from bot.model import Pressed
from tests.bot.flow.script import HEADER, Talk, book, project, talk

FLOW = "flow: f\nabout: x\ntitle: F\nsteps: [{say: Hello}]"
SHELF = Path(read.__code__.co_filename).with_name("patterns")


def test_each_pattern_lies_in_a_file_of_its_name() -> None:
    assert {path.stem for path in SHELF.glob("*.yaml")} == set(PATTERNS)


def test_all_that_they_say_is_shipped_in_each_language(tmp_path: Path) -> None:
    languages = f"[{', '.join(SHIPPED)}]"
    flow = "flow: f\nabout: x\ntitle: '@skip'\nsteps: [{say: '@skip'}]"
    texts = dict.fromkeys(SHIPPED, "not_an_order: '-'")
    made = book(tmp_path, flow, header=HEADER.replace("[en]", languages), texts=texts)
    said = {wording.key: set(wording.by_language) for flow in made.patterns.values() for wording in wordings(flow)}
    assert {key: written for key, written in said.items() if written != set(SHIPPED)} == {}
    assert len(said) > 30


def wordings(flow: Flow) -> Iterator[Wording]:
    for step in flow.steps.values():
        contents = [each.content for each in step.variants] if isinstance(step, Say) else []
        for content in [step.say] if isinstance(step, Ask) else contents:
            yield from (content.text, *(option.label for option in content.options)) if content.text else ()
    for slot in flow.slots.values():
        yield from (option.label for option in slot.of if slot.type.name != "rating")  # digits are in every language


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            "pattern: cansel\nsteps: []",
            "1:10: this replaces pattern 'cansel', which is not declared; did you mean 'cancel'?",
        ),
        ("pattern: cancel", "1:1: the pattern lacks 'steps'"),
        ("pattern: cancel\nabout: x\nsteps: []", "2:1: the pattern has no key 'about'"),
        (
            "pattern: cancel\nsteps: [{say: '{{ flwo }}'}]",
            "2:15: this text names 'flwo', which is not declared; did you mean 'flow'?",
        ),
        (
            "pattern: cancel\nsteps: [{when: tries > 1, then: [{end: x}]}]",
            "2:16: 'tries > 1' names 'tries', which is neither a slot nor a result",
        ),
        (
            "pattern: start\nsteps: [{say: 'Hello {{ customer.name }}'}]",
            "1:10: pattern 'start' begins with a 'say' of a text without values, and options if you like: it is shown"
            " before anything is known of the customer",
        ),
        ("pattern: start\nsteps: []", "1:10: pattern 'start' begins with a 'say'"),
        ("pattern: end\nsteps: []\n---\npattern: end\nsteps: []", "4:10: pattern 'end' is declared twice; first in"),
    ],
)
def test_a_pattern_that_is_wrong_is_refused_at_its_place(tmp_path: Path, pattern: str, told: str) -> None:
    folder = project(tmp_path, FLOW)
    (folder / "patterns.yaml").write_text(pattern)
    with pytest.raises(FlowErrors) as refused:
        read(folder)
    assert [str(problem) for problem in refused.value.problems if f"patterns.yaml:{told}" in str(problem)] != []


def test_only_an_opinion_is_called_for_like_a_flow(tmp_path: Path) -> None:
    with pytest.raises(FlowErrors, match="names flow 'cancel', which is not declared"):
        book(tmp_path, "flow: f\nabout: x\nsteps: [{call: cancel}]")


def test_an_empty_pattern_says_nothing(tmp_path: Path) -> None:
    silenced = talk(tmp_path, f"{FLOW}\n---\npattern: cancel\nsteps: []")
    assert (silenced.do("/cancel"), silenced.do("/start f")) == ([], ["Hello"])


def test_the_assistant_s_greeting_is_what_a_conversation_begins_with(tmp_path: Path) -> None:
    header = HEADER + "greeting: Good day\nstarters: [{label: Do f, start: f}]\n"
    made = book(tmp_path, FLOW, header=header)
    assert Talk(made).shown(say.greeting(made, "en")) == ["Good day", "[Do f]"]


def test_a_start_of_the_project_s_own_takes_its_place(tmp_path: Path) -> None:
    start = "pattern: start\nsteps: [{say: {text: Welcome, quick: [{label: Begin, start: f}]}}]"
    made = talk(tmp_path, f"{FLOW}\n---\n{start}")
    assert made.shown(say.greeting(made.book, "en")) == ["Welcome", "[Begin]"]
    assert made.take(Pressed("greeting.0")) == ["Hello"]
