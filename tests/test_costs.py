"""What a turn, an import and a connection cost, counted and never timed: a count is the same on every machine.

The bounds are those of docs/performance.md. What the same things cost in time, `make bench` says.
"""

import asyncio
import json
import queue
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bench.core import Customers, customers
from bench.servers import product
from bench.talkers import visitors
from bot.store import open_store
from bot.store.postgres import PostgresStore
from bot.store.sqlite import FileStore
from config.machine import SystemClock

CUSTOMERS = 200
TURNS = 1000

# Of a platform, of a model, of a web framework, of the store: nothing of it is needed to say what a message is.
FORBIDDEN = {
    *("aiogram", "slack_bolt", "slack_sdk", "discord", "openai", "aiohttp", "httpx", "httpx2"),
    *("fastapi", "starlette", "uvicorn", "pydantic", "sqlalchemy", "alembic", "asyncpg", "redis"),
    *("babel", "dateparser", "phonenumbers", "jinja2", "ruamel", "markdown_it", "PIL", "numpy"),
}


# A turn


@pytest.fixture(params=["file", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "file":
        return f"sqlite:///{tmp_path}/store.db"
    return str(request.getfixturevalue("postgres_database"))


async def test_a_thousand_turns_under_load_are_a_hundred_commits_at_most(address: str) -> None:
    store = await opened(address)
    await crowd(store)
    assert store.commits <= 100


async def test_a_turn_that_nobody_disturbs_is_two_commits(address: str) -> None:
    store = await opened(address)
    async with customers(store) as people:
        await people.turn("first")  # the start has commits of its own
        before = store.commits
        await people.turn("second")
        assert store.commits - before == 2


async def test_a_turn_under_load_is_four_statements_at_most_on_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []

    class Cursor(sqlite3.Cursor):
        def execute(self, text: str, values: Any = (), /) -> "Cursor":
            run.append(text)
            return super().execute(text, values)

        def executemany(self, text: str, rows: Any, /) -> "Cursor":
            run.append(text)
            return super().executemany(text, rows)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, **options, factory=Connection))
    store = await opened(f"sqlite:///{tmp_path}/store.db")
    run.clear()
    await crowd(store)
    assert 0 < len(run) / TURNS <= 4


async def test_a_turn_under_load_is_four_statements_at_most_on_postgresql(postgres_database: str) -> None:
    async with wire(postgres_database) as counted:
        store = await opened(counted.address)
        before = counted.statements
        await crowd(store)
        assert 0 < (counted.statements - before) / TURNS <= 4


async def test_a_batch_is_one_hop_to_the_writer_and_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[object] = []

    class Counted(queue.SimpleQueue):  # type: ignore[type-arg]  # generic for the type checker only
        def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
            put.append(item)
            super().put(item, block, timeout)

    monkeypatch.setattr(queue, "SimpleQueue", Counted)
    loop, back = asyncio.get_running_loop(), list[object]()
    call = loop.call_soon_threadsafe
    store = await opened(f"sqlite:///{tmp_path}/store.db")

    def counted(*given: Any, **options: Any) -> asyncio.Handle:
        if getattr(given[0], "__self__", None) is store:  # a read, such as the one for the next timer, has its own hops
            back.append(given[0])
        return call(*given, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    async with customers(store) as people:
        await people.turn("first")
        put.clear()
        back.clear()
        before = store.commits
        await talk(people)
        batches = store.commits - before
        assert 0 < len(back) <= batches
        # What one round of the loop writes goes over together; two rounds may meet in one batch.
        assert 0 < len(put) <= 2 * batches


async def opened(address: str) -> FileStore | PostgresStore:
    store = await asyncio.to_thread(open_store, address, SystemClock())
    assert isinstance(store, FileStore | PostgresStore)
    return store


async def crowd(store: FileStore | PostgresStore) -> None:
    async with customers(store) as people:
        await talk(people)


async def talk(people: Customers) -> None:
    """Everybody at once, each saying the next thing when the last is answered."""

    async def one(chat: str) -> None:
        for _ in range(TURNS // CUSTOMERS):
            await people.turn(chat)

    await asyncio.gather(*(one(str(number)) for number in range(CUSTOMERS)))


@dataclass
class Wire:
    """Stands between a client and PostgreSQL, and counts what the client asks to be run."""

    address: str = ""
    statements: int = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        server_reader, server_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(self._ask(reader, server_writer), self._answer(server_reader, writer))

    async def _ask(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        """Each message has a letter and a length; those before the session begins have no letter."""
        begun = False
        while head := await reader.read(1) if begun else b"-":
            length = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(length) - 4)
            self.statements += head in (b"Q", b"E")
            server.write((head if begun else b"") + length + body)
            begun = begun or int.from_bytes(body[:4]) >> 16 == 3  # the version; else it asks for encryption
        server.close()

    async def _answer(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await server.read(65536):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def wire(address: str) -> AsyncIterator[Wire]:
    parts = urlsplit(address)
    counted = Wire()
    host, port = str(parts.hostname), parts.port or 5432
    listening = await asyncio.start_server(lambda r, w: counted.connected(r, w, host, port), "127.0.0.1", 0)
    own: int = listening.sockets[0].getsockname()[1]
    counted.address = parts._replace(netloc=f"postgres@127.0.0.1:{own}").geturl()
    try:
        yield counted
    finally:
        listening.close()


# An import


@pytest.mark.parametrize(
    ("program", "most"),
    [
        ("import bot.model, bot.ports", 150),
        ("import bot.engine, bot.inbox, bot.outbox, bot.desk", 450),
    ],
    ids=["what a channel imports", "the core"],
)
def test_an_import_brings_no_library_that_it_does_not_use(program: str, most: int) -> None:
    modules = loaded(program)
    assert FORBIDDEN & {name.partition(".")[0] for name in modules} == set()
    assert len(modules) <= most


def test_help_imports_nothing_of_what_the_commands_need() -> None:
    modules = loaded(
        "import sys; sys.argv = ['frontdesk', '--help']; from config.main import app; app(standalone_mode=False)"
    )
    # Rich, which formats the help, has markdown_it with it.
    assert FORBIDDEN & {name.partition(".")[0] for name in modules} <= {"markdown_it"}
    assert len(modules) <= 400


def loaded(program: str) -> list[str]:
    """The names of the modules that are there after it, in a fresh interpreter."""
    told = subprocess.run(
        [sys.executable, "-c", f"{program}; import json, sys; print(); print(json.dumps(list(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
    )
    names: list[str] = json.loads(told.stdout.splitlines()[-1])
    return names


# A connection


async def test_an_idle_widget_holds_few_kibibytes() -> None:
    """After one message and its answer. The bound is twice what it was when this was written."""
    async with product() as site:
        people = [*await visitors(site, 100)]
        await asyncio.gather(*(person.turn() for person in people))
        before = site.resident_mebibytes()
        people += (more := await visitors(site, 400))
        await asyncio.gather(*(person.turn() for person in more))
        added = site.resident_mebibytes() - before
        for person in people:
            person.socket.close()
    assert added * 1024 / len(more) <= 64
