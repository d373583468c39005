"""The widget's door before the contract suite: its platform is our own client, which repeats what was not taken.

Readers tail the log, so nothing is sent, and nothing of ours ever comes back as an event.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import msgspec
from starlette.applications import Starlette

from bot.bus.memory import MemoryBus
from bot.ports import Channel, Receive
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from channels.web.settings import WebSettings
from channels.web.web import Web
from tests.channels.web.house import FREE, SECRET, SHOP, Frame, greeting


@asynccontextmanager
async def web() -> AsyncIterator[WebHarness]:
    harness = WebHarness()
    yield harness
    await harness.store.close()


class WebHarness:
    """Implements `HookHarness`. A conversation is a thread: the first is the chat, the second its other place."""

    threads = True

    def __init__(self) -> None:
        self.clock, self._random = SettableClock(), SeededRandom(7)
        self.store = open_store("sqlite://", self.clock)
        self.answers: list[int] = []
        self._bus = MemoryBus()
        self._http = httpx2.AsyncClient()
        self._visitor: Frame = {}
        self._conversations = ["", ""]
        self._sent: list[tuple[bytes, int]] = []
        self._owed: list[tuple[bytes, int]] = []
        self._lose = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return (SECRET.decode(), str(self._visitor["token"]), str(self._visitor["secret"]))

    @property
    def unreadable(self) -> Mapping[str, bytes]:
        id = str(uuid.UUID(int=7))
        return {
            "unknown kind": b'{"frame":"exec","id":"%s"}' % id.encode(),
            "missing field": b'{"frame":"say","id":"%s"}' % id.encode(),
            "wrong type": b'{"frame":"say","id":"%s","text":[1]}' % id.encode(),
            "huge": msgspec.json.encode({"frame": "say", "id": id, "text": "x" * 1_000_000}),
            "deep": b'{"frame":' + b"[" * 10_000,
            "no text": b"\xff\x00",
        }

    async def open(self, receive: Receive) -> Channel:
        made = Web(
            WebSettings(account="shop", origins=(SHOP,), brand="Acme", assistant="Ada", limits=FREE),
            store=self.store,
            bus=self._bus,
            receive=receive,
            clock=self.clock,
            random=self._random,
            secret=SECRET,
            greeting=greeting,
            files=MemoryFiles(),
        )
        app = Starlette(routes=made.routes())
        self._http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://frontdesk", headers={"Origin": SHOP}
        )
        if not self._visitor:
            asked = {"account": "shop", "secret": "", "locale": "en"}
            self._visitor = (await self._http.post("/api/widget/token", json=asked)).json()
            self._conversations = [await self._begin() for _ in range(2)]
        return made

    async def listening(self) -> None:
        await asyncio.sleep(0)

    async def say(self, words: str, *, thread: bool = False) -> None:
        frame = {"frame": "say", "id": str(uuid.UUID(int=len(self._sent) + 1000)), "text": words}
        self._sent.append((msgspec.json.encode(frame), int(thread)))
        await self._deliver(self._sent[-1])

    async def again(self) -> None:
        await asyncio.gather(self._deliver(self._sent[-1]), self._deliver(self._sent[-1]))

    async def lose(self) -> None:
        self._lose = True

    async def echo(self) -> None:
        """What we say is in the log, and comes to no door as an event."""

    async def bring(self, raw: bytes) -> None:
        await self._deliver((raw, 0))

    async def forge(self, raw: bytes) -> int:
        return await self._post(raw, self._conversations[0], "a.forged.token")

    def owed(self) -> int:
        return len(self._owed)

    async def a_moment(self) -> None:
        await self.clock.advance(1)
        owed, self._owed = self._owed, []
        for each in owed:
            await self._deliver(each)

    async def _begin(self) -> str:
        """A conversation of its own, as a click on "new conversation" begins it."""
        hello = {"frame": "hello", "token": self._visitor["token"]}
        answer = await self._http.post("/api/widget/frames", content=msgspec.json.encode(hello), headers=self._proof())
        return str(answer.json()["conversation"])

    async def _deliver(self, sent: tuple[bytes, int]) -> None:
        if self._lose:
            self._lose = False
            self._owed.append(sent)
            return
        status = await self._post(sent[0], self._conversations[sent[1]])
        self.answers.append(status)
        if status >= 500:
            self._owed.append(sent)

    async def _post(self, raw: bytes, conversation: str, token: str = "") -> int:
        answer = await self._http.post(
            "/api/widget/frames", params={"conversation": conversation}, content=raw, headers=self._proof(token)
        )
        return answer.status_code

    def _proof(self, token: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self._visitor['token']}"}
