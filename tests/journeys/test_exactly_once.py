"""An effect is begun, and before its result is known everything stops: whatever comes then, there is no second one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from bot.errors import ActionFailed, StoreDown
from bot.flow.actions import Action
from bot.model import Acted, Acting, Json
from bot.store import open_store
from bot.testing.clock import SettableClock
from bot.units import Intend, Record
from tests.bot.flow.script import project
from tests.journeys.crossings import Bookings, Crossings, Shared
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")

ACTIONS = """
import re

from bot.flow.declare import action, slot_type


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    found = re.fullmatch(r"\\s*(A-\\d+)\\s*", words)
    return found[1] if found else None


@action(effect="read")
async def next_place() -> str:
    return ""


@action(effect="write", undo="drop_it")
async def book_it(order: str) -> str:
    return ""


@action(effect="write")
async def drop_it(order: str) -> str:
    return ""
"""


@dataclass
class Places:
    """Each time it is asked, another place is free."""

    asked: int = 0
    names: list[str] = field(default_factory=lambda: ["A-1", "A-2", "A-3", "A-4", "A-5"])

    async def call(self, args: Mapping[str, Json], key: str) -> Json:
        self.asked += 1
        return self.names[self.asked - 1]

    def action(self) -> Action:
        return Action(
            name="next_place",
            effect="read",
            timeout=timedelta(seconds=10),
            inputs=frozenset(),
            required=frozenset(),
            call=self.call,
            check=None,
        )


def flow(steps: str, slots: str = "{order: {type: order_id}}") -> str:
    return f"""
flow: book
about: Books it.
examples: [book it]
slots: {slots}
steps:
{steps}
"""


ASKED = flow("""
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
""")

FOUND = flow("""
  - {ask: order, say: Which order?}
  - {do: next_place, into: place}
  - {do: book_it, with: {order: place}, into: number}
  - {say: "Booked {{ number }} at {{ place }}."}
""")

TWICE = flow("""
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: first}
  - {do: book_it, with: {order: order}, into: second}
  - {say: "Booked {{ first }} and {{ second }}."}
""")

AGAIN = flow("""
  - {ask: order, say: Which order?}
  - {id: book, do: book_it, with: {order: order}, into: number, fails: [{goto: book}]}
  - {say: "Booked {{ number }}."}
""")

ABOVE = (
    flow("""
  - {ask: order, say: Which order?}
  - {call: inner, with: {order: order}, into: made}
  - {say: "Booked {{ made.number }}."}
""")
    + """---
flow: inner
slots: {order: {type: order_id}, number: {type: text}}
steps:
  - {do: book_it, with: {order: order}, into: got}
  - {set: {number: got}}
"""
)

LATER = flow("""
  - {ask: order, say: Which order?}
  - {wait: {for: 10m}}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
