"""SQLite: one thread writes what waits in one transaction, a few others read; in memory everything happens inline.

A batch is whatever has arrived meanwhile, so nothing waits for a timer; its results come back to the loop in one hop,
after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from bot.errors import SettingsError, StoreDown
from bot.ports import Clock, Question, Unit
from bot.store.groups import do_all
from bot.store.kinds import answer
from bot.store.lock import InstanceLock, refuse_network
from bot.store.migrate import upgrade_file
from bot.store.rows import micros
from bot.store.schema import script
from bot.store.tx import SqliteTx
from bot.waiting import Handed

R = TypeVar("R")

MOST_IN_BATCH = 200
READERS = 4

BUSY_MILLISECONDS = 1500
"""Nobody else should write; a door must be able to say so within two seconds when somebody does."""
WAL_PAGES = 4096
CACHE_KIBIBYTES = 8000
"""Of the connection that writes: the pages of some thousand live conversations."""
IDLE_SECONDS = 1.0

_DAY = 24 * 60 * 60 * 1_000_000
_WRONG = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""The unit is at fault, not the database."""


class Failed:
    """What became of a unit that raised."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class MemoryStore:
    """Lives and ends with the process: for tests, simulation and `frontdesk chat`."""

    def __init__(self, clock: Clock) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        for statement in script("sqlite"):
            connection.execute(statement)
        weakref.finalize(self, connection.close)  # nobody has to close what ends with the process
        self._writer = Writer(connection, _Time(clock))
        self.tx = self._writer.tx

    @property
    def commits(self) -> int:
        return self._writer.commits

    @property
    def units(self) -> int:
        return self._writer.units

    def write(self, unit: Unit[R], /) -> Handed[R]:
        future: Handed[R] = Handed()
        _settle(future, *self._writer.do([unit]))
        return future

    async def read(self, question: Question[R], /) -> R:
        return self._writer.answer(question)

    async def close(self) -> None:
        self._writer.close()


class FileStore:
    """Of one loop. Raises `SettingsError` when the file cannot be ours, `StoreDown` when it cannot be read."""

    def __init__(self, path: Path, clock: Clock, *, most_waiting: int = 10_000) -> None:
        """`most_waiting`: units, and as many questions; beyond it the store is down for whoever comes."""
        if not path.parent.is_dir():
            raise SettingsError(f"the folder of the database {str(path)!r} does not exist: make it first")
        refuse_network(path)
        self._lock = InstanceLock(path)
        try:
            upgrade_file(path)
            self._time = _Time(clock)
            self._writer = Writer(open_for_writing(path), self._time, path)
            self._writer.begin_anew()
        except BaseException:
            self._lock.release()
            raise
        self._path, self._most = path, most_waiting
        self._arriving: list[tuple[Unit[Any], asyncio.Future[Any]]] = []
        self._waiting = self._questions = 0
        self._closed = False
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="frontdesk-store", daemon=True)
        self._thread.start()
        self._readers = ThreadPoolExecutor(READERS, "frontdesk-reader")
        self._local = threading.local()
        self._reading: list[Writer] = []

    @property
    def commits(self) -> int:
        """Transactions so far."""
        return self._writer.commits

    @property
    def units(self) -> int:
        """That were committed with them."""
        return self._writer.units

    def write(self, unit: Unit[R], /) -> Handed[R]:
        loop = asyncio.get_running_loop()
        future: Handed[R] = Handed()
        if self._closed:
            future.set_exception(StoreDown("the store is closed"))
        elif self._waiting >= self._most:
            future.set_exception(StoreDown(f"{self._waiting} units wait to be written"))
        else:
            self._waiting += 1
            self._arriving.append((unit, future))
            if len(self._arriving) == 1:  # all that this round of the loop writes goes over together
                loop.call_soon(self._hand_over, loop)
        return future

    async def read(self, question: Question[R], /) -> R:
        if self._closed:
            raise StoreDown("the store is closed")
        if self._questions >= self._most:
            raise StoreDown(f"{self._questions} questions wait to be answered")
        self._questions += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._answer, question)
        except sqlite3.Error as error:
            raise StoreDown(f"the database cannot be read: {error}") from error
        finally:
            self._questions -= 1

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        if self._arriving:
            self._hand_over(loop)
        self._queue.put(None)
        await loop.run_in_executor(None, self._thread.join)
        await loop.run_in_executor(None, self._readers.shutdown)
        for each in (*self._reading, self._writer):
            each.close()
        self._lock.release()
        await asyncio.sleep(0)  # the results of the last batch are told first

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._arriving:
            arrived, self._arriving = self._arriving, []
            self._queue.put((loop, arrived))

    def _tell(self, futures: Sequence[asyncio.Future[Any]], results: Sequence[Any]) -> None:
        self._waiting -= len(futures)
        for future, result in zip(futures, results, strict=True):
            if not future.done():  # else nobody waits any more
                _settle(future, result)

    # In the writing thread

    def _run(self) -> None:
        idle = True
        while True:
            try:
                batch = self._queue.get(timeout=None if idle else IDLE_SECONDS)
            except queue.Empty:
                idle = True
                self._writer.checkpoint()
                continue
            if batch is None:
                return
            idle = False
            loop, waiting = batch
            stop = False
            while len(waiting) < MOST_IN_BATCH and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    stop = True
                    break
                waiting += more[1]
            for start in range(0, len(waiting), MOST_IN_BATCH):
                part = waiting[start : start + MOST_IN_BATCH]
                results = self._writer.do([unit for unit, _ in part])
                if self._writer.refused:  # before anybody is told, and comes again
                    stop |= self._refuse_waiting(self._writer.refused)
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(self._tell, [future for _, future in part], results)
            if stop:
                return

    def _refuse_waiting(self, why: str) -> bool:
        """Who came while the file could not be had has waited as well. True: the store is to be closed."""
        while not self._queue.empty():
            batch = self._queue.get()
            if batch is None:
                return True
            loop, waiting = batch
            down = [Failed(StoreDown(why)) for _ in waiting]
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._tell, [future for _, future in waiting], down)
        return False

    # In a reading thread

    def _answer(self, question: Question[R]) -> R:
        reader: Writer | None = getattr(self._local, "reader", None)
        if reader is None:
            connection = _connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            reader = self._local.reader = Writer(connection, self._time)
            self._reading.append(reader)
        return reader.answer(question)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if isinstance(result, Failed):
        future.set_exception(result.error)
    else:
        future.set_result(result)


_Batch = tuple[asyncio.AbstractEventLoop, list[tuple[Unit[Any], "asyncio.Future[Any]"]]]


class LookingStore:
    """A file that another process may have open and write: read, never changed. Raises `SettingsError`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        if not path.is_file():
            raise SettingsError(f"there is no database {str(path)!r}")
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._reader = Writer(connection, _Time(clock))

    def write(self, unit: Unit[R], /) -> Handed[R]:
        future: Handed[R] = Handed()
        future.set_exception(StoreDown("the database was opened to be looked at"))
        return future

    async def read(self, question: Question[R], /) -> R:
        try:
            return self._reader.answer(question)
        except sqlite3.Error as error:
            raise StoreDown(f"the database cannot be read: {error}") from error

    async def close(self) -> None:
        self._reader.close()


