"""A flow lets the model lead: it speaks, asks its tools, fills what is wanted, and gives the flow back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bot import shelf as shelves
from bot.bus.memory import MemoryBus
from bot.errors import ModelDown
from bot.flow.book import Book
from bot.flow.describe import candidates, standing, stretch
from bot.flow.read import read
from bot.llm.extractive import ExtractiveModel
from bot.llm.scripted import ScriptedModel
from bot.model import Facts, Message, Passage, Set, Turn
from bot.ports import Called, LanguageModel, Told, Wanted
from bot.powers import TurnPowers
from bot.responders.fallback import Fallback
from bot.responders.free_form import FreeForm
from bot.responders.in_flow import InFlow
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import Scene
from bot.tools import Tools
from bot.turn import Director, Played
from tests.bot.flow.script import project

FLOWS = """
flow: settle
about: Settling.
examples: [settle it]
slots: {plan: {type: choice, of: [refund, voucher]}}
steps:
  - say: Let us see.
  - agent: Agree on a plan.
    tools: [find]
    knows: [returns]
    fills: [plan]
    stuck: [{say: A person will look at it.}, {end: stuck}]
  - say: "{{ plan }} it is."
"""
ASKS = {"en": "not_an_order: No.\nask_plan: Which plan?"}
RETURNS = Passage(document="returns.md", title="Returns", heading="", text="30 days.")
OTHER = Passage(document="sizes.md", title="Sizes", heading="", text="Large.")
FIND = Called("find", {"order": "A-17"})


class Shelf:
    async def search(self, words: str, *, language: str, most: int = 4) -> tuple[Passage, ...]:
        return (OTHER, RETURNS)


def facts_of(turn: Turn) -> Facts:
    return {"now": turn.now.isoformat(), "language": "en", "customer": {}, "channel": "memory", "hours": {}}


class Stand:
    """One conversation at a director whose leader is a model."""

    def __init__(self, book: Book, model: LanguageModel) -> None:
        self.clock = SettableClock()
        self.scene = Scene(open_store("sqlite://", self.clock), self.clock, SeededRandom())
        self.bus = MemoryBus()
        leader = FreeForm(
            model,
            Shelf(),
            candidates_of=lambda turn: candidates(book, turn.state, facts_of(turn)),
            describe=lambda turn: standing(book, turn.state, facts_of(turn)),
            stretch_of=lambda turn: stretch(book, turn.state, facts_of(turn)),
            call=Tools(book, self.clock).call,
        )
        responders = (InFlow(book, facts_of), leader, Fallback(book, facts_of))
        shelf = shelves.Shelf(
            book,
            lambda book: shelves.Edition(book, responders, facts_of, leader=leader),
            store=self.scene.store,
            clock=self.clock,
        )
        self.director = Director(
            shelf=shelf, store=self.scene.store, bus=self.bus, clock=self.clock, random=SeededRandom()
        )

    async def play(self, words: str, after: Played | None = None) -> Played:
        claimed = await self.scene.asks(words, chat="2" if after else "1")
        assert claimed.inputs is not None
        turn = Turn(
            conversation=claimed.conversation,
            state=after.state if after else claimed.state,
            inputs=claimed.inputs,
            attempt=1,
            now=self.clock.now(),
        )
        powers = TurnPowers(turn, store=self.scene.store, bus=self.bus, clock=self.clock, window=timedelta(0))
        return await self.director.play(turn, powers)


def told(*messages: Message) -> list[str]:
    return ["".join(span.text for part in message.parts for span in getattr(part, "spans", ())) for message in messages]


def stand(folder: Path, model: LanguageModel, texts: Mapping[str, str] | None = None) -> Stand:
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "returns.md").write_text("# Returns\n30 days.")
    return Stand(read(project(folder, FLOWS, texts=texts)), model)


async def test_the_model_begins_in_the_turn_in_which_the_flow_lets_it_lead(tmp_path: Path) -> None:
    model = ScriptedModel().then("Refund or voucher?")
    played = await stand(tmp_path, model).play("settle it")
    assert told(*played.answer, *played.says) == ["Let us see.", "Refund or voucher?"]
    (ask,) = model.asks
    assert (ask.task, ask.slots, ask.passages) == ("Agree on a plan.", {"plan": "choice: refund, voucher"}, (RETURNS,))
    assert [tool.name for tool in ask.tools] == ["find"]
    assert ask.tools[0].arguments["required"] == ["order"]


async def test_words_go_to_the_model_and_what_it_fills_gives_the_flow_back(tmp_path: Path) -> None:
    model = ScriptedModel().then("Refund or voucher?").then("Gladly.", Wanted(Set("plan", "voucher")), words="voucher")
    leading = stand(tmp_path, model)
    played = await leading.play("voucher", await leading.play("settle it"))
    assert told(*played.answer, *played.says) == ["Gladly.", "Voucher it is."]
    assert played.state.stack == ()


async def test_the_model_is_told_what_its_tools_give(tmp_path: Path) -> None:
    model = ScriptedModel().then(FIND).then("You have 9 days left. Refund or voucher?")
    played = await stand(tmp_path, model).play("settle it")
    assert told(*played.says) == ["Let us see.", "You have 9 days left. Refund or voucher?"]
    assert model.asks[1].told == (Told(FIND, {"days": 9}),)


async def test_a_tool_that_was_not_granted_or_is_called_wrongly_is_an_error_the_model_hears_of(tmp_path: Path) -> None:
    wrong = (Called("book_it", {"order": "A-17"}), Called("find", {"ordr": 1}))
    model = ScriptedModel().then(*wrong).then("Refund or voucher?")
    await stand(tmp_path, model).play("settle it")
    first, second = model.asks[1].told
    assert first.error == "there is no such tool"
    assert second.error.startswith("find: ")


async def test_a_model_that_calls_tools_for_ever_is_stopped(tmp_path: Path) -> None:
    model = ScriptedModel()
    for _ in range(9):
        model.then(FIND)
    played = await stand(tmp_path, model).play("settle it")
    assert len(model.asks[-1].told) == 8
    assert played.handoff is None or played.handoff.reason == "stuck"


async def test_without_a_model_the_flow_asks_itself(tmp_path: Path) -> None:
    played = await stand(tmp_path, ExtractiveModel(), ASKS).play("settle it")
    assert told(*played.says) == ["Let us see.", "Which plan?"]


async def test_a_model_that_goes_down_meanwhile_leaves_the_flow_to_ask_itself(tmp_path: Path) -> None:
    model = ScriptedModel().then("Refund or voucher?").then(ModelDown("gone"))
    leading = stand(tmp_path, model, ASKS)
    played = await leading.play("hm", await leading.play("settle it"))
    assert told(*played.says) == ["Which plan?"]


RESTYLED = """
flow: settle
about: Settling.
examples: [settle it]
steps:
  - say: Your order A-17 is here.
    mode: MODE
