"""How Telegram is told where updates go, and what the menu of commands offers. Repeating it changes nothing."""

from __future__ import annotations

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


def menus(settings: Settings) -> dict[str, list[dict[str, str]]]:
    """What `setMyCommands` is told, by language."""
    found: dict[str, list[dict[str, str]]] = {}
    for command, words in settings.commands.items():
        for language, about in words.items():
            found.setdefault(language, []).append({"command": command, "description": about})
    return found
