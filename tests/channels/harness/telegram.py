"""Telegram before the contract suite: aiogram, a sandbox, and one person in a forum whose every word is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
from pydantic import SecretStr

from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable
from bot.model import Media
from bot.ports import Channel, Receive
from bot.testing.chance import SeededRandom
from bot.testing.channel import Seen
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import serving
from channels.sandbox.telegram.arguments import Upload
from channels.sandbox.telegram.sandbox import TelegramSandbox
from channels.telegram import Settings, build
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import hooks

SECRET = "a-secret_that-nobody-guesses"
TOKEN = "42:AAE-token_that_nobody_guesses"
PERSON = {"id": 7001, "is_bot": False, "first_name": "Ada"}

_FAULTS: Mapping[str, tuple[Do, NotSent]] = {
    "blocked": (Do(status=403), Forbidden("", scope="address")),
    "no chat": (Do(status=400, error="chat not found"), Forbidden("", scope="address")),
    "deactivated": (Do(status=403, error="user is deactivated"), Forbidden("", scope="address")),
    "signed out": (Do(status=401), Forbidden("", scope="account")),
    "too long": (Do(status=400, error="message is too long"), Unshowable("")),
    "too large": (Do(status=413), Unshowable("")),
    "flood": (Do(status=429, after=3), TryLater("", after=timedelta(seconds=3))),
    "server": (Do(status=500), Unreachable("")),
    "page": (Do(spoil="html"), Unreachable("")),
    "cut": (Do(cut=True), Unreachable("")),
}


@asynccontextmanager
async def polling() -> AsyncIterator[TelegramHarness]:
    harness = TelegramHarness("")
    async with _stand_in(harness):
        yield harness


@asynccontextmanager
async def webhook() -> AsyncIterator[HookedTelegramHarness]:
    site = Site()
    async with hooks(site) as address:
        harness = HookedTelegramHarness(address, site)
        async with _stand_in(harness):
            yield harness


@asynccontextmanager
async def _stand_in(harness: TelegramHarness) -> AsyncIterator[None]:
    """Its server's own log tells which addresses were called, with the token in them, as the platform's may."""
    served = logging.getLogger("uvicorn.access")
    async with serving(harness.sandbox) as api:
        await harness.begin(api)
        served.disabled = True
        yield
        served.disabled = False


class TelegramHarness:
    """Implements `GroupHarness`."""

    threads = True
    secrets: Sequence[str] = (TOKEN, TOKEN.partition(":")[2], SECRET)
    unreadable: Mapping[str, bytes] = {
        "unknown kind": b'{"a_kind_of_next_year":{"x":1}}',
        "missing field": msgspec.json.encode({"message": {"message_id": 5, "from": PERSON, "text": "no chat"}}),
        "wrong type": msgspec.json.encode(
            {"message": {"message_id": "5", "date": [], "chat": {"id": 7001, "type": "private"}, "text": {"a": 1}}}
        ),
        "huge": msgspec.json.encode({"a_kind_of_next_year": {"x": "y" * 1_500_000}}),
        "deep": b'{"message":' + b'{"reply_to_message":' * 200 + b"1" + b"}" * 200 + b"}",
        "chat of a wrong type": b'{"callback_query":{"id":"9","from":[1],"message":null}}',
    }
    refusals: Mapping[str, NotSent] = {name: error for name, (_, error) in _FAULTS.items()}

    def __init__(self, public: str) -> None:
        self.clock = SettableClock()
        self.sandbox = TelegramSandbox(self.clock, tokens=(TOKEN,))
        self._vault, self._public = MemoryVault(), public
        self._bot = next(iter(self.sandbox.bots.values()))
        self._chat = self._topic = self._api = ""
        self._pressed = dict[str, Any]()
        """Keyboards as they were before they were used."""

    async def begin(self, api: str) -> None:
        self._api = api
        self._chat = (await self.sandbox.act("chat", {"kind": "forum", "title": "Team", "admin": True}))["chat"]
        topic = await self.sandbox.act("chat", {"kind": "topic", "title": "Orders", "parent": self._chat})
        self._topic = topic["chat"]
        self._bot.updates.set_webhook(None, drop=True, allowed=None)  # that it was added is told to nobody
        file = self._bot.world.keep(Upload("shoe.png", "image/png", picture()), "photos")
        self.file = Media("image", file.id, "shoe.png", "image/png", file.size, alt="a shoe")

    async def open(self, receive: Receive) -> Channel:
        settings = Settings(
            token=SecretStr(TOKEN), api=self._api, public=self._public, secret=SecretStr(SECRET), hears="all"
        )
        return build("shop", settings, clock=self.clock, random=SeededRandom(), vault=self._vault, files=MemoryFiles())

    async def listening(self) -> None:
        while True:
            if self._bot.updates.is_polled:
                return
            await self.a_moment()

    async def say(self, words: str, *, thread: bool = False) -> None:
        await self.sandbox.act("say", {"chat": self._where(thread), "text": words})

    async def again(self) -> None:
        last = [entry for entry in self.sandbox.journal.entries if entry.kind == "delivered"][-1].data
        for _ in range(2):
            await self.sandbox.act(
                "update", {"update": {k: v for k, v in last.items() if k not in ("bot", "update_id")}}
            )

    async def lose(self) -> None:
        self.sandbox.faults.script([Rule(on="message", times=1, do=Do(cut=True))])

    async def echo(self) -> None:
        for by in (self._bot.world.bot, {"id": 43, "is_bot": True, "first_name": "Another", "username": "other_bot"}):
            chat = {"id": int(self._chat), "type": "supergroup", "title": "Team", "is_forum": True}
            message = {"message_id": 900, "date": 1, "chat": chat, "from": by, "text": "it is me"}
            await self.sandbox.act("update", {"update": {"message": message}})

    async def bring(self, raw: bytes) -> None:
        await self.sandbox.act("update", {"update": msgspec.json.decode(raw)})

    def owed(self) -> int:
        return self._bot.updates.pending

    async def a_moment(self) -> None:
        await self.clock.advance(1)
        await asyncio.sleep(0.005)

    async def refuse(self, name: str) -> None:
        self._script(_FAULTS[name][0])

    async def unanswered(self) -> None:
        self._script(Do(accept_then_cut=True))

    def _script(self, do: Do) -> None:
        self.sandbox.faults.script([Rule(on="send*", times=1, do=do)])

    async def press(self, label: str, *, thread: bool = False) -> None:
        shown = [
            (message["id"], button["id"])
            for message in self._messages(thread)
            for row in message["rows"]
            for button in row
            if button["label"].removeprefix("✓ ") == label
        ]
        message, button = shown[-1]
        await self._press(message, button, thread)

    async def _press(self, message: str, button: str, thread: bool) -> None:
        """On the screen of a second telephone the buttons of a message that was used may still stand."""
        said = self._bot.world.chats[int(self._chat)].said[int(message)]
        markup = said.told["reply_markup"]
        first = self._pressed.setdefault(message, markup)
        said.told["reply_markup"] = first
        try:
            await self.sandbox.act("press", {"chat": self._where(thread), "message": message, "id": button})
        finally:
            said.told["reply_markup"] = markup

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        """In a group each answer is also a reply to who is answered: only what it answers of ours is told."""
        shown = self._messages(thread)
        return [_seen(message, shown) for message in shown]

    async def say_in_group(self, words: str) -> None:
        await self.say(words)

    def seen_in_group(self, *, by_others: bool) -> Sequence[Seen]:
        """What is said to one person names that person."""
        shown = [each for each in self._messages(False) if not (by_others and each["to"])]
        return [_seen(message, shown) for message in shown]

    def typing(self, *, thread: bool = False) -> bool:
        return bool(self._seen(thread)["typing"])

    def _messages(self, thread: bool) -> list[Any]:
        return [each for each in self._seen(thread)["messages"] if each["by"] == "bot" and not each["deleted"]]

    def _seen(self, thread: bool) -> Any:
        return next(chat for chat in self.sandbox.seen()["chats"] if chat["id"] == self._where(thread))

    def _where(self, thread: bool) -> str:
        return self._topic if thread else self._chat


def _seen(message: Any, among: Sequence[Any]) -> Seen:
    answered = next((each for each in among if each["id"] == message["reply_to"] and not each["deleted"]), None)
    return Seen(
        _words(message),
        tuple(button["label"] for row in message["rows"] for button in row),
        len(message["files"]),
        _words(answered) if answered else "",
    )


def _words(message: Any) -> str:
    return "".join(span["text"] for span in message["spans"])


class Site:
    """Our own address on the net."""

    def __init__(self) -> None:
        self.routes: Mapping[str, Any] = {}
        self.answers: list[int] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def noted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and not scope.get("forged"):
                self.answers.append(message["status"])
            await send(message)

        await self.routes[scope["path"]](scope, receive, noted)


class HookedTelegramHarness(TelegramHarness):
    """Implements `HookHarness`."""

    def __init__(self, public: str, site: Site) -> None:
        super().__init__(public)
        self._site = site

    @property
    def answers(self) -> Sequence[int]:
        return self._site.answers

    async def open(self, receive: Receive) -> Channel:
        channel = await super().open(receive)
        self._site.routes = channel.routes(receive)  # type: ignore[attr-defined]
        return channel

    async def listening(self) -> None:
        while True:
            if self._bot.updates.webhook is not None:
                return
            await self.a_moment()

    async def forge(self, raw: bytes) -> int:
        before = list(self._site.answers)
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{self._public}/hooks/telegram/shop",
                content=raw,
                headers={"X-Telegram-Bot-Api-Secret-Token": "no-secret"},
            )
        self._site.answers[:] = before
        return answer.status_code