""")

CASES = {
    "asked": (ASKED, ["Booked B-1."], 1),
    "after a look that comes out otherwise each time": (FOUND, ["Booked B-1 at {}."], 1),
    "two of them in one turn": (TWICE, ["Booked B-1 and B-2."], 2),
    "in a flow that was called": (ABOVE, ["Booked B-1."], 1),
    "in a timer's turn": (LATER, ["Booked B-1."], 1),
}


def made(folder: Path, flows: str) -> Path:
    folder.mkdir(exist_ok=True)
    folder = project(folder, flows, actions=ACTIONS)
    (folder / "knowledge").mkdir()
    return folder


@pytest.mark.parametrize("effect", ["write", "money"])
@pytest.mark.parametrize("point", range(1, 13))
@pytest.mark.parametrize("case", CASES)
async def test_a_process_that_ends_anywhere_leaves_one_effect(
    tmp_path: Path, case: str, point: int, effect: Literal["write", "money"]
) -> None:
    script, said, effects = CASES[case]
    flows, bookings, clock, places = made(tmp_path, script), Bookings(), SettableClock(), Places()
    store = open_store("sqlite://", clock)
    actions = {"book_it": bookings.action(effect=effect), "next_place": places.action()}
    cut = Crossings(for_good=True, when="after").of(store)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        if case == "in a timer's turn":
            await desk.say("A-17")
            await clock.leap(596)
            cut.at = point
        else:
            cut.at = point
            await insists(desk, spare)
        await clock.advance(120)
        cut.for_good = False
        await clock.advance(30)
        acting = [event.body for event in await spare.of(Acting) if isinstance(event.body, Acting)]
        lines = [line for by, line in await spare.lines() if by == "bot"][1:]
        assert lines == [line.format(acting[0].args["order"]) for line in said], "what is said is what was done"
        assert len({each.key for each in acting}) == len(bookings.made) == effects


async def insists(desk: Stage, spare: Stage) -> None:
    """The platform turns to the process that is left."""
    try:
        await desk.memory.say("ana", "A-17", key="m2")
    except StoreDown:
        await spare.memory.say("ana", "A-17", key="m2")


@pytest.mark.parametrize("effect", ["write", "money"])
async def test_what_nobody_can_tell_goes_to_a_person(tmp_path: Path, effect: Literal["write", "money"]) -> None:
    """The process ends while the call is under way, and the action has no `check`."""
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action(check=False, effect=effect)}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True, only=Record, at=1).of(store)
    flows = made(tmp_path, ASKED)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        await desk.memory.say("ana", "A-17")
        await clock.advance(120)
        now = (await spare.found()).conversation
        assert (now.control.state, now.control.reason) == ("queued", "action_failed")
        assert bookings.calls == 1


async def test_a_turn_that_began_an_effect_is_taken_again_by_the_flows_it_began_in(tmp_path: Path) -> None:
    """Between the intent and its result the flows were changed, and would not come to the effect."""
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True, only=Record, at=1).of(store)
    before = made(tmp_path / "before", ASKED)
    after = made(tmp_path / "after", flow("  - {ask: order, say: Which order?}\n  - {say: No more orders.}\n"))
    async with (
        stage(tmp_path, flows=before, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=after, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        await desk.memory.say("ana", "A-17")
        await clock.advance(120)
        assert [line for by, line in await spare.lines() if by == "bot"][-1] == "Booked B-1."
        assert bookings.calls == len(bookings.made) == 1


async def test_the_same_step_again_is_another_pass_under_another_key(tmp_path: Path) -> None:
    bookings = Bookings()

    async def refuses_once() -> None:
        if bookings.calls == 1:
            bookings.made.clear()
            raise ActionFailed("no room")

    bookings.first = refuses_once
    async with stage(tmp_path, flows=made(tmp_path, AGAIN), actions={"book_it": bookings.action()}) as desk:
        await desk.say("book it")
        assert await desk.say("A-17") == ["Booked B-1."]
        keys = [event.body.key for event in await desk.of(Acting) if isinstance(event.body, Acting)]
        assert len(set(keys)) == len(keys) == 2


@pytest.mark.parametrize("only", [Intend, Record])
async def test_the_same_step_again_that_is_cut_off_is_not_made_again(
    tmp_path: Path, only: type[Intend | Record]
) -> None:
    bookings, clock = Bookings(), SettableClock()

    async def refuses_once() -> None:
        if bookings.calls == 1:
            bookings.made.clear()
            raise ActionFailed("no room")

    bookings.first = refuses_once
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True, only=only, at=2).of(store)
    flows = made(tmp_path, AGAIN)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        await desk.memory.say("ana", "A-17")
        await clock.advance(120)
        assert [line for by, line in await spare.lines() if by == "bot"][1:] == ["Booked B-1."]
        assert len(bookings.made) == 1
        assert len(await spare.of(Acted)) == 2


async def test_the_same_step_entered_again_after_a_correction_is_another_effect(tmp_path: Path) -> None:
    """What was looked up lies behind the correction; the effect after it is a new one."""
    script = flow(
        """
  - {ask: order, say: Which order?}
  - {ask: sure, say: Sure?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
  - {goto: again}
  - {id: again, ask: other, say: Another?}
  - {when: other, then: [{set: {order: "'A-2'"}}, {goto: book}]}
  - {end: done}
  - {id: book, do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
  - {goto: again}
""",
        "{order: {type: order_id}, sure: {type: yes_no}, other: {type: yes_no, always_ask: true}}",
    )
    bookings = Bookings()
    async with stage(tmp_path, flows=made(tmp_path, script), actions={"book_it": bookings.action()}) as desk:
        await desk.say("book it")
        await desk.say("A-17")
        assert await desk.say("/set order=A-18") != []
        assert await desk.say("yes") == ["Booked B-1.", "Another?\n1. Yes\n2. No"]
        assert await desk.say("yes") == ["Booked B-2.", "Another?\n1. Yes\n2. No"]
        assert await desk.say("yes") == ["Booked B-3.", "Another?\n1. Yes\n2. No"]
        keys = [event.body.key for event in await desk.of(Acting) if isinstance(event.body, Acting)]
        assert len(set(keys)) == len(keys) == bookings.calls == 3


async def test_a_turn_that_is_lengthened_is_taken_again_as_it_was(tmp_path: Path) -> None:
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True, only=Record, at=1).of(store)
    flows = made(tmp_path, ASKED)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        await desk.memory.say("ana", "A-17")
        await clock.advance(0.1)
        await spare.memory.say("ana", "A-18")
        await clock.advance(120)
        said = [line for by, line in await spare.lines() if by == "bot"]
        assert said[1] == "Booked B-1."
        assert len(bookings.made) == 1


@pytest.mark.parametrize("point", range(1, 10))
async def test_an_effect_that_a_person_approved_runs_once(tmp_path: Path, point: int) -> None:
    script = flow("""
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: number, approve: {if: "true"}}
  - {say: "Booked {{ number }}."}
""")
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action(effect="money")}, open_store("sqlite://", clock)
    cut = Crossings(for_good=True, when="after").of(store)
    flows = made(tmp_path, script)
    async with (
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: cut, clock=clock) as desk,
        stage(tmp_path, flows=flows, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b") as spare,
    ):
        await desk.say("book it")
        await desk.say("A-17")
        assert bookings.calls == 0
        now = (await spare.found()).conversation
        assert (now.control.state, now.control.reason) == ("queued", "approval")
        await spare.take_over(MARA)
        cut.at = point
        await approve(spare)
        await clock.advance(150)
        assert [line for by, line in await spare.lines() if by == "bot"][-1] == "Booked B-1."
        assert len(bookings.made) == 1


async def approve(desk: Stage) -> None:
    now = (await desk.found()).conversation
    await desk.parts.desk.hand_back(now.id, MARA, now.control.epoch, verdict="approve")
