"""One customer, scripted and free-form replies, a human takes over and hands back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import ControlMoved, NewerEvents, TryLater
from bot.model import Controlled, Discarded, Partial, Returned, Said, Turned
from bot.units import Deliveries
from tests.journeys.stage import Stage, agent, stage

MARA, JO = agent("Mara"), agent("Jo")


@pytest.fixture(params=["memory", "file", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return "sqlite://"
        case "file":
            return f"sqlite:///{tmp_path / 'frontdesk.db'}"
        case _:
            return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The example shop, on every store."""
    async with stage(tmp_path, database=database) as made:
        yield made


@pytest.fixture
async def virtual(tmp_path: Path) -> AsyncIterator[Stage]:
    """Where nothing but the clock takes time."""
    async with stage(tmp_path) as made:
        yield made


async def test_an_order_is_tracked(shop: Stage) -> None:
    asked = await shop.say("where is my order?")
    assert "order" in asked[-1].lower()
    told = await shop.say("A-17")
    assert "A-17" in "\n".join(told)
    assert not (await shop.found()).state.stack


async def test_a_question_in_the_middle_is_answered_from_the_documents_and_the_flow_goes_on(shop: Stage) -> None:
    question = (await shop.say("where is my order?"))[-1]
    answer = await shop.say("how long does a refund take?")
    assert "refund" in answer[0].lower()
    assert any("order" in line.lower() for line in answer[1:]), (question, answer)
    assert "A-17" in "\n".join(await shop.say("A-17"))


async def test_a_burst_is_one_turn(shop: Stage) -> None:
    await shop.say("hello there", "one question", "how long does a refund take?")
    turns = [event for event in await shop.log() if isinstance(event.body, Turned)]
    assert len(turns) == 1
    assert turns[0].seq > 3


async def test_an_answer_to_a_pending_question_does_not_wait(virtual: Stage) -> None:
    await virtual.say("where is my order?")
    await virtual.memory.say("ana", "A-17")
    await virtual.clock.advance(0)
    assert "A-17" in "\n".join(virtual.memory.seen("ana"))


async def test_the_same_message_twice_is_answered_once(shop: Stage) -> None:
    assert await shop.say("where is my order?", key="m1") != []
    assert await shop.say("where is my order?", key="m1") == []


async def test_a_human_takes_over_and_hands_back_and_the_flow_resumes(shop: Stage) -> None:
    await shop.say("where is my order?")
    await shop.say("I want a human")
    found = await shop.found()
    assert found.conversation.control.state == "queued"

    desk, id = shop.parts.desk, found.conversation.id
    taken = await desk.take_over(id, MARA, found.conversation.control.epoch)
    await desk.reply(
        id, MARA, "Hello, Mara here.", seen=taken.conversation.last_seq, epoch=taken.conversation.control.epoch
    )
    await desk.note(id, MARA, "canary-note: has called twice")
    await shop.settle()
    silent = await shop.say("thank you Mara")
    assert silent == []

    now = (await shop.found()).conversation
    await desk.hand_back(id, MARA, now.control.epoch, how="resume")
    await shop.settle()
    seen = shop.memory.seen("ana")
    assert "Mara here." in "\n".join(seen)
    assert "order" in seen[-1].lower(), "the pending question is asked again"
    assert "A-17" in "\n".join(await shop.say("A-17"))
    assert "canary-note" not in "\n".join(seen)
    assert ("note", "canary-note: has called twice") in await shop.lines()


async def test_handing_back_free_drops_the_flow(shop: Stage) -> None:
    await shop.say("where is my order?")
    found = await shop.found()
    taken = await shop.parts.desk.take_over(found.conversation.id, MARA, found.conversation.control.epoch)
    await shop.parts.desk.hand_back(found.conversation.id, MARA, taken.conversation.control.epoch, how="free")
    await shop.settle()
    assert (await shop.found()).state.stack == ()
    assert any(isinstance(event.body, Returned) for event in await shop.log())


async def test_every_change_of_control_is_told_and_raises_the_epoch(shop: Stage) -> None:
    await shop.say("I want a human")
    id = (await shop.found()).conversation.id
    for act in (shop.parts.desk.take_over, shop.parts.desk.hand_back):
        await act(id, MARA, (await shop.found()).conversation.control.epoch)
    await shop.settle()
    changes = [event.body.control for event in await shop.log() if isinstance(event.body, Controlled)]
    assert [(one.state, one.epoch) for one in changes] == [("queued", 1), ("human", 2), ("bot", 3)]
    notices = [line for by, line in await shop.lines() if by == "system"]
    assert len(notices) == 3
    assert "Mara" in notices[1]


async def test_two_agents_claim_and_one_wins(shop: Stage) -> None:
    await shop.say("I want a human")
    now = (await shop.found()).conversation
    await shop.parts.desk.take_over(now.id, MARA, now.control.epoch)
    with pytest.raises(ControlMoved) as refused:
        await shop.parts.desk.take_over(now.id, JO, now.control.epoch)
    assert refused.value.control.holder_name == "Mara"


async def test_a_reply_to_a_stale_screen_is_refused_with_what_was_missed(shop: Stage) -> None:
    await shop.say("I want a human")
    now = (await shop.found()).conversation
    taken = (await shop.parts.desk.take_over(now.id, MARA, now.control.epoch)).conversation
    await shop.say("it is about order A-17")
    with pytest.raises(NewerEvents) as refused:
        await shop.parts.desk.reply(now.id, MARA, "Which order?", seen=taken.last_seq, epoch=taken.control.epoch)
    assert [event.body.ref for event in refused.value.events if isinstance(event.body, Said)] == [""]


async def test_a_resolved_conversation_starts_afresh_when_the_customer_writes_again(shop: Stage) -> None:
    await shop.say("where is my order?")
    now = (await shop.found()).conversation
    await shop.parts.desk.resolve(now.id, MARA, now.control.epoch, reason="done")
    closed = await shop.found()
    assert (closed.conversation.status, closed.state.stack) == ("resolved", ())
    await shop.say("where is my order?")
    assert (await shop.found()).conversation.status == "open"


async def test_a_refused_send_is_tried_again_and_order_is_kept(shop: Stage) -> None:
    shop.memory.faults = [TryLater("slow down"), None]
    await shop.say("where is my order?")
    await shop.settle(60)
    await shop.say("A-17")
    states = await shop.parts.store.read(Deliveries((await shop.found()).conversation.id))
    assert {state for _, _, state, _ in states} == {"sent"}
    seqs = [int(sent.key.split(".")[-1]) for sent in shop.memory.sent]
    assert seqs == sorted(seqs) or len(set(seqs)) == 1


async def test_nothing_a_takeover_overtook_is_said(virtual: Stage) -> None:
    """The takeover commits while the turn waits out the quiet window before a model is asked."""
    shop = virtual
    await shop.memory.say("ana", "how long does a refund take?")
    await shop.clock.advance(0.1)
    now = (await shop.found()).conversation
    await shop.parts.desk.take_over(now.id, MARA, now.control.epoch)
    await shop.settle()
    said = [event for event in await shop.log() if isinstance(event.body, Said) and event.author.kind == "bot"]
    assert said == []
    kept = [event.body for event in await shop.log() if isinstance(event.body, Discarded | Partial)]
    assert any("refund" in str(body).lower() for body in kept), "the agent may reuse what the bot had ready"
