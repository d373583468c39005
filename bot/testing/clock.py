"""A clock that stands still until it is told to move."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class SettableClock:
    """Virtual time: `advance` wakes the sleepers in the order of their due times, and lets each run before the next."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), woken))
        await woken

    def alarm(self, at: datetime, call: Callable[[], None]) -> Callable[[], object]:
        loop, seconds = asyncio.get_running_loop(), (at - self.now()).total_seconds()
        if seconds <= 0:
            return loop.call_soon(call).cancel
        woken = loop.create_future()
        woken.add_done_callback(lambda woken: None if woken.cancelled() else call())
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), woken))
        return woken.cancel

    async def leap(self, seconds: float) -> None:
        """Time passes while the machine sleeps: who was to be woken meanwhile is woken at its end."""
        self._passed += seconds
        await self.advance(0)

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`; a sleeper that goes to sleep again within them is woken again."""
        end = self._passed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # who slept there was cancelled
                continue
            self._passed = max(self._passed, due)
            woken.set_result(None)
            await settle()
        self._passed = end
        await settle()


async def settle(rounds: int = 50) -> None:
    """Let tasks that are ready run on; what waits for a thread or a socket is not waited for."""
    for _ in range(rounds):
        await asyncio.sleep(0)
