"""The core alone: the script of `bench/desk` on a store in memory, no socket, one message at a time.

`python -m bench.core SECONDS` prints the microseconds of CPU that a turn costs.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bench.servers import DESK
from bot.flow.read import read
from bot.model import Address, Said, text
from bot.ports import Arrival, Happened, News
from bot.store import open_store
from config.machine import SystemClock, SystemRandom
from config.settings import Settings
from config.wiring import running

CUSTOMERS = 100


async def microseconds(seconds: float) -> float:
    settings = Settings(config=DESK)
    file, clock, random = settings.desk_file(), SystemClock(), SystemRandom()
    store = open_store("sqlite://", clock)
    async with running(settings, file, read(file.flows), store=store, clock=clock, random=random) as parts:
        answered = asyncio.Event()

        def hear(news: News) -> None:
            if isinstance(news, Happened) and any(
                event.author.kind == "bot" and isinstance(event.body, Said) for event in news.events
            ):
                answered.set()

        async def turn(number: int) -> None:
            answered.clear()
            chat = str(number % CUSTOMERS)
            await parts.inbox(
                Arrival(
                    account="bench",
                    key=f"{number}",
                    raw=b"",
                    to=Address("web", "bench", chat),
                    by=chat,
                    at=clock.now(),
                    bodies=(Said(text("my order")),),
                    language="en",
                )
            )
            await answered.wait()

        parts.bus.listen(None, hear)
        turns = 0
        while turns < 3 * CUSTOMERS:
            await turn(turns)
            turns += 1
        first, since, until = turns, time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < until:
            await turn(turns)
            turns += 1
        return (time.process_time() - since) / (turns - first) * 1e6


if __name__ == "__main__":
    import uvloop

    print(uvloop.run(microseconds(float(sys.argv[1]))))
