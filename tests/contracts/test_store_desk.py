"""What agents write: under the epoch they saw and the log they saw, once, and whole or not at all."""

import asyncio

import pytest
from msgspec.structs import replace

from bot.model import (
    BOT,
    AgentId,
    Author,
    Control,
    ConversationId,
    Discarded,
    Event,
    Noted,
    Returned,
    Said,
    Settled,
    State,
    text,
)
from bot.testing.store import ANN, LEASE, Scene, seqs, spoken
from bot.units import Amended, Behind, Committed, Entry, Lost, Missing, Stale

BEN = Author("agent", "ben", "Ben")


async def test_an_agents_words_are_in_the_log(scene: Scene) -> None:
    taken = await scene.takes_over(await scene.exchange("hello"))
    done = await scene.amends(scene.replies(taken.conversation, "I am Ann"))
    said = Event(4, scene.clock.now(), ANN, Said(text("I am Ann")), epoch=1, public=True, prev=3)
    assert done == Amended((said,), (await scene.found(taken.conversation.id)).conversation)
    assert (await scene.log(taken.conversation.id))[-1] == said


async def test_a_note_is_in_the_log_and_not_public(scene: Scene) -> None:
    now = await scene.exchange("hello")
    done = await scene.amends(scene.amend(now.id, Entry(ANN, Noted("careful"), 0)))
    assert done.events == (Event(3, scene.clock.now(), ANN, Noted("careful")),)
    assert done.conversation.public_seq == 2


async def test_of_no_conversation_nothing_is_written(scene: Scene) -> None:
    assert await scene.store.write(scene.amend(ConversationId("0" * 32), Entry(ANN, Noted("?"), 0))) == Missing()


async def test_under_another_epoch_nothing_is_written(scene: Scene) -> None:
    now = await scene.exchange("hello")
    taken = await scene.takes_over(now)
    stale = await scene.store.write(replace(scene.replies(now, "too late"), epoch=0))
    assert stale == Stale(taken.conversation)
    assert spoken(await scene.log(now.id)) == [("customer", "hello"), ("bot", "hello")]


async def test_of_two_who_take_over_at_once_one_wins(scene: Scene) -> None:
    now = await scene.exchange("hello")
    won, lost = await asyncio.gather(
        scene.store.write(scene.controls(now, "human")),
        scene.store.write(scene.controls(now, "human", agent=BEN)),
    )
    assert isinstance(won, Amended)
    assert lost == Stale(won.conversation)
    assert won.conversation.control.holder_name == "Ann"


@pytest.mark.parametrize("first", ["takeover", "commit"])
async def test_a_takeover_and_a_commit_at_once_have_one_order(scene: Scene, first: str) -> None:
    claims = [await scene.asks("hello", chat=str(chat)) for chat in range(10)]
    takeovers = [scene.store.write(scene.controls(claimed.conversation, "human")) for claimed in claims]
    commits = [scene.store.write(scene.commit(claimed, "hi")) for claimed in claims]
    done = await asyncio.gather(*(takeovers + commits if first == "takeover" else commits + takeovers))
    for claimed, taken in zip(claims, (one for one in done if isinstance(one, Amended)), strict=True):
        events = await scene.log(claimed.conversation.id)
        after = [event for event in events if event.seq > taken.events[-1].seq]
        assert [event for event in after if event.author == BOT] == []
    assert len([one for one in done if isinstance(one, Committed | Lost)]) == 10


# What the agent had not seen


async def test_newer_words_of_the_customer_stop_a_reply(scene: Scene) -> None:
    now = await scene.exchange("hello")
    newer = (await scene.says("wait", "really")).events
    reply = replace(scene.replies(now, "bye"), seen=now.last_seq, by=AgentId(ANN.id))
    assert await scene.store.write(reply) == Behind(newer)
    done = await scene.amends(replace(reply, seen=newer[-1].seq))
    assert seqs(done.events) == [5]


async def test_newer_words_of_a_colleague_stop_a_reply(scene: Scene) -> None:
    now = await scene.exchange("hello")
    newer = (await scene.amends(scene.replies(now, "from Ben", agent=BEN))).events
    reply = replace(scene.replies(now, "bye"), seen=now.last_seq, by=AgentId(ANN.id))
    assert await scene.store.write(reply) == Behind(newer)