class Writer:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, time: _Time, path: Path | None = None) -> None:
        self._connection, self.tx = connection, SqliteTx(connection, time)
        self._path, self._file = path, path.stat() if path else None
        self.commits = self.units = 0
        self.refused = ""
        """Why the last transaction could not be begun; empty: it was."""

    def close(self) -> None:
        self.tx.close()  # an open cursor would keep the connection open, and the write-ahead log unread
        self._connection.close()

    def do(self, units: Sequence[Unit[Any]]) -> list[Any]:
        """All in one transaction; when that raises, each alone. A unit that raised has `Failed` for its result."""
        try:
            return self._together(units)
        except _CannotBegin as down:
            self.refused = str(down)
            return [Failed(StoreDown(str(down))) for _ in units]
        except Exception as error:
            if len(units) == 1:
                return [Failed(_translated(units[0], error))]
        return [self.do([unit])[0] for unit in units]

    def answer(self, question: Question[R]) -> R:
        """From one state of the database."""
        self._connection.execute("BEGIN")
        try:
            return answer(self.tx, question)
        finally:
            self._connection.execute("COMMIT")

    def begin_anew(self) -> None:
        """The lock proves that whoever held a lease is dead. Times from the future are a wall clock that was wrong."""
        now = self.tx.now
        for text, values in (
            (
                "UPDATE conversation SET worker = '', lease_until = 0, ready_at = min(ready_at, ?)"
                " WHERE input_seq > heard AND control <> 'paused'",
                (now,),
            ),
            ("UPDATE delivery SET due_at = ? WHERE ended_at IS NULL AND state = 'sending'", (now,)),
            ("UPDATE delivery SET due_at = ? WHERE ended_at IS NULL AND due_at > ?", (now, now + _DAY)),
            ("UPDATE lease SET worker = '', until = 0", ()),
        ):
            self._connection.execute(text, values)

    def checkpoint(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # the next one may do it
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _together(self, units: Sequence[Unit[Any]]) -> list[Any]:
        connection = self._connection
        self._begin()
        try:
            results = do_all(self.tx, units)
            connection.execute("COMMIT")
            self.commits += 1
            self.units += len(units)
        except BaseException:
            # A full disk or a failed write may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self.tx.forget()
            raise
        return results

    def _begin(self) -> None:
        self.refused = ""
        try:
            if self._path and not os.path.samestat(self._path.stat(), cast(os.stat_result, self._file)):
                raise _CannotBegin(f"{str(self._path)!r} was replaced by another file")
            self.tx.begin()
        except (OSError, sqlite3.Error) as error:
            raise _CannotBegin(f"the database cannot be written: {error}") from error


class _CannotBegin(Exception):
    pass


class _Time:
    """The store's own time, see `Tx.now`."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._start = micros(clock.now()) - round(clock.monotonic() * 1_000_000)

    def __call__(self) -> int:
        return self._start + round(self._monotonic() * 1_000_000)


def _translated(unit: Unit[Any], error: Exception) -> Exception:
    if isinstance(error, _WRONG):
        wrong = ValueError(f"the database refused {type(unit).__name__}: {error}")
        wrong.__cause__ = error
        return wrong
    if isinstance(error, sqlite3.Error):
        code: int = getattr(error, "sqlite_errorcode", 0)
        # A write that failed halfway may have left its end in the log of the file: after a crash it could count.
        down = StoreDown(str(error), unknown=code & 0xFF == sqlite3.SQLITE_IOERR)
        down.__cause__ = error
        return down
    return error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    return connection


def open_for_writing(path: Path) -> sqlite3.Connection:
    """What was asked for is read back: a build of SQLite or a file system may have refused it in silence."""
    connection = _connect(path)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != value:
            connection.close()
            raise SettingsError(
                f"{str(path)!r}: SQLite has {name} = {found!r} and must have {value!r}; try another disk"
            )
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}").fetchall()
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}").fetchall()
    return connection
