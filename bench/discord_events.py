"""One direct message over the gateway: through our channel as far as the core, and through discord.py's own dispatch.

Neither has a socket: both are handed the text that one would bring.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import discord
from discord.gateway import DiscordWebSocket
from pydantic import SecretStr

from bot.ports import Accepted, Arrival
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.discord import Settings, build
from channels.discord.client import _Client
from config.machine import SystemClock, SystemRandom

_USER = {"id": "204000000000000001", "username": "ada", "discriminator": "0", "global_name": "Ada", "avatar": None}
_BARE: dict[str, Any] = {name: [] for name in ("attachments", "embeds", "mentions", "mention_roles", "components")}
_EVENT = _BARE | {"type": 0, "content": "Where is my order A-17?", "channel_id": "810000000000000001", "author": _USER}
_EVENT |= {"timestamp": "2026-03-02T10:00:00.000000+00:00", "edited_timestamp": None, "flags": 0, "pinned": False}
_EVENT |= {"mention_everyone": False, "tts": False}


def text_of(number: int) -> str:
    data = _EVENT | {"id": str(1434830000000000000 + number)}
    return json.dumps({"t": "MESSAGE_CREATE", "s": number, "op": 0, "d": data})


async def dispatch_microseconds(seconds: float) -> float:
    """discord.py with one method that hears messages."""
    heard = 0

    class Bot(discord.Client):
        async def on_message(self, message: discord.Message) -> None:
            nonlocal heard
            heard += 1

    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
    client = Bot(intents=intents)
    await client._async_setup_hook()
    socket = _socket(client)
    cost = await _measured(seconds, socket.received_message, lambda: heard)
    await client.close()
    return cost


async def channel_microseconds(seconds: float) -> float:
    """Up to where the core would commit it."""
    channel = build(
        "shop",
        Settings(token=SecretStr("t")),
        clock=SystemClock(),
        random=SystemRandom(),
        vault=MemoryVault(),
        files=MemoryFiles(),
    )
    receive = _Core()
    client = _Client(channel._settings, channel.hearing.hear)
    await client._async_setup_hook()
    writing = asyncio.create_task(channel.hearing._write(receive))
    cost = await _measured(seconds, _socket(client, debug=True).received_message, lambda: receive.taken)
    writing.cancel()
    await client.close()
    return cost


class _Core:
    """Implements `Receive`, and costs nothing."""

    def __init__(self) -> None:
        self.taken = 0

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        return (await self.many([arrival]))[0]

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        self.taken += len(arrivals)
        return [_ACCEPTED] * len(arrivals)


_ACCEPTED = Accepted(True, None, None)


def _socket(client: discord.Client, *, debug: bool = False) -> DiscordWebSocket:
    socket: Any = DiscordWebSocket(None, loop=asyncio.get_running_loop())  # type: ignore[arg-type]
    socket.shard_id = None
    socket._discord_parsers, socket._dispatch = client._connection.parsers, client.dispatch
    if debug:
        socket.log_receive = socket.debug_log_receive
    made: DiscordWebSocket = socket
    return made


async def _measured(seconds: float, bring: Callable[[str], Any], heard: Callable[[], int]) -> float:
    """CPU of each message, in microseconds; the first thousand warm up."""
    number = 0
    since, until = 0.0, time.perf_counter() + seconds
    while number < 2_000 or time.perf_counter() < until:
        if number == 1_000:
            since = time.process_time()
        for one in range(100):
            await bring(text_of(number + one))
            await asyncio.sleep(0)
        number += 100
    while heard() < number:  # noqa: ASYNC110  (tasks that are ready, and nothing else)
        await asyncio.sleep(0)
    return (time.process_time() - since - _making(number - 1_000)) / (number - 1_000) * 1e6


def _making(number: int) -> float:
    """CPU of writing the events themselves, which is no part of it."""
    since = time.process_time()
    for one in range(min(number, 2_000)):
        text_of(one)
    return (time.process_time() - since) / min(number, 2_000) * number