async def test_the_agents_own_words_notes_and_the_bot_stop_no_reply(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.amends(scene.replies(now, "from Ann"))
    await scene.amends(scene.amend(now.id, Entry(BEN, Noted("a note"), 0), Entry(BOT, Discarded((text("x"),)), 0)))
    await scene.amends(scene.amend(now.id, Entry(BOT, Said(text("from the bot")), 0, public=True)))
    reply = replace(scene.replies(now, "bye"), seen=now.last_seq, by=AgentId(ANN.id))
    assert isinstance(await scene.store.write(reply), Amended)


# Repeats


async def test_a_repeat_writes_nothing_and_returns_what_the_first_did(scene: Scene) -> None:
    now = await scene.exchange("hello")
    unit = replace(scene.controls(now, "human"), key="take-1")
    first = await scene.amends(unit)
    again = await scene.amends(unit)
    assert again == replace(first, again=True)
    assert (await scene.found(now.id)).conversation == first.conversation


async def test_a_repeat_is_known_whatever_happened_since(scene: Scene) -> None:
    now = await scene.exchange("hello")
    first = await scene.amends(replace(scene.replies(now, "one"), key="k", seen=now.last_seq, epoch=0))
    await scene.says("more")
    later = await scene.takes_over(first.conversation)
    again = await scene.amends(replace(scene.replies(now, "one"), key="k", seen=now.last_seq, epoch=0))
    assert again == Amended(first.events, later.conversation, again=True)


async def test_a_repeat_at_the_same_moment_is_written_once(scene: Scene) -> None:
    now = await scene.exchange("hello")
    unit = replace(scene.replies(now, "one"), key="k")
    done = await asyncio.gather(*(scene.amends(unit) for _ in range(10)))
    assert [one.again for one in done] == [False] + [True] * 9
    assert {seqs(one.events)[0] for one in done} == {3}


async def test_a_repeat_names_the_message_that_was_in_flight(scene: Scene) -> None:
    now = await scene.exchange("hello", deliver=True)
    (delivery,) = await scene.sends()
    unit = replace(scene.controls(now, "human"), key="take-1")
    assert (await scene.amends(unit)).in_flight == delivery.id
    assert (await scene.amends(unit)).in_flight == delivery.id


async def test_what_was_refused_is_not_a_first_time(scene: Scene) -> None:
    now = await scene.exchange("hello")
    unit = replace(scene.replies(now, "one"), key="k", epoch=7)
    assert isinstance(await scene.store.write(unit), Stale)
    assert not (await scene.amends(replace(unit, epoch=0))).again


async def test_keys_are_those_of_one_conversation(scene: Scene) -> None:
    for chat in ("1", "2"):
        now = await scene.exchange("hello", chat=chat)
        assert not (await scene.amends(replace(scene.replies(now, "one"), key="k"))).again


async def test_a_unit_that_writes_no_event_can_be_repeated(scene: Scene) -> None:
    now = await scene.exchange("hello")
    unit = replace(scene.amend(now.id), status="resolved", key="k")
    assert (await scene.amends(unit)).events == ()
    assert await scene.amends(unit) == Amended((), (await scene.found(now.id)).conversation, again=True)


# Control, status, state


async def test_a_change_of_control_is_in_the_row_and_in_the_log(scene: Scene) -> None:
    now = await scene.exchange("hello")
    taken = await scene.takes_over(now)
    assert taken.conversation.control == Control("human", 1, "ann", "Ann", scene.clock.now())
    assert taken.events == (await scene.log(now.id))[-1:]


async def test_a_request_for_a_human_is_taken_and_ended(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    taken = await scene.takes_over(asked.conversation)
    assert taken.conversation.control.handoff == asked.conversation.control.handoff != ""
    back = await scene.amends(scene.controls(taken.conversation, "bot"))
    assert back.conversation.control == Control(epoch=3, since=scene.clock.now())


async def test_a_status_is_set_and_the_state_replaced(scene: Scene) -> None:
    now = await scene.exchange("hello")
    settled = Entry(ANN, Settled("resolved", "done"), 0)
    unit = replace(scene.amend(now.id, settled), status="resolved", reset=State(frames=3))
    done = await scene.amends(unit)
    assert (done.conversation.status, done.conversation.version) == ("resolved", now.version + 1)
    assert (await scene.found(now.id)).state == State(frames=3)


async def test_without_a_reset_the_state_and_its_version_stay(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.store.write(scene.commit(claimed, state=State(slots={"a": 1})))
    done = await scene.takes_over((await scene.found(claimed.conversation.id)).conversation)
    assert done.conversation.version == 1
    assert (await scene.found(claimed.conversation.id)).state == State(slots={"a": 1})


async def test_a_replaced_state_is_what_the_next_turn_gets(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.amends(replace(scene.amend(now.id), reset=State(frames=3)))
    assert (await scene.asks("more")).state == State(frames=3)


async def test_a_state_that_a_turn_has_moved_is_not_replaced(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    read = claimed.conversation
    await scene.store.write(scene.commit(claimed, state=State(slots={"a": 1})))
    unit = replace(scene.amend(read.id), reset=State(frames=3), version=read.version)
    assert isinstance(await scene.store.write(unit), Stale)
    assert (await scene.found(read.id)).state == State(slots={"a": 1})


async def test_an_end_of_human_marker_is_unheard(scene: Scene) -> None:
    now = await scene.exchange("hello")
    done = await scene.amends(scene.amend(now.id, Entry(ANN, Returned("free", "Ann"), 0)))
    assert (done.conversation.input_seq, done.conversation.heard) == (3, 1)
    (claimed,) = await scene.claims(conversation=now.id)
    assert claimed.conversation.input_seq == 3


async def test_words_of_an_agent_wake_no_turn(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.amends(scene.replies(now, "hi"))
    assert await scene.claims() == ()


async def test_amendments_of_many_conversations_at_once(scene: Scene) -> None:
    all_of_them = [await scene.exchange("hello", chat=str(chat)) for chat in range(12)]
    done = await asyncio.gather(*(scene.takes_over(now) for now in all_of_them))
    assert [one.conversation.id for one in done] == [now.id for now in all_of_them]
    assert {one.conversation.control.epoch for one in done} == {1}


async def test_a_turn_in_the_air_meets_what_an_agent_wrote(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.amends(scene.amend(claimed.conversation.id, Entry(ANN, Noted("watching"), 0)))
    done = await scene.answers(claimed, "hi")
    assert [(event.seq, event.prev) for event in done.events] == [(3, 1)]


@pytest.mark.parametrize("state", ["queued", "offered", "human", "paused", "wrap_up"])
async def test_under_any_control_the_customer_is_heard(scene: Scene, state: str) -> None:
    now = await scene.exchange("hello")
    await scene.amends(scene.controls(now, state))  # type: ignore[arg-type]
    kept = await scene.says("still there?", lease=LEASE)
    assert kept.fresh
    assert kept.events[0].epoch == 1
