"""What happens because nothing does, and what was to happen later: exactly once, whoever is quicker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from bot.errors import Refusal
from bot.model import Rang, Said, Signalled
from bot.store import open_store
from bot.testing.clock import SettableClock
from channels.console.accounts import add_agent
from channels.console.passwords import Passwords
from config.server import console_app
from tests.bot.flow.script import project
from tests.channels.console.conftest import HERE, PASSWORD, Browser
from tests.journeys.crossings import Bookings, Crossings, Shared, When
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
DAY = 86400.0

FLOWS = """
flow: order
about: Orders something.
examples: [order something]
slots: {size: {type: text}}
steps:
  - ask: size
    say: Which size?
    quiet: [{after: 10m, say: Still there?}, {after: 1d, cancel: true}]
  - {say: "Ordered {{ size }}."}
---
flow: remind
about: Reminds you.
examples: [remind me]
steps:
  - {say: I will.}
  - {wait: {for: 1h}}
  - {say: It is time.}
---
flow: pay
about: Waits for the money.
examples: [pay now]
steps:
  - {say: Pay at the till., id: till}
  - {wait: {event: paid, for: 1h}, into: sum}
  - when: sum
    then: [{say: "Thank you for {{ sum }}."}, {end: paid}]
  - {say: Nobody has paid.}
---
flow: book
about: Books it, later.
examples: [book it later]
steps:
  - {wait: {for: 10m}}
  - {do: book_it, with: {order: "'A-17'"}, into: number}
  - {say: "Booked {{ number }}."}
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    made = project(tmp_path, FLOWS)
    (made / "knowledge").mkdir()
    return made


