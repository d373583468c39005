"""The core alone: the script of `bench/desk`, without a socket.

`python -m bench.core SECONDS` prints the microseconds of CPU that a turn costs on a store in memory, one message at a
time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.servers import DESK
from bot.flow.read import read
from bot.model import Address, ConversationId, Said, text
from bot.ports import Arrival, Happened, News, Store
from bot.store import open_store
from config.machine import SystemClock, SystemRandom
from config.settings import Settings
from config.wiring import Parts, running

CUSTOMERS = 100


class Customers:
    """They say something, and hear the answer when it is committed."""

    def __init__(self, parts: Parts) -> None:
        self._inbox, self._clock = parts.inbox, parts.clock
        self._said: Counter[str] = Counter()
        self._heard: Counter[ConversationId] = Counter()
        self._waiting: dict[ConversationId, asyncio.Event] = {}
        parts.bus.listen(None, self._hear)

    async def turn(self, chat: str) -> None:
        self._said[chat] += 1
        arrival = Arrival(
            account="bench",
            key=f"{chat}.{self._said[chat]}",
            raw=b"",
            to=Address("web", "bench", chat),
            by=chat,
            at=self._clock.now(),
            bodies=(Said(text("my order")),),
            language="en",
        )
        conversation = (await self._inbox(arrival)).conversation
        assert conversation is not None
        while self._heard[conversation] < self._said[chat]:
            answered = self._waiting[conversation] = asyncio.Event()
            await answered.wait()

    def _hear(self, news: News) -> None:
        if isinstance(news, Happened) and any(
            event.author.kind == "bot" and isinstance(event.body, Said) for event in news.events
        ):
            self._heard[news.conversation] += 1
            if answered := self._waiting.pop(news.conversation, None):
                answered.set()


@asynccontextmanager
async def customers(store: Store) -> AsyncIterator[Customers]:
    """Of a desk at work on this store, which is closed at the end."""
    settings = Settings(config=DESK)
    file = settings.desk_file()
    parts = running(settings, file, read(file.flows), store=store, clock=SystemClock(), random=SystemRandom())
    async with parts as at_work:
        yield Customers(at_work)


async def microseconds(seconds: float) -> float:
    async with customers(open_store("sqlite://", SystemClock())) as people:
        for number in range(3 * CUSTOMERS):
            await people.turn(str(number % CUSTOMERS))
        turns, since, until = 0, time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < until:
            await people.turn(str(turns % CUSTOMERS))
            turns += 1
        return (time.process_time() - since) / turns * 1e6


if __name__ == "__main__":
    import uvloop

    print(uvloop.run(microseconds(float(sys.argv[1]))))
