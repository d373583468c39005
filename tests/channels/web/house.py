"""The door as customers meet it: the real server on a loopback port over the real inbox, and visitors on both carriers.

Nobody answers here: a test plays bot, agent and system itself.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import msgspec
import uvicorn
from msgspec.structs import replace
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.bus.memory import MemoryBus
from bot.inbox import Inbox
from bot.model import BOT, Address, Author, Body, ConversationId, Event, Message, Noted, Said, State, text
from bot.ports import Accepted, Arrival, FormErrors, Happened, News, Question, Receive, Store, Unit
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.units import Amend, Amended, Claimed, Entry, Find, Lease, Log
from channels.web.frames import ChoicesView, Greeting, OptionView, SpanView, TextView
from channels.web.line import Line
from channels.web.settings import WebLimits, WebSettings
from channels.web.web import Web
from config.serving import SocketProtocol

STUCK = 20.0
"""Seconds after which what was waited for will never come."""
SHOP = "https://shop.example.org"
MARA = Author("agent", "agent-mara", "Mara")
SECRET = b"a key for tests" * 3
FREE = WebLimits(
    messages_per_minute=100_000,
    messages_per_address=100_000,
    reads_per_address=100_000,
    tokens_per_address=100_000,
    frames_per_second=100_000,
)

Frame = dict[str, Any]
R = TypeVar("R")


class Nobody:
    """An engine that takes no turns."""

    def room(self) -> Lease | None:
        return None

    def take(self, claimed: Claimed) -> None:
        raise AssertionError("no lease was asked for")


@dataclass
class Gate:
    """A store that can be held, delayed and taken down."""

    inner: Store
    down: Exception | None = None
    held: asyncio.Event | None = None
    """While it is not set, reads wait."""
    held_late: asyncio.Event | None = None
    """While it is not set, pages of a log that were read wait on their way."""
    chance: random.Random | None = None
    """Lets others run before and after each read, as a store with threads does."""
    reads: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, unit: Unit[R], /) -> R:
        if self.down:
            raise self.down
        return await self.inner.write(unit)

    async def read(self, question: Question[R], /) -> R:
        self.reads += 1
        if self.held:
            self.waiting.set()
            await self.held.wait()
        if self.down:
            raise self.down
        await self._dawdle()
        answer = await self.inner.read(question)
        if self.held_late and isinstance(question, Log):
            self.waiting.set()
            await self.held_late.wait()
        await self._dawdle()
        return answer

    async def _dawdle(self) -> None:
        for _ in range(self.chance.randrange(8) if self.chance else 0):
            await asyncio.sleep(0)

    async def close(self) -> None:
        await self.inner.close()


class Counter:
    """The inbox, and what it was handed."""

    def __init__(self, inner: Receive) -> None:
        self.inner, self.arrivals = inner, list[Arrival]()
        self.held: asyncio.Event | None = None
        """While it is not set, what was committed is not told yet."""
        self.accepted = 0
        self.now: FormErrors | None = None
        """What the inbox says inside its acknowledgement."""

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        self.arrivals.append(arrival)
        accepted = await self.inner(arrival)
        if self.held:
            await self.held.wait()
        self.accepted += 1
        return replace(accepted, now=self.now) if self.now else accepted

    async def many(self, arrivals: Any, /) -> Any:
        return await self.inner.many(arrivals)


def greeting(language: str) -> Greeting:
    hello = TextView((SpanView("Hi! I can help with orders."),))
    return Greeting("Ada", "Acme", (hello, ChoicesView((OptionView("Track order", "greet-1"),))), language or "en")


@dataclass
class House:
    clock: SettableClock
    store: Gate
    bus: MemoryBus
    receive: Counter
    web: Web
    files: MemoryFiles
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def conversation(self, identity: str, thread: str) -> ConversationId:
        found = await self.store.inner.read(Find(address=Address("web", "shop", identity, thread)))
        assert found is not None
        return found.conversation.id

    async def write(
        self, conversation: ConversationId, *bodies: Body, by: Author = BOT, public: bool = True, told: bool = True
    ) -> tuple[Event, ...]:
        """Into the log, and, when `told`, onto the bus."""
        entries = tuple(Entry(by, body, 0, public=public) for body in bodies)
        done = await self.store.inner.write(Amend(conversation=conversation, entries=entries, at=self.clock.now()))
        assert isinstance(done, Amended)
        if told:
            self.bus.publish(Happened(conversation, done.events))
        return done.events

    async def say(self, conversation: ConversationId, words: str | Message, *, by: Author = BOT) -> int:
        message = text(words) if isinstance(words, str) else words
        return (await self.write(conversation, Said(message), by=by))[0].seq

    async def note(self, conversation: ConversationId, words: str) -> None:
        await self.write(conversation, Noted(words), by=MARA, public=False)

    async def forget(self) -> None:
        """As after a while without readers: nothing is listened to any more."""
        await until(lambda: not self.lines())
        self.web._door.hall.sweep(float("inf"))
        assert len(self.web._door.hall) == 0

    def lines(self) -> list[Line]:
        """Those that read something."""
        return [line for slot in self.web._door._slots for line in slot if line._audience]

    def publish(self, news: News) -> None:
        self.bus.publish(news)


@asynccontextmanager
async def opened(
    *,
    limits: WebLimits = FREE,
    store_url: str = "sqlite://",
    recheck: float = 60.0,
    ws: type[WebSocketsSansIOProtocol] = SocketProtocol,
) -> AsyncIterator[House]:
    clock, bus, chance = SettableClock(), MemoryBus(), SeededRandom(7)
    store = Gate(open_store(store_url, clock))
    inbox = Inbox(store=store, bus=bus, clock=clock, random=chance, engine=Nobody(), initial=State())
    receive = Counter(inbox)
    settings = WebSettings(
        account="shop", origins=(SHOP,), brand="Acme", assistant="Ada", limits=limits, recheck_seconds=recheck
    )
    web = Web(
        settings,
        store=store,
        bus=bus,
        receive=receive,
        clock=clock,
        random=chance,
        secret=SECRET,
        greeting=greeting,
        files=(files := MemoryFiles()),
    )
    house = House(clock, store, bus, receive, web, files)
    running = asyncio.create_task(web.run(receive))
    async with served(Starlette(routes=web.routes()), ws) as house.port:
        try:
            yield house
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    await store.close()


@asynccontextmanager
async def served(app: Starlette, ws: type[WebSocketsSansIOProtocol] = SocketProtocol) -> AsyncIterator[int]:
    """The server as `frontdesk serve` runs it, without its signals and its once-a-tenth-of-a-second."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws=ws,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_max_size=2 * 1024 * 1024,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    config.load()
    state = ServerState()
    protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        async with asyncio.timeout(STUCK):
            await asyncio.gather(*state.tasks, return_exceptions=True)
        await until(lambda: not state.connections)


