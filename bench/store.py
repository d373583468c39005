"""The store alone: CPU per turn, which is an `Accept` that claims and the `Commit` that follows, by many visitors.

`python -m bench.store ADDRESS` prints what client and server spend, beside the floor's store. PostgreSQL's own CPU can
be counted when it runs on this machine. The client's part includes making the units, some 10 us.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import uvloop

from bench.floor import CONVERSATIONS, Postgres, Sqlite
from bot.model import (
    BOT,
    Address,
    Asked,
    ContactId,
    ConversationId,
    Entered,
    Filled,
    Frame,
    Said,
    State,
    Turned,
    text,
)
from bot.store import migrate, open_store
from bot.units import Accept, Commit, Committed, Entry, Lease
from config.machine import SystemClock, SystemRandom

LEASE = Lease("bench", timedelta(seconds=15))
STATE = State((Frame(1, "order", "1", "order", {"order": "A-17"}, asking="order"),), frames=1, language="en")
ENTRIES = (
    Entry(BOT, Turned("in_flow", (Entered(1, "order", ("order",)), Filled("order", "A-17", 1), Asked(1, "order"))), 0),
    Entry(BOT, Said(text("Thank you, I have noted A-17. Which order is it?")), 0, public=True),
)

Talk = Callable[[int], Awaitable[None]]
"""One turn of a visitor."""


@dataclass(frozen=True)
class Cost:
    client: float
    """Microseconds of CPU per turn."""
    server: float
    rate: float
    """Turns per second."""


def main(address: str, visitors: int = 500, seconds: float = 4.0, rounds: int = 3) -> None:
    sides = {"floor": floor, "product": product}
    for name, side in sides.items():
        costs = [uvloop.run(_cost(side, address, visitors, seconds)) for _ in range(rounds)]
        client, server, rate = map(statistics.median, zip(*map(astuple, costs), strict=True))
        print(
            f"{name:8} client {client:6.1f} us/turn   server {server:6.1f} us/turn   {rate:9,.0f} turns/s", flush=True
        )


async def _cost(side: Callable[[str], AsyncIterator[Talk]], address: str, visitors: int, seconds: float) -> Cost:
    """Closed loop: every visitor says the next thing as soon as the last is answered."""
    async with asynccontextmanager(side)(address) as talk:
        turns = 0
        going = True

        async def visit(visitor: int) -> None:
            nonlocal turns
            while going:
                await talk(visitor)
                turns += 1

        people = [asyncio.create_task(visit(visitor)) for visitor in range(visitors)]
        await asyncio.sleep(min(1.0, seconds / 3))
        servers = await _servers(address)
        before = turns, time.perf_counter(), time.process_time(), _cpu(servers)
        await asyncio.sleep(seconds)
        after = turns, time.perf_counter(), time.process_time(), _cpu(servers)
        going = False
        await asyncio.gather(*people)
    done, wall, client, server = (late - early for early, late in zip(before, after, strict=True))
    return Cost(client / done * 1e6, server / done * 1e6, done / wall)


async def _servers(address: str) -> list[int]:
    """PostgreSQL's processes."""
    if not address.startswith("postgresql:"):
        return []
    connection = await asyncpg.connect(address)
    try:
        return [row["pid"] for row in await connection.fetch("SELECT pid FROM pg_stat_activity")]
    finally:
        await connection.close()


def _cpu(pids: Sequence[int]) -> float:
    """Seconds that these processes have run; one that has ended counts no more."""
    paths = (Path(f"/proc/{pid}/schedstat") for pid in pids)
    return sum(int(path.read_text().split()[0]) for path in paths if path.exists()) / 1e9


async def floor(address: str) -> AsyncIterator[Talk]:
    with tempfile.TemporaryDirectory() as home:
        store = (
            Postgres(address, connections=2, most=200)
            if address.startswith("postgresql:")
            else Sqlite(f"{home}/floor.db")
        )
        await _begin_anew(address)
        await store.start()
        numbers = itertools.count()
        yield lambda visitor: store.turn((visitor % CONVERSATIONS + 1, f"{visitor}.{next(numbers)}", time.time()))


async def _begin_anew(address: str) -> None:
    if address.startswith("postgresql:"):
        connection = await asyncpg.connect(address)
        await connection.execute("DROP SCHEMA IF EXISTS floor CASCADE")
        await connection.close()


async def product(address: str) -> AsyncIterator[Talk]:
    with tempfile.TemporaryDirectory() as home:
        if not address.startswith("postgresql:"):
            address = f"{home}/store.db"
        migrate.upgrade(address)
        clock, random = SystemClock(), SystemRandom()
        store = open_store(address, clock)

        async def talk(visitor: int) -> None:
            said = Said(text("my order is A-17"), random.id())
            kept = await store.write(
                Accept(
                    channel="web",
                    account="bench",
                    key=f"{visitor}-{said.ref}",
                    twin=None,
                    digest=b"0123456789abcdef",
                    to=Address("web", "bench", f"visitor-{visitor}", ""),
                    by=f"visitor-{visitor}",
                    name="",
                    language="en",
                    at=clock.now(),
                    bodies=(said,),
                    conversation=ConversationId(random.id()),
                    contact=ContactId(random.id()),
                    initial=STATE,
                    lease=LEASE,
                )
            )
            assert kept.claimed is not None
            conversation = kept.claimed.conversation
            done = await store.write(
                Commit(
                    conversation=conversation.id,
                    fence=conversation.fence,
                    epoch=conversation.control.epoch,
                    turn=conversation.heard,
                    heard=conversation.input_seq,
                    entries=ENTRIES,
                    state=STATE,
                    language="en",
                    at=clock.now(),
                )
            )
            assert isinstance(done, Committed)

        yield talk
        await store.close()


if __name__ == "__main__":
    main(sys.argv[1])
