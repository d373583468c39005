"""What tests of the Telegram channel stand on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvicorn
from pydantic import SecretStr

from bot.errors import StoreDown
from bot.files import pieces_of
from bot.mime import kind_of
from bot.model import Address, Incoming, Media, Message, Pressed
from bot.ports import Accepted, Arrival, Receipt, Toast
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import serving
from channels.sandbox.telegram.sandbox import TelegramSandbox
from channels.telegram import Settings, build
from channels.telegram.channel import Telegram

TOKEN, SECRET = "42:TEST", "s3cret"
ADA = 7001
B = TypeVar("B", bound=Incoming)


@asynccontextmanager
async def hooks(site: Any) -> AsyncIterator[str]:
    """Serve an application; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(site, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@dataclass
class Accepting:
    """Implements `Receive`: remembers what is new; `stale` tokens are answered with a toast; `down`: raises."""

    arrivals: list[Arrival] = field(default_factory=list)
    down: Exception | None = None
    stale: set[str] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)
    """How many arrivals each batch had."""
    _keys: set[str] = field(default_factory=set)

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        if self.down is not None:
            raise self.down
        keys = {key for key in (arrival.key, arrival.twin) if key}
        fresh = not keys & self._keys
        self._keys |= keys
        if fresh:
            self.arrivals.append(arrival)
        token = next((body.token for body in arrival.bodies if isinstance(body, Pressed)), "")
        return Accepted(fresh, None, len(self.arrivals), now=Toast("That is over.") if token in self.stale else None)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        self.calls.append(len(arrivals))
        return [await self(arrival) for arrival in arrivals]


@dataclass
class Stand:
    """A channel at work on a sandbox, and what it hands over."""

    clock: SettableClock
    sandbox: TelegramSandbox
    channel: Telegram
    inbox: Accepting
    api: str
    vault: MemoryVault
    files: MemoryFiles
    running: asyncio.Task[None]

    @property
    def given(self) -> dict[str, Any]:
        """What a channel is built with, beside its settings."""
        return {"clock": self.clock, "random": SeededRandom(), "vault": self.vault, "files": self.files}

    async def act(self, what: str, /, chat: Any = ADA, **body: Any) -> Any:
        return await self.sandbox.act(what, {"chat": str(chat), **body})

    async def restart(self) -> None:
        """The channel is stopped and runs again."""
        await self.stop()
        self.running = asyncio.create_task(self.channel.run(self.inbox))

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Longer means stuck. Virtual time goes on."""
        async with asyncio.timeout(90):
            while True:
                if self.running.done():
                    self.running.result()
                if holds():
                    return
                await self.clock.advance(0.25)
                await asyncio.sleep(0.002)

    async def hears(self, kind: type[B], number: int = 1) -> B:
        """The last body of that kind, once there are so many."""
        await self.until(lambda: len(self.all(kind)) >= number)
        return self.all(kind)[-1]

    def all(self, kind: type[B]) -> list[B]:
        return [body for arrival in self.inbox.arrivals for body in arrival.bodies if isinstance(body, kind)]

    async def caught_up(self) -> None:
        """Everything was taken, and nothing waits."""
        await self.until(lambda: next(iter(self.sandbox.bots.values())).updates.pending == 0)

    async def place(self, chat: Any = ADA, **how: Any) -> Address:
        """Where somebody is who says something there."""
        before = len(self.inbox.arrivals)
        await self.act("say", chat, text=how.pop("text", "hello"), **how)
        await self.until(lambda: len(self.inbox.arrivals) > before)
        return self.inbox.arrivals[-1].to

    async def send(self, to: Address, message: Message, *, key: str = "d.0", **more: Any) -> Receipt:
        return await self.channel.send(to, message, key=key, **more)

    async def keeps(self, content: bytes, name: str = "", **more: Any) -> Media:
        """A file of ours, as a flow or an agent sends it."""
        kept = await self.files.keep(pieces_of(content), most=len(content), name=name)
        kind = more.pop("kind", kind_of(kept.type))
        return Media(kind, kept.ref, name=name, type=kept.type, size=kept.size, **more)

    def fault(self, on: str, **do: Any) -> None:
        self.sandbox.faults.script([Rule(on=on, times=1, do=Do(**do))])

    def calls(self, method: str) -> list[Mapping[str, Any]]:
        return self.sandbox.journal.calls(method)

    def chat(self, name: Any = ADA) -> Any:
        return next(chat for chat in self.sandbox.seen()["chats"] if chat["id"] == str(name))

    def ours(self, name: Any = ADA) -> list[Any]:
        return [each for each in self.chat(name)["messages"] if each["by"] == "bot" and not each["deleted"]]

    def texts(self, name: Any = ADA) -> list[str]:
        return ["".join(span["text"] for span in message["spans"]) for message in self.ours(name)]


@asynccontextmanager
async def standing(*, public: str = "", files: MemoryFiles | None = None, **settings: Any) -> AsyncIterator[Stand]:
    clock, vault, files = SettableClock(), MemoryVault(), files or MemoryFiles()
    sandbox = TelegramSandbox(clock)
    async with serving(sandbox) as api:
        settings = {"token": SecretStr(TOKEN), "secret": SecretStr(SECRET), "api": api, "public": public, **settings}
        channel = build("shop", Settings(**settings), clock=clock, random=SeededRandom(), vault=vault, files=files)
        inbox = Accepting()
        running = asyncio.create_task(channel.run(inbox))
        stand = Stand(clock, sandbox, channel, inbox, api, vault, files, running)
        updates = next(iter(sandbox.bots.values())).updates
        await stand.until(lambda: updates.is_polled or updates.webhook)
        try:
            yield stand
        finally:
            await stand.stop()


DOWN = StoreDown("the store is down")
