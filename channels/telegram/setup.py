"""Whether an account is set up rightly at Telegram, what to change, and what can be changed from here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from bot.errors import Forbidden
from bot.ports import Finding, Vault
from channels.telegram import wire
from channels.telegram.client import Client
from channels.telegram.hooks import hook, hook_address, menus, offer, unhook
from channels.telegram.settings import Settings


async def check(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """Changes nothing. Raises `NotSent` when Telegram cannot be asked."""
    async with _asking(settings) as client:
        try:
            me = await client.call("getMe", {})
        except Forbidden:
            return (_bad_token(account),)
        return (
            Finding(True, f"the token is that of @{me.get('username')}"),
            *await _updates(client, account, settings),
            _groups(me, settings),
            *[finding async for finding in _menus(client, account, settings)],
        )


async def setup(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """Set webhook and commands; nothing that waits at Telegram is dropped. Raises `NotSent`."""
    async with _asking(settings) as client:
        try:
            me = await client.call("getMe", {})
        except Forbidden:
            return (_bad_token(account),)
        if settings.public:
            await hook(client, settings, account)
            done = f"updates of @{me.get('username')} come to {hook_address(settings, account)}"
        elif await unhook(client):
            done = "the webhook is taken away: updates are polled, and those that waited are not lost"
        else:
            done = "there is no webhook, and none is needed: updates are polled"
        await offer(client, settings)
        menu = ", ".join(f"/{command}" for command in settings.commands) or "no commands are set"
        return Finding(True, done), Finding(True, f"the menu offers {menu}"), _groups(me, settings)


@asynccontextmanager
async def _asking(settings: Settings) -> AsyncIterator[Client]:
    client = Client(settings.token.get_secret_value(), settings.api)
    try:
        yield client
    finally:
        await client.close()


def _bad_token(account: str) -> Finding:
    variable = f"FRONTDESK_{account}_TOKEN".upper().replace("-", "_")
    return Finding(
        False,
        "Telegram refuses the token",
        f"write to @BotFather: /mybots, choose the bot, API Token; put what it shows into {variable}",
    )


async def _updates(client: Client, account: str, settings: Settings) -> tuple[Finding, ...]:
    info = await client.call("getWebhookInfo", {})
    url, setup = str(info.get("url", "")), f"run `frontdesk channel setup {account}`, or just start the program"
    if not settings.public:
        if url:
            return (Finding(False, f"updates are to be polled, and a webhook is set: {url}", setup),)
        return (Finding(True, f"updates are polled; {info.get('pending_update_count', 0)} wait"),)
    wanted = hook_address(settings, account)
    if url != wanted:
        at = url or "nowhere"
        return (Finding(False, f"updates are to come to {wanted}, and they go to {at}", setup),)
    found = [Finding(True, f"updates come to {url}; {info.get('pending_update_count', 0)} wait")]
    if missing := sorted(set(wire.UNDERSTOOD) - set(info.get("allowed_updates", ()))):
        found.append(Finding(False, f"Telegram does not send {', '.join(missing)}", setup))
    if why := info.get("last_error_message"):
        last = datetime.fromtimestamp(info.get("last_error_date", 0), UTC)
        found.append(
            Finding(False, f"at {last:%Y-%m-%d %H:%M} UTC Telegram could not bring an update: {why}", _advice(why))
        )
    return tuple(found)


def _advice(why: str) -> str:
    if "401" in why:
        return "the secret there is another one: run `frontdesk channel setup`, with the secret that `serve` has"
    if "404" in why:
        return "`public` is the address of this program, without a path behind it; a proxy must pass /hooks/ on"
    if "503" in why:
        return "this program could not store it: look at its log and at the database"
    return (
        "see that the address can be reached from the internet, on port 443, 80, 88 or 8443, with a valid certificate"
    )


def _groups(me: dict[str, Any], settings: Settings) -> Finding:
    if not me.get("can_join_groups", True):
        return Finding(True, "the bot cannot be added to groups, as @BotFather was told")
    if settings.hears == "all" and not me.get("can_read_all_group_messages"):
        return Finding(
            False,
            "`hears: all`, and privacy mode keeps from the bot what is not meant for it in groups",
            "write to @BotFather: /setprivacy, choose the bot, Disable\n"
            "then take the bot out of each group and add it again: only then does it count there\n"
            "(or make it an administrator of the group, who hears everything)",
        )
    if settings.hears == "mention":
        mode = "off: it hears everything and answers nothing else" if me.get("can_read_all_group_messages") else "on"
        return Finding(True, f"in groups it answers mentions, replies and commands; privacy mode is {mode}")
    return Finding(True, "in groups it hears everything")


async def _menus(client: Client, account: str, settings: Settings) -> AsyncIterator[Finding]:
    for menu in menus(settings):
        there = await client.call("getMyCommands", menu.where)
        where = f"the menu of commands ({menu.name})"
        if there == menu.commands:
            yield Finding(True, f"{where} is as the settings say")
        else:
            yield Finding(
                False, f"{where} is another one", f"run `frontdesk channel setup {account}`, or start the program"
            )
