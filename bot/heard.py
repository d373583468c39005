"""What a turn hears of its inputs: an edit stands in for the words before it, an album is one message. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from bot.model import Edited, Event, Message, Pressed, Said, Submitted

Inputs = tuple[Event, ...]


def as_heard(inputs: Inputs) -> Inputs:
    """Every event keeps its place; what an edit or an album leaves over says nothing by itself."""
    if len(inputs) == 1:
        return inputs
    if any(isinstance(event.body, Edited) for event in inputs):
        inputs = edited(inputs)
    if any(isinstance(event.body, Said) and event.body.group for event in inputs):
        inputs = tuple(_albums(inputs))
    return inputs


def edited(events: Sequence[Event]) -> Inputs:
    """Messages with the words that they were given later, where both are among the events; none that was taken back."""
    words: dict[str, Message] = {}
    ours: dict[int, Message] = {}
    found: list[Event] = []
    for event in reversed(events):
        match event.body:
            case Edited(message=message, ref=ref) if ref:
                words.setdefault(ref, message)
            case Said(ref=ref) as said if ref in words and event.author.kind == "customer":
                event = replace(event, body=replace(said, message=words[ref]))
            case Said(message=message, revises=seq) if seq:
                ours.setdefault(seq, message)
                continue
            case Said() as said if event.seq in ours:
                if not ours[event.seq].parts:
                    continue
                event = replace(event, body=replace(said, message=ours[event.seq]))
        found.append(event)
    return tuple(reversed(found))


def _albums(inputs: Iterable[Event]) -> list[Event]:
    """The parts of an album are one message, said with the last of them."""
    found: list[Event] = []
    for event in inputs:
        before = found[-1] if found else None
        if before is not None and _group(event) and _group(event) == _group(before):
            found.pop()
            event = _joined(before, event)
        found.append(event)
    return found


def _group(event: Event) -> tuple[str, str] | None:
    """Whose album, and which."""
    body = event.body
    return (event.author.id, body.group) if isinstance(body, Said) and body.group else None


def _joined(first: Event, second: Event) -> Event:
    assert isinstance(first.body, Said)
    assert isinstance(second.body, Said)
    message = replace(first.body.message, parts=(*first.body.message.parts, *second.body.message.parts))
    return replace(second, body=replace(first.body, message=message))


def waits_for_more(inputs: Sequence[Event]) -> bool:
    """Whether the last of them may be one of several that are one message."""
    last = inputs[-1].body
    return isinstance(last, Said) and bool(last.group)


def late_edit(inputs: Inputs) -> Edited | None:
    """An edit of what was heard before, and nothing new was said until then."""
    for event in inputs:
        match event.body:
            case Edited():
                return event.body
            case Said() | Pressed() | Submitted():
                return None
    return None


def corrects(edit: Edited, past: Iterable[Event]) -> bool:
    """Whether it changes the last thing the customer did; `past`: before it, the newest first."""
    for event in past:
        match event.body:
            case Said(message=message, ref=ref) if event.author.kind == "customer":
                return ref == edit.ref and message != edit.message
            case Edited(message=message, ref=ref) if ref == edit.ref and message == edit.message:
                return False  # told twice: a platform adds a preview, say
            case Pressed() | Submitted():
                return False
    return False


def as_said(inputs: Inputs, edit: Edited) -> Inputs:
    """The edit is what the customer says now."""
    return tuple(replace(event, body=Said(edit.message, edit.ref)) if event.body is edit else event for event in inputs)
