"""Bugs that others have had, each put in the place of one function: who does not catch them proves nothing.

Numbers are those of RELIABILITY.md 3. Missing are what there is nothing to plant in yet: 5 (no door polls), 6 (no door
has a retry header), 20 (deliveries have no classes), 32 (erasure).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from bot import outbox, turn
from bot.engine import Engine
from bot.errors import NotSent, StoreDown, TryLater, Unreachable
from bot.inbox import Inbox
from bot.model import Said
from bot.outbox import Outbox
from bot.ports import Accepted, Arrival
from bot.powers import DraftStream
from bot.store import accept, schema, sending, sqlite, timers, turns
from bot.store.groups import do_all
from bot.store.rows import control_of, micros
from bot.store.statements import Query
from bot.store.tx import SqliteTx
from bot.timers import Timers
from bot.units import Accept, Amend, Commit, Committed, Find, Intend, Kept, Log, Lost, Renew, Settle
from channels.web.audience import Audience
from channels.web.frames import Reset
from channels.web.line import Line

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Visitors:
    """A run of widgets."""

    seed: int


@dataclass(frozen=True, slots=True)
class Plant:
    number: int
    name: str
    plant: Callable[[Patch], None]
    caught_by: int | Visitors | tuple[str, int] | str
    """A seed, one of widgets, a scene with the step at which its worker ends, or the name of a focused check."""

    def __str__(self) -> str:
        return f"{self.number}: {self.name}"


# Accepting


def _no_dedupe_key(patch: Patch) -> None:
    patch.setattr(accept, "_keys", lambda unit: ())


def _read_then_insert(patch: Patch) -> None:
    keep = Inbox._keep

    async def reads_first(self: Inbox, unit: Accept) -> Kept:
        found = await self._store.read(Find(address=unit.to))
        if found:
            conversation = found.conversation.id
            for event in await self._store.read(Log(conversation=conversation, most=10_000)):
                if event.body in unit.bodies:
                    return Kept(fresh=False, conversation=conversation, events=(), seq=event.seq)
        return await keep(self, msgspec.structs.replace(unit, key=self._random.id()))

    patch.setattr(Inbox, "_keep", reads_first)


def _ack_before_the_commit(patch: Patch) -> None:
    async def acks(self: Inbox, arrival: Arrival, /) -> Accepted:
        asyncio.get_running_loop().create_task(self._keep(self._unit(arrival)))
        return Accepted(fresh=True, conversation=None, seq=None)

    patch.setattr(Inbox, "__call__", acks)


def _ack_of_what_was_refused(patch: Patch) -> None:
    call = Inbox.__call__

    async def acks(self: Inbox, arrival: Arrival, /) -> Accepted:
        try:
            return await call(self, arrival)
        except StoreDown:
            return Accepted(fresh=True, conversation=None, seq=None)

    patch.setattr(Inbox, "__call__", acks)


# Turns


def _guards(patch: Patch, *, fence: Callable[[Any], bool], epoch: Callable[[Any], bool]) -> None:
    def lost(row: Any, unit: Intend | Commit) -> Lost | None:
        if fence(unit) and (row.fence != unit.fence or row.heard != unit.turn):
            return Lost("fence", control_of(row))
        if epoch(unit) and row.epoch != unit.epoch:
            return Lost("epoch", control_of(row))
        return None

    patch.setattr(turns, "_lost", lost)


def _commit_without_the_fence(patch: Patch) -> None:
    _guards(patch, fence=lambda unit: not isinstance(unit, Commit), epoch=lambda unit: True)


def _fence_at_the_claim_only(patch: Patch) -> None:
    _guards(patch, fence=lambda unit: False, epoch=lambda unit: True)


def _commit_without_the_epoch(patch: Patch) -> None:
    _guards(patch, fence=lambda unit: True, epoch=lambda unit: not isinstance(unit, Commit))


def _sends_before_the_commit(patch: Patch) -> None:
    init, write, send = Outbox.__init__, Engine._write, Outbox._send

    def knows(self: Outbox, channels: Any, **options: Any) -> None:
        init(self, channels, **options)
        options["bus"].early = (self._channels, set())

    async def hurries(self: Engine, commit: Commit, stream: DraftStream) -> Committed | Lost:
        channels, early = self._bus.early  # type: ignore[attr-defined]
        found = await self._store.read(Find(commit.conversation))
        assert found is not None
        to, seq = found.conversation.address, found.conversation.last_seq
        for entry in commit.entries:
            seq += 1
            if entry.deliver and isinstance(entry.body, Said):
                await channels[to.channel, to.account].send(
                    to, entry.body.message, key=f"{commit.conversation}-{seq}.0"
                )
                early.add(f"{commit.conversation}-{seq}")
        return await write(self, commit, stream)

    async def knows_of_it(self: Outbox, delivery: Any, until: float) -> None:
        if delivery.id not in self._bus.early[1]:  # type: ignore[attr-defined]
            await send(self, delivery, until)
            return
        settle = Settle(
            delivery=delivery.id, attempt=delivery.attempt, state="sent", done=1, refs=(), at=self._clock.now()
        )
        await self._store.write(settle)

    patch.setattr(Outbox, "__init__", knows)
    patch.setattr(Engine, "_write", hurries)
    patch.setattr(Outbox, "_send", knows_of_it)


def _hears_the_newest(patch: Patch) -> None:
    commit = turns._commit

    def hears_all(tx: Any, unit: Commit, row: Any, *lists: Any) -> Committed:
        return commit(tx, msgspec.structs.replace(unit, heard=row.input_seq), row, *lists)

    patch.setattr(turns, "_commit", hears_all)


def _hears_apart_from_the_commit(patch: Patch) -> None:
    write = Engine._write

    async def twice(self: Engine, commit: Commit, stream: DraftStream) -> Committed | Lost:
        done = await write(self, msgspec.structs.replace(commit, heard=commit.turn), stream)
        if isinstance(done, Lost):
            return done
        epoch = done.conversation.control.epoch
        rest = msgspec.structs.replace(commit, entries=(), control=None, handoff=None, epoch=epoch)
        return await self._store.write(rest)

    patch.setattr(Engine, "_write", twice)


def _clears_a_flag(patch: Patch) -> None:
    commit = turns._commit

    def clears(tx: Any, unit: Commit, row: Any, *lists: Any) -> Committed:
        done = commit(tx, unit, row, *lists)
        row.worker, row.lease_until = "", 0
        if row.input_seq > row.heard:
            row.ready_at = tx.now + 86_400_000_000
        return Committed(done.events, msgspec.structs.replace(done.conversation, input_seq=row.heard))

    patch.setattr(turns, "_commit", clears)


def _ignores_a_failed_renewal(patch: Patch) -> None:
    async def ignores(self: Engine, running: Any) -> None:
        running.renewed = self._clock.monotonic()
        try:
            renew = Renew(conversation=running.conversation, fence=running.fence, lease=self._lease)
            await self._store.write(renew)
        except StoreDown:
            pass

    patch.setattr(Engine, "_renew", ignores)


def _lease_by_wall_clock(patch: Patch) -> None:
    init = sqlite._Time.__init__

    def knows(self: Any, clock: Any) -> None:
        init(self, clock)
        self.clock = clock

    patch.setattr(sqlite._Time, "__init__", knows)
    patch.setattr(sqlite._Time, "__call__", lambda self: micros(self.clock.now()))


def _result_before_it_is_recorded(patch: Patch) -> None:
    record = turn.Taking._record

    async def hurries(self: Any, of: Any, key: str, result: Any) -> Any:
        async def later() -> None:
            with contextlib.suppress(StoreDown):
                await record(self, of, key, result)

        asyncio.get_running_loop().create_task(later())
        return result

    patch.setattr(turn.Taking, "_record", hurries)


def _notice_apart_from_the_change(patch: Patch) -> None:
    write = Engine._write

    async def twice(self: Engine, commit: Commit, stream: DraftStream) -> Committed | Lost:
        notices = tuple(entry for entry in commit.entries if entry.author.kind == "system")
        entries = tuple(entry for entry in commit.entries if entry not in notices)
        done = await write(self, msgspec.structs.replace(commit, entries=entries), stream)
        if notices and isinstance(done, Committed):
            await self._store.write(Amend(conversation=commit.conversation, entries=notices, at=self._clock.now()))
        return done

    patch.setattr(Engine, "_write", twice)


# Sending


def _sends_without_the_epoch(patch: Patch) -> None:
    patch.setattr(sending, "_silenced", lambda line, row, now: False)


def _overtakes_the_head(patch: Patch) -> None:
    line = schema.delivery.c
    anything = (
        sa.select(line.due_at, line.conversation, line.seq)
        .where(
            line.channel == sa.bindparam("channel"),
            line.account == sa.bindparam("account"),
            line.ended_at.is_(None),
            line.due_at <= sa.bindparam("now"),
        )
        .order_by(line.due_at)
        .limit(sa.bindparam("most"))
    )
    patch.setattr(sending, "HEADS", Query(anything))


def _settles(patch: Patch, kind: type[NotSent], **otherwise: Any) -> None:
    failed = Outbox._failed

    def wrongly(self: Outbox, delivery: Any, done: int, error: NotSent) -> Settle:
        settle = failed(self, delivery, done, error)
        if not isinstance(error, kind):
            return settle
        changed = {name: value(settle) if callable(value) else value for name, value in otherwise.items()}
        return msgspec.structs.replace(settle, **changed)

    patch.setattr(outbox.Outbox, "_failed", wrongly)


def _comes_too_early(patch: Patch) -> None:
    _settles(patch, TryLater, due_at=lambda settle: settle.at + timedelta(seconds=0.5))


def _unknown_is_sent(patch: Patch) -> None:
    _settles(patch, Unreachable, state="sent", due_at=None, done=lambda settle: settle.done + 1)


# Timers


def _rings_whenever_it_is_due(patch: Patch) -> None:
    wake = timers._wake

    def forgets(tx: Any, unit: Any, row: Any, events: Any) -> Any:
        at = row.wake_at
        rung = wake(tx, unit, row, events)
        row.wake_at = at
        return rung

    patch.setattr(timers, "_wake", forgets)
    c = schema.conversation.c
    due = sa.select(c.id).where(c.wake_at <= sa.bindparam("at")).limit(sa.bindparam("most"))
    patch.setattr(timers, "DUE", Query(due))
    patch.setattr(
        timers, "FIRST", Query(sa.select(c.wake_at).where(c.wake_at.is_not(None)).order_by(c.wake_at).limit(1))
    )


def _marks_before_it_appends(patch: Patch) -> None:
    write = Timers._ring_what_is_due

    async def marks(self: Timers, engine: Any) -> None:
        store, link = self._store, self._store

        class Twice:
            read = staticmethod(link.read)

            @staticmethod
            async def write(unit: Any) -> Any:
                rows = _unmarked(store, unit)
                await asyncio.sleep(0)
                _marked(store, rows)
                return await link.write(unit)

        self._store = Twice()  # type: ignore[assignment]
        try:
            await write(self, engine)
        finally:
            self._store = store

    patch.setattr(Timers, "_ring_what_is_due", marks)


def _unmarked(store: Any, unit: Any) -> list[tuple[int, str]]:
    """Forget the alarms of what is due, and give them."""
    tx = store._outside.store.tx
    due = [row for row in tx.kept.rows.values() if row.wake_at is not None and row.wake_at <= micros(unit.at)]
    found = [(row.wake_at, row.id) for row in due]
    for row in due:
        row.wake_at = None
        tx._execute("UPDATE conversation SET wake_at = NULL WHERE id = ?", (row.id,))
    return found


def _marked(store: Any, rows: list[tuple[int, str]]) -> None:
    tx = store._outside.store.tx
    for wake_at, id in rows:
        tx.kept.rows[id].wake_at = wake_at
        tx._execute("UPDATE conversation SET wake_at = ? WHERE id = ?", (wake_at, id))


def _rings_what_is_due_lately(patch: Patch) -> None:
    c = schema.conversation.c
    window = c.wake_at.between(sa.bindparam("at") - 60_000_000, sa.bindparam("at"))
    patch.setattr(
        timers, "DUE", Query(sa.select(c.id).where(window, c.input_seq <= c.heard).limit(sa.bindparam("most")))
    )


# The file


def _deferred(patch: Patch) -> None:
    begin = SqliteTx.begin

    def defers(self: Any) -> None:
        execute = self._execute
        self._execute = lambda text, *values: execute(text.replace("BEGIN IMMEDIATE", "BEGIN"), *values)
        try:
            begin(self)
        finally:
            self._execute = execute

    patch.setattr(SqliteTx, "begin", defers)


def _done_before_the_commit(patch: Patch) -> None:
    def hurries(self: Any, units: Any) -> list[Any]:
        self._begin()
        results = do_all(self.tx, units)
        try:
            self._connection.execute("COMMIT")
        except Exception:
            self._connection.execute("ROLLBACK")
        return results

    patch.setattr(sqlite.Writer, "_together", hurries)


def _all_fail_together(patch: Patch) -> None:
    def gives_up(self: Any, units: Any) -> list[Any]:
        try:
            return self._together(units)  # type: ignore[no-any-return]
        except Exception as error:
            return [sqlite.Failed(StoreDown(str(error))) for _ in units]

    patch.setattr(sqlite.Writer, "do", gives_up)


def _trusts_what_it_kept(patch: Patch) -> None:
    forget = SqliteTx.forget
    begin = SqliteTx.begin

    def begins(self: Any) -> None:
        patch.setattr(SqliteTx, "forget", lambda self: None)
        try:
            begin(self)
        finally:
            patch.setattr(SqliteTx, "forget", forget)

    patch.setattr(SqliteTx, "begin", begins)


# The widget's door


def _listens_after_the_read(patch: Patch) -> None:
    tell = Line.tell

    def deaf(self: Line, told: Any) -> None:
        if not self._reading:
            tell(self, told)

    patch.setattr(Line, "tell", deaf)


def _no_reset_for_a_new_attempt(patch: Patch) -> None:
    tell_all = Audience._tell_all

    def forgets(self: Audience, frame: Any) -> None:
        if not (isinstance(frame, Reset) and frame.why == "attempt"):
            tell_all(self, frame)

    patch.setattr(Audience, "_tell_all", forgets)


PLANTED = (
    Plant(1, "no dedupe key", _no_dedupe_key, 0),
    Plant(2, "dedupe by read, then insert", _read_then_insert, 0),
    Plant(3, "ack before the T0 commit", _ack_before_the_commit, 0),
    Plant(4, "200 when the store refused", _ack_of_what_was_refused, 0),
    Plant(7, "T4 without the fence", _commit_without_the_fence, 0),
    Plant(8, "fence checked at T1 only", _fence_at_the_claim_only, 0),
    Plant(9, "T4 without the epoch", _commit_without_the_epoch, 0),
    Plant(10, "T5 without the epoch", _sends_without_the_epoch, "what was overtaken is not sent again"),
    Plant(11, "send before T4", _sends_before_the_commit, 0),
    Plant(12, "heard set to the newest event", _hears_the_newest, 0),
    Plant(13, "heard moved outside T4", _hears_apart_from_the_commit, 0),
    Plant(14, "a ready flag cleared apart from heard", _clears_a_flag, 0),
    Plant(15, "failed renewal ignored", _ignores_a_failed_renewal, "a turn without a lease ends"),
    Plant(16, "lease by wall clock", _lease_by_wall_clock, 8),
    Plant(17, "retry overtakes the head of line", _overtakes_the_head, 0),
    Plant(18, "own back-off shorter than retry-after", _comes_too_early, 0),
    Plant(19, "unknown taken as sent", _unknown_is_sent, 1),
    Plant(21, "timer without a unique key", _rings_whenever_it_is_due, ("timer", 0)),
    Plant(22, "timer marked outside the event's transaction", _marks_before_it_appends, ("timer", 30)),
    Plant(23, "catch-up by time window", _rings_what_is_due_lately, "what was due long ago rings"),
    Plant(24, "subscribe after the catch-up read", _listens_after_the_read, Visitors(1)),
    Plant(25, "deferred SQLite transaction", _deferred, "nobody writes between"),
    Plant(26, "a unit reported done before the commit", _done_before_the_commit, "what is done is kept"),
    Plant(27, "one failed unit takes its group along", _all_fail_together, "neighbours are not disturbed"),
    Plant(28, "action result used before T3", _result_before_it_is_recorded, 8),
    Plant(29, "handoff notice outside the change of control", _notice_apart_from_the_change, ("handoff", 20)),
    Plant(30, "kept state trusted without its version", _trusts_what_it_kept, "what others wrote is seen"),
    Plant(31, "no reset frame for a new attempt", _no_reset_for_a_new_attempt, Visitors(2)),
)
