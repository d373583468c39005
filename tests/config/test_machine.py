"""The real clock's alarms: kept by a library, so they are tried in real time, as little of it as will do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from config.machine import SystemClock

STUCK = 10.0
SOON = timedelta(milliseconds=30)


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


async def rings(clock: SystemClock, ahead: timedelta) -> None:
    """Wait for an alarm set now, and for whatever was due before it."""
    rung = asyncio.Event()
    clock.alarm(clock.now() + ahead, rung.set)
    async with asyncio.timeout(STUCK):
        await rung.wait()


async def test_an_alarm_rings_once_and_never_early(clock: SystemClock) -> None:
    due, rung = clock.now() + SOON, list[float]()
    clock.alarm(due, lambda: rung.append((clock.now() - due).total_seconds()))
    await rings(clock, 2 * SOON)
    await rings(clock, SOON)
    (late,) = rung
    assert late >= 0


async def test_alarms_ring_in_the_order_they_are_due(clock: SystemClock) -> None:
    rung, now = list[int](), clock.now()
    for place in (3, 1, 2):
        clock.alarm(now + place * SOON, lambda place=place: rung.append(place))  # type: ignore[misc]
    await rings(clock, 4 * SOON)
    assert rung == [1, 2, 3]


async def test_one_that_is_called_off_does_not_ring(clock: SystemClock) -> None:
    rung = list[str]()
    call_off = clock.alarm(clock.now() + SOON, lambda: rung.append("called off"))
    clock.alarm(clock.now() + SOON, lambda: rung.append("kept"))
    call_off()
    await rings(clock, 2 * SOON)
    assert rung == ["kept"]


async def test_calling_off_what_has_rung_or_is_off_does_nothing(clock: SystemClock) -> None:
    rung = asyncio.Event()
    call_off = clock.alarm(clock.now(), rung.set)
    async with asyncio.timeout(STUCK):
        await rung.wait()
    call_off()
    call_off()


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=1), timedelta(days=400)], ids=str)
async def test_what_is_long_past_rings_at_once(clock: SystemClock, ago: timedelta) -> None:
    """After a sleep of the machine, say; the library alone would drop it after a second."""
    await rings(clock, -ago)


async def test_it_rings_in_the_loop_that_set_it(clock: SystemClock) -> None:
    """What waits for it is no concern of another thread."""
    loops, rung = list[asyncio.AbstractEventLoop](), asyncio.Event()

    def ring() -> None:
        loops.append(asyncio.get_running_loop())
        rung.set()

    clock.alarm(clock.now(), ring)
    async with asyncio.timeout(STUCK):
        await rung.wait()
    assert loops == [asyncio.get_running_loop()]


def test_a_new_loop_has_alarms_of_its_own(clock: SystemClock) -> None:
    """As when a program begins anew; what was set in a loop that has ended is gone with it."""
    left = list[str]()

    async def leave() -> None:
        clock.alarm(clock.now() + SOON, lambda: left.append("rung"))

    asyncio.run(leave())
    asyncio.run(rings(clock, 2 * SOON))
    assert left == []
