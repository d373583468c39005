"""Durable timers: what a flow wants done later lies in the conversation's state, and here somebody looks at the clock.

The store knows which conversation is to be woken next. A timer that is due becomes an input of its conversation, and
the turn on it does the rest; so timers and messages share one order. Alarms are hints: a process that slept, was ended
or lost one finds in the store what is overdue, and rings it once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.counts import TimerCounts
from bot.errors import StoreDown
from bot.inbox import Taking
from bot.model import ConversationId, Rang
from bot.ports import Bus, Clock, Happened, Store
from bot.units import NextAlarm, Ring, Rung
from bot.waiting import unbroken, within

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=2)
"""For what another process has set, and for a wall clock that was set."""
MOST_AT_ONCE = 40
"""Turns of timers in the air: however many are due together, who writes meanwhile is answered as ever."""
MOMENT = timedelta(milliseconds=20)
"""Until there may be room for more of them."""


class Turning(Taking, Protocol):
    """What timers need of the engine."""

    def takes(self, conversation: ConversationId) -> bool:
        """Whether this process takes turns in it now."""


class Timers:
    """Rings what is due; one for each process, and any number of them do no harm to each other."""

    def __init__(self, *, store: Store, bus: Bus, clock: Clock) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._look = asyncio.Event()
        self._due_at: datetime | None = None
        self._call_off: Callable[[], object] = _nothing
        self._rung: set[ConversationId] = set()
        """Whose turns may still be under way."""
        self.counts = TimerCounts()

    def armed(self, due_at: datetime) -> None:
        """A conversation is to be woken then; a call that is lost costs one look."""
        if self._due_at is None or due_at < self._due_at:
            self._call_off()
            self._due_at, self._call_off = due_at, self._clock.alarm(due_at, self._look.set)

    async def run(self, engine: Turning) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._ring_what_is_due(engine)
                except StoreDown as down:
                    self.counts.store_down += 1
                    log.error("timers.store_down", why=down)
                except Exception:
                    log.exception("timers.failed")
                await self._wait()
        finally:
            self._call_off()

    async def _ring_what_is_due(self, engine: Turning) -> None:
        while (due_at := await self._store.read(NextAlarm())) is not None:
            if due_at > self._clock.now():
                self.armed(due_at)
                return
            self._rung = set(filter(engine.takes, self._rung))
            if not (room := MOST_AT_ONCE - len(self._rung)):
                await self._clock.sleep(MOMENT.total_seconds())
                continue
            ring = Ring(at=self._clock.now(), most=room, lease=engine.room())
            if not await unbroken(self._store.write(ring), lambda rung: self._go_on(rung, engine)):
                return  # somebody else was quicker, or the customer was

    def _go_on(self, rung: Sequence[Rung], engine: Turning) -> None:
        now = self._clock.now()
        for each in rung:
            assert isinstance(each.event.body, Rang)
            self.counts.rung += 1
            self.counts.seconds_late += max(0.0, (now - each.event.body.due_at).total_seconds())
            self._bus.publish(Happened(each.conversation, (each.event,)))
            if each.claimed is not None:
                self._rung.add(each.conversation)
                engine.take(each.claimed)

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await within(self._clock, LOOK_EVERY, self._look.wait())
        self._look.clear()
        self._call_off()
        self._due_at, self._call_off = None, _nothing


def _nothing() -> None:
    pass
