"""What goes into an advance of the flows, and what comes out of it: frozen data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from bot import model
from bot.model import Command, CommandSource, Event, HandoffRequest, How, Json, Message, Mode, Move, State, Verdict


class Ordered(Struct, frozen=True):
    command: Command
    source: CommandSource


class ActionResult(Struct, frozen=True):
    """What the action asked for gave."""

    key: str
    result: Json = None
    error: str = ""
    """Empty: it succeeded."""
    unknown: bool = False
    """Nobody can tell whether it happened: a human must look."""


class Missed(Struct, frozen=True):
    """The words were no answer to the pending question."""


class Back(Struct, frozen=True):
    """A human handed the conversation back."""

    how: How
    instruction: str = ""
    step: str = ""
    """Where to go on, for `step`."""
    verdict: Verdict = ""
    """On the action that waited for approval."""
    withdrawn: bool = False
    """No human was there: the customer waits for none any more."""


class Began(Struct, frozen=True):
    """The customer has come for the first time: what the pattern `start` does after its greeting is due."""


class Rang(Struct, frozen=True):
    """Time has passed: whatever the flows wanted to do by now is due."""


class Signal(Struct, frozen=True):
    """Something happened outside that flows may wait for."""

    name: str
    value: Json = None


Given = Ordered | ActionResult | Missed | Back | Began | Rang | Signal


def given_first(inputs: Iterable[Event]) -> list[Given]:
    """What happened otherwise than by a customer's doing; a human's return brings up what was due meanwhile."""
    given: list[Given] = []
    returned = False
    for event in inputs:
        match event.body:
            case model.Returned(how=how, instruction=instruction, verdict=verdict, step=step):
                given.append(Back(how, instruction, step, verdict))
                returned = True
            case model.Signalled(name=name, value=value):
                given.append(Signal(name, value))
    if not returned and any(isinstance(event.body, model.Rang) for event in inputs):
        given.insert(0, Rang())
    return given


class Act(Struct, frozen=True, kw_only=True):
    """An action to run; its result is given to the next `advance`."""

    key: str
    """Of frame, step, pass and inputs; the same whenever the same turn is taken again. Unique in its conversation."""
    frame: int
    step: str
    action: str
    args: dict[str, Json]
    effect: Literal["read", "write", "money"]
    timeout: timedelta


class Advance(Struct, frozen=True, kw_only=True):
    state: State
    moves: tuple[Move, ...]
    says: tuple[Message, ...]
    act: Act | None = None
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    """The customer no longer wants the human that was asked for."""
    expired: bool = False
    """Nobody has judged an action within its time: the request for it is over."""
    budget: int = 0
    """Steps that the same turn may still take: what the next advance of it is given."""
    modes: tuple[tuple[int, Mode], ...] = ()
    """Messages, by their place among `says`, that the model may say in other words."""
