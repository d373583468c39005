"""The log gives the state: whatever happens, folding the moves again leads where the interpreter stands."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import DEEPEST, parse_slash
from bot.flow.book import Book
from bot.flow.fold import MOST_OFFERS, MOST_STEPS, fold, fold_event
from bot.flow.interpreter.advance import BUDGET
from bot.flow.interpreter.given import Back, Given, Missed, Ordered
from bot.model import (
    SYSTEM,
    Asked,
    Author,
    Body,
    Control,
    Controlled,
    Entered,
    Event,
    Filled,
    Frame,
    Json,
    Move,
    Noted,
    Offer,
    Offered,
    Popped,
    Pushed,
    Raised,
    Returned,
    Settled,
    Start,
    State,
    Turned,
    Voided,
)
from tests.bot.flow.script import NOW, Talk, book

FLOWS = """
flow: a
about: x
slots:
  order: {type: order_id}
  why: {type: choice, of: [damaged, other]}
  note: {type: text, optional: true}
  agreed: {type: yes_no, always_ask: true}
  known: {type: text, scope: conversation}
steps:
  - {ask: known, say: Known?}
  - {ask: order, say: "Order, {{ known }}?", check: [{if: order == "A-2", say: Not that.}]}
  - {do: find, with: {order: order}, into: found, retry: 1, fails: [{say: No.}, {handoff: returns}]}
  - when: found.days > 3
    then: [{ask: why, say: "{{ found.days }}?"}]
    else: [{ask: note, say: Note?, tries: 2, stuck: {handoff: returns}}]
  - {call: b, with: {who: known}, into: called}
  - {ask: agreed, say: "Agreed, {{ order }} {{ called.outcome }}?"}
  - {when: "!agreed", then: [{goto: ask_order}]}
  - {do: book_it, with: {order: order}, into: number}
  - {ask: note, say: "{{ number }}?", always_ask: true}
  - {set: {known: note}}
---
flow: b
about: y
slots: {who: {type: text}, code: {type: integer}}
steps:
  - {ask: code, say: "Code, {{ who }}?"}
  - {when: code == 1, then: [{handoff: service, after: ask}]}
  - {when: code == 2, then: [{call: b}]}
  - {end: good}
---
flow: c
about: z
when: known == "x"
needs: d
slots: {known: {type: text, scope: conversation}}
steps: [{say: "{{ known }}"}]
---
flow: d
about: z
slots: {known: {type: text, scope: conversation}}
steps: [{ask: known, say: Known?, always_ask: true}]
---
flow: e
about: e
slots: {n: {type: integer}}
steps:
  - id: again
    when: n == 1
    then: [{end: done}]
    else: again
"""
LINES = (
    *("/start a", "/start b", "/start c", "/start d", "/start e", "/start a order=A-1 why=damaged note=x known=x"),
    *("/set order=A-1", "/set order=A-2", "/set order=A-3", "/set why=other", "/set why=nonsense", "/set note=words"),
    *("/set agreed=yes", "/set agreed=no", "/set known=x", "/set known=y", "/set code=1", "/set code=2", "/set code=3"),
    *(
        "/unset order",
        "/unset known",
        "/unset why",
        "/cancel",
        "/cancel all",
        "/cancel handoff",
        "/resume",
        "/resume a",
    ),
    *("/clarify a b", "/skip", "/repeat", "/lookup what", "/chat", "/human", "/restart", "/refuse void"),
)
SOURCES = ("slash", "button", "model", "answer", "console")

given_things: st.SearchStrategy[Given] = st.one_of(
    st.builds(
        lambda line, source: Ordered(parse_slash(line), source),  # type: ignore[arg-type]  # all of them parse
        st.sampled_from(LINES),
        st.sampled_from(SOURCES),
    ),
    st.just(Missed()),
    st.builds(Back, st.sampled_from(["resume", "restart", "free"])),
)
results = st.fixed_dictionaries(
    {
        "find": st.sampled_from([{"days": 9}, {"days": 1}, {}, "!down", None, {"days": "many"}]),
        "book_it": st.sampled_from(["R-1", "!down", "?unknown"]),
    }
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book(tmp_path_factory.mktemp("project"), FLOWS)


@settings(max_examples=300)
@given(st.lists(st.lists(given_things, max_size=3), max_size=14), results)
def test_whatever_is_ordered_the_moves_lead_where_the_flows_stand(
    made: Book, turns: list[list[Given]], outcomes: dict[str, Json]
) -> None:
    talk = Talk(made, outcomes)
    for turn in turns:
        before = len(talk.moves)
        talk.give(*turn)
        assert _folded(talk.moves) == talk.state
        assert len(talk.state.stack) <= DEEPEST
        assert len(talk.moves) - before <= 40 * BUDGET
        assert len({frame.id for frame in talk.state.stack}) == len(talk.state.stack)
    assert msgspec.json.decode(msgspec.json.encode(talk.state), type=State) == talk.state
    moves = msgspec.json.decode(msgspec.json.encode(talk.moves), type=list[Move])
    assert _folded(moves) == talk.state


def _folded(moves: list[Move]) -> State:
    state = State()
    for move in moves:
        state = fold(state, move)
    return state


moves = st.one_of(
    st.builds(Pushed, st.builds(Frame, st.integers(1, 3), st.just("f"), st.just(1), caller=st.integers(0, 3))),
    st.builds(Popped, st.integers(0, 4), st.just("done")),
    st.builds(Raised, st.integers(0, 4)),
    st.builds(Entered, st.integers(0, 4), st.just("s"), st.just(("a",))),
    st.builds(Filled, st.just("a"), st.integers(), st.integers(0, 4), st.booleans()),
    st.builds(Asked, st.integers(0, 4), st.sampled_from(["", "a"])),
)


@given(st.lists(moves, max_size=30))
def test_folding_is_total(of_anywhere: list[Move]) -> None:
    _folded(of_anywhere)


def test_what_a_state_remembers_is_bounded() -> None:
    state = fold(State(), Pushed(Frame(1, "f", "1")))
    for n in range(MOST_STEPS + 50):
        state = fold(state, Entered(1, f"s{n}"))
        state = fold(state, Offered((Offer(str(n), "/skip", "Skip", 0),)))
    assert (len(state.stack[0].read), len(state.offers)) == (MOST_STEPS, MOST_OFFERS)
    assert state.stack[0].passes == MOST_STEPS + 50


STATE = State(
    stack=(Frame(3, "f", "1"),),
    slots={"a": 1},
    offers=(Offer("t", "/skip", "Skip", 1), Offer("u", "/skip", "Skip", 2)),
    frames=3,
    queue=(Start("g"),),
    language="fr",
)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (Turned("in_flow", (Voided(),)), msgspec.structs.replace(STATE, offers=())),
        (Turned("in_flow", (Voided(("t",)),)), msgspec.structs.replace(STATE, offers=STATE.offers[1:])),
        (Settled("resolved"), State(slots={"a": 1}, frames=3, language="fr")),
        (Settled("snoozed"), STATE),
        (Controlled(Control("queued", 2), "bot", SYSTEM), msgspec.structs.replace(STATE, offers=STATE.offers[1:])),
        (Returned("resume", "Ann"), msgspec.structs.replace(STATE, marker=7)),
        (Noted("private"), STATE),
    ],
)
def test_an_entry_of_the_log_changes_the_state(body: Body, state: State) -> None:
    assert fold_event(STATE, Event(7, NOW, Author("system"), body)) == state
