"""Takes one turn: offers it to the responders, plays the outcome through the flows, and gives what is to be committed.

Nothing is written here but the intents and results of actions; everything else is returned as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog
from msgspec.structs import replace

from bot import model
from bot.errors import ActionFailed
from bot.flow.book import Book
from bot.flow.fold import fold_event
from bot.flow.interpreter.advance import BUDGET, advance
from bot.flow.interpreter.given import Act, ActionResult, Back, Given, Missed, Ordered, Rang, Signal
from bot.model import (
    Acted,
    Acting,
    Cancel,
    Card,
    Choices,
    Facts,
    HandoffRequest,
    Message,
    Move,
    Offer,
    Option,
    Outcome,
    Part,
    Returned,
    Signalled,
    State,
    Turn,
)
from bot.ports import Bus, Clock, Happened, Random, Responder, Store
from bot.powers import TurnPowers
from bot.units import Intend, Log, Record
from bot.waiting import unbroken, within

log = structlog.get_logger()

PAGE = 500
"""Events of a log that are read at once."""
WAITING = ("queued", "offered")
"""A human is wanted and nobody is there yet."""


@dataclass(slots=True)
class Played:
    """What one turn came to."""

    state: State
    responder: str
    heard: int
    """Seq of the last input that it is about."""
    declined: tuple[tuple[str, str], ...] = ()
    moves: list[Move] = field(default_factory=list)
    answer: tuple[Message, ...] = ()
    """The responder's own words."""
    says: list[Message] = field(default_factory=list)
    """What the flows say after them."""
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    """The customer no longer wants the human that was asked for."""


class Overtaken(Exception):
    """No new effect may begin: another worker has the turn, or control moved."""

    def __init__(self, played: Played) -> None:
        super().__init__(played.responder)
        self.played = played


class Director:
    """Knows the responders and the flows; one for all turns."""

    def __init__(
        self,
        *,
        book: Book,
        responders: Sequence[Responder],
        facts_of: Callable[[Turn], Facts],
        store: Store,
        bus: Bus,
        clock: Clock,
        random: Random,
    ) -> None:
        self.book = book
        self._responders, self._facts_of = tuple(responders), facts_of
        self._store, self._bus, self._clock = store, bus, clock

    async def play(self, turn: Turn, powers: TurnPowers) -> Played:
        """Raises what a responder raises; `Lengthened` when the turn must be offered again; `Overtaken`."""
        if turn.attempt > 1 or turn.inputs[0].epoch != turn.conversation.control.epoch:  # it was taken before
            turn = through(turn, await self._begun(turn))
        turn, outcome, declined = await self._offer(turn, powers)
        played = Played(turn.state, outcome.responder, turn.inputs[-1].seq, declined, answer=outcome.messages)
        if not outcome.silent:
            await self._move(turn, tuple(_given(turn, outcome)), played)
        return played

    async def _begun(self, turn: Turn) -> int | None:
        """What an attempt that began an effect had heard: what arrived later was no part of it, and is not now."""
        for event in await self._store.read(Log(conversation=turn.conversation.id, after=turn.id)):
            if isinstance(event.body, Acting) and event.turn == turn.id:
                return event.body.heard or event.seq
        return None

    async def _offer(self, whole: Turn, powers: TurnPowers) -> tuple[Turn, Outcome, tuple[tuple[str, str], ...]]:
        """Gives the turn with the inputs that the outcome is about."""
        turn, declined = through(whole, None), list[tuple[str, str]]()
        for responder in self._responders:
            answer = await responder.take(turn, powers)
            if answer.through is not None:
                turn = through(whole, answer.through)
            if isinstance(answer, Outcome):
                return turn, answer, tuple(declined)
            declined.append((responder.name, answer.why))
            powers.stream.take_back("cancel")
        raise LookupError(f"every responder declined: {declined}; the last one must not")

    async def _move(self, turn: Turn, given: Sequence[Given], played: Played) -> None:
        facts, epoch = self._facts_of(turn), turn.conversation.control.epoch
        begins, budget = True, BUDGET
        while given:
            step = advance(self.book, played.state, given, facts, epoch, begins=begins, budget=budget)
            begins, budget = False, step.budget
            played.state = step.state
            played.moves += step.moves
            played.says += step.says
            played.handoff = step.handoff or played.handoff
            played.gives_up_waiting |= step.gives_up_waiting
            given = () if step.act is None else (await self._act(turn, step.act, played),)

    async def _act(self, turn: Turn, act: Act, played: Played) -> ActionResult:
        """What has no effect needs no record; what has one runs once under a key that never repeats."""
        if act.effect == "read":
            return await self._call(act, act.key)
        key = f"{turn.conversation.id}:{act.action}:{act.key}"
        known = await self._known(turn, key)
        if isinstance(known, Acted):
            return ActionResult(act.key, known.result, known.error)
        if known is not None and (happened := await self._check(act, key)) is not None:
            return happened if happened.unknown else await self._record(turn, key, happened)
        return await unbroken(self._run(turn, act, key, played))

    async def _run(self, turn: Turn, act: Act, key: str, played: Played) -> ActionResult:
        """T2, the call, T3. What has begun is brought to its end, even when the turn is ended meanwhile."""
        intent = Intend(
            conversation=turn.conversation.id,
            fence=turn.conversation.fence,
            epoch=turn.conversation.control.epoch,
            turn=turn.id,
            acting=Acting(key, act.action, act.args, turn.inputs[-1].seq),
            at=self._clock.now(),
        )
        event = await self._store.write(intent)
        if event is None:
            raise Overtaken(played)
        self._bus.publish(Happened(turn.conversation.id, (event,)))
        result = await self._call(act, key)
        return result if result.unknown else await self._record(turn, key, result)

    async def _call(self, act: Act, key: str) -> ActionResult:
        action = self.book.actions[act.action]
        try:
            return ActionResult(act.key, await within(self._clock, act.timeout, action.call(act.args, key)))
        except ActionFailed as failed:
            told = log.warning if failed.__cause__ else log.info  # an error of its code, or its answer
            told("action.failed", action=act.action, why=failed)
            return ActionResult(act.key, error=str(failed) or "failed")
        except TimeoutError:
            late = ActionResult(act.key, error=f"no answer within {act.timeout.total_seconds():g} s")
        return late if act.effect == "read" else await self._check(act, key) or late

    async def _check(self, act: Act, key: str) -> ActionResult | None:
        """Only the action itself can tell what became of a call that gave no answer. None: it never took place."""
        action, why = self.book.actions[act.action], "its call was interrupted"
        if action.check:
            try:
                happened = await within(self._clock, act.timeout, action.check(key))
                return None if happened is None else ActionResult(act.key, happened)
            except (ActionFailed, TimeoutError) as error:
                why = f"{why}, and its check failed: {error}"
        return ActionResult(act.key, error=f"outcome unknown: {why}", unknown=True)

    async def _known(self, turn: Turn, key: str) -> Acting | Acted | None:
        """The last the log knows of this call: a turn that was never committed may have made it."""
        before: int | None = None
        while True:
            log = Log(conversation=turn.conversation.id, before=before, most=PAGE, latest=True)
            events = await self._store.read(log)
            for event in reversed(events):
                if isinstance(event.body, Acting | Acted) and event.body.key == key:
                    return event.body
            if len(events) < PAGE:
                return None
            before = events[0].seq

    async def _record(self, turn: Turn, key: str, result: ActionResult) -> ActionResult:
        event = await self._store.write(
            Record(
                conversation=turn.conversation.id,
                fence=turn.conversation.fence,
                epoch=turn.conversation.control.epoch,
                turn=turn.id,
                acted=Acted(key, result.result, result.error),
                at=self._clock.now(),
            )
        )
        self._bus.publish(Happened(turn.conversation.id, (event,)))
        assert isinstance(event.body, Acted)
        return ActionResult(result.key, event.body.result, event.body.error)


