"""Customers with their tabs, each on a cable of its own, in front of the real program."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.cable import Cable, cable
from tests.faults.checker import check
from tests.faults.dump import dump
from tests.faults.echo_model import EchoModel, echo_model
from tests.faults.journal import Fault, Finished, Journal, now, read
from tests.faults.program import ORIGIN, Program, program
from tests.faults.scale import SEED
from tests.faults.widget_client import Visitor, WidgetClient

STUCK = 60.0
CAUGHT_UP_WITHIN = 2.0
PATIENCE = 25_000_000_000
"""Nanoseconds: a lease and 10 s."""
SAID_EVERY = (0.05, 0.4)
DROPPED_EVERY = (0.1, 0.8)
BROKEN_FOR = (0.1, 0.6)

DROPS = ("reset", "hang up", "leave", "deaf", "mute", "cut off", "doze", "sleep")
"""RST; FIN alone; a page that is left; nothing comes; nothing goes; neither; frozen for a while; frozen, then anew."""


@dataclass(eq=False)
class Tab:
    client: WidgetClient
    cable: Cable


@dataclass
class Floor:
    model: EchoModel
    program: Program
    journal: Journal
    stack: AsyncExitStack
    speakers: list[WidgetClient] = field(default_factory=list)
    tabs: list[Tab] = field(default_factory=list)

    async def customer(self, *, tabs: int = 1, by_stream: bool = False) -> WidgetClient:
        """Gives the tab that speaks, when all are open and the conversation has begun."""
        visitor = Visitor(len(self.speakers) + 1)
        speaker = await self._open(visitor, "", by_stream)
        self.speakers.append(speaker)
        for number in range(2, tabs + 1):
            await self._open(visitor, f" tab {number}", by_stream)
        speaker.say()
        await until(speaker, lambda client: client.is_settled)
        return speaker

    async def _open(self, visitor: Visitor, name: str, by_stream: bool = False) -> WidgetClient:
        laid = await self.stack.enter_async_context(cable(self.program.port))
        client = WidgetClient(
            visitor,
            f"http://127.0.0.1:{laid.port}",
            self.journal,
            origin=ORIGIN,
            name=f"u{visitor.number}{name}",
            by_stream=by_stream,
            seed=SEED,
        )
        self.tabs.append(Tab(client, laid))
        self.stack.push_async_callback(_end, asyncio.create_task(client.run()))
        await until(client, lambda client: client.is_online)
        return client

    # What goes wrong

    async def drop(self, tab: Tab, kind: str, seconds: float) -> None:
        """Break the tab's line in one way, and let it be whole again."""
        client, line = tab.client, tab.cable
        self.journal.write(Fault(at=now(), name="socket", phase="start", target=client.name, detail=kind))
        match kind:
            case "reset":
                line.reset()
            case "hang up":
                line.hang_up()
            case "leave":
                await client.leave()
            case "deaf":
                held = line.hold_down()
                await asyncio.sleep(seconds)
                client.reconnect()
                held.set()
            case "mute":
                held = line.hold_up()
                await asyncio.sleep(seconds)
                client.reconnect()
                await asyncio.sleep(seconds)
                held.set()  # what was repeated meanwhile comes a second time
            case "cut off":
                line.cut()
                client.reconnect()
                await asyncio.sleep(seconds)
                line.heal()
            case "doze":
                client.sleep()
                await asyncio.sleep(seconds)
                client.wake()
            case "sleep":
                client.sleep()
                await asyncio.sleep(seconds)
                client.reconnect()
            case _:
                raise AssertionError(kind)
        self.journal.write(Fault(at=now(), name="socket", phase="end", target=client.name, detail=kind))

    async def drop_often(self, tab: Tab, times: int) -> None:
        chance = random.Random(f"{SEED} drops of {tab.client.name}")
        kinds = [kind for _ in range(times // len(DROPS) + 1) for kind in chance.sample(DROPS, len(DROPS))]
        for kind in kinds[:times]:
            await asyncio.sleep(chance.uniform(*DROPPED_EVERY))
            await self.drop(tab, kind, chance.uniform(*BROKEN_FOR))

    async def restart(self, number: signal.Signals) -> None:
        """Every line breaks at once."""
        fault = "kill" if number == signal.SIGKILL else "stop"
        self.journal.write(Fault(at=now(), name=fault, phase="start"))
        code = await self.program.end(number)
        assert code == (-number if number == signal.SIGKILL else 0), self.program.log
        await self.program.start()
        self.journal.write(Fault(at=now(), name=fault, phase="end"))

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Meanwhile every customer says something now and then."""
        talkers = [asyncio.create_task(_talk(speaker)) for speaker in self.speakers]
        try:
            yield
        finally:
            for talker in talkers:
                await _end(talker)

    # How it ends

    async def settle(self) -> None:
        """Nobody speaks any more and everything is answered. Then, once, all lose their lines in the middle of an
        answer, and see the end of it within 2 s of having them back."""
        await self._until_settled()
        witnesses = [await self._open(speaker.visitor, " witness") for speaker in self.speakers]
        dropped = [tab for tab in self.tabs if tab.client not in witnesses]
        self.model.may_end.clear()
        for speaker in self.speakers:
            speaker.say()
        for tab in self.tabs:
            await until(tab.client, lambda client: client.draft is not None)
        for tab in dropped:
            tab.cable.cut()
            tab.client.reconnect()
        self.model.may_end.set()
        for witness in witnesses:
            await until(witness, lambda client: client.is_settled)
        began = time.monotonic()
        for tab in dropped:
            tab.cable.heal()
        await self._until_settled()
        assert time.monotonic() - began <= CAUGHT_UP_WITHIN
        for tab in self.tabs:
            tab.client.is_caught_up()
        self._judge(witnesses)

    async def _until_settled(self) -> None:
        for tab in self.tabs:
            await until(tab.client, lambda client: client.is_settled)

    def _judge(self, witnesses: list[WidgetClient]) -> None:
        logs = {witness.visitor.number: witness.bubbles for witness in witnesses}
        for tab in self.tabs:
            client, log = tab.client, logs[tab.client.visitor.number]
            assert client.wrongs == [], f"seed {SEED}"
            assert client.has_all(client.uids("customer")), f"seed {SEED}, {client.name}"
            assert client.bubbles[-len(log) :] == log, f"seed {SEED}, {client.name}"
            assert client.draft is None, f"seed {SEED}, {client.name}"


async def until(client: WidgetClient, holds: Callable[[WidgetClient], bool]) -> None:
    """Fails with what the client holds when it never does."""
    try:
        await client.until(lambda: holds(client), STUCK)
    except TimeoutError:
        raise AssertionError(
            f"seed {SEED}, {client.name} is stuck: online {client.is_online}, opened {client.opened}, "
            f"held {client.held}, {client.draft}, waiting {client.outbox}, wrong {client.wrongs}, "
            f"said {client.visitor.said[-3:]}, answered {client.uids('bot')[-3:]}"
        ) from None


async def _talk(speaker: WidgetClient) -> None:
    chance = random.Random(f"{SEED} {speaker.name}")
    while True:
        await asyncio.sleep(chance.uniform(*SAID_EVERY))
        if len(speaker.outbox) < 10:
            speaker.say()


async def _end(task: asyncio.Task[None]) -> None:
    """It is over, and was well until then."""
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended


@asynccontextmanager
async def floor(folder: Path, database: str) -> AsyncIterator[Floor]:
    """On an empty database. When all is over its history is judged."""
    book = folder / "journal"
    journal = Journal(book)
    try:
        async with (
            echo_model(journal) as model,
            program(folder, OPENAI_BASE_URL=model.address, FRONTDESK_DATABASE_URL=database) as served,
            AsyncExitStack() as stack,
        ):
            yield Floor(model, served, journal, stack)
            journal.write(Finished(at=now(), healed=now(), patience=PATIENCE))
    finally:
        journal.close()
    assert check(read([book]), dump(database)) == [], f"seed {SEED}"
