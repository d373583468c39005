"""T1 to T4: a turn is claimed, taken once, and committed under fence and epoch or not at all."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.model import (
    BOT,
    Acted,
    Acting,
    Control,
    ConversationId,
    Event,
    Noted,
    Opened,
    Pressed,
    Returned,
    Said,
    State,
    Turned,
    text,
)
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import ANN, LEASE, OVER, Scene, bodies, seqs, spoken
from bot.units import (
    Amended,
    Committed,
    Entry,
    Find,
    Intend,
    Lease,
    Log,
    Lost,
    Record,
    Release,
    Renew,
    Unheard,
)

NOBODY = ConversationId("0" * 32)


# Claiming


async def test_what_is_unheard_can_be_claimed(scene: Scene) -> None:
    kept = await scene.says("hello")
    (claimed,) = await scene.claims()
    assert claimed.conversation.id == kept.conversation
    assert (claimed.conversation.fence, claimed.conversation.attempts) == (1, 1)
    assert claimed.inputs is None or claimed.inputs == kept.events


async def test_what_is_heard_cannot_be_claimed(scene: Scene) -> None:
    await scene.exchange("hello")
    assert await scene.claims() == ()


async def test_nobody_claims_what_another_has(scene: Scene) -> None:
    await scene.says("hello")
    assert len(await scene.claims()) == 1
    assert await scene.claims(lease=Lease("worker-2", timedelta(seconds=15))) == ()


async def test_two_who_claim_at_once_never_get_the_same(scene: Scene) -> None:
    for chat in range(20):
        await scene.says("hello", chat=str(chat))
    both = await asyncio.gather(*(scene.claims(most=15, lease=Lease(f"worker-{n}", LEASE.span)) for n in (1, 2)))
    ids = [claimed.conversation.id for claims in both for claimed in claims]
    assert len(ids) == len(set(ids)) == 20


async def test_the_oldest_ready_is_claimed_first(scene: Scene) -> None:
    kept = []
    for chat in ("3", "1", "2"):
        kept.append(await scene.says("hello", chat=chat))
        await scene.clock.advance(1)
    first = [(await scene.claims(most=1))[0].conversation.id for _ in kept]
    assert first == [one.conversation for one in kept]


async def test_no_more_are_claimed_than_asked_for(scene: Scene) -> None:
    for chat in range(5):
        await scene.says("hello", chat=str(chat))
    assert [len(await scene.claims(most=3)) for _ in range(3)] == [3, 2, 0]


async def test_one_conversation_can_be_claimed_by_its_id(scene: Scene) -> None:
    await scene.says("hello", chat="1")
    wanted = await scene.says("hello", chat="2")
    (claimed,) = await scene.claims(conversation=wanted.conversation)
    assert claimed.conversation.id == wanted.conversation
    assert await scene.claims(conversation=wanted.conversation) == ()
    assert await scene.claims(conversation=NOBODY) == ()


async def test_a_lease_that_ended_is_free_and_the_fence_rises(scene: Scene) -> None:
    await scene.says("hello", lease=OVER)
    claims = [(await scene.claims(lease=OVER))[0].conversation for _ in range(3)]
    assert [(now.fence, now.attempts) for now in claims] == [(2, 2), (3, 3), (4, 4)]


async def test_a_paused_conversation_is_not_claimed_until_it_is_released(scene: Scene) -> None:
    kept = await scene.says("hello")
    now = (await scene.found(kept.conversation)).conversation
    paused = await scene.amends(scene.controls(now, "paused"))
    assert await scene.claims() == ()
    assert (await scene.says("more", lease=LEASE)).claimed is None
    await scene.amends(scene.controls(paused.conversation, "bot"))
    assert len(await scene.claims()) == 1


async def test_what_is_handed_back_can_be_claimed(scene: Scene) -> None:
    now = await scene.exchange("hello")
    taken = await scene.takes_over(now)
    back = scene.controls(taken.conversation, "bot")
    marker = Entry(ANN, Returned("resume", "Ann"), now.control.epoch + 2)
    await scene.amends(replace(back, entries=(*back.entries, marker)))
    (claimed,) = await scene.claims()
    assert bodies(await scene.store.read(Unheard(now.id, claimed.conversation.heard))) == [Returned("resume", "Ann")]


# Holding and giving back


async def test_a_lease_can_be_renewed_by_its_holder_alone(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    renew = Renew(conversation=claimed.conversation.id, fence=1, lease=LEASE)
    assert await scene.store.write(renew)
    assert not await scene.store.write(replace(renew, fence=2))
    assert not await scene.store.write(replace(renew, lease=Lease("worker-2", LEASE.span)))
    assert not await scene.store.write(replace(renew, conversation=NOBODY))


async def test_a_renewed_lease_holds(scene: Scene) -> None:
    kept = await scene.says("hello", lease=OVER)
    assert await scene.store.write(Renew(conversation=kept.conversation, fence=1, lease=Lease("worker-0", LEASE.span)))
    assert await scene.claims() == ()


async def test_a_lease_that_went_to_another_cannot_be_renewed(scene: Scene) -> None:
    kept = await scene.says("hello", lease=OVER)
    await scene.claims()
    assert not await scene.store.write(Renew(conversation=kept.conversation, fence=1, lease=OVER))


async def test_a_lease_given_back_is_free_at_once(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    release = Release(conversation=claimed.conversation.id, fence=1)
    assert await scene.store.write(release)
    (again,) = await scene.claims()
    assert (again.conversation.fence, again.conversation.attempts) == (2, 2)
    assert not await scene.store.write(release)
    assert not await scene.store.write(replace(release, conversation=NOBODY))


async def test_a_lease_given_back_with_a_pause_is_not_ready_yet(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.store.write(Release(conversation=claimed.conversation.id, fence=1, pause=timedelta(hours=1)))
    assert await scene.claims() == ()
    assert (await scene.says("more", lease=LEASE)).claimed is None


async def test_nothing_is_given_back_twice(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.answers(claimed, "hi")
    assert not await scene.store.write(Release(conversation=claimed.conversation.id, fence=1))
    assert not await scene.store.write(Renew(conversation=claimed.conversation.id, fence=1, lease=LEASE))


# Committing


async def test_a_commit_writes_all_of_the_turn(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    turned = Entry(BOT, Turned("in_flow"), 0)
    state = State(slots={"order": "12"})
    unit = replace(scene.commit(claimed, "hi", entries=[turned], state=state), language="da")
    done = await scene.store.write(unit)
    assert isinstance(done, Committed)
    assert done.events == (
        Event(2, unit.at, BOT, Turned("in_flow"), turn=0, fence=1),
        Event(3, unit.at, BOT, Said(text("hi")), turn=0, fence=1, public=True, prev=1),
    )
    now = done.conversation
    assert (now.last_seq, now.public_seq, now.input_seq, now.heard) == (3, 3, 1, 1)
    assert (now.version, now.attempts, now.fence, now.language) == (1, 0, 1, "da")
    assert await scene.found(now.id) == await scene.store.read(Find(address=now.address))
    assert await scene.found(now.id) == type(await scene.found(now.id))(now, state)
    assert (await scene.log(now.id))[1:] == done.events


async def test_the_lease_goes_back_with_the_commit(scene: Scene) -> None:
    await scene.exchange("hello")
    again = await scene.asks("more")
    assert again.conversation.fence == 2


async def test_the_lease_is_kept_while_more_waits(scene: Scene) -> None:
    claimed = await scene.asks("one")
    await scene.says("two", lease=LEASE)
    done = await scene.answers(claimed, "hi")
    assert (done.conversation.heard, done.conversation.input_seq) == (1, 2)
    assert await scene.claims() == ()
    assert spoken(await scene.store.read(Unheard(done.conversation.id, 1))) == [("customer", "two")]
    both = replace(claimed, conversation=done.conversation)
    last = await scene.answers(both, "ho")
    assert (last.conversation.heard, last.conversation.fence) == (2, 1)
    assert [event.turn for event in last.events] == [1]


async def test_a_zombie_commits_nothing(scene: Scene) -> None:
    kept = await scene.says("hello", lease=OVER)
    assert kept.claimed is not None
    (claimed,) = await scene.claims()
    before = await scene.log(kept.conversation)
    lost = await scene.store.write(scene.commit(kept.claimed, "I was away", state=State(language="xx")))
    assert lost == Lost("fence", Control())
    assert await scene.log(kept.conversation) == before
    assert (await scene.found(kept.conversation)).state == State()
    assert isinstance(await scene.store.write(scene.commit(claimed, "I am here")), Committed)


async def test_a_turn_is_committed_once(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    unit = scene.commit(claimed, "hi")
    first, second = await asyncio.gather(scene.store.write(unit), scene.store.write(unit))
    assert isinstance(first, Committed)
    assert second == Lost("fence", Control())
    assert await scene.store.write(unit) == Lost("fence", Control())
    assert seqs(await scene.log(claimed.conversation.id)) == [1, 2]


async def test_a_turn_is_committed_once_even_while_its_lease_is_kept(scene: Scene) -> None:
    claimed = await scene.asks("one")
    await scene.says("two")
    unit = scene.commit(claimed, "hi")
    await scene.store.write(unit)
    assert isinstance(await scene.store.write(unit), Lost)


async def test_after_a_change_of_control_the_turn_is_lost(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    taken = await scene.takes_over(claimed.conversation)
    lost = await scene.store.write(scene.commit(claimed, "hi"))
    assert lost == Lost("epoch", taken.conversation.control)
    assert taken.conversation.control.holder == ANN.id
    assert spoken(await scene.log(claimed.conversation.id)) == [("customer", "hello")]


async def test_a_turn_taken_again_under_the_new_epoch_commits(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.takes_over(claimed.conversation)
    found = await scene.found(claimed.conversation.id)
    assert found.conversation.fence == claimed.conversation.fence
    again = replace(claimed, conversation=found.conversation)
    assert isinstance(await scene.store.write(scene.commit(again)), Committed)


async def test_a_failed_guard_leaves_its_neighbours_alone(scene: Scene) -> None:
    claims = [await scene.asks("hello", chat=str(chat)) for chat in range(5)]
    units = [scene.commit(claimed, "hi") for claimed in claims]
    units[2] = replace(units[2], fence=9)
    done = await asyncio.gather(*map(scene.store.write, units))
    assert [type(one) for one in done] == [Committed, Committed, Lost, Committed, Committed]
    logs = [seqs(await scene.log(claimed.conversation.id)) for claimed in claims]
    assert logs == [[1, 2], [1, 2], [1], [1, 2], [1, 2]]


async def test_a_unit_that_raises_fails_alone(scene: Scene) -> None:
    claims = [await scene.asks("hello", chat=str(chat)) for chat in range(5)]
    units = [scene.commit(claimed, "hi") for claimed in claims]
    note = Entry(BOT, Noted("for colleagues"), 0, deliver=True)
    units[2] = scene.commit(claims[2], entries=[note])
    done = await asyncio.gather(*map(scene.store.write, units), return_exceptions=True)
    assert [type(one) for one in done] == [Committed, Committed, ValueError, Committed, Committed]
    assert seqs(await scene.log(claims[2].conversation.id)) == [1]
    assert isinstance(await scene.store.write(scene.commit(claims[2], "hi")), Committed)


async def test_kinds_written_together_each_succeed(scene: Scene) -> None:
    claims = [await scene.asks("hello", chat=str(chat)) for chat in range(6)]
    units = []
    for number, claimed in enumerate(claims):
        units.append(scene.store.write(scene.commit(claimed, "hi")))
        units.append(scene.store.write(scene.accept("new", chat=f"new-{number}", lease=LEASE)))  # type: ignore[arg-type]
    done = await asyncio.gather(*units)
    assert [isinstance(one, Committed) for one in done[::2]] == [True] * 6


async def test_units_of_a_conversation_keep_their_order(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    id = claimed.conversation.id
    first, second, third, fourth = await asyncio.gather(
        scene.store.write(scene.amend(id, Entry(ANN, Noted("1"), 0))),
        scene.store.write(scene.commit(claimed, "2")),
        scene.store.write(scene.amend(id, Entry(ANN, Noted("3"), 0))),
        scene.store.write(Release(conversation=id, fence=1)),
    )
    assert isinstance(first, Amended)
    assert isinstance(second, Committed)
    assert isinstance(third, Amended)
    assert seqs(first.events + second.events + third.events) == [2, 3, 4]
    assert fourth is False


async def test_a_request_for_a_human_ends_the_turn_with_its_notice(scene: Scene) -> None:
    claimed = await scene.asks("a human, please")
    done = await scene.asks_for_a_human(claimed, "Of course.", note="wants a refund")
    control = done.conversation.control
    assert (control.state, control.epoch, control.reason) == ("queued", 1, "asked")
    assert spoken(done.events) == [("bot", "Of course."), ("system", "A colleague will be with you.")]
    assert (await scene.found(done.conversation.id)).conversation == done.conversation


async def test_a_commit_of_no_conversation_is_a_mistake_and_harms_nobody(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    unit = scene.commit(claimed, "hi")
    wrong, right = await asyncio.gather(
        scene.store.write(replace(unit, conversation=NOBODY)), scene.store.write(unit), return_exceptions=True
    )
    assert isinstance(wrong, LookupError)
    assert isinstance(right, Committed)


# Actions


def _intend(scene: Scene, key: str = "pay-1", **changes: int) -> Intend:
    unit = Intend(
        conversation=NOBODY, fence=1, epoch=0, turn=0, acting=Acting(key, "pay", {"cents": 5}), at=scene.clock.now()
    )
    return replace(unit, **changes)


def _record(scene: Scene, result: str, key: str = "pay-1", **changes: int) -> Record:
    unit = Record(conversation=NOBODY, fence=1, epoch=0, turn=0, acted=Acted(key, result), at=scene.clock.now())
    return replace(unit, **changes)


async def test_an_intent_is_in_the_log_before_the_call(scene: Scene) -> None:
    id = (await scene.asks("pay")).conversation.id
    event = await scene.store.write(replace(_intend(scene), conversation=id))
    assert event == Event(2, scene.clock.now(), BOT, Acting("pay-1", "pay", {"cents": 5}), turn=0, fence=1)
    assert (await scene.log(id))[1] == event


async def test_a_zombie_and_a_turn_of_an_older_epoch_begin_no_effect(scene: Scene) -> None:
    claimed = await scene.asks("pay")
    id = claimed.conversation.id
    assert await scene.store.write(replace(_intend(scene, fence=2), conversation=id)) is None
    assert await scene.store.write(_intend(scene)) is None
    await scene.takes_over(claimed.conversation)
    assert await scene.store.write(replace(_intend(scene), conversation=id)) is None


async def test_the_first_result_of_an_action_wins(scene: Scene) -> None:
    id = (await scene.asks("pay")).conversation.id
    first = await scene.store.write(replace(_record(scene, "paid"), conversation=id))
    again = await scene.store.write(replace(_record(scene, "failed"), conversation=id))
    assert first.body == Acted("pay-1", "paid")
    assert again == first
    assert seqs(await scene.log(id)) == [1, 2]
    other = await scene.store.write(replace(_record(scene, "paid", "pay-2"), conversation=id))
    assert other.seq == 3


async def test_results_of_one_action_at_the_same_moment_are_one(scene: Scene) -> None:
    id = (await scene.asks("pay")).conversation.id
    units = [replace(_record(scene, f"result {number}"), conversation=id) for number in range(5)]
    events = await asyncio.gather(*map(scene.store.write, units))
    assert {event.seq for event in events} == {2}
    assert events[0].body == Acted("pay-1", "result 0")


async def test_an_effect_is_a_fact_whoever_records_it(scene: Scene) -> None:
    kept = await scene.says("pay", lease=OVER)
    (claimed,) = await scene.claims()
    await scene.takes_over(claimed.conversation)
    event = await scene.store.write(replace(_record(scene, "paid"), conversation=kept.conversation))
    assert event.body == Acted("pay-1", "paid")


# The log


async def test_the_unheard_are_inputs_above_the_mark(scene: Scene) -> None:
    claimed = await scene.asks("one")
    await scene.store.write(scene.accept(bodies=(Pressed("t"), Opened("x"))))
    await scene.amends(scene.amend(claimed.conversation.id, Entry(ANN, Noted("a note"), 0)))
    unheard = await scene.store.read(Unheard(claimed.conversation.id, 1))
    assert bodies(unheard) == [Pressed("t"), Opened("x")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"after": 2}, [3, 4, 5, 6]),
        ({"before": 3}, [1, 2]),
        ({"after": 1, "before": 5, "most": 2}, [2, 3]),
        ({"most": 2, "latest": True}, [5, 6]),
        ({"before": 5, "most": 2, "latest": True}, [3, 4]),
        ({"public": True}, [1, 3, 4, 6]),
        ({"public": True, "most": 2, "latest": True}, [4, 6]),
        ({"most": 0}, []),
    ],
    ids=str,
)
async def test_a_log_is_read_in_pieces(scene: Scene, asked: dict[str, int], expected: list[int]) -> None:
    turned = Entry(BOT, Turned("in_flow"), 0)
    for words in ("one", "two"):
        claimed = await scene.asks(words)
        await scene.store.write(scene.commit(claimed, words, entries=[turned]))
    found = await scene.store.read(Log(conversation=claimed.conversation.id, **asked))  # type: ignore[arg-type]
    assert seqs(found) == expected


async def test_a_log_of_nothing_is_empty(scene: Scene) -> None:
    assert await scene.log(NOBODY) == ()
    assert await scene.store.read(Find(NOBODY)) is None


async def test_what_was_committed_is_there_after_reopening(lasting_address: str, clock: SettableClock) -> None:
    store = await asyncio.to_thread(open_store, lasting_address, clock)
    scene = Scene(store, clock, SeededRandom())
    now = await scene.exchange("hello", "there")
    before = await scene.log(now.id), await scene.found(now.id)
    await store.close()
    store = await asyncio.to_thread(open_store, lasting_address, clock)
    scene = Scene(store, clock, SeededRandom(2))
    assert (await scene.log(now.id), await scene.found(now.id)) == before
    await store.close()


async def test_what_waits_behind_a_commit_is_attempted_with_it(scene: Scene) -> None:
    claimed = (await scene.says("one", lease=OVER)).claimed
    assert claimed is not None
    await scene.says("two")
    assert isinstance(await scene.store.write(scene.commit(claimed, "ok", heard=1)), Committed)
    assert [again.conversation.attempts for again in await scene.claims()] == [2]
