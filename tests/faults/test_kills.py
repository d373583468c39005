"""F1 and F2: workers are killed, at random and where it hurts, and every customer is answered all the same, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults import scale
from tests.faults.air import unexplained
from tests.faults.driver import Driver, driving
from tests.faults.journal import Fault, Sending, read
from tests.faults.outside import STUCK
from tests.faults.worker import STAGES

pytestmark = pytest.mark.processes

REACHED = 5.0
"""Seconds until a worker is killed anyway, and another sent to the same stage."""

TIMERS = 8
"""Set for a worker that is to die of one; more than one worker takes at once."""
SOON = timedelta(seconds=1)

UNKNOWN = 2
"""Deliveries of unknown outcome per kill, on average. What is in the air at a kill is unknown, `OutboxSettings.most` at
the worst; only in the burst after a restart is it more than one or two."""


@pytest.mark.timeout(scale.KILLS * 10 + 60)
async def test_killed_at_random_moments(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        async with driver.outside.load(scale.CHATS, scale.RATE), driver.outside.agents(every=1):
            for _ in range(scale.KILLS):
                await asyncio.sleep(driver.chance.uniform(*scale.KILL_EVERY))
                worker = driver.chance.choice(driver.workers)
                await driver.kill(worker)
                await driver.open(worker)
        seen = await driver.judge()
        assert seen.kills == scale.KILLS, driver.tell(f"{seen}")
        found = read(driver.journals)
        assert not (broken := unexplained(found)), driver.tell("\n".join(broken[:20]))
        assert any(isinstance(each, Sending) for each in found)
        print(f"F1: {seen.unknown} unknown after {seen.kills} kills, {seen.unknown / seen.kills:.2f} per kill")
        assert seen.unknown <= UNKNOWN * seen.kills, driver.tell(f"{seen}")
        assert seen.accepted == len(driver.outside.accepted) > scale.KILLS, driver.tell(f"{seen}")


@pytest.mark.timeout(scale.STAGE_ROUNDS * len(STAGES) * 10 + 60)
async def test_killed_at_each_stage(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database) as driver:
        mine = database.startswith("postgresql")  # the databases take the stages in turns
        rounds = range(scale.STAGE_ROUNDS)
        stages = [stage for one in rounds for number, stage in enumerate(STAGES) if (one + number) % 2 == mine]
        driver.chance.shuffle(stages)
        for worker in driver.workers:
            await driver.open(worker)
        async with (
            driver.outside.load(scale.CHATS, scale.RATE),
            driver.outside.agents(every=0.3),
            asyncio.TaskGroup() as timers,
        ):
            for stage in stages:
                await _killed_at(driver, stage, timers)
        await driver.judge()
        found = read(driver.journals)
        assert not (broken := unexplained(found)), driver.tell("\n".join(broken[:20]))
        faults = (record for record in found if isinstance(record, Fault))
        reached = Counter(fault.detail for fault in faults if fault.detail)
        assert reached == Counter(stages), driver.tell(f"{reached}")


async def _killed_at(driver: Driver, stage: str, timers: asyncio.TaskGroup) -> None:
    """One worker dies there; if it does not come there, it is killed, and another one sent."""
    doomed = driver.chance.choice(driver.workers)
    # What is left by the dead is there to be claimed by nobody else.
    leaving = driver.workers if stage == "T1" else (doomed,)
    async with asyncio.timeout(2 * STUCK):
        reached = False
        while not reached:
            for worker in leaving:
                if worker.pid:
                    await driver.kill(worker)
            await driver.bear(doomed, stage=stage, nth=driver.chance.choice((1, 1, 1, 2)))
            if stage == "timer claimed":
                _set_timers(driver, timers)
            reached = await driver.has_died(doomed, seconds=REACHED)
    for worker in driver.workers:
        if not worker.pid:
            await driver.open(worker)


def _set_timers(driver: Driver, timers: asyncio.TaskGroup) -> None:
    """In chats where nobody else writes: what is unheard holds timers back."""
    due = datetime.now(UTC) + SOON
    for chat in range(scale.CHATS + 1, scale.CHATS + 1 + TIMERS):
        update = driver.outside.writes(str(chat), f"remind mark{chat} at {due.isoformat()} please")
        timers.create_task(driver.outside.deliver(update))
