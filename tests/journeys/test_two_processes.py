"""Two processes on one PostgreSQL: they share the work, and each message is answered once, whoever it reached."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.model import Acted, Turned
from bot.testing.clock import SettableClock
from tests.journeys.crossings import Bookings, booking_project
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
CHATS = [f"chat-{number}" for number in range(12)]


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return booking_project(tmp_path)


async def all_say(words: str, *desks: Stage, turned: int) -> None:
    """Each customer's words reach both processes at once, as of a platform that repeats itself."""
    key = f"{words}.{turned}"
    for chat, (first, second) in zip(CHATS, [desks, desks[::-1]] * len(CHATS), strict=False):
        desks[0].addresses[chat] = desks[0].memory.address(chat)
        said = (desk.memory.say(chat, words, key=f"{chat}.{key}") for desk in (first, second))
        accepted = await asyncio.gather(*said)
        assert sorted(each.fresh for each in accepted) == [False, True]
    await desks[0].settle()


async def test_the_work_is_shared_and_each_message_is_answered_once(
    flows: Path, tmp_path: Path, postgres_database: str
) -> None:
    clock, mine, yours = SettableClock(), Bookings(), Bookings()
    async with (
        stage(
            tmp_path, flows=flows, actions={"book_it": mine.action()}, database=postgres_database, clock=clock
        ) as one,
        stage(
            tmp_path,
            flows=flows,
            actions={"book_it": yours.action()},
            database=postgres_database,
            clock=clock,
            keys="b",
        ) as two,
    ):
        await all_say("book it", one, two, turned=0)
        await all_say("A-17", one, two, turned=1)
        assert (len(mine.made) + len(yours.made), bool(mine.made), bool(yours.made)) == (len(CHATS), True, True)
        for chat in CHATS:
            by = [by for by, _ in await one.lines(chat)]
            assert by == ["customer", "bot"] * 2
            assert len(await one.of(Turned, chat)) == 2
            assert len(await one.of(Acted, chat)) == 1
        keys = [sent.key for sent in (*one.memory.sent, *two.memory.sent)]
        assert len(keys) == len(set(keys)) == 2 * len(CHATS)


async def test_what_one_leaves_when_it_stops_the_other_takes_up_at_once(
    flows: Path, tmp_path: Path, postgres_database: str
) -> None:
    clock, bookings = SettableClock(), Bookings()
    actions = {"book_it": bookings.action()}
    async with stage(tmp_path, flows=flows, actions=actions, database=postgres_database, clock=clock) as one:
        async with stage(
            tmp_path, flows=flows, actions=actions, database=postgres_database, clock=clock, keys="b"
        ) as two:
            for chat in CHATS:
                await two.memory.say(chat, "book it")
                one.addresses[chat] = one.memory.address(chat)
        await one.settle()
        for chat in CHATS:
            assert [by for by, _ in await one.lines(chat)] == ["customer", "bot"]


async def test_a_takeover_in_one_silences_the_other(flows: Path, tmp_path: Path, postgres_database: str) -> None:
    clock = SettableClock()
    bookings = Bookings()
    actions = {"book_it": bookings.action()}
    async with (
        stage(tmp_path, flows=flows, actions=actions, database=postgres_database, clock=clock) as one,
        stage(tmp_path, flows=flows, actions=actions, database=postgres_database, clock=clock, keys="b") as two,
    ):
        await one.say("book it")
        bookings.first = lambda: two.take_over(MARA)
        assert [line for line in await one.say("A-17") if line.startswith("Booked")] == []
        assert not any("Booked" in line for _, line in await one.lines())
        assert len(bookings.made) == 1
        assert await one.say("hello?") == []
        assert await two.say("hello??") == []
        now = (await one.found()).conversation
        assert (now.heard, now.control.state) == (now.input_seq, "human")
