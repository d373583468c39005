"""A customer on Discord: the shop's flows, with buttons and a window, and a person who takes over and hands back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.flow.read import read
from bot.model import Address
from bot.store import open_store
from bot.units import Find, Found
from channels.discord import Settings as Discord
from channels.sandbox.discord.pace import GENEROUS
from channels.sandbox.discord.sandbox import DiscordSandbox
from channels.sandbox.server import serving
from config.doors import Account
from config.machine import SystemClock, SystemRandom
from config.settings import DeskFile, Settings
from config.wiring import Parts, running
from tests.bot.flow.script import project
from tests.journeys.stage import SHOP, agent

MARA = agent("Mara")
STUCK = 30.0


class Customer:
    def __init__(self, sandbox: DiscordSandbox, parts: Parts) -> None:
        self.sandbox, self.parts, self.chat = sandbox, parts, str(sandbox.direct.id)

    async def say(self, words: str) -> list[str]:
        """Gives what is answered."""
        before = len(self.ours)
        await self.sandbox.act("say", {"chat": self.chat, "text": words})
        return await self.read(before)

    async def press(self, label: str) -> list[str]:
        before = len(self.ours)
        for message in reversed(self.messages):
            for row in message["rows"]:
                for one in row:
                    if one.get("label") == label and not one["disabled"]:
                        await self.sandbox.act("press", {"chat": self.chat, "message": message["id"], "id": one["id"]})
                        return await self.read(before)
        raise LookupError(f"no button {label!r}: {[m['rows'] for m in self.messages]}")

    @property
    def messages(self) -> Sequence[Any]:
        chats = self.sandbox.seen()["chats"]
        found: Sequence[Any] = next(one for one in chats if one["id"] == self.chat)["messages"]
        return found

    @property
    def ours(self) -> list[str]:
        shown = [one for one in self.messages if one["by"] == "bot" and not one["deleted"]]
        return ["".join(span["text"] for span in one["spans"]) for one in shown]

    @property
    def labels(self) -> list[str]:
        """What can be pressed now."""
        rows = [row for message in self.messages for row in message["rows"]]
        return [one["label"] for row in rows for one in row if one["kind"] == "button" and not one["disabled"]]

    async def read(self, before: int) -> list[str]:
        await self.until(lambda: len(self.ours) > before or self.sandbox.seen()["modal"], "an answer")
        await self.quiet()
        return self.ours[before:]

    async def quiet(self) -> None:
        """Everything that was said is answered and delivered."""
        for _ in range(6):
            entries = -1
            while entries != len(self.sandbox.journal.entries):
                entries = len(self.sandbox.journal.entries)
                await asyncio.sleep(0.05)

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + STUCK
        while not holds():
            assert loop.time() < end, f"never came: {what}; {self.ours}"
            await asyncio.sleep(0.02)

    async def found(self) -> Found:
        found = await self.parts.store.read(Find(address=Address("discord", "shop", self.chat)))
        assert found is not None
        return found


FORM = """
flow: book
about: Books it.
examples: [book it]
slots:
  order: {type: order_id}
  day: {type: choice, of: [monday, friday]}
steps:
  - say: {text: Please fill this in., form: [order, day]}
  - {ask: order, say: Which order?}
  - {ask: day, say: Which day?}
  - {say: "Booked {{ order }}."}
