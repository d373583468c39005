"""Flows are published while customers talk: whoever is under way loses nothing, whoever begins gets the new one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bot.flow.read import read
from bot.model import Acted, Acting, Moved, Turned
from bot.store import open_store
from bot.testing.clock import SettableClock
from tests.bot.flow.script import ACTIONS, HEADER, project
from tests.journeys.crossings import Bookings, Crossings, Shared
from tests.journeys.stage import Stage, stage

FLOW = """
flow: book
version: 1
about: Books it.
examples: [book it]
slots:
  order: {type: order_id}
  day: {type: text}
steps:
  - {ask: order, say: Which order?}
  - {ask: day, say: Which day?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
"""


def edition(folder: Path, *pairs: tuple[str, str], header: str = HEADER, actions: str = ACTIONS) -> Path:
    flow = FLOW
    for old, new in pairs:
        assert old in flow
        flow = flow.replace(old, new)
    project(folder, flow, header=header, actions=actions)
    (folder / "knowledge").mkdir(exist_ok=True)
    return folder


async def publish(desk: Stage, folder: Path) -> None:
    """With the actions that the stage put in the place of the project's, where it has these."""
    book = read(folder)
    ours = {name: action for name, action in desk.parts.book.actions.items() if name in book.actions}
    await desk.parts.shelf.publish(dataclasses.replace(book, actions={**book.actions, **ours}))


async def versions(desk: Stage, chat: str) -> list[str]:
    """Numbers of the versions that a conversation stands in."""
    found = await desk.found(chat)
    return [frame.version.partition(".")[0] for frame in found.state.stack]


async def test_each_goes_on_as_the_change_allows(tmp_path: Path) -> None:
    bookings = Bookings()
    async with stage(tmp_path, flows=edition(tmp_path), actions={"book_it": bookings.action()}) as desk:
        await desk.say("book it", chat="first")
        await desk.say("book it", chat="second")
        await desk.say("A-17", chat="second")
        two = (
            ("version: 1", "version: 2"),
            ("ask: order, say: Which order?", "ask: order, say: Its number?, tries: 5"),
        )
        await publish(desk, edition(tmp_path, *two))
        assert await desk.say("A-16", chat="first") == ["Which day?"]  # the order was asked in the old version
        assert await desk.say("monday", chat="second") == ["Booked B-1."]  # nothing changed from the day on
        assert await desk.say("book it", chat="third") == ["Its number?"]
        assert await versions(desk, "first") == ["1"]
        assert await desk.say("tuesday", chat="first") == ["Booked B-2."]
        assert [await moves(desk, chat) for chat in ("first", "second", "third")] == [1, 1, 0]


async def moves(desk: Stage, chat: str) -> int:
    """How often its flow went on in another version."""
    done = [event.body.moves for event in await desk.of(Turned, chat) if isinstance(event.body, Turned)]
    return sum(isinstance(move, Moved) for each in done for move in each)


async def test_two_in_a_row_and_the_first_is_never_taken_by_anybody(tmp_path: Path) -> None:
    async with stage(tmp_path, flows=edition(tmp_path)) as desk:
        await desk.say("book it")
        two = ("version: 1", "version: 2"), ("ask: order, say: Which order?", "ask: order, say: Its number?, tries: 5")
        await publish(desk, edition(tmp_path, *two))
        await publish(desk, edition(tmp_path, ("version: 1", "version: 3")))
        assert await desk.say("A-17") == ["Which day?"]
        assert await versions(desk, "ana") == ["3"]


async def test_who_cannot_go_on_hears_why_and_may_ask_again(tmp_path: Path) -> None:
    by_number = ACTIONS.replace("async def book_it(order: str)", "async def book_it(number: str)")
    async with stage(tmp_path, flows=edition(tmp_path)) as desk:
        await desk.say("book it")
        changed = ("version: 1", "version: 2"), ("with: {order: order}", "with: {number: order}")
        await desk.parts.shelf.publish(read(edition(tmp_path, *changed, actions=by_number)))
        said = await desk.say("A-17")
        assert said[0].startswith("What we were doing has changed")
        assert await desk.say("book it") == ["Which order?"]
        assert await versions(desk, "ana") == ["2"]


async def test_a_turn_that_runs_ends_in_the_version_in_which_it_began(tmp_path: Path) -> None:
    bookings = Bookings()
    async with stage(tmp_path, flows=edition(tmp_path), actions={"book_it": bookings.action()}) as desk:

        async def published_meanwhile() -> None:
            bookings.first = None
            await publish(desk, edition(tmp_path, ("version: 1", "version: 2"), ("Booked", "Reserved")))

        await desk.say("book it")
        await desk.say("A-17")
        bookings.first = published_meanwhile
        assert await desk.say("monday") == ["Booked B-1."]
        await desk.say("book it")
        await desk.say("A-17")
        assert await desk.say("monday") == ["Reserved B-2."]


RENAMED = (
    ("version: 1", "version: 2"),
    ("slots:", "migrate: {do_book_it: again}\nslots:"),
    ("  - {do: book_it", "  - {say: Well then.}\n  - {id: again, do: book_it"),
)


@pytest.mark.parametrize("at", [1, 2, 3, 4], ids=["intent", "result", "commit", "later"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_action_that_had_begun_is_not_run_again_by_the_new_version(tmp_path: Path, at: int, when: str) -> None:
    """The process dies while it acts; the next one has published flows in which that step has another name."""
    bookings, clock = Bookings(), SettableClock()
    actions, store = {"book_it": bookings.action()}, open_store("sqlite://", clock)
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    cut = Crossings(for_good=True, when="before" if when == "before" else "after").of(store)
    edition(old)
    edition(new, *RENAMED)
    async with stage(old, flows=old, actions=actions, seen_as=lambda _: cut, clock=clock) as desk:
        await desk.say("book it")
        await desk.say("A-17")
        cut.at, cut.passed = at + 1, 0  # the first accepts the words
        await desk.memory.say("ana", "monday", key="m3")
        async with stage(
            new, flows=new, actions=actions, seen_as=lambda _: Shared(store), clock=clock, keys="b"
        ) as spare:
            await clock.advance(120)
            spare.addresses["ana"] = desk.memory.address("ana")
            assert len(bookings.made) == 1
            assert len({event.body.key for event in await spare.of(Acting) if isinstance(event.body, Acting)}) == 1
            assert len(await spare.of(Acted)) == 1
            assert [line for by, line in await spare.lines() if by == "bot"][-1] == "Booked B-1."
        cut.for_good = False


async def test_what_is_known_of_a_version_outlives_the_process(tmp_path: Path) -> None:
    """Kept versions are read from the store, where the process before left them."""
    clock = SettableClock()
    store = open_store("sqlite://", clock)
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    edition(old)
    edition(new, ("version: 1", "version: 2"), ("say: Which order?", "say: Its number?, tries: 5"))
    async with stage(old, flows=old, seen_as=lambda _: Shared(store), clock=clock) as desk:
        await desk.say("book it")
        address = desk.memory.address("ana")
    async with stage(new, flows=new, seen_as=lambda _: Shared(store), clock=clock, keys="b") as desk:
        desk.addresses["ana"] = address
        await desk.memory.say("ana", "nonsense")
        await desk.settle()
        assert [line for by, line in await desk.lines() if by == "bot"][-1].endswith("Which order?")
        assert await versions(desk, "ana") == ["1"]


ENDING = """
flow: hours
version: 1
about: Hours.
examples: [when are you open]
steps: [{say: From nine to five.}]
---
pattern: end
slots: {more: {type: text}}
steps:
  - {ask: more, say: Anything else?}
  - {say: "I note: {{ more }}."}
"""


async def test_who_is_in_a_pattern_finishes_it_as_it_was(tmp_path: Path) -> None:
    def published(ending: str) -> Path:
        folder = project(tmp_path, ending)
        (folder / "knowledge").mkdir(exist_ok=True)
        return folder

    async with stage(tmp_path, flows=published(ENDING)) as desk:
        assert await desk.say("when are you open", chat="first") == ["From nine to five.", "Anything else?"]
        newer = ENDING.replace("Anything else?}", "What more?, tries: 5}").replace("I note", "I wrote")
        newer = newer.replace('more }}."}', 'more }}."}\n  - {say: Bye.}')
        await publish(desk, published(newer))
        assert await desk.say("nothing at all", chat="first") == ["I note: nothing at all."]
        assert await desk.say("when are you open", chat="second") == ["From nine to five.", "What more?"]
        assert await desk.say("nothing at all", chat="second") == ["I wrote: nothing at all.", "Bye."]


async def test_who_is_in_a_pattern_that_comes_with_the_program_finishes_it(tmp_path: Path) -> None:
    """A newer program ships another text of it: what the customer was asked is still what the answer is to."""
    flows = project(tmp_path, "flow: hours\nabout: Hours.\nsteps: [{say: From nine to five.}]")
    (flows / "knowledge").mkdir()
    async with stage(tmp_path, flows=flows) as desk:
        for _ in range(3):
            await desk.say("/clarify")
        state = (await desk.found()).state
        assert state.stack[-1].flow == "clarify"
        pattern = desk.parts.book.patterns["clarify"]
        other = dataclasses.replace(pattern, version="2.other", structure=desk.parts.book.patterns["stuck"].structure)
        newer = dataclasses.replace(desk.parts.book, patterns={**desk.parts.book.patterns, "clarify": other})
        await desk.parts.shelf.publish(newer)
        assert (await desk.say("no"))[0] == "All right, no person will be called."
