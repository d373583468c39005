"""Every channel keeps what `bot.testing.channel` asks of them, through its real client, against its sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from bot.testing.channel import ChannelContract, Harness
from tests.channels.harness import discord, memory, slack, telegram, terminal, web

HARNESSES: dict[str, Callable[[], AbstractAsyncContextManager[Harness]]] = {
    "memory": memory.everything,
    "memory, plain": memory.plain,
    "memory, group": memory.group,
    "telegram, polling": telegram.polling,
    "telegram, webhook": telegram.webhook,
    "terminal": terminal.terminal,
    "web": web.web,
    "slack, http": slack.over_http,
    "slack, socket": slack.over_sockets,
    "discord": discord.gateway,
}


class TestChannel(ChannelContract):
    @pytest.fixture(params=HARNESSES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
        async with HARNESSES[request.param]() as harness:
            yield harness
