"""The door to Telegram. aiogram is loaded when something is to be asked of the platform, not before."""

from __future__ import annotations

import re
from typing import Any

from bot.errors import SettingsError
from bot.ports import Clock, FileStore, Random, Vault
from channels.telegram.channel import Telegram
from channels.telegram.settings import Settings
from channels.telegram.setup import check, setup

__all__ = ["Settings", "build", "check", "setup"]

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]+")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def build(account: str, settings: Any, *, clock: Clock, random: Random, vault: Vault, files: FileStore) -> Telegram:
    """Raises `SettingsError`."""
    assert isinstance(settings, Settings)
    if not _TOKEN.fullmatch(settings.token.get_secret_value()):
        raise SettingsError("`token` is none of a bot: it reads like 123456789:AAE…, as @BotFather shows it")
    secret = settings.secret.get_secret_value()
    if settings.public and not secret:
        raise SettingsError("`public` needs `secret`: without it anybody could send updates in Telegram's name")
    if secret and not _SECRET.fullmatch(secret):
        raise SettingsError("`secret` has 1-256 characters of A-Z a-z 0-9 _ -")
    if wrong := [
        command for command in (*settings.commands, *settings.group_commands) if not _COMMAND.fullmatch(command)
    ]:
        raise SettingsError(f"command {wrong[0]!r} may have 1-32 characters of a-z 0-9 _")
    return Telegram(account, settings, clock=clock, random=random, vault=vault, files=files)