@pytest.fixture
async def desk(flows: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    actions = {"book_it": Bookings().action()}
    async with stage(tmp_path, flows=flows, actions=actions) as desk:
        yield desk


async def later(desk: Stage, seconds: float, chat: str = "ana") -> list[str]:
    """What the customer reads after the machine has slept so long."""
    before = len(desk.memory.seen(chat))
    await desk.clock.leap(seconds)
    await desk.settle()
    return desk.memory.seen(chat)[before:]


async def test_a_question_without_an_answer_is_asked_after_and_then_dropped(desk: Stage) -> None:
    assert await desk.say("order something") == ["Which size?"]
    assert await later(desk, 590) == []
    assert await later(desk, 10) == ["Still there?"]
    assert await later(desk, DAY - 700) == []
    assert await later(desk, 100) != []
    assert (await desk.found()).state.stack == ()
    assert await later(desk, 3 * DAY) == [], "each of them once"


async def test_a_timer_rings_to_the_second_it_is_due(desk: Stage) -> None:
    await desk.say("remind me")
    (said,) = [event for event in await desk.of(Said) if event.author.kind == "bot"]
    await desk.clock.advance(3600)
    (rang,) = await desk.of(Rang)
    assert isinstance(rang.body, Rang)
    assert rang.at == rang.body.due_at
    assert timedelta(0) <= said.at + timedelta(hours=1) - rang.at < timedelta(seconds=1)
    assert desk.parts.timers.counts.rung == 1
    assert desk.parts.timers.counts.seconds_late == 0


async def test_an_answer_clears_the_silence(desk: Stage) -> None:
    await desk.say("order something")
    await later(desk, 500)
    assert await desk.say("38") == ["Ordered 38."]
    assert await later(desk, 3 * DAY) == []


async def test_silence_is_counted_from_the_last_words(desk: Stage) -> None:
    await desk.say("order something")
    await later(desk, 500)
    assert await desk.say("/repeat") == ["Which size?"]
    assert await later(desk, 500) == []
    assert await later(desk, 100) == ["Still there?"]


async def test_a_pause_goes_on_whatever_is_said_meanwhile(desk: Stage) -> None:
    await desk.say("remind me")
    await later(desk, 600)
    assert await desk.say("order something") == ["Which size?"]
    assert await desk.say("38") == ["Ordered 38."]
    assert await later(desk, 2900) == []
    assert await later(desk, 100) == ["It is time."]


async def test_timers_outlive_the_process(flows: Path, tmp_path: Path) -> None:
    clock, store = SettableClock(), f"sqlite:///{tmp_path}/store.db"
    async with stage(tmp_path, flows=flows, clock=clock, database=store) as desk:
        assert await desk.say("remind me") == ["I will."]
        memory = desk.memory
    await clock.leap(DAY)
    async with stage(tmp_path, flows=flows, clock=clock, database=store, memory=memory, keys="b") as desk:
        await desk.until(lambda: len(memory.seen("ana")) > 1)
        assert await later(desk, DAY) == []
        assert memory.seen("ana") == ["I will.", "It is time."]


async def test_two_processes_ring_once(flows: Path, tmp_path: Path) -> None:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    async with (
        stage(tmp_path, flows=flows, seen_as=lambda _: Shared(store), clock=clock) as desk,
        stage(tmp_path, flows=flows, seen_as=lambda _: Shared(store), clock=clock, memory=desk.memory, keys="b"),
    ):
        for chat in ("ana", "ben", "cho"):
            await desk.say("remind me", chat=chat)
        await desk.clock.leap(3600)
        await desk.settle()
        for chat in ("ana", "ben", "cho"):
            assert desk.memory.seen(chat) == ["I will.", "It is time."]
            assert len(await desk.of(Rang, chat)) == 1


async def test_another_process_rings_what_this_one_has_set(flows: Path, tmp_path: Path) -> None:
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    async with stage(tmp_path, flows=flows, seen_as=lambda _: Shared(store), clock=clock, keys="b") as other:
        async with stage(
            tmp_path, flows=flows, seen_as=lambda _: Shared(store), clock=clock, memory=other.memory
        ) as desk:
            await desk.say("remind me")
        await other.clock.leap(3600)
        await other.settle()
        assert other.memory.seen("ana") == ["I will.", "It is time."]


async def test_words_that_are_there_first_win(desk: Stage) -> None:
    await desk.say("order something")
    await desk.clock.leap(597.9)
    await desk.memory.say("ana", "38")
    assert await later(desk, 10) == ["Ordered 38."]
    assert await desk.of(Rang) == []


async def test_words_that_come_with_the_alarm_are_no_silence(desk: Stage) -> None:
    """The timer has rung, and before its turn is taken the customer writes."""
    await desk.say("order something")
    hold = desk.parts.engine._settings.most_turns
    object.__setattr__(desk.parts.engine._settings, "most_turns", 0)  # the process has its hands full
    await desk.clock.leap(600)
    await desk.settle()
    assert len(await desk.of(Rang)) == 1
    await desk.memory.say("ana", "38")
    object.__setattr__(desk.parts.engine._settings, "most_turns", hold)
    assert await later(desk, 2) == ["Ordered 38."]
    assert await later(desk, 3 * DAY) == []


async def test_a_human_has_the_floor_and_no_timer_speaks(desk: Stage) -> None:
    await desk.say("order something")
    await desk.take_over(MARA)
    await desk.settle()
    before = desk.memory.seen("ana")
    assert await later(desk, 3 * DAY) == []
    assert await desk.of(Rang) == []
    await desk.hand_back(MARA)
    await desk.settle()
    assert desk.memory.seen("ana")[len(before) :][-1] == "Which size?"
    assert await later(desk, 590) == [], "silence is counted anew"
    assert await later(desk, 10) == ["Still there?"]


async def test_a_human_hands_back_to_the_step_to_go_on_at(desk: Stage) -> None:
    await desk.say("pay now")
    held = await desk.take_over(MARA)
    id, epoch = held.conversation.id, held.conversation.control.epoch
    with pytest.raises(Refusal, match="no flow in progress has a step 'ask_size'"):
        await desk.parts.desk.hand_back(id, MARA, epoch, how="step", step="ask_size")
    await desk.parts.desk.hand_back(id, MARA, epoch, how="step", step="till")
    await desk.settle()
    assert desk.memory.seen("ana")[-1] == "Pay at the till."


async def test_what_was_due_while_a_human_spoke_happens_at_the_hand_back(desk: Stage) -> None:
    await desk.say("remind me")
    await desk.take_over(MARA)
    await later(desk, DAY)
    await desk.hand_back(MARA)
    await desk.settle()
    assert desk.memory.seen("ana")[-1] == "It is time."
    assert await later(desk, DAY) == []


@pytest.mark.parametrize("point", range(1, 8))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_takeover_anywhere_in_the_turn_of_a_timer_leaves_one_speaker(
    flows: Path, tmp_path: Path, point: int, when: When
) -> None:
    bookings, crossings = Bookings(), Crossings()
    actions = {"book_it": bookings.action()}
    async with stage(tmp_path, flows=flows, actions=actions, seen_as=crossings.of) as desk:
        await desk.say("book it later")
        crossings.what, crossings.when = lambda: desk.take_over(MARA), when
        await desk.clock.leap(600)
        crossings.at = point
        await desk.settle(10)
        assert crossings.happened
        spoke = ("bot", "Booked B-1.") in await desk.lines()
        await desk.hand_back(MARA)
        await desk.settle(10)
        said = [line for by, line in await desk.lines() if by == "bot"]
        assert said == ["Booked B-1."], (spoke, said)
        assert len(bookings.made) == bookings.calls == 1


@pytest.mark.parametrize("point", range(1, 12))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_another_process_goes_on_with_a_timer_where_one_is_cut_off(
    flows: Path, tmp_path: Path, point: int, when: When
) -> None:
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True).of(store)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it later")
        await clock.leap(600 - 4)
        cut.at, cut.when = point, when
        await clock.advance(180)
        cut.for_good = False
        await clock.advance(30)
        assert [line for by, line in await spare.lines() if by == "bot"] == ["Booked B-1."]
        assert len(bookings.made) == 1
        assert len(await spare.of(Rang)) == 1


