"""Lists too long to stand in a message: kept until Slack asks for what begins as somebody types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from bot.model import Option
from bot.ports import Clock, Vault
from channels.slack.heard import digest
from channels.slack.render import MOST_OPTIONS, listed

REMEMBERED = timedelta(days=30)


class _List(Struct, frozen=True):
    at: datetime
    options: tuple[tuple[str, str], ...]
    """Label and token."""


class Lists:
    def __init__(self, clock: Clock, vault: Vault) -> None:
        self._clock, self._vault = clock, vault

    async def keep(self, lists: Mapping[str, tuple[Option, ...]]) -> None:
        """By id of the block that they are chosen from."""
        for block, options in lists.items():
            kept = _List(self._clock.now(), tuple([(option.label, option.token) for option in options]))
            await self._vault.put(_name(block), msgspec.json.encode(kept))

    async def options(self, block: str, typed: str) -> list[dict[str, Any]]:
        """Those that hold what was typed, and first those that begin with it; none of a list that is forgotten."""
        kept = await self._vault.get(_name(block))
        if kept is None:
            return []
        wanted = " ".join(typed.casefold().split())
        found = [option for option in msgspec.json.decode(kept, type=_List).options if wanted in option[0].casefold()]
        found.sort(key=lambda option: not option[0].casefold().startswith(wanted))
        return listed(Option(label, "", token) for label, token in found[:MOST_OPTIONS])

    async def forget_old(self) -> None:
        for name in await self._vault.names("options/"):
            kept = await self._vault.get(name)
            if kept and msgspec.json.decode(kept, type=_List).at < self._clock.now() - REMEMBERED:
                await self._vault.put(name, None)


def _name(block: str) -> str:
    return f"options/{digest(block.encode())}"
