"""The channel of tests keeps what every channel promises, so that what is tested through it is true of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from bot.errors import StoreDown, TryLater, Unreachable
from bot.model import Card, Choices, Message, Opened, Option, Pressed, Said, text
from bot.ports import Accepted, Arrival, Sending
from bot.testing.clock import START, SettableClock
from channels.memory import EVERYTHING, Memory


@dataclass
class Accepting:
    """Receives, and remembers; `down`: raises."""

    arrivals: list[Arrival] = field(default_factory=list)
    down: bool = False

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        if self.down:
            raise StoreDown("full")
        self.arrivals.append(arrival)
        return Accepted(True, None, len(self.arrivals))

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        return [await self(arrival) for arrival in arrivals]


@pytest.fixture
def received() -> Accepting:
    return Accepting()


@pytest.fixture
async def memory(received: Accepting) -> AsyncIterator[Memory]:
    made = Memory(SettableClock())
    running = asyncio.create_task(made.run(received))
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_customers_do_arrives_in_order_under_ids_of_its_own(memory: Memory, received: Accepting) -> None:
    await memory.say("ana", "hello")
    await memory.open("ana", "track")
    await memory.say("eve", "hello")
    assert [arrival.bodies for arrival in received.arrivals] == [
        (Said(text("hello")),),
        (Opened("track"),),
        (Said(text("hello")),),
    ]
    assert len({arrival.key for arrival in received.arrivals}) == 3
    assert [arrival.by for arrival in received.arrivals] == ["ana", "ana", "eve"]


async def test_a_message_can_be_repeated_under_its_id(memory: Memory, received: Accepting) -> None:
    await memory.say("ana", "hello", key="m1")
    await memory.say("ana", "hello", key="m1")
    assert [arrival.key for arrival in received.arrivals] == ["m1", "m1"]


async def test_what_is_not_accepted_is_not_acknowledged(memory: Memory, received: Accepting) -> None:
    received.down = True
    with pytest.raises(StoreDown):
        await memory.say("ana", "hello")


async def test_nothing_arrives_before_it_runs() -> None:
    memory, received = Memory(SettableClock()), Accepting()
    saying = asyncio.create_task(memory.say("ana", "hello"))
    await asyncio.sleep(0)
    assert received.arrivals == []
    running = asyncio.create_task(memory.run(received))
    await saying
    assert len(received.arrivals) == 1
    running.cancel()


async def test_cancelling_it_returns_at_once_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    running = asyncio.create_task(Memory(SettableClock()).run(Accepting()))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_an_address_survives_the_way_in_and_out(memory: Memory, received: Accepting) -> None:
    await memory.say("ana", "hello")
    receipt = await memory.send(received.arrivals[0].to, text("hi"), key="d1.0")
    assert (receipt.refs, receipt.at) == (("d1.0",), START)
    assert memory.seen("ana") == ["hi"]
    assert memory.seen("eve") == []


@pytest.mark.parametrize("part", [Choices, Card])
async def test_the_latest_button_with_a_label_is_pressed(
    memory: Memory, received: Accepting, part: type[Choices] | type[Card]
) -> None:
    for token in ("old", "new"):
        options = (Option("Yes", "/set a=yes", token),)
        shown = Card("Sure?", options=options) if part is Card else Choices(options)
        await memory.send(memory.address("ana"), Message((shown,)), key=token)
    await memory.press("ana", "Yes")
    assert received.arrivals[0].bodies == (Pressed("new", "Yes"),)
    with pytest.raises(LookupError, match="'No'"):
        await memory.press("ana", "No")


async def test_faults_come_in_their_order_and_leave_nothing_on_the_screen(memory: Memory) -> None:
    memory.faults = [TryLater("slow"), None, TryLater("slow")]
    outcomes = []
    for key in "abc":
        try:
            await memory.send(memory.address("ana"), text(key), key=key)
            outcomes.append("sent")
        except TryLater:
            outcomes.append("fault")
    assert outcomes == ["fault", "sent", "fault"]
    assert memory.seen("ana") == ["b"]
    assert [call.key for call in memory.calls] == ["a", "b", "c"]


@pytest.mark.parametrize(("resend", "seen"), [("safe", ["hi"]), ("blind", ["hi", "hi"])])
async def test_a_lost_receipt_is_resolved_as_its_capabilities_say(memory: Memory, resend: str, seen: list[str]) -> None:
    memory.can = replace(EVERYTHING, resend=resend)
    memory.faults, memory.lost_receipts = [Unreachable("no answer")], 1
    with pytest.raises(Unreachable):
        await memory.send(memory.address("ana"), text("hi"), key="a")
    await memory.send(memory.address("ana"), text("hi"), key="a", again=True)
    assert memory.seen("ana") == seen


def test_it_is_a_channel_that_sends() -> None:
    assert isinstance(Memory(SettableClock()), Sending)
