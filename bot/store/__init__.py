"""One SQL store for SQLite and PostgreSQL: `open_store`."""

from __future__ import annotations

from bot.ports import Clock, Store
from bot.store.backup import backup as backup
from bot.store.migrate import sqlite_path
from bot.store.sqlite import FileStore, MemoryStore


def open_store(url: str, clock: Clock) -> Store:
    """Open `sqlite:///path`, `sqlite://` (in memory), `postgresql://...`, or the path of an SQLite file.

    A SQLite file is made, or brought up to date, at once. Raises `SettingsError` when the database is not one that
    this program may open, or another process has the file; `StoreDown` when it cannot be reached.
    """
    if url in ("sqlite://", "sqlite:///:memory:"):
        return MemoryStore(clock)
    if path := sqlite_path(url):
        return FileStore(path, clock)
    from bot.store.postgres import PostgresStore

    return PostgresStore(url, clock)