"""


@asynccontextmanager
async def customer(folder: Path, flows: Path = SHOP, staff: tuple[Any, ...] = ()) -> AsyncIterator[Customer]:
    clock = SystemClock()
    sandbox = DiscordSandbox(clock, limits=GENEROUS, identify_every=timedelta(0))
    async with serving(sandbox) as base:
        account = Account(
            name="shop",
            channel="discord",
            flows=flows,
            team="",
            settings=Discord(token=SecretStr(sandbox.rules.token), api=base),
        )
        with capture_logs():
            async with running(
                Settings(data=folder, config=folder / "frontdesk.yaml", secret_key=SecretStr("k" * 32)),
                DeskFile(flows=flows, quiet_ms=0, staff=staff),
                read(flows),
                store=open_store("sqlite://", clock),
                clock=clock,
                random=SystemRandom(),
                accounts=[account],
            ) as parts:
                made = Customer(sandbox, parts)
                sessions = sandbox.gateway.sessions
                await made.until(lambda: any(one.connection for one in sessions.values()), "a connection")
                yield made


async def test_an_order_is_tracked_and_a_question_in_between_is_answered(tmp_path: Path) -> None:
    async with customer(tmp_path) as ana:
        asked = await ana.say("where is my order?")
        aside = await ana.say("how long does a refund take?")
        told = await ana.say("A-17")

        assert "order" in asked[-1].lower()
        assert "refund" in "\n".join(aside).lower()
        assert "A-17" in "\n".join(told)


async def test_buttons_lead_through_a_complaint_and_show_what_was_chosen(tmp_path: Path) -> None:
    async with customer(tmp_path) as ana:
        await ana.say("I want to complain")
        offered = ana.labels
        asked = await ana.press("The delivery")
        styles = [one["style"] for row in ana.messages[1]["rows"] for one in row]

        assert offered == ["A product", "The delivery", "The service", "Something else"]
        assert "what happened" in asked[-1]
        assert styles == ["secondary", "primary", "secondary", "secondary"]
        assert "number C-" in "\n".join(await ana.say("It came two weeks late"))


async def test_a_person_takes_over_and_the_bot_is_silent_until_the_hand_back(tmp_path: Path) -> None:
    async with customer(tmp_path) as ana:
        await ana.say("where is my order?")
        now, desk = (await ana.found()).conversation, ana.parts.desk
        taken = (await desk.take_over(now.id, MARA, now.control.epoch)).conversation
        before = len(ana.ours)
        await desk.reply(now.id, MARA, "Mara here.", seen=taken.last_seq, epoch=taken.control.epoch)
        greeted = await ana.read(before)
        await ana.sandbox.act("say", {"chat": ana.chat, "text": "thank you Mara"})
        await ana.quiet()
        silent = len(ana.ours)
        held = (await ana.found()).conversation
        before = len(ana.ours)
        await desk.hand_back(now.id, MARA, held.control.epoch, how="resume")
        again = await ana.read(before)
        told = await ana.say("A-17")

        assert "Mara here." in greeted
        assert silent == before
        assert "order" in again[-1].lower()
        assert "A-17" in "\n".join(told)


async def test_a_form_is_a_window_and_what_is_wrong_in_it_is_asked_again(tmp_path: Path) -> None:
    flows = project(tmp_path, FORM, texts={"en": "not_an_order: No order.\nask_order: Order\nask_day: Day"})
    (flows / "knowledge").mkdir()
    async with customer(tmp_path, flows) as ana:
        await ana.say("book it")
        await ana.press(ana.labels[-1])
        names = [field["name"] for field in ana.sandbox.seen()["modal"]["fields"]]
        await ana.sandbox.act("submit", {"values": {"order": "nonsense", "day": "friday"}})
        await ana.until(lambda: ana.messages[-1]["ephemeral"], "what is wrong")
        wrong = ana.ours[-1]
        await ana.press(ana.labels[-1])
        [again] = ana.sandbox.seen()["modal"]["fields"]
        before = len(ana.ours)
        await ana.sandbox.act("submit", {"values": {"order": "A-17"}})
        booked = await ana.read(before)

        assert names == ["order", "day"]
        assert "No order." in wrong
        assert (again["name"], again["value"]) == ("order", "nonsense")
        assert booked[-1] == "Booked A-17."
        assert [one for one in ana.sandbox.journal.entries if one.kind == "refused"] == []


async def test_a_window_that_is_closed_leaves_the_questions_one_by_one(tmp_path: Path) -> None:
    flows = project(tmp_path, FORM, texts={"en": "not_an_order: No order.\nask_order: Order\nask_day: Day"})
    (flows / "knowledge").mkdir()
    async with customer(tmp_path, flows) as ana:
        await ana.say("book it")
        await ana.press(ana.labels[-1])
        await ana.sandbox.act("close", {})
        asked = await ana.say("A-17")
        offered = ana.labels
        booked = await ana.press("Friday")

        assert asked == ["Day"]
        assert offered[-2:] == ["Monday", "Friday"]
        assert booked == ["Booked A-17."]
        assert [one for one in ana.sandbox.journal.entries if one.kind == "refused"] == []
