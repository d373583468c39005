"""Point 11: what `channel check` and `channel setup` say and do; and what an account may not be told."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import SettingsError
from bot.ports import Finding
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.sandbox.server import serving
from channels.sandbox.telegram.sandbox import TelegramSandbox
from channels.telegram import Settings, build, check, setup
from tests.channels.telegram.stand import SECRET, TOKEN

PUBLIC = "http://127.0.0.1:9"


@asynccontextmanager
async def platform() -> AsyncIterator[tuple[TelegramSandbox, str]]:
    sandbox = TelegramSandbox(SettableClock())
    async with serving(sandbox) as api:
        yield sandbox, api


def settings(api: str, **more: Any) -> Settings:
    return Settings(**{"token": SecretStr(TOKEN), "secret": SecretStr(SECRET), "api": api, **more})


async def asked(of: Settings) -> Sequence[Finding]:
    return await check("shop", of, vault=MemoryVault())


async def test_a_fresh_bot_that_polls_needs_nothing() -> None:
    async with platform() as (_, api):
        assert [finding.ok for finding in await asked(settings(api))] == [True, True, True]


async def test_a_wrong_token_is_told_with_where_to_find_the_right_one() -> None:
    async with platform() as (_, api):
        (finding,) = await asked(settings(api, token=SecretStr("42:WRONG")))
        assert not finding.ok
        assert "@BotFather" in finding.do
        assert "FRONTDESK_SHOP_TOKEN" in finding.do


async def test_a_webhook_that_is_missing_is_set_up_and_then_right() -> None:
    async with platform() as (sandbox, api):
        wanted = settings(api, public=PUBLIC, commands={"track": {"": "Where is it?"}})
        before = {finding.what: finding.ok for finding in await asked(wanted)}
        assert before[f"updates are to come to {PUBLIC}/hooks/telegram/shop, and they go to nowhere"] is False
        assert before["the menu of commands (every language) is another one"] is False
        assert all(finding.ok for finding in await setup("shop", wanted, vault=MemoryVault()))
        assert all(finding.ok for finding in await asked(wanted))
        webhook = sandbox.bots[TOKEN].updates.webhook
        assert webhook is not None
        assert (webhook.url, webhook.secret) == (f"{PUBLIC}/hooks/telegram/shop", SECRET)


async def test_a_webhook_in_the_way_of_polling_is_told_and_taken_away() -> None:
    async with platform() as (sandbox, api):
        await setup("shop", settings(api, public=PUBLIC), vault=MemoryVault())
        assert [finding.ok for finding in await asked(settings(api))] == [True, False, True]
        await setup("shop", settings(api), vault=MemoryVault())
        assert sandbox.bots[TOKEN].updates.webhook is None


async def test_privacy_mode_is_explained_when_everything_is_to_be_heard() -> None:
    async with platform() as (sandbox, api):
        finding = (await asked(settings(api, hears="all")))[-1]
        assert not finding.ok
        assert "/setprivacy" in finding.do
        assert "add it again" in finding.do
        await sandbox.act("privacy", {"chat": "7001", "on": False})
        assert (await asked(settings(api, hears="all")))[-1].ok


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"token": SecretStr("none")}, "@BotFather"),
        ({"public": "https://desk.example", "secret": SecretStr("")}, "`public` needs `secret`"),
        ({"secret": SecretStr("sécret")}, "A-Z a-z 0-9"),
        ({"commands": {"Über": {"": "x"}}}, "a-z 0-9 _"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_cannot_work_stop_the_start(more: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        build(
            "shop",
            settings("", **more),
            clock=SettableClock(),
            random=SeededRandom(),
            vault=MemoryVault(),
            files=MemoryFiles(),
        )


def test_importing_the_channel_imports_none_of_its_library() -> None:
    told = "import sys, channels.telegram; print([m for m in ('aiogram', 'aiohttp') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", told], text=True).strip() == "[]"
