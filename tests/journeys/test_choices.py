"""What a button means, to whom, for how long, and how often; and what a customer who waits for a human may still do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.flow.fold import fold_event
from bot.model import Choices, Controlled, Pressed, State, Turned
from bot.ports import Toast
from channels.memory import EVERYTHING
from tests.bot.flow.script import project
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
VOID = "That choice is no longer open."

FLOWS = """
flow: paint
about: Paints it.
examples: [paint it]
slots:
  colour: {type: choice, of: [red, blue]}
steps:
  - {ask: colour, say: Which colour?}
  - {say: "Painted {{ colour }}."}
---
flow: tents
about: Shows tents.
examples: [show tents]
steps:
  - say:
      card:
        title: Two tents
        options: [{label: Paint one, start: paint}]
---
flow: help
about: A person helps.
examples: [repair it]
slots: {item: {type: text}}
steps:
  - {ask: item, say: What is broken?}
  - {handoff: service}
  - {say: We go on.}
---
flow: insure
about: Two people help, one after the other.
examples: [insure it]
steps:
  - {handoff: service}
  - {handoff: service}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    made = project(tmp_path, FLOWS, texts={"en": f"not_an_order: No order.\nvoid: {VOID}"})
    (made / "knowledge").mkdir()
    async with stage(tmp_path, flows=made) as opened:
        yield opened
        folded = State()
        for event in await opened.log():
            folded = fold_event(folded, event)
        assert folded == (await opened.found()).state, "the log alone gives the state"


async def test_a_button_answers_the_question_without_waiting(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.memory.press("ana", "Red")
    await desk.clock.advance(0)
    assert desk.memory.seen("ana")[-1] == "Painted Red."


async def test_a_button_pressed_twice_counts_once(desk: Stage) -> None:
    await desk.say("paint it")
    assert await desk.press("Red") == ["Painted Red."]
    assert await desk.press("Red") == [VOID]


async def test_where_the_platform_tells_whoever_pressed_the_chat_stays_silent(desk: Stage) -> None:
    desk.memory.can = replace(EVERYTHING, can=frozenset(("toast",)))
    await desk.say("paint it")
    assert await desk.press("Red") == ["Painted Red."]
    await desk.say("paint it")
    assert (await desk.memory.press("ana", "Red")).now is None
    await desk.settle()
    seen = desk.memory.seen("ana")
    old = next(option for sent in desk.memory.sent for option in sent.options)
    await desk.say("paint it")
    asked = len(desk.memory.seen("ana"))
    again = await desk.memory.hear("ana", Pressed(old.token, old.label))
    await desk.settle()
    assert again.now == Toast(VOID)
    assert VOID not in seen
    assert len(desk.memory.seen("ana")) == asked
    now = (await desk.found()).conversation
    assert now.heard == now.input_seq
    assert await desk.say("blue") == ["Painted Blue."]


async def test_two_presses_at_once_are_one(desk: Stage) -> None:
    await desk.say("paint it")
    before = len(desk.memory.seen("ana"))
    await desk.memory.press("ana", "Red")
    await desk.memory.press("ana", "Red")
    await desk.settle()
    assert desk.memory.seen("ana")[before:].count("Painted Red.") == 1


async def test_words_and_a_press_in_one_breath_are_both_answered_in_order(desk: Stage) -> None:
    await desk.say("paint it")
    before = len(desk.memory.seen("ana"))
    await desk.memory.say("ana", "what is the weather like?")
    await desk.memory.press("ana", "Red")
    await desk.settle()
    assert desk.memory.seen("ana")[before:] == [
        "Please choose one of these.",
        "Which colour?\n1. Red\n2. Blue",
        "Painted Red.",
    ]
    assert len(await desk.of(Turned)) == 3


async def test_a_choice_voids_the_others_of_its_message(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.press("Red")
    assert await desk.press("Blue") == [VOID]


async def test_the_button_of_a_card_starts_its_flow_once(desk: Stage) -> None:
    await desk.say("show tents")
    assert (await desk.press("Paint one"))[0].startswith("Which colour?")
    assert (await desk.press("Paint one"))[0] == VOID


async def test_a_button_of_another_conversation_does_nothing(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.say("paint it", chat="eve")
    token = (await desk.found()).state.offers[0].token
    before = len(desk.memory.seen("eve"))
    await desk.memory.hear("eve", Pressed(token, "Red"))
    await desk.settle()
    assert desk.memory.seen("eve")[before] == VOID
    assert (await desk.found("eve")).state.stack[-1].slots == {}


async def test_a_button_from_before_a_change_of_control_is_void(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.take_over(MARA)
    await desk.hand_back(MARA)
    await desk.settle()
    old = next(part for part in desk.memory.sent[0].message.parts if isinstance(part, Choices))
    await desk.memory.hear("ana", Pressed(old.options[0].token, "Red"))
    await desk.settle()
    assert VOID in desk.memory.seen("ana")
    assert "Painted Red." not in desk.memory.seen("ana")
    assert await desk.press("Red") == ["Painted Red."]


async def test_who_no_longer_wants_a_human_is_told_and_the_question_comes_again_with_live_buttons(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.say("I want a human")
    told, asked = await desk.say("never mind")
    assert told == "All right, no person will be called."
    assert asked.startswith("Which colour?")
    now = (await desk.found()).conversation
    assert (now.control.state, now.control.epoch) == ("bot", 2)
    assert await desk.press("Red") == ["Painted Red."]


async def test_a_flow_that_waited_for_a_human_goes_on_when_none_is_wanted(desk: Stage) -> None:
    await desk.say("repair it")
    await desk.say("the zip")
    assert (await desk.found()).conversation.control.state == "queued"
    assert await desk.say("never mind") == ["All right, no person will be called.", "We go on."]


async def test_who_no_longer_wants_a_human_is_not_asked_to_wait_for_the_next(desk: Stage) -> None:
    await desk.say("insure it")
    assert (await desk.found()).conversation.control.state == "queued"
    assert await desk.say("never mind") == ["All right, no person will be called."]
    assert (await desk.found()).conversation.control.state == "bot"


async def test_without_a_flow_nothing_more_is_said(desk: Stage) -> None:
    await desk.say("I want a human")
    assert await desk.say("never mind") == ["All right, no person will be called."]
    changes = [event.body.control.state for event in await desk.of(Controlled) if isinstance(event.body, Controlled)]
    assert changes == ["queued", "bot"]


async def test_a_wish_for_a_human_voids_what_could_be_pressed(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.say("I want a human")
    assert (await desk.found()).state.offers == ()


async def test_who_waits_for_a_human_is_not_answered_by_the_bot(desk: Stage) -> None:
    await desk.say("paint it")
    await desk.say("I want a human")
    turns = len(await desk.of(Turned))
    assert await desk.say("red") == []
    now = (await desk.found()).conversation
    assert (now.heard, len(await desk.of(Turned))) == (now.input_seq, turns)