# What happens outside


async def signal(desk: Stage, name: str, value: object = None, ref: str = "r1", chat: str = "ana") -> None:
    await desk.parts.desk.signal((await desk.found(chat)).conversation.id, name, value, ref=ref)  # type: ignore[arg-type]
    await desk.settle()


async def test_an_event_from_outside_ends_a_pause(desk: Stage) -> None:
    assert await desk.say("pay now") == ["Pay at the till."]
    await signal(desk, "paid", "12 €")
    assert desk.memory.seen("ana")[1:] == ["Thank you for 12 €."]
    assert await later(desk, DAY) == [], "the pause's own timer is off"


async def test_a_repeat_of_an_event_is_one(desk: Stage) -> None:
    await desk.say("pay now")
    for _ in range(3):
        await signal(desk, "paid", "12 €")
    assert len(await desk.of(Signalled)) == 1
    assert desk.memory.seen("ana")[1:] == ["Thank you for 12 €."]


async def test_the_console_tells_of_an_event_with_its_value_and_repeats_nothing(desk: Stage) -> None:
    parts, passwords = desk.parts, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    jo = await add_agent(parts.store, desk.clock, parts.random, "jo@shop.example", "Jo", PASSWORD, passwords=passwords)
    transport = httpx2.ASGITransport(app=console_app(parts))
    browser = Browser(httpx2.AsyncClient(transport=transport, base_url=HERE))
    await browser.sign_in(jo)
    await desk.say("pay now")
    id = (await desk.found()).conversation.id
    await browser.act(id, "events", {"name": "stolen", "ref": "r0"})
    await desk.settle()
    paid = {"name": "paid", "ref": "r1", "value": "12 €"}
    told = [await browser.act(id, "events", paid) for _ in range(2)]  # each under a key of its own
    await desk.settle()
    again = await browser.act(id, "events", paid)
    assert [event.body for event in await desk.of(Signalled)] == [
        Signalled("stolen", None, "r0"),
        Signalled("paid", "12 €", "r1"),
    ]
    assert {done.seq for done in (*told, again)} == {(await desk.of(Signalled))[-1].seq}
    assert {event.author.name for event in await desk.of(Signalled)} == {"Jo"}
    assert desk.memory.seen("ana") == ["Pay at the till.", "Thank you for 12 €."]


async def test_an_event_that_nobody_waits_for_changes_nothing(desk: Stage) -> None:
    await desk.say("pay now")
    await signal(desk, "stolen")
    assert desk.memory.seen("ana") == ["Pay at the till."]
    assert await later(desk, 3600) == ["Nobody has paid."]


async def test_what_happened_while_a_human_spoke_is_told_at_the_hand_back(desk: Stage) -> None:
    await desk.say("pay now")
    await desk.take_over(MARA)
    await signal(desk, "paid", "12 €")
    assert "Thank you for 12 €." not in desk.memory.seen("ana")
    await desk.hand_back(MARA)
    await desk.settle()
    assert desk.memory.seen("ana")[-1] == "Thank you for 12 €."
