"""The channel of Slack before the contract suite: over HTTP and over Socket Mode, against the sandbox."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable
from bot.model import Media
from bot.ports import ASGI, Receive
from bot.testing.chance import SeededRandom
from bot.testing.channel import Seen
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import serving
from channels.sandbox.slack.sandbox import APP_TOKEN, SlackSandbox
from channels.sandbox.slack.world import Person, Post
from channels.slack import Settings, build
from channels.slack.channel import Slack
from tests.channels.sandbox.serve import served, until

_numbers = itertools.count(1)
Over = Literal["http", "socket"]


@asynccontextmanager
async def over_http() -> AsyncIterator[SlackHookHarness]:
    async with harness("http") as made:
        assert isinstance(made, SlackHookHarness)
        yield made


@asynccontextmanager
async def over_sockets() -> AsyncIterator[SlackHarness]:
    async with harness("socket") as made:
        yield made


@asynccontextmanager
async def harness(over: Over, **settings: Any) -> AsyncIterator[SlackHarness]:
    clock = SettableClock()
    box = SlackSandbox(clock)
    made = (SlackHookHarness if over == "http" else SlackHarness)(box, clock, over, settings)
    async with serving(box), served(made.app) as address:
        made.address = address
        yield made


def event(**given: Any) -> bytes:
    message = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U9", "text": "hi", "ts": "1.1"}
    id = f"Ev{next(_numbers)}"
    whole: dict[str, Any] = {"type": "event_callback", "team_id": "T1", "event_id": id, "event": message | given}
    whole["authorizations"] = [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}]
    return json.dumps(whole).encode()


def _deep(levels: int) -> Any:
    deep: list[Any] = []
    for _ in range(levels):
        deep = [deep]
    return deep


class SlackHarness:
    """Implements `SendingHarness`, `GroupHarness`."""

    threads = True
    file = Media("image", "https://shop.example/shoe.jpg", "shoe.jpg", "image/jpeg", alt="a shoe")
    refusals: Mapping[str, NotSent] = {
        "no such channel": Forbidden("channel_not_found", scope="address"),
        "archived": Forbidden("is_archived", scope="address"),
        "not in it": Forbidden("not_in_channel", scope="address"),
        "revoked": Forbidden("token_revoked", scope="account"),
        "bad token": Forbidden("invalid_auth", scope="account"),
        "uninstalled": Forbidden("account_inactive", scope="account"),
        "blocks": Unshowable("invalid_blocks"),
        "too long": Unshowable("msg_too_long"),
        "too fast": TryLater("ratelimited", after=timedelta(seconds=7)),
        "down": Unreachable("503"),
        "cut": Unreachable("no answer"),
        "broken": Unreachable("fatal_error"),
    }

    def __init__(self, box: SlackSandbox, clock: SettableClock, over: Over, settings: Mapping[str, Any]) -> None:
        self.box, self.clock, self.address = box, clock, ""
        self.vault, self.files = MemoryVault(), MemoryFiles()
        self._over, self._settings = over, settings
        self._routes: Mapping[str, ASGI] = {}
        self.chat = next(chat for chat in box.chats.values() if chat.kind == "im")
        self.person = next(id for id in self.chat.members if not box.people[id].is_bot)
        root = Post(box.ts(), self.person, "a thread", clock.now())
        self.chat.posts[root.ts] = root
        self._thread, self._group = f"{self.chat.id}:{root.ts}", ""

    # What the program around it does

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
            await send(message)

        if route := self._routes.get(scope.get("path", "")):
            await route(scope, receive, noted)

    statuses: list[int]

    @property
    def secrets(self) -> Sequence[str]:
        return (self.box.told()["token"], self.box.told()["signing_secret"], APP_TOKEN)

    def settings(self) -> Settings:
        given: dict[str, Any] = {"connection": self._over, "api": f"{self.box.address}/api/"}
        given |= {"token": SecretStr(self.box.told()["token"])}
        given |= {"signing_secret": SecretStr(self.box.told()["signing_secret"]), "app_token": SecretStr(APP_TOKEN)}
        return Settings.model_validate(given | dict(self._settings))

    async def open(self, receive: Receive) -> Slack:
        self.statuses = []
        channel = build(
            "acme", self.settings(), clock=self.clock, random=SeededRandom(1), vault=self.vault, files=self.files
        )
        self._routes = channel.routes(receive)
        if self._over == "http":
            self.box.delivery.hook = f"{self.address}/hooks/slack/acme"
        return channel

    async def listening(self) -> None:
        if self._over == "socket":
            await until(lambda: self.box.delivery.connections)

    # What the person does

    async def say(self, words: str, *, thread: bool = False) -> None:
        await self.box.act("say", {"chat": self._thread if thread else self.chat.id, "text": words})

    async def press(self, label: str, *, thread: bool = False) -> None:
        chat = self._thread if thread else self.chat.id
        for message in reversed(self._shown(thread)):
            for control in (one for row in message["rows"] for one in row):
                named = {"chat": chat, "message": message["id"], "id": control["id"]}
                if control.get("label") == label:
                    await self.box.act("press", named)
                    return
                for option in control.get("options", ()):
                    if option["label"] == label:
                        await self.box.act("choose", named | {"values": [option["id"]]})
                        return
        raise LookupError(label)

    # What the platform does

    async def again(self) -> None:
        told = [entry for entry in self.box.journal.entries if entry.kind == "delivered"][-1]
        for _ in range(2):
            self.box.delivery.event(told.name, told.data["payload"])

    async def lose(self) -> None:
        self.box.faults.script([Rule(on="message", nth=1, do=Do(cut=True))])

    async def echo(self) -> None:
        box, team = self.box, self.box.teams[self.chat.team]
        other = box.people["U0BEEP"] = Person("U0BEEP", team.id, "Beep", is_bot=True)
        for bot in (team.bot, other.id):
            box.add(self.chat, by=bot, text="it is me", is_bot=True)

    @property
    def unreadable(self) -> Mapping[str, bytes]:
        return {
            "unknown kind": event(type="danced"),
            "missing field": event().replace(b'"ts"', b'"tz"'),
            "wrong type": event(text=7, files={"a": 1}),
            "huge": event(text="x" * 2_000_000),
            "deep": event(text=_deep(400)),
        }

    async def bring(self, raw: bytes) -> None:
        self.box.delivery.event("strange", json.loads(raw))

    def owed(self) -> int:
        return self.box.delivery.owed

    async def a_moment(self) -> None:
        await asyncio.sleep(0.005)
        await self.clock.advance(0.5)

    async def refuse(self, name: str) -> None:
        match name, self.refusals[name]:
            case "too fast", _:
                do = Do(status=429, after=7)
            case "down", _:
                do = Do(status=503)
            case "cut", _:
                do = Do(cut=True)
            case _, error:
                do = Do(error=str(error))
        self.box.faults.script([Rule(on="chat.*", nth=1, do=do)])

    async def unanswered(self) -> None:
        self.box.faults.script([Rule(on="chat.*", nth=1, do=Do(accept_then_cut=True))])

    # What the person sees

    async def say_in_group(self, words: str) -> None:
        channel = next(chat.id for chat in self.box.chats.values() if chat.kind == "channel")
        said = await self.box.act("say", {"chat": channel, "text": f"@Frontdesk {words}"})
        self._group = f"{channel}:{said['message']}"

    def seen_in_group(self, *, by_others: bool) -> Sequence[Seen]:
        shown = [message for message in self._shown_at(self._group) if not by_others or not message["ephemeral"]]
        return self._as_seen(shown)

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        return self._as_seen(self._shown(thread))

    def _as_seen(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[Seen]:
        return [
            Seen(
                "".join(span["text"] for span in message["spans"]),
                tuple(
                    label
                    for row in message["rows"]
                    for one in row
                    for label in ([one["label"]] if "label" in one else [option["label"] for option in one["options"]])
                ),
                len(message["files"]) + len(message["cards"]),
            )
            for message in messages
        ]

    def typing(self, *, thread: bool = False) -> bool:
        return any(one["typing"] for one in self.box.seen()["chats"] if one["id"] == self._place(thread))

    def _shown(self, thread: bool) -> list[dict[str, Any]]:
        return self._shown_at(self._place(thread))

    def _shown_at(self, chat: str) -> list[dict[str, Any]]:
        found = [one for one in self.box.seen()["chats"] if one["id"] == chat]
        return [message for one in found for message in one["messages"] if message["by"] == "bot"
                and words_of(message) != "it is me"]  # fmt: skip

    def _place(self, thread: bool) -> str:
        return self._thread if thread else self.chat.id


class SlackHookHarness(SlackHarness):
    """Implements `HookHarness`."""

    @property
    def answers(self) -> Sequence[int]:
        return self.statuses

    @property
    def unreadable(self) -> Mapping[str, bytes]:
        return {**super().unreadable, "deep": b'{"event":' + b"[" * 100_000, "a form": b"a=b&c"}

    async def bring(self, raw: bytes) -> None:
        await self._post(raw, self.box.delivery.signed(raw))

    async def forge(self, raw: bytes) -> int:
        status = await self._post(raw, self.box.delivery.signed(raw + b" "))
        self.statuses.pop()
        return status

    async def _post(self, raw: bytes, headers: dict[str, str]) -> int:
        kind = {"content-type": "application/json"}
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(self.box.delivery.hook, content=raw, headers=headers | kind)
        return answer.status_code


def words_of(message: Mapping[str, Any]) -> str:
    return "".join(span["text"] for span in message["spans"])
