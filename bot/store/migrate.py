"""Brings a database to the tables of `bot.store.schema`, and tells which revision it has.

Asking costs one query. Alembic is imported only when there is something to do.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from bot.errors import SettingsError, StoreDown
from bot.store.backup import backup
from bot.store.lock import InstanceLock
from bot.store.schema import REVISION, alembic_version, meta, script

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

_ONE_AT_A_TIME = 0x46726F6E74  # "Front": the key of the lock that two upgrades of one PostgreSQL database meet at


def upgrade(url: str) -> None:
    """Raises `SettingsError` when the database is newer than this program, or a running server has the file."""
    if path := sqlite_path(url):
        lock = InstanceLock(path)
        try:
            upgrade_file(path)
        finally:
            lock.release()
    else:
        _on_postgres(url, _upgrade)


def current(url: str) -> str | None:
    """The revision stored in the database; None: it has none of our tables."""
    if not (path := sqlite_path(url)):
        return _on_postgres(url, stored_revision)
    if not path.exists():
        return None
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    )
    try:
        with engine.connect() as connection:
            return stored_revision(connection)
    finally:
        engine.dispose()


def check(url: str) -> None:
    """For PostgreSQL, where an upgrade is somebody's decision: raises `SettingsError` unless we may open it."""
    _on_postgres(url, refuse_unless_ours)


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:///` address or of a bare path; None for any other database."""
    if url.startswith("sqlite:"):
        return Path(url.removeprefix("sqlite:///"))
    return None if "://" in url else Path(url)


def stored_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(alembic_version.name):
        return None
    return connection.execute(sa.select(alembic_version.c.version_num)).scalar()


def refuse_unless_ours(connection: sa.Connection) -> None:
    match stored_revision(connection):
        case None:
            raise SettingsError("the database has no tables of this program yet: run `frontdesk db upgrade`")
        case revision if revision != REVISION:
            if revision in _known_revisions():
                raise SettingsError(
                    f"the database has revision {revision!r}, not {REVISION!r}: run `frontdesk db upgrade`"
                )
            _refuse_unless_old_enough(connection)


def upgrade_file(path: Path) -> None:
    """For whoever holds the instance lock: a new file gets its tables, an older one is copied first, then migrated."""
    with _begun(path) as connection:
        revision = stored_revision(connection)
        if revision is None:
            for statement in script("sqlite"):
                connection.exec_driver_sql(statement)
        elif revision != REVISION and revision not in _known_revisions():
            _refuse_unless_old_enough(connection)
            return
    if revision not in (None, REVISION):
        backup(path, path.with_name(f"{path.name}.before-{REVISION}"), replace=True)
        migrate_file(path)


def migrate_file(path: Path) -> None:
    """Run the migrations that the file has not seen, all in one transaction."""
    with _begun(path) as connection:
        _upgrade(connection)


@contextmanager
def _begun(path: Path) -> Iterator[sa.Connection]:
    driver = sqlite3.connect(path, isolation_level=None)
    try:
        engine = sa.create_engine("sqlite://", creator=lambda: driver, poolclass=sa.StaticPool)
        sa.event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
        with engine.begin() as connection:
            yield connection
    except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
        raise StoreDown(f"the database {str(path)!r} cannot be opened or upgraded: {error}") from error
    finally:
        driver.close()


def _upgrade(connection: sa.Connection) -> None:
    """In the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '30s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    revision = stored_revision(connection)
    if revision == REVISION:
        return
    if revision is not None and revision not in _known_revisions():
        _refuse_unless_old_enough(connection)
        return
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, REVISION)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _known_revisions() -> frozenset[str]:
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _refuse_unless_old_enough(connection: sa.Connection) -> None:
    """A newer program made the tables: fine as long as it still wants programs like this one."""
    oldest = connection.execute(sa.select(meta.c.value).where(meta.c.name == "oldest_program")).scalar_one()
    ours = importlib.metadata.version("frontdesk")
    if _parts(ours) < _parts(oldest):
        raise SettingsError(f"the database needs frontdesk {oldest} or newer, and this is {ours}: install that version")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _on_postgres(url: str, work: Callable[[sa.Connection], T]) -> T:
    """In one transaction, and in a thread of its own, since asyncpg needs a loop and the caller may be inside one."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(_in_transaction(url, work)))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


async def _in_transaction(url: str, work: Callable[[sa.Connection], T]) -> T:
    from bot.store.postgres import make_engine

    engine = make_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except (OSError, TimeoutError, sa.exc.DBAPIError) as error:
        raise StoreDown(f"the database cannot be reached: {error}") from error
    finally:
        await engine.dispose()