"""


@pytest.mark.parametrize(
    ("mode", "words", "said"),
    [
        ("rephrase", "Good news, A-17 has come!", "Good news, A-17 has come!"),
        ("rephrase", "Good news, A-18 has come!", "Your order A-17 is here."),
        ("free", "It is here.", "It is here."),
        ("free", "It is here since 5 May.", "Your order A-17 is here."),
        ("rephrase", "", "Your order A-17 is here."),
    ],
    ids=["restyled", "another fact", "guided", "new fact", "nothing"],
)
async def test_a_text_is_said_in_other_words_that_add_nothing(tmp_path: Path, mode: str, words: str, said: str) -> None:
    model = ScriptedModel().then(words)
    book = read(project(tmp_path, RESTYLED.replace("MODE", mode)))
    assert told(*(await Stand(book, model).play("settle it")).says) == [said]
    assert (model.asks[0].restyle, model.asks[0].freely) == ("Your order A-17 is here.", mode == "free")


@pytest.mark.parametrize("model", [ExtractiveModel(), ScriptedModel().then(ModelDown("gone"))], ids=["none", "down"])
async def test_without_a_model_a_text_is_said_as_it_is(tmp_path: Path, model: LanguageModel) -> None:
    book = read(project(tmp_path, RESTYLED.replace("MODE", "rephrase")))
    assert told(*(await Stand(book, model).play("settle it")).says) == ["Your order A-17 is here."]
