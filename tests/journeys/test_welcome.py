"""What the pattern `start` does beside its greeting, which is shown before a conversation is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import Opened
from tests.bot.flow.script import project
from tests.journeys.stage import Stage, stage

FLOWS = """
pattern: start
slots: {name: {type: text, scope: conversation}}
steps:
  - say: Welcome!
  - say: We answer in minutes.
  - {ask: name, say: Who are you?}
---
flow: order
about: Orders something.
examples: [order something]
slots:
  name: {type: text, scope: conversation}
  size: {type: text}
steps:
  - {ask: size, say: "Which size, {{ name }}?"}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    made = project(tmp_path, FLOWS)
    (made / "knowledge").mkdir()
    async with stage(tmp_path, flows=made) as opened:
        yield opened


async def test_who_looks_in_is_greeted_and_then_asked(desk: Stage) -> None:
    await desk.memory.hear("ana", Opened())
    await desk.settle()
    assert desk.memory.seen("ana") == ["Welcome!", "We answer in minutes.", "Who are you?"]
    assert await desk.say("Ana") == []
    assert await desk.say("order something") == ["Which size, Ana?"]


async def test_who_asks_for_something_first_is_asked_and_then_served(desk: Stage) -> None:
    assert await desk.say("order something") == ["We answer in minutes.", "Who are you?"]
    assert await desk.say("Ana") == ["Which size, Ana?"]


async def test_it_happens_once(desk: Stage) -> None:
    await desk.say("order something")
    await desk.say("Ana")
    await desk.say("M")
    assert await desk.say("order something") == ["Which size, Ana?"]
