"""How a client is pointed at a sandbox: by the library's own means, and by Frontdesk's settings."""

from __future__ import annotations

from collections.abc import Mapping

_HOW = {
    "telegram": {
        "aiogram": """
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

bot = Bot("{token}", session=AiohttpSession(api=TelegramAPIServer.from_base("{address}")))
""",
        "frontdesk.yaml": """
accounts:
  telegram:
    channel: telegram
    api: {address}
""",
        "environment": "FRONTDESK_TELEGRAM_TOKEN={token}",
    },
    "slack": {
        "slack-bolt": """
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

client = AsyncWebClient(token="{token}", base_url="{address}/api/")
app = AsyncApp(client=client, signing_secret="{signing_secret}")
handler = AsyncSocketModeHandler(app, "{app_token}")
""",
        "frontdesk.yaml": """
accounts:
  slack:
    channel: slack
    api: {address}/api/
""",
        "environment": "FRONTDESK_SLACK_TOKEN={token}\nFRONTDESK_SLACK_APP_TOKEN={app_token}",
    },
    "discord": {
        "discord.py": """
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

Route.BASE = "{address}/api/v10"
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("{socket}/gateway")
client = discord.Client(intents=discord.Intents.default())  # client.run("{token}")
""",
        "frontdesk.yaml": """
accounts:
  discord:
    channel: discord
    api: {address}
""",
        "environment": "FRONTDESK_DISCORD_TOKEN={token}",
    },
    "openai": {
        "openai": """
from openai import AsyncOpenAI

client = AsyncOpenAI(api_key="{OPENAI_API_KEY}", base_url="{address}/v1")
""",
        "environment": "OPENAI_BASE_URL={address}/v1\nOPENAI_API_KEY={OPENAI_API_KEY}",
    },
}


def how(name: str, told: Mapping[str, str], address: str) -> dict[str, str]:
    """What it is for to what to write there; nothing for a sandbox of another platform."""
    known = {**told, "address": address, "socket": address.replace("http", "ws", 1)}
    return {label: _filled(text, known).strip() for label, text in _HOW.get(name, {}).items()}


def _filled(text: str, known: Mapping[str, str]) -> str:
    for key, value in known.items():
        text = text.replace("{" + key + "}", value)
    return text
