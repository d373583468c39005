"""Who takes a turn takes it once: whatever fails, hangs, moves or stops meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import pytest
from msgspec.structs import replace

from bot.engine import MOST_WINDOWS
from bot.errors import StoreDown
from bot.flow.book import Book
from bot.model import Outcome, Turn, text
from bot.ports import Happened, Powers, Store, Unit
from bot.shelf import Edition, Shelf
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock, settle
from bot.testing.store import Scene
from bot.units import Accept, Claim, Commit, Lease, Release, Renew, Unheard
from tests.bot.room import JO
from tests.bot.works import Made, Take, echo, hangs, no_facts, raises, works
from tests.journeys.crossings import Crossings

R = TypeVar("R")

ELSEWHERE = Lease("w2", timedelta(seconds=15))


# What fails


async def test_a_turn_that_always_fails_is_set_aside_and_a_human_asked(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async with works(book, poison := Made(raises), store=store, clock=clock) as at:
        await at.say("hello")
        await clock.advance(60)
        assert [turn.attempt for turn in poison.turns] == [1, 2, 3, 4, 5]
        assert await at.said() == ["failed", "handoff_asked"]
        now = (await at.found()).conversation
        assert (now.control.state, now.control.reason, now.heard) == ("queued", "error", now.input_seq)


async def test_a_turn_that_always_hangs_is_set_aside_too(book: Book, store: Store, clock: SettableClock) -> None:
    async with works(book, poison := Made(hangs), store=store, clock=clock, deadline=timedelta(seconds=20)) as at:
        await at.say("hello")
        await clock.advance(5 * 25)
        assert len(poison.turns) == 5
        assert await at.said() == ["failed", "handoff_asked"]


async def test_a_deadline_gives_the_lease_back_once_and_at_once(book: Book, clock: SettableClock) -> None:
    store = Recording(open_store("sqlite://", clock))
    async with works(book, hung := Made(hangs), store=store, clock=clock, deadline=timedelta(seconds=20)) as at:
        await at.say("hello")
        await clock.advance(21.5)
        assert store.of(Release) == 1
        await clock.advance(1)
        assert [turn.attempt for turn in hung.turns] == [1, 2]


async def test_setting_aside_is_silent_where_a_human_has_the_floor(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async def fails_with_a_human(turn: Turn, powers: Powers) -> Outcome:
        if turn.conversation.control.state == "bot":
            return await echo(turn, powers)
        raise ValueError("poison")

    async with works(book, store=store, clock=clock) as at:
        at.engine._director._shelf = Shelf(
            book, lambda book: Edition(book, (Made(fails_with_a_human),), no_facts), store=store, clock=clock
        )
        await at.say("hello")
        await clock.advance(0)
        now = (await at.found()).conversation
        await at.desk.take_over(now.id, JO, now.control.epoch)
        await at.say("and now?")
        await clock.advance(60)
        assert await at.said() == ["echo hello", "handoff_joined"]
        now = (await at.found()).conversation
        assert (now.control.state, now.heard) == ("human", now.input_seq)


async def test_a_poisoned_conversation_harms_no_other(book: Book, store: Store, clock: SettableClock) -> None:
    async def fails_for_eve(turn: Turn, powers: Powers) -> Outcome:
        return await (raises if turn.conversation.address.chat == "eve" else echo)(turn, powers)

    async with works(book, Made(fails_for_eve), store=store, clock=clock) as at:
        await at.say("hello", chat="eve")
        await at.say("hello", chat="ana")
        await clock.advance(0)
        assert await at.said("ana") == ["echo hello"]


async def test_an_outcome_that_the_store_refuses_is_set_aside(book: Book, clock: SettableClock) -> None:
    class Refusing(Recording):
        async def write(self, unit: Unit[R], /) -> R:
            if isinstance(unit, Commit) and "echo" in str(unit.entries):
                raise ValueError("the database refused Commit")
            return await super().write(unit)

    async with works(book, made := Made(echo), store=Refusing(open_store("sqlite://", clock)), clock=clock) as at:
        await at.say("hello")
        await clock.advance(60)
        assert (len(made.turns), await at.said()) == (5, ["failed", "handoff_asked"])


async def test_each_failure_is_waited_for_longer(book: Book, store: Store, clock: SettableClock) -> None:
    async with works(book, poison := Made(raises), store=store, clock=clock, sweep_every=timedelta(seconds=0.05)) as at:
        await at.say("hello")
        await clock.advance(60)
        pauses = [(later.now - earlier.now).total_seconds() for earlier, later in pairwise(poison.turns)]
        assert all(least <= pause for least, pause in zip((0.25, 0.5, 1, 2), pauses, strict=True))


@pytest.mark.parametrize("unit", [Accept, Claim, Renew, Release, Commit])
async def test_a_store_that_is_down_for_a_moment_delays_and_no_more(
    book: Book, clock: SettableClock, unit: type[Unit[object]]
) -> None:
    crossings = Crossings(at=1, only=unit).of(open_store("sqlite://", clock))
    async with works(book, Made(slowly_after_one_failure(clock)), store=crossings, clock=clock) as at:
        try:
            await at.say("hello")
        except StoreDown:
            await at.say("hello")
        await clock.advance(30)
        assert crossings.happened
        assert await at.said() == ["echo hello"]


# Leases


async def test_a_lease_that_cannot_be_renewed_ends_the_turn_before_it_ends(book: Book, clock: SettableClock) -> None:
    down = Crossings(at=1, only=Renew, for_good=True).of(open_store("sqlite://", clock))
    async with works(book, hung := Made(hangs), store=down, clock=clock) as at:
        await at.say("hello")
        await clock.advance(12.5)
        assert len(hung.turns) == 1
        down.for_good = False
        await clock.advance(2)
        assert [turn.attempt for turn in hung.turns] == [1, 2], "given up at 13 s, and taken again"


async def test_a_lost_lease_ends_the_turn_and_leaves_the_new_one_alone(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async with works(book, hung := Made(hangs), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await store.write(Release(conversation=now.id, fence=now.fence))
        (claimed,) = await store.write(Claim(lease=ELSEWHERE, most=1))
        await clock.advance(6)
        assert len(hung.turns) == 1
        renewed = Renew(conversation=now.id, fence=claimed.conversation.fence, lease=ELSEWHERE)
        assert await store.write(renewed), "what was not ours was not given back"


async def test_a_new_claim_of_what_still_runs_here_ends_the_old_attempt(
    book: Book, store: Store, clock: SettableClock
) -> None:
    gate, went_on = asyncio.Event(), list[int]()

    async def once_open(turn: Turn, powers: Powers) -> Outcome:
        powers.draft().add(f"attempt {turn.attempt} ")
        await gate.wait()
        went_on.append(turn.attempt)
        return Outcome(responder="made", messages=(text(f"attempt {turn.attempt}"),))

    async with works(book, Made(once_open), store=store, clock=clock) as at:
        await at.say("hello")
        await settle()
        now = (await at.found()).conversation
        await store.write(Release(conversation=now.id, fence=now.fence))
        (claimed,) = await store.write(Claim(lease=Lease("w1", timedelta(seconds=15)), most=1))
        at.engine.take(claimed)
        await settle()
        assert at.engine.drafted(now.id) == "attempt 2 "
        gate.set()
        await clock.advance(10)
        assert (went_on, await at.said()) == ([2], ["attempt 2"])


async def test_a_turn_ended_in_the_middle_of_its_commit_is_committed_and_told_once(
    book: Book, clock: SettableClock
) -> None:
    gate = asyncio.Event()
    slow = Crossings(at=1, only=Commit, when="after", what=gate.wait).of(open_store("sqlite://", clock))
    async with works(book, made := Made(echo), store=slow, clock=clock, deadline=timedelta(seconds=3)) as at:
        await at.say("hello")
        await clock.advance(10)
        gate.set()
        await clock.advance(30)
        assert await at.said() == ["echo hello"]
        assert len(made.turns) == 1
        told = [event for news in at.told if isinstance(news, Happened) for event in news.events]
        assert told == list(await at.log())


async def test_a_door_that_gives_up_while_it_is_accepted_leaves_no_orphan(book: Book, clock: SettableClock) -> None:
    gate = asyncio.Event()
    slow = Crossings(at=1, only=Accept, when="after", what=gate.wait).of(open_store("sqlite://", clock))
    async with works(book, Made(echo), store=slow, clock=clock) as at:
        saying = asyncio.create_task(at.say("hello"))
        await settle()
        saying.cancel()
        gate.set()
        await asyncio.gather(saying, return_exceptions=True)
        assert saying.cancelled()
        await settle()
        assert await at.said() == ["echo hello"]


async def test_many_at_once_are_never_more_than_there_is_room_for_later(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async with works(book, hung := Made(hangs), store=store, clock=clock, most_turns=1) as at:
        await asyncio.gather(*(at.say("hello", chat=chat) for chat in "abc"))
        running = len(hung.turns)
        await at.say("hello", chat="d")
        await clock.advance(3)
        assert len(hung.turns) == running


async def test_a_backlog_is_taken_in_one_sweep(book: Book, store: Store, clock: SettableClock) -> None:
    scene = Scene(store, clock, SeededRandom(3))
    for chat in range(250):
        await scene.says("hello", chat=str(chat))
    async with works(book, made := Made(echo), store=store, clock=clock):
        await clock.advance(1)
        assert len(made.turns) == 250


# What happens meanwhile


async def test_two_wakes_are_one_turn(book: Book, store: Store, clock: SettableClock) -> None:
    scene = Scene(store, clock, SeededRandom(3))
    kept = await scene.says("hello")
    async with works(book, made := Made(echo), store=store, clock=clock) as at:
        at.engine.wake(kept.conversation)
        at.engine.wake(kept.conversation)
        await settle()
        assert len(made.turns) == 1


async def test_what_is_handed_back_while_a_turn_is_in_the_air_is_taken_right_after_it(
    book: Book, store: Store, clock: SettableClock
) -> None:
    gate = asyncio.Event()

    async def first_waits(turn: Turn, powers: Powers) -> Outcome:
        if len(made.turns) == 1:
            await gate.wait()
        return await echo(turn, powers)

    async with works(book, made := Made(first_waits), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        taken = await at.desk.take_over(now.id, JO, now.control.epoch)
        await at.desk.hand_back(now.id, JO, taken.conversation.control.epoch)
        gate.set()
        await settle()
        assert await at.said() == ["handoff_joined", "handoff_returned", "echo hello"]
        assert [turn.conversation.control.epoch for turn in made.turns] == [0, 2]
        now = (await at.found()).conversation
        assert now.heard == now.input_seq


async def test_what_was_closed_meanwhile_is_not_answered(book: Book, store: Store, clock: SettableClock) -> None:
    gate = asyncio.Event()

    async def waits(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, Made(waits), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await at.desk.resolve(now.id, JO, now.control.epoch)
        gate.set()
        await clock.advance(5)
        assert await at.said() == ["resolved"]
        now = (await at.found()).conversation
        assert (now.status, now.heard) == ("resolved", now.input_seq)
        await at.say("again")
        await settle()
        assert await at.said() == ["resolved", "echo again"]


async def test_what_was_closed_is_not_answered_with_what_opens_it_again(
    book: Book, store: Store, clock: SettableClock
) -> None:
    gate = asyncio.Event()

    async def waits(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, Made(waits), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await at.desk.resolve(now.id, JO, now.control.epoch)
        await at.say("again")
        gate.set()
        await clock.advance(5)
        assert await at.said() == ["resolved", "echo again"]


async def test_what_is_said_while_a_turn_learns_that_it_was_closed_is_answered(
    book: Book, clock: SettableClock
) -> None:
    gate, store = asyncio.Event(), Crossings(only=Unheard).of(open_store("sqlite://", clock))

    async def waits(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, Made(waits), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await at.desk.resolve(now.id, JO, now.control.epoch)
        store.at, store.what = 1, lambda: at.say("again")
        gate.set()
        await clock.advance(5)
        assert store.happened
        assert await at.said() == ["resolved", "echo again"]


async def test_what_was_paused_meanwhile_stays_unheard(book: Book, store: Store, clock: SettableClock) -> None:
    gate = asyncio.Event()

    async def waits(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    scene = Scene(store, clock, SeededRandom(3))
    async with works(book, Made(waits), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await scene.amends(scene.controls(now, "paused"))
        gate.set()
        await clock.advance(5)
        paused = (await at.found()).conversation
        assert (await at.said(), paused.heard) == ([], 0)
        await scene.amends(scene.controls(paused, "bot"))
        await clock.advance(2)
        assert await at.said() == ["echo hello"]


async def test_who_answers_part_of_a_burst_leaves_the_rest_to_a_turn_of_its_own(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async def only_the_first(turn: Turn, powers: Powers) -> Outcome:
        return replace(await echo(turn, powers), through=turn.inputs[0].seq)

    scene = Scene(store, clock, SeededRandom(3))
    kept = await scene.says("one", "two", "three")
    async with works(book, made := Made(only_the_first), store=store, clock=clock) as at:
        at.engine.wake(kept.conversation)
        await settle()
        assert [turn.words for turn in made.turns] == ["one\ntwo\nthree", "two\nthree", "three"]
        assert [turn.id for turn in made.turns] == [0, 1, 2]


async def test_a_customer_who_writes_on_and_on_is_answered_all_the_same(
    book: Book, store: Store, clock: SettableClock
) -> None:
    async def after_a_pause(turn: Turn, powers: Powers) -> Outcome:
        await powers.quiet()
        return await echo(turn, powers)

    async with works(book, Made(after_a_pause), store=store, clock=clock) as at:
        for number in range(2 * MOST_WINDOWS):
            await at.say(str(number))
            await clock.advance(0.3)
        assert len(await at.said()) == 1


# Stopping


async def test_stopping_lets_a_turn_finish_and_leaves_what_comes_after_it_to_others(
    book: Book, store: Store, clock: SettableClock
) -> None:
    gate = asyncio.Event()

    async def waits(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, made := Made(waits), store=store, clock=clock) as at:
        await at.say("one")
        await at.say("two")
        stopping = asyncio.create_task(at.engine.stop())
        await clock.advance(3)
        assert not stopping.done()
        gate.set()
        await settle()
        assert stopping.done()
        assert (len(made.turns), await at.said()) == (1, ["echo one"])
        assert len(await store.write(Claim(lease=ELSEWHERE, most=9))) == 1, "its lease was given back"


async def test_stopping_ends_what_does_not_finish_and_gives_its_lease_back(book: Book, clock: SettableClock) -> None:
    store = Recording(open_store("sqlite://", clock))
    async with works(book, Made(hangs), store=store, clock=clock) as at:
        await at.say("hello")
        stopping = asyncio.create_task(at.engine.stop())
        await clock.advance(26)
        assert stopping.done()
        assert store.of(Release) == 1
        assert store.of(Renew) >= 4, "renewed as long as it ran"
        assert len(await store.write(Claim(lease=ELSEWHERE, most=9))) == 1


async def test_nothing_is_claimed_after_stopping(book: Book, store: Store, clock: SettableClock) -> None:
    async with works(book, made := Made(echo), store=store, clock=clock) as at:
        await at.engine.stop()
        accepted = await at.say("hello")
        assert accepted.conversation is not None
        at.engine.wake(accepted.conversation)
        await clock.advance(5)
        assert made.turns == []
        assert len(await store.write(Claim(lease=ELSEWHERE, most=9))) == 1


@pytest.mark.parametrize("unit", [Accept, Claim])
async def test_what_was_being_claimed_when_it_stopped_is_given_back(
    book: Book, clock: SettableClock, unit: type[Accept] | type[Claim]
) -> None:
    gate = asyncio.Event()
    store = open_store("sqlite://", clock)
    slow = Crossings(only=unit, when="after", what=gate.wait).of(store)
    if unit is Claim:
        await Scene(store, clock, SeededRandom(3)).says("hello", chat="1")
    async with works(book, made := Made(echo), store=slow, clock=clock) as at:
        slow.at = 1
        saying = asyncio.create_task(at.say("hello")) if unit is Accept else asyncio.create_task(clock.advance(1))
        await settle(300)
        await at.engine.stop()
        at.sweeping.cancel()
        gate.set()
        await saying
        await settle()
        assert made.turns == []
        assert len(await store.write(Claim(lease=ELSEWHERE, most=9))) == 1


class Recording:
    """Remembers what is written."""

    def __init__(self, store: Store) -> None:
        self.inner, self.read, self.close = store, store.read, store.close
        self.units: list[object] = []

    async def write(self, unit: Unit[R], /) -> R:
        self.units.append(unit)
        return await self.inner.write(unit)

    def of(self, kind: type) -> int:
        return sum(isinstance(unit, kind) for unit in self.units)


def slowly_after_one_failure(clock: SettableClock) -> Take:
    """Needs every kind of unit: fails once, is long enough under way to need a renewal, answers."""
    failed: list[int] = []

    async def take(turn: Turn, powers: Powers) -> Outcome:
        if not failed:
            failed.append(1)
            raise ValueError("once")
        await clock.sleep(7)
        return await echo(turn, powers)

    return take
