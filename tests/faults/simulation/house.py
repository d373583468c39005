"""Several workers on one store, each a complete core that may be ended, held still or restarted at any step."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import hashlib
import itertools
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, TypeVar

import msgspec
import structlog

from bot.flow.book import Book
from bot.flow.read import read
from bot.model import Address, AgentId
from bot.store.sqlite import MemoryStore
from bot.testing.chance import SeededRandom
from bot.testing.clock import START
from bot.testing.files import MemoryFiles
from bot.units import Agent, Find, Found
from config.settings import DeskFile, Settings
from config.wiring import Parts, running
from tests.bot.flow.script import project
from tests.faults import journal
from tests.faults.checker import check
from tests.faults.dump import dump
from tests.faults.simulation.loop import Gone, Life, new_loop
from tests.faults.simulation.outside import ACCOUNT, Chat, Link, MachineClock, Model, Outside, Weather

T = TypeVar("T")

LEASE = timedelta(seconds=2)
CHANGING = 4
"""One run in so many; all others are as they were before there were such things, and so are the seeds known for one."""
PATIENCE = 150
"""Seconds: a delivery is left with a dead worker for 60, and one that failed often is tried again after as many."""

FLOWS = """
flow: book
about: Books a place.
examples: [book it, book a place please]
slots: {order: {type: order_id}}
steps:
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: number, fails: {handoff: service, note: It could not be booked.}}
  - {say: Booked.}
---
flow: choose
about: Chooses a colour.
examples: [choose a colour]
slots: {colour: {type: choice, of: [red, green]}}
steps:
  - {ask: colour, say: Which colour?}
  - {say: "So {{ colour }}."}
---
flow: remind
about: Reminds somebody.
examples: [remind me]
steps:
  - {say: I will.}
  - {wait: {for: 3s}}
  - {say: It is time.}
---
flow: later
about: Books a place, in a while.
examples: [order it for later]
slots: {order: {type: order_id, optional: true}}
steps:
  - {ask: order, say: Which order later?, quiet: [{after: 3s, say: Still there?}, {after: 6s, cancel: true}]}
  - {say: In a while.}
  - {wait: {for: 3s}}
  - {do: book_it, with: {order: order}, into: number, fails: {handoff: service, note: It could not be booked.}}
  - {say: Booked late.}
"""

OTHER_FLOWS = (
    FLOWS.replace("flow: book", "flow: book\nversion: 2")
    .replace("{ask: order, say: Which order?}", "{say: One moment.}\n  - {ask: order, say: Which order?, tries: 5}")
    .replace("flow: remind", "flow: remind\nversion: 2")
    .replace("{say: It is time.}", "{say: It is time by now.}")
    .replace("flow: later", "flow: later\nversion: 2")
    .replace("{say: In a while.}", "{say: Soon.}")
)
"""Of the other edition, which is published and taken back in some runs. Who is to be reminded moves on to it; the rest
finish in the version in which they began."""

ACTIONS = """
import re

from bot.flow.declare import action, slot_type


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    found = re.fullmatch(r"\\s*A-(u\\d+n\\d+)\\s*", words)
    return f"A-{found[1]}" if found else None


@action(effect="write")
async def book_it(order: str) -> str:
    return order
"""


@cache
def _project() -> tuple[tuple[Book, Book], DeskFile, Settings]:
    folder, other = Path(mkdtemp(prefix="simulated")), Path(mkdtemp(prefix="simulated"))
    project(folder, FLOWS, actions=ACTIONS)
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "tents.md").write_text("# Tents\n\nEvery tent keeps the rain out for years.\n")
    books = read(folder), read(project(other, OTHER_FLOWS, actions=ACTIONS))
    return books, DeskFile(flows=folder, slash=True), Settings(data=folder)


class House:
    """One simulated run. Everything that chance decides comes from its seed."""

    def __init__(self, seed: int, *, workers: int = 2, weather: Weather | None = None, check: bool = True) -> None:
        self.seed = seed
        self.loop = new_loop(seed)
        self.chance = random.Random(f"house {seed}")
        self.clock = MachineClock(self.loop)
        self.store = MemoryStore(self.clock)
        self.outside = Outside(self.loop, random.Random(f"outside {seed}"), self.store, weather or Weather())
        books, self.file, self.settings = _project()
        book_it = self.outside.action(check=check)
        self.editions = [dataclasses.replace(each, actions={**each.actions, "book_it": book_it}) for each in books]
        self.book = self.editions[0]
        """With which a life begins."""
        self.is_changing = seed % CHANGING == CHANGING - 1
        """Customers ask for what is to happen later, and flows are published meanwhile."""
        self._lives = itertools.count(1)
        self.others: list[asyncio.Task[None]] = []
        self.was_torn = False
        """Something is left that can only be closed with a complaint."""
        self.workers = tuple(Worker(self, f"w{number}") for number in range(1, workers + 1))

    def chance_of_life(self) -> SeededRandom:
        """Ids of two lives never meet."""
        return SeededRandom(1000 * self.seed + next(self._lives))

    async def start(self) -> None:
        if self.outside.weather != Weather():
            self.outside.note(journal.Fault, name="weather", phase="start")
        await asyncio.gather(*(worker.start() for worker in self.workers))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that belongs to no life."""
        self.others.append(self.loop.create_task(work))

    def working(self) -> Worker | None:
        """One that may be asked, by chance."""
        working = [worker for worker in self.workers if worker.is_working]
        return self.chance.choice(working) if working else None

    async def found(self, chat: str, *, channel: str = "memory", account: str = ACCOUNT) -> Found | None:
        """As the test sees it, past all faults."""
        return await self.store.read(Find(address=Address(channel, account, chat)))

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return list(self.store._writer._connection.execute(statement, values))

    def is_quiet(self) -> bool:
        """Nothing is unheard and nothing waits to be sent."""
        unheard = "SELECT count(*) FROM conversation WHERE input_seq > heard AND control <> 'paused'"
        unsent = "SELECT count(*) FROM delivery WHERE ended_at IS NULL"
        return self.rows(unheard) == [(0,)] == self.rows(unsent)

    def is_awake(self) -> bool:
        """No timer runs."""
        return self.rows("SELECT count(*) FROM conversation WHERE wake_at IS NOT NULL") == [(0,)]

    async def until(self, happened: Callable[[], bool], seconds: float) -> bool:
        """Whether it does within that time."""
        end = self.loop.time() + seconds
        while not happened():
            if self.loop.time() >= end:
                return False
            await asyncio.sleep(0.1)
        return True

    async def settle(self, seconds: float = PATIENCE) -> bool:
        """Faults are over; whether all comes to rest in that time."""
        healed = self.outside.at()
        self.outside.weather = Weather()
        self.outside.down_until = 0
        self.outside.note(journal.Fault, name="weather", phase="end")
        for worker in self.workers:
            if worker.life:
                worker.life.still_until = 0
        quiet = await self.until(self.is_quiet, seconds)
        self.outside.note(journal.Finished, healed=healed, patience=PATIENCE * 1_000_000_000)
        return quiet

    def history(self) -> str:
        """Names everything that happened, as far as it can be seen."""
        digest = hashlib.blake2b(digest_size=16)
        for record in self.outside.records:
            digest.update(msgspec.json.encode(record))
        for table in ("event", "delivery", "handoff", "dead_letter"):
            for row in self.rows(f"SELECT * FROM {table} ORDER BY 1, 2"):
                digest.update(repr(row).encode())
        for row in self.rows("SELECT id, heard, epoch, control, fence, version, state FROM conversation ORDER BY 1"):
            digest.update(repr(row).encode())
        return digest.hexdigest()


