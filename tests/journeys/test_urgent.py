"""How urgent a flow finds its request for a human is how soon the desk sees it."""

from __future__ import annotations

from pathlib import Path

from bot.model import AgentId
from bot.units import Queue
from tests.bot.flow.script import project
from tests.journeys.stage import agent, stage

FLOWS = """
flow: usual
about: Something usual.
examples: [something usual]
steps: [{handoff: service}]
---
flow: urgent
about: Something urgent.
examples: [it is burning]
steps: [{handoff: service, priority: 9}]
"""


async def test_the_desk_sees_the_urgent_first(tmp_path: Path) -> None:
    flows = project(tmp_path, FLOWS)
    (flows / "knowledge").mkdir()
    async with stage(tmp_path, flows=flows) as desk:
        await desk.say("something usual", chat="ana")
        await desk.say("it is burning", chat="ben")
        page = await desk.parts.store.read(Queue(view="unassigned", agent=AgentId("")))
        assert [(row.conversation.address.chat, row.priority) for row in page.rows] == [("ben", 9), ("ana", 0)]
        await desk.take_over(agent("Mara"), "ben")
        await desk.hand_back(agent("Mara"), "ben")
        page = await desk.parts.store.read(Queue(view="all", agent=AgentId("")))
        assert [(row.conversation.address.chat, row.priority) for row in page.rows] == [("ana", 0), ("ben", 0)]
