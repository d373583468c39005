"""The example shop on Telegram: real client, sandbox, whole core. What a customer sees there, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.files import pieces_of
from bot.flow.read import read
from bot.llm.scripted import ScriptedModel
from bot.model import Address, Media, Said
from bot.ports import LanguageModel
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from bot.units import Find, Found, Log
from channels.sandbox.server import serving
from channels.sandbox.telegram.sandbox import TelegramSandbox
from channels.telegram import Settings as TelegramSettings
from channels.telegram import build
from config.settings import DeskFile, Settings
from config.wiring import Parts, running
from tests.bot.flow.script import project
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import ADA, TOKEN
from tests.journeys.crossings import FLOWS
from tests.journeys.stage import SHOP, agent

HERE = Address("telegram", "shop", str(ADA))
MARA = agent("Mara")


@dataclass
class Shop:
    parts: Parts
    clock: SettableClock
    sandbox: TelegramSandbox

    async def act(self, what: str, **body: Any) -> None:
        await self.sandbox.act(what, {"chat": str(ADA), **body})

    async def says(self, words: str, hears: str) -> None:
        """What the customer says, and something in what they then read."""
        before = len(self.seen())
        await self.act("say", text=words)
        await self.until(lambda: any(hears in line for line in self.seen()[before:]))

    async def chooses(self, label: str, hears: str) -> None:
        """By a button below a message, or one of the keyboard."""
        before = len(self.seen())
        shown = [(m["id"], b["id"]) for m in self.ours() for row in m["rows"] for b in row if b["label"] == label]
        if shown:
            await self.act("press", message=shown[-1][0], id=shown[-1][1])
        else:
            assert label in self.offered()
            await self.act("say", text=label)
        await self.until(lambda: any(hears in line for line in self.seen()[before:]))

    def offered(self) -> list[str]:
        below = [b["label"] for row in self._chat()["keyboard"] or () for b in row]
        return [*below, *(b["label"] for m in self.ours() for row in m["rows"] for b in row if not b["disabled"])]

    def ours(self) -> list[Any]:
        return [each for each in self._chat()["messages"] if each["by"] == "bot" and not each["draft"]]

    def seen(self) -> list[str]:
        return ["".join(span["text"] for span in message["spans"]) for message in self.ours()]

    def _chat(self) -> Any:
        return next(chat for chat in self.sandbox.seen()["chats"] if chat["id"] == str(ADA))

    def draft(self) -> str:
        """What is being written; empty: nothing is."""
        drafts = [each for each in self._chat()["messages"] if each["draft"]]
        return "".join(span["text"] for each in drafts for span in each["spans"])

    async def found(self) -> Found:
        found = await self.parts.store.read(Find(address=HERE))
        assert found is not None
        return found

    async def until(self, holds: Callable[[], Any]) -> None:
        """Longer means stuck."""
        async with asyncio.timeout(90):
            while True:
                if holds():
                    return
                await self.clock.advance(0.2)
                await asyncio.sleep(0.002)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(tmp_path: Path, *, flows: Path = SHOP, model: LanguageModel | None = None) -> AsyncIterator[Shop]:
    clock, chance, files = SettableClock(), SeededRandom(), MemoryFiles()
    sandbox = TelegramSandbox(clock)
    async with serving(sandbox) as api:
        settings = TelegramSettings(token=SecretStr(TOKEN), api=api)
        channel = build("shop", settings, clock=clock, random=chance, vault=MemoryVault(), files=files)
        async with running(
            Settings(data=tmp_path),
            DeskFile(flows=flows),
            read(flows),
            store=open_store("sqlite://", clock),
            clock=clock,
            random=chance,
            senders=[channel],
            files=files,
            model=model,
        ) as parts:
            listening = asyncio.create_task(channel.run(parts.inbox))
            try:
                yield Shop(parts, clock, sandbox)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


async def test_an_order_is_tracked_a_human_takes_over_and_hands_back(shop: Shop) -> None:
    await shop.says("where is my order?", "order")
    await shop.says("A-17", "A-17")
    now = (await shop.found()).conversation
    await shop.parts.desk.take_over(now.id, MARA, now.control.epoch)
    before = len(shop.seen())
    await shop.act("say", text="how long does a refund take?")
    for _ in range(40):
        await shop.clock.advance(0.5)
        await asyncio.sleep(0.01)
    assert not [line for line in shop.seen()[before:] if "refund" in line.lower()]
    now = (await shop.found()).conversation
    await shop.parts.desk.hand_back(now.id, MARA, now.control.epoch)
    await shop.says("how long does a refund take?", "efund")


async def test_an_agent_sends_pictures_and_takes_them_back(shop: Shop) -> None:
    await shop.says("where is my order?", "order")
    now, desk = (await shop.found()).conversation, shop.parts.desk
    await desk.take_over(now.id, MARA, now.control.epoch)
    now = (await shop.found()).conversation
    kept = [await shop.parts.files.keep(pieces_of(picture(10 + n)), most=10_000) for n in range(2)]
    files = tuple(Media("image", each.ref, f"{n}.png", each.type, each.size) for n, each in enumerate(kept))
    done = await desk.reply(now.id, MARA, "Is it *this* one?", seen=now.last_seq, epoch=now.control.epoch, files=files)
    await shop.until(lambda: len(shop.ours()[-1]["files"]) and shop.ours()[-2]["files"])
    question, *album = shop.ours()[-3:]
    assert "".join(span["text"] for span in question["spans"]) == "Is it this one?"
    assert len({each["album"] for each in album}) == 1
    await desk.withdraw(now.id, MARA, done.events[-1].seq)
    await shop.until(lambda: all(each["deleted"] for each in shop.ours()[-3:]))


async def test_the_customers_album_is_one_message_and_can_be_opened(shop: Shop) -> None:
    await shop.says("where is my order?", "order")
    before = (await shop.found()).conversation.last_seq
    files = {f"file{n}": (f"{n}.png", "image/png", picture(10 + n)) for n in range(3)}
    await shop.act("upload", caption="it looks like this", **files)
    await shop.until(lambda: len(shop.seen()) > 1)
    now = (await shop.found()).conversation
    log = await shop.parts.store.read(Log(conversation=now.id, after=before, most=50))
    sent = [part for e in log if isinstance(e.body, Said) for part in e.body.message.parts if isinstance(part, Media)]
    assert len(sent) == 3
    assert len({event.turn for event in log if event.turn is not None}) == 1
    opened = [await shop.parts.fetcher.bring(HERE, part) for part in sent]
    assert [each.size for each in opened] == [len(content) for _, _, content in files.values()]


async def test_who_stops_an_answer_keeps_what_they_saw_of_it_and_no_more(tmp_path: Path) -> None:
    flows, model, gate = project(tmp_path, FLOWS), ScriptedModel(), asyncio.Event()
    (flows / "knowledge").mkdir()
    (flows / "knowledge" / "refunds.md").write_text("# Refunds\n\nA refund takes five days after the return.\n")
    async with opened(tmp_path, flows=flows, model=model) as shop:
        model.then("A **refund** ", gate.wait, "takes five days.")
        await shop.act("say", text="how long does a refund take?")
        await shop.until(shop.draft)
        assert shop.draft() == "A refund"
        await shop.act("stop")
        await shop.until(lambda: [e for e in shop.sandbox.journal.entries if e.kind == "confirmed"][1:])
        gate.set()
        await shop.until(shop.seen)
        for _ in range(40):
            await shop.clock.advance(0.5)
            await asyncio.sleep(0.01)
        assert (shop.seen(), shop.draft()) == (["A refund"], "")
