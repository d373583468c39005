"""Two folds, written apart, come to the same; so where they differ over a stored state, one of them is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.flow.fold import fold_event
from bot.model import (
    SYSTEM,
    Applied,
    Armed,
    Asked,
    Body,
    Chat,
    Clarify,
    Control,
    Controlled,
    Dequeued,
    Did,
    Disarmed,
    Emptied,
    Entered,
    Event,
    Filled,
    Forgotten,
    Frame,
    Knew,
    Move,
    Moved,
    Offer,
    Offered,
    Picked,
    Popped,
    Pushed,
    Queued,
    Raised,
    Recalled,
    Remembered,
    Reopened,
    Returned,
    Rewound,
    Settled,
    Spoke,
    Start,
    State,
    Timer,
    Turned,
    Voided,
)
from bot.testing.clock import START
from tests.faults.second_fold import folded, normal

names = st.sampled_from(["a", "b", "c"])
ids = st.integers(0, 4)
places = st.integers(-1, 4)
kinds: Any = st.sampled_from(["quiet", "wait"])
instants = st.integers(0, 5).map(lambda seconds: START + timedelta(seconds=seconds / 2))
timers = st.builds(Timer, frame=ids, step=names, name=kinds, due_at=instants, n=st.integers(0, 1))
values = st.sampled_from(["", "A-17", 0, 3, None, False, [], ["x"], {"y": 0}])
offers = st.builds(Offer, token=names, value=names, label=names, epoch=st.integers(0, 2))
moves = st.one_of(
    st.builds(
        Pushed,
        st.builds(
            Frame, id=st.just(0), flow=names, version=st.just("1"), caller=ids, step=names, pattern=st.booleans()
        ),
    ),
    st.builds(Popped, frame=ids, outcome=names, reopens=st.booleans()),
    st.builds(Reopened, frame=ids),
    st.builds(Forgotten),
    st.builds(Picked, frame=ids, values=st.lists(names, max_size=2).map(tuple)),
    st.builds(Remembered, names, values),
    st.builds(Recalled, st.sampled_from(["", "a", "b"])),
    st.builds(Applied, by=st.sampled_from([Clarify(), Chat()]), source=st.just("rule")),
    st.builds(Raised, frame=ids),
    st.builds(Entered, frame=ids, step=names, reads=st.lists(names, max_size=2).map(tuple)),
    st.builds(Rewound, frame=ids, step=names, kept=st.integers(0, 2)),
    st.builds(
        Moved,
        frame=ids,
        version=names,
        step=names,
        steps=st.dictionaries(names, st.sampled_from(["", "b", "d"]), max_size=2),
    ),
    st.builds(Filled, slot=names, value=values, frame=places, result=st.booleans()),
    st.builds(Emptied, slot=names, frame=places),
    st.builds(Armed, timers),
    st.builds(Disarmed, name=kinds, frame=ids),
    st.builds(Knew, st.dictionaries(names, values, max_size=2)),
    st.builds(Asked, frame=ids, slot=st.sampled_from(["", "a"]), tries=st.integers(0, 2)),
    st.builds(Did, frame=ids, step=names, action=names, effect=st.sampled_from(["read", "write", "money"])),
    st.builds(Offered, st.lists(offers, max_size=60).map(tuple)),
    st.builds(Voided, st.lists(names, max_size=2).map(tuple)),
    st.builds(Queued, st.builds(Start, names, st.dictionaries(names, values, max_size=1))),
    st.builds(Dequeued),
    st.builds(Spoke, names),
)
bodies = st.one_of(
    st.builds(Turned, names, st.lists(moves, max_size=12).map(tuple)),
    st.builds(Turned, names, st.lists(moves, max_size=12).map(tuple)),
    st.just(Settled("resolved")),
    st.builds(lambda epoch: Controlled(Control("bot", epoch), "human", SYSTEM), st.integers(0, 2)),
    st.just(Returned("resume", "Mara")),
)


@given(st.lists(bodies, max_size=12))
def test_both_folds_come_to_the_same(log: list[Body]) -> None:
    log = list(_numbered(log))
    state = State()
    for seq, body in enumerate(log, 1):
        state = fold_event(state, Event(seq, START, SYSTEM, body))
    again = folded(((seq, _plain(body)) for seq, body in enumerate(log, 1)), heard=len(log))
    assert normal(again, 0) == normal(_plain(state), 0)


def test_what_is_remembered_of_a_long_flow_is_cut_alike() -> None:
    steps: list[Move] = [Entered(1, f"s{n}") for n in range(500)]
    effects: list[Move] = [Did(1, f"s{n}", "book", "write") for n in range(500)]
    log = Turned("in_flow", (Pushed(Frame(1, "long", "1")), *steps, *effects))
    state = fold_event(State(), Event(1, START, SYSTEM, log))
    assert normal(folded([(1, _plain(log))], heard=1), 0) == normal(_plain(state), 0)


def test_what_happened_outside_is_cut_alike() -> None:
    log = Turned("in_flow", tuple(Remembered(f"s{n}", n) for n in range(30)))
    state = fold_event(State(), Event(1, START, SYSTEM, log))
    assert list(state.signals) == [f"s{n}" for n in range(20, 30)]
    assert normal(folded([(1, _plain(log))], heard=1), 0) == normal(_plain(state), 0)


def _numbered(log: Iterable[Body]) -> Iterator[Body]:
    """The id of a frame is never used twice."""
    frames = count(1)
    for body in log:
        if isinstance(body, Turned):
            moves = (
                Pushed(replace(move.frame, id=next(frames))) if isinstance(move, Pushed) else move
                for move in body.moves
            )
            body = replace(body, moves=tuple(moves))
        yield body


def _plain(struct: Body | State) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(struct))
    return found
