"""The loop of the simulation: time jumps, chance picks, lives end without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from tests.faults.simulation.loop import Gone, Life, Loop, Stuck, new_loop

T = TypeVar("T")


@contextmanager
def looping(seed: int = 0) -> Iterator[Loop]:
    loop = new_loop(seed)
    yield loop
    loop.close()


def run(main: Callable[[], Coroutine[Any, Any, T]], seed: int = 0) -> T:
    with looping(seed) as loop:
        return loop.run(main())


def test_time_jumps_to_the_next_timer() -> None:
    async def main() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    assert run(main) == pytest.approx(86_400, abs=0.001)


def order(seed: int) -> str:
    async def main() -> str:
        seen: list[str] = []

        async def work(name: str) -> None:
            for _ in range(3):
                seen.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(*map(work, "abc"))
        return "".join(seen)

    return run(main, seed)


def test_chance_picks_the_next_step_and_equal_seeds_pick_alike() -> None:
    orders = [order(seed) for seed in range(20)]
    assert orders == [order(seed) for seed in range(20)]
    assert len(set(orders)) > 10


@pytest.mark.parametrize("point", range(1, 6))
def test_a_life_that_ends_takes_no_further_step(point: int) -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            for name in "abcd":
                seen.append(name)
                await asyncio.sleep(1)
        finally:
            seen.append("finally")

    async def main() -> None:
        life = Life("a")
        life.ends_at = point
        life.begin(work())
        with pytest.raises(Gone):
            await life.ask(lambda: asyncio.sleep(100))
        await asyncio.sleep(100)
        assert "finally" not in seen
        assert len(seen) < point <= 5

    run(main)


def test_a_life_that_stands_still_goes_on_where_it_was() -> None:
    async def main() -> list[float]:
        loop, life, at = asyncio.get_running_loop(), Life("a"), list[float]()

        async def work() -> None:
            for _ in range(3):
                at.append(round(loop.time(), 3))
                await asyncio.sleep(1)

        task = life.begin(work())
        await asyncio.sleep(0.5)
        life.still_until = 10
        await task
        return at

    assert run(main) == [0, 10, 11]


def test_what_nobody_can_end_is_stuck() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        run(main)
