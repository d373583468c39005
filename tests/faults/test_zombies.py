"""F11: a worker stands still longer than its lease; when it wakes, another has gone on, and its own work is void."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.faults import scale
from tests.faults.air import unexplained
from tests.faults.driver import LEASE, Driver, driving
from tests.faults.journal import read

pytestmark = pytest.mark.processes


@pytest.mark.timeout(scale.ZOMBIES * 30 + 60)
async def test_what_was_stopped_and_goes_on_commits_nothing_stale(tmp_path: Path, postgres: str) -> None:
    async with driving(tmp_path, postgres) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        async with driver.outside.load(scale.CHATS, scale.RATE), driver.outside.agents(every=1):
            for number in range(scale.ZOMBIES):
                await asyncio.sleep(driver.chance.uniform(0.3, 1))
                await (_stop(driver) if number % 3 < 2 else _stall(driver))
        seen = await driver.judge()
        assert not (broken := unexplained(read(driver.journals))), driver.tell("\n".join(broken[:20]))
        assert seen.accepted > scale.ZOMBIES, driver.tell(f"{seen}")


async def _stop(driver: Driver) -> None:
    worker = driver.chance.choice(driver.workers)
    with driver.fault("stop", worker.spec.name):
        driver.signal(worker, signal.SIGSTOP)
        await asyncio.sleep(LEASE * driver.chance.uniform(*scale.STOPPED_LEASES))
        driver.signal(worker, signal.SIGCONT)


async def _stall(driver: Driver) -> None:
    """Something in the turn blocks the whole process, without any signal."""
    with driver.fault("stall"):
        chat = str(driver.chance.randint(1, scale.CHATS))
        await driver.outside.deliver(driver.outside.writes(chat, "stall boots"))
        await asyncio.sleep(LEASE * 2)
