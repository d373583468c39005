"""Reads a database beside the program that has it open, and changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from bot.errors import SettingsError, StoreDown
from bot.ports import Clock, Question
from bot.store.kinds import answer
from bot.store.migrate import current, sqlite_path
from bot.store.schema import REVISION
from bot.store.tx import SqliteTx

R = TypeVar("R")


class Reader(Protocol):
    async def read(self, question: Question[R], /) -> R:
        """Raises `StoreDown`."""


@asynccontextmanager
async def reading(url: str, clock: Clock) -> AsyncIterator[Reader | None]:
    """None: there is no database yet. Raises `SettingsError` when its tables are not those of this program."""
    revision = current(url)
    if revision is None:
        yield None
        return
    if revision != REVISION:
        raise SettingsError(f"the database has revision {revision!r}, not {REVISION!r}: run `frontdesk db upgrade`")
    if path := sqlite_path(url):
        file = _File(path)
        try:
            yield file
        finally:
            file.close()
        return
    from bot.store.postgres import PostgresStore

    store = PostgresStore(url, clock)
    try:
        yield store
    finally:
        await store.close()


class _File:
    """Without the lock of the instance: a connection that cannot write disturbs nobody."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._tx = SqliteTx(self._connection, lambda: 0)

    async def read(self, question: Question[R], /) -> R:
        try:
            return answer(self._tx, question)
        except (sqlite3.Error, sa.exc.DBAPIError) as error:
            raise StoreDown(f"the database cannot be read: {error}") from error

    def close(self) -> None:
        self._tx.close()
        self._connection.close()
