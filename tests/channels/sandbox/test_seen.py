"""What every sandbox shows has the one shape that the page draws and docs/reference/sandbox.md tells."""

import io
from datetime import datetime
from typing import Any, Literal

import msgspec
import pytest
from msgspec import Struct
from PIL import Image

from bot.testing.clock import SettableClock
from channels.sandbox.server import BadAct, Sandbox
from config.sandbox import NAMES, made
from tests.channels.sandbox.showcase import Showcase


class Named(Struct):
    id: str
    name: str


class Span(Struct):
    text: str
    marks: list[
        Literal[
            "bold",
            "italic",
            "strike",
            "underline",
            "spoiler",
            "code",
            "fence",
            "quote",
            "mention",
            "heading",
            "list",
            "small",
        ]
    ]
    link: str


class Reaction(Struct):
    emoji: str
    count: int


class File(Struct):
    kind: str
    name: str
    type: str
    size: int
    href: str
    alt: str


class Pair(Struct):
    name: str
    value: str


class Card(Struct):
    title: str
    body: str
    fields: list[Pair] = []
    image: str = ""
    color: str = ""


class Table(Struct):
    columns: list[str]
    rows: list[list[str]]
    title: str = ""
    right: list[int] = []
    """Columns that stand to the right."""


class Block(Struct):
    """Of a message that has several things in it, one below the other."""

    spans: list[Span] = []
    table: Table | None = None


class Place(Struct):
    latitude: float
    longitude: float
    label: str


class Contact(Struct):
    name: str
    phone: str


class Option(Struct):
    id: str
    label: str


class Button(Struct, tag="button", tag_field="kind"):
    id: str
    label: str
    style: str
    link: str
    disabled: bool
    copy: str = ""
    """What pressing it copies."""


class Select(Struct, tag="select", tag_field="kind"):
    id: str
    placeholder: str
    many: bool
    options: list[Option]


class Message(Struct):
    id: str
    by: Literal["person", "bot", "system"]
    name: str
    at: datetime
    spans: list[Span]
    blocks: list[Block] = []
    """Drawn instead of `spans`, which say the same in characters."""
    can_stop: bool = False
    reply_to: str | None = None
    edited: bool = False
    deleted: bool = False
    draft: bool = False
    ephemeral: bool = False
    to: str | None = None
    reactions: list[Reaction] = []
    files: list[File] = []
    cards: list[Card] = []
    table: Table | None = None
    location: Place | None = None
    contact: Contact | None = None
    rows: list[list[Button | Select]] = []


class Key(Struct):
    label: str
    ask: Literal["", "contact", "location"]


class Command(Struct):
    name: str
    about: str


class Chat(Struct):
    id: str
    title: str
    kind: Literal["private", "group", "channel", "forum", "thread", "topic"]
    parent: str | None
    messages: list[Message]
    blocked: bool
    typing: str
    keyboard: list[list[Key]] | None
    commands: list[Command]
    can: list[
        Literal["say", "upload", "edit", "delete", "react", "block", "voice", "location", "contact", "reply", "thread"]
    ]


class Field(Struct):
    name: str
    label: str
    type: str
    required: bool = False
    options: list[Option] = []
    value: Any = ""
    error: str = ""
    hint: str = ""


class Modal(Struct):
    id: str
    title: str
    submit: str
    fields: list[Field]
    chat: str | None = None


class Seen(Struct):
    platform: str
    bots: list[Named]
    people: list[Named]
    chats: list[Chat]
    modal: Modal | None
    toast: str


def seen(sandbox: Sandbox) -> Seen:
    return msgspec.json.decode(msgspec.json.encode(sandbox.seen()), type=Seen)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "openai"])
async def test_what_a_person_does_is_seen(name: str) -> None:
    sandbox = made(name, SettableClock())
    here = seen(sandbox).chats[0]
    said = (await sandbox.act("say", {"chat": here.id, "text": "Hello *you*"}))["message"]
    await sandbox.act("react", {"chat": here.id, "message": said, "emoji": "👍", "add": True})
    await sandbox.act("edit", {"chat": here.id, "message": said, "text": "Hello"})
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    file = ("a.png", "image/png", picture.getvalue())
    await sandbox.act("upload", {"chat": here.id, "file": file, "kind": "image", "caption": "look"})
    (first, second) = seen(sandbox).chats[0].messages
    assert (first.id, first.by, first.edited, [span.text for span in first.spans]) == (said, "person", True, ["Hello"])
    assert [one.count for one in first.reactions] == [1]
    assert [(one.kind, one.name, one.size) for one in second.files] == [("image", "a.png", len(file[2]))]
    await sandbox.act("delete", {"chat": here.id, "message": said})
    left = [one for one in seen(sandbox).chats[0].messages if not one.deleted]
    assert [one.id for one in left] == [second.id]
    with pytest.raises(BadAct):
        await sandbox.act("fly", {})
    await sandbox.close()


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_said_has_the_shape_too(name: str) -> None:
    sandbox = made(name, SettableClock())
    assert seen(sandbox).platform == name
    await sandbox.close()


def test_what_the_page_is_tried_on_has_the_shape() -> None:
    shown = seen(Showcase("slack"))
    assert {one.by for one in shown.chats[0].messages} == {"person", "bot", "system"}
