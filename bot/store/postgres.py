"""PostgreSQL: two connections write what waits, group after group of one kind; a few others read; many processes.

What this process knows well enough goes ahead in one statement (`bot/store/ahead.py`); here is how the rest is done.
READ COMMITTED is enough, because whatever is decided is decided on rows that the transaction holds. Locks end with
their transaction and no session state is relied upon, so a pooler may stand in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import SettingsError, StoreDown
from bot.ports import Clock, Question, Unit
from bot.store import migrate
from bot.store.ahead import Ahead
from bot.store.groups import do_all, grouped, place
from bot.store.kept import KeptRows
from bot.store.kinds import answer
from bot.store.rows import Row, Values
from bot.store.statements import BY_ADDRESS, BY_ID, CLOCK, Batch, Query
from bot.store.tx import Change
from bot.waiting import Handed

R = TypeVar("R")

WRITERS = 2
READERS = 4
MOST_IN_BATCH = 200
MOST_WAITING = 10_000
REPEATS = 3
STATEMENT_SECONDS = 10.0
CONNECT_SECONDS = 2.0
"""A door must be able to say soon that the store is down."""
FREE_SECONDS = 5.0
"""For a connection that reads: when all speak at once, most wait for a moment."""

_CROSSED = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock not available: the same again may succeed."""
_BEGUN_ELSEWHERE = "23505"
"""Unique violation: somebody else has just made what this unit wanted to make, and a repeat finds it."""
_WRONG = ("22", "23", "42")
"""Classes of errors that the unit is to blame for, not the database."""


class PostgresStore:
    def __init__(self, url: str, _clock: Clock) -> None:
        """Leases and due times go by the server's clock. Raises `SettingsError` and `StoreDown`, see `open_store`."""
        migrate.check(url)
        self._engine = make_engine(url)
        self.kept = KeptRows()
        # Behind a pooler a statement that is prepared needs a transaction around it.
        ahead = Ahead(self.kept, allowed=not _is_pooled(sa.make_url(url)))
        self._lanes = [_Lane(self._engine, ahead) for _ in range(WRITERS)]
        self._questions = 0
        self._closed = False

    @property
    def commits(self) -> int:
        """Transactions so far."""
        return sum(lane.commits for lane in self._lanes)

    @property
    def units(self) -> int:
        """That were committed with them."""
        return sum(lane.units for lane in self._lanes)

    def write(self, unit: Unit[R], /) -> Handed[R]:
        # Always the same lane for one conversation: its units keep their order.
        return self._lanes[hash(place(unit)) % WRITERS].write(unit)

    async def read(self, question: Question[R], /) -> R:
        if self._closed:
            raise StoreDown("the store is closed")
        if self._questions >= MOST_WAITING:
            raise StoreDown(f"{self._questions} questions wait to be answered")
        self._questions += 1
        try:
            return await self._read(question)
        finally:
            self._questions -= 1

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(lane.close() for lane in self._lanes))
        await self._engine.dispose()

    async def _read(self, question: Question[R], *, again: bool = True) -> R:
        try:
            async with self._engine.connect() as connection:
                try:
                    return await connection.run_sync(_answer, question)
                except Exception as error:
                    if not await _is_lost(connection, error):
                        raise _translated(question, error) from error
                except asyncio.CancelledError:  # the driver cannot tell whether a transaction had begun
                    await connection.invalidate()
                    raise
        except (OSError, TimeoutError, sa.exc.SQLAlchemyError) as error:
            raise StoreDown(f"the database cannot be reached: {error}") from error
        if again:  # the connection had waited in the pool, and the server had ended it
            return await self._read(question, again=False)
        raise StoreDown("the connection to the database was lost")


