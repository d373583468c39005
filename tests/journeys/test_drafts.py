"""An answer that streams to a widget: who may end it, and what then stands in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.bus.memory import MemoryBus
from bot.desk import Desk
from bot.llm.scripted import ScriptedModel
from bot.model import Controlled, Discarded, Message, Partial, Said, Sources, Text, Turned
from bot.ports import Cited, Drafted, DraftReset, News, Stopped
from bot.units import Commit
from tests.bot.flow.script import project
from tests.bot.room import notices
from tests.journeys.crossings import FLOWS, Crossings
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
ASKED = "how long does a refund take?"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    made = project(tmp_path, FLOWS)
    (made / "knowledge").mkdir()
    (made / "knowledge" / "refunds.md").write_text("# Refunds\n\nA refund takes five days after the return.\n")
    return made


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def desk(flows: Path, tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Stage]:
    async with stage(tmp_path, flows=flows, model=model) as made:
        yield made


def heard(desk: Stage) -> list[News]:
    """What viewers are told from now on, but for events."""
    told: list[News] = []

    def hear(news: News) -> None:
        if isinstance(news, Drafted | DraftReset):
            told.append(news)

    desk.parts.bus.listen(None, hear)
    return told


async def asked(desk: Stage) -> None:
    """The customer has asked, and the quiet window is over."""
    await desk.write(ASKED)
    await desk.settle(0.5)


async def drafted(desk: Stage) -> str:
    return desk.parts.engine.drafted((await desk.found("web")).conversation.id)


async def test_what_streams_is_said_once_and_its_draft_is_no_event(desk: Stage, model: ScriptedModel) -> None:
    gate, told = asyncio.Event(), heard(desk)
    model.then("A refund ", gate.wait, "takes five days.")
    await asked(desk)
    assert await drafted(desk) == "A refund "
    gate.set()
    await desk.settle(0)
    assert await desk.lines("web") == [("customer", ASKED), ("bot", "A refund takes five days.")]
    assert "".join(news.text for news in told if isinstance(news, Drafted)) == "A refund takes five days."
    assert [news for news in told if isinstance(news, DraftReset)] == []
    assert await drafted(desk) == ""


async def test_a_takeover_in_the_middle_closes_the_draft_at_once_and_keeps_what_was_ready(
    desk: Stage, model: ScriptedModel
) -> None:
    gate, told = asyncio.Event(), heard(desk)
    model.then("A refund ", gate.wait, "takes five days.")
    await asked(desk)
    await desk.take_over(MARA, "web")
    assert [type(news) for news in told] == [Drafted, Drafted, DraftReset]
    gate.set()
    await desk.settle()
    assert [type(news) for news in told] == [Drafted, Drafted, DraftReset], "nothing streams any more, one reset"
    (partial,), (taken,) = await desk.of(Partial, "web"), await desk.of(Controlled, "web")
    (kept,) = await desk.of(Discarded, "web")
    assert partial.body == Partial("A refund ")
    assert partial.seq < taken.seq < kept.seq
    assert words(kept.body) == ["A refund"]
    assert [by for by, _ in await desk.lines("web")] == ["customer", "bot", "system"]
    now = (await desk.found("web")).conversation
    assert now.heard == now.input_seq


async def test_a_takeover_in_another_process_leaves_one_partial_too(desk: Stage, model: ScriptedModel) -> None:
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.")
    await asked(desk)
    now = (await desk.found("web")).conversation
    elsewhere = Desk(
        desk.parts.store,
        MemoryBus(),
        desk.clock,
        lambda address: notices,
        delivers=frozenset(),
        wake=lambda conversation: None,
    )
    await elsewhere.take_over(now.id, MARA, now.control.epoch)
    gate.set()
    await desk.settle()
    assert [event.body for event in await desk.of(Partial, "web")] == [Partial("A refund takes five days.")]
    assert len(await desk.of(Discarded, "web")) == 1
    assert [by for by, _ in await desk.lines("web")] == ["customer", "system", "bot"]


async def test_a_takeover_before_the_first_word_shows_the_customer_none(desk: Stage, model: ScriptedModel) -> None:
    told = heard(desk)
    model.then("A refund takes five days.")
    await desk.write(ASKED)
    await desk.clock.advance(0.1)
    await desk.take_over(MARA, "web")
    await desk.settle()
    assert told == []
    assert await desk.of(Partial, "web") == []
    (kept,) = await desk.of(Discarded, "web")
    assert words(kept.body) == ["A refund takes five days."]


async def test_a_takeover_that_overtakes_the_commit_leaves_a_partial(
    flows: Path, tmp_path: Path, model: ScriptedModel
) -> None:
    crossings = Crossings(only=Commit)
    async with stage(tmp_path, flows=flows, model=model, seen_as=crossings.of) as desk:
        model.then("A refund takes five days.")
        await desk.write(ASKED)
        crossings.at, crossings.what = 1, lambda: desk.take_over(MARA, "web")
        await desk.settle()
        assert [by for by, _ in await desk.lines("web")] == ["customer", "system", "bot"]
        assert [event.body for event in await desk.of(Partial, "web")] == [Partial("A refund takes five days.")]
        assert len(await desk.of(Discarded, "web")) == 1


async def test_a_turn_that_was_taken_and_handed_back_meanwhile_is_answered_once(
    desk: Stage, model: ScriptedModel
) -> None:
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.").then("Five days.")
    await asked(desk)
    await desk.take_over(MARA, "web")
    await desk.hand_back(MARA, "web")
    gate.set()
    await desk.settle()
    said = [event for event in await desk.of(Said, "web") if event.author.kind == "bot"]
    assert [(words(event.body), event.epoch) for event in said] == [(["Five days."], 2)]
    now = (await desk.found("web")).conversation
    assert (now.heard, now.control.state) == (now.input_seq, "bot")


async def test_who_stops_an_answer_keeps_what_was_shown_and_no_more(desk: Stage, model: ScriptedModel) -> None:
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.", words=ASKED)
    await asked(desk)
    desk.parts.bus.publish(Stopped((await desk.found("web")).conversation.id))
    gate.set()
    await desk.settle()
    assert await desk.lines("web") == [("customer", ASKED), ("bot", "A refund …")]
    assert await desk.of(Discarded, "web") == []


async def test_a_model_that_stalls_is_not_waited_for_after_a_stop(desk: Stage, model: ScriptedModel) -> None:
    model.then("A refund ", asyncio.Event().wait, "takes five days.", words=ASKED)
    await asked(desk)
    desk.parts.bus.publish(Stopped((await desk.found("web")).conversation.id))
    await desk.settle()
    assert await desk.lines("web") == [("customer", ASKED), ("bot", "A refund …")]


async def test_the_pending_question_still_comes_after_a_stopped_answer(desk: Stage, model: ScriptedModel) -> None:
    await desk.write("book it")
    await desk.settle()
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.")
    await asked(desk)
    desk.parts.bus.publish(Stopped((await desk.found("web")).conversation.id))
    gate.set()
    await desk.settle()
    assert (await desk.lines("web"))[-2:] == [("bot", "A refund …"), ("bot", "Which order?")]


async def test_sources_are_not_named_for_what_was_not_said(desk: Stage, model: ScriptedModel) -> None:
    model.then("A refund takes five days.")
    await asked(desk)
    passage = model.asks[0].passages[0]
    gate = asyncio.Event()
    model.then(Cited(passage), "A refund ", gate.wait, "takes five days.")
    await asked(desk)
    desk.parts.bus.publish(Stopped((await desk.found("web")).conversation.id))
    gate.set()
    await desk.settle()
    parts = [part for event in await desk.of(Said, "web") for part in message(event.body).parts]
    assert not any(isinstance(part, Sources) for part in parts)


async def test_a_stop_with_nothing_on_the_screen_stops_nothing(desk: Stage, model: ScriptedModel) -> None:
    model.then("A refund takes five days.")
    await desk.write(ASKED)
    desk.parts.bus.publish(Stopped((await desk.found("web")).conversation.id))
    await desk.settle()
    assert await desk.lines("web") == [("customer", ASKED), ("bot", "A refund takes five days.")]


async def test_an_attempt_that_failed_in_the_middle_is_taken_back_and_made_anew(
    desk: Stage, model: ScriptedModel
) -> None:
    told = heard(desk)
    model.then("A refund ", RuntimeError("boom")).then("A refund takes five days.")
    await asked(desk)
    await desk.settle(5)
    assert await desk.lines("web") == [("customer", ASKED), ("bot", "A refund takes five days.")]
    resets = [news.why for news in told if isinstance(news, DraftReset)]
    assert resets == ["attempt", "attempt"], "when it fails, and when it begins again"
    assert {news.attempt for news in told if isinstance(news, Drafted)} == {1, 2}


async def test_what_arrives_while_the_model_speaks_waits_for_the_next_turn_and_that_knows_the_answer(
    desk: Stage, model: ScriptedModel
) -> None:
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.").then("Yes.")
    await asked(desk)
    await desk.write("and after the return, is a refund sure?")
    gate.set()
    await desk.settle()
    assert [line for by, line in await desk.lines("web") if by == "bot"] == ["A refund takes five days.", "Yes."]
    assert [(line.by, line.text) for line in model.asks[1].history] == [
        ("customer", ASKED),
        ("bot", "A refund takes five days."),
    ]
    assert model.asks[1].words == "and after the return, is a refund sure?"
    assert len(await desk.of(Turned, "web")) == 2


async def test_where_drafts_are_not_shown_no_partial_is_recorded(desk: Stage, model: ScriptedModel) -> None:
    gate = asyncio.Event()
    model.then("A refund ", gate.wait, "takes five days.")
    await desk.memory.say("ana", ASKED)
    await desk.settle(0.5)
    await desk.take_over(MARA)
    gate.set()
    await desk.settle()
    assert await desk.of(Partial) == []
    assert len(await desk.of(Discarded)) == 1


def message(body: object) -> Message:
    assert isinstance(body, Said)
    return body.message


def words(body: object) -> list[str]:
    messages = body.messages if isinstance(body, Discarded) else (message(body),)
    texts = (part for each in messages for part in each.parts if isinstance(part, Text))
    return ["".join(span.text for span in part.spans) for part in texts]
