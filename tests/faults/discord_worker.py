"""A whole desk with one account on Discord, to be killed: `python -m tests.faults.discord_worker SPEC`.

Its model says back each uid it was told: where the documents know something, in words that stream.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
from pydantic import SecretStr

from bot.flow.read import read
from bot.model import Start
from bot.ports import Answer, Ask, Wanted, Words
from bot.store import open_store
from channels.discord import Settings as Discord
from config.doors import Account
from config.machine import SystemClock, SystemRandom
from config.settings import DeskFile, Settings
from config.wiring import running
from tests.faults.journal import uids

SHOP = Path(__file__).parent / "shop"


class Spec(msgspec.Struct, frozen=True):
    folder: str
    api: str
    token: str
    lease: float = 1.0


class Echo:
    """Implements `LanguageModel`."""

    name = "echo"

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        heard = uids(ask.words)
        if not ask.passages:
            yield Wanted(Start("tell", {"uids": " ".join(heard)}))
            return
        for word in ("I ", "have ", "heard ", *(f"{uid} " for uid in heard)):
            yield Words(word)
            await asyncio.sleep(0.02)


async def work(spec: Spec) -> None:
    folder, clock = Path(spec.folder), SystemClock()
    settings = Discord(token=SecretStr(spec.token), api=spec.api)
    async with running(
        Settings(data=folder, config=folder / "frontdesk.yaml", secret_key=SecretStr("k" * 32)),
        DeskFile(flows=SHOP, quiet_ms=20),
        read(SHOP),
        store=await asyncio.to_thread(open_store, f"sqlite:///{folder / 'frontdesk.db'}", clock),
        clock=clock,
        random=SystemRandom(),
        accounts=[Account(name="shop", channel="discord", flows=SHOP, team="", settings=settings)],
        model=Echo(),
        lease=timedelta(seconds=spec.lease),
        send_lease=timedelta(seconds=4 * spec.lease),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(msgspec.json.decode(sys.argv[1], type=Spec)))
