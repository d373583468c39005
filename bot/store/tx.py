"""What a unit's function may do: a transaction that is open already, on one connection, seen through the driver.

The functions are plain and synchronous; whoever opened the transaction commits it, rolls it back, or runs it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from bot.store.kept import KeptRows
from bot.store.rows import Row, Values
from bot.store.statements import BY_ADDRESS, BY_ID, Batch, Query

Change = tuple[Batch, Sequence[Values]]


class Tx(Protocol):
    @property
    def now(self) -> int:
        """The store's own time in microseconds: what leases and due times are measured by.

        PostgreSQL: the server's clock. SQLite: the instant of its start plus what the process's monotonic clock has
        counted since, so that no step of the wall clock ends a lease or holds a conversation back.
        """

    def hold(self, ids: Iterable[str]) -> dict[str, Row]:
        """Conversations' rows, which nobody else changes until the end of this transaction.

        Whoever changes one writes back what it changed, or raises.
        """

    def hold_at(self, addresses: Iterable[Values]) -> dict[Values, Row]:
        """The same by channel, account, chat and thread."""

    def fetch(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        """What was found, in any order, without a row for what was not."""

    def lock(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        """As `fetch`, of a statement made by `locked`: held until the transaction ends."""

    def write(self, *changes: Change) -> None:
        """One statement per change at most, whatever the number of rows. No two may concern the same rows."""

    def query(self, query: Query, **given: Any) -> list[Values]: ...

    def forget(self) -> None:
        """Rows were changed that nobody held: none that is kept from before may be gone by."""


class SqliteTx:
    """Keeps the rows of live conversations between transactions: this connection is the only one that writes.

    `begin` finds out whether somebody wrote all the same, and whoever rolls back says so with `forget`.
    """

    __slots__ = ("_clock", "_execute", "_version", "close", "kept", "now")

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int]) -> None:
        cursor = connection.cursor()
        self._execute, self._clock = cursor.execute, clock
        self.close = cursor.close
        self.kept = KeptRows()
        self._version: Any = None
        self.now = clock()

    def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        self.now = self._clock()
        (version,) = self._execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.forget()

    def forget(self) -> None:
        self.kept.forget()

    def hold(self, ids: Iterable[str]) -> dict[str, Row]:
        find, load = self.kept.find, self._load
        return {id: row for id in ids if (row := find(id) or load(BY_ID, (id,)))}

    def hold_at(self, addresses: Iterable[Values]) -> dict[Values, Row]:
        at, load = self.kept.at, self._load
        return {address: row for address in addresses if (row := at(address) or load(BY_ADDRESS, address))}

    def _load(self, by: Batch, key: Values) -> Row | None:
        for values in self.fetch(by, [key]):
            row = Row(*values)
            self.kept.keep(row)
            return row
        return None

    def fetch(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        execute = self._execute
        return [values for part in batch.parts(rows) for values in execute(*part)]

    lock = fetch

    def write(self, *changes: Change) -> None:
        for batch, rows in changes:
            for part in batch.parts(rows) if rows else ():
                self._execute(*part)

    def query(self, query: Query, **given: Any) -> list[Values]:
        text, values = query.prepared("sqlite", given)
        return self._execute(text, values).fetchall()