class _Lane:
    """A connection that writes, and what waits for it."""

    def __init__(self, engine: AsyncEngine, ahead: Ahead) -> None:
        self._engine, self._ahead = engine, ahead
        self._connection: AsyncConnection | None = None
        self._waiting: list[tuple[Unit[Any], asyncio.Future[Any]]] = []
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.commits = self.units = 0

    def write(self, unit: Unit[R]) -> Handed[R]:
        future: Handed[R] = Handed()
        if self._closing:
            future.set_exception(StoreDown("the store is closed"))
        elif len(self._waiting) >= MOST_WAITING:
            future.set_exception(StoreDown(f"{len(self._waiting)} units wait to be written"))
        else:
            if self._task is None:
                self._task = asyncio.create_task(self._run())
            self._waiting.append((unit, future))
            self._arrived.set()
        return future

    async def close(self) -> None:
        self._closing = True
        self._arrived.set()
        if self._task:
            await self._task
        if self._connection:
            with contextlib.suppress(OSError, sa.exc.SQLAlchemyError):
                await self._connection.close()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                await asyncio.sleep(0)  # what is written in the same round of the loop comes along
                continue
            group = self._next_group()
            results = await self._do_all([unit for unit, _ in group])
            for (_, future), result in zip(group, results, strict=True):
                if future.done():  # nobody waits any more
                    continue
                if isinstance(result, _Failed):
                    future.set_exception(result.error)
                else:
                    future.set_result(result)

    def _next_group(self) -> list[tuple[Unit[Any], asyncio.Future[Any]]]:
        """The first that waits, and what of its kind may go with it."""
        near = self._waiting[:MOST_IN_BATCH]
        positions = grouped([unit for unit, _ in near])[0]
        group = [near[position] for position in positions]
        for position in reversed(positions):
            del self._waiting[position]
        return group

    async def _do_all(self, units: Sequence[Unit[Any]]) -> list[Any]:
        """Ahead what can be, the others under locks."""
        done = await self._go_ahead(units)
        left = [position for position in range(len(units)) if position not in done]
        if left:
            done.update(zip(left, await self._do([units[position] for position in left]), strict=True))
        return [done[position] for position in range(len(units))]

    async def _go_ahead(self, units: Sequence[Unit[Any]]) -> dict[int, Any]:
        """Results by position. What raises is left for `_do`, which finds out whose fault it is."""
        known = self._ahead.known(units)
        if not known or self._connection is None:
            return {}
        driver = await _driver(self._connection)
        if driver.is_closed():
            return {}
        try:
            done = await self._ahead.do(driver, units, known)
        except Exception as error:
            if not await _is_lost(self._connection, error):
                return {}
            self._connection = None
            down = StoreDown(f"the connection to the database was lost: {error!r}", unknown=True)
            return {position: _Failed(down) for position in known}
        self.commits += bool(done)
        return done

    async def _do(self, units: Sequence[Unit[Any]]) -> list[Any]:
        """All in one transaction; when the fault lies with one of them, each alone."""
        for repeat in range(REPEATS + 1):
            fresh = self._connection is None
            try:
                return await self._together(units)
            except StoreDown as down:
                if not fresh and not down.unknown:  # the server had ended the connection while it was idle
                    continue
                return [_Failed(down) for _ in units]
            except Exception as error:
                state = getattr(error, "sqlstate", None)
                if repeat < REPEATS and (state in _CROSSED or (state == _BEGUN_ELSEWHERE and len(units) == 1)):
                    continue
                if len(units) == 1:
                    return [_Failed(_translated(units[0], error))]
                break
        return [(await self._do([unit]))[0] for unit in units]

    async def _together(self, units: Sequence[Unit[Any]]) -> list[Any]:
        """Raises `StoreDown` when the connection or the server has failed, whatever this cost the units."""
        connection = await self._connected()
        step = _Step()
        try:
            results = await connection.run_sync(_in_transaction, units, step, self._ahead)
            self.commits += 1
            self.units += len(units)
            return results
        except Exception as error:
            if await _is_lost(connection, error):
                self._connection = None
                raise StoreDown(f"the connection to the database was lost: {error!r}", unknown=step.commits) from error
            raise

    async def _connected(self) -> AsyncConnection:
        if self._connection is None:
            try:
                self._connection = await self._engine.connect()
            except (OSError, TimeoutError, sa.exc.SQLAlchemyError) as error:
                raise StoreDown(f"the database cannot be reached: {error}") from error
        return self._connection


class _Failed:
    def __init__(self, error: Exception) -> None:
        self.error = error


class _Step:
    """How far a transaction has come."""

    commits = False


def _in_transaction(connection: sa.Connection, units: Sequence[Unit[Any]], step: _Step, ahead: Ahead) -> list[Any]:
    driver = connection.connection
    tx = PostgresTx(driver.cursor())
    try:
        results = do_all(tx, units)
        step.commits = True
        driver.commit()
    except BaseException:
        with contextlib.suppress(Exception):  # a connection that is gone has nothing to roll back
            driver.rollback()
        raise
    if written := tx.written:
        ahead.learn(tx.now, written)
    return results


def _answer(connection: sa.Connection, question: Question[R]) -> R:
    driver = connection.connection
    try:
        return answer(PostgresTx(driver.cursor()), question)
    finally:
        with contextlib.suppress(Exception):
            driver.rollback()


async def _driver(connection: AsyncConnection) -> Any:
    """asyncpg's own connection."""
    return (await connection.get_raw_connection()).driver_connection


async def _is_lost(connection: AsyncConnection, error: Exception) -> bool:
    """Whether the connection is of no more use after this error; then it is given up."""
    driver = await _driver(connection)
    if driver is not None and not driver.is_closed() and not isinstance(error, TimeoutError | OSError):
        return False
    await connection.invalidate()
    await connection.close()
    await connection.engine.dispose()  # what ended this one has probably ended those that idle in the pool
    return True


