"""What every language model promises, held by each of them: the scripted, the extractive, the one over the wire."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast, get_args

import pytest

from bot.errors import ModelDown
from bot.llm.extractive import ExtractiveModel
from bot.llm.guard import Guarded
from bot.llm.openai import OpenAIModel, OpenAISettings
from bot.llm.scripted import ScriptedModel
from bot.model import Passage
from bot.ports import Answer, Ask, Cited, LanguageModel, Words
from bot.testing.clock import SettableClock
from tests.bot.llm.stand_in import Reply, delta, stand_in, words

PASSAGE = Passage(document="r.md", title="Refunds", heading="", text="Refunds take three days.", score=1.0)
OTHER = Passage(document="o.md", title="Other", heading="", text="Something else.")
ASK = Ask(instructions="", words="How long do refunds take?", history=(), language="en", passages=(PASSAGE, OTHER))
NOTHING = Ask(instructions="", words="Are there whales?", history=(), language="en")


@pytest.fixture(params=["scripted", "extractive", "openai", "guarded openai"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[LanguageModel]:
    """A model that knows the answer to `ASK` and has none to `NOTHING`; ask it in this order."""
    clock = SettableClock()
    if request.param == "scripted":
        yield ScriptedModel().then(PASSAGE.text, Cited(PASSAGE)).then()
    elif request.param == "extractive":
        yield ExtractiveModel()
    else:
        async with stand_in() as server:
            server.streams(words("Refunds take", " three", " days. [1]"))
            server.streams(words())
            made = OpenAIModel(OpenAISettings(model="m", api_key="x", base_url=server.address, retries=0), clock)
            yield made if request.param == "openai" else Guarded(made, clock)
            await made.close()


async def test_an_answer_is_words_and_what_they_rest_on(model: LanguageModel) -> None:
    answer = [item async for item in model.answer(ASK)]
    assert "".join(item.text for item in answer if isinstance(item, Words)) == PASSAGE.text
    assert [item for item in answer if isinstance(item, Cited)] == [Cited(PASSAGE)]


async def test_no_answer_is_an_empty_one(model: LanguageModel) -> None:
    async for _ in model.answer(ASK):
        pass
    assert [item async for item in model.answer(NOTHING)] == []


async def test_an_answer_may_be_left_before_its_end(model: LanguageModel) -> None:
    async with asyncio.timeout(20):
        async with aclosing(cast(AsyncGenerator[Answer, None], model.answer(ASK))) as answer:
            first = await anext(answer)
    assert isinstance(first, Words)
    assert PASSAGE.text.startswith(first.text)


async def test_nothing_happens_before_the_first_item_is_asked_for(model: LanguageModel) -> None:
    unused = model.answer(NOTHING)
    assert [item async for item in model.answer(ASK)]
    await cast(AsyncGenerator[Answer, None], unused).aclose()


async def test_only_kinds_of_the_contract_come(model: LanguageModel) -> None:
    assert {type(item) async for item in model.answer(ASK)} <= set(get_args(Answer))


async def test_a_model_has_a_name(model: LanguageModel) -> None:
    assert model.name in ("scripted", "extractive", "openai")


@pytest.mark.parametrize("guarded", [False, True])
async def test_a_model_that_fails_is_down(guarded: bool) -> None:
    clock = SettableClock()
    async with stand_in() as server:
        server.replies.append(Reply(pieces=[delta(content="Refunds ")], cut=True))
        wire = OpenAIModel(OpenAISettings(model="m", api_key="x", base_url=server.address, retries=0), clock)
        failing: list[LanguageModel] = [ScriptedModel().then("Refunds ", ModelDown("over")), wire]
        for model in (Guarded(each, clock) if guarded else each for each in failing):
            answer = model.answer(ASK)
            assert await anext(answer) == Words("Refunds" if model.name == "openai" else "Refunds ")
            with pytest.raises(ModelDown):
                await anext(answer)
        await wire.close()
