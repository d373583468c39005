"""A console over a store in memory, with a browser on each side of it."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from bot.bus.memory import MemoryBus
from bot.fetcher import Fetcher
from bot.model import ConversationId
from bot.ports import News
from bot.store import open_store
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.units import Agent
from channels.console.accounts import add_agent
from channels.console.console import Console, ConsoleSettings
from channels.console.frames import Done, Me, Problem, ServerFrame
from channels.console.passwords import Passwords
from channels.memory import Memory
from tests.bot.room import Room

HERE = "http://127.0.0.1:8080"
PASSWORD = "a long way to tipperary"
STUCK_SECONDS = 10.0

decode: Callable[[str | bytes], ServerFrame] = msgspec.json.Decoder(ServerFrame).decode
T = TypeVar("T")
F = TypeVar("F")


class LossyBus(MemoryBus):
    """Loses everything while told so."""

    loses = False

    def publish(self, news: News) -> None:
        if not self.loses:
            super().publish(news)


@dataclass
class Place:
    room: Room
    bus: LossyBus
    console: Console
    app: FastAPI
    passwords: Passwords
    jo: Agent
    kim: Agent
    files: MemoryFiles
    platform: Memory

    def browser(self, *, base: str = HERE, address: str = "127.0.0.1", app: Any = None) -> "Browser":
        transport = httpx2.ASGITransport(app=app or self.app, client=(address, 50_000))
        return Browser(httpx2.AsyncClient(transport=transport, base_url=base))

    async def signed_in(self, who: Agent) -> "Browser":
        browser = self.browser()
        await browser.sign_in(who)
        return browser


@dataclass
class Browser:
    """A page of ours: it sends its origin and, once signed in, its token."""

    http: httpx2.AsyncClient
    csrf: str = ""

    async def sign_in(self, who: Agent, password: str = PASSWORD) -> httpx2.Response:
        answer = await self.post("/sign-in", {"email": who.email, "password": password})
        if answer.status_code == 200:
            self.csrf = read(answer, Me).csrf
        return answer

    async def get(self, path: str, **query: str | int) -> httpx2.Response:
        return await self.http.get(f"/api/console{path}", params=query)

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: dict[str, str | None] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """`headers` of the value None are left out."""
        usual: dict[str, str | None] = {
            "Origin": str(self.http.base_url).rstrip("/"),
            "X-CSRF-Token": self.csrf,
            "Idempotency-Key": key or str(uuid.uuid4()),
            "Content-Type": "application/json",
        }
        sent = {name: value for name, value in (usual | (headers or {})).items() if value is not None}
        content = msgspec.json.encode(body if body is not None else {}) if content is None else content
        return await self.http.post(f"/api/console{path}", content=content, headers=sent)

    async def act(self, conversation: ConversationId, call: str, body: object, *, key: str | None = None) -> Done:
        answer = await self.post(f"/conversations/{conversation}/{call}", body, key=key)
        assert answer.status_code == 200, answer.text
        return read(answer, Done)

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())


def read(answer: httpx2.Response, kind: type[T]) -> T:
    return msgspec.json.decode(answer.content, type=kind)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which has to be a whole one."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = read(answer, Problem)
    assert found.status == answer.status_code
    assert found.text
    assert found.request == answer.headers["x-request-id"]
    return found.status, found.code


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    bus = LossyBus()
    room = Room(store=store, clock=clock, bus=bus)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people = [
        await add_agent(store, clock, room.random, f"{name}@shop.example", name.title(), PASSWORD, passwords=passwords)
        for name in ("jo", "kim")
    ]
    settings = ConsoleSettings(brand="Shop", origins=("https://desk.example",), static=tmp_path)
    files, platform = MemoryFiles(), Memory(clock, account="shop")
    console = Console(
        store,
        room.bus,
        room.desk,
        clock,
        room.random,
        settings,
        passwords=passwords,
        files=files,
        fetcher=Fetcher((platform,), files, clock),
    )
    app = FastAPI()
    app.include_router(console.router())
    app.router.routes.extend(console.routes())
    jo, kim = people
    yield Place(room, bus, console, app, passwords, jo, kim, files, platform)
    console.close()
    await store.close()


# Sockets


class Line:
    """An open socket, as the page sees it. Pings are answered by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.skipped: list[ServerFrame] = []

    async def say(self, **frame: object) -> None:
        await self.socket.send(msgspec.json.encode(frame).decode())

    async def next(self) -> ServerFrame:
        async with asyncio.timeout(STUCK_SECONDS):
            return decode(await self.socket.recv())

    async def until(self, kind: type[F]) -> F:
        """The next frame of a kind; others are kept in `skipped`."""
        while True:
            frame = await self.next()
            if isinstance(frame, kind):
                return frame
            self.skipped.append(frame)

    async def closed(self) -> int | None:
        """Wait for the end; its code."""
        async with asyncio.timeout(STUCK_SECONDS):
            await self.socket.wait_closed()
        return self.socket.close_code


@dataclass
class Served:
    """The console behind a real server on a loopback port."""

    place: Place
    port: int
    server: uvicorn.Server

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def browser(self, who: Agent) -> Browser:
        browser = self.place.browser(base=self.base)
        await browser.sign_in(who)
        return browser

    @asynccontextmanager
    async def line(self, browser: Browser, **options: Any) -> AsyncIterator[Line]:
        async with connect(
            f"ws://127.0.0.1:{self.port}/ws/console",
            origin=options.pop("origin", Origin(self.base)),
            additional_headers={"Cookie": browser.cookies},
            ping_interval=None,
            compression=None,
            proxy=None,
            # A full queue would keep the closing handshake from being read.
            max_queue=options.pop("max_queue", None),
            **options,
        ) as connection:
            yield Line(connection)


@pytest.fixture
async def served(place: Place) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        place.app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    yield Served(place, listener.getsockname()[1], server)
    server.should_exit = True
    await serving


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(STUCK_SECONDS):
        while not holds():  # noqa: ASYNC110 what is waited for is another program's doing
            await asyncio.sleep(0.005)