async def until(holds: Callable[[], bool]) -> None:
    """For what the server's side has no event of."""
    async with asyncio.timeout(STUCK):
        while True:
            if holds():
                return
            await asyncio.sleep(0)


# Visitors


@dataclass
class Visitor:
    """One visitor's browser: holds the secret and makes connections."""

    house: House
    http: httpx2.AsyncClient
    token: str = ""
    secret: str = ""
    origin: str = SHOP

    async def sign_in(self) -> Frame:
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        grant: Frame = answer.json()
        self.token, self.secret = grant["token"], grant.get("secret", self.secret)
        return grant

    async def ask_token(self, **body: Any) -> httpx2.Response:
        request = {"account": "shop", "secret": self.secret, "locale": "en-GB"} | body
        return await self.http.post("/api/widget/token", json=request, headers=self.headers(token=False))

    def headers(self, *, token: bool = True) -> dict[str, str]:
        return {"Origin": self.origin} | ({"Authorization": f"Bearer {self.token}"} if token and self.token else {})

    @property
    def identity(self) -> str:
        from channels.web.tokens import identity_of

        found = identity_of(self.secret)
        assert found
        return found

    async def socket(self, conversation: str = "", after: int = 0) -> SocketReader:
        connection = await connect(
            self.house.url.replace("http", "ws") + "/ws/widget",
            additional_headers={"Origin": self.origin},
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )
        reader = SocketReader(connection)
        reader.listen()
        await reader.post({"frame": "hello", "token": self.token, "conversation": conversation, "after": after})
        await reader.opened()
        return reader

    async def bare_socket(self) -> SocketReader:
        """Connected, and nothing said."""
        connection = await connect(
            self.house.url.replace("http", "ws") + "/ws/widget",
            additional_headers={"Origin": self.origin},
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )
        reader = SocketReader(connection)
        reader.listen()
        return reader

    async def stream(self, conversation: str = "", after: int = 0) -> StreamReader:
        reader = StreamReader(self, conversation, after)
        reader.listen()
        await reader.opened()
        return reader

    async def read(self, carrier: str, conversation: str = "", after: int = 0) -> Reader:
        if carrier == "socket":
            return await self.socket(conversation, after)
        return await self.stream(conversation, after)

    async def frames(self, frame: Frame | bytes, conversation: str) -> httpx2.Response:
        content = frame if isinstance(frame, bytes) else msgspec.json.encode(frame)
        return await self.http.post(
            "/api/widget/frames", params={"conversation": conversation}, content=content, headers=self.headers()
        )