def _translated(what: object, error: Exception) -> Exception:
    """For the writer: the database's own errors become ours, a mistake in the unit stays what it is."""
    if isinstance(error, StoreDown):
        return error
    state = getattr(error, "sqlstate", None)
    if state is not None and not state.startswith(_WRONG):
        translated: Exception = StoreDown(f"{type(what).__name__}: {error}")
    elif state is not None or type(error).__name__ == "InterfaceError":
        translated = ValueError(f"the database refused {type(what).__name__}: {error}")
    else:
        return error
    translated.__cause__ = error
    return translated


def make_engine(url: str) -> AsyncEngine:
    """`?pgbouncer=true` in the address: nothing that is prepared outlives its transaction."""
    address = sa.make_url(url).set(drivername="postgresql+asyncpg")
    pooled = _is_pooled(address)
    address = address.difference_update_query(["pgbouncer"])
    arguments: dict[str, Any] = {"command_timeout": STATEMENT_SECONDS, "timeout": CONNECT_SECONDS}
    options: dict[str, Any] = {"pool_size": WRITERS + READERS, "max_overflow": 0, "pool_timeout": FREE_SECONDS}
    if pooled:
        arguments["statement_cache_size"] = arguments["prepared_statement_cache_size"] = 0
        arguments["prepared_statement_name_func"] = lambda: f"frontdesk_{uuid.uuid4().hex}"
    else:
        milliseconds = str(round(STATEMENT_SECONDS * 1000))
        arguments["server_settings"] = {
            "application_name": "frontdesk",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            # A plan that was made while a table was small is kept: it must be one for a large table.
            **dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"),
            # What has to read a small table whole all the same counts as so dear that the server would compile it,
            # each time anew: a tenth of a second and more.
            "jit": "off",
        }
    try:
        return create_async_engine(address, connect_args=arguments, **options)
    except ImportError as error:
        raise SettingsError("PostgreSQL needs the extra 'postgres': pip install 'frontdesk[postgres]'") from error


def _is_pooled(address: sa.URL) -> bool:
    return str(address.query.get("pgbouncer", "")).lower() in ("1", "true", "yes")


class PostgresTx:
    """Through SQLAlchemy's adapter of asyncpg, whose cursor waits inside `run_sync`."""

    __slots__ = ("_cursor", "_held", "_now", "_number", "_written")

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._now: int | None = None
        self._number = 0
        self._held: dict[str, Row] = {}
        self._written: set[str] = set()

    @property
    def now(self) -> int:
        if self._now is None:
            ((self._now,),) = self._rows(f"SELECT {CLOCK}", ())
        return cast(int, self._now)

    def hold(self, ids: Iterable[str]) -> dict[str, Row]:
        return {row.id: row for row in self._rows_held(BY_ID, [(id,) for id in dict.fromkeys(ids)])}

    def hold_at(self, addresses: Iterable[Values]) -> dict[Values, Row]:
        return {row.place: row for row in self._rows_held(BY_ADDRESS, list(dict.fromkeys(addresses)))}

    def _rows_held(self, by: Batch, keys: Sequence[Values]) -> list[Row]:
        rows = [Row(*values) for values in self.lock(by, keys)]
        self._held.update((row.id, row) for row in rows)
        return rows

    @property
    def written(self) -> list[Row]:
        """Conversations' rows that this transaction has changed."""
        rows = [self._held[id] for id in self._written]
        for row in rows:
            row.xmin = self._number
        return rows

    def lock(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        found = self.fetch(batch, rows)
        if found:
            *_, self._now, self._number = found[0]
        return [values[:-2] for values in found]

    def fetch(self, batch: Batch, rows: Sequence[Values]) -> list[Values]:
        return self._rows(batch.many, (batch.given(rows),)) if rows else []

    def write(self, *changes: Change) -> None:
        """All in one statement: no change sees another, and all keys are checked at its end."""
        filled = [(batch, rows) for batch, rows in changes if rows]
        if filled:
            text = _joined(tuple(batch for batch, _ in filled))
            self._rows(text, [batch.given(rows) for batch, rows in filled])
            for batch, rows in filled:
                if batch.unmoved and batch.table == "conversation":
                    self._written.update(row[-1] for row in rows)

    def query(self, query: Query, **given: Any) -> list[Values]:
        return self._rows(*query.prepared("postgresql", given))

    def forget(self) -> None:
        """A row that was changed has another `xmin`, and is asked for again."""

    def _rows(self, text: str, values: Sequence[Any]) -> list[Values]:
        self._cursor.execute(text, values)
        return cast("list[Values]", self._cursor.fetchall())


@cache
def _joined(batches: tuple[Batch, ...]) -> str:
    texts = [batch.many.replace("$1", f"${number}") for number, batch in enumerate(batches, 1)]
    *first, last = texts
    named = ", ".join(f"change_{number} AS ({text})" for number, text in enumerate(first, 1))
    return f"WITH {named} {last}" if named else last
