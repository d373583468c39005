"""An agent changes or takes back what they have sent: the customer sees it so, and the log keeps both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.errors import ControlMoved, NotFound, Refusal, Unreachable
from bot.fit import words
from bot.model import Author, Media, Message, Said, text
from bot.ports import Capabilities, Limit
from bot.testing.store import Scene
from bot.units import Entry, Queue, RefsOf
from channels.memory import EVERYTHING
from tests.journeys.stage import Stage, agent, stage

MARA, OTTO = agent("Mara"), agent("Otto")
PLAIN: Capabilities = replace(EVERYTHING, can=frozenset())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        await made.say("hello")
        await made.take_over(MARA)
        await made.settle()
        yield made


async def said(desk: Stage, text: str) -> int:
    """By Mara; gives its seq."""
    now = (await desk.found()).conversation
    done = await desk.parts.desk.reply(now.id, MARA, text, seen=now.last_seq, epoch=now.control.epoch)
    await desk.settle()
    return done.events[-1].seq


async def revised(desk: Stage, seq: int, text: str, key: str = "") -> None:
    await desk.parts.desk.revise((await desk.found()).conversation.id, MARA, seq, text, key=key)
    await desk.settle()


async def withdrawn(desk: Stage, seq: int) -> None:
    await desk.parts.desk.withdraw((await desk.found()).conversation.id, MARA, seq)
    await desk.settle()


async def by_agents(desk: Stage) -> list[tuple[str, int]]:
    found = [event.body for event in await desk.of(Said) if event.author.kind == "agent"]
    return [(words(body.message), body.revises) for body in found if isinstance(body, Said)]


async def test_what_was_written_anew_stands_in_its_place_and_both_are_in_the_log(desk: Stage) -> None:
    seq = await said(desk, "It cots 5 euros.")
    await said(desk, "Anything else?")
    before = len(desk.memory.sent)
    await revised(desk, seq, "It costs **5 euros**.")
    await revised(desk, seq, "It costs 6 euros.")
    assert desk.memory.seen("ana")[-2:] == ["It costs 6 euros.", "Anything else?"]
    assert len(desk.memory.sent) == before
    assert await by_agents(desk) == [
        ("It cots 5 euros.", 0),
        ("Anything else?", 0),
        ("It costs 5 euros.", seq),
        ("It costs 6 euros.", seq),
    ]


async def test_a_longer_one_goes_on_in_another_message_and_a_shorter_one_takes_it_away(desk: Stage) -> None:
    desk.memory.can = replace(EVERYTHING, text=Limit(12))
    seq = await said(desk, "one two")
    await revised(desk, seq, "one two three four")
    assert desk.memory.seen("ana")[-2:] == ["one two", "three four"]
    await revised(desk, seq, "one")
    assert desk.memory.seen("ana")[-1] == "one"
    now = (await desk.found()).conversation
    assert len(await desk.parts.store.read(RefsOf(now.id, seq))) == 1


async def test_what_is_taken_back_is_seen_no_more_and_cannot_be_changed(desk: Stage) -> None:
    before = desk.memory.seen("ana")
    seq = await said(desk, "Wrong customer!")
    await withdrawn(desk, seq)
    await withdrawn(desk, seq)
    assert desk.memory.seen("ana") == before
    assert await by_agents(desk) == [("Wrong customer!", 0), ("", seq)]
    with pytest.raises(Refusal, match="taken back"):
        await revised(desk, seq, "anew")


async def test_where_nothing_can_be_edited_a_correction_is_said(desk: Stage) -> None:
    desk.memory.can = PLAIN
    seq = await said(desk, "It cots 5 euros.")
    await revised(desk, seq, "It costs 5 euros.")
    assert desk.memory.seen("ana")[-2:] == ["It cots 5 euros.", "Correction: It costs 5 euros."]
    with pytest.raises(Refusal, match="send a correction"):
        await withdrawn(desk, seq)
    await desk.hand_back(MARA)
    with pytest.raises(ControlMoved):
        await revised(desk, seq, "It costs 6 euros.")


async def test_nobody_changes_what_is_not_theirs(desk: Stage) -> None:
    seq = await said(desk, "Mine.")
    now = (await desk.found()).conversation
    with pytest.raises(Refusal, match="no message of yours"):
        await desk.parts.desk.revise(now.id, OTTO, seq, "Otto's")
    for other in (1, seq - 1):
        with pytest.raises(Refusal, match="no message of yours"):
            await desk.parts.desk.withdraw(now.id, MARA, other)
    with pytest.raises(NotFound):
        await desk.parts.desk.withdraw(now.id, MARA, 10_000)


async def test_only_words_are_written_anew(desk: Stage) -> None:
    now = (await desk.found()).conversation
    photo = Message((Media("image", "https://shop.example/a.png"),))
    scene = Scene(desk.parts.store, desk.clock, desk.parts.random)  # type: ignore[arg-type]
    entry = Entry(Author("agent", MARA.id, MARA.name), Said(photo), now.control.epoch, public=True)
    seq = (await scene.amends(scene.amend(now.id, entry))).events[0].seq
    with pytest.raises(Refusal, match="only words"):
        await revised(desk, seq, "words")


async def test_the_same_words_or_the_same_key_change_nothing(desk: Stage) -> None:
    seq = await said(desk, "Fine.")
    await revised(desk, seq, "Fine.")
    await revised(desk, seq, "Better.", key="k")
    await revised(desk, seq, "Worse.", key="k")
    assert await by_agents(desk) == [("Fine.", 0), ("Better.", seq)]


async def test_an_edit_that_fails_is_tried_again(desk: Stage) -> None:
    seq = await said(desk, "It cots 5 euros.")
    desk.memory.faults_of["edit"] = [Unreachable("cut"), Unreachable("cut")]
    await revised(desk, seq, "It costs 5 euros.")
    await desk.settle(30)
    assert desk.memory.seen("ana")[-1] == "It costs 5 euros."


async def test_a_list_shows_the_last_words_as_they_are_now(desk: Stage) -> None:
    first = await said(desk, "First.")
    last = await said(desk, "Last.")
    await revised(desk, first, "The first.")
    await revised(desk, last, "The last.")

    async def shown() -> str:
        page = await desk.parts.store.read(Queue(view="all", agent=MARA.id))
        return page.rows[0].last_text

    assert await shown() == "Last."
    last = await said(desk, "The very last.")
    await withdrawn(desk, last)
    assert await shown() == ""


async def test_an_answer_to_one_message_is_sent_as_one(desk: Stage) -> None:
    await desk.memory.hear("ana", Said(text("which one?"), "theirs"))
    await desk.settle()
    now = (await desk.found()).conversation
    asked = (await desk.of(Said))[-1].seq
    seen, epoch = now.last_seq, now.control.epoch
    await desk.parts.desk.reply(now.id, MARA, "this one", seen=seen, epoch=epoch, reply_to=asked)
    await desk.settle()
    assert (desk.memory.sent[-1].text, desk.memory.sent[-1].reply_to) == ("this one", "theirs")
