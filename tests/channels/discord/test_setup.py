"""`check` and `setup` ask Discord itself, and say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.ports import Finding
from bot.testing.vault import MemoryVault
from channels.discord import Settings, check, setup
from tests.channels.harness.discord import DiscordHarness, gateway

COMMANDS = {"order": {"about": "Where is my order?"}}


def settings(harness: DiscordHarness, **more: Any) -> Settings:
    return Settings.model_validate({"token": harness.sandbox.rules.token, "api": harness.base} | more)


def wrong(findings: Sequence[Finding]) -> list[str]:
    assert all(one.do for one in findings if not one.ok)
    return [f"{one.what}: {one.do}" for one in findings if not one.ok]


async def test_an_account_that_is_set_up_has_nothing_wrong() -> None:
    async with gateway() as harness:
        given, vault = settings(harness, channels=(str(harness.sandbox.general.id),), commands=COMMANDS), MemoryVault()
        made = await setup("shop", given, vault=vault)
        found = await check("shop", given, vault=vault)

        assert wrong(found) == []
        assert [one["name"] for one in harness.sandbox.commands(harness.sandbox.direct)] == ["order"]
        link = f"https://discord.com/oauth2/authorize?client_id={harness.sandbox.world.bot.id}&scope=bot+applications"
        assert any(one.do.startswith(f"open {link}") for one in made)


async def test_what_is_wrong_is_said_with_what_to_do() -> None:
    async with gateway() as harness:
        harness.sandbox.rules.granted = 0
        hidden = (await harness.sandbox.act("chat", {"kind": "channel", "title": "staff", "hidden": True}))["chat"]
        given = settings(harness, channels=(hidden,), commands=COMMANDS, interactions="http", public_key="0" * 64)
        told = "\n".join(wrong(await check("shop", given, vault=MemoryVault())))

        for words in ("MESSAGE CONTENT INTENT", "public_key", hidden, "channel setup"):
            assert words in told


async def test_a_wrong_token_is_the_one_thing_that_is_said() -> None:
    async with gateway() as harness:
        found = await check("shop", settings(harness, token="wrong"), vault=MemoryVault())

        assert [(one.ok, "token" in one.what) for one in found] == [(False, True)]


async def test_presses_that_go_elsewhere_are_noticed() -> None:
    async with gateway() as harness:
        harness.sandbox.interactions.endpoint = "https://elsewhere.example/hook"
        [told] = wrong(await check("shop", settings(harness), vault=MemoryVault()))

        assert "https://elsewhere.example/hook" in told
