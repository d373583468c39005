"""What customers do on platforms beside writing: edit, send albums, fill in forms, press what is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.model import (
    Echoed,
    Edited,
    Field,
    Form,
    Json,
    Media,
    Message,
    Offer,
    Pressed,
    Said,
    Submitted,
    Turned,
    text,
)
from bot.ports import Accepted, FormErrors, ShowForm, Toast
from bot.testing.clock import SettableClock
from bot.units import Amend
from channels.memory import EVERYTHING, Memory
from tests.bot.flow.script import project
from tests.journeys.stage import Stage, stage

FLOWS = """
flow: book
about: Books it.
examples: [book it]
slots:
  order: {type: order_id}
  when: {type: date}
steps:
  - {ask: order, say: Which order?}
  - {ask: when, say: Which day?}
  - {say: "Booked {{ order }}."}
---
flow: photo
about: Looks at a photo.
examples: [look at this]
slots: {picture: {type: file}}
steps:
  - {ask: picture, say: Please send it.}
  - {say: Nice.}
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    made = project(tmp_path, FLOWS)
    (made / "knowledge").mkdir()
    return made


def modal(clock: SettableClock) -> Memory:
    return Memory(clock, can=replace(EVERYTHING, form="modal"))


async def said(desk: Stage, words: str, ref: str, chat: str = "ana") -> Accepted:
    return await desk.memory.hear(chat, Said(text(words), ref))


async def test_an_edit_of_the_last_words_is_heard_as_new_ones(tmp_path: Path, flows: Path) -> None:
    async with stage(tmp_path, flows=flows) as desk:
        await desk.say("book it")
        await said(desk, "A-17", "1")
        await desk.settle()
        await said(desk, "hm", "2")
        await desk.settle()
        before = len(desk.memory.seen("ana"))
        await desk.memory.edits("ana", "2", "5 May 2026")
        await desk.settle()
        assert desk.memory.seen("ana")[before:] == ["Booked A-17."]


async def test_an_edit_of_older_words_or_one_that_changes_nothing_is_only_logged(tmp_path: Path, flows: Path) -> None:
    async with stage(tmp_path, flows=flows) as desk:
        await said(desk, "book it", "1")
        await desk.settle()
        await said(desk, "A-17", "2")
        await desk.settle()
        seen = desk.memory.seen("ana")
        for ref, words in (("1", "hello"), ("2", "A-17"), ("unknown", "5 May 2026")):
            await desk.memory.edits("ana", ref, words)
            await desk.settle()
        assert desk.memory.seen("ana") == seen
        assert len(await desk.of(Edited)) == 3


async def test_an_album_is_one_message_however_slowly_its_parts_come(tmp_path: Path, flows: Path) -> None:
    def part(name: str, caption: str = "") -> Said:
        return Said(Message((Media("image", name, caption=caption),)), name, group="g")

    async with stage(tmp_path, flows=flows) as desk:
        await desk.say("look at this")
        before = len(desk.memory.seen("ana"))
        for name in ("a", "b", "c"):
            await desk.memory.hear("ana", part(name))
            await desk.clock.advance(0.7)
        assert desk.memory.seen("ana")[before:] == []
        await desk.settle()
        assert desk.memory.seen("ana")[before:] == ["Nice."]
        assert len(await desk.of(Turned)) == 2


async def test_a_stale_press_is_told_at_once_and_a_good_one_is_not(tmp_path: Path) -> None:
    async with stage(tmp_path) as desk:
        await desk.say("I want to return something")
        shown = [sent for sent in desk.memory.sent if sent.options]
        if not shown:
            await desk.say("A-17")
        option = next(sent for sent in reversed(desk.memory.sent) if sent.options).options[0]
        first = await desk.memory.press("ana", option.label)
        await desk.settle()
        second = await desk.memory.press("ana", option.label)
        assert first.now is None
        assert second.now == Toast("That choice is no longer open.")


# Forms

FORM = Form((Field("order", "Order"), Field("when", "Day", "date")), title="Booking", submit="Book")


async def with_form(desk: Stage) -> str:
    """In the flow, with its form open; gives its token."""
    await desk.say("book it")
    found = await desk.found()
    token = "form-token"
    form = replace(FORM, token=token)
    offer = Offer(token, "/form", "Book", found.conversation.control.epoch, "g", form)
    await desk.parts.store.write(
        Amend(
            conversation=found.conversation.id,
            entries=(),
            at=desk.clock.now(),
            reset=replace(found.state, offers=(*found.state.offers, offer)),
        )
    )
    return token


async def test_a_form_is_opened_at_once_and_says_nothing_by_itself(tmp_path: Path, flows: Path) -> None:
    clock = SettableClock()
    async with stage(tmp_path, flows=flows, clock=clock, memory=modal(clock)) as desk:
        token = await with_form(desk)
        seen = desk.memory.seen("ana")
        accepted = await desk.memory.hear("ana", Pressed(token, "Book"))
        assert accepted.now == ShowForm(replace(FORM, token=token))
        await desk.settle()
        assert desk.memory.seen("ana") == seen


async def test_what_is_wrong_in_a_form_is_told_at_once_and_nothing_of_it_is_taken(tmp_path: Path, flows: Path) -> None:
    clock = SettableClock()
    async with stage(tmp_path, flows=flows, clock=clock, memory=modal(clock)) as desk:
        token = await with_form(desk)
        seen = desk.memory.seen("ana")
        accepted = await desk.memory.hear("ana", Submitted(token, {"order": "A-17", "when": "whenever"}))
        assert isinstance(accepted.now, FormErrors)
        assert set(accepted.now.errors) == {"when"}
        missing = await desk.memory.hear("ana", Submitted(token, {"when": "5 May 2026"}))
        assert isinstance(missing.now, FormErrors)
        assert missing.now.errors == {"order": "Please fill this in."}
        await desk.settle()
        assert desk.memory.seen("ana") == seen


async def test_a_form_fills_the_flow_through_the_same_checks_once(tmp_path: Path, flows: Path) -> None:
    clock = SettableClock()
    async with stage(tmp_path, flows=flows, clock=clock, memory=modal(clock)) as desk:
        token = await with_form(desk)
        before = len(desk.memory.seen("ana"))
        values: dict[str, Json] = {"order": "A-17", "when": "5 May 2026", "rights": "admin"}
        accepted = await desk.memory.hear("ana", Submitted(token, values))
        assert accepted.now is None
        await desk.settle()
        assert desk.memory.seen("ana")[before:] == ["Booked A-17."]
        again = await desk.memory.hear("ana", Submitted(token, values))
        assert again.now == Toast("That choice is no longer open.")


# A person elsewhere


async def test_who_speaks_for_us_elsewhere_has_the_floor_and_the_bot_is_silent(tmp_path: Path, flows: Path) -> None:
    async with stage(tmp_path, flows=flows) as desk:
        await desk.say("book it")
        await desk.memory.hear("ana", Echoed(text("I will do it for you."), "r", by="owner", name="Mara"))
        seen = desk.memory.seen("ana")
        assert await desk.say("A-17") == []
        assert desk.memory.seen("ana") == seen
        assert await desk.lines() == [
            ("customer", "book it"),
            ("bot", "Which order?"),
            ("agent", "I will do it for you."),
            ("customer", "A-17"),
        ]
        now = (await desk.found()).conversation
        assert (now.control.state, now.control.holder_name) == ("human", "Mara")
