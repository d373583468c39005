"""T0: what comes in is kept once and in order."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.model import Address, Author, ContactId, Control, Event, Opened, Pressed, Said, State, text
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import LEASE, Scene, seqs, spoken
from bot.units import ContactOf, DeadLetters, Find, KeepDead, Kept, Prune, Unheard


async def test_the_first_message_begins_a_conversation(scene: Scene) -> None:
    unit = scene.accept("hello", name="Bo", language="da")
    kept = await scene.store.write(unit)
    event = Event(1, unit.at, Author("customer", "person-1", "Bo"), Said(text("hello")), public=True)
    assert kept == Kept(fresh=True, conversation=unit.conversation, events=(event,), seq=1)
    assert await scene.log(kept.conversation) == (event,)


async def test_a_new_conversation_is_with_the_bot_at_its_address(scene: Scene) -> None:
    unit = scene.accept("hello", language="da", initial=State(language="da"))
    await scene.store.write(unit)
    found = await scene.store.read(Find(address=unit.to))
    assert found is not None
    assert found.state == State(language="da")
    now = found.conversation
    assert (now.id, now.contact, now.address) == (unit.conversation, unit.contact, unit.to)
    assert (now.control, now.status, now.language) == (Control(), "open", "da")
    assert (now.last_seq, now.public_seq, now.input_seq, now.heard) == (1, 1, 1, 0)
    assert (now.version, now.fence, now.attempts) == (0, 0, 0)
    assert (now.created_at, now.updated_at) == (unit.at, unit.at)


async def test_a_repeat_changes_nothing_and_tells_the_first_ones_place(scene: Scene) -> None:
    first = await scene.store.write(scene.accept("hello", key="k"))
    await scene.says("and more")
    again = await scene.store.write(scene.accept("hello", key="k"))
    assert again == Kept(fresh=False, conversation=first.conversation, events=(), seq=1)
    assert seqs(await scene.log(first.conversation)) == [1, 2]


async def test_a_repeat_at_the_same_moment_is_kept_once(scene: Scene) -> None:
    kept = await asyncio.gather(*(scene.store.write(scene.accept("hello", key="k")) for _ in range(20)))
    assert [one.fresh for one in kept] == [True] + [False] * 19
    assert {(one.conversation, one.seq) for one in kept} == {(kept[0].conversation, 1)}
    assert seqs(await scene.log(kept[0].conversation)) == [1]


async def test_a_repeat_with_another_body_is_told_and_the_first_wins(scene: Scene) -> None:
    kept = await scene.store.write(scene.accept("one", key="k"))
    again = await scene.store.write(scene.accept("two", key="k"))
    assert (again.fresh, again.differs) == (False, True)
    assert spoken(await scene.log(kept.conversation)) == [("customer", "one")]


async def test_an_act_that_comes_under_two_ids_is_kept_once(scene: Scene) -> None:
    first = await scene.store.write(scene.accept("hello", key="message-7", twin="1.5"))
    again = await scene.store.write(scene.accept("hello", key="mention-9", twin="1.5"))
    assert again == Kept(fresh=False, conversation=first.conversation, events=(), seq=1)


async def test_a_key_and_a_sameness_key_that_are_alike_do_not_meet(scene: Scene) -> None:
    await scene.store.write(scene.accept("one", key="7", twin="8"))
    assert (await scene.store.write(scene.accept("two", key="8"))).fresh
    assert (await scene.store.write(scene.accept("three", key="9", twin="7"))).fresh


async def test_keys_are_those_of_one_account(scene: Scene) -> None:
    for account, channel in (("shop", "memory"), ("help", "memory"), ("shop", "other")):
        kept = await scene.store.write(scene.accept("hello", key="k", account=account, channel=channel))
        assert kept.fresh


async def test_a_repeat_in_another_chat_is_still_a_repeat(scene: Scene) -> None:
    first, again = await asyncio.gather(
        scene.store.write(scene.accept("hello", key="k", chat="1")),
        scene.store.write(scene.accept("hello", key="k", chat="2")),
    )
    assert sorted([first.fresh, again.fresh]) == [False, True]
    assert first.conversation == again.conversation


async def test_a_repeat_is_known_after_reopening(lasting_address: str, clock: SettableClock) -> None:
    store = await asyncio.to_thread(open_store, lasting_address, clock)
    first = await store.write(Scene(store, clock, SeededRandom()).accept("hello", key="k"))
    await store.close()
    store = await asyncio.to_thread(open_store, lasting_address, clock)
    scene = Scene(store, clock, SeededRandom(2))
    again = await store.write(scene.accept("hello", key="k"))
    assert (again.fresh, again.conversation, again.seq) == (False, first.conversation, 1)
    await store.close()


async def test_a_burst_keeps_its_order_without_gaps(scene: Scene) -> None:
    lines = [f"line {number}" for number in range(50)]
    kept = await asyncio.gather(*(scene.says(line) for line in lines))
    assert [one.seq for one in kept] == list(range(1, 51))
    assert spoken(await scene.log(kept[0].conversation)) == [("customer", line) for line in lines]


async def test_what_arrives_together_is_kept_together(scene: Scene) -> None:
    kept = await scene.says("one", "two")
    assert seqs(kept.events) == [1, 2]
    assert kept.seq == 2


async def test_many_conversations_at_once_stay_apart(scene: Scene) -> None:
    kept = await asyncio.gather(*(scene.says(f"I am {chat}", chat=str(chat)) for chat in range(250)))
    assert len({one.conversation for one in kept}) == 250
    assert {one.seq for one in kept} == {1}
    assert spoken(await scene.log(kept[249].conversation)) == [("customer", "I am 249")]


async def test_each_public_event_names_the_one_before(scene: Scene) -> None:
    claimed = await scene.asks("one")
    await scene.store.write(scene.accept(bodies=(Opened("start"), Pressed("token", "Yes"))))
    await scene.answers(claimed, "two")
    events = await scene.log(claimed.conversation.id)
    assert [(event.seq, event.public, event.prev) for event in events] == [
        (1, True, 0),
        (2, False, 0),
        (3, True, 1),
        (4, True, 3),
    ]


async def test_one_person_in_two_chats_is_one_contact(scene: Scene) -> None:
    first = await scene.store.write(scene.accept("hello", chat="1", by="bo"))
    second = await scene.store.write(scene.accept("hello", chat="2", by="bo"))
    card = await scene.store.read(ContactOf(second.conversation))
    assert card is not None
    assert card.id == (await scene.found(first.conversation)).conversation.contact
    assert (card.conversations, card.identities) == (2, (("memory", "bo"),))


async def test_one_new_person_in_two_chats_at_once_is_one_contact(scene: Scene) -> None:
    units = [scene.accept("hello", chat=str(chat), by="bo") for chat in range(5)]
    kept = await asyncio.gather(*map(scene.store.write, units))
    assert len({(await scene.found(one.conversation)).conversation.contact for one in kept}) == 1


async def test_the_same_name_on_another_channel_is_another_person(scene: Scene) -> None:
    contacts = set[ContactId]()
    for channel in ("memory", "other"):
        kept = await scene.store.write(scene.accept("hello", by="bo", channel=channel))
        contacts.add((await scene.found(kept.conversation)).conversation.contact)
    assert len(contacts) == 2


async def test_a_name_and_a_language_are_kept_when_they_become_known(scene: Scene) -> None:
    kept = await scene.says("hello")
    await scene.store.write(scene.accept("I am Bo", name="Bo", language="da"))
    await scene.store.write(scene.accept("still", name="Bob", language="en"))
    card = await scene.store.read(ContactOf(kept.conversation))
    assert card is not None
    assert card.name == "Bo"
    assert (await scene.found(kept.conversation)).conversation.language == "da"


@pytest.mark.parametrize("status", ["resolved", "snoozed"])
async def test_a_customer_reopens_what_was_closed(scene: Scene, status: str) -> None:
    now = await scene.exchange("hello")
    closed = await scene.amends(replace(scene.amend(now.id), status=status))
    assert closed.conversation.status == status
    await scene.says("again")
    assert (await scene.found(now.id)).conversation.status == "open"


async def test_an_address_includes_its_thread(scene: Scene) -> None:
    one = await scene.store.write(scene.accept("hello", thread="1"))
    two = await scene.store.write(scene.accept("hello", thread="2"))
    assert one.conversation != two.conversation
    found = await scene.store.read(Find(address=Address("memory", "shop", "1", "2")))
    assert found is not None
    assert found.conversation.id == two.conversation
    assert await scene.store.read(Find(address=Address("memory", "shop", "1", "3"))) is None


# The lease that comes with it


async def test_the_lease_is_taken_with_the_message(scene: Scene) -> None:
    kept = await scene.says("hello", lease=LEASE)
    assert kept.claimed is not None
    assert kept.claimed.inputs == kept.events
    assert kept.claimed.state == State()
    now = kept.claimed.conversation
    assert (now.fence, now.attempts, now.heard, now.input_seq) == (1, 1, 0, 1)
    assert await scene.claims() == ()


async def test_no_lease_is_taken_unasked(scene: Scene) -> None:
    assert (await scene.says("hello")).claimed is None


async def test_no_lease_is_taken_where_somebody_has_it(scene: Scene) -> None:
    await scene.asks("hello")
    assert (await scene.says("more", lease=LEASE)).claimed is None


async def test_with_more_unheard_than_it_brought_the_inputs_are_to_be_asked_for(scene: Scene) -> None:
    await scene.says("one")
    kept = await scene.says("two", lease=LEASE)
    assert kept.claimed is not None
    assert kept.claimed.inputs is None
    unheard = await scene.store.read(Unheard(kept.conversation, kept.claimed.conversation.heard))
    assert spoken(unheard) == [("customer", "one"), ("customer", "two")]


async def test_of_a_burst_the_first_takes_the_lease(scene: Scene) -> None:
    kept = await asyncio.gather(*(scene.says(line, lease=LEASE) for line in ("one", "two", "three")))
    assert [one.claimed is not None for one in kept] == [True, False, False]


async def test_a_repeat_takes_no_lease(scene: Scene) -> None:
    await scene.store.write(scene.accept("hello", key="k"))
    assert (await scene.store.write(scene.accept("hello", key="k", lease=LEASE))).claimed is None


async def test_a_claimed_conversation_brings_its_state(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.store.write(scene.commit(claimed, "hi", state=State(slots={"order": "12"})))
    later = await scene.asks("more")
    assert later.state == State(slots={"order": "12"})
    assert (later.conversation.version, later.conversation.fence, later.conversation.attempts) == (1, 2, 1)


# What could not be taken in


async def test_a_dead_letter_keeps_its_bytes(scene: Scene) -> None:
    letters = [
        KeepDead(channel="memory", account="shop", key=key, why="not JSON", raw=raw, at=scene.clock.now())
        for key, raw in (("1", b"\x00\xff{"), ("2", b"\xed\xa0\x80"))
    ]
    for letter in letters:
        await scene.store.write(letter)
    assert await scene.store.read(DeadLetters()) == tuple(reversed(letters))
    assert await scene.store.read(DeadLetters(most=1)) == (letters[1],)


async def test_a_dead_letter_that_comes_again_is_kept_once(scene: Scene) -> None:
    letter = KeepDead(channel="memory", account="shop", key="1", why="not JSON", raw=b"{", at=scene.clock.now())
    for _ in range(3):
        await scene.store.write(letter)
    await scene.store.write(replace(letter, raw=b"["))
    assert [one.raw for one in await scene.store.read(DeadLetters())] == [b"[", b"{"]


async def test_old_keys_are_forgotten_and_young_ones_kept(scene: Scene) -> None:
    old = scene.accept("old", key="old", twin="old-too")
    await scene.store.write(old)
    await scene.clock.advance(timedelta(days=8).total_seconds())
    await scene.store.write(scene.accept("young", key="young"))
    week_ago = scene.clock.now() - timedelta(days=7)
    assert await scene.store.write(Prune(before=week_ago, most=1)) == 1
    assert await scene.store.write(Prune(before=week_ago)) == 1
    assert await scene.store.write(Prune(before=week_ago)) == 0
    assert not (await scene.store.write(scene.accept("young", key="young"))).fresh
    assert (await scene.store.write(scene.accept("old", key="old"))).fresh


@pytest.mark.parametrize("awkward", ["\ud800", "a\udfffb"], ids=["lone surrogate", "within"])
async def test_what_no_database_can_keep_is_refused_alone(scene: Scene, awkward: str) -> None:
    units = [scene.accept("one", chat="1"), scene.accept(awkward, chat="2", digest=b""), scene.accept("two", chat="3")]
    one, bad, two = await asyncio.gather(*map(scene.store.write, units), return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert [isinstance(kept, Kept) and kept.fresh for kept in (one, two)] == [True, True]
    assert (await scene.says("later")).seq == 2


async def test_a_nul_does_no_harm(scene: Scene) -> None:
    kept = await scene.says("a\x00b")
    assert spoken(await scene.log(kept.conversation)) == [("customer", "a\x00b")]
    named, other = await asyncio.gather(
        scene.store.write(scene.accept("hello", chat="2", name="B\x00o")),
        scene.says("x", chat="3"),
        return_exceptions=True,
    )
    assert isinstance(named, Kept | ValueError)  # kept, or refused alone
    assert isinstance(other, Kept)
