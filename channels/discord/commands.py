"""The list that opens with `/`, as Discord wants it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from channels.discord.settings import CommandOption, SlashCommand

_GROUP, _COMMAND, _STRING = 2, 1, 3
MOST_CHOICES = 25


def registered(commands: Mapping[str, SlashCommand]) -> list[dict[str, Any]]:
    return [_command(name, command) for name, command in commands.items()]


def digest(made: list[dict[str, Any]]) -> bytes:
    return hashlib.blake2b(json.dumps(made, sort_keys=True).encode(), digest_size=16).hexdigest().encode()


def _command(name: str, command: SlashCommand) -> dict[str, Any]:
    inside = [_sub(each, sub) for each, sub in command.commands.items()] or [_option(one) for one in command.options]
    return _named(name, command.about, command.names, command.abouts) | {"type": 1, "options": inside}


def _sub(name: str, command: SlashCommand) -> dict[str, Any]:
    inside = [_sub(each, sub) for each, sub in command.commands.items()] or [_option(one) for one in command.options]
    kind = _GROUP if command.commands else _COMMAND
    return _named(name, command.about, command.names, command.abouts) | {"type": kind, "options": inside}


def _option(option: CommandOption) -> dict[str, Any]:
    made = _named(option.name, option.about, option.names, option.abouts)
    made |= {"type": _STRING, "required": option.required}
    if len(option.choices) > MOST_CHOICES:
        return made | {"autocomplete": True}
    listed = [{"name": one.name, "value": one.value, "name_localizations": one.names or None} for one in option.choices]
    return made | ({"choices": listed} if listed else {})


def _named(name: str, about: str, names: Mapping[str, str], abouts: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "description": about}
    made |= {"name_localizations": dict(names)} if names else {}
    return made | ({"description_localizations": dict(abouts)} if abouts else {})
