"""The tables: what the migrations make is what the program expects, on both databases."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.errors import SettingsError
from bot.store import migrate, schema
from bot.store.rows import Row
from bot.store.statements import CONVERSATION
from bot.testing.clock import SettableClock


def test_a_row_is_the_table_column_by_column() -> None:
    given = tuple(field.name for field in fields(Row) if field.init)
    assert given == (*CONVERSATION, "state", "xmin")


def test_migrations_and_tables_are_the_same_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "migrated.db"
    migrate.migrate_file(path)
    with closing(sqlite3.connect(path)) as migrated, closing(sqlite3.connect(":memory:")) as made:
        for statement in schema.script("sqlite"):
            made.execute(statement)
        assert _sqlite(migrated) == _sqlite(made)


def _sqlite(connection: sqlite3.Connection) -> dict[str, Any]:
    found = connection.execute("SELECT type || ' ' || name, sql FROM sqlite_master ORDER BY 1").fetchall()
    described: dict[str, Any] = {name: sql and " ".join(sql.split()) for name, sql in found}
    for table in ("meta", "alembic_version"):
        described[f"rows of {table}"] = connection.execute(f"SELECT * FROM {table}").fetchall()
    return described


def test_migrations_and_tables_are_the_same_on_postgres(postgres_dsn: str, postgres_database: str) -> None:
    """The database was migrated; beside it, one is made at once."""

    async def both() -> tuple[Any, Any]:
        server = await asyncpg.connect(postgres_dsn)
        name = postgres_database.rpartition("/")[2] + "_made"
        await server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            made = await asyncpg.connect(postgres_database + "_made")
            migrated = await asyncpg.connect(postgres_database)
            try:
                for statement in schema.script("postgresql"):
                    await made.execute(statement)
                return await _postgres(migrated), await _postgres(made)
            finally:
                await migrated.close()
                await made.close()
        finally:
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await server.close()

    migrated, made = asyncio.run(both())
    assert migrated == made


async def _postgres(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    asked = {
        "columns": """SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
            collation_name, identity_generation FROM information_schema.columns WHERE table_schema = 'public'""",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace""",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "meta": "SELECT * FROM meta",
        "version": "SELECT * FROM alembic_version",
    }
    return {name: sorted(map(tuple, await connection.fetch(query)), key=str) for name, query in asked.items()}


def test_a_new_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert migrate.current(str(path)) is None
    assert not path.exists()
    for _ in range(2):
        migrate.upgrade(f"sqlite:///{path}")
        assert migrate.current(f"sqlite:///{path}") == schema.REVISION


def test_an_upgrade_of_postgres_may_be_repeated(postgres_database: str) -> None:
    migrate.upgrade(postgres_database)
    migrate.check(postgres_database)
    assert migrate.current(postgres_database) == schema.REVISION


def test_a_database_without_tables_names_the_command(postgres_dsn: str) -> None:
    with pytest.raises(SettingsError, match="frontdesk db upgrade"):
        migrate.check(postgres_dsn.rpartition("/")[0] + "/template1")


@pytest.mark.parametrize(("oldest", "refused"), [("0.0.1", False), ("999.0", True)])
def test_a_database_of_a_newer_program_opens_as_long_as_that_allows(tmp_path: Path, oldest: str, refused: bool) -> None:
    from bot.store import open_store

    path = tmp_path / "newer.db"
    migrate.upgrade(str(path))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f00d'")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'oldest_program'", (oldest,))
    if refused:
        with pytest.raises(SettingsError, match=r"needs frontdesk 999\.0"):
            open_store(str(path), SettableClock())
    else:
        asyncio.run(open_store(str(path), SettableClock()).close())


# A note has no way out, whatever the program does

_EVENT = (
    "INSERT INTO event VALUES ('c', {seq}, 0, '{kind}', 'agent', 'ann', 'Ann', 0, NULL, 0, {public}, 0, {no}, '{{}}')"
)
_DELIVERY = """INSERT INTO delivery VALUES
    ('c', {seq}, 'memory', 'shop', {no}, 0, 'waiting', 0, 0, 0, 0, 0, {no}, {no}, '[]', '', 0, NULL, {no})"""


def _note_and_words(yes: str, no: str) -> list[str]:
    return [
        _EVENT.format(seq=1, kind="noted", public=no, no=no),
        _EVENT.format(seq=2, kind="noted", public=yes, no=no),
        _EVENT.format(seq=3, kind="said", public=no, no=no),
        _EVENT.format(seq=4, kind="said", public=yes, no=no),
    ]


def test_sqlite_refuses_a_delivery_of_what_is_not_public() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    for statement in (*schema.script("sqlite"), *_note_and_words("1", "0")):
        connection.execute(statement)
    for seq in (1, 2, 3, 5):
        with pytest.raises(sqlite3.IntegrityError, match="only a public message"):
            connection.execute(_DELIVERY.format(seq=seq, no="0"))
    connection.execute(_DELIVERY.format(seq=4, no="0"))
    with pytest.raises(sqlite3.IntegrityError, match="keeps its message"):
        connection.execute("UPDATE delivery SET seq = 1")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM event")
    connection.close()


async def test_postgres_refuses_a_delivery_of_what_is_not_public(postgres_database: str) -> None:
    connection = await asyncpg.connect(postgres_database)
    try:
        for statement in _note_and_words("true", "false"):
            await connection.execute(statement)
        for seq in (1, 2, 3, 5):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(_DELIVERY.format(seq=seq, no="false"))
        await connection.execute(_DELIVERY.format(seq=4, no="false"))
        with pytest.raises(asyncpg.CheckViolationError, match="only a public message"):
            await connection.execute("UPDATE delivery SET seq = 1")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute("DELETE FROM event")
    finally:
        await connection.close()


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///{}/store.db"], ids=["memory", "file"])
def test_opening_loads_neither_alembic_nor_a_driver_that_is_not_needed(address: str, tmp_path: Path) -> None:
    program = f"""
        import sys
        from bot.store import open_store
        from bot.testing.clock import SettableClock
        open_store({address.format(tmp_path)!r}, SettableClock())
        unwanted = ["alembic", "asyncpg", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "aiosqlite"]
        print([name for name in unwanted if name in sys.modules])
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "[]"
