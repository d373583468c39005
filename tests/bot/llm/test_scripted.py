"""The scripted model says what it was told to, and complains aloud."""

import pytest

from bot.errors import ModelDown
from bot.llm.scripted import ScriptDiffers, ScriptedModel
from bot.model import Cancel
from bot.ports import Ask, Wanted, Words

ASK = Ask(instructions="", words="Hi", history=(), language="en")


async def test_a_script_is_streamed_word_by_word_and_remembered() -> None:
    happened: list[str] = []

    async def wait() -> None:
        happened.append("waited")

    model = ScriptedModel().then("Good  morning\nto you", wait, Wanted(Cancel()), words="Hi")
    assert [item async for item in model.answer(ASK)] == [
        *map(Words, ("Good  ", "morning\n", "to ", "you")),
        Wanted(Cancel()),
    ]
    assert (model.asks, model.left, happened) == ([ASK], 0, ["waited"])


async def test_a_model_can_go_down_in_the_middle() -> None:
    model = ScriptedModel().then("One", ModelDown("over"))
    answer = model.answer(ASK)
    assert await anext(answer) == Words("One")
    with pytest.raises(ModelDown, match="over"):
        await anext(answer)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (ScriptedModel(), "the script has ended, and the model is asked 'Hi'"),
        (ScriptedModel().then("Yes", words="Hello"), "the script expects 'Hello', and the model is asked 'Hi'"),
    ],
    ids=["ended", "differs"],
)
async def test_another_conversation_than_the_script_expects_fails(model: ScriptedModel, why: str) -> None:
    with pytest.raises(ScriptDiffers, match=why):
        await anext(model.answer(ASK))
