"""How Telegram is told where updates go, and what the menu of commands offers. Repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from channels.telegram import wire
from channels.telegram.client import Client
from channels.telegram.settings import Settings


async def hook(client: Client, settings: Settings, account: str) -> None:
    """See to it that updates come to our address. Nothing pending is dropped."""
    asked = {
        "url": hook_address(settings, account),
        "secret_token": settings.secret.get_secret_value(),
        "allowed_updates": list(wire.UNDERSTOOD),
        "max_connections": settings.connections,
    }
    await client.call("setWebhook", asked)  # always: nobody can see whether the secret there is still ours


async def unhook(client: Client) -> bool:
    """See to it that updates can be polled; whether a webhook was there. Nothing pending is dropped."""
    if not (await client.call("getWebhookInfo", {})).get("url"):
        return False
    await client.call("deleteWebhook", {"drop_pending_updates": False})
    return True


def hook_address(settings: Settings, account: str) -> str:
    return f"{settings.public.rstrip('/')}/hooks/telegram/{account}"


class Menu(Struct, frozen=True):
    """What the menu of commands offers in one kind of chat and one language."""

    where: dict[str, Any]
    """As the platform is told of it."""
    commands: list[dict[str, str]]

    @property
    def name(self) -> str:
        language = self.where.get("language_code", "every language")
        return f"in groups, {language}" if "scope" in self.where else language


def menus(settings: Settings) -> list[Menu]:
    in_groups = {"scope": {"type": "all_group_chats"}}
    return [*_by_language(settings.commands, {}), *_by_language(settings.group_commands, in_groups)]


def _by_language(commands: Mapping[str, Mapping[str, str]], where: dict[str, Any]) -> list[Menu]:
    found: dict[str, list[dict[str, str]]] = {}
    for command, words in commands.items():
        for language, about in words.items():
            found.setdefault(language, []).append({"command": command, "description": about})
    return [
        Menu(where | ({"language_code": language} if language else {}), offered) for language, offered in found.items()
    ]


async def offer(client: Client, settings: Settings) -> None:
    """See to it that the menus are those. What is so already is left alone."""
    for menu in menus(settings):
        if await client.call("getMyCommands", menu.where) != menu.commands:
            await client.call("setMyCommands", {"commands": menu.commands, **menu.where})
