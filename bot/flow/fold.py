"""What has happened gives the state. Small, pure and total: it needs no flow files and refuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, assert_never

from msgspec.structs import replace

from bot.model import (
    Applied,
    Armed,
    Asked,
    Clarify,
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
    Json,
    Knew,
    Move,
    Moved,
    Offered,
    Picked,
    Popped,
    Pushed,
    Queued,
    Raised,
    Recalled,
    Refused,
    Remembered,
    Reopened,
    Returned,
    Rewound,
    Settled,
    Spoke,
    State,
    Timer,
    Turned,
    Voided,
)

M = TypeVar("M", bound=Move)

MOST_OFFERS = 100
MOST_SIGNALS = 10
MOST_STEPS = 400
"""Of one flow, remembered for corrections; the oldest are forgotten first."""


def fold(state: State, move: Move) -> State:
    match move:  # the most frequent first: each case costs
        case Entered(frame=at):
            return _in(state, at, _entered, move)
        case Applied(by=command):
            clarified = state.clarified + 1 if isinstance(command, Clarify) else 0
            return state if clarified == state.clarified else replace(state, clarified=clarified)
        case Asked(frame=at, slot=slot):
            state = _in(state, at, _asking, move)
            return _with_callers(state, at) if slot else state
        case Pushed(frame=frame):
            ended = state.ended if frame.pattern or frame.caller else None
            return replace(state, stack=(*state.stack, frame), frames=max(state.frames, frame.id), ended=ended)
        case Popped(frame=popped, reopens=reopens):
            state = _with_effects(_disarmed(state, lambda timer: timer.frame == popped), popped)
            ended = next((frame for frame in state.stack if frame.id == popped), None) if reopens else None
            stack = tuple([frame for frame in state.stack if frame.id != popped])
            return replace(state, stack=stack, ended=ended or state.ended)
        case Filled(frame=0, slot=name, value=value):
            return replace(state, slots={**state.slots, name: value})
        case Filled(frame=-1, slot=name, value=value):
            return replace(state, customer={**state.customer, name: value})
        case Filled(frame=at):
            return _in(state, at, _filled, move)
        case Refused():
            return state
        case Offered(offers=offers):
            return replace(state, offers=(*state.offers, *offers)[-MOST_OFFERS:])
        case Voided(tokens=tokens):
            return replace(state, offers=tuple([o for o in state.offers if tokens and o.token not in tokens]))
        case Did(frame=at, effect=effect):
            return state if effect == "read" else _in(state, at, _acted, move)
        case Picked(frame=at):
            return _in(state, at, _picked, move)
        case Forgotten():
            return replace(state, ended=None)
        case Reopened(frame=at):
            ended = state.ended
            if ended is None or ended.id != at:
                return state
            return replace(state, stack=(*state.stack, ended), ended=None)
        case Emptied(frame=0, slot=name):
            return replace(state, slots=_without(state.slots, name))
        case Emptied(frame=-1, slot=name):
            return replace(state, customer=_without(state.customer, name))
        case Emptied(frame=at):
            return _in(state, at, _emptied, move)
        case Spoke(language=language):
            return replace(state, language=language)
        case Rewound(frame=at):
            state = _disarmed(state, lambda timer: timer.frame == at)
            return _in(state, at, _rewound, move)
        case Moved(frame=at):
            return _in(replace(state, timers=_moved_timers(state.timers, move)), at, _moved, move)
        case Raised(frame=raised):
            return replace(state, stack=tuple(sorted(state.stack, key=lambda frame: frame.id == raised)))
        case Queued(start=start):
            return replace(state, queue=(*state.queue, start))
        case Dequeued():
            return replace(state, queue=state.queue[1:])
        case Armed(timer=timer):
            state = _disarmed(state, lambda other: _place(other) == _place(timer))
            return replace(state, timers=tuple(sorted((*state.timers, timer), key=lambda each: each.due_at)))
        case Disarmed(name=kind, frame=at):
            return _disarmed(state, lambda timer: timer.name == kind and at in (0, timer.frame))
        case Remembered(name=name, value=value):
            known = [*_without(state.signals, name).items(), (name, value)]
            return replace(state, signals=dict(known[-MOST_SIGNALS:]))
        case Recalled(name=name):
            return replace(state, signals=_without(state.signals, name) if name else {})
        case Knew(customer=customer):
            return replace(state, customer=customer)
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
            return replace(state, stack=(), offers=(), queue=(), timers=(), ended=None, signals={})
        case Controlled(control=control):
            return replace(state, offers=tuple(offer for offer in state.offers if offer.epoch >= control.epoch))
        case Returned():
            return replace(state, marker=event.seq)
        case _:
            return state


def _in(state: State, at: int, change: Callable[[Frame, M], Frame], move: M) -> State:
    """With one frame changed: most often the topmost."""
    stack = state.stack
    if stack and stack[-1].id == at:
        return replace(state, stack=(*stack[:-1], change(stack[-1], move)))
    return replace(state, stack=tuple([change(frame, move) if frame.id == at else frame for frame in stack]))


def _disarmed(state: State, is_meant: Callable[[Timer], bool]) -> State:
    if not any(map(is_meant, state.timers)):
        return state
    return replace(state, timers=tuple([timer for timer in state.timers if not is_meant(timer)]))


def _place(timer: Timer) -> tuple[int, str, str, int]:
    return timer.frame, timer.step, timer.name, timer.n


def _entered(frame: Frame, move: Entered) -> Frame:
    read = (*frame.read, (move.step, move.reads))[-MOST_STEPS:]
    return replace(frame, step=move.step, read=read, passes=frame.passes + 1, before=False)


def _rewound(frame: Frame, move: Rewound) -> Frame:
    read = frame.read[: move.kept]
    if not frame.effects:
        return replace(frame, step=move.step, read=read, before=True)
    kept = {step for step, _ in read}
    effects = tuple([step for step in frame.effects if step in kept])
    return replace(frame, step=move.step, read=read, effects=effects, before=True)


def _moved(frame: Frame, move: Moved) -> Frame:
    read = tuple([(name, reads) for step, reads in frame.read if (name := move.steps.get(step, step))])
    effects = tuple([name for step in frame.effects if (name := move.steps.get(step, step))])
    return replace(frame, version=move.version, step=move.step, read=read, effects=effects)


def _moved_timers(timers: tuple[Timer, ...], move: Moved) -> tuple[Timer, ...]:
    """Those of steps that are gone no longer run."""
    moved = [replace(t, step=move.steps.get(t.step, t.step)) if t.frame == move.frame else t for t in timers]
    return tuple([timer for timer in moved if timer.step])


def _filled(frame: Frame, move: Filled) -> Frame:
    if move.result:
        return replace(frame, results={**frame.results, move.slot: move.value})
    return replace(frame, slots={**frame.slots, move.slot: move.value})


def _emptied(frame: Frame, move: Emptied) -> Frame:
    return replace(frame, slots=_without(frame.slots, move.slot), results=_without(frame.results, move.slot))


def _asking(frame: Frame, move: Asked) -> Frame:
    frame = replace(frame, picked=()) if frame.picked and move.slot != frame.asking else frame
    return replace(frame, asking=move.slot, tries=move.tries, asked=frame.asked or bool(move.slot))


def _picked(frame: Frame, move: Picked) -> Frame:
    return replace(frame, picked=move.values)


def _with_callers(state: State, at: int) -> State:
    """The flows that called the one that asks have asked with it."""
    callers = set[int]()
    for frame in reversed(state.stack):
        if frame.id == at and frame.caller:
            callers.add(at := frame.caller)
    if not callers:
        return state
    return replace(state, stack=tuple([replace(f, asked=True) if f.id in callers else f for f in state.stack]))


def _with_effects(state: State, popped: int) -> State:
    """What a flow that ends has done, the step has done that called it."""
    ended = next((frame for frame in state.stack if frame.id == popped), None)
    if ended is None or not ended.caller or not ended.effects:
        return state
    called = [
        replace(f, effects=(*f.effects, f.step)[-MOST_STEPS:]) if f.id == ended.caller else f for f in state.stack
    ]
    return replace(state, stack=tuple(called))


def _acted(frame: Frame, move: Did) -> Frame:
    return replace(frame, effects=(*frame.effects, move.step)[-MOST_STEPS:])


def _without(values: dict[str, Json], name: str) -> dict[str, Json]:
    return {key: value for key, value in values.items() if key != name}
