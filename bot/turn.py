"""Takes one turn: offers it to the responders, plays the outcome through the flows, and gives what is to be committed.

Nothing is written here but the intents and results of actions; everything else is returned as data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from bot.errors import ActionFailed
from bot.fit import takes_a_press
from bot.flow import forms
from bot.flow.book import Book
from bot.flow.fold import fold, fold_event
from bot.flow.interpreter import given as g
from bot.flow.interpreter.advance import BUDGET, advance
from bot.flow.interpreter.given import Act, ActionResult, Given
from bot.flow.words import tokens
from bot.model import (
    Acted,
    Acting,
    Cancel,
    Card,
    Carousel,
    Choices,
    Controlled,
    Conversation,
    Declined,
    Disarmed,
    Event,
    Forgotten,
    Form,
    HandoffRequest,
    Json,
    Knew,
    Message,
    Mode,
    Move,
    Offer,
    Outcome,
    Part,
    Pressed,
    Pushed,
    Rating,
    Returned,
    Said,
    Signalled,
    Spoke,
    State,
    Submitted,
    Turn,
    Voided,
)
from bot.ports import Bus, Clock, Happened, Random, Store
from bot.powers import TurnPowers
from bot.shelf import Edition, Shelf
from bot.units import CustomerSlots, Intend, Log, Record
from bot.waiting import unbroken, within

log = structlog.get_logger()

PAGE = 500
"""Events of a log that are read at once."""
MOST_LEADS = 5
"""How often in one turn a flow may come to let the model lead."""
MOST_RESTYLED = 3
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
    modes: list[tuple[int, Mode]] = field(default_factory=list)
    """Those of them, by their place, that the model may say in other words."""
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    """The customer no longer wants the human that was asked for."""
    expired: bool = False
    """Nobody has judged an action within its time."""
    begun: dict[str, Acting] = field(default_factory=dict)
    """Effects of an earlier attempt that this one has not come to, by their passes."""
    known: dict[str, Acted] = field(default_factory=dict)
    """What actions without effect gave, by key: in this attempt, and in the one that began an effect."""

    def move(self, move: Move) -> None:
        self.moves.append(move)
        self.state = fold(self.state, move)


class Overtaken(Exception):
    """No new effect may begin: another worker has the turn, or control moved."""

    def __init__(self, played: Played) -> None:
        super().__init__(played.responder)
        self.played = played


class Director:
    """One for all turns; each is taken by the edition of the flows that is in force when it begins."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        store: Store,
        bus: Bus,
        clock: Clock,
        random: Random,
        shelves: Mapping[tuple[str, str], Shelf] = {},
        zone_of: Callable[[Conversation], Awaitable[str]] | None = None,
    ) -> None:
        """`shelves`: of the accounts (channel and name) that have another assistant than the desk's own. `zone_of`: the
        customer's time zone, for flows that tell the time."""
        self._shelves, self._zone_of = shelves, zone_of
        self._shelf, self._store, self._bus, self._clock = shelf, store, bus, clock

    async def play(self, turn: Turn, powers: TurnPowers) -> Played:
        """Raises what a responder raises; `Lengthened` when the turn must be offered again; `Overtaken`."""
        begun: tuple[Event, ...] = ()
        if turn.attempt > 1 or turn.inputs[0].epoch != turn.conversation.control.epoch:  # it was taken before
            begun = await self._begun(turn)
            turn = as_begun(turn, begun)
        address = turn.conversation.address
        shelf = self._shelves.get((address.channel, address.account), self._shelf)
        edition = await shelf.edition_of(turn.state, _followed_by(begun))
        if self._zone_of and edition.tells_time:
            turn = replace(turn, zone=await self._zone_of(turn.conversation))
        return await Taking(edition, self._store, self._bus, self._clock).play(turn, powers, begun)

    async def _begun(self, turn: Turn) -> tuple[Event, ...]:
        """The effects that earlier attempts at this turn have begun, oldest first."""
        found: list[Event] = []
        after = turn.id
        while True:
            events = await self._store.read(Log(conversation=turn.conversation.id, after=after, most=PAGE))
            found += (event for event in events if isinstance(event.body, Acting) and event.turn == turn.id)
            if len(events) < PAGE:
                return tuple(found)
            after = events[-1].seq


