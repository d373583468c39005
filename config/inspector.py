"""What the inspector and the replay say of the state, in lines of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bot.model import (
    Frame,
    Json,
    State,
)
from config.telling import shown


def stack_lines(state: State) -> list[str]:
    """The topmost flow first."""
    return [_frame(frame) for frame in reversed(state.stack)]


def slot_lines(state: State) -> list[str]:
    """Of the topmost flow first, then of the conversation and of the customer."""
    return [
        f"{owner}.{name} = {shown(value)}"
        for owner, values in (
            *((frame.flow, {**frame.slots, **frame.results}) for frame in reversed(state.stack)),
            ("conversation", state.slots),
            ("customer", state.customer),
        )
        for name, value in values.items()
    ]


def pending_line(state: State) -> str:
    """Empty: nothing is asked."""
    top = state.stack[-1] if state.stack else None
    return (
        f"{top.flow} asks {top.asking}" + (f", try {top.tries + 1}" if top.tries else "") if top and top.asking else ""
    )


def differences(stored: State, folded: State) -> Iterator[str]:
    """Where two states are not the same, each with both."""
    ours, theirs = (msgspec.json.decode(msgspec.json.encode(state)) for state in (folded, stored))
    for name in sorted(ours.keys() | theirs.keys()):
        yield from _different(name, theirs.get(name), ours.get(name))


def _different(path: str, stored: Json, folded: Json) -> Iterator[str]:
    if stored == folded:
        return
    if isinstance(stored, Mapping) and isinstance(folded, Mapping):
        for name in sorted(stored.keys() | folded.keys()):
            yield from _different(f"{path}.{name}", stored.get(name), folded.get(name))
    elif isinstance(stored, list) and isinstance(folded, list) and len(stored) == len(folded):
        for at, (one, other) in enumerate(zip(stored, folded, strict=True)):
            yield from _different(f"{path}[{at}]", one, other)
    else:
        yield f"{path}: stored {shown(stored)}, folded {shown(folded)}"


def _frame(frame: Frame) -> str:
    about = f"{frame.flow} (frame {frame.id}) at {frame.step or 'its beginning'}"
    return f"{about}, called by frame {frame.caller}" if frame.caller else about
