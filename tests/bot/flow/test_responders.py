"""The two responders that need no model: what they take, and what the last one says when nobody else did."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from bot.flow import say
from bot.flow.interpreter.given import Ordered
from bot.model import Clarify, Declined, Media, Message, Opened, Outcome, Pressed, Refuse, Said, Set, Start, Turn, text
from bot.ports import Powers
from bot.responders.fallback import Fallback
from bot.responders.in_flow import InFlow
from tests.bot.flow.script import Talk, talk

FLOWS = """
flow: track
about: Tracking.
examples: [track my parcel]
slots: {parcel: {type: text}}
steps: [{ask: parcel, say: Which parcel?}]
---
flow: for_known_customers
about: Private.
when: customer.verified
steps: [{say: Hi.}]
---
flow: inner
steps: [{say: Hi.}]
"""
NO_POWERS = cast(Powers, None)  # neither waits, looks back nor drafts


@pytest.fixture
def talking(tmp_path: Path) -> Talk:
    return talk(tmp_path, FLOWS)


async def heard(talking: Talk, turn: Turn, *, slash: bool = False) -> Outcome | Declined:
    return await InFlow(talking.book, lambda turn: talking.facts, slash=slash).take(turn, NO_POWERS)


async def last_word(talking: Talk, turn: Turn) -> Outcome:
    return await Fallback(talking.book).take(turn, NO_POWERS)


async def test_what_is_understood_becomes_commands_and_no_words(talking: Talk) -> None:
    outcome = await heard(talking, talking.turn(Said(text("track my parcel"))))
    assert outcome == Outcome(responder="in_flow", commands=((Start("track"), "example"),))


async def test_an_answer_is_a_command_too(talking: Talk) -> None:
    talking.do("/start track")
    outcome = await heard(talking, talking.turn(Said(text("the red one"))))
    assert outcome == Outcome(responder="in_flow", commands=((Set("parcel", "the red one"), "answer"),))


async def test_what_is_not_understood_is_left_to_others(talking: Talk) -> None:
    outcome = await heard(talking, talking.turn(Said(text("what is the weather like"))))
    assert outcome == Declined("the words are no command, no answer and no example")


@pytest.mark.parametrize(("slash", "kind"), [(True, Outcome), (False, Declined)])
async def test_typed_commands_count_where_they_are_allowed(talking: Talk, slash: bool, kind: type) -> None:
    assert type(await heard(talking, talking.turn(Said(text("/start track"))), slash=slash)) is kind


async def test_who_looks_in_for_the_first_time_is_greeted(talking: Talk) -> None:
    turn = talking.turn(Opened())
    assert isinstance(await heard(talking, turn), Declined)
    assert await last_word(talking, turn) == Outcome(responder="fallback", messages=(say.greeting(talking.book, "en"),))


async def test_who_comes_back_finds_everything_where_it_was(talking: Talk) -> None:
    talking.do("/start track")
    assert await last_word(talking, talking.turn(Opened())) == Outcome(responder="fallback", silent=True)


async def test_words_that_nobody_took_use_up_a_try_of_the_pending_question(talking: Talk) -> None:
    talking.do("/start track")
    assert await last_word(talking, talking.turn(Said(text("hm")))) == Outcome(responder="fallback", missed=True)


async def test_without_a_question_it_says_what_can_be_done(talking: Talk) -> None:
    outcome = await last_word(talking, talking.turn(Said(text("hm"))))
    assert outcome == Outcome(responder="fallback", commands=((Clarify(), "rule"),))
    lines = talking.give(*(Ordered(command, source) for command, source in outcome.commands))
    assert lines == ["This is what I can help with:", "[Track|Talk to a person]"]


async def test_a_message_without_words_is_told_so(talking: Talk) -> None:
    empty = Said(replace(text(""), parts=()))
    outcome = await last_word(talking, talking.turn(empty))
    assert outcome == Outcome(responder="fallback", commands=((Refuse("unsupported"), "rule"),))


async def test_a_file_that_is_not_the_one_asked_for_uses_up_a_try(tmp_path: Path) -> None:
    asking = talk(tmp_path, "flow: f\nabout: x\nslots: {photo: {type: image}}\nsteps: [{ask: photo, say: A picture?}]")
    asking.do("/start f")
    turn = asking.turn(Said(Message((Media("file", "f-1", "bill.pdf", "application/pdf"),))))
    assert await last_word(asking, turn) == Outcome(responder="fallback", missed=True)
    assert asking.miss()[0] == "Please send a picture: take a photo or choose one you have."


async def test_a_button_alone_is_never_for_the_fallback(talking: Talk) -> None:
    outcome = await heard(talking, talking.turn(Pressed("unknown")))
    assert outcome == Outcome(responder="in_flow", commands=((Refuse("void"), "button"),))