def through(whole: Turn, seq: int | None) -> Turn:
    """The turn as far as one of its inputs (None: all of it), its state caught up with what was written since."""
    inputs = whole.inputs if seq is None else tuple(event for event in whole.inputs if event.seq <= seq)
    state = without_stale_offers(whole.state, whole.conversation.control.epoch)
    for event in inputs:
        state = fold_event(state, event)
    return replace(whole, inputs=inputs, state=state)


def without_stale_offers(state: State, epoch: int) -> State:
    """No offer outlives a change of control."""
    if all(offer.epoch >= epoch for offer in state.offers):
        return state
    return msgspec.structs.replace(state, offers=tuple(offer for offer in state.offers if offer.epoch >= epoch))


def give_tokens(messages: Sequence[Message], epoch: int, random: Random) -> tuple[list[Message], tuple[Offer, ...]]:
    """Every option gets an opaque token; what it means stays with us. Choosing one voids those of the same message."""
    offers: list[Offer] = []
    given: list[Message] = []
    for message in messages:
        if any(map(_options, message.parts)):
            group = random.token()
            parts = tuple(_with_tokens(part, epoch, group, random, offers) for part in message.parts)
            message = msgspec.structs.replace(message, parts=parts)
        given.append(message)
    return given, tuple(offers)


def _with_tokens(part: Part, epoch: int, group: str, random: Random, offers: list[Offer]) -> Part:
    if not isinstance(part, Choices | Card):
        return part
    options = tuple(msgspec.structs.replace(option, token=random.token()) for option in part.options)
    offers += (Offer(option.token, option.value, option.label, epoch, group) for option in options)
    return msgspec.structs.replace(part, options=options)


def _options(part: Part) -> tuple[Option, ...]:
    return part.options if isinstance(part, Choices | Card) else ()


def _given(turn: Turn, outcome: Outcome) -> Iterator[Given]:
    for event in turn.inputs:
        match event.body:
            case Returned(how=how, instruction=instruction, verdict=verdict):
                yield Back(how, instruction, verdict)
            case model.Rang():
                yield Rang()
            case Signalled(name=name, value=value):
                yield Signal(name, value)
    for command, source in outcome.commands:
        yield Ordered(command, source)
        if command == Cancel("handoff") and turn.conversation.control.state in WAITING:
            yield Back("resume")  # the flow goes on as after a human
    if outcome.missed:
        yield Missed()
