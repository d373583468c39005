"""The machine's own clock and chance: what the ports `Clock` and `Random` are outside tests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler


class SystemClock:
    def __init__(self) -> None:
        self._alarms: tuple[asyncio.AbstractEventLoop, AsyncIOScheduler] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def alarm(self, at: datetime, call: Callable[[], None]) -> Callable[[], object]:
        async def ring() -> None:  # what is no coroutine would be called in a thread
            call()

        # However late it is: what it is about is told by the store, never by the alarm.
        job = self._scheduler().add_job(ring, "date", run_date=at, misfire_grace_time=None)

        def call_off() -> None:
            with contextlib.suppress(LookupError):  # it has rung
                job.remove()

        return call_off

    def _scheduler(self) -> AsyncIOScheduler:
        """Of the running loop; its jobs lie in memory."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        loop = asyncio.get_running_loop()
        if self._alarms is None or self._alarms[0] is not loop:
            logging.getLogger("apscheduler").setLevel(logging.WARNING)
            scheduler = AsyncIOScheduler(timezone=UTC, event_loop=loop)
            scheduler.start()
            self._alarms = loop, scheduler
        return self._alarms[1]


class SystemRandom:
    def __init__(self) -> None:
        self._last = 0

    def id(self) -> str:
        """UUIDv7 (RFC 9562 5.7). Within one process each is greater than the one before."""
        millis, chance = time.time_ns() // 1_000_000, secrets.randbits(72)
        self._last = stamp = max(millis << 12 | chance >> 62, self._last + 1)
        high = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
        low = 0x8000_0000_0000_0000 | chance & 0x3FFF_FFFF_FFFF_FFFF
        return f"{high << 64 | low:032x}"

    def token(self) -> str:
        return secrets.token_urlsafe(16)

    def between(self, low: float, high: float) -> float:
        return random.uniform(low, high)
