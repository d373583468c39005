"""F8: the platform repeats itself in every way a platform can; each message counts once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.faults import scale
from tests.faults.driver import Driver, driving
from tests.faults.outside import WISHES
from tests.faults.worker import Update

pytestmark = pytest.mark.processes

AT_ONCE = 20
REPEATED = 0.3
"""The share of messages that come more than once."""
LARGE = 1 << 20
DAY = 24 * 60 * 60


async def _twice(driver: Driver, update: Update) -> None:
    await _times(driver, update, 2)


async def _five_times(driver: Driver, update: Update) -> None:
    await _times(driver, update, 5)


async def _fifty_times(driver: Driver, update: Update) -> None:
    await _times(driver, update, 50)


async def _times(driver: Driver, update: Update, times: int) -> None:
    for attempt in range(1, times + 1):
        await driver.outside.hand_over(update, attempt=attempt)


async def _at_once(driver: Driver, update: Update) -> None:
    """To every worker, twice."""
    doors = driver.outside.doors * 2
    await asyncio.gather(*(driver.outside.hand_over(update, attempt=n, door=door) for n, door in enumerate(doors, 1)))


async def _answer_lost(driver: Driver, update: Update) -> None:
    await driver.outside.hand_over(update, waits=False)
    await driver.outside.hand_over(update, attempt=2)


async def _large(driver: Driver, update: Update) -> None:
    await _times(driver, msgspec.structs.replace(update, padding="x" * LARGE), 2)


async def _other_body(driver: Driver, update: Update) -> None:
    """The first one counts."""
    await driver.outside.hand_over(update)
    other = msgspec.structs.replace(driver.outside.writes(update.chat, "boots, and then some"), key=update.key)
    await driver.outside.hand_over(other, attempt=2, same=False)


async def _shuffled(driver: Driver, update: Update) -> None:
    """With two others of the same chat, all of them twice, in any order."""
    more = [driver.outside.writes(update.chat, "boots") for _ in range(2)]
    both = [update, *more] * 2
    driver.chance.shuffle(both)
    await asyncio.gather(*(driver.outside.hand_over(each) for each in both))


async def _with_gaps(driver: Driver, update: Update) -> None:
    """Some ids after it never come, and the one behind them comes first."""
    for _ in range(driver.chance.randint(1, 3)):
        driver.outside.writes(update.chat, "boots")  # no door hears of it
    later = driver.outside.writes(update.chat, "boots")
    for each in (later, update, later):
        await driver.outside.hand_over(each)


HABITS: Sequence[Callable[[Driver, Update], Awaitable[None]]] = (
    *(_twice, _twice, _twice, _at_once, _at_once, _answer_lost, _other_body, _shuffled, _with_gaps, _five_times) * 5,
    _large,
    _fifty_times,
)


@pytest.mark.timeout(scale.REPEATS / 5 + 60)
async def test_what_comes_again_has_no_second_effect(tmp_path: Path, database: str) -> None:
    async with driving(tmp_path, database) as driver:
        for worker in driver.workers:
            await driver.open(worker)
        outside, chance = driver.outside, driver.chance
        numbers, late = iter(range(scale.REPEATS)), list[Update]()

        async def write_on(chats: Sequence[str]) -> None:
            """One chat is written in by one task, so that it knows what comes after what."""
            for _ in numbers:
                update = outside.writes(chance.choice(chats), chance.choice(WISHES))
                if chance.random() < REPEATED:
                    await chance.choice(HABITS)(driver, update)
                    late.append(update)
                else:
                    await outside.hand_over(update)

        names = [str(number) for number in range(1, max(scale.CHATS, AT_ONCE) + 1)]
        await asyncio.gather(*(write_on(names[start::AT_ONCE]) for start in range(AT_ONCE)))
        await _let_a_day_pass(driver)
        for update in chance.sample(late, len(late) // 3):
            await outside.hand_over(update, attempt=100)
        assert set(outside.statuses) <= {200, 0}, driver.tell(f"{outside.statuses}")
        seen = await driver.judge()
        assert seen.accepted >= scale.REPEATS, driver.tell(f"{seen}")


async def _let_a_day_pass(driver: Driver) -> None:
    """For the workers: each is born anew, and forgets what it may forget by then."""
    await driver.stop()
    driver.ahead = DAY
    for worker in driver.workers:
        await driver.open(worker)
