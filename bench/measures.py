"""What is measured: each figure with the floor it is put beside."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, create_server

from bench import flow
from bench.sockets import Talker, open_socket

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measure:
    name: str
    unit: str
    floor: Callable[[], Coroutine[None, None, float]]
    product: Callable[[], Coroutine[None, None, float]]


def all_of(seconds: float, postgres: str) -> Iterator[Measure]:
    yield _turns("turns.sqlite.500", "sqlite", 500, seconds)
    yield Measure(
        "turn.idle.sqlite",
        "ms",
        lambda: _idle(lambda: _floor("sqlite"), _floor_talkers, seconds),
        lambda: _idle(_product, _product_talkers, seconds),
    )
    if postgres:
        yield _turns("turns.postgres.500", "postgres", 500, seconds, postgres)
    yield Measure("flow.step", "us", flow.allowed, lambda: flow.step(seconds))
    yield Measure("start.serve", "s", _start_floor, _start_product)


def _turns(name: str, kind: str, connections: int, seconds: float, dsn: str = "") -> Measure:
    return Measure(
        name,
        "turns/s",
        lambda: _rate(lambda: _floor(kind, dsn), _floor_talkers, connections, seconds),
        lambda: _rate(lambda: _product(dsn), _product_talkers, connections, seconds),
    )


Server = Callable[[], AbstractAsyncContextManager[int]]
"""Gives the port it listens on."""
Talkers = Callable[[int, int], Awaitable[list[Talker]]]


async def _rate(server: Server, talkers: Talkers, connections: int, seconds: float) -> float:
    """Closed loop: everybody says the next thing as soon as the answer is there."""
    async with server() as port:
        people = await talkers(port, connections)
        for person in people:
            person.start()
        await asyncio.sleep(min(1.0, seconds / 3))
        before, since = sum(len(person.turns) for person in people), time.perf_counter()
        await asyncio.sleep(seconds)
        turns = sum(len(person.turns) for person in people) - before
        rate = turns / (time.perf_counter() - since)
        for person in people:
            person.stop()
            person.socket.close()
    return rate


async def _idle(server: Server, talkers: Talkers, seconds: float) -> float:
    """Median of one turn at a time, nothing else going on, in milliseconds."""
    async with server() as port:
        (person,) = await talkers(port, 1)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            person.say()
            await person.answered.wait()
            person.answered.clear()
            await asyncio.sleep(0.005)
        person.socket.close()
    return statistics.median(person.turns[10:]) * 1000


async def _floor_talkers(port: int, count: int) -> list[Talker]:
    def say(number: int) -> bytes:
        return b'{"id":"%d","text":"my order is A-%d"}' % (number, number % 90 + 10)

    return [await _connected(Talker(say, lambda payload: True), port, "/") for _ in range(count)]


async def _product_talkers(port: int, count: int) -> list[Talker]:
    """Each a visitor of its own, standing at a question of the scripted flow."""
    origin = f"http://127.0.0.1:{port}"

    def say(number: int) -> bytes:
        return b'{"frame":"say","id":"%s","text":"my order"}' % str(uuid.uuid4()).encode()

    def is_answer(payload: bytes) -> bool:
        return b'"frame":"event"' in payload and b'"kind":"bot"' in payload

    people = []
    for _ in range(count):
        person = await _connected(Talker(say, is_answer), port, "/ws/widget", origin)
        token = await asyncio.to_thread(_token, origin)
        person.socket.send(json.dumps({"frame": "hello", "token": token, "conversation": "", "after": 0}).encode())
        people.append(person)
    await asyncio.sleep(0.5)
    return people


async def _connected(person: Talker, port: int, path: str, origin: str = "") -> Talker:
    person.socket = await open_socket(port, path, person.heard, origin)
    return person


def _token(origin: str) -> str:
    request = urllib.request.Request(
        f"{origin}/api/widget/token",
        data=b'{"account":"bench"}',
        headers={"Origin": origin, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        token: str = json.load(answer)["token"]
    return token


@asynccontextmanager
async def _floor(kind: str, dsn: str = "") -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory() as home:
        port = _free_port()
        database = dsn or f"{home}/floor.db"
        with _process([sys.executable, "-m", "bench.floor", kind, str(port)], port, {"BENCH_DATABASE": database}):
            yield port


@asynccontextmanager
async def _product(dsn: str = "") -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory() as home:
        port = _free_port()
        environment = {
            "FRONTDESK_DATA": home,
            "FRONTDESK_CONFIG": str(HERE / "desk" / "frontdesk.yaml"),
            "FRONTDESK_SECRET_KEY": "0123456789abcdef" * 4,
            "FRONTDESK_DATABASE_URL": dsn,
        }
        with _process([sys.executable, "-m", "config.main", "serve", "--port", str(port)], port, environment):
            yield port


async def _start_floor() -> float:
    since = time.perf_counter()
    async with _floor("none"):
        return time.perf_counter() - since


async def _start_product() -> float:
    since = time.perf_counter()
    async with _product():
        return time.perf_counter() - since


@contextmanager
def _process(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """Started, listening, and stopped again."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{' '.join(command)} did not start") from None
                time.sleep(0.01)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
