"""What the parts count is what happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.errors import StoreDown, TryLater, Unshowable
from bot.flow.book import Book
from bot.model import Outcome, Said, Turn, text
from bot.ports import Powers, Store
from bot.store import open_store
from bot.store.sqlite import FileStore
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock, settle
from bot.testing.store import Scene
from bot.units import Accept, Claim, Commit, Lease, Release, Renew
from tests.bot.room import JO
from tests.bot.test_outbox import post
from tests.bot.works import Made, Take, echo, hangs, raises, works
from tests.journeys.crossings import Crossings


async def says_nothing(turn: Turn, powers: Powers) -> Outcome:
    return Outcome(responder="made", silent=True)


@pytest.mark.parametrize(
    ("take", "counted"),
    [
        (echo, {"made": 1}),
        (says_nothing, {"silent": 1}),
        (raises, {"failed": 5, "set_aside": 1}),
        (hangs, {"out_of_time": 5, "set_aside": 1}),
    ],
)
async def test_a_turn_is_counted_by_how_it_ends(
    book: Book, store: Store, clock: SettableClock, take: Take, counted: dict[str, int]
) -> None:
    async with works(book, Made(take), store=store, clock=clock, deadline=timedelta(seconds=20)) as at:
        await at.say("hello")
        await clock.advance(5 * 25)
        assert +at.engine.counts.turns == Counter(counted)
        assert at.engine.turns == 0


async def test_a_turn_in_the_air_is_counted_and_so_is_its_draft(book: Book, store: Store, clock: SettableClock) -> None:
    async def drafts(turn: Turn, powers: Powers) -> Outcome:
        powers.draft().add("Let me see")
        return await hangs(turn, powers)

    async with works(book, Made(drafts), store=store, clock=clock, patience=timedelta(0)) as at:
        await at.say("hello")
        await settle()
        assert (at.engine.turns, at.engine.drafts) == (1, 1)


async def test_an_answer_that_a_human_was_faster_than_is_superseded(
    book: Book, store: Store, clock: SettableClock
) -> None:
    gate = asyncio.Event()

    async def slow(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, Made(slow), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await at.desk.take_over(now.id, JO, now.control.epoch)
        gate.set()
        await clock.advance(2)
        assert +at.engine.counts.turns == Counter({"superseded": 1, "silent": 1})


async def test_a_renewal_that_fails_and_a_lease_that_was_not_confirmed_are_counted(
    book: Book, clock: SettableClock
) -> None:
    down = Crossings(at=1, only=Renew, for_good=True).of(open_store("sqlite://", clock))
    async with works(book, Made(hangs), store=down, clock=clock, patience=timedelta(0)) as at:
        await at.say("hello")
        await clock.advance(14)
        counts = at.engine.counts
        assert +counts.leases_lost == Counter({"unconfirmed": 1})
        assert counts.renewals_failed > 0
        assert counts.store_down >= counts.renewals_failed


@pytest.mark.parametrize(("seconds", "how"), [(6.0, "refused"), (0.0, "overtaken")])
async def test_a_lease_that_went_to_another_is_counted(
    book: Book, store: Store, clock: SettableClock, seconds: float, how: str
) -> None:
    gate = asyncio.Event()

    async def slow(turn: Turn, powers: Powers) -> Outcome:
        await gate.wait()
        return await echo(turn, powers)

    async with works(book, Made(slow), store=store, clock=clock) as at:
        await at.say("hello")
        now = (await at.found()).conversation
        await store.write(Release(conversation=now.id, fence=now.fence))
        await store.write(Claim(lease=Lease("w2", timedelta(seconds=15)), most=1))
        await clock.advance(seconds)
        gate.set()
        await settle()
        assert +at.engine.counts.leases_lost == Counter({how: 1})


async def test_a_store_that_did_not_answer_a_turn_is_counted(book: Book, clock: SettableClock) -> None:
    store = Crossings(at=1, only=Commit).of(open_store("sqlite://", clock))
    async with works(book, Made(echo), store=store, clock=clock) as at:
        await at.say("hello")
        await clock.advance(5)
        assert at.engine.counts.store_down == 1
        assert +at.engine.counts.turns == Counter({"made": 1})


async def test_arrivals_are_counted_by_channel_and_by_what_became_of_them(book: Book, clock: SettableClock) -> None:
    store = Crossings(at=4, only=Accept).of(open_store("sqlite://", clock))
    async with works(book, Made(echo), store=store, clock=clock) as at:
        for words, key in (("one", "a"), ("one", "a"), ("other", "a")):
            await at.hear(Said(text(words)), key=key)
        with pytest.raises(StoreDown):
            await at.hear(Said(text("two")), key="b")
        await at.hear(Said(text("two")), key="b", channel="memory")
        await at.inbox(replace(at.arrival(), unreadable="no JSON"))
        assert at.inbox.counts.arrivals == {
            ("web", "fresh"): 1,
            ("web", "repeat"): 1,
            ("web", "differs"): 1,
            ("web", "refused"): 1,
            ("memory", "fresh"): 1,
            ("web", "unreadable"): 1,
        }


async def test_deliveries_are_counted_by_channel_and_by_how_each_attempt_ended() -> None:
    async with post() as at:
        at.memory.faults = [TryLater("busy"), None, Unshowable("bad"), Unshowable("bad")]
        await at.promise("one", "two")
        await at.clock.advance(10)
        assert at.outbox.counts.deliveries == {("memory", "again"): 2, ("memory", "sent"): 1, ("memory", "dead"): 1}
        assert at.outbox.flying == 0


async def test_units_that_were_committed_together_are_one_commit(tmp_path: Path) -> None:
    clock = SettableClock()
    store = FileStore(tmp_path / "store.db", clock)
    scene = Scene(store, clock, SeededRandom())
    await asyncio.gather(*(scene.says("hello", chat=str(chat)) for chat in range(50)))
    assert store.units == 50
    assert store.commits < 10
    await store.close()
