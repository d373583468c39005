"""A form on a channel that has forms: filled in at once, with mistakes, twice, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.model import Form
from bot.testing.clock import SettableClock
from channels.memory import EVERYTHING, Memory
from tests.bot.flow.script import project
from tests.journeys.stage import Stage, stage

FLOWS = """
flow: sign_up
about: Signs up.
examples: [sign me up]
slots:
  who: {type: text}
  email: {type: email}
  note: {type: text, optional: true}
steps:
  - say: {text: Tell us., form: [who, email, note]}
  - say: "{{ who }}, {{ email }}, {{ note | default('nothing') }}."
"""
TEXTS = {"en": "not_an_order: No order.\nask_who: Your name?\nask_email: Your e-mail?\nask_note: Anything else?"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    flows = project(tmp_path, FLOWS, texts=TEXTS)
    (flows / "knowledge").mkdir()
    clock = SettableClock()
    memory = Memory(clock, can=replace(EVERYTHING, form="native"))
    async with stage(tmp_path, flows=flows, clock=clock, memory=memory) as desk:
        await desk.say("sign me up")
        yield desk


async def submit(desk: Stage, **values: str) -> list[str]:
    before = len(desk.memory.seen("ana"))
    await desk.memory.submit("ana", dict(values))
    await desk.settle()
    return desk.memory.seen("ana")[before:]


async def test_all_of_it_is_said_at_once(desk: Stage) -> None:
    (form,) = [part for sent in desk.memory.sent for part in sent.message.parts if isinstance(part, Form)]
    assert [field.name for field in form.fields] == ["who", "email", "note"]
    assert form.token
    assert await submit(desk, who="Ann", email="ann@shop.example", note="") == ["Ann, ann@shop.example, nothing."]


async def test_what_is_wrong_is_told_at_once_and_the_form_stays_open(desk: Stage) -> None:
    """Nothing of it is taken, and nothing is said: the customer mends what they see, and sends it again."""
    assert await submit(desk, who="Ann", email="nowhere", note="x") == []
    assert await submit(desk, who="Ann", email="ann@shop.example", note="x") == ["Ann, ann@shop.example, x."]


async def test_a_form_is_filled_in_once(desk: Stage) -> None:
    await submit(desk, who="Ann", email="ann@shop.example")
    assert await submit(desk, who="Ben", email="ben@shop.example") == ["That choice is no longer open."]


async def test_who_began_in_words_may_still_fill_it_in(desk: Stage) -> None:
    assert await desk.say("Ann") == ["Your e-mail?"]
    assert (await submit(desk, who="Ann", email="ann@shop.example"))[-1] == "Ann, ann@shop.example, nothing."


async def test_a_form_that_is_closed_as_it_was_is_asked_in_words(desk: Stage) -> None:
    assert await submit(desk) == ["Your name?"]
    assert await desk.say("Ann") == ["Your e-mail?"]


async def test_closing_a_form_that_is_done_with_says_nothing(desk: Stage) -> None:
    await submit(desk, who="Ann", email="ann@shop.example")
    assert await submit(desk) == []
