"""What one process on a file promises, and no whole run would show: each check gives what was broken."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.errors import StoreDown
from bot.model import SYSTEM, Noted
from bot.store.sqlite import FileStore, MemoryStore
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import Scene
from bot.units import Amended, Entry, Kept, Stale
from tests.faults.simulation.house import LEASE, opened
from tests.faults.simulation.people import Customer

Check = Callable[[Path], list[str]]


def _a_turn_without_a_lease_ends(folder: Path) -> list[str]:
    """Who cannot confirm the lease stops producing, as somebody else may have begun."""
    with opened(1, workers=1) as house:
        outside = house.outside
        outside.endless = True

        async def main() -> float:
            await house.start()
            await Customer(house, 1).say("tell me of tents {uid}")
            await asyncio.sleep(5)
            outside.down_until = house.loop.time() + 60
            cut_at = house.loop.time()
            await asyncio.sleep(30)
            return outside.spoke_at - cut_at

        spoke_for = house.loop.run(main())
    return [f"it spoke for {spoke_for:.1f} s without a lease"] if spoke_for > LEASE.total_seconds() + 0.5 else []


def _what_was_overtaken_is_not_sent_again(folder: Path) -> list[str]:
    async def main() -> list[str]:
        clock = SettableClock()
        scene = Scene(MemoryStore(clock), clock, SeededRandom(1))
        now = await scene.exchange("hello", deliver=True)
        (delivery,) = await scene.sends()
        await scene.takes_over(now)
        await scene.store.write(scene.failed(delivery))
        return [f"{again.id} is sent once more" for again in await scene.sends()]

    return asyncio.run(main())


def _nobody_writes_between(folder: Path) -> list[str]:
    """What a unit has decided on stays true until it is committed."""

    async def main() -> list[str]:
        store, scene = _open(folder)
        now = await scene.exchange("hello")
        tx = store._writer.tx
        tx.begin()
        tx.forget()
        tx.hold([now.id])
        other = sqlite3.connect(folder / "frontdesk.db", isolation_level=None, timeout=0)
        try:
            other.execute("UPDATE conversation SET epoch = 7")
            broken = ["another process wrote in the middle of a unit"]
        except sqlite3.OperationalError:
            broken = []
        other.close()
        store._writer._connection.execute("ROLLBACK")
        await store.close()
        return broken

    return asyncio.run(main())


class _FullDisk:
    """A connection whose next commit fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: Any) -> Any:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _what_is_done_is_kept(folder: Path) -> list[str]:
    async def main() -> list[str]:
        store, scene = _open(folder)
        connection = store._writer._connection
        store._writer._connection = _FullDisk(connection)  # type: ignore[assignment]
        try:
            kept: Kept | None = await scene.says("hello")
        except StoreDown:
            kept = None
        store._writer._connection = connection
        rows = connection.execute("SELECT count(*) FROM event").fetchone()
        await store.close()
        return ["what was reported as kept is not there"] if kept and rows == (0,) else []

    return asyncio.run(main())


def _neighbours_are_not_disturbed(folder: Path) -> list[str]:
    async def main() -> list[str]:
        store, scene = _open(folder)
        now = await scene.exchange("hello")
        secret = Entry(SYSTEM, Noted("secret"), 0, deliver=True)
        other = sqlite3.connect(folder / "frontdesk.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # the first transaction waits, so that units gather behind it
        a, b, c = (store.write(scene.accept(words, chat=words)) for words in "abc")
        wrong = store.write(scene.amend(now.id, secret))
        d = store.write(scene.accept("d", chat="d"))
        other.execute("ROLLBACK")
        other.close()
        await asyncio.gather(wrong, return_exceptions=True)
        results = await asyncio.gather(a, b, c, d, return_exceptions=True)
        await store.close()
        return [f"a neighbour was refused: {one!r}" for one in results if not isinstance(one, Kept)]

    return asyncio.run(main())


def _what_others_wrote_is_seen(folder: Path) -> list[str]:
    async def main() -> list[str]:
        store, scene = _open(folder)
        now = await scene.exchange("hello")
        other = sqlite3.connect(folder / "frontdesk.db", isolation_level=None)
        other.execute("UPDATE conversation SET epoch = 7")
        other.close()
        done = await store.write(msgspec.structs.replace(scene.replies(now, "late"), epoch=0))
        await store.close()
        assert isinstance(done, Amended | Stale)
        return ["a guard passed on a row that had changed"] if isinstance(done, Amended) else []

    return asyncio.run(main())


def _open(folder: Path) -> tuple[FileStore, Scene]:
    clock = SettableClock()
    store = FileStore(folder / "frontdesk.db", clock)
    return store, Scene(store, clock, SeededRandom(1))


def _what_was_due_long_ago_rings(folder: Path) -> list[str]:
    """Everything was down over the week-end."""
    with opened(1, workers=1) as house:
        (worker,) = house.workers

        async def main() -> list[tuple[object, ...]]:
            await house.start()
            await Customer(house, 1).say("remind me {uid}")
            await house.until(house.is_quiet, 10)
            worker.kill()
            worker.restarts_after = 3600
            worker.clock.off = timedelta(days=3)
            await worker.start()
            await house.until(house.is_awake, 20)
            await house.until(house.is_quiet, 20)
            return house.rows("SELECT seq FROM event WHERE kind = 'rang'")

        rang = house.loop.run(main())
    return [] if len(rang) == 1 else [f"what was due rang {len(rang)} times"]


CHECKS: Mapping[str, Check] = {
    "a turn without a lease ends": _a_turn_without_a_lease_ends,
    "what was overtaken is not sent again": _what_was_overtaken_is_not_sent_again,
    "nobody writes between": _nobody_writes_between,
    "what is done is kept": _what_is_done_is_kept,
    "neighbours are not disturbed": _neighbours_are_not_disturbed,
    "what others wrote is seen": _what_others_wrote_is_seen,
    "what was due long ago rings": _what_was_due_long_ago_rings,
}
