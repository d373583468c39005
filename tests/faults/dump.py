"""The final store as the checker reads it: rows by SQL of its own, and nothing of the product.

Only columns that a promise is checked by are read. For erasure `whole` also keeps every byte there is.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec


class _Row(msgspec.Struct, frozen=True):
    """A row of the table that has the class's name in lower case; the fields are its columns."""


class Conversation(_Row, frozen=True, kw_only=True):
    id: str
    channel: str = "memory"
    account: str = "memory"
    chat: str
    thread: str = ""
    status: str = "open"
    control: str = "bot"
    epoch: int = 0
    holder: str = ""
    reason: str = ""
    handoff: str = ""
    last_seq: int = 0
    public_seq: int = 0
    input_seq: int = 0
    heard: int = 0
    fence: int = 0
    committed: int = 0
    attempts: int = 0
    version: int = 0
    state: bytes = b"{}"


class Event(_Row, frozen=True, kw_only=True):
    conversation: str
    seq: int
    kind: str
    author_kind: str
    author_id: str = ""
    epoch: int = 0
    turn: int | None = None
    fence: int = 0
    public: bool = False
    prev: int = 0
    input: bool = False
    payload: bytes


class Seen(_Row, frozen=True, kw_only=True):
    key: str
    twin: bool = False
    conversation: str
    seq: int


class DeadLetter(_Row, frozen=True, kw_only=True):
    key: str
    raw: bytes = b""


class Delivery(_Row, frozen=True, kw_only=True):
    conversation: str
    seq: int
    channel: str = "memory"
    by_bot: bool = True
    epoch: int = 0
    state: str = "sent"
    attempt: int = 1
    done: int = 1
    again: bool = False
    error: str = ""


class Handoff(_Row, frozen=True, kw_only=True):
    id: str
    conversation: str
    reason: str = "asked"
    ended_at: int | None = None


class Action(_Row, frozen=True, kw_only=True):
    conversation: str
    key: str
    result_seq: int


class Amendment(_Row, frozen=True, kw_only=True):
    conversation: str
    key: str
    first_seq: int
    last_seq: int
    in_flight: str = ""


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    conversations: Sequence[Conversation] = ()
    events: Sequence[Event] = ()
    """By conversation, then by seq."""
    seen: Sequence[Seen] = ()
    dead_letters: Sequence[DeadLetter] = ()
    deliveries: Sequence[Delivery] = ()
    handoffs: Sequence[Handoff] = ()
    actions: Sequence[Action] = ()
    amendments: Sequence[Amendment] = ()
    whole: Mapping[str, bytes] | None = None
    """Every byte of each table and file, by its name; None: they were not asked for."""


R = TypeVar("R", bound=_Row)
_TABLES: Mapping[str, tuple[str, type[_Row], str]] = {
    "conversations": ("conversation", Conversation, "id"),
    "events": ("event", Event, "conversation, seq"),
    "seen": ("seen", Seen, "conversation, seq"),
    "dead_letters": ("dead_letter", DeadLetter, "id"),
    "deliveries": ("delivery", Delivery, "conversation, seq"),
    "handoffs": ("handoff", Handoff, "id"),
    "actions": ("action", Action, "conversation, key"),
    "amendments": ("amendment", Amendment, "conversation, key"),
}


def dump(database: str | sqlite3.Connection, *, whole: bool = False) -> Dump:
    """All of the store at one instant.

    `database`: an open connection, the path of an SQLite file (also as `sqlite:///path`), or a `postgresql://` address.
    """
    if isinstance(database, sqlite3.Connection):
        return _of_sqlite(database, whole=whole)
    if database.startswith("postgresql"):
        with ThreadPoolExecutor(1) as elsewhere:  # the caller's thread may run a loop of its own
            return elsewhere.submit(asyncio.run, _of_postgresql(database, whole=whole)).result()
    path = Path(database.removeprefix("sqlite:///"))
    files = _files(path) if whole else {}
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        found = _of_sqlite(connection, whole=whole)
    finally:
        connection.close()
    return msgspec.structs.replace(found, whole={**(found.whole or {}), **files}) if whole else found


def _of_sqlite(connection: sqlite3.Connection, *, whole: bool) -> Dump:
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples, whatever the connection is set to
    outermost = not connection.in_transaction
    if outermost:
        cursor.execute("BEGIN")
    try:
        rows = {
            name: _rows(row, cursor.execute(_select(table, row, order)).fetchall())
            for name, (table, row, order) in _TABLES.items()
        }
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [name for (name,) in cursor.execute(tables).fetchall()] if whole else []
        every = {name: _bytes(cursor.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names}
    finally:
        if outermost:
            cursor.execute("ROLLBACK")
        cursor.close()
    return _made(rows, every if whole else None)


async def _of_postgresql(dsn: str, *, whole: bool) -> Dump:
    import asyncpg

    connection = await asyncpg.connect("postgresql://" + dsn.partition("://")[2])
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = {
                name: _rows(row, await connection.fetch(_select(table, row, order)))
                for name, (table, row, order) in _TABLES.items()
            }
            tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            names = [name for (name,) in await connection.fetch(tables)] if whole else []
            every = {name: _bytes(await connection.fetch(f'SELECT * FROM "{name}"')) for name in names}
    finally:
        await connection.close()
    return _made(rows, every if whole else None)


def _select(table: str, row: type[_Row], order: str) -> str:
    columns = ", ".join(f'"{name}"' for name in row.__struct_fields__)
    return f'SELECT {columns} FROM "{table}" ORDER BY {order}'


def _rows(row: type[R], found: Sequence[Sequence[Any]]) -> list[R]:
    """SQLite has no truth values of its own; the fields tell which numbers are."""
    names = row.__struct_fields__
    truths = [at for at, field in enumerate(msgspec.structs.fields(row)) if field.type is bool]
    made: Callable[..., R] = row
    rows: list[R] = []
    for values in found:
        given = list(values)
        for at in truths:
            given[at] = bool(given[at])
        rows.append(made(**dict(zip(names, given, strict=True))))
    return rows


def _made(rows: Mapping[str, Sequence[_Row]], whole: Mapping[str, bytes] | None) -> Dump:
    given: Mapping[str, Any] = rows
    return Dump(**given, whole=whole)


def _bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        for row in rows
        for value in row
    )


def _files(path: Path) -> dict[str, bytes]:
    """Before it is opened here: what only a journal holds must not have been moved by us."""
    beside = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal"))
    return {each.name: each.read_bytes() for each in beside if each.exists()}
