"""Discord before the contract suite: the channel through discord.py, against its sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable
from bot.model import Media
from bot.ports import Channel, Receive
from bot.testing.chance import SeededRandom
from bot.testing.channel import Inbox, Seen
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.discord import Settings, build
from channels.sandbox.discord.pace import GENEROUS
from channels.sandbox.discord.person import flat
from channels.sandbox.discord.sandbox import DiscordSandbox
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import serving

PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


@asynccontextmanager
async def gateway() -> AsyncIterator[DiscordHarness]:
    clock = SettableClock()
    sandbox = DiscordSandbox(clock, limits=GENEROUS, identify_every=timedelta(0), heartbeat=timedelta(hours=5))
    async with serving(sandbox) as base:
        yield DiscordHarness(sandbox, clock, base)


class DiscordHarness:
    """Implements `SendingHarness`: a person in a direct conversation, and in a thread of a server."""

    threads = True
    unreadable: Mapping[str, bytes] = {
        "unknown kind": b'{"t":"SOMETHING_NEW","s":null,"op":0,"d":{"id":"1"}}',
        "missing field": b'{"t":"MESSAGE_CREATE","s":null,"op":0,"d":{"id":"1","content":"x"}}',
        "wrong type": b'{"t":"MESSAGE_CREATE","s":null,"op":0,"d":{"id":1,"author":[],"channel_id":{}}}',
        "huge": b'{"t":"MESSAGE_CREATE","s":null,"op":0,"d":{"id":"2","content":"' + b"x" * 2_000_000 + b'"}}',
        "deep": b'{"t":"MESSAGE_CREATE","s":null,"op":0,"d":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "no JSON": b'{"t":"MESSAGE_CREATE",',
        "another interaction": b'{"t":"INTERACTION_CREATE","s":null,"op":0,"d":{"id":"3","type":9,"token":"t"}}',
    }
    file = Media("image", PICTURE, "shoe.gif", "image/gif", alt="a shoe")
    refusals: Mapping[str, NotSent] = {
        "blocked": Forbidden("", scope="address"),
        "gone": Forbidden("", scope="address"),
        "signed out": Forbidden("", scope="account"),
        "refused": Unshowable(""),
        "too fast": TryLater("", after=timedelta(seconds=60)),
        "broken": Unreachable(""),
        "hung up": Unreachable(""),
    }
    _faults: Mapping[str, Do] = {
        "blocked": Do(status=403, error="50007"),
        "gone": Do(status=404, error="10003"),
        "signed out": Do(status=401),
        "refused": Do(status=400, error="50035"),
        "too fast": Do(status=429, after=60),
        "broken": Do(status=503),
        "hung up": Do(cut=True),
    }

    def __init__(self, sandbox: DiscordSandbox, clock: SettableClock, base: str) -> None:
        self.sandbox, self.clock, self.base, self.vault = sandbox, clock, base, MemoryVault()
        self.files = MemoryFiles()
        self.secrets = (sandbox.rules.token,)
        self.settings: dict[str, Any] = {"channels": (str(sandbox.general.id),)}
        self._inbox = Inbox()
        self._said = list[str]()
        self._brought = list[bytes]()
        self._thread = str(sandbox.world.thread(sandbox.general, "a question", sandbox.world.owner).id)

    @property
    def direct(self) -> str:
        return str(self.sandbox.direct.id)

    async def open(self, receive: Receive) -> Channel:
        given = {"token": SecretStr(self.sandbox.rules.token), "api": self.base} | self.settings
        settings = Settings.model_validate(given)
        assert isinstance(receive, Inbox)
        self._inbox = receive
        return build("shop", settings, clock=self.clock, random=SeededRandom(1), vault=self.vault, files=self.files)

    async def listening(self) -> None:
        while not any(session.connection for session in self.sandbox.gateway.sessions.values()):
            await self.a_moment()

    async def say(self, words: str, *, thread: bool = False) -> None:
        made = await self.sandbox.act("say", {"chat": self._thread if thread else self.direct, "text": words})
        self._said.append(made["message"])

    async def again(self) -> None:
        for session in self.sandbox.gateway.sessions.values():
            name, data = next((name, data) for _, name, data in reversed(session.sent) if name == "MESSAGE_CREATE")
        for _ in range(2):
            self.sandbox.gateway.tell(name, data)

    async def lose(self) -> None:
        self.sandbox.faults.script([Rule(on="MESSAGE_CREATE", nth=1, do=Do(cut=True))])

    async def echo(self) -> None:
        other = await self.sandbox.act("person", {"name": "Beep", "bot": True})
        ours = str(self.sandbox.world.bot.id)
        for by in (ours, other["person"]):
            await self.sandbox.act("say", {"chat": self.direct, "by": by, "text": "beep"})

    async def bring(self, raw: bytes) -> None:
        """As a frame of the connection that is open."""
        self._brought.append(raw)
        for session in self.sandbox.gateway.sessions.values():
            if session.connection is not None:
                session.connection.frame(raw.decode())

    def owed(self) -> int:
        """What the gateway would send again: it is told of nothing that is not committed."""
        keys, raws = {one.key for one in self._inbox.fresh}, {one.raw for one in self._inbox.dead}
        return sum(key not in keys for key in self._said) + sum(raw not in raws for raw in self._brought)

    async def a_moment(self) -> None:
        await asyncio.sleep(0.01)
        await self.clock.advance(0.2)

    async def refuse(self, name: str) -> None:
        self.sandbox.faults.script([Rule(on="create_message", nth=1, do=self._faults[name])])

    async def unanswered(self) -> None:
        self.sandbox.faults.script([Rule(on="create_message", nth=1, do=Do(accept_then_cut=True))])

    async def press(self, label: str, *, thread: bool = False) -> None:
        """A disabled one as well: somebody may have pressed it before that was seen."""
        place = self.sandbox.world.places[int(self._thread if thread else self.direct)]
        for line in reversed(place.lines.values()):
            for one in flat(line.components):
                if one.get("label") == label:
                    data = {"custom_id": one["custom_id"], "component_type": 2}
                    self.sandbox.interactions.begin(3, self.sandbox.world.owner, place, data, line)
                    return
        raise LookupError(label)

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        chats = self.sandbox.seen()["chats"]
        shown = next(chat for chat in chats if chat["id"] == (self._thread if thread else self.direct))["messages"]
        ours = self.sandbox.world.bot.name
        shown = [one for one in shown if one["name"] == ours and not (one["deleted"] or one["ephemeral"])]
        return [_seen(one, shown) for one in shown]

    def typing(self, *, thread: bool = False) -> bool:
        place = self.sandbox.world.places[int(self._thread if thread else self.direct)]
        return self.sandbox.world.bot in self.sandbox.world.typing_now(place)


def _seen(message: Any, among: Sequence[Any]) -> Seen:
    answered = next((_text(one["spans"]) for one in among if one["id"] == message["reply_to"]), "")
    cards = [text for card in message["cards"] for text in (card["title"], _text(card["body"]), card["footer"]) if text]
    rows = [*(row for card in message["cards"] for row in card.get("rows", ())), *message["rows"]]
    files = [*message["files"], *(file for card in message["cards"] for file in card.get("files", ()))]
    components = [one for row in rows for one in row]
    labels = [one["label"] for one in components if one["kind"] == "button"]
    labels += [option["label"] for one in components if one["kind"] == "select" for option in one["options"]]
    words = "\n".join(filter(None, (_text(message["spans"]), *cards)))
    return Seen(words, tuple(labels), len(files), answered)


def _text(shown: Any) -> str:
    return shown if isinstance(shown, str) else "".join(span["text"] for span in shown)
