"""The vocabulary of commands: their slash forms, and what is refused before it is applied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.commands import check, parse_slash, slash
from bot.flow.book import Book
from bot.model import (
    Cancel,
    Chat,
    Clarify,
    Command,
    CommandSource,
    Facts,
    Frame,
    Human,
    Json,
    Lookup,
    Refuse,
    Repeat,
    Restart,
    Resume,
    Set,
    Skip,
    Start,
    State,
    Unset,
)
from tests.bot.flow.script import NOW, book

FORMS: list[tuple[str, Command]] = [
    ("/start return_item", Start("return_item")),
    ("/start return_item order=A-17", Start("return_item", {"order": "A-17"})),
    ('/start f a="two words" b=x', Start("f", {"a": "two words", "b": "x"})),
    ("/set order=A-18", Set("order", "A-18")),
    ("/set note=two = 2 words", Set("note", "two = 2 words")),
    ("/unset order", Unset("order")),
    ("/cancel", Cancel()),
    ("/cancel all", Cancel("all")),
    ("/cancel handoff", Cancel("handoff")),
    ("/resume", Resume()),
    ("/resume return_item", Resume("return_item")),
    ("/clarify a b", Clarify(("a", "b"))),
    ("/skip", Skip()),
    ("/repeat", Repeat()),
    ("/lookup how long?", Lookup("how long?")),
    ("/chat", Chat()),
    ("/human", Human()),
    ("/human it is urgent", Human(note="it is urgent")),
    ("/human (stuck) twice", Human("stuck", "twice")),
    ("/restart", Restart()),
    ("/refuse void", Refuse("void")),
]


@pytest.mark.parametrize(("form", "command"), FORMS, ids=[form for form, _ in FORMS])
def test_every_command_has_a_slash_form(form: str, command: Command) -> None:
    assert (parse_slash(form), slash(command)) == (command, form)


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "",
        "/",
        "/nonsense",
        "/start",
        "/start a b",
        "/start a-b",
        '/start a b="open',
        "/set order",
        "/set =x",
        "/set a b=x",
        "/unset",
        "/cancel everything",
        "/resume a b",
        "/skip now",
        "/lookup",
        "/set a=" + "x" * 5000,
        "//start a",
        "/ start a",
    ],
)
def test_what_is_no_command_is_words(line: str) -> None:
    assert parse_slash(line) is None


@given(st.dictionaries(st.from_regex("[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.text(max_size=40), max_size=4))
def test_values_survive_their_slash_form(slots: dict[str, str]) -> None:
    assert parse_slash(slash(Start("f", dict(slots)))) == Start("f", dict(slots))


@given(st.text(max_size=200))
def test_parsing_is_total(line: str) -> None:
    for text in (line, f"/{line}", f"/start {line}", f"/start f a={line}", f"/set {line}", f"/human {line}"):
        parse_slash(text)


FLOWS = """
flow: open
about: x
slots:
  order: {type: order_id}
  count: {type: integer, optional: true}
  sure: {type: yes_no, always_ask: true}
steps:
  - {ask: order, say: Which?}
  - {ask: count, say: "How many?"}
  - {ask: sure, say: Sure?}