class Taking:
    """One attempt at one turn, by one edition."""

    def __init__(self, edition: Edition, store: Store, bus: Bus, clock: Clock) -> None:
        self._edition, self.book = edition, edition.book
        self._store, self._bus, self._clock = store, bus, clock

    async def play(self, turn: Turn, powers: TurnPowers, begun: Sequence[Event]) -> Played:
        """`begun`: effects of earlier attempts at it."""
        whole, customer = turn, await self._customer(turn)
        turn, outcome, declined = await self._offer(opened(turn, customer, self.book), powers)
        turn = through(whole, turn.inputs[-1].seq)
        played = Played(turn.state, outcome.responder, turn.inputs[-1].seq, declined, answer=outcome.messages)
        if not outcome.silent:
            played.begun, played.known = _remembered(begun)
            for move in opening(turn, customer, self.book):
                played.move(move)
            given = tuple(_given(turn, outcome, self.book))
            missed = await self._missed_signals(turn) if any(isinstance(each, g.Back) for each in given) else ()
            used = self._filled_in(turn)
            await self._move(turn, (*missed, *given), played)
            if used:
                played.move(Voided(used))
            await self._lead(turn, powers, played)
            await self._restyle(turn, powers, played)
            _ask_a_person(played)
        return played

    def _filled_in(self, turn: Turn) -> tuple[str, ...]:
        """Forms that come back as they should: they are used up, and what was offered beside them with them."""
        submitted = [event.body for event in turn.inputs if isinstance(event.body, Submitted)]
        if not submitted:
            return ()
        state, facts = turn.state, self._edition.facts_of(turn)
        used: list[str] = []
        for body in submitted:
            offer = forms.offer_of(state, body.token, turn.conversation.control.epoch)
            if offer and offer.form and not forms.wrong(self.book, state, facts, offer.form, body.values):
                used += (each.token for each in state.offers if each.once == offer.once)
        return tuple(used)

    async def _lead(self, turn: Turn, powers: TurnPowers, played: Played) -> None:
        """Where a flow came to let the model lead, or nobody said anything while it does, it speaks in this turn."""
        was = self.book.led(turn.state)
        for _ in range(MOST_LEADS):
            led = self.book.led(played.state)
            stays = led and was and (led[0].id, led[0].passes) == (was[0].id, was[0].passes)
            if led is None or played.handoff or (stays and (played.answer or played.says)):
                return
            now = replace(turn, state=played.state)
            answer = await self._edition.leader.lead(now, powers) if self._edition.leader else Declined("nobody leads")
            if isinstance(answer, Declined):
                await self._move(turn, (g.Missed(),), played, begins=False)
            else:
                played.says += answer.messages
                given = tuple(g.Ordered(command, source) for command, source in answer.commands)
                await self._move(turn, given, played, begins=False)
            was = led

    async def _back(self, turn: Turn, before: int | None = None) -> AsyncIterator[Event]:
        """What was, the newest first, page by page."""
        while True:
            log = Log(conversation=turn.conversation.id, before=before, most=PAGE, latest=True)
            events = await self._store.read(log)
            for event in reversed(events):
                yield event
            if len(events) < PAGE:
                return
            before = events[0].seq

    async def _customer(self, turn: Turn) -> Mapping[str, Json]:
        """What is known of the customer in all conversations, where a flow asks for that."""
        if not self._edition.asks_of_customers:
            return turn.state.customer
        return await self._store.read(CustomerSlots(turn.conversation.contact))

    async def _missed_signals(self, turn: Turn) -> list[Given]:
        """What happened outside while a human had the floor: nobody has told the flows of it."""
        missed: list[Given] = []
        async for event in self._back(turn, before=turn.inputs[0].seq):
            match event.body:
                case Controlled(was="bot"):
                    break
                case Signalled(name, value):
                    missed.insert(0, g.Signal(name, value))
        return missed

    async def _offer(self, whole: Turn, powers: TurnPowers) -> tuple[Turn, Outcome, tuple[tuple[str, str], ...]]:
        """Gives the turn with the inputs that the outcome is about."""
        turn, declined = through(whole, None), list[tuple[str, str]]()
        for responder in self._edition.responders:
            answer = await responder.take(turn, powers)
            if answer.through is not None:
                turn = through(whole, answer.through)
            if isinstance(answer, Outcome):
                return turn, answer, tuple(declined)
            declined.append((responder.name, answer.why))
            powers.stream.take_back("cancel")
        raise LookupError(f"every responder declined: {declined}; the last one must not")

    async def _restyle(self, turn: Turn, powers: TurnPowers, played: Played) -> None:
        """What the flows leave to other words; more than a few in one turn are said as they are written."""
        if leader := self._edition.leader:
            for at, mode in played.modes[:MOST_RESTYLED]:
                played.says[at] = await leader.restyle(turn, powers, played.says[at], mode)

    async def _move(self, turn: Turn, given: Sequence[Given], played: Played, *, begins: bool = True) -> None:
        facts, epoch = self._edition.facts_of(turn), turn.conversation.control.epoch
        budget = BUDGET
        while given:
            step = advance(self.book, played.state, given, facts, epoch, begins=begins, budget=budget)
            begins, budget = False, step.budget
            played.state = step.state
            played.moves += step.moves
            played.modes += [(len(played.says) + at, mode) for at, mode in step.modes]
            played.says += step.says
            played.handoff = step.handoff or played.handoff
            played.gives_up_waiting |= step.gives_up_waiting
            played.expired |= step.expired
            given = () if step.act is None else (await self._act(turn, step.act, played),)

    async def _act(self, turn: Turn, act: Act, played: Played) -> ActionResult:
        """What has no effect needs no record; what has one runs once under a key that never repeats."""
        key = f"{turn.conversation.id}:{act.action}:{act.key}"
        if act.effect == "read":
            return await self._look_up(act, key, played)
        begun = played.begun.pop(_pass(key), None)
        if begun is not None and begun.key != key:
            return ActionResult(
                act.key, error="it was begun with other inputs, and what came of it is used nowhere", unknown=True
            )
        known = await self._known(turn, key)
        if isinstance(known, Acted):
            return ActionResult(act.key, known.result, known.error)
        if known is not None and (happened := await self._check(act, key)) is not None:
            return happened if happened.unknown else await self._record(turn, key, happened)
        return await unbroken(self._run(turn, act, key, played))

    async def _look_up(self, act: Act, key: str, played: Played) -> ActionResult:
        """Once for each attempt, and as before where an effect was begun on the strength of it."""
        if key in played.known:
            known = played.known[key]
            return ActionResult(act.key, known.result, known.error)
        found = await self._call(act, act.key)
        played.known[key] = Acted(key, found.result, found.error)
        return found

    async def _run(self, turn: Turn, act: Act, key: str, played: Played) -> ActionResult:
        """T2, the call, T3. What has begun is brought to its end, even when the turn is ended meanwhile."""
        intent = Intend(
            conversation=turn.conversation.id,
            fence=turn.conversation.fence,
            epoch=turn.conversation.control.epoch,
            turn=turn.id,
            acting=Acting(
                key, act.action, act.args, turn.inputs[-1].seq, tuple(played.known.values()), _followed(played)
            ),
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
        async for event in self._back(turn):
            if isinstance(event.body, Acting | Acted) and event.body.key == key:
                return event.body
        return None

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


def _followed_by(begun: Sequence[Event]) -> dict[str, str]:
    """The versions of flows that such an attempt followed: under others its effect might come again."""
    return begun[0].body.versions if begun and isinstance(begun[0].body, Acting) else {}


def _followed(played: Played) -> dict[str, str]:
    begun = [move.frame for move in played.moves if isinstance(move, Pushed)]
    return {frame.flow: frame.version for frame in (*begun, *played.state.stack) if not frame.pattern}


def as_begun(turn: Turn, begun: Sequence[Event]) -> Turn:
    """The turn as it was for the attempt that began an effect: what arrived later was no part of it, and is not now."""
    if not begun:
        return turn
    first = begun[0]
    assert isinstance(first.body, Acting)
    return replace(through(turn, first.body.heard or first.seq), now=first.at)


def opened(turn: Turn, customer: Mapping[str, Json], book: Book) -> Turn:
    """As the responders see it."""
    state = turn.state
    for move in opening(turn, customer, book):
        state = fold(state, move)
    return replace(turn, state=state)


def opening(turn: Turn, customer: Mapping[str, Json], book: Book) -> Iterator[Move]:
    """What a turn begins with: what was learnt of the customer elsewhere; the language that is spoken, where nothing
    told it before; and whoever speaks is not quiet."""
    known = turn.state.language or turn.conversation.language
    if not (known or turn.words.startswith("/")) and (spoken := book.spoken(tokens(turn.words))):
        yield Spoke(spoken)
    if customer != turn.state.customer:
        yield Knew(dict(customer))
    waits = any(timer.name == "quiet" for timer in turn.state.timers)
    if waits and any(isinstance(event.body, Said | Pressed | Submitted) for event in turn.inputs):
        yield Disarmed("quiet")
    if turn.state.ended and any(isinstance(event.body, Returned) for event in turn.inputs):
        yield Forgotten()


def _remembered(begun: Sequence[Event]) -> tuple[dict[str, Acting], dict[str, Acted]]:
    acting = [event.body for event in begun if isinstance(event.body, Acting)]
    return {_pass(each.key): each for each in acting}, {found.key: found for each in acting for found in each.known}


def _pass(key: str) -> str:
    """An action's key without its inputs."""
    return key.rpartition(".")[0]


def _ask_a_person(played: Played) -> None:
    """An effect was begun that this attempt, which understood the customer otherwise, has not come to."""
    if played.begun:
        left = ", ".join(acting.action for acting in played.begun.values())
        log.error("turn.effect_left", actions=left)
        played.handoff = HandoffRequest(reason="action_failed", note=f"begun, and then left by the bot: {left}")


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


P = TypeVar("P", bound=Part)


def give_tokens(messages: Sequence[Message], epoch: int, random: Random) -> tuple[list[Message], tuple[Offer, ...]]:
    """Every option gets an opaque token; what it means stays with us. Choosing one voids those of the same message."""
    offers: list[Offer] = []
    given: list[Message] = []
    for message in messages:
        if any(map(takes_a_press, message.parts)):
            group = random.token()
            parts = tuple(_with_tokens(part, epoch, group, random, offers) for part in message.parts)
            message = msgspec.structs.replace(message, parts=parts)
        given.append(message)
    return given, tuple(offers)


def _with_tokens(part: P, epoch: int, group: str, random: Random, offers: list[Offer]) -> P:
    match part:
        case Choices() | Card() | Rating():
            options = tuple(msgspec.structs.replace(option, token=random.token()) for option in part.options)
            offers += (Offer(option.token, option.value, option.label, epoch, group) for option in options)
            return msgspec.structs.replace(part, options=options)
        case Carousel():
            cards = tuple(_with_tokens(card, epoch, group, random, offers) for card in part.cards)
            return msgspec.structs.replace(part, cards=cards)
        case Form():
            part = msgspec.structs.replace(part, token=random.token())
            offers.append(Offer(part.token, "/form", part.submit, epoch, group, part))
            return part
        case _:
            return part


def _given(turn: Turn, outcome: Outcome, book: Book) -> Iterator[Given]:
    """What time and the world have done, then what was ordered."""
    if book.welcomes(turn.state):
        yield g.Began()
    yield from g.given_first(turn.inputs)
    for command, source in outcome.commands:
        yield g.Ordered(command, source)
        if command == Cancel("handoff") and turn.conversation.control.state in WAITING:
            yield g.Back("resume", withdrawn=True)  # the flow goes on as after a human
    if outcome.missed:
        yield g.Missed()
