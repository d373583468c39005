"""F3: the store goes away and comes back: meanwhile doors say so at once, and accept nothing that is not kept."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import services
from tests.faults import scale
from tests.faults.driver import Driver, driving, until

pytestmark = pytest.mark.processes

REFUSED_WITHIN = 2.0
BACK_WITHIN = 15.0


@contextmanager
def _moved_away(driver: Driver) -> Iterator[None]:
    files = [path for path in driver.folder.iterdir() if path.name.startswith("frontdesk.db")]
    away = driver.folder / "away"
    away.mkdir()
    for path in files:
        path.rename(away / path.name)
    yield
    for path in files:
        (away / path.name).rename(path)
    away.rmdir()


@contextmanager
def _locked_by_an_intruder(driver: Driver) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(driver.folder / "frontdesk.db", isolation_level=None, timeout=30)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


@contextmanager
def _takes_no_byte(driver: Driver) -> Iterator[None]:
    """Read-only for who has it open already: file modes are asked on opening, and a mount needs rights."""
    (worker,) = driver.workers
    _, most = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, most))
    yield
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.timeout(scale.DOWNS * (scale.DOWN_SECONDS[1] + 30) + 60)
@pytest.mark.parametrize("down", [_moved_away, _locked_by_an_intruder, _takes_no_byte])
async def test_sqlite_is_away(
    down: Callable[[Driver], contextlib.AbstractContextManager[None]], tmp_path: Path, sqlite: str
) -> None:
    async with driving(tmp_path, sqlite) as driver:
        await _go_down(driver, lambda: _while_down(driver, down(driver)))


@pytest.mark.timeout(scale.DOWNS * (scale.DOWN_SECONDS[1] + 30) + 60)
async def test_postgresql_is_stopped(tmp_path: Path, postgres: str, postgres_server: services.Server) -> None:
    @contextmanager
    def down() -> Iterator[None]:
        postgres_server.stop()
        yield
        postgres_server.start()

    async with driving(tmp_path, postgres) as driver:
        await _go_down(driver, lambda: _while_down(driver, down()))


async def _go_down(driver: Driver, once: Callable[[], Awaitable[None]]) -> None:
    for worker in driver.workers:
        await driver.open(worker)
    async with driver.outside.load(scale.CHATS, scale.RATE), driver.outside.agents(every=1):
        for _ in range(scale.DOWNS):
            await asyncio.sleep(1)
            await once()
    seen = await driver.judge()
    assert driver.outside.slowest <= REFUSED_WITHIN, driver.tell(f"a refusal took {driver.outside.slowest:.2f} s")
    assert driver.outside.statuses[503], driver.tell(f"nothing was refused: {driver.outside.statuses}, {seen}")
    assert set(driver.outside.statuses) <= {200, 503}, driver.tell(f"{driver.outside.statuses}")


async def _while_down(driver: Driver, down: contextlib.AbstractContextManager[None]) -> None:
    outside = driver.outside
    with driver.fault("store_down"):
        entered = contextlib.ExitStack()
        await asyncio.to_thread(entered.enter_context, down)
        await asyncio.sleep(driver.chance.uniform(*scale.DOWN_SECONDS))
        await asyncio.to_thread(entered.close)
    before = outside.statuses[200]
    await until(lambda: outside.statuses[200] > before, seconds=BACK_WITHIN)
