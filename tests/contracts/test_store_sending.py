"""T5 and T6: messages leave in order, one at a time per conversation, and what became of each is known."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.model import BOT, SYSTEM, Noted, Said, text
from bot.testing.store import ACCOUNTS, ANN, LEASE, OVER, Scene, plain
from bot.units import Deliveries, Delivery, Entry, RefOf, RefsOf, Settle


def words(deliveries: tuple[Delivery, ...]) -> list[str]:
    return [plain(delivery.message) for delivery in deliveries]


async def states(scene: Scene, delivery: Delivery) -> list[str]:
    found = await scene.store.read(Deliveries(delivery.conversation))
    return [state for _, _, state, _ in found]


async def test_a_message_to_deliver_is_claimed_with_all_that_sending_needs(scene: Scene) -> None:
    now = await scene.exchange("hello", deliver=True)
    (delivery,) = await scene.sends()
    assert delivery == Delivery(
        id=delivery.id,
        conversation=now.id,
        seq=2,
        to=now.address,
        message=text("hello"),
        author=BOT,
        epoch=0,
        attempt=1,
        done=0,
        failures=0,
        again=False,
        plain=False,
        age=delivery.age,
    )


async def test_a_message_that_viewers_read_in_the_log_is_not_delivered(scene: Scene) -> None:
    await scene.exchange("hello")
    assert await scene.sends() == ()


async def test_only_the_head_of_a_line_is_claimed(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    assert await scene.sends() == ()
    assert await scene.store.write(scene.sent(one))
    (two,) = await scene.sends()
    assert words((one, two)) == ["one", "two"]
    assert await scene.store.write(scene.sent(two))
    assert await scene.sends() == ()
    assert await states(scene, one) == ["sent", "sent"]


async def test_one_conversation_does_not_hold_up_another(scene: Scene) -> None:
    for chat in ("1", "2", "3"):
        await scene.exchange(f"{chat}a", f"{chat}b", chat=chat, deliver=True)
    assert sorted(words(await scene.sends())) == ["1a", "2a", "3a"]


async def test_no_more_are_claimed_than_asked_for(scene: Scene) -> None:
    for chat in range(5):
        await scene.exchange("hello", chat=str(chat), deliver=True)
    assert [len(await scene.sends(most=most)) for most in (0, 2, 9, 9)] == [0, 2, 3, 0]


async def test_a_process_claims_for_its_own_accounts_only(scene: Scene) -> None:
    await scene.exchange("hello", deliver=True)
    assert await scene.sends(channels=frozenset({("memory", "help"), ("other", "shop")})) == ()
    assert await scene.sends(channels=frozenset()) == ()
    assert len(await scene.sends(channels=ACCOUNTS | {("other", "shop")})) == 1


async def test_what_failed_is_tried_again_before_what_follows(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    assert await scene.store.write(scene.failed(one))
    (again,) = await scene.sends()
    assert (words((again,)), again.attempt, again.failures, again.again) == (["one"], 2, 1, False)


async def test_what_is_to_wait_waits_and_holds_its_line(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    await scene.store.write(scene.failed(one, pause=timedelta(hours=1)))
    assert await scene.sends() == ()
    assert await states(scene, one) == ["waiting", "waiting"]


async def test_an_attempt_may_not_count(scene: Scene) -> None:
    await scene.exchange("one", deliver=True)
    (one,) = await scene.sends()
    await scene.store.write(replace(scene.failed(one), counted=False))
    (again,) = await scene.sends()
    assert (again.attempt, again.failures) == (2, 0)


async def test_what_is_known_of_earlier_attempts_is_told(scene: Scene) -> None:
    await scene.exchange("one", deliver=True)
    (one,) = await scene.sends()
    await scene.store.write(replace(scene.failed(one), again=True, plain=True, done=2))
    (again,) = await scene.sends()
    assert (again.again, again.plain, again.done) == (True, True, 2)
    await scene.store.write(scene.failed(again))
    (third,) = await scene.sends()
    assert (third.again, third.plain) == (True, True)


async def test_a_dead_letter_lets_the_next_one_go(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    await scene.store.write(replace(scene.failed(one), state="dead", due_at=None, error="Forbidden: blocked"))
    assert words(await scene.sends()) == ["two"]
    found = await scene.store.read(Deliveries(one.conversation))
    assert [(seq, state, error) for _, seq, state, error in found] == [
        (3, "dead", "Forbidden: blocked"),
        (4, "sending", ""),
    ]


async def test_an_unknown_outcome_lets_the_next_one_go(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    await scene.store.write(replace(scene.failed(one), state="unknown", due_at=None))
    assert words(await scene.sends()) == ["two"]


async def test_an_attempt_whose_lease_ended_is_made_again_and_may_have_arrived(scene: Scene) -> None:
    await scene.exchange("one", deliver=True)
    (lost,) = await scene.sends(lease=OVER)
    (again,) = await scene.sends()
    assert (again.id, again.attempt, again.again) == (lost.id, 2, True)
    assert await scene.sends() == ()


async def test_a_receipt_of_an_older_attempt_changes_nothing(scene: Scene) -> None:
    await scene.exchange("one", "two", deliver=True)
    (lost,) = await scene.sends(lease=OVER)
    (again,) = await scene.sends()
    assert not await scene.store.write(scene.sent(lost, ref="late"))
    assert await states(scene, lost) == ["sending", "waiting"]
    assert await scene.store.write(scene.sent(again))
    assert not await scene.store.write(scene.failed(again))
    assert await states(scene, lost) == ["sent", "waiting"]


async def test_pieces_are_settled_one_by_one(scene: Scene) -> None:
    await scene.exchange("one", deliver=True)
    (one,) = await scene.sends(lease=OVER)
    assert await scene.store.write(replace(scene.sent(one, ref="a"), state="sending", done=1))
    (again,) = await scene.sends()
    assert (again.done, again.attempt, again.again) == (1, 2, True)
    assert await scene.store.write(replace(scene.sent(again, ref="b"), done=2))


async def test_the_lease_of_a_delivery_goes_on_with_every_piece(scene: Scene) -> None:
    await scene.exchange("one", deliver=True)
    (one,) = await scene.sends(lease=LEASE)
    await scene.store.write(replace(scene.sent(one), state="sending"))
    assert await scene.sends() == ()


async def test_a_delivery_that_is_not_there_cannot_be_settled(scene: Scene) -> None:
    unit = Settle(delivery="0-1", attempt=1, state="sent", done=1, refs=(), at=scene.clock.now())  # type: ignore[arg-type]
    assert await scene.store.write(unit) is False


# Control and delivery


async def test_the_bots_unsent_words_are_cancelled_when_an_agent_takes_over(scene: Scene) -> None:
    now = await scene.exchange("one", "two", deliver=True)
    taken = await scene.takes_over(now)
    assert taken.in_flight is None
    assert await scene.sends() == ()
    assert [state for _, _, state, _ in await scene.store.read(Deliveries(now.id))] == ["cancelled", "cancelled"]


async def test_the_one_message_that_may_be_on_the_wire_is_named(scene: Scene) -> None:
    now = await scene.exchange("one", "two", deliver=True)
    (one,) = await scene.sends()
    taken = await scene.takes_over(now)
    assert taken.in_flight == one.id
    assert await states(scene, one) == ["sending", "cancelled"]
    assert await scene.store.write(scene.sent(one))
    assert await states(scene, one) == ["sent", "cancelled"]


async def test_what_was_on_the_wire_at_a_takeover_is_not_sent_again(scene: Scene) -> None:
    now = await scene.exchange("one", deliver=True)
    (one,) = await scene.sends(lease=OVER)
    await scene.takes_over(now)
    assert await scene.sends() == ()
    assert await states(scene, one) == ["unknown"]


async def test_what_failed_before_a_takeover_is_not_tried_again(scene: Scene) -> None:
    now = await scene.exchange("one", deliver=True)
    (one,) = await scene.sends()
    await scene.takes_over(now)
    await scene.store.write(scene.failed(one))
    assert await scene.sends() == ()
    assert await states(scene, one) == ["cancelled"]


async def test_agents_words_are_sent_whoever_has_the_floor_later(scene: Scene) -> None:
    taken = await scene.takes_over(await scene.exchange("hello"))
    await scene.amends(scene.replies(taken.conversation, "from Ann", deliver=True))
    await scene.amends(scene.controls(taken.conversation, "bot"))
    assert words(await scene.sends()) == ["from Ann"]


async def test_the_system_is_heard_in_every_state(scene: Scene) -> None:
    now = await scene.exchange("hello")
    notice = Entry(SYSTEM, Said(text("We are closed.")), 0, public=True, deliver=True)
    await scene.amends(scene.amend(now.id, notice))
    await scene.takes_over(now)
    assert words(await scene.sends()) == ["We are closed."]


async def test_a_turn_that_asks_for_a_human_is_heard_to_its_end(scene: Scene) -> None:
    await scene.asks_for_a_human(await scene.asks("a human"), "Of course.", deliver=True)
    (first,) = await scene.sends()
    await scene.store.write(scene.sent(first))
    assert words((first, *await scene.sends())) == ["Of course.", "A colleague will be with you."]


async def test_behind_a_cancelled_message_the_next_one_is_found_at_once(scene: Scene) -> None:
    now = await scene.exchange("from the bot", deliver=True)
    (one,) = await scene.sends()
    taken = await scene.takes_over(now)
    await scene.amends(scene.replies(taken.conversation, "from Ann", deliver=True))
    await scene.store.write(scene.failed(one))
    assert words(await scene.sends()) == ["from Ann"]


@pytest.mark.parametrize(
    "entry",
    [
        Entry(ANN, Noted("a secret"), 0, deliver=True),
        Entry(ANN, Noted("a secret"), 0, public=True, deliver=True),
        Entry(BOT, Said(text("not public")), 0, deliver=True),
    ],
    ids=["note", "note that is called public", "words that are not public"],
)
async def test_only_public_words_can_be_delivered(scene: Scene, entry: Entry) -> None:
    now = await scene.exchange("hello")
    with pytest.raises(ValueError, match="public message"):
        await scene.store.write(scene.amend(now.id, entry))
    assert await scene.sends() == ()
    assert (await scene.found(now.id)).conversation == now


async def test_a_chat_that_must_be_left_alone_is_left_alone_when_control_moves(scene: Scene) -> None:
    now = await scene.exchange("one", deliver=True)
    (one,) = await scene.sends()
    assert await scene.store.write(scene.failed(one, pause=timedelta(hours=1)))
    behind = Entry(SYSTEM, Said(text("We open at nine.")), 0, public=True, deliver=True)
    await scene.amends(scene.amend(now.id, behind))
    unit = scene.controls(now, "human")
    joined = Entry(SYSTEM, Said(text("Ann is here.")), unit.entries[0].epoch, public=True, deliver=True)
    await scene.amends(replace(unit, entries=(*unit.entries, joined)))
    assert await states(scene, one) == ["cancelled", "waiting", "waiting"]
    assert await scene.sends() == ()


async def test_what_a_message_answers_is_known_by_the_platforms_id(scene: Scene) -> None:
    unit = scene.accept(bodies=(Said(text("hello"), "theirs"),), lease=LEASE)
    claimed = (await scene.store.write(unit)).claimed
    assert claimed is not None
    now = (await scene.answers(claimed, "hello", "again", deliver=True)).conversation
    (delivery,) = await scene.sends()
    assert await scene.store.read(RefOf(now.id, delivery.seq)) == ""
    await scene.store.write(replace(scene.sent(delivery), refs=("first", "second")))
    assert [await scene.store.read(RefOf(now.id, seq)) for seq in (1, 2, 3, 99)] == ["theirs", "first", "", ""]


async def test_a_message_that_was_written_anew_is_what_it_became_last(scene: Scene) -> None:
    now = await scene.exchange("hello")
    now = (await scene.takes_over(now)).conversation

    async def sent(said: Said, *refs: str) -> int:
        entry = Entry(ANN, said, now.control.epoch, public=True, deliver=True)
        seq = (await scene.amends(scene.amend(now.id, entry))).events[0].seq
        (delivery,) = await scene.sends()
        assert (delivery.seq, delivery.revises) == (seq, said.revises)
        await scene.store.write(replace(scene.sent(delivery), refs=refs))
        return seq

    first, other = await sent(Said(text("one")), "a", "b"), await sent(Said(text("two")), "c")
    assert await scene.store.read(RefsOf(now.id, first)) == ("a", "b")
    await sent(Said(text("uno"), revises=first), "a")
    await sent(Said(text("dos"), revises=other), "c", "d")
    assert [await scene.store.read(RefsOf(now.id, seq)) for seq in (first, other, 99)] == [("a",), ("c", "d"), ()]