---
flow: closed
steps: [{say: Hi}]
---
flow: guarded
about: x
when: customer.verified
steps: [{say: Hi}]
"""


def standing(asking: str) -> State:
    return State((Frame(1, "open", "", step=f"ask_{asking}", asking=asking),), frames=1)


@pytest.mark.parametrize(
    ("line", "source", "state", "checked"),
    [
        ("/start open order=a-17", "model", State(), Start("open", {"order": "A-17"})),
        ("/start open sure=yes", "model", State(), Start("open")),
        ("/start open count=some", "model", State(), "slot 'count': that is no integer"),
        ("/start open other=1", "model", State(), "flow 'open' has no slot 'other'"),
        ("/start nowhere", "model", State(), "there is no flow 'nowhere'"),
        ("/start closed", "slash", State(), "flow 'closed' is only called by others"),
        ("/start closed", "model", State(), "flow 'closed' is only called by others"),
        ("/start closed", "button", State(), Start("closed")),
        ("/start guarded", "slash", State(), "flow 'guarded' is not for this customer now"),
        ("/set order=it is a-17", "answer", standing("order"), Set("order", "A-17")),
        ("/set count=three", "answer", standing("order"), Set("count", 3)),
        ("/set order=17", "model", standing("order"), "slot 'order': that is no order_id"),
        ("/set sure=yes", "model", standing("order"), "slot 'sure' is only set while it is asked for"),
        ("/set sure=yes", "model", standing("sure"), Set("sure", True)),
        ("/set order=A-17", "model", State(), "no flow in progress has a slot 'order'"),
        ("/unset order", "model", State(), "no flow in progress has a slot 'order'"),
        ("/skip", "rule", State(), "no question is pending"),
        ("/skip", "rule", standing("order"), "slot 'order' is not optional"),
        ("/skip", "rule", standing("count"), Skip()),
        ("/resume closed", "model", standing("order"), "flow 'closed' is not in progress"),
        ("/resume", "model", State(), Resume()),
        ("/clarify open closed open nowhere", "model", State(), Clarify(("open",))),
        ("/clarify closed", "model", State(), "none of ['closed'] is a flow customers can ask for"),
    ],
)
def test_a_command_is_checked_against_guard_scope_and_type(
    tmp_path: Path, line: str, source: CommandSource, state: State, checked: Command | str
) -> None:
    command = parse_slash(line)
    assert command is not None
    facts: Facts = {"now": NOW.isoformat(), "customer": {"verified": False}}
    made = book(tmp_path, FLOWS)
    assert check(command, source, made, in_force(state, made), facts) == checked


def in_force(state: State, book: Book) -> State:
    """Its frames in the versions of this book."""
    stack = tuple(replace(frame, version=book.flows[frame.flow].version) for frame in state.stack)
    return replace(state, stack=stack)


def test_a_value_that_is_no_text_is_read_like_one(tmp_path: Path) -> None:
    made = book(tmp_path, FLOWS)
    state = in_force(standing("count"), made)
    checked = [check(Set("count", value), "model", made, state, {}) for value in (3, "3", [3], None)]
    assert checked == [Set("count", 3), Set("count", 3), *["slot 'count': that is no integer"] * 2]


NAMES = st.from_regex("[a-z_][a-z0-9_]{0,8}", fullmatch=True)
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30).map(str.strip)
SAID = WORDS.filter(bool)
JSON = st.recursive(
    st.one_of(WORDS, st.integers(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=5,
)
COMMANDS = st.one_of(
    st.builds(Start, NAMES, st.dictionaries(NAMES, JSON, max_size=3)),
    st.builds(Set, NAMES, JSON),
    st.builds(Unset, NAMES),
    st.builds(Cancel, st.sampled_from(["flow", "all", "handoff"])),
    st.builds(Resume, st.one_of(st.just(""), NAMES)),
    st.builds(Clarify, st.lists(NAMES, max_size=3).map(tuple)),
    st.just(Skip()),
    st.just(Repeat()),
    st.builds(Lookup, SAID),
    st.just(Chat()),
    st.builds(Human, st.sampled_from(["asked", "stuck", "no_evidence"]), WORDS.filter(lambda w: not w.startswith("("))),
    st.just(Restart()),
    st.builds(Refuse, SAID),
)


def as_words(command: Command) -> Command:
    """Values as they are spelled: the slot's type reads them from there."""
    match command:
        case Start(flow=flow, slots=slots):
            return Start(flow, {name: spelled(value) for name, value in slots.items()})
        case Set(slot=slot, value=value):
            return Set(slot, spelled(value).strip())
        case _:
            return command


def spelled(value: Json) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return json.dumps(value, ensure_ascii=False)


@given(COMMANDS)
def test_every_command_survives_its_slash_form(command: Command) -> None:
    assert parse_slash(slash(command)) == as_words(command)