class Reader:
    """A connection of a widget: keeps what it was told, as a widget would."""

    def __init__(self) -> None:
        self.told: list[Frame] = []
        self.raw: list[str] = []
        self.welcome: Frame = {}
        self.held = 0
        self.events: list[Frame] = []
        self.gaps: list[Frame] = []
        self.is_over = False
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    # What a carrier does

    async def _read(self) -> None:
        raise NotImplementedError

    async def say(self, words: str, id: str = "") -> Frame:
        """The answer: `ack` or `refused`."""
        return await self.send({"frame": "say", "id": id or str(uuid.uuid4()), "text": words})

    async def send(self, frame: Frame) -> Frame:
        raise NotImplementedError

    async def cut(self) -> None:
        """End without a word."""
        raise NotImplementedError

    async def close(self) -> None:
        await self.cut()

    # What all do

    def listen(self) -> None:
        self._task = asyncio.create_task(self._run())

    @property
    def thread(self) -> str:
        return str(self.welcome["conversation"])

    async def opened(self) -> None:
        await self.until(lambda: bool(self.welcome) or self.is_over)

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(STUCK), self._changed:
            await self._changed.wait_for(holds)

    async def next(self, kind: str, count: int = 1) -> Frame:
        """The `count`-th frame of a kind."""

        def those() -> list[Frame]:
            return [frame for frame in self.told if frame["frame"] == kind]

        await self.until(lambda: len(those()) >= count or self.is_over)
        assert len(those()) >= count, f"over after {self.told}"
        return those()[count - 1]

    async def holds(self, count: int) -> list[Frame]:
        """All events, once there are so many."""
        await self.until(lambda: len(self.events) >= count or self.is_over)
        assert len(self.events) >= count, f"over with {self.events}"
        return self.events

    async def over(self) -> None:
        await self.until(lambda: self.is_over)

    @property
    def texts(self) -> list[str]:
        return [words(event) for event in self.events]

    def of(self, kind: str) -> list[Frame]:
        return [frame for frame in self.told if frame["frame"] == kind]

    async def _run(self) -> None:
        try:
            await self._read()
        finally:
            self.is_over = True
            async with self._changed:
                self._changed.notify_all()

    async def _hear(self, raw: str) -> None:
        frame = msgspec.json.decode(raw)
        self.raw.append(raw)
        self.told.append(frame)
        match frame["frame"]:
            case "welcome":
                if self.welcome and self.welcome["conversation"] != frame["conversation"]:
                    self.events.clear()
                self.welcome, self.held = frame, frame["seq"]
                self.events += frame["events"]
            case "event":
                if frame["prev"] != self.held:
                    self.gaps.append(frame)
                self.held = frame["seq"]
                self.events.append(frame["event"])
        async with self._changed:
            self._changed.notify_all()


class SocketReader(Reader):
    def __init__(self, connection: ClientConnection) -> None:
        super().__init__()
        self.connection = connection

    async def _read(self) -> None:
        try:
            async for raw in self.connection:
                assert isinstance(raw, str)
                for frame in msgspec.json.decode(raw, type=list[msgspec.Raw]):
                    await self._hear(bytes(frame).decode())
        except ConnectionClosed:
            pass

    async def post(self, frame: Frame | str | bytes) -> None:
        await self.connection.send(msgspec.json.encode(frame).decode() if isinstance(frame, dict) else frame)

    async def send(self, frame: Frame) -> Frame:
        id = frame.get("id")

        def those() -> list[Frame]:
            return [told for told in self.told if told["frame"] in ("ack", "refused", "older") and told.get("id") == id]

        before = len(those())
        await self.post(frame)
        await self.until(lambda: len(those()) > before or self.is_over)
        assert len(those()) > before, f"over after {self.told}"
        return those()[-1]

    async def cut(self) -> None:
        self.connection.transport.abort()
        await self.over()

    async def close(self) -> None:
        await self.connection.close()
        await self.over()


class StreamReader(Reader):
    def __init__(self, visitor: Visitor, conversation: str, after: int, **headers: str) -> None:
        super().__init__()
        self.visitor, self._conversation, self._after, self._headers = visitor, conversation, after, headers
        self.status = 0
        self.comments = 0
        self.ids: list[int] = []

    async def _read(self) -> None:
        parameters = {"conversation": self._conversation, "after": str(self._after)}
        headers = self.visitor.headers() | self._headers
        request = self.visitor.http.stream(
            "GET", "/api/widget/stream", params=parameters, headers=headers, timeout=STUCK
        )
        try:
            await self._follow(request)
        except httpx2.TransportError:
            pass

    async def _follow(self, request: AbstractAsyncContextManager[httpx2.Response]) -> None:
        async with request as answer:
            self.status = answer.status_code
            if answer.status_code != 200:
                await answer.aread()
                await self._hear(answer.text)
                return
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    await self._hear(line[6:])
                elif line.startswith("id: "):
                    self.ids.append(int(line[4:]))
                elif line.startswith(":"):
                    self.comments += 1
                    async with self._changed:
                        self._changed.notify_all()

    async def send(self, frame: Frame) -> Frame:
        answer = await self.visitor.frames(frame, self.thread)
        return answer.json() if answer.content else {}

    async def cut(self) -> None:
        assert self._task
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def words(event: Mapping[str, Any]) -> str:
    """The plain words of a customer's event."""
    match event:
        case {"kind": "said", "parts": parts}:
            return "".join(span["text"] for part in parts for span in part.get("spans", ()))
        case {"kind": "pressed", "label": label}:
            return f"[{label}]"
        case {"kind": "controlled", "control": control}:
            return f"<{control['state']}>"
        case _:
            return f"~{event['text']}"
