"""The unmodified aiogram, pointed at a sandbox that stands on a settable clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Update

from bot.testing.clock import SettableClock
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import serving
from channels.sandbox.telegram.sandbox import TelegramSandbox

ADA = 7001
T = TypeVar("T")


@dataclass
class Stand:
    clock: SettableClock
    sandbox: TelegramSandbox
    address: str
    bot: Bot

    async def act(self, what: str, /, chat: Any = ADA, **body: Any) -> Any:
        return await self.sandbox.act(what, {"chat": str(chat), **body})

    async def updates(self, offset: int = 0) -> list[Update]:
        return await self.bot.get_updates(offset=offset, timeout=0)

    def chat(self, name: Any = ADA) -> Any:
        return next(chat for chat in self.sandbox.seen()["chats"] if chat["id"] == str(name))

    def messages(self, name: Any = ADA) -> Any:
        return self.chat(name)["messages"]

    def fault(self, on: str, **do: Any) -> None:
        self.sandbox.faults.script([Rule(on=on, times=1, do=Do(**do))])


@asynccontextmanager
async def standing(**given: Any) -> AsyncIterator[Stand]:
    clock = SettableClock()
    sandbox = TelegramSandbox(clock, **given)
    async with serving(sandbox) as address:
        bot = bot_at(address)
        try:
            yield Stand(clock, sandbox, address, bot)
        finally:
            await bot.session.close()


def bot_at(address: str, token: str = "42:TEST") -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(address)))


async def until(is_so: Callable[[], bool]) -> None:
    """What happens over a socket cannot be awaited here; longer means stuck."""
    async with asyncio.timeout(90):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.001)


async def soon(work: Awaitable[T]) -> T:
    """Longer means stuck."""
    return await asyncio.wait_for(work, 90)


def picture(width: int = 8, height: int = 8) -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return out.getvalue()
