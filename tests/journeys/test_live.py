"""An answer that grows on a platform: typing while a turn is taken, a draft that the answer takes the place of."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.errors import Unreachable
from bot.llm.scripted import ScriptedModel
from bot.model import ConversationId, Halted, Partial
from bot.ports import Capabilities, Stopped
from bot.testing.clock import SettableClock
from bot.units import Commit, DraftOf, DropDraft
from channels.memory import EVERYTHING, Memory
from tests.bot.flow.script import project
from tests.journeys.crossings import FLOWS, Crossings
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
ASKED = "how long does a refund take?"
STREAMING: Capabilities = replace(
    EVERYTHING, stream="edit", stream_every=timedelta(seconds=1), typing_every=timedelta(seconds=4)
)


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    made = project(tmp_path, FLOWS)
    (made / "knowledge").mkdir()
    (made / "knowledge" / "refunds.md").write_text("# Refunds\n\nA refund takes five days after the return.\n")
    return made


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def memory(clock: SettableClock) -> Memory:
    return Memory(clock, can=STREAMING)


async def asked(desk: Stage) -> ConversationId:
    await desk.memory.say("ana", ASKED)
    await desk.clock.advance(1)
    return (await desk.found()).conversation.id


async def test_typing_is_said_again_while_a_turn_is_taken_and_no_longer(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate = ScriptedModel(), asyncio.Event()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then(gate.wait, "Five days.")
        await asked(desk)
        assert len(memory.typed) == 1
        await clock.advance(8.5)
        assert len(memory.typed) == 3
        gate.set()
        await clock.advance(20)
        assert len(memory.typed) == 3
        assert memory.seen("ana") == ["Five days."]


async def test_a_turn_that_is_over_at_once_shows_nothing_of_itself(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    async with stage(tmp_path, flows=flows, clock=clock, memory=memory) as desk:
        await desk.say("book it")
        assert (memory.typed, memory.drafts) == ([], {})


async def test_a_draft_grows_at_the_platforms_pace_and_the_answer_takes_its_place(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate, more = ScriptedModel(), asyncio.Event(), asyncio.Event()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then("A refund ", more.wait, "takes ", gate.wait, "five days.")
        conversation = await asked(desk)
        assert memory.seen("ana") == ["A refund "]
        stored = await desk.parts.store.read(DraftOf(conversation, 0))
        assert stored is not None
        more.set()
        await clock.advance(0.3)
        assert memory.seen("ana") == ["A refund "]
        await clock.advance(1)
        assert memory.seen("ana") == ["A refund takes "]
        gate.set()
        await clock.advance(2)
        assert memory.seen("ana") == ["A refund takes five days."]
        assert [sent.shown.ref for sent in memory.sent if sent.shown] == [stored.ref]
        assert not await desk.parts.store.write(DropDraft(conversation))


async def test_a_takeover_takes_the_draft_away_and_keeps_what_was_seen(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate = ScriptedModel(), asyncio.Event()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then("A refund ", gate.wait, "takes five days.")
        await asked(desk)
        await desk.take_over(MARA)
        gate.set()
        await clock.advance(3)
        assert memory.drafts == {}
        assert "refund" not in "".join(memory.seen("ana"))
        assert [event.body for event in await desk.of(Partial)] == [Partial("A refund ")]


async def test_who_stops_it_keeps_what_they_saw_and_no_more(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate = ScriptedModel(), asyncio.Event()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then("A refund ", gate.wait, "takes five days.")
        conversation = await asked(desk)
        desk.parts.bus.publish(Stopped(conversation))
        gate.set()
        await clock.advance(3)
        assert memory.seen("ana") == ["A refund "]
        assert [event.body for event in await desk.of(Partial)] == [Partial("A refund ")]


async def test_who_stops_it_on_the_platform_is_heard_at_once(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate = ScriptedModel(), asyncio.Event()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then("A refund ", gate.wait, "takes five days.")
        await asked(desk)
        await memory.hear("ana", Halted())
        gate.set()
        await clock.advance(3)
        assert memory.seen("ana") == ["A refund "]
        assert [event.body for event in await desk.of(Halted)] == [Halted()]


async def test_where_drafts_fail_the_answer_comes_whole(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    model, gate = ScriptedModel(), asyncio.Event()
    memory.faults_of["show"] = [Unreachable("cut"), AssertionError("no second try")]
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory) as desk:
        model.then("A refund ", gate.wait, "takes five days.")
        await asked(desk)
        await clock.advance(5)
        gate.set()
        await clock.advance(2)
        assert memory.seen("ana") == ["A refund takes five days."]


async def test_after_a_crash_the_same_draft_is_gone_on_with(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    """The turn ends where it is, as with its process, and is taken again."""
    model, gate = ScriptedModel(), asyncio.Event()
    model.then("A refund ", gate.wait, "never said")
    path = f"sqlite:///{tmp_path}/desk.db"
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory, database=path) as desk:
        await memory.say("ana", ASKED)
        await desk.until(lambda: memory.drafts)
        conversation = (await desk.found()).conversation.id
        await desk.until(lambda: desk.parts.store.read(DraftOf(conversation, 0)))
        running = desk.parts.engine._running[conversation]
        running.task.cancel()
        await asyncio.wait((running.task,))
        stored = await desk.parts.store.read(DraftOf(conversation, 0))
        assert stored is not None
        model.then("It takes five days.")
        await desk.until(lambda: any(sent.text == "It takes five days." for sent in memory.sent))
        assert memory.seen("ana") == ["It takes five days."]
        assert [sent.shown.ref for sent in memory.sent if sent.shown] == [stored.ref]


async def test_a_draft_whose_message_was_cancelled_is_found_and_taken_away(
    tmp_path: Path, flows: Path, clock: SettableClock, memory: Memory
) -> None:
    """An agent takes over between the commit and the call."""
    model, gate, crossings = ScriptedModel(), asyncio.Event(), Crossings()
    async with stage(tmp_path, flows=flows, model=model, clock=clock, memory=memory, seen_as=crossings.of) as desk:
        model.then("A refund ", gate.wait, "takes five days.")
        await asked(desk)
        crossings.at, crossings.only, crossings.when = 1, Commit, "after"
        crossings.what = lambda: desk.take_over(MARA)
        gate.set()
        await clock.advance(10)
        assert memory.drafts == {}
        assert "refund" not in "".join(memory.seen("ana"))
