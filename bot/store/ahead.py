"""PostgreSQL in one statement: units whose conversations this process has just written itself need not ask first.

A unit's function decides on the row as it was left, and all that it writes goes out at once, guarded by the row's
`xmin`, the number of the transaction that wrote it. A conversation that somebody else has written since is left alone
with all its units, and they are done again under locks. So are those that have to ask for anything else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NoReturn

from bot.ports import Unit
from bot.store.kept import KeptRows
from bot.store.kinds import FUNCTIONS
from bot.store.rows import Row, Values
from bot.store.statements import CLOCK, NUMBER, SEEN, Batch, Query
from bot.store.tx import Change
from bot.units import Accept, Commit, Intend, Release, Renew

KINDS = (Accept, Commit, Intend, Renew, Release)

TRUSTED_SECONDS = 10.0
"""How long the server's clock is counted on before it is asked again: two clocks drift apart by less than 1 ms."""


class ServerTime:
    """The server's clock by its last answers. Never later than that clock itself: an answer takes time to arrive."""

    def __init__(self) -> None:
        self._start = 0
        self._since = float("-inf")

    def heard(self, at: int) -> None:
        monotonic = time.monotonic()
        start = at - round(monotonic * 1_000_000)
        if monotonic - self._since > TRUSTED_SECONDS:
            self._start, self._since = start, monotonic
        else:
            self._start = max(self._start, start)

    @property
    def now(self) -> int | None:
        monotonic = time.monotonic()
        return None if monotonic - self._since > TRUSTED_SECONDS else self._start + round(monotonic * 1_000_000)


class Ahead:
    """Takes the rows out of `kept`: until it is known what became of them, nobody else goes by them."""

    def __init__(self, kept: KeptRows, *, allowed: bool = True) -> None:
        self._kept, self._allowed, self.time = kept, allowed, ServerTime()

    def learn(self, now: int, rows: Iterable[Row]) -> None:
        """From a transaction that held what it wrote."""
        self.time.heard(now)
        for row in rows:
            self._kept.keep(row)

    def known(self, units: Sequence[Unit[Any]]) -> dict[int, Row]:
        """The rows of units that may go ahead, by the units' positions."""
        if not self._allowed or type(units[0]) not in KINDS or self.time.now is None:
            return {}
        rows = ((position, self._row(unit)) for position, unit in enumerate(units))
        known = {position: row for position, row in rows if row is not None}
        for row in known.values():
            self._kept.drop(row.id)
        return known

    def _row(self, unit: Any) -> Row | None:
        if isinstance(unit, Accept):
            return self._kept.at((unit.to.channel, unit.to.account, unit.to.chat, unit.to.thread))
        return self._kept.find(unit.conversation)

    async def do(self, driver: Any, units: Sequence[Unit[Any]], known: dict[int, Row]) -> dict[int, Any]:
        """Results by position: of those alone that are committed."""
        now = self.time.now
        if now is None:
            return {}
        tx = _Tx(known.values(), now)
        try:
            results = FUNCTIONS[type(units[0])](tx, [units[position] for position in known])
            if not tx.changes:
                return {}
            text, values = tx.statement()
        except _Asks:
            return {}
        number, at, unmoved = await driver.fetchrow(text, *values)
        self.time.heard(at)
        passed = frozenset(unmoved or ())
        for row in known.values():
            if row.id in passed:
                row.xmin = number
                self._kept.keep(row)
        return {
            position: result for (position, row), result in zip(known.items(), results, strict=True) if row.id in passed
        }


class _Asks(Exception):
    """The unit asks for more than its row."""


class _Tx:
    """A `Tx` that gathers what is written, and can be asked for nothing but the rows that are known."""

    def __init__(self, rows: Iterable[Row], now: int) -> None:
        self._by_id = {row.id: row for row in rows}
        self._by_address = {row.place: row for row in self._by_id.values()}
        self.now = now
        self.changes: list[Change] = []

    def hold(self, ids: Iterable[str]) -> dict[str, Row]:
        return {id: self._by_id[id] for id in ids}

    def hold_at(self, addresses: Iterable[Values]) -> dict[Values, Row]:
        return {address: self._by_address[address] for address in addresses}

    def fetch(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        if batch is SEEN:  # who has been seen is refused by the primary key
            return []
        return self._ask() if rows else []

    def lock(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        return self._ask()

    def query(self, query: Query, **given: Any) -> list[Values]:
        return self._ask()

    def forget(self) -> None:
        self._ask()

    def write(self, *changes: Change) -> None:
        self.changes += [change for change in changes if change[1]]

    def _ask(self) -> NoReturn:
        raise _Asks

    def statement(self) -> tuple[str, list[str]]:
        """Rows of conversations are changed in the order in which they are locked everywhere."""
        (updated, rows), *others = sorted(self.changes, key=lambda change: change[0].table != "conversation")
        if any(not batch.unmoved for batch, _ in self.changes) or any(b.table == updated.table for b, _ in others):
            self._ask()
        known = ((*row, self._by_id[row[-1]].xmin) for row in sorted(rows, key=itemgetter(-1)))
        return _text(updated, *(batch for batch, _ in others)), [
            updated.given(known),
            *(batch.given(rows) for batch, rows in others),
        ]


@cache
def _text(updated: Batch, *others: Batch) -> str:
    changes = [f"unmoved AS ({updated.unmoved})"]
    for number, batch in enumerate(others, 2):
        changes.append(f"change_{number} AS ({batch.unmoved.replace('$1', f'${number}')})")
    return f"WITH {', '.join(changes)} SELECT {NUMBER}, {CLOCK}, array_agg(id) FROM unmoved"
