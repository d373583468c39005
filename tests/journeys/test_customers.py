"""What one conversation learns of a customer is known in the next one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import Address, Said, text
from bot.ports import Arrival
from bot.units import Find
from tests.bot.flow.script import project
from tests.journeys.stage import Stage, stage

FLOWS = """
flow: size
about: Asks for a size.
examples: [a pair of shoes]
slots: {size: {type: integer, scope: customer}}
steps:
  - {ask: size, say: Which size?}
  - {say: "Size {{ size }} it is."}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    flows = project(tmp_path, FLOWS)
    (flows / "knowledge").mkdir()
    async with stage(tmp_path, flows=flows) as desk:
        yield desk


async def writes(desk: Stage, words: str, *, thread: str, by: str = "ana") -> list[str]:
    """The same person, in one thread or another."""
    to = Address("web", "shop", by, thread)
    await desk.parts.inbox(
        Arrival(
            account="shop",
            key=desk.parts.random.id(),
            raw=b"",
            to=to,
            by=by,
            at=desk.clock.now(),
            bodies=(Said(text(words)),),
            language="en",
        )
    )
    await desk.settle()
    found = await desk.parts.store.read(Find(address=to))
    assert found is not None
    desk.addresses[thread] = to
    return [line for by, line in await desk.lines(thread) if by == "bot"]


async def test_what_was_said_elsewhere_is_not_asked_again(desk: Stage) -> None:
    assert await writes(desk, "a pair of shoes", thread="monday") == ["Which size?"]
    assert await writes(desk, "38", thread="monday") == ["Which size?", "Size 38 it is."]
    assert await writes(desk, "a pair of shoes", thread="friday") == ["Size 38 it is."]


async def test_the_latest_is_what_counts(desk: Stage) -> None:
    await writes(desk, "a pair of shoes", thread="monday")
    await writes(desk, "a pair of shoes", thread="friday")
    await writes(desk, "38", thread="monday")
    assert (await writes(desk, "39", thread="friday"))[-1] == "Size 39 it is."
    assert (await writes(desk, "a pair of shoes", thread="monday"))[-1] == "Size 39 it is."


async def test_what_one_person_said_is_not_known_of_another(desk: Stage) -> None:
    await writes(desk, "a pair of shoes", thread="monday")
    await writes(desk, "38", thread="monday")
    assert await writes(desk, "a pair of shoes", thread="ben", by="ben") == ["Which size?"]
