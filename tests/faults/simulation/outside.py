"""What the core reaches for, each with its faults: the store, a platform, a model, somebody else's system of bookings.

The shared part lives for the whole run; a life has a connection of its own to each, which ends with it. Whatever goes
over a wire takes a step each way, so a life may end before the request, between deed and answer, or after the answer.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from bot.errors import ActionFailed, Forbidden, ModelDown, StoreDown, TryLater, Unreachable
from bot.fit import plain
from bot.flow.actions import Action
from bot.model import Address, Json, Message
from bot.ports import Answer, Ask, Capabilities, Cited, Question, Receipt, Receive, Shown, Store, Unit, Words
from bot.store.groups import place
from bot.testing.clock import START
from channels.memory import EVERYTHING
from tests.faults import journal
from tests.faults.simulation.loop import Loop

R = TypeVar("R")

ACCOUNT = "memory"


@dataclass(kw_only=True)
class Weather:
    """How likely each fault is at each crossing of a wire; what is left out never happens."""

    slow: float = 0
    """Something takes up to three seconds."""
    refused: float = 0
    """The store is down, and nothing was done."""
    cut: float = 0
    """The connection to the store is lost before the commit, and nobody can tell."""
    unanswered: float = 0
    """It is lost after the commit."""
    send_lost: float = 0
    """The customer reads it, and the sender never hears of it."""
    send_hangs: float = 0
    send_refused: float = 0
    """It surely did not arrive, though the sender cannot tell."""
    send_later: float = 0
    blocked: float = 0
    model_down: float = 0
    action_fails: float = 0
    action_lost: float = 0
    """It was carried out, and the answer never comes."""


class Outside:
    """All that is not the product, and what it wrote down."""

    def __init__(self, loop: Loop, chance: random.Random, store: Store, weather: Weather) -> None:
        self.loop, self.chance, self.store, self.weather = loop, chance, store, weather
        self.records: list[journal.Record] = []
        self.complaints: list[str] = []
        """What a platform would not put up with."""
        self.shown: dict[str, list[Message]] = defaultdict(list)
        """What each chat has on its screen."""
        self.booked: dict[str, str] = {}
        self.down_until = 0.0
        """The store is out of reach for everybody."""
        self.crossings = 0
        self.endless = False
        """The model never comes to an end."""
        self.spoke_at = 0.0
        """When the model last said a word."""
        self._quiet_until: dict[str, float] = {}
        self._blocked: set[str] = set()
        self._at = 0

    def at(self) -> int:
        """Rises with every record."""
        self._at = max(self._at + 1, self.loop.nanoseconds)
        return self._at

    def note(self, record: Callable[..., journal.Record], **facts: Any) -> None:
        self.records.append(record(at=self.at(), **facts))

    def happens(self, odds: float) -> bool:
        return odds > 0 and self.chance.random() < odds

    async def cross(self) -> None:
        """One way over a wire."""
        await asyncio.sleep(self.chance.uniform(0.001, 3) if self.happens(self.weather.slow) else 0)

    # The platform

    async def show(self, to: Address, message: Message, key: str, again: bool) -> Receipt:
        await self.cross()
        chat, weather, now = to.chat, self.weather, self.loop.time()
        text = "\n".join(filter(None, map(plain, message.parts)))

        def received(answer: Literal["ok", "lost", "refused"]) -> None:
            self.note(journal.Received, chat=chat, key=key, text=text, again=again, answer=answer)

        if now < self._quiet_until.get(chat, 0):
            self.complaints.append(f"chat {chat} was sent to before the time it was told to wait")
        if chat in self._blocked or self.happens(weather.blocked):
            self._blocked.add(chat)
            received("refused")
            raise Forbidden("the customer has blocked us", scope="address")
        if self.happens(weather.send_later):
            after = timedelta(seconds=self.chance.choice((1, 5, 20)))
            self._quiet_until[chat] = now + after.total_seconds()
            received("refused")
            raise TryLater("too fast", after=after)
        if self.happens(weather.send_refused):
            received("refused")
            raise Unreachable("reset")
        lost, hangs = self.happens(weather.send_lost), self.happens(weather.send_hangs)
        received("lost" if lost or hangs else "ok")
        self.shown[chat].append(message)
        if hangs:
            await asyncio.sleep(3600)
        await self.cross()
        if lost:
            raise Unreachable("the answer was lost")
        return Receipt((key,), START + timedelta(seconds=self.loop.time()))

    # Bookings

    def action(self, *, check: bool = True) -> Action:
        return Action(
            name="book_it",
            effect="write",
            timeout=timedelta(seconds=3),
            inputs=frozenset({"order"}),
            required=frozenset({"order"}),
            call=self._book,
            check=self._check if check else None,
        )

    async def _book(self, args: Mapping[str, Json], key: str) -> Json:
        await self.cross()
        if self.happens(self.weather.action_fails):
            raise ActionFailed("no room")
        known = key in self.booked
        (uid,) = journal.uids(str(args["order"]))
        self.note(journal.Done, key=key, uid=uid, repeat=known)
        self.booked.setdefault(key, uid)
        if self.happens(self.weather.action_lost):
            await asyncio.sleep(3600)
        await self.cross()
        return self.booked[key]

    async def _check(self, key: str) -> Json:
        await self.cross()
        return self.booked.get(key)


class Link:
    """A life's connection to the store that all share. Implements `Store`.

    A unit that was handed over is carried out even when nobody waits any more, and none overtakes another of its place.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._latest: dict[Hashable, asyncio.Future[None]] = {}

    async def write(self, unit: Unit[R], /) -> R:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        where = place(unit)
        before, done = self._latest.get(where), loop.create_future()
        self._latest[where] = done
        self._keep = loop.create_task(self._carry_out(unit, answer, before, done))
        try:
            return await answer
        finally:
            if self._latest.get(where) is done and done.done():
                del self._latest[where]

    async def read(self, question: Question[R], /) -> R:
        outside = self._outside
        await self._reach()
        answer = await outside.store.read(question)
        await outside.cross()
        return answer

    async def close(self) -> None:
        pass

    async def _carry_out(
        self,
        unit: Unit[R],
        answer: asyncio.Future[R],
        before: asyncio.Future[None] | None,
        done: asyncio.Future[None],
    ) -> None:
        outside = self._outside
        try:
            try:
                await self._reach()
                if before is not None and not before.done():
                    await asyncio.wait((before,))
                if outside.happens(outside.weather.cut):
                    raise StoreDown("the connection was lost", unknown=True)
                result = await outside.store.write(unit)
            finally:
                done.set_result(None)
            await outside.cross()
            if outside.happens(outside.weather.unanswered):
                raise StoreDown("the answer was lost", unknown=True)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(result)

    async def _reach(self) -> None:
        outside = self._outside
        outside.crossings += 1
        await outside.cross()
        if outside.loop.time() < outside.down_until or outside.happens(outside.weather.refused):
            await outside.cross()
            raise StoreDown("out of reach")


