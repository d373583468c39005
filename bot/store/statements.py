"""Statements as texts for the drivers, made once from the tables.

A `Batch` does one thing to many rows and comes in two forms: SQLite takes one row or a few at a time, PostgreSQL all of
them in one statement, whatever their number. A `Query` is written with Core, is run once, and is the same for both.

A statement of SQLite that may fail halfway and leave the transaction open copies every page before it changes it. Our
transactions are rolled back anyway, so `OR ROLLBACK` says that nothing need be kept for that.

PostgreSQL gets the rows as one JSON text: that costs the client half of what an array per column does, and the server
two thirds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from bot.store import schema
from bot.store.rows import Values, encode

DialectName = Literal["sqlite", "postgresql"]

CLOCK = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
"""PostgreSQL's time in microseconds: read when the statement runs, not when the transaction began."""
NUMBER = "pg_current_xact_id()::xid::text::bigint"
"""Of PostgreSQL's transaction, as it stands in the `xmin` of every row that it writes."""


FEW = 16
"""Rows that SQLite takes with one statement: after each, the writing thread waits for the interpreter's lock."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    table: str
    record: type[msgspec.Struct]
    """A row that is given, column by column."""
    one: str
    """With a `?` for each column: a fifth cheaper than the list of a single row."""
    few: str
    """With `{rows}` for a `(?, ...)` each."""
    many: str
    """With `$1` for what `given` makes of the rows."""
    unmoved: str = ""
    """As `many`, but only for conversations that are as they are known to be.

    An update of conversations is given the row's `xmin` after the key, and gives the ids of those that it changed as
    `unmoved`; an insert of what belongs to conversations follows it.
    """

    def given(self, rows: Iterable[Values]) -> str:
        """A JSON list of objects, other bytes in base64."""
        record = self.record
        return encode([record(*row) for row in rows]).decode()

    def parts(self, rows: Sequence[Values]) -> Iterator[tuple[str, Sequence[Any]]]:
        """What SQLite is to run for all rows, with the values."""
        for start in range(0, len(rows), FEW):
            part = rows[start : start + FEW]
            if len(part) == 1:
                yield self.one, part[0]
            else:
                yield _for_few(self, len(part), len(part[0])), [*chain.from_iterable(part)]


@cache
def _for_few(batch: Batch, rows: int, columns: int) -> str:
    return batch.few.format(rows=", ".join([_row(columns)] * rows))


def _row(columns: int) -> str:
    return f"({', '.join('?' * columns)})"


class Query:
    """Values are given by name; what the statement itself holds need not be given."""

    def __init__(self, statement: sa.Executable) -> None:
        self._statement = statement
        self._compiled: dict[DialectName, tuple[str, Sequence[str], Mapping[str, Any]]] = {}

    def prepared(self, dialect: DialectName, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text, and the values in its order."""
        if dialect not in self._compiled:
            self._compiled[dialect] = self._compile(dialect)
        text, names, held = self._compiled[dialect]
        return text, [given[name] if name in given else held[name] for name in names]

    def _compile(self, dialect: DialectName) -> tuple[str, Sequence[str], Mapping[str, Any]]:
        compiled = self._statement.compile(  # type: ignore[attr-defined]
            dialect=_dialect(dialect), compile_kwargs={"render_postcompile": True}
        )
        return str(compiled), compiled.positiontup or (), compiled.params


def pattern(search: str) -> str:
    """For a case-blind LIKE that escapes with a backslash: whatever holds these characters."""
    escaped = search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def insert(table: sa.Table) -> Batch:
    """A row holds all columns, in the table's order."""
    names = tuple(column.name for column in table.columns)
    columns = ", ".join(map(_quoted, names))
    values = ", ".join(_value(table, name) for name in names)
    few = f"INSERT OR ROLLBACK INTO {table.name} ({columns}) VALUES {{rows}}"
    many = f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {_given(table, names)}"
    return Batch(
        table.name,
        _record(table, names),
        few.format(rows=_row(len(names))),
        few,
        many,
        # Within `IS TRUE` it is looked up in a hash, not joined row by row.
        f"{many} WHERE (given.conversation IN (SELECT id FROM unmoved)) IS TRUE" if "conversation" in names else "",
    )


