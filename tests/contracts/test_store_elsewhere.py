"""What platforms tell beside words, in every store: reachable or not, a chat that moves, a person who spoke for us."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.model import (
    Address,
    Author,
    Closed,
    Control,
    Controlled,
    Deleted,
    Echoed,
    Edited,
    Halted,
    Incoming,
    Migrated,
    Pressed,
    Reachable,
    Reacted,
    Said,
    State,
    Timer,
    Viewed,
    text,
)
from bot.testing.store import ANN, LEASE, Scene, bodies, seqs, spoken
from bot.units import Find, Kept, Ring


async def hears(
    scene: Scene, *told: Incoming, chat: str = "1", key: str | None = None, agent: Author | None = None
) -> Kept:
    unit = scene.accept(str(told), chat=chat, key=key, bodies=told, lease=LEASE)
    return await scene.store.write(replace(unit, agent=agent))


@pytest.mark.parametrize(
    "body",
    [
        Deleted("r"),
        Reacted("👍", ref="r"),
        Viewed("r"),
        Halted(),
        Closed(),
        Reachable(False),
        Migrated(Address("memory", "shop", "9")),
    ],
)
async def test_what_is_no_word_is_logged_begins_no_turn_and_opens_nothing_again(scene: Scene, body: Incoming) -> None:
    now = await scene.exchange("hello")
    await scene.store.write(replace(scene.amend(now.id), status="resolved", entries=()))
    kept = await hears(scene, body)
    assert kept.claimed is None
    found = (await scene.found(now.id)).conversation
    assert (found.status, found.input_seq) == ("resolved", now.input_seq)
    assert bodies(await scene.log(now.id))[-1] == body


async def test_an_edit_is_an_input(scene: Scene) -> None:
    now = await scene.exchange("hello")
    kept = await hears(scene, Edited(text("hallo"), "r"))
    assert kept.claimed is not None
    assert (await scene.found(now.id)).conversation.input_seq == kept.seq


async def test_what_is_no_input_is_not_among_what_a_turn_begins_with(scene: Scene) -> None:
    await scene.exchange("hello")
    kept = await hears(scene, Reacted("👍", ref="r"), Said(text("thanks")))
    assert kept.claimed is not None
    assert kept.claimed.inputs is not None
    assert bodies(kept.claimed.inputs) == [Said(text("thanks"))]
    assert len(kept.events) == 2


async def test_where_nobody_can_be_reached_no_timer_rings_until_they_are_back(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    due = scene.clock.now() + timedelta(minutes=1)
    state = State(timers=(Timer(1, "ask", "quiet", due),))
    await scene.store.write(replace(scene.commit(claimed, "Yes?"), state=state))
    await hears(scene, Reachable(False))
    await scene.clock.advance(120)
    assert await scene.store.write(Ring(at=scene.clock.now(), most=9)) == ()
    await hears(scene, Reachable(True))
    (rung,) = await scene.store.write(Ring(at=scene.clock.now(), most=9))
    assert rung.conversation == claimed.conversation.id


async def test_a_chat_that_moves_takes_its_conversations_along_and_what_came_before_is_still_known(
    scene: Scene,
) -> None:
    first = await scene.store.write(scene.accept("hello", key="k", chat="old"))
    topic = await scene.store.write(scene.accept("hi", chat="old", thread="7"))
    other = await scene.store.write(scene.accept("hey", chat="elsewhere"))
    await hears(scene, Migrated(Address("memory", "shop", "new")), chat="old", key="m")
    for kept, at in ((first, ("new", "")), (topic, ("new", "7")), (other, ("elsewhere", ""))):
        found = (await scene.found(kept.conversation)).conversation.address
        assert (found.chat, found.thread) == at
    assert await scene.store.read(Find(address=Address("memory", "shop", "old"))) is None
    again = await scene.store.write(scene.accept("hello", key="k", chat="old"))
    assert (again.fresh, again.conversation) == (False, first.conversation)
    assert not (await hears(scene, Migrated(Address("memory", "shop", "new")), chat="old", key="m")).fresh
    more = await scene.store.write(scene.accept("and more", chat="new"))
    assert more.conversation == first.conversation
    assert seqs(await scene.log(first.conversation)) == [1, 2, 3]


async def test_deliveries_go_where_the_chat_has_gone(scene: Scene) -> None:
    await scene.exchange("hello", chat="old", deliver=True)
    await hears(scene, Migrated(Address("memory", "shop", "new")), chat="old")
    (delivery,) = await scene.sends()
    assert delivery.to.chat == "new"


async def test_where_somebody_wrote_in_the_new_chat_first_that_conversation_stays(scene: Scene) -> None:
    old = await scene.store.write(scene.accept("hello", chat="old"))
    new = await scene.store.write(scene.accept("hello", chat="new"))
    await hears(scene, Migrated(Address("memory", "shop", "new")), chat="old")
    assert (await scene.found(old.conversation)).conversation.address.chat == "old"
    assert (await scene.found(new.conversation)).conversation.address.chat == "new"


ECHO = Echoed(text("I am on it."), "r", by="U7", name="Mara")


async def test_words_of_a_person_elsewhere_are_a_takeover_and_stand_in_the_log_as_theirs(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    kept = await hears(scene, ECHO)
    now = (await scene.found(claimed.conversation.id)).conversation
    assert (now.control.state, now.control.epoch, now.control.holder) == ("human", 1, "memory:U7")
    assert now.control.holder_name == "Mara"
    said, control = kept.events[-1], kept.events[-2]
    assert isinstance(control.body, Controlled)
    assert (said.author.kind, said.author.name, said.body, said.epoch) == ("agent", "Mara", Said(ECHO.message, "r"), 1)
    assert said.public
    late = await scene.store.write(scene.commit(claimed, "Too late."))
    assert not hasattr(late, "events")
    assert spoken(await scene.log(now.id)) == [("customer", "hello"), ("agent", "I am on it.")]


async def test_what_the_bot_has_not_sent_by_then_is_not_sent(scene: Scene) -> None:
    await scene.exchange("hello", deliver=True)
    await hears(scene, ECHO)
    assert await scene.sends() == ()


async def test_the_same_person_goes_on_without_a_change_of_control_and_a_repeat_is_none(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await hears(scene, ECHO, key="1")
    await hears(scene, ECHO, key="2")
    await hears(scene, ECHO, key="2")
    found = (await scene.found(now.id)).conversation
    assert found.control.epoch == 1
    assert [by for by, _ in spoken(await scene.log(now.id))].count("agent") == 2


async def test_who_is_known_as_an_agent_holds_it_as_that_agent(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.takes_over(now)
    kept = await hears(scene, ECHO, agent=ANN)
    control = (await scene.found(now.id)).conversation.control
    assert (control.holder, control.epoch) == ("ann", 1)
    assert [event.author for event in kept.events] == [ANN]


async def test_under_a_kill_switch_nobody_takes_over(scene: Scene) -> None:
    now = await scene.exchange("hello")
    await scene.store.write(replace(scene.amend(now.id), control=Control("paused", 1, since=scene.clock.now())))
    await hears(scene, ECHO)
    assert (await scene.found(now.id)).conversation.control.state == "paused"


async def test_a_door_that_asks_is_told_how_the_conversation_stands(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.store.write(replace(scene.commit(claimed, "Yes?"), state=State(language="da")))
    unit = scene.accept(bodies=(Pressed("t"),), key="p")
    for _ in range(2):
        kept = await scene.store.write(replace(unit, asks=True))
        assert kept.stands is not None
        conversation, state = kept.stands
        assert (conversation.id, state.language) == (claimed.conversation.id, "da")
    assert (await scene.store.write(unit)).stands is None