class Worker:
    """A machine on which one life after another runs."""

    def __init__(self, house: House, name: str) -> None:
        self.house, self.name = house, name
        self.clock = MachineClock(house.loop)
        self.life: Life | None = None
        self.parts: Parts | None = None
        self.lives = 0
        self.restarts_after = 0.5
        self._is_killed = True
        self.ready: Callable[[], None] = lambda: None
        """Called whenever a life begins to take work."""
        self._core: AbstractAsyncContextManager[Parts] | None = None

    @property
    def is_working(self) -> bool:
        return self.life is not None and self.life.alive and self.parts is not None

    async def start(self) -> None:
        """Begin a life; returns when it takes work. One that ends meanwhile is followed by another."""
        self.lives += 1
        self.parts, self._is_killed = None, True
        life = self.life = Life(f"{self.name}.{self.lives}")
        life.ended = self._ended
        outside = self.house.outside
        self._core = running(
            self.house.settings,
            self.house.file,
            self.house.book,
            store=Link(outside),
            clock=self.clock,
            random=self.house.chance_of_life(),
            senders=[Chat(outside)],
            files=MemoryFiles(),
            model=Model(outside),
            lease=LEASE,
        )
        try:
            self.parts = await life.ask(self._core.__aenter__)
            self.ready()
        except Gone:
            pass
        except Exception:  # as when the store is out of reach: the program ends, and is started anew
            self._is_killed = False
            life.end()

    async def ask(self, work: Callable[[Parts], Awaitable[T]]) -> T:
        """Raises `Gone` and what the work raises."""
        if not self.is_working:
            raise Gone(self.name)
        assert self.life is not None
        assert self.parts is not None
        parts = self.parts
        return await self.life.ask(lambda: work(parts))

    def forget(self) -> None:
        self.life = self.parts = self._core = None

    def kill(self) -> None:
        if self.life:
            self.life.end()

    async def stop(self) -> None:
        """As on SIGTERM."""
        life, core = self.life, self._core
        if life and core and self.is_working:
            self.parts = None
            self.house.was_torn = True
            try:
                await life.ask(lambda: core.__aexit__(None, None, None))
            except Gone:
                return
            self._is_killed = False
            life.end()

    def _ended(self) -> None:
        self.parts = None
        kind = "kill" if self._is_killed else "restart"
        self._note(kind, "start")
        self.house.begin(self._restart(kind))

    async def _restart(self, kind: str) -> None:
        await asyncio.sleep(self.restarts_after)
        await self.start()
        self._note(kind, "end")

    def _note(self, kind: str, phase: Literal["start", "end"]) -> None:
        self.house.outside.note(journal.Fault, name=kind, phase=phase, target=self.name)


def judged(house: House) -> list[str]:
    """What was broken in this run."""
    violations = check(house.outside.records, dump(house.store._writer._connection))
    found = [f"{violation.invariant}: {violation.why}" for violation in violations]
    return [*found, *house.outside.complaints, *house.loop.unhandled]


def agent(name: str) -> Agent:
    return Agent(id=AgentId(name), email="", name=name, role="agent", password="", disabled=False, created_at=START)


@contextmanager
def opened(seed: int, **options: Any) -> Iterator[House]:
    """A house that is torn down afterwards. What goes wrong in it does so on purpose, so nothing is logged."""
    logging, unraised = structlog.get_config(), sys.unraisablehook
    structlog.configure(processors=[_drop])
    house = House(seed, **options)
    try:
        yield house
    finally:
        # Python runs what had not ended to its end only now, and nobody minds how.
        sys.unraisablehook = lambda _: None
        house.loop.close()
        for worker in house.workers:
            worker.forget()
        if house.was_torn:
            gc.collect()
        sys.unraisablehook = unraised
        structlog.configure(**logging)


def _drop(logger: object, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    raise structlog.DropEvent