def update(table: sa.Table, changed: Sequence[str], key: Sequence[str] = ("id",)) -> Batch:
    """A row holds the changed columns, then the key."""
    names = (*changed, *key)
    one = ", ".join(f"{_quoted(name)} = ?" for name in changed)
    few = ", ".join(f"{_quoted(name)} = given.{_quoted(name)}" for name in changed)
    many = ", ".join(f"{_quoted(name)} = {_value(table, name)}" for name in changed)
    known = (*key, "xmin")
    unmoved = f"UPDATE {table.name} SET {many} FROM {_given(table, (*changed, *known))} WHERE {_matches(table, known)}"
    return Batch(
        table.name,
        _record(table, names),
        f"UPDATE OR ROLLBACK {table.name} SET {one} WHERE {_is(key)}",
        f"{_listed(names)} UPDATE OR ROLLBACK {table.name} SET {few} FROM given WHERE {_same(table, key)}",
        f"UPDATE {table.name} SET {many} FROM {_given(table, names)} WHERE {_matches(table, key)}",
        f"{unmoved} RETURNING conversation.id" if table is schema.conversation else "",
    )


def locked(table: sa.Table, columns: Sequence[str], key: Sequence[str], order: Sequence[str]) -> Batch:
    """Rows by their keys, held until the transaction ends; PostgreSQL adds its time and the transaction's number.

    On SQLite the transaction has the whole file; on PostgreSQL rows are locked in one order everywhere, so that
    nobody waits in a circle.
    """
    by = ", ".join(f"{table.name}.{_quoted(name)}" for name in order)
    rows = f"{_joined(table, key)} ORDER BY {by} FOR UPDATE OF {table.name}"
    picked = _picked(table, columns)
    return Batch(
        table.name,
        _record(table, key),
        f"SELECT {picked} FROM {table.name} WHERE {_is(key)}",
        f"{_listed(key)} SELECT {picked} FROM given CROSS JOIN {table.name} ON {_same(table, key)}",
        f"SELECT {picked}, {CLOCK}, {NUMBER} FROM {rows}",
    )


def found(table: sa.Table, columns: Sequence[str], key: Sequence[str]) -> Batch:
    """Rows by their keys, without a lock."""
    picked = _picked(table, columns)
    return Batch(
        table.name,
        _record(table, key),
        f"SELECT {picked} FROM {table.name} WHERE {_is(key)}",
        f"{_listed(key)} SELECT {picked} FROM given CROSS JOIN {table.name} ON {_same(table, key)}",
        f"SELECT {picked} FROM {_joined(table, key)}",
    )


def _picked(table: sa.Table, columns: Sequence[str]) -> str:
    return ", ".join(f"{table.name}.{_quoted(name)}" for name in columns)


def _is(key: Sequence[str]) -> str:
    return " AND ".join(f"{_quoted(name)} = ?" for name in key)


def _same(table: sa.Table, key: Sequence[str]) -> str:
    return " AND ".join(f"{table.name}.{_quoted(name)} = given.{_quoted(name)}" for name in key)


def _listed(names: Sequence[str]) -> str:
    """SQLite's rows."""
    return f"WITH given ({', '.join(map(_quoted, names))}) AS (VALUES {{rows}})"


def _matches(table: sa.Table, key: Sequence[str]) -> str:
    return " AND ".join(f"{table.name}.{_quoted(name)} = {_value(table, name)}" for name in key)


def _joined(table: sa.Table, key: Sequence[str]) -> str:
    return f"{table.name} JOIN {_given(table, key)} ON {_matches(table, key)}"


def _given(table: sa.Table, names: Sequence[str]) -> str:
    columns = ", ".join(f"{_quoted(name)} {_type(table, name)}" for name in names)
    return f"json_to_recordset($1::text::json) AS given ({columns})"


def _record(table: sa.Table, names: Sequence[str]) -> type[msgspec.Struct]:
    readable = [name for name in names if "json" in table.c[name].info]

    def read(record: msgspec.Struct) -> None:
        for name in readable:
            setattr(record, name, getattr(record, name).decode())

    fields: list[Any] = [*map(str, names), ("xmin", Any, msgspec.UNSET)]
    return msgspec.defstruct("Record", fields, namespace={"__post_init__": read} if readable else {})


