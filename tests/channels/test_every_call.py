"""What each platform is asked to show for every part: the calls themselves, to be read and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from bot.fit import fit
from bot.model import Address, Message
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels import channel_module
from channels.discord import render as discord
from channels.slack import render as slack
from channels.telegram import render as telegram
from channels.telegram.place import place_of
from tests.channels.parts import MESSAGES

KEY = "01a1ff48e54573259aa41de89c84decf.0"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "telegram": {"token": f"123456789:{'A' * 35}"},
    "slack": {"token": "xoxb-1", "app_token": "xapp-1"},
    "discord": {"token": "a token"},
}
CHATS = {"telegram": "77", "slack": "C1", "discord": "901"}
RENDER: Mapping[str, Callable[[Address, Message], Any]] = {
    "telegram": lambda to, piece: [_without_nothing(call) for call in telegram.render(place_of(to), piece)],
    "slack": lambda to, piece: slack.render(to, piece, key=KEY),
    "discord": lambda to, piece: discord.render(to, piece, key=KEY),
}


@pytest.mark.parametrize("name", RENDER)
@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_called_as_it_was_read(message: str, name: str, snapshot: SnapshotAssertion) -> None:
    module, to = channel_module(name), Address(name, "shop", CHATS[name])
    settings = module.Settings.model_validate(SETTINGS[name])
    channel = module.build(
        "shop", settings, clock=SettableClock(), random=SeededRandom(), vault=MemoryVault(), files=MemoryFiles()
    )
    pieces = fit(MESSAGES[message], channel.capabilities(to)).pieces
    assert [line for piece in pieces for line in _told(RENDER[name](to, piece))] == snapshot


def _without_nothing(call: telegram.Call) -> dict[str, Any]:
    told = msgspec.structs.asdict(call) | {"instead": call.instead and _without_nothing(call.instead)}
    return {name: value for name, value in told.items() if value}


def _told(value: Any, indent: str = "") -> Iterator[str]:
    """One line for every value that says something."""
    match value:
        case msgspec.Struct():
            value = msgspec.structs.asdict(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    match value:
        case dict():
            for name, each in value.items():
                if isinstance(each, dict | list | tuple | msgspec.Struct):
                    yield f"{indent}{name}"
                    yield from _told(each, f"{indent}  ")
                elif each is not None:
                    yield f"{indent}{name}: {_short(each)}"
        case list() | tuple():
            for each in value:
                yield f"{indent}-"
                yield from _told(each, f"{indent}  ")
        case _:
            yield f"{indent}{_short(value)}"


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) < 300 else f"{words[:120]} … {words[-120:]}"
