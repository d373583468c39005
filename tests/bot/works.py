"""An engine at work over a store in memory, with responders that a test makes up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from structlog.testing import capture_logs

from bot.bus.memory import MemoryBus
from bot.desk import Desk
from bot.engine import Engine, EngineSettings
from bot.flow.book import Book
from bot.inbox import Inbox
from bot.model import Address, Body, Declined, Event, Facts, Incoming, Message, Notice, Outcome, Said, State, Turn, text
from bot.ports import Accepted, Arrival, News, Powers, Responder, Store
from bot.responders.at_desk import AtDesk
from bot.shelf import Edition, Shelf
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.turn import Director
from bot.units import Find, Found, Log

Take = Callable[[Turn, Powers], Awaitable[Outcome | Declined]]


@dataclass
class Made:
    """A responder of one function; remembers the turns it was offered."""

    take_it: Take
    name: str = "made"
    turns: list[Turn] = field(default_factory=list)

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        self.turns.append(turn)
        return await self.take_it(turn, powers)


async def echo(turn: Turn, powers: Powers) -> Outcome:
    return Outcome(responder="made", messages=(text(f"echo {turn.words}"),))


async def raises(turn: Turn, powers: Powers) -> Outcome:
    raise ValueError("poison")


async def hangs(turn: Turn, powers: Powers) -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def no_facts(turn: Turn) -> Facts:
    return {}


def notices(key: str, language: str, args: Mapping[str, str], /) -> Message:
    return Message((Notice(key, key, dict(args)),), language)


@dataclass
class Works:
    store: Store
    clock: SettableClock
    bus: MemoryBus
    engine: Engine
    inbox: Inbox
    desk: Desk
    sweeping: asyncio.Task[None] = field(init=False)
    told: list[News] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    chance: SeededRandom = field(default_factory=lambda: SeededRandom(99))

    async def say(self, *words: str, chat: str = "ana", channel: str = "web") -> Accepted:
        for one in words:
            accepted = await self.hear(Said(text(one)), chat=chat, channel=channel)
        return accepted

    async def hear(self, *bodies: Incoming, chat: str = "ana", channel: str = "web", key: str = "") -> Accepted:
        return await self.inbox(self.arrival(*bodies, chat=chat, channel=channel, key=key))

    def arrival(self, *bodies: Incoming, chat: str = "ana", channel: str = "web", key: str = "") -> Arrival:
        key = key or self.chance.id()
        to = Address(channel, "shop", chat)
        return Arrival(
            account="shop", key=key, raw=b"", to=to, by=chat, at=self.clock.now(), bodies=bodies, language="en"
        )

    async def found(self, chat: str = "ana", channel: str = "web") -> Found:
        found = await self.store.read(Find(address=Address(channel, "shop", chat)))
        assert found is not None
        return found

    async def log(self, chat: str = "ana") -> tuple[Event, ...]:
        return await self.store.read(Log(conversation=(await self.found(chat)).conversation.id, most=10_000))

    async def of(self, kind: type[Body], chat: str = "ana") -> list[Event]:
        return [event for event in await self.log(chat) if isinstance(event.body, kind)]

    async def said(self, chat: str = "ana") -> list[str]:
        """What bot and system said."""
        return [shown(event) for event in await self.of(Said, chat) if event.author.kind in ("bot", "system")]


def shown(event: Event) -> str:
    assert isinstance(event.body, Said)
    parts = event.body.message.parts
    return "".join(
        part.text if isinstance(part, Notice) else "".join(span.text for span in getattr(part, "spans", ()))
        for part in parts
    )


@asynccontextmanager
async def works(
    book: Book,
    *responders: Responder,
    store: Store,
    clock: SettableClock,
    bus: MemoryBus | None = None,
    delivers: Sequence[str] = (),
    **settings: Any,
) -> AsyncIterator[Works]:
    """`settings`: of the engine. On leaving everything has ended, and nothing was left unhandled."""
    unhandled: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    bus, chance = bus or MemoryBus(), SeededRandom(7)
    shelf = Shelf(
        book, lambda book: Edition(book, (AtDesk(book, no_facts), *responders), no_facts), store=store, clock=clock
    )
    director = Director(shelf=shelf, store=store, bus=bus, clock=clock, random=chance)
    engine = Engine(
        director=director,
        store=store,
        bus=bus,
        clock=clock,
        random=chance,
        notices_at=lambda address: notices,
        delivers=frozenset(delivers),
        settings=EngineSettings(**{"worker": "w1", **settings}),
    )
    inbox = Inbox(store=store, bus=bus, clock=clock, random=chance, engine=engine, initial=State())
    desk = Desk(
        store,
        bus,
        clock,
        lambda address: notices,
        delivers=frozenset(delivers),
        wake=engine.wake,
        drafted=engine.drafted,
    )
    made = Works(store, clock, bus, engine, inbox, desk)
    bus.listen(None, made.told.append)
    with capture_logs() as made.logs:
        made.sweeping = asyncio.create_task(engine.run())
        await clock.advance(0)
        try:
            yield made
        finally:
            stopping = asyncio.create_task(engine.stop())
            while not stopping.done():
                await clock.advance(1)
            made.sweeping.cancel()
            await asyncio.gather(made.sweeping, return_exceptions=True)
            gc.collect()
    assert unhandled == []
