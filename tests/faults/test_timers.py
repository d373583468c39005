"""F20: timers of many conversations are due at one moment, and workers are killed meanwhile: each rings once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults import scale
from tests.faults.driver import Driver, driving, until
from tests.faults.journal import Due, Received, now, read, uids
from tests.faults.outside import STUCK

pytestmark = pytest.mark.processes

AT_ONCE = 8
"""Customers who wait for an answer at the same time: leases are short here, and this is no test of overload."""
PER_SECOND = 12
"""Turns that the slowest machine takes."""
TRIED = scale.TIMERS // 20
"""Customers who are heard first, to find out how fast this machine is."""
SLOWER = 2
"""So much slower it may become while the timers are set."""
SPARE = timedelta(seconds=8)
KILLS = 4


@pytest.mark.timeout(scale.TIMERS / PER_SECOND + 4 * STUCK)
async def test_timers_that_are_due_together_ring_once_each(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        ahead = SPARE + SLOWER * (await _all_say(driver, ["please"] * TRIED)) * (scale.TIMERS / TRIED)
        due, at = datetime.now(UTC) + ahead, now() + round(ahead.total_seconds() * 1e9)
        marks = [f"mark{number}" for number in range(1, scale.TIMERS + 1)]
        await _all_say(driver, [f"remind {mark} at {due.isoformat()} please" for mark in marks])
        assert now() < at, "the machine has become too slow for this many"
        for number, mark in enumerate(marks, 1):
            driver.journal.write(Due(at=now(), chat=str(number), text=f"{mark}.", earliest=at, latest=at))
        await asyncio.sleep((at - now()) / 1e9)
        for _ in range(KILLS):
            worker = driver.chance.choice(driver.workers)
            await driver.kill(worker)
            await driver.open(worker)
            await asyncio.sleep(driver.chance.uniform(*scale.KILL_EVERY))
        await until(lambda: _told(driver) == set(marks), seconds=STUCK + scale.TIMERS / PER_SECOND, every=0.5)
        seen = await driver.judge()
        assert seen.accepted == TRIED + scale.TIMERS, driver.tell(f"{seen}")
        assert seen.kills == KILLS, driver.tell(f"{seen}")


async def _all_say(driver: Driver, wishes: Sequence[str]) -> timedelta:
    """Each in a chat of its own. Gives how long it took until all were answered."""
    slots, since = asyncio.Semaphore(AT_ONCE), now()

    async def say(chat: int, wish: str) -> None:
        async with slots:
            update = driver.outside.writes(str(chat), wish)
            await driver.outside.deliver(update)
            await until(lambda: set(uids(update.words)) <= driver.outside.replies.keys())

    await asyncio.gather(*(say(chat, wish) for chat, wish in enumerate(wishes, 1)))
    return timedelta(microseconds=(now() - since) / 1000)


def _told(driver: Driver) -> set[str]:
    """What customers were reminded of."""
    got = (each.text for each in read(driver.journals) if isinstance(each, Received) and each.answer != "refused")
    return {text.removeprefix("It is time: ").removesuffix(".") for text in got if text.startswith("It is time")}
