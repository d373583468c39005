"""Every store, for the suites that all of them must pass."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import Scene

LASTING = ("file", "postgres")


@pytest.fixture(params=["memory", *LASTING])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    return _address(request, tmp_path)


@pytest.fixture(params=LASTING)
def lasting_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database that outlives the store."""
    return _address(request, tmp_path)


def _address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    places: dict[str, Callable[[], Any]] = {
        "memory": lambda: "sqlite://",
        "file": lambda: f"sqlite:///{tmp_path}/store.db",
        "postgres": lambda: request.getfixturevalue("postgres_database"),
    }
    return str(places[request.param]())


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def store(address: str, clock: SettableClock) -> AsyncIterator[Store]:
    opened = await asyncio.to_thread(open_store, address, clock)
    yield opened
    await opened.close()


@pytest.fixture
def scene(store: Store, clock: SettableClock) -> Scene:
    return Scene(store, clock, SeededRandom())
