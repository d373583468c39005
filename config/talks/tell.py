"""How a conversation test reads on a screen: what was said, what the flows did, what was expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.model import (
    Acted,
    Acting,
    Asked,
    Closed,
    Dequeued,
    Did,
    Disarmed,
    Event,
    Halted,
    Knew,
    Migrated,
    Move,
    Offered,
    Reachable,
    Recalled,
    Turned,
    Viewed,
    Voided,
)
from config.talks.room import Call, Stretch
from config.talks.run import Failure, Result
from config.talks.spell import spell
from config.talks.talk import Wanted
from config.telling import Told, event_told, move_line, moves_of

_WIDE = 12
"""Characters of the first column."""


def failed(result: Result) -> str:
    """Everything a reader needs to find out why a test failed."""
    lines: list[str] = []
    for failure in result.failures:
        lines += _failure(failure, result.talk.name)
    if result.failures:
        lines += ["", *transcript(result.failures[0].stretch)]
    return "\n".join(lines)


def _failure(failure: Failure, name: str) -> Iterator[str]:
    mark = failure.mark
    yield f"{mark.path}:{mark.line}:{mark.column}: {name}"
    match failure.expected:
        case Wanted(key, value):
            yield f"  {'expected':<{_WIDE}}{key}: {spell(value)}"
        case what:
            yield f"  {'expected':<{_WIDE}}{what}"
    yield f"  {'happened':<{_WIDE}}{failure.happened}"
    if failure.hint:
        yield f"  {'':<{_WIDE}}{failure.hint}"


def transcript(stretch: Stretch) -> Iterator[str]:
    """What happened since the last expectation, line by line."""
    calls = list(stretch.calls)
    if not stretch.events:
        yield _line("", "(nothing happened)")
    for event in stretch.events:
        yield from _event(event, calls)
    if stretch.state.stack:
        frame = stretch.state.stack[-1]
        known = {**frame.slots, **frame.results}
        yield _line("now", f"{frame.flow}, step {frame.step}, {spell(known)}")


def _event(event: Event, calls: list[Call]) -> Iterator[str]:
    match event.body:
        case Acting() | Acted() | Viewed() | Halted() | Closed() | Reachable() | Migrated():
            return  # what an action did its `Did` tells; of the others nothing shows in a talk
        case Turned(declined=declined):
            told = event_told(event)[1 if declined else 0 :]  # the desk is always asked first
        case _:
            told = event_told(event)
    for who, does, what in told:
        if does == "says":
            yield _line(who, what)
        elif isinstance(event.body, Turned):
            yield _line("", Told(who, does, what).line)
        else:
            yield _line(who, Told("", does, what).line)
    for move in moves_of(event):
        if line := _move(move, calls):
            yield _line("", line)


def _move(move: Move, calls: list[Call]) -> str:
    match move:
        case Did(action=action):
            return _call(action, calls)
        case Asked(slot=""):
            return ""
        case Dequeued() | Offered() | Voided() | Disarmed() | Recalled() | Knew():
            return ""
        case _:
            return move_line(move)


def _call(action: str, calls: list[Call]) -> str:
    call = next((call for call in calls if call.action == action), None)
    if call is None:
        return f"did {action}"
    calls.remove(call)
    gave = f"failed: {call.error}" if call.error else spell(call.gave)
    return f"did {action} {spell(dict(call.args))} -> {gave}"


def _line(who: str, what: str) -> str:
    return f"    {who:<{_WIDE}}{what}"
