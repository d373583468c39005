"""T0: what was acknowledged is in the log, once; what could not be is never acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.bus.memory import MemoryBus
from bot.errors import StoreDown
from bot.inbox import Inbox
from bot.model import Address, Incoming, Message, Opened, Pressed, Said, Span, State, Text, text
from bot.ports import Accepted, Arrival, Happened, News, Store
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock
from bot.testing.store import bodies, seqs
from bot.units import Accept, Claimed, DeadLetters, Lease, Log, Prune
from tests.journeys.crossings import Crossings

LEASE = Lease("w1", timedelta(seconds=15))


@dataclass
class Taken:
    """An engine that only remembers what it was given."""

    lease: Lease | None = LEASE
    claimed: list[Claimed] = field(default_factory=list)

    def room(self) -> Lease | None:
        return self.lease

    def take(self, claimed: Claimed) -> None:
        self.claimed.append(claimed)


class Door:
    def __init__(self, store: Store | None = None, clock: SettableClock | None = None) -> None:
        self.clock, self.bus, self.engine = clock or SettableClock(), MemoryBus(), Taken()
        self.store = store or open_store("sqlite://", self.clock)
        self.told: list[News] = []
        self.bus.listen(None, self.told.append)
        self.inbox = Inbox(
            store=self.store,
            bus=self.bus,
            clock=self.clock,
            random=SeededRandom(),
            engine=self.engine,
            initial=State(),
        )

    async def log(self, accepted: Accepted) -> list[object]:
        assert accepted.conversation is not None
        return list(bodies(await self.store.read(Log(conversation=accepted.conversation))))


def arrival(*bodies: Incoming, key: str = "k1", chat: str = "ana") -> Arrival:
    to = Address("web", "shop", chat)
    return Arrival(account="shop", key=key, raw=b"raw", to=to, by=chat, at=START, bodies=bodies, language="en")


HELLO = Said(text("hello"))


async def test_what_arrives_is_kept_told_and_taken() -> None:
    door = Door()
    accepted = await door.inbox(arrival(HELLO))
    assert (accepted.fresh, accepted.seq) == (True, 1)
    (claimed,) = door.engine.claimed
    assert claimed.conversation.id == accepted.conversation
    (told,) = door.told
    assert isinstance(told, Happened)
    assert (told.conversation, seqs(told.events), bodies(told.events)) == (accepted.conversation, [1], [HELLO])


async def test_a_repeat_changes_nothing_and_is_told_to_nobody() -> None:
    door = Door()
    first = await door.inbox(arrival(HELLO))
    second = await door.inbox(replace(arrival(HELLO), at=START + timedelta(hours=1), raw=b"retried"))
    assert second == replace(first, fresh=False, events=())
    assert (len(door.told), len(door.engine.claimed)) == (1, 1)
    assert await door.store.read(DeadLetters()) == ()


async def test_the_same_id_with_another_body_is_a_dead_letter() -> None:
    door = Door()
    first = await door.inbox(arrival(HELLO))
    second = await door.inbox(replace(arrival(Said(text("goodbye"))), raw=b"other"))
    assert (second.fresh, second.differs, second.seq) == (False, True, 1)
    assert await door.log(first) == [HELLO]
    (dead,) = await door.store.read(DeadLetters())
    assert (dead.key, dead.raw) == ("k1", b"other")


async def test_one_act_that_arrives_under_two_ids_is_one_event() -> None:
    door = Door()
    first = await door.inbox(replace(arrival(HELLO, key="a"), twin="t"))
    second = await door.inbox(replace(arrival(HELLO, key="b"), twin="t"))
    assert (second.fresh, second.seq) == (False, first.seq)


async def test_what_cannot_be_read_is_kept_with_its_bytes_and_acknowledged() -> None:
    door = Door()
    accepted = await door.inbox(replace(arrival(), unreadable="no JSON", raw=b"\x00\xff"))
    assert accepted == Accepted(fresh=True, conversation=None, seq=None)
    (dead,) = await door.store.read(DeadLetters())
    assert (dead.why, dead.raw) == ("no JSON", b"\x00\xff")


async def test_what_is_of_no_interest_leaves_nothing() -> None:
    door = Door()
    assert await door.inbox(arrival()) == Accepted(fresh=True, conversation=None, seq=None)
    assert door.told == []


async def test_without_room_it_is_accepted_all_the_same() -> None:
    door = Door()
    door.engine.lease = None
    assert (await door.inbox(arrival(HELLO))).fresh
    assert door.engine.claimed == []


async def test_what_the_store_refuses_is_not_acknowledged_and_accepted_when_it_comes_again() -> None:
    clock = SettableClock()
    door = Door(Crossings(at=1, only=Accept).of(open_store("sqlite://", clock)))
    with pytest.raises(StoreDown):
        await door.inbox(arrival(HELLO))
    assert door.told == []
    assert (await door.inbox(arrival(HELLO))).fresh


async def test_many_at_once_keep_their_order() -> None:
    door = Door()
    accepted = await door.inbox.many([arrival(Said(text(str(n))), key=str(n)) for n in range(20)])
    assert [each.seq for each in accepted] == list(range(1, 21))
    assert await door.log(accepted[0]) == [Said(text(str(n))) for n in range(20)]


async def test_one_of_many_that_fails_fails_them_when_all_are_settled() -> None:
    door = Door(Crossings(at=2, only=Accept).of(open_store("sqlite://", SettableClock())))
    arrivals = [arrival(Said(text(str(n))), key=str(n)) for n in range(3)]
    with pytest.raises(StoreDown):
        await door.inbox.many(arrivals)
    assert len(door.told) == 2
    repeated = await door.inbox.many(arrivals)
    assert [each.fresh for each in repeated] == [False, True, False]


DIRTY = "a\x00b\ud800\r\nc"
CLEAN = "ab\ufffd\nc"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (
            Said(Message((Text((Span(DIRTY, ("bold",), DIRTY),)),), DIRTY), DIRTY),
            Said(Message((Text((Span(CLEAN, ("bold",), CLEAN),)),), CLEAN), CLEAN),
        ),
        (Pressed(DIRTY, DIRTY, DIRTY), Pressed(CLEAN, CLEAN, CLEAN)),
        (Opened(DIRTY, DIRTY), Opened(CLEAN, CLEAN)),
    ],
    ids=["said", "pressed", "opened"],
)
async def test_every_text_is_made_storable(body: Incoming, kept: Incoming) -> None:
    door = Door()
    accepted = await door.inbox(replace(arrival(body), name=DIRTY, language=DIRTY))
    assert await door.log(accepted) == [kept]
    assert door.engine.claimed[0].conversation.language == CLEAN


async def test_two_who_say_the_same_at_once_are_accepted_once() -> None:
    door = Door()
    both = await asyncio.gather(door.inbox(arrival(HELLO)), door.inbox(arrival(HELLO)))
    assert sorted(each.fresh for each in both) == [False, True]
    assert len(door.told) == 1


async def test_the_keys_of_last_week_are_forgotten_and_later_ones_are_not() -> None:
    door = Door()
    await door.inbox(arrival(Said(text("long ago")), key="old"))
    await door.clock.advance(6 * 24 * 3600)
    await door.inbox(arrival(Said(text("yesterday")), key="new"))
    pruning = asyncio.create_task(door.inbox.run())
    await door.clock.advance(24 * 3600 + 3600)
    again = [
        await door.inbox(arrival(Said(text(words)), key=key))
        for key, words in (("old", "long ago"), ("new", "yesterday"))
    ]
    assert [accepted.fresh for accepted in again] == [True, False]
    pruning.cancel()
    await door.store.close()


async def test_forgetting_goes_on_an_hour_after_whatever_made_it_fail() -> None:
    async def broken() -> None:
        raise TypeError("a bug")

    clock = SettableClock()
    store = Crossings(at=1, only=Prune, what=broken).of(open_store("sqlite://", clock))
    door = Door(store, clock)
    await door.inbox(arrival(HELLO))
    await clock.advance(8 * 24 * 3600)
    with capture_logs() as logs:
        pruning = asyncio.create_task(door.inbox.run())
        await clock.advance(3600)
    assert [line["event"] for line in logs] == ["inbox.prune_failed"]
    assert (await door.inbox(arrival(HELLO))).fresh
    pruning.cancel()
    await store.close()
