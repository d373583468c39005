"""F17: a message at which the model always fails: it is set aside with an alarm, and the next one is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults import scale
from tests.faults.driver import Driver, driving, until
from tests.faults.journal import Asked, Log, read, uids
from tests.faults.outside import STUCK

pytestmark = pytest.mark.processes

POISONS = ("raise", "hang", "devour", "crash")
ATTEMPTS = 5
SPARE = 512 << 20
"""Bytes that a worker may take beyond what it starts with."""


@pytest.mark.timeout(STUCK * 3)
async def test_poison_is_set_aside_and_what_follows_is_taken(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database, deadline=1, memory=SPARE) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        poisoned = [driver.outside.writes(str(number), kind) for number, kind in enumerate(POISONS * scale.POISONS, 1)]
        keeping = asyncio.create_task(_keep_alive(driver))
        await asyncio.gather(*map(driver.outside.deliver, poisoned))
        await until(lambda: len(_alarms(driver)) >= len(poisoned))
        await asyncio.gather(*(driver.outside.deliver(driver.outside.writes(each.chat, "please")) for each in poisoned))
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        seen = await driver.judge()
        assert seen.set_aside == len(poisoned), driver.tell(f"{seen}")
        asked = [uids(record.text)[-1:] for record in read(driver.journals) if isinstance(record, Asked)]
        tries = {each.words: asked.count(uids(each.words)) for each in poisoned}
        assert max(tries.values()) <= ATTEMPTS, driver.tell(f"{tries}")
        # What a neighbour's poison ends counts as an attempt, so one of them may never have come to the model.
        reached = {words.split()[1] for words, times in tries.items() if times}
        assert reached == set(POISONS), driver.tell(f"{tries}")


async def _keep_alive(driver: Driver) -> None:
    """As whatever runs the program does: what has died is started again."""
    while True:
        for worker in driver.workers:
            if await driver.exit_code(worker) is not None:
                await driver.open(worker)
        await asyncio.sleep(0.05)


def _alarms(driver: Driver) -> list[Log]:
    return [each for each in read(driver.journals) if isinstance(each, Log) and "engine.set_aside" in each.text]