def _value(table: sa.Table, name: str) -> str:
    given, column = f"given.{_quoted(name)}", table.c.get(name, _XMIN)
    if "json" in column.info:
        return f"convert_to({given}, 'UTF8')"
    return f"decode({given}, 'base64')" if isinstance(column.type, sa.LargeBinary) else given


def _type(table: sa.Table, name: str) -> str:
    match table.c.get(name, _XMIN).type:
        case sa.Boolean():
            return "boolean"
        case sa.types.NullType():
            return "xid"
        case sa.Integer():
            return "bigint"
        case _:
            return "text"


_XMIN: sa.Column[int] = sa.Column("xmin")
"""PostgreSQL has it in every table; of a type that nothing else has."""


def _quoted(name: str) -> str:
    return _dialect("sqlite").identifier_preparer.quote(name)


@cache
def _dialect(name: DialectName) -> sa.Dialect:
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql import asyncpg

    return asyncpg.dialect()  # type: ignore[no-untyped-call]  # as it comes from SQLAlchemy


# The hot statements

CONVERSATION = tuple(column.name for column in schema.conversation.columns if column.name != "state")
"""The columns of a conversation's row in the order of `bot.store.rows.Row`; its state, where read, comes last."""

ADDRESS = ("channel", "account", "chat", "thread")

BY_ADDRESS = locked(schema.conversation, (*CONVERSATION, "state"), ADDRESS, ("id",))
BY_ID = locked(schema.conversation, (*CONVERSATION, "state"), ("id",), ("id",))
SEEN = found(
    schema.seen,
    ("channel", "account", "key", "twin", "conversation", "seq", "digest"),
    ("channel", "account", "key", "twin"),
)
ADD_CONVERSATION = insert(schema.conversation)
ADD_EVENT = insert(schema.event)
ADD_SEEN = insert(schema.seen)
ADD_DELIVERY = insert(schema.delivery)

ON_ACCEPT = (
    *("last_seq", "public_seq", "input_seq", "ready_at", "worker", "lease_until", "fence", "attempts"),
    *("last_by", "last_text", "last_at", "spoke_at", "active_at", "unread", "updated_at"),
)
SELDOM_ON_ACCEPT = ("status", "language", "customer", "waiting_since")
"""Written only when one of them has changed in a batch: each column of a statement costs, on both databases."""
ON_LEASE = ("ready_at", "worker", "lease_until", "fence", "attempts")
ON_RECORD = ("last_seq", "updated_at")
ON_COMMIT = (
    *("last_seq", "public_seq", "input_seq", "heard", "worker", "lease_until", "committed", "attempts", "version"),
    *("last_by", "last_text", "last_at", "unread", "updated_at", "state"),
)
SELDOM_ON_COMMIT = ("language", "waiting_since", "wake_at")
ON_CHANGE = tuple(
    name for name in CONVERSATION if name not in ("id", "contact", *ADDRESS, "created_at", "spoke_at", "customer")
)
"""All that may change when control or status does; with `state` after it where the state changes too."""

ON_RING = ("last_seq", "input_seq", *ON_LEASE, "wake_at", "updated_at")

AFTER_ACCEPT = update(schema.conversation, ON_ACCEPT)
AFTER_ACCEPT_WHOLE = update(schema.conversation, (*ON_ACCEPT, *SELDOM_ON_ACCEPT))
AFTER_LEASE = update(schema.conversation, ON_LEASE)
AFTER_RING = update(schema.conversation, ON_RING)
AFTER_RECORD = update(schema.conversation, ON_RECORD)
AFTER_COMMIT = update(schema.conversation, ON_COMMIT)
AFTER_COMMIT_WHOLE = update(schema.conversation, (*ON_COMMIT, *SELDOM_ON_COMMIT))
AFTER_CHANGE = update(schema.conversation, ON_CHANGE)
AFTER_RESET = update(schema.conversation, (*ON_CHANGE, "state"))
