"""One turn with an effect is disturbed wherever it reaches for the store: nothing is lost, doubled or said by two."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.errors import StoreDown
from bot.model import Acted, Acting, Controlled, Discarded, Partial, Said, text
from bot.store import open_store
from bot.testing.clock import SettableClock
from bot.units import Deliveries
from tests.journeys.crossings import Bookings, Crossings, Shared, When, booking_project
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")

POINTS = range(1, 14)
"""The last ones fall into the sending and the sweeps after it."""

points = pytest.mark.parametrize("point", POINTS)
whens = pytest.mark.parametrize("when", ["before", "after"])


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return booking_project(tmp_path)


async def insisting(desk: Stage, words: str, key: str) -> None:
    """Say it as a platform does: again under the same id, until it is acknowledged."""
    for _ in range(5):
        try:
            await desk.memory.say("ana", words, key=key)
            return
        except StoreDown:
            await desk.clock.advance(1)
    raise AssertionError("never acknowledged")


@points
@whens
async def test_a_lost_answer_of_the_store_loses_and_doubles_nothing(
    flows: Path, tmp_path: Path, point: int, when: When
) -> None:
    bookings, crossings = Bookings(), Crossings()
    actions = {"book_it": bookings.action()}
    async with stage(tmp_path, flows=flows, actions=actions, seen_as=crossings.of) as desk:
        await desk.say("book it")
        crossings.at, crossings.when = point, when
        await insisting(desk, "A-17", "m2")
        await desk.settle(90)
        assert desk.memory.seen("ana") == ["Which order?", "Booked B-1."]
        assert len(bookings.made) == 1
        now = (await desk.found()).conversation
        assert (now.input_seq, now.attempts, now.control.state) == (now.heard, 0, "bot")


@points
@whens
async def test_another_process_goes_on_where_one_is_cut_off(
    flows: Path, tmp_path: Path, point: int, when: When
) -> None:
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True).of(store)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await spare.say("book it")
        cut.at, cut.when = point, when
        try:
            await desk.memory.say("ana", "A-17", key="m2")
        except StoreDown:  # the platform turns to the process that is left
            await spare.memory.say("ana", "A-17", key="m2")
        await clock.advance(120)
        cut.for_good = False  # what still runs there must not disturb what was done meanwhile
        await clock.advance(30)
        bot = [event for event in await spare.of(Said) if event.author.kind == "bot"]
        assert [line for by, line in await spare.lines() if by == "bot"] == ["Which order?", "Booked B-1."]
        assert len(bookings.made) == 1
        assert [event.fence for event in bot] == sorted(event.fence for event in bot)
        calls = Counter(call.key for call in (*desk.memory.calls, *spare.memory.calls) if not call.again)
        assert all(times == 1 for times in calls.values()), "who sends once more says so"
        states = await spare.parts.store.read(Deliveries((await spare.found()).conversation.id))
        assert [state for _, _, state, _ in states] == ["sent", "sent"]


@points
@whens
@pytest.mark.parametrize("check", [True, False], ids=["checked", "unchecked"])
async def test_a_takeover_anywhere_leaves_one_speaker_and_one_effect(
    flows: Path, tmp_path: Path, point: int, when: When, check: bool
) -> None:
    bookings, crossings = Bookings(), Crossings()
    actions = {"book_it": bookings.action(check=check)}
    async with stage(tmp_path, flows=flows, actions=actions, seen_as=crossings.of) as desk:
        await desk.say("book it")
        crossings.at, crossings.when, crossings.what = point, when, lambda: desk.take_over(MARA)
        await desk.say("A-17")
        assert crossings.happened
        (taken,) = await desk.of(Controlled)
        after = [event for event in await desk.log() if event.seq > taken.seq]
        assert [event.body for event in after if isinstance(event.body, Said) and event.author.kind == "bot"] == []
        assert await desk.of(Partial) == []
        assert len(await desk.of(Acting)) == len(await desk.of(Acted)) == bookings.calls <= 1
        ready = [event.body for event in await desk.of(Discarded)]
        answered = ("bot", "Booked B-1.") in await desk.lines()
        assert (answered, ready) in (
            (True, []),
            (False, []),
            (False, [Discarded((text("Booked B-1.", language="en"),))]),
        )
        assert ready or answered or not bookings.calls, "what was ready is kept for the agent"
        now = (await desk.found()).conversation
        assert now.heard == now.input_seq
        assert await desk.say("hello?") == [], "the human has the floor"

        await desk.hand_back(MARA)
        await desk.settle()
        if not answered:
            assert desk.memory.seen("ana")[-1] == "Which order?"
            assert await desk.say("A-17") == ["Booked B-1."]
        assert len(bookings.made) == bookings.calls == 1
