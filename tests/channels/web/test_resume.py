"""Whatever is cut, each reader sees each event once and in order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from bot.model import Noted, Said, text
from bot.ports import Happened
from tests.channels.web.house import MARA, House, StreamReader, Visitor, words


@pytest.fixture(params=["in memory", "in a file"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "sqlite://" if request.param == "in memory" else f"sqlite:///{tmp_path / 'frontdesk.db'}"


@pytest.mark.parametrize("seed", range(4))
async def test_a_hundred_cuts_lose_nothing_and_repeat_nothing(
    house: House, visitor: Visitor, carrier: str, seed: int
) -> None:
    chance = random.Random(f"{carrier} {seed}")
    house.store.chance = chance
    reader = await visitor.read(carrier)
    await reader.say("0")
    thread, expected, seen = reader.thread, ["0"], list[str]()
    conversation = await house.conversation(visitor.identity, thread)
    is_over = False
    caught_up = told_live = 0

    async def live() -> None:
        """Bot and agents, while the connections come and go."""
        number = 0
        while not is_over:
            number += 1
            match chance.randrange(5):
                case 0:
                    await house.note(conversation, "not for you")
                case 1:  # What the bus loses.
                    await house.write(conversation, Said(text(str(number))), told=False)
                    expected.append(str(number))
                case 2:  # Several at once.
                    await house.write(conversation, Said(text(f"{number}a")), Said(text(f"{number}b")), by=MARA)
                    expected.extend((f"{number}a", f"{number}b"))
                case _:
                    await house.say(conversation, str(number))
                    expected.append(str(number))
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)

    def count() -> None:
        nonlocal caught_up, told_live
        seen.extend(reader.texts)
        assert reader.gaps == []
        caught_up += len(reader.welcome["events"])
        told_live += len(reader.of("event"))

    living = asyncio.create_task(live())
    for _ in range(100):
        await reader.holds(len(reader.events) + chance.randrange(4))
        for _ in range(chance.randrange(10)):
            await asyncio.sleep(0)
        await reader.cut()
        count()
        if chance.randrange(2):
            await house.forget()
        reader = await visitor.read(carrier, thread, reader.held)
    is_over = True
    await living
    await house.say(conversation, "end")
    expected.append("end")
    await reader.until(lambda: bool(reader.texts) and reader.texts[-1] == "end")
    count()
    assert seen == expected
    assert caught_up
    assert told_live
    await reader.close()


async def test_an_event_between_subscribing_and_reading_comes_once(
    house: House, visitor: Visitor, carrier: str
) -> None:
    first = await visitor.read(carrier)
    await first.say("One")
    await first.close()
    await house.forget()
    conversation = await house.conversation(visitor.identity, first.thread)
    house.store.held = asyncio.Event()
    opening = asyncio.create_task(visitor.read(carrier, first.thread))
    await house.store.waiting.wait()
    # The connection waits for its first read. All this is committed and told before it reads on.
    await house.say(conversation, "Two")
    await house.note(conversation, "not for you")
    await house.say(conversation, "Three")
    house.store.held.set()
    reader = await opening
    await house.say(conversation, "Four")
    await reader.holds(4)
    assert reader.texts == ["One", "Two", "Three", "Four"]
    assert reader.gaps == []
    await reader.close()


async def test_who_comes_back_later_hears_what_is_said_then(house: House, visitor: Visitor, carrier: str) -> None:
    first = await visitor.read(carrier)
    await first.say("One")
    await first.close()
    await house.forget()
    reader = await visitor.read(carrier, first.thread, after=1)
    await house.say(await house.conversation(visitor.identity, first.thread), "Two")
    await reader.holds(1)
    assert reader.texts == ["Two"]
    await reader.close()


async def test_events_told_while_a_gap_is_read_come_once(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    conversation = await house.conversation(visitor.identity, reader.thread)
    await reader.holds(1)
    await house.write(conversation, Said(text("Two")), told=False)
    house.store.held = asyncio.Event()
    house.store.waiting.clear()
    await house.say(conversation, "Three")
    await house.store.waiting.wait()
    await house.say(conversation, "Four")
    await house.write(conversation, Said(text("Five")), told=False)
    house.store.held.set()
    await house.say(conversation, "Six")
    await reader.holds(6)
    assert reader.texts == ["One", "Two", "Three", "Four", "Five", "Six"]
    assert reader.gaps == []
    await reader.close()


async def test_an_event_after_reading_and_before_the_welcome_comes_once(
    house: House, visitor: Visitor, carrier: str
) -> None:
    first = await visitor.read(carrier)
    await first.say("One")
    await first.close()
    await house.forget()
    conversation = await house.conversation(visitor.identity, first.thread)
    house.store.held_late = asyncio.Event()
    opening = asyncio.create_task(visitor.read(carrier, first.thread))
    await house.store.waiting.wait()
    await house.say(conversation, "Two")
    house.store.held_late.set()
    reader = await opening
    await reader.holds(2)
    assert reader.texts == ["One", "Two"]
    await reader.close()


async def test_an_event_after_a_gap_was_read_comes_once(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    conversation = await house.conversation(visitor.identity, reader.thread)
    await reader.holds(1)
    await house.write(conversation, Said(text("Two")), told=False)
    house.store.held_late = asyncio.Event()
    await house.say(conversation, "Three")
    await house.store.waiting.wait()
    await house.say(conversation, "Four")
    house.store.held_late.set()
    await reader.holds(4)
    assert reader.texts == ["One", "Two", "Three", "Four"]
    await reader.close()


async def test_news_told_twice_or_late_change_nothing(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    conversation = await house.conversation(visitor.identity, reader.thread)
    two = await house.write(conversation, Said(text("Two")))
    three = await house.write(conversation, Said(text("Three")), told=False)
    four = await house.write(conversation, Said(text("Four")))
    for events in (three, two, four, two + three + four):
        house.publish(Happened(conversation, events))
    await house.say(conversation, "Five")
    await reader.holds(5)
    assert reader.texts == ["One", "Two", "Three", "Four", "Five"]
    assert reader.gaps == []
    await reader.close()


async def test_what_the_bus_lost_is_found_when_the_line_is_compared_with_the_log(
    visitor: Visitor, house: House, carrier: str
) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    conversation = await house.conversation(visitor.identity, reader.thread)
    await house.write(conversation, Said(text("Two")), told=False)
    await reader.holds(1)
    for _ in range(7):
        await house.clock.advance(10)
        if carrier == "socket":
            await reader.send({"frame": "older", "before": 1})
    await reader.holds(2)
    assert reader.texts == ["One", "Two"]
    await reader.close()


async def test_the_stream_numbers_what_is_history_and_resumes_from_it(house: House, visitor: Visitor) -> None:
    reader = await visitor.stream()
    await reader.say("One")
    conversation = await house.conversation(visitor.identity, reader.thread)
    await house.write(conversation, Noted("not for you"), public=False)
    await house.say(conversation, "Three")
    await reader.holds(2)
    assert reader.ids == [1, 3]
    await reader.close()
    again = StreamReader(visitor, reader.thread, 0, **{"Last-Event-ID": "1"})
    again.listen()
    await again.opened()
    assert [words(event) for event in again.welcome["events"]] == ["Three"]
    await again.close()


async def test_a_cursor_from_the_future_is_set_back(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    for after in (2**53, 2**62, 10**30, -5):
        again = await visitor.read(carrier, reader.thread, after if carrier == "stream" else min(after, 2**63))
        assert again.welcome["seq"] == 1
        await again.close()
    late = await visitor.read(carrier, reader.thread, 999)
    await reader.say("Two")
    await late.holds(1)
    assert (late.texts, late.gaps) == (["Two"], [])
    await late.close()
    await reader.close()
