"""Whoever writes flows sees them at work as soon as they are saved, and their mistakes with their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.units import Documents
from config.reload import EVERY, keep_current
from tests.bot.flow.script import ACTIONS
from tests.journeys.stage import Stage, stage
from tests.journeys.test_publishing import edition


@dataclass
class Author:
    desk: Stage
    told: list[str]

    async def saved(self) -> str:
        """What is said once the changes were seen."""
        before = len(self.told)
        await self.desk.until(lambda: len(self.told) > before)
        return self.told[-1]


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[Author]:
    async with stage(folder, flows=edition(folder)) as desk:
        author = Author(desk, [])
        watching = asyncio.create_task(keep_current(desk.parts, author.told.append))
        await asyncio.sleep(0)  # it has looked for the first time
        try:
            yield author
        finally:
            watching.cancel()


async def test_what_is_saved_is_said_in_the_conversation_that_is_under_way(tmp_path: Path) -> None:
    async with writing(tmp_path) as author:
        await author.desk.say("book it")
        edition(tmp_path, ("Which day?", "Which day suits you?"))
        assert await author.saved() == f"{tmp_path}: published, 1 flows"
        assert await author.desk.say("A-17") == ["Which day suits you?"]


async def test_a_mistake_is_told_with_its_place_and_nothing_changes(tmp_path: Path) -> None:
    async with writing(tmp_path) as author:
        edition(tmp_path, ("ask: day", "ask: dya"))
        where = f"{tmp_path}/flows.yaml:10:11: step 'ask' names slot 'dya', which is not declared; did you mean 'day'?"
        assert (await author.saved()).splitlines() == [
            where,
            "Nothing was published: the flows from before stay in force.",
        ]
        await author.desk.say("book it")
        assert await author.desk.say("A-17") == ["Which day?"]
        edition(tmp_path, ("Which day?", "When?"))
        assert "published" in await author.saved()


async def test_actions_are_loaded_again_within_the_same_second(tmp_path: Path) -> None:
    async with writing(tmp_path) as author:
        edition(tmp_path, actions=ACTIONS.replace("R-1", "R-2"))
        await author.saved()
        await author.desk.say("book it")
        await author.desk.say("A-17")
        assert await author.desk.say("monday") == ["Booked R-2."]


async def test_documents_are_found_as_soon_as_they_are_there(tmp_path: Path) -> None:
    async with writing(tmp_path) as author:
        (tmp_path / "knowledge" / "refunds.md").write_text("# Refunds\n\nThey take five days.")
        await author.saved()
        assert [document.name for document in await author.desk.parts.store.read(Documents())] == ["refunds.md"]


async def test_what_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    async with writing(tmp_path) as author:
        for number in range(5):
            edition(tmp_path, ("Which day?", f"Which day?{'!' * number}"))
            await author.desk.clock.advance(EVERY)
        assert author.told == []
        await author.saved()
        assert len(author.told) == 1
