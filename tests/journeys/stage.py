"""A whole desk: flows, memory channel, virtual time, any store. What is said and heard, line by line."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from structlog.testing import capture_logs

from bot.fit import plain
from bot.flow.actions import Action
from bot.flow.read import read
from bot.model import Address, AgentId, Body, Event, Incoming, Noted, Partial, Pressed, Said, text
from bot.ports import Accepted, Arrival, LanguageModel, Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock
from bot.units import Agent, Amended, Deliveries, Find, Found, Log
from channels.memory import Memory
from config.settings import DeskFile, Settings
from config.wiring import Parts, running

SHOP = Path(__file__).parents[2] / "flows"
STUCK = 20.0
"""Seconds: what has not happened by then never will."""


@dataclass(slots=True)
class Stage:
    parts: Parts
    clock: SettableClock
    memory: Memory
    lasting: bool
    """The store has threads or sockets: it is waited for in real time."""
    keys: str
    addresses: dict[str, Address] = field(default_factory=dict)
    """By chat."""

    # The customer

    async def say(self, *words: str, chat: str = "ana", key: str = "") -> list[str]:
        """Say all of it at once, wait until it is answered, and give what the customer then reads."""
        before = len(self.memory.seen(chat))
        for one in words:
            await self.memory.say(chat, one, key=key)
        self.addresses[chat] = self.memory.address(chat)
        await self.settle()
        return self.memory.seen(chat)[before:]

    async def press(self, label: str, chat: str = "ana") -> list[str]:
        before = len(self.memory.seen(chat))
        await self.memory.press(chat, label)
        await self.settle()
        return self.memory.seen(chat)[before:]

    async def write(self, words: str, *, on: str = "web") -> Accepted:
        """Say it at a door whose customers see drafts stream, and tail the log for the rest."""
        return await self.hear(Said(text(words)), on=on)

    async def hear(self, *bodies: Incoming, on: str = "web") -> Accepted:
        to = self.addresses[on] = Address("web", "shop", on)
        key = f"{self.keys}.{self.parts.random.id()}"
        arrival = Arrival(
            account="shop", key=key, raw=b"", to=to, by=on, at=self.clock.now(), bodies=bodies, language="en"
        )
        return await self.parts.inbox(arrival)

    # Agents

    async def take_over(self, agent: Agent, chat: str = "ana") -> Amended:
        now = (await self.found(chat)).conversation
        return await self.parts.desk.take_over(now.id, agent, now.control.epoch)

    async def hand_back(self, agent: Agent, chat: str = "ana") -> Amended:
        now = (await self.found(chat)).conversation
        return await self.parts.desk.hand_back(now.id, agent, now.control.epoch)

    # Time

    async def settle(self, seconds: float = 2) -> None:
        """Past the quiet window and two sweeps."""
        await self.clock.advance(seconds)
        if self.lasting:
            await self.until(self._is_idle)

    async def until(self, happened: Callable[[], object]) -> None:
        """Let time pass until it has; fails when it never does."""
        async with asyncio.timeout(STUCK):
            while True:
                found = happened()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.002)
                await self.clock.advance(0.02)

    async def _is_idle(self) -> bool:
        for chat in self.addresses:
            now = (await self.found(chat)).conversation
            lines = await self.parts.store.read(Deliveries(now.id))
            if now.input_seq > now.heard or any(state in ("waiting", "sending") for _, _, state, _ in lines):
                return False
        return True

    # What there is

    async def found(self, chat: str = "ana") -> Found:
        address = self.addresses.setdefault(chat, self.memory.address(chat))
        found = await self.parts.store.read(Find(address=address))
        assert found is not None, f"nothing was said in chat {chat!r}"
        return found

    async def log(self, chat: str = "ana") -> tuple[Event, ...]:
        found = await self.found(chat)
        return await self.parts.store.read(Log(conversation=found.conversation.id, most=10_000))

    async def lines(self, chat: str = "ana") -> list[tuple[str, str]]:
        """(who, what) of everything said or noted, oldest first."""
        return [line for event in await self.log(chat) if (line := _line(event))]

    async def of(self, kind: type[Body], chat: str = "ana") -> list[Event]:
        return [event for event in await self.log(chat) if isinstance(event.body, kind)]


def agent(name: str, role: str = "agent") -> Agent:
    return Agent(
        id=AgentId(name.lower()),
        email=f"{name.lower()}@shop.example",
        name=name,
        role="admin" if role == "admin" else "agent",
        password="",
        disabled=False,
        created_at=START,
    )


@asynccontextmanager
async def stage(
    tmp_path: Path,
    *,
    flows: Path = SHOP,
    model: LanguageModel | None = None,
    database: str = "sqlite://",
    actions: Mapping[str, Action] | None = None,
    seen_as: Callable[[Store], Store] = lambda store: store,
    clock: SettableClock | None = None,
    memory: Memory | None = None,
    keys: str = "a",
) -> AsyncIterator[Stage]:
    """`actions` take the place of the project's; `seen_as`: what the process sees of the store.

    A second process is a second stage with the clock and the memory channel of the first, and `keys` of its own.
    """
    clock = clock or SettableClock()
    book = read(flows)
    store = await asyncio.to_thread(open_store, database, clock)
    memory = memory or Memory(clock)
    with capture_logs():  # what goes wrong here does so on purpose
        async with running(
            Settings(data=tmp_path),
            DeskFile(flows=flows, slash=True),
            dataclasses.replace(book, actions={**book.actions, **(actions or {})}),
            store=seen_as(store),
            clock=clock,
            random=SeededRandom(ord(keys)),
            senders=[memory],
            model=model,
        ) as parts:
            listening = asyncio.create_task(memory.run(parts.inbox))
            await clock.advance(0)
            yield Stage(parts, clock, memory, database != "sqlite://", keys)
            listening.cancel()


def _line(event: Event) -> tuple[str, str] | None:
    match event.body:
        case Said(message):
            return event.author.kind, "\n".join(filter(None, map(plain, message.parts)))
        case Pressed(_, label):
            return event.author.kind, f"[{label}]"
        case Partial(words):
            return event.author.kind, f"{words}…"
        case Noted(words):
            return "note", words
        case _:
            return None
