"""A desk that books, standing time, and a store in memory: what most tests of the core begin with."""

from __future__ import annotations

import pytest

from bot.flow.book import Book
from bot.flow.read import read
from bot.ports import Store
from bot.store import open_store
from bot.testing.clock import SettableClock
from tests.bot.flow.script import project
from tests.journeys.crossings import FLOWS


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return read(project(tmp_path_factory.mktemp("project"), FLOWS))


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def store(clock: SettableClock) -> Store:
    return open_store("sqlite://", clock)
