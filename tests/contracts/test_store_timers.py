"""Every store: a timer that is due becomes an input once; what is known of a customer is known everywhere."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.model import SYSTEM, WITH_CUSTOMER, Control, Conversation, Emptied, Filled, Json, Rang, Settled, State, Timer
from bot.ports import Store
from bot.store import open_store
from bot.store.postgres import PostgresStore
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock
from bot.testing.store import LEASE, Scene
from bot.units import Amended, Commit, Committed, CustomerSlots, Entry, Lease, NextAlarm, Ring, Rung

DUE = START + timedelta(minutes=10)


def asleep(*minutes: int) -> State:
    return State(timers=tuple(Timer(1, "wait", "wait", START + timedelta(minutes=m), n) for n, m in enumerate(minutes)))


async def sleeps(scene: Scene, *minutes: int, chat: str = "1") -> Conversation:
    """A conversation whose bot wants to be woken after so many minutes."""
    claimed = await scene.asks("hello", chat=chat)
    done = await scene.store.write(scene.commit(claimed, "later", state=asleep(*minutes or (10,))))
    assert isinstance(done, Committed)
    return done.conversation


async def ring(scene: Scene, minutes: float = 10, *, lease: Lease | None = None, most: int = 100) -> tuple[Rung, ...]:
    return await scene.store.write(Ring(at=START + timedelta(minutes=minutes), most=most, lease=lease))


async def alarm(scene: Scene) -> datetime | None:
    return await scene.store.read(NextAlarm())


async def test_nobody_is_woken_who_did_not_ask_for_it(scene: Scene) -> None:
    await scene.exchange("hello")
    assert await alarm(scene) is None
    assert await ring(scene) == ()


async def test_the_first_timer_of_all_is_the_next_alarm(scene: Scene) -> None:
    await sleeps(scene, 20, 30, chat="1")
    await sleeps(scene, 10, 40, chat="2")
    assert await alarm(scene) == DUE


async def test_a_timer_rings_when_it_is_due_and_not_before(scene: Scene) -> None:
    now = await sleeps(scene)
    assert await ring(scene, 9.99) == ()
    (rung,) = await ring(scene)
    assert rung.conversation == now.id
    assert (rung.event.seq, rung.event.author, rung.event.body) == (now.last_seq + 1, SYSTEM, Rang(DUE))
    assert not rung.event.public
    assert (await scene.log(now.id))[-1] == rung.event


async def test_a_timer_rings_once(scene: Scene) -> None:
    await sleeps(scene)
    assert len(await ring(scene)) == 1
    assert await alarm(scene) is None
    assert await ring(scene) == ()


async def test_what_rang_is_an_input_of_the_next_turn(scene: Scene) -> None:
    now = await sleeps(scene)
    (rung,) = await ring(scene)
    assert rung.claimed is None
    (claimed,) = await scene.claims()
    assert (claimed.conversation.id, claimed.conversation.input_seq) == (now.id, rung.event.seq)


async def test_what_rang_is_claimed_with_it(scene: Scene) -> None:
    now = await sleeps(scene)
    (rung,) = await ring(scene, lease=LEASE)
    assert rung.claimed is not None
    claimed = rung.claimed
    assert (claimed.conversation.fence, claimed.conversation.attempts, claimed.inputs) == (
        now.fence + 1,
        1,
        (rung.event,),
    )
    assert claimed.state == asleep(10)
    assert await scene.claims() == ()


async def test_a_turn_sets_the_next_alarm(scene: Scene) -> None:
    await sleeps(scene, 10, 30)
    (rung,) = await ring(scene, lease=LEASE)
    assert rung.claimed
    await scene.store.write(scene.commit(rung.claimed, "still there?", state=asleep(30)))
    assert await alarm(scene) == START + timedelta(minutes=30)


async def test_a_turn_that_wants_nothing_later_sets_none(scene: Scene) -> None:
    await sleeps(scene)
    claimed = await scene.asks("hello?")
    await scene.store.write(scene.commit(claimed, "hello", state=State()))
    assert await alarm(scene) is None


async def test_while_a_human_is_awaited_only_the_time_for_it_runs(scene: Scene) -> None:
    timers = (Timer(1, "w", "wait", DUE - timedelta(minutes=5)), Timer(1, "do", "approval", DUE))
    claimed = await scene.asks("a refund")
    control = Control("queued", claimed.conversation.control.epoch + 1, since=scene.clock.now(), reason="approval")
    unit = scene.commit(claimed, state=State(timers=timers), control=control)
    done = await scene.store.write(unit)
    assert isinstance(done, Committed)
    assert await alarm(scene) == DUE
    (rung,) = await ring(scene)
    assert rung.event.body == Rang(DUE)
    (claimed,) = await scene.claims()
    await scene.store.write(scene.commit(claimed, state=claimed.state))  # heard, and left as it was
    assert await alarm(scene) == DUE
    await scene.takes_over((await scene.found(done.conversation.id)).conversation)
    assert await alarm(scene) is None


async def test_those_that_waited_longest_ring_first(scene: Scene) -> None:
    late, first = await sleeps(scene, 10, chat="1"), await sleeps(scene, 5, chat="2")
    assert [rung.conversation for rung in await ring(scene, most=1)] == [first.id]
    assert [rung.conversation for rung in await ring(scene, most=1)] == [late.id]


async def test_words_that_are_unheard_win(scene: Scene) -> None:
    now = await sleeps(scene)
    await scene.says("wait!")
    assert await alarm(scene) is None
    assert await ring(scene) == ()
    (claimed,) = await scene.claims()
    await scene.answers(claimed, "yes?")
    assert [rung.conversation for rung in await ring(scene)] == [now.id], "its turn kept the timer"


async def test_words_that_come_after_it_are_in_the_same_turn(scene: Scene) -> None:
    now = await sleeps(scene)
    (rung,) = await ring(scene)
    kept = await scene.says("wait!")
    (claimed,) = await scene.claims()
    assert (claimed.conversation.heard, claimed.conversation.input_seq) == (now.heard, kept.seq)
    assert kept.seq == rung.event.seq + 1


async def test_a_takeover_stops_the_clock(scene: Scene) -> None:
    now = await sleeps(scene)
    taken = await scene.takes_over(now)
    assert await alarm(scene) is None
    assert await ring(scene) == ()
    await scene.amends(scene.controls(taken.conversation, "bot"))
    assert await alarm(scene) == DUE, "with the bot it runs on"


async def test_a_turn_that_a_human_takes_over_sets_no_alarm(scene: Scene) -> None:
    now = await sleeps(scene)
    (rung,) = await ring(scene, lease=LEASE)
    assert rung.claimed
    await scene.takes_over(now)
    lost = await scene.store.write(scene.commit(rung.claimed, "still there?", state=asleep(30)))
    assert not isinstance(lost, Committed)
    assert await alarm(scene) is None


async def test_a_turn_that_asks_for_a_human_sets_no_alarm(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    done = await scene.asks_for_a_human(replace(claimed, state=asleep(10)))
    assert done.conversation.control.state == "queued"
    assert await alarm(scene) is None


async def test_a_conversation_that_is_closed_is_not_woken(scene: Scene) -> None:
    now = await sleeps(scene)
    closing = scene.amend(now.id, Entry(SYSTEM, Settled("resolved"), now.control.epoch))
    assert isinstance(await scene.store.write(replace(closing, status="resolved")), Amended)
    assert await alarm(scene) is None
    assert await ring(scene) == ()


async def test_a_lease_that_is_held_is_not_taken_by_an_alarm(scene: Scene, clock: SettableClock) -> None:
    now = await sleeps(scene)
    (rung,) = await ring(scene, lease=LEASE)
    assert rung.claimed
    await scene.store.write(replace(scene.commit(rung.claimed, state=asleep(10)), heard=rung.event.seq))
    (again,) = await ring(scene, lease=LEASE)
    assert again.claimed
    assert again.claimed.conversation.id == now.id
    assert await ring(scene, lease=LEASE) == ()


async def test_a_long_night_rings_every_timer_once(scene: Scene) -> None:
    chats = [str(number) for number in range(30)]
    asleep_now = [await sleeps(scene, 1 + number, chat=chat) for number, chat in enumerate(chats)]
    rung = [each for _ in range(5) for each in await ring(scene, 60 * 24, most=10)]
    assert [each.conversation for each in rung] == [now.id for now in asleep_now]


async def test_alarms_outlive_the_process(lasting_address: str) -> None:
    clock = SettableClock()
    first = Scene(await asyncio.to_thread(open_store, lasting_address, clock), clock, SeededRandom())
    now = await sleeps(first)
    await first.store.close()
    second = Scene(await asyncio.to_thread(open_store, lasting_address, clock), clock, SeededRandom(1))
    assert await alarm(second) == DUE
    assert [rung.conversation for rung in await ring(second)] == [now.id]
    await second.store.close()


async def test_two_processes_wake_each_conversation_once(postgres_database: str) -> None:
    clock = SettableClock()
    stores = [PostgresStore(postgres_database, clock) for _ in range(2)]
    scenes = [Scene(store, clock, SeededRandom(number)) for number, store in enumerate(stores)]
    made = [(await sleeps(scenes[0], chat=str(number))).id for number in range(40)]
    found = await asyncio.gather(*(ring(scene, lease=LEASE, most=10) for scene in scenes * 4))
    rung = sorted(each.conversation for some in found for each in some)
    left = [each.conversation for each in await ring(scenes[0])]
    assert sorted((*rung, *left)) == sorted(made)
    for store in stores:
        await store.close()


# What is known of a customer


async def learns(scene: Scene, *moves: Filled | Emptied, chat: str, by: str = "ana") -> Conversation:
    kept = await scene.store.write(scene.accept("hello", chat=chat, by=by, lease=LEASE))
    assert kept.claimed
    unit: Commit = replace(scene.commit(kept.claimed, "noted"), learnt=moves)
    done = await scene.store.write(unit)
    assert isinstance(done, Committed)
    return done.conversation


async def known(store: Store, now: Conversation) -> dict[str, Json]:
    return await store.read(CustomerSlots(now.contact))


@pytest.mark.parametrize(
    "value", ["Ana", 7, 1.5, True, None, ["a", {"b": None}], {"amount": "5.50", "currency": "EUR"}]
)
async def test_what_a_turn_learns_of_a_customer_is_known(scene: Scene, value: Json) -> None:
    now = await learns(scene, Filled("fact", value, WITH_CUSTOMER), chat="1")
    assert await known(scene.store, now) == {"fact": value}


async def test_nothing_is_known_of_a_stranger(scene: Scene) -> None:
    assert await known(scene.store, await scene.exchange("hello")) == {}


async def test_two_conversations_of_one_person_share_what_is_known(scene: Scene) -> None:
    here = await learns(scene, Filled("name", "Ana", WITH_CUSTOMER), Filled("size", 38, WITH_CUSTOMER), chat="1")
    there = await learns(scene, Emptied("size", WITH_CUSTOMER), Filled("city", "Lyon", WITH_CUSTOMER), chat="2")
    assert here.contact == there.contact
    assert await known(scene.store, here) == {"name": "Ana", "city": "Lyon"}


async def test_what_was_learnt_at_the_same_time_is_all_kept(scene: Scene) -> None:
    moves = [Filled(f"fact{number}", number, WITH_CUSTOMER) for number in range(5)]
    for number in range(5):  # the person is known before all write at once
        await scene.store.write(scene.accept("hi", chat=str(number), by="ana"))
    claims = {claimed.conversation.address.chat: claimed for claimed in await scene.claims()}
    units = [replace(scene.commit(claims[str(n)], "noted"), learnt=(move,)) for n, move in enumerate(moves)]
    done = await asyncio.gather(*(scene.store.write(unit) for unit in units))
    assert all(isinstance(one, Committed) for one in done)
    assert await known(scene.store, claims["0"].conversation) == {f"fact{number}": number for number in range(5)}


async def test_a_turn_that_is_lost_has_learnt_nothing(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.takes_over(claimed.conversation)
    unit: Commit = replace(scene.commit(claimed, "noted"), learnt=(Filled("name", "Ana", WITH_CUSTOMER),))
    assert not isinstance(await scene.store.write(unit), Committed)
    assert await known(scene.store, claimed.conversation) == {}
