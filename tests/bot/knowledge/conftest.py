"""A store for documents: in memory, and for what the databases must do alike, PostgreSQL as well."""

from collections.abc import AsyncIterator

import pytest

from bot.ports import Store
from bot.store import open_store
from bot.testing.clock import SettableClock


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = open_store("sqlite://", SettableClock())
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_database: str) -> AsyncIterator[Store]:
    opened = open_store(postgres_database, SettableClock())
    yield opened
    await opened.close()
