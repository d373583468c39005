"""Every account is kept connected by itself: what is wrong with one is no trouble for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.connections import Connections, ConnectionSettings
from bot.errors import SettingsError, StoreDown
from bot.ports import Accepted, Arrival, Question, Store, Unit
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.vault import MemoryVault
from tests.pigeon import Pigeon, Settings


class Inbox:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        self.heard.append(arrival.account)
        return Accepted(True, None, None)

    async def many(self, arrivals: Any, /) -> Any:
        return [await self(each) for each in arrivals]


class House:
    """Processes on one store, by one clock."""

    def __init__(self) -> None:
        self.clock, self.inbox = SettableClock(), Inbox()
        self.store: Store = open_store("sqlite://", self.clock)
        self.down = False

    async def write(self, unit: Unit[Any], /) -> Any:
        if self.down:
            raise StoreDown("the cable is out")
        return await self.store.write(unit)

    async def read(self, question: Question[Any], /) -> Any:
        return await self.store.read(question)

    async def close(self) -> None: ...

    def pigeon(self, account: str, hook: str = "") -> Pigeon:
        settings = Settings(token="x", hook=hook)  # type: ignore[arg-type]  # pydantic makes it a secret
        return Pigeon(account, settings, self.clock, MemoryVault())

    def connections(self, *pigeons: Pigeon, worker: str = "w1", single: bool = False) -> Connections:
        return Connections(
            pigeons,
            receive=self.inbox,
            store=self,
            clock=self.clock,
            random=SeededRandom(),
            settings=ConnectionSettings(worker=worker, single=single),
        )

    @asynccontextmanager
    async def running(self, connections: Connections) -> AsyncIterator[None]:
        task = asyncio.create_task(connections.run())
        await self.clock.advance(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    with capture_logs():
        yield made
    await made.store.close()


async def test_wrong_settings_stop_one_account_with_one_line_and_the_others_go_on(house: House) -> None:
    north, south = house.pigeon("north"), house.pigeon("south")
    north.faults = [SettingsError("the token is refused")]
    connections = house.connections(north, south)
    with capture_logs() as lines:
        async with house.running(connections):
            await house.clock.advance(590)
            await south.hear("hello")
    assert [(line["event"], line["account"]) for line in lines] == [
        ("account.connected", "north"),
        ("account.connected", "south"),
        ("account.stopped", "north"),
    ]
    assert [health.state for health in connections.health] == ["stopped", "connected"]
    assert (north.runs, house.inbox.heard) == (1, ["south"])


async def test_other_errors_connect_anew_after_ever_longer_pauses(house: House) -> None:
    north = house.pigeon("north")
    north.faults = [OSError("no route")] * 12
    connections = house.connections(north)
    async with house.running(connections):
        for seconds, runs in ((0.4, 1), (0.6, 2), (2, 3)):
            await house.clock.advance(seconds)
            assert north.runs == runs
        await house.clock.advance(3600)
        assert connections.health[0].state == "connected"
    assert connections.health[0].restarts == 12
    assert isinstance(connections.health[0].last_error, OSError)


async def test_a_connection_that_ends_by_itself_or_is_cancelled_from_within_is_made_anew(house: House) -> None:
    north = house.pigeon("north")
    north.faults = [asyncio.CancelledError()]  # type: ignore[list-item]  # libraries do that
    async with house.running(house.connections(north)):
        await house.clock.advance(2)
        assert north.runs == 2
        assert (await north.hear("hello")).fresh


async def test_what_an_account_hears_is_noted(house: House) -> None:
    north = house.pigeon("north")
    connections = house.connections(north)
    async with house.running(connections):
        assert connections.health[0].silent_for(house.clock.now()) is None
        await north.hear("hello")
        await house.clock.advance(7)
        assert connections.health[0].silent_for(house.clock.now()) == 7
        assert await connections.unsent(connections.health[0]) == 0


async def test_how_accounts_fare_is_logged_now_and_then(house: House) -> None:
    with capture_logs() as lines:
        async with house.running(house.connections(house.pigeon("north"))):
            await house.clock.advance(600)
    (line,) = [line for line in lines if line["event"] == "account.health"]
    assert (line["account"], line["state"], line["heard"], line["unsent"]) == ("north", "connected", 0, 0)


async def test_two_accounts_cannot_have_one_path(house: House) -> None:
    one = house.connections(house.pigeon("north", "/hooks/n"), house.pigeon("south", "/hooks/s"))
    assert sorted(one.routes()) == ["/hooks/n", "/hooks/s"]
    with pytest.raises(SettingsError, match="'south' wants /hooks/n"):
        house.connections(house.pigeon("north", "/hooks/n"), house.pigeon("south", "/hooks/n")).routes()


# Several processes


async def test_of_two_processes_one_is_connected_and_the_other_takes_over_when_it_stops(house: House) -> None:
    here, there = house.pigeon("north"), house.pigeon("north")
    first, second = (
        house.connections(each, worker=worker, single=True) for each, worker in ((here, "w1"), (there, "w2"))
    )
    async with house.running(second):
        async with house.running(first):
            await house.clock.advance(300)
            both = [first.health[0].state, second.health[0].state]
            assert sorted(both) == ["connected", "standby"]
            assert (here.receive is None) != (there.receive is None)
        await house.clock.advance(10)
        assert there.receive is not None


async def test_a_process_that_cannot_renew_lets_go_before_another_may_have_it(house: House) -> None:
    here, there = house.pigeon("north"), house.pigeon("north")
    first = house.connections(here, worker="w1", single=True)
    second = Connections(
        [there],
        receive=house.inbox,
        store=house.store,
        clock=house.clock,
        random=SeededRandom(),
        settings=ConnectionSettings(worker="w2", renew_every=timedelta(seconds=1)),
    )
    async with house.running(first), house.running(second):
        house.down = True
        while there.receive is None:
            await house.clock.advance(0.5)
            assert here.receive is None or there.receive is None
        assert here.receive is None
        house.down = False
        await house.clock.advance(600)
        assert first.health[0].state == "standby"


async def test_a_process_that_stood_still_gives_way_to_whoever_has_it_now(house: House) -> None:
    here, there = house.pigeon("north"), house.pigeon("north")
    first = house.connections(here, worker="w1", single=True)
    async with house.running(first):
        await house.clock.leap(0)
        house.down = True  # nothing of it reaches the store
        await house.clock.advance(9)
        house.down = False
        second = house.connections(there, worker="w2", single=True)
        await house.clock.leap(31)
        async with house.running(second):
            await house.clock.advance(30)
            assert (here.receive is None) != (there.receive is None)
