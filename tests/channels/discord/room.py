"""The channel at work against its sandbox, on a clock that is told to move, with the contract's inbox behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.model import Address, Incoming, Message
from bot.ports import Accepted, Arrival, Receipt
from bot.testing.channel import Bench, Inbox
from channels.discord.channel import Discord
from tests.channels.harness.discord import DiscordHarness, gateway


class Room:
    def __init__(self, harness: DiscordHarness, bench: Bench) -> None:
        self.harness, self.bench = harness, bench
        self.sandbox, self.clock = harness.sandbox, harness.clock

    @property
    def inbox(self) -> Inbox:
        return self.bench.inbox

    @property
    def channel(self) -> Discord:
        assert isinstance(self.bench.channel, Discord)
        return self.bench.channel

    @property
    def direct(self) -> Address:
        return Address("discord", "shop", self.harness.direct)

    async def act(self, act: str, /, **body: Any) -> Any:
        return await self.sandbox.act(act, body)

    async def say(self, text: str, chat: object = "", **more: Any) -> str:
        made = await self.act("say", chat=str(chat or self.harness.direct), text=text, **more)
        said: str = made["message"]
        return said

    async def until(self, holds: Callable[[], Any], what: str = "what was to be") -> None:
        await self.bench.until(lambda: bool(holds()), what)

    async def moments(self, number: int = 10) -> None:
        for _ in range(number):
            await self.harness.a_moment()

    async def hears(self, number: int) -> Sequence[Arrival]:
        """So many arrivals in all."""
        await self.until(lambda: len(self.inbox.fresh) >= number, f"{number} arrivals")
        return self.inbox.fresh

    async def heard(self) -> Incoming:
        """The one thing that was heard."""
        return (await self.hears(1))[0].bodies[0]

    async def send(self, message: Message, key: str = "k", to: Address | None = None) -> Receipt:
        return await self.channel.send(to or self.direct, message, key=key)

    def messages(self, chat: object = "") -> Sequence[Any]:
        wanted = str(chat or self.harness.direct)
        found: Sequence[Any] = next(one for one in self.sandbox.seen()["chats"] if one["id"] == wanted)["messages"]
        return found

    def said(self, chat: object = "") -> list[str]:
        """What the bot has said there, as it is read."""
        ours = self.sandbox.world.bot.name
        shown = [one for one in self.messages(chat) if one["name"] == ours and not one["deleted"]]
        return ["".join(span["text"] for span in one["spans"]) for one in shown]

    def entries(self, kind: str, name: str) -> list[Any]:
        return [one.data for one in self.sandbox.journal.entries if one.kind == kind and one.name == name]

    @property
    def unanswered(self) -> list[Any]:
        """Presses after which a person read that the application did not respond."""
        return [one for one in self.entries("refused", "interaction") if "did not respond" in one["why"]]


class Slow:
    """Implements `Receive`: takes so many seconds of the clock."""

    def __init__(self, inbox: Inbox, sleep: Callable[[float], Any], seconds: float) -> None:
        self._inbox, self._sleep, self._seconds = inbox, sleep, seconds

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        await self._sleep(self._seconds)
        return await self._inbox(arrival)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        await self._sleep(self._seconds)
        return await self._inbox.many(arrivals)


class Answering(Inbox):
    """Says what T0 would say, by token."""

    def __init__(self, now: Mapping[str, Any]) -> None:
        super().__init__()
        self.answers = now

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        accepted = await super().__call__(arrival)
        tokens = [getattr(body, "token", "") for body in arrival.bodies]
        now = next((self.answers[token] for token in tokens if token in self.answers), accepted.now)
        now = now(arrival) if callable(now) else now
        return Accepted(accepted.fresh, accepted.conversation, accepted.seq, now=now)


@asynccontextmanager
async def room(inbox: Inbox | None = None, **settings: Any) -> AsyncIterator[Room]:
    async with gateway() as harness:
        harness.settings |= settings
        bench = Bench(harness, inbox or Inbox())
        await bench.start()
        try:
            yield Room(harness, bench)
        finally:
            await bench.stop()