@dataclass
class Chat:
    """A life's adapter of the platform. Implements `Channel` and `Sending`."""

    outside: Outside
    account: str = ACCOUNT
    name: str = field(default="memory", init=False)

    def address(self, chat: str) -> Address:
        return Address(self.name, self.account, chat)

    def capabilities(self, to: Address) -> Capabilities:
        return EVERYTHING

    async def run(self, receive: Receive) -> None:
        await asyncio.Event().wait()

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        return await self.outside.show(to, message, key, again)


class Model:
    """Answers what the documents speak of, and says back whose words it heard. Implements `LanguageModel`."""

    name = "simulated"

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        return _Answering(self._outside, ask)


class _Answering:
    """No generator: one that is dropped on its way would have to be closed."""

    def __init__(self, outside: Outside, ask: Ask) -> None:
        seen = "\n".join((ask.instructions, ask.instruction, *(line.text for line in ask.history), ask.words))
        outside.note(journal.Asked, text=seen)
        self._outside = outside
        said = f"That is so: {' '.join(journal.uids(ask.words))}. Ask on."
        self._left: list[Answer] = [Words(f"{word} ") for word in said.split(" ")] if ask.passages else []
        self._left += [Cited(passage) for passage in ask.passages[:1]]

    def __aiter__(self) -> _Answering:
        return self

    async def __anext__(self) -> Answer:
        outside = self._outside
        await asyncio.sleep(outside.chance.choice((0, 0.01, 0.2)))
        if outside.happens(outside.weather.model_down):
            raise ModelDown("cut off")
        outside.spoke_at = outside.loop.time()
        if outside.endless:
            return Words("and on ")
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)

    async def aclose(self) -> None:
        self._left.clear()


class MachineClock:
    """The wall clock of one machine may be set; what it counts goes on. Implements `Clock`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.off = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time()) + self.off

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def alarm(self, at: datetime, call: Callable[[], None]) -> Callable[[], object]:
        async def ring() -> None:
            await self.sleep((at - self.now()).total_seconds())
            call()

        return asyncio.get_running_loop().create_task(ring()).cancel
