"""The floor: WebSocket in, decode, one durable turn by group commit, reply out, and nothing else.

`python -m bench.floor KIND PORT`; KIND is `sqlite`, `postgres`, `postgres-turn` (one commit per turn) or
`none`; the database is named by BENCH_DATABASE.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import queue
import sqlite3
import sys
import threading
import time
from typing import Any, Protocol

import msgspec
import uvicorn

SCHEMA = """
create table conversation(id integer primary key, state text not null, version integer not null, at real not null);
create table message(id integer primary key, conversation int not null, out int not null, key text, body text, at real);
create unique index message_key on message(conversation, key) where key is not null;
create index message_conversation on message(conversation, id);
create table outbox(id integer primary key, conversation int not null, status int not null, body text, at real);
create index outbox_due on outbox(at) where status = 0;
"""
CONVERSATIONS = 1000
BODY = "x" * 200
STATE = "{" + "y" * 300 + "}"
REPLY = "Hi! What is your order number?"

MESSAGE = "insert into message(conversation, out, key, body, at) values (?, ?, ?, ?, ?)"
OUTBOX = "insert into outbox(conversation, status, body, at) values (?, 0, ?, ?)"
UPDATE = "update conversation set state = ?, version = version + 1, at = ? where id = ?"

POSTGRES = """
with d as (select * from unnest($1::text[], $2::float8[], $3::bigint[], $4::text[], $5::text[], $6::text[])
             as t(state, at, cid, key, said, reply)),
 u as (update conversation c set state = d.state, version = c.version + 1, at = d.at from d where c.id = d.cid),
 m as (insert into message(conversation, out, key, body, at)
       select cid, 0, key, said, at from d union all select cid, 1, null, reply, at from d)
insert into outbox(conversation, status, body, at) select cid, 0, reply, at from d
"""
Row = tuple[int, str, float]


class Floor(Protocol):
    async def start(self) -> None: ...
    async def turn(self, row: Row) -> None: ...


class Nothing:
    async def start(self) -> None: ...

    async def turn(self, row: Row) -> None: ...


class Sqlite:
    """One writer thread that commits whatever waits, at most 200 turns."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[tuple[Row, asyncio.Future[None]]] = queue.SimpleQueue()

    async def start(self) -> None:
        db = sqlite3.connect(self._path)
        db.execute("pragma journal_mode=wal")
        db.executescript(SCHEMA)
        rows = ((number + 1, STATE) for number in range(CONVERSATIONS))
        db.executemany("insert into conversation values (?, ?, 0, 0)", rows)
        db.commit()
        db.close()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()

    async def turn(self, row: Row) -> None:
        done = self._loop.create_future()
        self._queue.put((row, done))
        await done

    def _write(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        db.execute("pragma synchronous=full")
        while True:
            batch = [self._queue.get()]
            while len(batch) < 200 and not self._queue.empty():
                batch.append(self._queue.get())
            db.execute("begin immediate")
            rows = [row for row, _ in batch]
            said = [one for c, k, t in rows for one in ((c, 0, k, BODY, t), (c, 1, None, REPLY, t))]
            db.executemany(MESSAGE, said)
            db.executemany(OUTBOX, [(c, REPLY, t) for c, _, t in rows])
            db.executemany(UPDATE, [(STATE, t, c) for c, _, t in rows])
            db.execute("commit")
            self._loop.call_soon_threadsafe(_done, [done for _, done in batch])


class Postgres:
    """Each connection writes all that waits, at most `most` turns, with one statement."""

    def __init__(self, dsn: str, *, connections: int, most: int) -> None:
        self._dsn, self._connections, self._most = dsn, connections, most
        self._queue: asyncio.Queue[tuple[Row, asyncio.Future[None]]] = asyncio.Queue()

    async def start(self) -> None:
        import asyncpg

        db = await asyncpg.connect(self._dsn)
        script = SCHEMA.replace("id integer primary key", "id bigserial primary key").replace(" real", " float8")
        await db.execute("create schema if not exists floor; set search_path to floor;" + script)
        rows = [(number + 1, STATE) for number in range(CONVERSATIONS)]
        await db.executemany("insert into conversation values ($1, $2, 0, 0)", rows)
        await db.close()
        self._writers = []
        for _ in range(self._connections):
            writer = await asyncpg.connect(self._dsn, server_settings={"search_path": "floor"})
            self._writers.append(asyncio.create_task(self._write(writer)))

    async def turn(self, row: Row) -> None:
        done = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((row, done))
        await done

    async def _write(self, db: Any) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._most and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            batch.sort(key=lambda one: one[0])
            size = len(batch)
            conversations, keys, times = zip(*(row for row, _ in batch), strict=True)
            await db.execute(POSTGRES, [STATE] * size, times, conversations, keys, [BODY] * size, [REPLY] * size)
            _done([done for _, done in batch])


class In(msgspec.Struct):
    id: str
    text: str


def application(floor: Floor) -> Any:
    decode, encode = msgspec.json.Decoder(In).decode, msgspec.json.Encoder().encode
    numbers = itertools.count()
    started: list[asyncio.Task[None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        if not started:
            started.append(asyncio.create_task(floor.start()))
        await started[0]
        conversation = next(numbers) % CONVERSATIONS + 1
        while (heard := await receive())["type"] == "websocket.receive":
            said = decode(heard["text"])
            await floor.turn((conversation, f"{conversation}.{next(numbers)}", time.time()))
            await send({"type": "websocket.send", "text": encode({"id": said.id, "text": REPLY}).decode()})

    return app


def _done(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


def main(kind: str, port: int) -> None:
    database = os.environ.get("BENCH_DATABASE", "")
    floors: dict[str, Any] = {
        "none": Nothing,
        "sqlite": lambda: Sqlite(database),
        "postgres": lambda: Postgres(database, connections=2, most=200),
        "postgres-turn": lambda: Postgres(database, connections=16, most=1),
    }
    uvicorn.run(
        application(floors[kind]()),
        host="127.0.0.1",
        port=port,
        log_level="error",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        loop="uvloop",
        lifespan="off",
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
