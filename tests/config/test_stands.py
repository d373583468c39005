"""The platforms of the demo."""

from pathlib import Path
from typing import Any

import httpx2

from bot.testing.clock import SettableClock
from config.stands import Stand, standing

FLOWS = Path("flows")


async def test_a_platform_without_its_library_says_how_to_get_it() -> None:
    async with standing(FLOWS, SettableClock(), libraries={"telegram": "no_such_library"}) as stands:
        assert stands == [Stand("telegram", why="needs pip install 'frontdesk[telegram]'")]


async def test_each_platform_has_an_account_that_is_pointed_at_it() -> None:
    async with standing(FLOWS, SettableClock()) as stands, httpx2.AsyncClient() as client:
        assert [stand.platform for stand in stands] == ["telegram", "slack", "discord"]
        for stand in stands:
            assert stand.account, stand.why
            settings: Any = stand.account.settings
            told = (await client.get(f"{stand.address}/_/about")).json()["told"]
            assert (stand.account.channel, settings.api.rstrip("/")) == (stand.platform, told["api"].rstrip("/"))
            assert settings.token.get_secret_value() == told["token"]


async def test_a_taken_port_is_no_obstacle() -> None:
    async with standing(FLOWS, SettableClock()) as first:
        taken = int(first[0].address.rpartition(":")[2])
        async with standing(FLOWS, SettableClock(), port=taken) as second:
            assert second[0].address not in ("", first[0].address)
