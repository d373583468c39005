"""How a conversation test reads on a screen: what was said, what the flows did, what was expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bot.commands import slash
from bot.fit import plain, words
from bot.model import (
    Acted,
    Acting,
    Applied,
    Armed,
    Asked,
    Card,
    Choices,
    Controlled,
    Deleted,
    Dequeued,
    Did,
    Disarmed,
    Discarded,
    Echoed,
    Edited,
    Emptied,
    Entered,
    Event,
    Filled,
    Knew,
    Message,
    Migrated,
    Move,
    Moved,
    Noted,
    Offered,
    Opened,
    Partial,
    Picked,
    Popped,
    Pressed,
    Pushed,
    Queued,
    Raised,
    Rang,
    Reachable,
    Reacted,
    Recalled,
    Refused,
    Remembered,
    Reopened,
    Returned,
    Rewound,
    Said,
    Settled,
    Signalled,
    Spoke,
    Submitted,
    Turned,
    Viewed,
    Voided,
)
from config.talks.room import Call, Stretch
from config.talks.run import Failure, Result
from config.talks.spell import spell
from config.talks.talk import Wanted

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
    body = event.body
    match body:
        case Said(message):
            yield _line(event.author.name or event.author.kind, _message(message))
        case Pressed(_, label):
            yield _line("customer", f"presses [{label}]")
        case Opened(payload):
            yield _line("customer", f"opens {payload}".rstrip())
        case Edited(message):
            yield _line("customer", f"writes anew: {_message(message)}")
        case Deleted(ref):
            yield _line("customer", f"takes message {ref} back")
        case Submitted(_, values):
            yield _line("customer", f"fills in {spell(values)}")
        case Reacted(emoji):
            yield _line("customer", f"reacts {emoji}")
        case Viewed() | Reachable() | Migrated():
            pass  # nothing of it shows in a talk
        case Echoed(message, _, _, name):
            yield _line(name or "somebody", _message(message))
        case Noted(note):
            yield _line("note", note)
        case Controlled(control, was, _, why):
            yield _line("", f"control {was} -> {control.state} ({why})")
        case Returned(how, by, instruction):
            yield _line(by, f"hands back: {how} {instruction}".rstrip())
        case Rang():
            yield _line("", "a timer rings")
        case Signalled(name, value):
            yield _line("event", f"{name} {spell(value)}")
        case Settled(status, reason):
            yield _line("", f"{status} {reason}".rstrip())
        case Turned(responder, moves, declined):
            for name, why in declined[1:]:  # the desk is always asked first
                yield _line("", f"{name} declines: {why}")
            yield _line("", f"{responder} takes the turn")
            for move in moves:
                if told := _move(move, calls):
                    yield _line("", told)
        case Discarded(messages):
            yield _line("", f"not said any more: {'; '.join(map(words, messages))}")
        case Partial(seen):
            yield _line("bot", f"{seen}…")
        case Acting() | Acted():
            pass  # its `Did` tells
        case _:
            assert_never(body)


def _move(move: Move, calls: list[Call]) -> str:
    match move:
        case Applied(command, source):
            return f"{slash(command)} (by {source})"
        case Refused(command, source, why):
            return f"{slash(command)} (by {source}) is refused: {why}"
        case Pushed(frame):
            return f"flow {frame.flow} begins"
        case Popped(_, outcome):
            return f"the flow ends: {outcome}"
        case Entered(_, step):
            return f"step {step}"
        case Rewound(_, step):
            return f"back before step {step}"
        case Filled(slot, value):
            return f"{slot} = {spell(value)}"
        case Emptied(slot):
            return f"{slot} is known no longer"
        case Asked(_, slot, tries):
            return f"asks {slot}{f', try {tries + 1}' if tries else ''}" if slot else ""
        case Picked(_, values):
            return f"chosen so far: {', '.join(values) or 'nothing'}"
        case Did(_, _, action):
            return _call(action, calls)
        case Reopened():
            return "the flow that had ended goes on"
        case Raised(frame):
            return f"flow of frame {frame} comes up"
        case Queued(start):
            return f"{slash(start)} waits"
        case Armed(timer):
            return f"timer {timer.name} of step {timer.step} runs until {timer.due_at:%Y-%m-%d %H:%M:%S}"
        case Moved():
            return "the flow goes on in a newer version"
        case Remembered(name, value):
            return f"event {name} {spell(value)} is remembered"
        case Spoke(language):
            return f"language {language}"
        case Dequeued() | Offered() | Voided() | Disarmed() | Recalled() | Knew():
            return ""
        case _:
            assert_never(move)


def _call(action: str, calls: list[Call]) -> str:
    call = next((call for call in calls if call.action == action), None)
    if call is None:
        return f"did {action}"
    calls.remove(call)
    gave = f"failed: {call.error}" if call.error else spell(call.gave)
    return f"did {action} {spell(dict(call.args))} -> {gave}"


def _message(message: Message) -> str:
    labels = [option.label for part in message.parts if isinstance(part, Choices | Card) for option in part.options]
    texts = (part.prompt if isinstance(part, Choices) else plain(part) for part in message.parts)
    said = " / ".join(line for text in texts for line in text.split("\n") if line)
    return f"{said}  [{' | '.join(labels)}]" if labels else said


def _line(who: str, what: str) -> str:
    return f"    {who:<{_WIDE}}{what}"
