"""What holds in whatever project, whatever is done in it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from bot.commands import guard_holds
from bot.flow.book import Book
from bot.flow.fold import fold
from bot.flow.interpreter.advance import advance
from bot.flow.interpreter.given import Given
from bot.flow.read import read
from bot.model import Facts, Frame, Json, Move, Popped, Pushed, Reopened, State
from tests.bot.flow.generated import Answer, outcomes, projects, talks
from tests.bot.flow.script import Talk, project
from tests.faults.scale import PROJECT_EXAMPLES

Turns = Sequence[tuple[int, Sequence[Given | Answer]]]


def made(flows: str) -> Book:
    with tempfile.TemporaryDirectory() as folder:
        return read(project(Path(folder), flows))


@pytest.mark.timeout(60 + 3 * PROJECT_EXAMPLES)
@settings(
    max_examples=PROJECT_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(projects(), talks, outcomes)
def test_whatever_is_done_the_flows_keep_their_promises(flows: str, turns: Turns, results: dict[str, Json]) -> None:
    talk = Talk(made(flows), results)
    for minutes, chosen in turns:
        things = [each.given(talk.book, talk.state) if isinstance(each, Answer) else each for each in chosen]
        talk.now += timedelta(minutes=minutes)
        state, at = talk.state, len(talk.moves)
        again = advance(talk.book, state, things, talk.facts, talk.epoch)
        assert again == advance(talk.book, state, things, talk.facts, talk.epoch)  # the same gives the same
        talk.give(*things)
        assert folded(talk.moves) == talk.state
        assert every_question_can_be_asked(talk.book, talk.state)
        assert guards_passed(talk.book, state, talk.moves[at:], talk.facts)
        assert no_frame_is_lost(talk.moves, talk.state.stack)
    decoded = msgspec.json.decode(msgspec.json.encode(talk.moves), type=list[Move])
    assert folded(decoded) == talk.state  # as it comes from the log


def test_asking_again_opens_no_guarded_flow(tmp_path: Path) -> None:
    """A random project found it: the flow that makes the guard true was in progress, so the guard was passed over."""
    shared = "slots: {known: {type: text, scope: conversation}}"
    flows = f"""
flow: guarded
about: x
when: known == "x"
needs: opens
{shared}
steps: [{{say: Inside.}}]
---
flow: opens
about: y
{shared}
steps: [{{ask: known, say: The word?, always_ask: true}}]
"""
    talk = Talk(read(project(tmp_path, flows)))
    assert talk.do("/start guarded") == ["The word?"]
    assert talk.do("/start guarded") == ["The word?"]
    assert talk.do("/set known=x")[-1] == "Inside."
    assert talk.at == []


def folded(moves: Sequence[Move]) -> State:
    state = State()
    for move in moves:
        state = fold(state, move)
    return state


def every_question_can_be_asked(book: Book, state: State) -> bool:
    """The topmost flow waits for a slot it has, at the step that asks for it; so does each below that waits."""
    for frame in state.stack:
        flow = book.flow_of(frame)
        if flow is None or (frame.step and frame.step not in flow.steps):
            return False
        if frame.asking and not (frame.asking in flow.slots and book.pending(State(stack=(frame,)))):
            return False
    return True


def guards_passed(book: Book, state: State, moves: Sequence[Move], facts: Facts) -> bool:
    """Nobody calls the guarded flow here, so whoever comes in came by a command."""
    for move in moves:
        comes_in = (isinstance(move, Pushed) and move.frame.flow == "guarded") or (
            isinstance(move, Reopened) and state.ended is not None and state.ended.flow == "guarded"
        )
        if comes_in and not guard_holds(book.flows["guarded"], state, facts):
            return False
        state = fold(state, move)
    return True


def no_frame_is_lost(moves: Sequence[Move], stack: Sequence[Frame]) -> bool:
    """What was pushed or opened again was popped, once each time, or stands on the stack, once."""
    begun = [move.frame.id for move in moves if isinstance(move, Pushed)]
    pushed = [move.frame.id for move in moves if isinstance(move, Pushed)]
    pushed += [move.frame for move in moves if isinstance(move, Reopened)]
    popped = [move.frame for move in moves if isinstance(move, Popped)]
    return sorted([*popped, *(frame.id for frame in stack)]) == sorted(pushed) and len(set(begun)) == len(begun)
