"""The channel at work on the sandbox, before an inbox that remembers; a test plays person and platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.model import Address, Incoming
from bot.ports import Accepted, Arrival
from bot.testing.channel import Inbox
from channels.slack.channel import Slack
from tests.channels.harness.slack import Over, SlackHarness, harness, words_of
from tests.channels.sandbox.serve import until


@dataclass(slots=True)
class Answering(Inbox):
    """Answers `now` within the acknowledgement of whatever comes next."""

    now: Any = None

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        accepted = await Inbox.__call__(self, arrival)
        return Accepted(accepted.fresh, None, accepted.seq, now=self.now if accepted.fresh else None)


@dataclass(slots=True)
class Desk:
    harness: SlackHarness
    inbox: Answering
    channel: Slack
    running: asyncio.Task[None]

    async def stops(self) -> None:
        """The program ends."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def act(self, what: str, **body: Any) -> Any:
        return await self.harness.box.act(what, body)

    @property
    def direct(self) -> str:
        return self.harness.chat.id

    @property
    def general(self) -> str:
        return next(chat.id for chat in self.harness.box.chats.values() if chat.kind == "channel")

    @property
    def team(self) -> str:
        return self.harness.chat.team

    @property
    def bot(self) -> str:
        return self.harness.box.teams[self.team].bot

    def address(self, chat: str = "", thread: str = "") -> Address:
        return Address("slack", "acme", f"{self.team}/{chat or self.direct}", thread)

    async def heard(self, count: int = 1) -> Sequence[Arrival]:
        """Once so many have come and nothing is under way."""
        await until(lambda: len(self.inbox.fresh) >= count and not self.harness.owed())
        assert len(self.inbox.fresh) == count, [arrival.bodies for arrival in self.inbox.fresh]
        return self.inbox.fresh

    async def settled(self) -> None:
        await until(lambda: not self.harness.owed() and not self.channel._answers.tasks)

    def bodies(self) -> list[Incoming]:
        return [body for arrival in self.inbox.fresh for body in arrival.bodies]

    def messages(self, chat: str = "") -> Sequence[Mapping[str, Any]]:
        found = [one for one in self.harness.box.seen()["chats"] if one["id"] == (chat or self.direct)]
        return [message for one in found for message in one["messages"] if message["by"] == "bot"]

    def words(self, chat: str = "") -> list[str]:
        return [words_of(message) for message in self.messages(chat)]

    def calls(self, name: str) -> Sequence[Any]:
        return self.harness.box.journal.calls(name)


@asynccontextmanager
async def desk(over: Over = "http", **settings: Any) -> AsyncIterator[Desk]:
    async with harness(over, **settings) as made:
        inbox = Answering()
        channel = await made.open(inbox)
        running = asyncio.create_task(channel.run(inbox))
        await made.listening()
        at = Desk(made, inbox, channel, running)
        try:
            yield at
        finally:
            await at.stops()
