"""What becomes of every part on every channel, to be read and compared: one message, any channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from bot.fit import fit
from bot.model import (
    Address,
    Message,
    Option,
    Part,
    Text,
)
from bot.ports import Capabilities
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels import channel_module, memory, terminal
from channels.web import web
from tests.channels.parts import MESSAGES

PLATFORMS: dict[str, tuple[str, dict[str, str]]] = {
    "telegram": ("7001", {"token": "42:TEST"}),
    "slack": ("T1/D1", {"connection": "http", "signing_secret": "s", "token": "xoxb-1"}),
    "discord": ("1", {"token": "t"}),
}
"""A chat with one person, and the least settings an account needs."""


def of(name: str) -> Capabilities:
    """As the channel says it of that chat."""
    module, (chat, settings) = channel_module(name), PLATFORMS[name]
    channel = module.build(
        "shop",
        module.Settings.model_validate(settings),
        clock=SettableClock(),
        random=SeededRandom(1),
        vault=MemoryVault(),
        files=MemoryFiles(),
    )
    can: Capabilities = channel.capabilities(Address(name, "shop", chat))
    return can


CHANNELS = {
    **{name: of(name) for name in PLATFORMS},
    "web": web.CAN,
    "terminal": terminal.CAN,
    "memory": memory.EVERYTHING,
}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_shown_as_it_was_read(name: str, channel: str, snapshot: SnapshotAssertion) -> None:
    fitted = fit(MESSAGES[name], CHANNELS[channel])
    losses = [f"{loss.part}: {loss.kind} {loss.detail}".rstrip() for loss in fitted.losses]
    assert [*_told(fitted.pieces), *(f"loses {loss}" for loss in losses)] == snapshot


def _told(pieces: tuple[Message, ...]) -> Iterator[str]:
    for piece in pieces:
        yield "piece"
        for part in piece.parts:
            yield from (f"  {line}" for line in _lines(part))


def _lines(part: Part) -> Iterator[str]:
    """A text as it is marked; of everything else the fields that say something."""
    if isinstance(part, Text):
        yield "text"
        for span in part.spans:
            look = " ".join((*span.marks, span.link)).strip()
            words = span.text if len(span.text) < 200 else f"{span.text[:60]} … {span.text[-60:]}"
            yield f"  {words!r} {look}".rstrip()
        return
    fields: dict[str, Any] = msgspec.structs.asdict(part)
    defaults = dict(zip(part.__struct_fields__[::-1], part.__struct_defaults__[::-1], strict=False))
    yield type(part).__name__.lower()
    for name, value in fields.items():
        if name not in defaults or value != defaults[name]:
            yield f"  {name}: {_short(value)}"


def _short(value: Any) -> str:
    match value:
        case Option():
            return value.label
        case tuple():
            return f"[{', '.join(map(_short, value))}]"
        case msgspec.Struct():
            return " / ".join(_short(each) for each in msgspec.structs.astuple(value) if each not in ("", ()))
        case _:
            return repr(value)
