"""Whole conversations on Slack: the shop, a form as a modal, a human who takes over, through the real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from bot.flow.read import read
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.units import Find, Found
from config.settings import DeskFile, Settings
from config.wiring import Parts, running
from tests.bot.flow.script import project
from tests.channels.harness.slack import SlackHarness, harness, words_of
from tests.journeys.stage import SHOP, STUCK, agent
from tests.journeys.test_forms import FLOWS, TEXTS

MARA = agent("Mara")


@dataclass(slots=True)
class Floor:
    parts: Parts
    slack: SlackHarness

    async def until(self, happened: Callable[[], object]) -> None:
        """Let time pass until it has."""
        async with asyncio.timeout(STUCK):
            while True:
                if happened():
                    return
                await asyncio.sleep(0.003)
                await self.slack.clock.advance(0.02)

    async def passes(self, seconds: float) -> None:
        end = self.slack.clock.monotonic() + seconds
        await self.until(lambda: self.slack.clock.monotonic() >= end)

    def seen(self) -> list[str]:
        return [words_of(message) for message in self.slack._shown(False)]

    async def says(self, words: str, answer: str) -> list[str]:
        """Say it, and wait until what is read then holds this."""
        before = len(self.seen())
        await self.slack.say(words)
        await self.until(lambda: any(answer in line for line in self.seen()[before:]))
        return self.seen()[before:]

    async def found(self) -> Found:
        from bot.model import Address

        address = Address("slack", "acme", f"{self.slack.chat.team}/{self.slack.chat.id}")
        found = await self.parts.store.read(Find(address=address))
        assert found is not None
        return found


@asynccontextmanager
async def floor(tmp_path: Path, flows: Path = SHOP) -> AsyncIterator[Floor]:
    async with harness("http") as slack:
        late: dict[str, Any] = {}

        class Late:
            """The core needs the channel, and the channel's routes need the core."""

            async def __call__(self, arrival: Any, /) -> Any:
                return await late["inbox"](arrival)

            async def many(self, arrivals: Any, /) -> Any:
                return await late["inbox"].many(arrivals)

        channel = await slack.open(Late())
        store = open_store("sqlite://", slack.clock)
        with capture_logs():
            async with running(
                Settings(data=tmp_path),
                DeskFile(flows=flows),
                read(flows),
                store=store,
                clock=slack.clock,
                random=SeededRandom(7),
                senders=[channel],
            ) as parts:
                late["inbox"] = parts.inbox
                listening = asyncio.create_task(channel.run(parts.inbox))
                yield Floor(parts, slack)
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


async def test_an_order_is_tracked_and_a_human_silences_the_bot_until_it_is_handed_back(tmp_path: Path) -> None:
    async with floor(tmp_path) as shop:
        await shop.says("where is my order?", "order")
        await shop.says("A-17", "A-17")
        now = (await shop.found()).conversation
        await shop.parts.desk.take_over(now.id, MARA, now.control.epoch)
        await shop.passes(2)
        before = shop.seen()
        await shop.slack.say("where is my order?")
        await shop.passes(5)
        assert shop.seen() == before
        now = (await shop.found()).conversation
        await shop.parts.desk.hand_back(now.id, MARA, now.control.epoch)
        await shop.passes(2)
        await shop.says("where is my order?", "order")


async def test_a_form_is_a_modal_whose_mistakes_are_shown_in_it(tmp_path: Path) -> None:
    flows = project(tmp_path, FLOWS, texts=TEXTS)
    (flows / "knowledge").mkdir()
    async with floor(tmp_path, flows) as shop:
        await shop.slack.say("sign me up")
        await shop.until(lambda: any(message["rows"] for message in shop.slack._shown(False)))
        (label,) = [one.buttons[0] for one in shop.slack.seen() if one.buttons]
        await shop.slack.press(label)
        await shop.until(lambda: shop.slack.box.seen()["modal"])
        modal = shop.slack.box.seen()["modal"]
        assert [field["name"] for field in modal["fields"]] == ["who", "email", "note"]
        values = {"who": "Ann", "email": "ann@shop.example"}
        await shop.slack.box.act("submit", {"id": modal["id"], "values": values})
        await shop.until(lambda: "Ann, ann@shop.example, nothing." in shop.seen())
        assert shop.slack.box.seen()["modal"] is None


async def test_a_modal_that_is_closed_gives_way_to_its_questions_one_by_one(tmp_path: Path) -> None:
    flows = project(tmp_path, FLOWS, texts=TEXTS)
    (flows / "knowledge").mkdir()
    async with floor(tmp_path, flows) as shop:
        await shop.slack.say("sign me up")
        await shop.until(lambda: any(message["rows"] for message in shop.slack._shown(False)))
        (label,) = [one.buttons[0] for one in shop.slack.seen() if one.buttons]
        await shop.slack.press(label)
        await shop.until(lambda: shop.slack.box.seen()["modal"])
        await shop.slack.box.act("close", {"id": shop.slack.box.seen()["modal"]["id"]})
        await shop.until(lambda: shop.seen()[-1] == "Your name?")
        await shop.says("Ann", "Your e-mail?")
        await shop.says("ann@shop.example", "Anything else?")
        await shop.says("Ring twice", "Ann, ann@shop.example, Ring twice.")
