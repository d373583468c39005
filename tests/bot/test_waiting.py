"""What belongs together is not torn apart by a cancellation, whatever carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.waiting import Handed, unbroken

Carrier = Callable[[asyncio.Event], Awaitable[str]]


async def _coroutine(gate: asyncio.Event) -> str:
    await gate.wait()
    return "done"


def _handed(gate: asyncio.Event) -> Handed[str]:
    handed: Handed[str] = Handed()
    asyncio.ensure_future(_coroutine(gate)).add_done_callback(lambda task: handed.set_result(task.result()))
    return handed


@pytest.mark.parametrize("carrier", [_coroutine, _handed], ids=["coroutine", "handed over"])
async def test_a_caller_that_is_cancelled_goes_through_with_it(carrier: Carrier) -> None:
    gate, after = asyncio.Event(), list[str]()
    caller = asyncio.create_task(unbroken(carrier(gate), after.append))
    await asyncio.sleep(0)
    caller.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not caller.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert after == ["done"]


@pytest.mark.parametrize("carrier", [_coroutine, _handed], ids=["coroutine", "handed over"])
async def test_undisturbed_it_gives_the_result_and_what_follows_comes_first(carrier: Carrier) -> None:
    gate, after = asyncio.Event(), list[str]()
    gate.set()
    assert (await unbroken(carrier(gate), after.append), after) == ("done", ["done"])


async def test_work_that_fails_has_nothing_after_it() -> None:
    async def fails() -> str:
        raise ValueError("no")

    after = list[str]()
    with pytest.raises(ValueError, match="no"):
        await unbroken(fails(), after.append)
    caller = asyncio.create_task(unbroken(fails(), after.append))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert after == []
