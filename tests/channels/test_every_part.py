"""What becomes of every part on every channel, to be read and compared: one message, any channel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from bot import markup
from bot.fit import fit
from bot.model import (
    Card,
    Carousel,
    Choices,
    Location,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Sources,
    Table,
    Text,
    VCard,
)
from bot.ports import Attachments, Buttons, Capabilities, Limit, Syntax
from channels import memory, terminal
from tests.channels.parts import MESSAGES

ALL = frozenset(markup.ORDER)
EVERY: frozenset[type[Part]] = frozenset(
    (Text, Choices, Card, Carousel, Table, Sources, Notice, Media, Location, VCard, Rating)
)
CHANNELS = {
    "telegram": Capabilities(
        text=Limit(4096, "utf16"),
        caption=Limit(1024, "utf16"),
        marks=ALL,
        parts=frozenset((Text, Choices, Card, Media, Location, VCard)),
        alone=frozenset((Location, VCard)),
        buttons=Buttons(rows=8, per_row=3, label=64),
        files=Attachments(per_message=10, bytes_out=50 * 1024 * 1024),
        stream="native",
        typing_every=timedelta(seconds=4),
        can=frozenset(("edit", "delete", "react", "reply_to", "thread")),
    ),
    "slack": Capabilities(
        text=Limit(3000),
        marks=ALL,
        syntax=Syntax(escapes={"&": 4, "<": 3, ">": 3}, marks={"bold": 2, "italic": 2, "strike": 2, "code": 2}, link=3),
        parts=frozenset((Text, Choices, Card, Table, Media)),
        table=(100, 20),
        raw="slack",
        buttons=Buttons(rows=5, per_row=5, label=75),
        options=100,
        form="modal",
        files=Attachments(per_message=10),
        stream="native",
        can=frozenset(("edit", "delete", "react", "thread")),
        resend="lookup",
    ),
    "discord": Capabilities(
        text=Limit(2000),
        marks=ALL,
        syntax=Syntax(
            escapes=dict.fromkeys("\\*_~`|>#-[]()", 1),
            marks={"bold": 4, "italic": 2, "strike": 4, "code": 2, "fence": 8},
            lines={"quote": 2, "heading": 3},
            link=4,
        ),
        parts=frozenset((Text, Choices, Card, Carousel, Media)),
        cards=5,
        buttons=Buttons(rows=5, per_row=5, label=80, token=100),
        options=25,
        form="modal",
        files=Attachments(per_message=10, bytes_out=10 * 1024 * 1024),
        stream="edit",
        typing_every=timedelta(seconds=8),
        can=frozenset(("edit", "delete", "react", "reply_to", "thread")),
        resend="safe",
    ),
    "web": Capabilities(
        text=Limit(100_000),
        marks=ALL,
        parts=EVERY,
        buttons=Buttons(rows=20, per_row=20, label=200),
        options=1000,
        form="native",
        files=Attachments(per_message=10),
        resend="safe",
    ),
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
