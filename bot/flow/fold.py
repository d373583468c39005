"""What has happened gives the state. Small, pure and total: it needs no flow files and refuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from bot.model import (
    Applied,
    Asked,
    Controlled,
    Dequeued,
    Did,
    Emptied,
    Entered,
    Event,
    Filled,
    Frame,
    Json,
    Move,
    Offered,
    Popped,
    Pushed,
    Queued,
    Raised,
    Refused,
    Returned,
    Rewound,
    Settled,
    Spoke,
    State,
    Turned,
    Voided,
)

MOST_OFFERS = 100
MOST_STEPS = 400
"""Of one flow, remembered for corrections; the oldest are forgotten first."""


def fold(state: State, move: Move) -> State:
    match move:
        case Pushed(frame=frame):
            return replace(state, stack=(*state.stack, frame), frames=max(state.frames, frame.id))
        case Popped(frame=popped):
            return replace(state, stack=tuple(frame for frame in state.stack if frame.id != popped))
        case Raised(frame=raised):
            return replace(state, stack=tuple(sorted(state.stack, key=lambda frame: frame.id == raised)))
        case Entered(frame=at, step=step, reads=reads):
            return _in(state, at, lambda frame: _entered(frame, step, reads))
        case Rewound(frame=at, step=step, kept=kept):
            return _in(state, at, lambda frame: replace(frame, step=step, read=frame.read[:kept]))
        case Filled():
            return _filled(state, move)
        case Emptied(frame=at, slot=name):
            if at == 0:
                return replace(state, slots=_without(state.slots, name))
            return _in(
                state,
                at,
                lambda frame: replace(frame, slots=_without(frame.slots, name), results=_without(frame.results, name)),
            )
        case Asked(frame=at, slot=slot, tries=tries):
            asked = _with_callers(state, at) if slot else ()
            state = _in(state, at, lambda frame: replace(frame, asking=slot, tries=tries))
            return replace(state, stack=tuple(replace(f, asked=True) if f.id in asked else f for f in state.stack))
        case Did(frame=at, step=step, effect=effect):
            if effect == "read":
                return state
            return _in(state, at, lambda frame: replace(frame, effects=(*frame.effects, step)[-MOST_STEPS:]))
        case Offered(offers=offers):
            return replace(state, offers=(*state.offers, *offers)[-MOST_OFFERS:])
        case Voided(tokens=tokens):
            return replace(state, offers=tuple(o for o in state.offers if tokens and o.token not in tokens))
        case Queued(start=start):
            return replace(state, queue=(*state.queue, start))
        case Dequeued():
            return replace(state, queue=state.queue[1:])
        case Spoke(language=language):
            return replace(state, language=language)
        case Applied() | Refused():
            return state
        case _:
            assert_never(move)


def fold_event(state: State, event: Event) -> State:
    """The state after one entry of the log; entries that do not concern the flows leave it as it is."""
    match event.body:
        case Turned(moves=moves):
            for move in moves:
                state = fold(state, move)
            return state
        case Settled(status="resolved"):
            return replace(state, stack=(), offers=(), queue=())
        case Controlled(control=control):
            return replace(state, offers=tuple(offer for offer in state.offers if offer.epoch >= control.epoch))
        case Returned():
            return replace(state, marker=event.seq)
        case _:
            return state


def _in(state: State, at: int, change: Callable[[Frame], Frame]) -> State:
    return replace(state, stack=tuple(change(frame) if frame.id == at else frame for frame in state.stack))


def _with_callers(state: State, at: int) -> tuple[int, ...]:
    found: list[int] = []
    for frame in reversed(state.stack):
        if frame.id == at:
            found.append(at)
            at = frame.caller
    return tuple(found)


def _entered(frame: Frame, step: str, reads: tuple[str, ...]) -> Frame:
    passed = (*frame.read, (step, reads))[-MOST_STEPS:]
    return replace(frame, step=step, read=passed, passes=frame.passes + 1)


def _filled(state: State, move: Filled) -> State:
    name, value = move.slot, move.value
    if move.frame == 0:
        return replace(state, slots={**state.slots, name: value})
    if move.result:
        return _in(state, move.frame, lambda frame: replace(frame, results={**frame.results, name: value}))
    return _in(state, move.frame, lambda frame: replace(frame, slots={**frame.slots, name: value}))


def _without(values: dict[str, Json], name: str) -> dict[str, Json]:
    return {key: value for key, value in values.items() if key != name}
