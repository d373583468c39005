"""Claims conversations that have something unheard, takes their turns, commits what they came to.

Safety comes from the guards of the commit (fence, epoch), never from a lock that was checked earlier: a turn may be
cancelled, outlived or repeated at any await, and writes nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec.structs import replace
from structlog.contextvars import bind_contextvars

from bot.counts import EngineCounts, TurnEnd
from bot.desk import Change, Notices, drop_request, request
from bot.errors import StoreDown
from bot.flow.fold import fold
from bot.heard import Inputs, as_heard, as_said, corrects, late_edit, waits_for_more
from bot.live import Live, Watch
from bot.model import (
    BOT,
    WITH_CUSTOMER,
    Address,
    Conversation,
    ConversationId,
    Did,
    Discarded,
    Edited,
    Emptied,
    Event,
    Filled,
    HandoffId,
    HandoffRequest,
    Message,
    Move,
    Offered,
    Partial,
    Rang,
    Said,
    Settled,
    State,
    Turn,
    Turned,
)
from bot.ports import Bus, Clock, Happened, Random, Shown, Store
from bot.powers import DraftStream, Lengthened, TurnPowers
from bot.turn import WAITING, Director, Overtaken, Played, give_tokens, through, without_stale_offers
from bot.units import (
    Amend,
    Amended,
    Claim,
    Claimed,
    Commit,
    Committed,
    Entry,
    Find,
    Found,
    Lease,
    Log,
    Lost,
    NewHandoff,
    Release,
    Renew,
    Unheard,
)
from bot.waiting import unbroken, within

log = structlog.get_logger()

MOST_AT_ONCE = 200
"""Conversations claimed by one unit."""
MOST_WINDOWS = 10
"""Quiet windows before one turn: who never stops writing is answered all the same."""

LATE_EDIT = 50
"""Events after which a message is too old to be corrected by an edit."""

SET_ASIDE: TurnEnd = "set_aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    worker: str
    most_turns: int = 1000
    """Turns in the air at once."""
    lease: timedelta = timedelta(seconds=15)
    margin: timedelta = timedelta(seconds=2)
    """So long before an unconfirmed lease ends, its turn is ended."""
    renew_every: timedelta = timedelta(seconds=5)
    sweep_every: timedelta = timedelta(seconds=1)
    quiet: timedelta = timedelta(milliseconds=400)
    album: timedelta = timedelta(seconds=1)
    """How long the next part of an album is waited for."""
    deadline: timedelta = timedelta(seconds=120)
    attempts: int = 5
    """After so many a turn is set aside and a human is asked."""
    patience: timedelta = timedelta(seconds=25)
    """How long running turns may go on once the program stops."""


@dataclass(slots=True)
class _Running:
    """A conversation whose lease is ours, and the task that takes its turns."""

    conversation: ConversationId
    fence: int
    began: float
    """The attempt that is under way."""
    renewed: float
    task: asyncio.Task[None] = field(init=False)
    lengthened: int = 0
    """How often more arrived before the present turn could be taken."""
    shown: DraftStream | None = None
    """What the customer sees of an answer that is not yet said."""
    watch: Watch | None = None
    """The same, on a platform."""


class Engine:
    """Every turn is a task that owns its lease: whatever ends it, it gives the lease back itself, once."""

    def __init__(
        self,
        *,
        director: Director,
        store: Store,
        bus: Bus,
        clock: Clock,
        random: Random,
        notices_at: Callable[[Address], Notices],
        delivers: frozenset[str],
        settings: EngineSettings,
        armed: Callable[[datetime], None] = lambda due_at: None,
        queue_of: Callable[[Address, str], str] = lambda address, queue: queue,
        live: Live | None = None,
    ) -> None:
        """`notices_at`: of the assistant that serves an address. `delivers`: channels whose messages are pushed; on the
        others the customer sees drafts as they stream. `armed` is told when a conversation's first timer is due.

        `queue_of`: where a request goes from an address, that is to go to a queue as far as its flow knows.
        `live`: what platforms show of turns while they are taken.
        """
        self._director, self._store, self._bus, self._clock, self._random = director, store, bus, clock, random
        self._notices_at, self._delivers, self._settings, self._queue_of = notices_at, delivers, settings, queue_of
        self._live = live
        self._armed, self._lease = armed, Lease(settings.worker, settings.lease)
        self._running: dict[ConversationId, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.counts = EngineCounts()

    @property
    def turns(self) -> int:
        """Conversations in which a turn is being taken."""
        return len(self._running)

    @property
    def drafts(self) -> int:
        """Of these, those whose customer sees an answer that is not yet said."""
        return sum(bool(running.shown and running.shown.text) for running in self._running.values())

    def room(self) -> Lease | None:
        """The lease to ask for when one more turn can be taken now."""
        return None if self._stopping or len(self._running) >= self._settings.most_turns else self._lease

    def take(self, claimed: Claimed) -> None:
        """Take turns in a conversation whose lease this process has; returns at once."""
        conversation = claimed.conversation
        if self._stopping:
            self._start(self._release(conversation))
            return
        if old := self._running.pop(conversation.id, None):  # its lease ended and we claimed anew: it cannot commit
            old.task.cancel()
        now = self._clock.monotonic()
        running = _Running(conversation.id, conversation.fence, began=now, renewed=now)
        self._running[conversation.id] = running
        running.task = self._start(self._turns(claimed, running))
        running.task.add_done_callback(lambda _: self._forget(running))

    def wake(self, conversation: ConversationId) -> None:
        """Something other than a channel made this conversation ready; a lost wake costs one sweep."""
        self._start(self._woken(conversation))

    def takes(self, conversation: ConversationId) -> bool:
        """Whether a turn is being taken there, by this process."""
        return conversation in self._running

    def drafted(self, conversation: ConversationId) -> str:
        """What the customer sees now of an answer that is not yet said."""
        running = self._running.get(conversation)
        if running and running.watch:
            return running.watch.seen
        return running.shown.text if running and running.shown else ""

    async def run(self) -> None:
        """Sweep for what no wake told of, renew leases, end turns past their deadline; until cancelled."""
        while True:
            await self._clock.sleep(self._settings.sweep_every.total_seconds())
            try:
                await self._keep_leases()
                await self._claim_ready()
            except StoreDown as down:
                self.counts.store_down += 1
                log.error("engine.store_down", why=down)
            except Exception:
                log.exception("engine.sweep_failed")

    async def stop(self) -> None:
        """Take no more; let running turns finish, then end them: with their leases another worker goes on at once."""
        self._stopping = True
        await self._let_finish()
        for running in tuple(self._running.values()):
            running.task.cancel()
        await self._let_finish()

    async def _let_finish(self) -> None:
        async def all_ended() -> None:
            while self._tasks:
                await asyncio.wait(tuple(self._tasks))

        with contextlib.suppress(TimeoutError):
            await within(self._clock, self._settings.patience, all_ended())

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget(self, running: _Running) -> None:
        if self._running.get(running.conversation) is running:
            del self._running[running.conversation]

    # Leases

    async def _woken(self, conversation: ConversationId) -> None:
        try:
            await self._claim(1, conversation)
        except Exception as error:
            log.error("engine.not_woken", conversation=conversation, why=error)

    async def _claim_ready(self) -> None:
        while (room := min(self._settings.most_turns - len(self._running), MOST_AT_ONCE)) > 0:
            if await self._claim(room) < MOST_AT_ONCE:
                return

    async def _claim(self, most: int, conversation: ConversationId | None = None) -> int:
        if self._stopping:
            return 0
        claim = Claim(lease=self._lease, most=most, conversation=conversation)
        claims: Sequence[Claimed] = await unbroken(self._store.write(claim), self._take_all)
        return len(claims)

    def _take_all(self, claims: Sequence[Claimed]) -> None:
        for claimed in claims:
            self.take(claimed)

    async def _keep_leases(self) -> None:
        """End what has run too long or lost its lease; what has been ended is not renewed, and its lease runs out."""
        now, settings = self._clock.monotonic(), self._settings
        due: list[_Running] = []
        for running in tuple(self._running.values()):
            if running.task.cancelling():
                continue
            if now - running.began > settings.deadline.total_seconds():
                self.counts.turns["out_of_time"] += 1
                log.error("engine.deadline", conversation=running.conversation)
                running.task.cancel()
            elif now - running.renewed >= (settings.lease - settings.margin).total_seconds():
                self.counts.leases_lost["unconfirmed"] += 1
                log.error("engine.lease_unconfirmed", conversation=running.conversation)
                running.task.cancel()
            elif now - running.renewed >= settings.renew_every.total_seconds():
                due.append(running)
        await asyncio.gather(*map(self._renew, due))

    async def _renew(self, running: _Running) -> None:
        now = self._clock.monotonic()
        renew = Renew(conversation=running.conversation, fence=running.fence, lease=self._lease)
        try:
            renewed = await self._store.write(renew)
        except StoreDown:
            self.counts.renewals_failed += 1
            raise
        if renewed:
            running.renewed = now
        elif self._running.get(running.conversation) is running:
            self.counts.leases_lost["refused"] += 1
            log.warning("engine.lease_lost", conversation=running.conversation, fence=running.fence)
            running.task.cancel()

    async def _release(self, conversation: Conversation, pause: timedelta = timedelta(0)) -> None:
        """Under its fence: a lease that is no longer ours stays where it is."""
        try:
            await self._store.write(Release(conversation=conversation.id, fence=conversation.fence, pause=pause))
        except StoreDown as down:  # the lease ends by itself
            log.error("engine.not_released", conversation=conversation.id, why=down)

    # Turns

    async def _turns(self, claimed: Claimed, running: _Running) -> None:
        """Turn after turn, as long as the lease is ours and something is unheard."""
        conversation = claimed.conversation
        bind_contextvars(conversation=conversation.id)  # whatever is logged in these turns says where
        try:
            turn = await self._turn(claimed)
            while turn is not None:
                running.began = self._clock.monotonic()
                turn = await self._attempt(turn, running)
            return
        except asyncio.CancelledError:
            await unbroken(self._release(conversation))
            raise
        except _FenceLost:
            self.counts.leases_lost["overtaken"] += 1
            log.info("engine.fence_lost", conversation=conversation.id, fence=conversation.fence)
            return
        except StoreDown as down:
            self.counts.store_down += 1
            log.error("engine.store_down", conversation=conversation.id, why=down)
        except Exception:
            self.counts.turns["failed"] += 1
            log.exception("engine.turn_failed", conversation=conversation.id, attempt=conversation.attempts)
        pause = timedelta(seconds=self._random.between(0.5, 1) * 2 ** min(conversation.attempts, 6) / 4)
        await self._release(conversation, pause)

    async def _turn(self, claimed: Claimed) -> Turn | None:
        conversation, inputs = claimed.conversation, claimed.inputs
        if inputs is None:
            inputs = await self._store.read(Unheard(conversation.id, conversation.heard))
        if not inputs or conversation.control.state == "paused":
            await self._release(conversation)
            return None
        if waits_for_more(inputs):
            inputs = await self._whole_album(conversation, inputs)
        inputs = as_heard(inputs)
        if edit := late_edit(inputs):
            inputs = await self._with_late_edit(conversation, inputs, edit)
        return Turn(
            conversation=conversation,
            state=claimed.state,
            inputs=inputs,
            attempt=max(1, conversation.attempts),
            now=max((self._clock.now(), *_rang(inputs))),  # clocks of two machines differ: what rang is due
        )

    async def _whole_album(self, conversation: Conversation, inputs: Inputs) -> Inputs:
        """With the parts that come one soon after the other."""
        for _ in range(MOST_WINDOWS):
            remaining = min(inputs[-1].at + self._settings.album - self._clock.now(), self._settings.album)
            if remaining <= timedelta(0) or not waits_for_more(inputs):
                break
            await self._clock.sleep(remaining.total_seconds())
            inputs = await self._store.read(Unheard(conversation.id, conversation.heard)) or inputs
        return inputs

    async def _with_late_edit(self, conversation: Conversation, inputs: Inputs, edit: Edited) -> Inputs:
        """The last thing the customer said, in other words: the flows see those. Older words are only logged."""
        before = next(event.seq for event in inputs if event.body is edit)
        past = Log(conversation=conversation.id, before=before, most=LATE_EDIT, latest=True)
        is_last = corrects(edit, reversed(await self._store.read(past)))
        return as_said(inputs, edit) if is_last else inputs

    async def _attempt(self, turn: Turn, running: _Running) -> Turn | None:
        """Offer the turn once; gives what to take next, the same turn or the one after it, while that is ours."""
        window = self._settings.quiet if running.lengthened < MOST_WINDOWS else timedelta(0)
        powers = TurnPowers(turn, store=self._store, bus=self._bus, clock=self._clock, window=window)
        stream = powers.stream
        running.shown = None if self._is_pushed(turn) else stream
        running.watch = watch = self._live.watch(turn, stream) if self._live else None
        try:
            played = await self._play(turn, powers)
            running.shown = None
            shown = await watch.settle() if watch else None
            commit = self._commit(turn, played, stream, shown)
            done = await self._write(commit, stream)
        except Lengthened:
            running.lengthened += 1
            return await self._again(turn)
        except Overtaken as overtaken:
            return await self._superseded(turn, overtaken.played, stream, watch)
        except Exception:
            stream.take_back("attempt")
            raise
        finally:
            running.shown = running.watch = None
            stream.close()
            if watch:
                watch.close()
        if isinstance(done, Lost):
            return await self._superseded(turn, played, stream, watch)
        if shown and not commit.draft:  # nothing takes its place: what was stopped stays as it was seen
            await self._drop(turn, shown, shown.text if stream.stopped_by_customer else None)
        running.lengthened = 0
        speaks = played.responder == SET_ASIDE or any(event.public for event in done.events)
        self.counts.turns[played.responder if speaks else "silent"] += 1
        return await self._next(done.conversation, commit.state)

    async def _play(self, turn: Turn, powers: TurnPowers) -> Played:
        if turn.conversation.status == "resolved":  # by an agent, before this was heard
            return self._unanswered(turn, turn.conversation.input_seq)
        if closed_at := await self._closed_at(turn):
            return self._unanswered(turn, closed_at)
        if turn.attempt > self._settings.attempts:
            return self._set_aside(turn)
        return await self._director.play(turn, powers)

    def _unanswered(self, turn: Turn, seq: int) -> Played:
        """As far as that; what came later may have opened the conversation again, and has a turn of its own."""
        turn = through(turn, seq)
        return Played(turn.state, "engine", turn.inputs[-1].seq)

    async def _closed_at(self, turn: Turn) -> int:
        """Where the conversation was closed after the turn's first words, though it is open again; 0: nowhere.

        Closing forgot the flows: an effect that the words had already would come again, under another key.
        """
        first = turn.inputs[0]
        if first.epoch == turn.conversation.control.epoch:  # closing raises it
            return 0
        since = Log(conversation=turn.conversation.id, after=first.seq, most=turn.conversation.last_seq)
        return max((event.seq for event in await self._store.read(since) if _closes(event)), default=0)

    def _set_aside(self, turn: Turn) -> Played:
        """It failed again and again: say so, ask for a human, and let what comes next be heard."""
        log.error("engine.set_aside", conversation=turn.conversation.id, turn=turn.id, attempts=turn.attempt)
        played = self._unanswered(turn, turn.inputs[-1].seq)
        played.responder = SET_ASIDE
        if turn.conversation.control.state == "bot":
            played.says.append(self._notices_at(turn.conversation.address)("failed", turn.conversation.language, {}))
            played.handoff = HandoffRequest(reason="error")
        return played

    def _commit(self, turn: Turn, played: Played, stream: DraftStream, shown: Shown | None = None) -> Commit:
        conversation = turn.conversation
        language, deliver = played.state.language or conversation.language, self._is_pushed(turn)
        if language != conversation.language:
            conversation = replace(conversation, language=language)
        change, handoff = self._change(conversation, played, deliver)
        # Who no longer waits for a human hears so before the bot goes on, who is to wait for one hears it last.
        under = change.control if change.control and change.control.state == "bot" else conversation.control
        stopped = stream.stopped_by_customer  # what was shown stays, what it would have become is not said
        answer = () if stopped else played.answer
        messages, offers = give_tokens((*answer, *played.says), under.epoch, self._random)
        moves, state = played.moves, played.state
        if offers:
            moves, state = [*moves, Offered(offers)], fold(state, Offered(offers))
        once = deliver and any(isinstance(move, Did) and move.effect != "read" for move in moves)
        words = [
            Entry(BOT, Said(message), under.epoch, public=True, deliver=deliver, once=once) for message in messages
        ]
        draft = shown is not None and not stopped and bool(words)
        if stopped:
            seen = shown.text if shown else stream.text
            words.insert(0, Entry(BOT, Partial(seen), under.epoch, public=True))
        entries = [*words, *change.entries] if under is conversation.control else [*change.entries, *words]
        if moves or played.declined:
            turned = Turned(played.responder, tuple(moves), played.declined)
            entries.insert(0, Entry(BOT, turned, conversation.control.epoch))
        return Commit(
            conversation=conversation.id,
            fence=conversation.fence,
            epoch=conversation.control.epoch,
            turn=turn.id,
            heard=played.heard,
            entries=tuple(entries),
            state=without_stale_offers(state, change.control.epoch) if change.control else state,
            language=language,
            at=self._clock.now(),
            control=change.control,
            handoff=handoff,
            draft=draft,
            learnt=_learnt(moves) if state.customer or turn.state.customer else (),
        )

    def _change(self, conversation: Conversation, played: Played, deliver: bool) -> tuple[Change, NewHandoff | None]:
        """The change of control that ends the turn, with its notice in the same commit."""
        at, address = self._clock.now(), conversation.address
        if played.gives_up_waiting and conversation.control.state in WAITING:  # whatever the flow wants next
            return drop_request(conversation, at=at, notices=self._notices_at(address), deliver=deliver), None
        if wanted := played.handoff:
            handoff = NewHandoff(
                id=HandoffId(self._random.id()),
                reason=wanted.reason,
                queue=self._queue_of(address, wanted.queue),
                note=wanted.note,
                priority=wanted.priority,
            )
            change = request(
                conversation,
                handoff,
                at=at,
                notices=self._notices_at(address),
                deliver=deliver,
                instead=played.expired,
            )
            return change, handoff if change.control else None
        if played.expired:
            notices = self._notices_at(address)
            return drop_request(conversation, at=at, notices=notices, deliver=deliver, expired=True), None
        return Change(None, ()), None

    async def _write(self, commit: Commit, stream: DraftStream) -> Committed | Lost:
        return await unbroken(self._store.write(commit), lambda done: self._committed(commit, done, stream))

    def _committed(self, commit: Commit, done: Committed | Lost, stream: DraftStream) -> None:
        """T4 is over: the news of it."""
        if isinstance(done, Committed):
            if commit.state.timers:
                self._armed(commit.state.timers[0].due_at)
            if not any(event.public for event in done.events):
                stream.take_back("cancel")
            stream.close()
            self._tell(done.conversation.id, done.events)

    async def _next(self, conversation: Conversation, state: State) -> Turn | None:
        """What waits after a commit; where something does, the lease was kept."""
        if conversation.input_seq <= conversation.heard:
            return None
        if self._stopping:
            await self._release(conversation)
            return None
        return await self._turn(Claimed(conversation=conversation, state=state, inputs=None))

    async def _again(self, turn: Turn) -> Turn | None:
        """The same turn, with all that is now unheard and the row as it is now."""
        found = await self._still_ours(turn)
        return await self._turn(Claimed(conversation=found.conversation, state=found.state, inputs=None))

    async def _drop(self, turn: Turn, shown: Shown, say: str | None = None) -> None:
        assert self._live is not None
        await unbroken(self._live.drop(turn.conversation.id, turn.conversation.address, shown, say))

    async def _superseded(
        self, turn: Turn, played: Played, stream: DraftStream, watch: Watch | None = None
    ) -> Turn | None:
        """Nothing was committed. Where control moved, the words are kept for the agent and the turn is taken again."""
        shown = await watch.settle() if watch else None
        seen = (shown.text if shown else "") if self._is_pushed(turn) else stream.text
        stream.take_back("control")
        found = await self._still_ours(turn)
        if shown:
            await self._drop(turn, shown)
        self.counts.turns["superseded"] += 1
        await unbroken(self._keep_discarded(turn, found.conversation, (*played.answer, *played.says), seen))
        return await self._again(turn)

    async def _keep_discarded(self, turn: Turn, now: Conversation, says: Sequence[Message], seen: str) -> None:
        entries: list[Entry] = []
        if seen and not await self._has_partial(turn):
            entries.append(Entry(BOT, Partial(seen), now.control.epoch, public=True))
        if says:
            entries.append(Entry(BOT, Discarded(tuple(says)), now.control.epoch))
        if entries:
            kept = await self._store.write(Amend(conversation=now.id, entries=tuple(entries), at=self._clock.now()))
            if isinstance(kept, Amended):
                self._tell(now.id, kept.events)

    async def _has_partial(self, turn: Turn) -> bool:
        """Who took over has recorded what the customer saw, if it was to be seen from there."""
        since = Log(conversation=turn.conversation.id, after=turn.conversation.last_seq)
        return any(isinstance(event.body, Partial) for event in await self._store.read(since))

    async def _still_ours(self, turn: Turn) -> Found:
        found = await self._store.read(Find(turn.conversation.id))
        ours = turn.conversation
        if found is None or (found.conversation.fence, found.conversation.heard) != (ours.fence, ours.heard):
            raise _FenceLost
        return found

    def _tell(self, conversation: ConversationId, events: tuple[Event, ...]) -> None:
        if events:
            self._bus.publish(Happened(conversation, events))

    def _is_pushed(self, turn: Turn) -> bool:
        return turn.conversation.address.channel in self._delivers


def _learnt(moves: Sequence[Move]) -> tuple[Filled | Emptied, ...]:
    """Of the customer, whatever the conversation."""
    return tuple(move for move in moves if isinstance(move, Filled | Emptied) and move.frame == WITH_CUSTOMER)


def _rang(inputs: Sequence[Event]) -> Iterator[datetime]:
    return (event.body.due_at for event in inputs if isinstance(event.body, Rang))


def _closes(event: Event) -> bool:
    return isinstance(event.body, Settled) and event.body.status == "resolved"


class _FenceLost(Exception):
    """Another worker has the turn, or it is over: there is nothing left to do."""
