"""After a thousand turns everything is as large as before: tasks, listeners, maps, and what sleeps."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.bus.memory import MemoryBus
from bot.llm.scripted import ScriptedModel
from tests.journeys.stage import Stage, agent, stage
from tests.journeys.test_drafts import ASKED
from tests.journeys.test_drafts import flows as flows

MARA = agent("Mara")


def size(desk: Stage) -> dict[str, int]:
    parts = desk.parts
    assert isinstance(parts.bus, MemoryBus)
    return {
        "tasks": len(asyncio.all_tasks()),
        "turns": len(parts.engine._running),
        "tasks of the engine": len(parts.engine._tasks),
        "in the air": len(parts.outbox._flying),
        "accounts that stand still": len(parts.outbox._refused_until),
        "listened to": sum(len(listeners) for listeners in parts.bus._listeners.values()),
        "sleepers": sum(not woken.done() for _, _, woken in desk.clock._sleepers),
    }


async def test_a_thousand_turns_leave_nothing_behind(flows: Path, tmp_path: Path) -> None:
    model = ScriptedModel()
    async with stage(tmp_path, flows=flows, model=model) as desk:
        await desk.say("book it", chat="first")
        before = size(desk)
        for _ in range(34):
            for number in range(10):
                await desk.memory.say(f"chat-{number}", "book it")
                await desk.memory.say(f"chat-{number}", "A-17")
                model.then("A refund takes ", "five days.")
                await desk.write(ASKED, on=f"web-{number}")
                await desk.clock.advance(0)
            await desk.clock.advance(1)
        await desk.settle()
        turns = len(desk.memory.sent) + len(model.asks)
        assert turns >= 1000
        assert size(desk) == before


async def test_turns_that_are_overtaken_stopped_or_broken_leave_nothing_behind(flows: Path, tmp_path: Path) -> None:
    model = ScriptedModel()
    async with stage(tmp_path, flows=flows, model=model) as desk:
        await desk.say("book it", chat="first")
        before = size(desk)
        for number in range(30):
            chat = f"web-{number}"
            gate = asyncio.Event()
            model.then("A refund takes ", gate.wait, "five days.", words=ASKED)
            await desk.write(ASKED, on=chat)
            await desk.clock.advance(0.5)
            match number % 3:
                case 0:
                    await desk.take_over(MARA, chat)
                case 1:
                    await desk.take_over(MARA, chat)
                    model.then(RuntimeError("broken")).then("Five days.")
                    await desk.hand_back(MARA, chat)
            gate.set()
            await desk.settle(5)
        assert model.left == 0
        assert size(desk) == before
