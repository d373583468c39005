"""One SQL store for SQLite and PostgreSQL: `open_store`."""

from __future__ import annotations

from bot.errors import SettingsError
from bot.ports import Clock, Store
from bot.store.backup import backup as backup
from bot.store.migrate import current, sqlite_path
from bot.store.schema import REVISION
from bot.store.sqlite import FileStore, LookingStore, MemoryStore


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


def look_into(url: str, clock: Clock) -> Store:
    """Open a database to read it, also while servers use it; nothing is made or migrated.

    Raises `SettingsError` when it is not one of this version, `StoreDown` when it cannot be reached.
    """
    path = sqlite_path(url)
    if path is None:
        return open_store(url, clock)
    store = LookingStore(path, clock)
    if (found := current(url)) != REVISION:
        raise SettingsError(f"the database has revision {found!r}, not {REVISION!r}: run `frontdesk db upgrade`")
    return store
