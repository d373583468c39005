"""One advance of the flows while it runs: the state, what was given out so far, and the plainest things done to both.

The state changes by `fold` of the moves given out, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.flow import frames, say
from bot.flow.book import Book, Flow, Slot
from bot.flow.conditions import Look
from bot.flow.fold import fold
from bot.flow.interpreter.given import Act
from bot.flow.question import look_up
from bot.model import (
    IN_CONVERSATION,
    WITH_CUSTOMER,
    Facts,
    Frame,
    HandoffReason,
    HandoffRequest,
    Json,
    Message,
    Mode,
    Move,
    Offer,
    State,
    Voided,
)


class Broken(Exception):
    """The topmost flow cannot go on."""


@dataclass(slots=True)
class Run:
    book: Book
    facts: Facts
    state: State
    moves: list[Move] = field(default_factory=list)
    says: list[Message] = field(default_factory=list)
    act: Act | None = None
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    expired: bool = False
    """Nobody has judged an action within its time."""
    due: dict[int, str] = field(default_factory=dict)
    """Frame to the step it executes next, where that is not the step it stands at."""
    asked: bool = False
    """The pending question was said in full."""
    started: bool = False
    """A flow was begun by a command: the next one waits."""
    ended: Frame | None = None
    """A flow that ended or came to rest just now: what waits behind it is still to go on."""
    outcome: str = ""
    """How the last flow ended."""
    formed: tuple[int, tuple[str, ...]] = (0, ())
    """Frame and slots of the form that was just shown: their questions need not be said."""
    in_full: bool = False
    """The pending question is to be repeated as it was first asked."""
    choosing: bool = False
    """The customer was asked which flow is to go on: none goes on by itself."""
    wanted: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    """Patterns to play as soon as the step that wants them is over, in order."""
    heard: bool = False
    """The customer did something, or a human handed back: silence is counted from here."""
    nudged: bool = False
    """Nothing but time or an event outside, and no flow went on by it: the question needs no repetition."""
    modes: list[tuple[int, Mode]] = field(default_factory=list)
    """Messages, by their place among `says`, that may be said in other words."""
    budget: int = 0
    """Steps that may still be taken in this turn."""

    def move(self, move: Move) -> None:
        self.moves.append(move)
        self.state = fold(self.state, move)

    @property
    def language(self) -> str:
        return self.book.language(self.state, self.facts)

    @property
    def top(self) -> Frame | None:
        return self.state.stack[-1] if self.state.stack else None

    def say(self, key: str, **args: object) -> None:
        look, seed = look_up(self.state, None, self.facts), f"{self.state.frames}.{key}.{len(self.moves)}"
        self.says.append(say.pattern(self.book, key, self.language, args, look=look, seed=seed))

    def play(self, pattern: str, **args: Json) -> None:
        """For steps: the pattern is played once the step is over."""
        self.wanted.append((pattern, args))

    def flow_of(self, frame: Frame) -> Flow:
        flow = self.book.flow_of(frame)
        if flow is None:
            raise Broken(f"flow {frame.flow!r} is no longer there")
        return flow

    def look(self, frame: Frame) -> Look:
        return look_up(self.state, frame, self.facts)

    def values(self, frame: Frame, slot: Slot) -> dict[str, Json]:
        """Where the slot's value lies, beside others."""
        match slot.scope:
            case "conversation":
                return self.state.slots
            case "customer":
                return self.state.customer
            case "flow" | "turn":
                return frame.slots

    def group(self, frame: Frame) -> tuple[Frame, ...]:
        return frames.group(self.state.stack, frame)

    def void(self, offers: Sequence[Offer]) -> None:
        if offers:
            self.move(Voided(tuple([offer.token for offer in offers])))

    def void_answers(self, slot: str) -> None:
        """The offers of a question that no longer waits, with those beside them."""
        answers = [offer for offer in self.state.offers if offer.value.startswith(f"/set {slot}=")]
        groups = {offer.once for offer in answers} - {""}
        self.void([offer for offer in self.state.offers if offer in answers or offer.once in groups])

    def use_offer(self, value: str) -> None:
        """A pressed option is used up, and its siblings with it."""
        used = [offer for offer in self.state.offers if offer.value == value]
        groups = {offer.once for offer in used if offer.once}
        self.void([offer for offer in self.state.offers if offer.value == value or offer.once in groups])

    def hand_off(self, reason: HandoffReason, queue: str = "", note: str = "", priority: int = 0) -> None:
        queue = queue or self.book.assistant.queue
        self.handoff = HandoffRequest(reason=reason, queue=queue, note=note, priority=priority)


def place_of(frame: Frame, slot: Slot) -> int:
    """Where a slot's value lies: in its frame, in the conversation, or with the customer."""
    match slot.scope:
        case "conversation":
            return IN_CONVERSATION
        case "customer":
            return WITH_CUSTOMER
        case "flow" | "turn":
            return frame.id
