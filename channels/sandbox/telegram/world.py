"""Who is there and what was said: bots, people, chats, messages, files. Objects are told as the Bot API tells them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.ports import Clock
from channels.sandbox.telegram.arguments import Refused, Upload

Object = dict[str, Any]

LONGEST_DOWNLOAD, LONGEST_PHOTO, LONGEST_UPLOAD = 20 * 1024 * 1024, 10 * 1024 * 1024, 50 * 1024 * 1024
DRAFT_LIVES = timedelta(seconds=30)
TYPING_LIVES = timedelta(seconds=5)


@dataclass(slots=True)
class Person:
    id: int
    name: str
    language: str = "en"
    deactivated: bool = False

    def user(self) -> Object:
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.name,
            "username": f"{self.name.lower().replace(' ', '_')}_{self.id}",
            "language_code": self.language,
        }


@dataclass(slots=True)
class Said:
    """One message in a chat; `told` is its object as the platform tells it."""

    told: Object
    by: int
    """Id of the bot or the person."""
    deleted: bool = False
    reactions: dict[int, list[Object]] = field(default_factory=dict)
    """By who reacted."""
    to: int = 0
    """The only person who sees it; 0: all do."""
    fixed: bool = False
    """It came with a reply keyboard, and cannot be edited."""
    read: bool = False

    @property
    def id(self) -> int:
        return int(self.told["message_id"])

    @property
    def number(self) -> int:
        """Its place among the messages of its chat."""
        return int(self.told.get("ephemeral_message_id") or self.id)

    @property
    def thread(self) -> int:
        return int(self.told.get("message_thread_id", 0))


@dataclass(slots=True)
class Draft:
    id: int
    thread: int
    text: str
    entities: list[Object]
    until: datetime
    can_stop: bool
    stays: bool
    """When it is stopped: until it fades, or something is said."""
    rich: Object | None = None
    """A rich message, instead of a text."""


@dataclass(slots=True)
class Topic:
    id: int
    name: str
    closed: bool = False


@dataclass(slots=True)
class Chat:
    id: int
    type: Literal["private", "group", "supergroup", "channel"]
    title: str
    person: Person | None = None
    """Of a private chat."""
    members: dict[int, str] = field(default_factory=dict)
    """Status by id of person or bot."""
    forum: bool = False
    open: bool = True
    """Private: the person has written first, or pressed Start."""
    blocked: bool = False
    migrated_to: int = 0
    said: dict[int, Said] = field(default_factory=dict)
    ephemeral: dict[tuple[int, int], Said] = field(default_factory=dict)
    """By receiver and ephemeral id."""
    topics: dict[int, Topic] = field(default_factory=dict)
    draft: Draft | None = None
    typing: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    """What the bot is seen doing, by thread."""
    keyboard: list[list[Object]] | None = None
    keyboard_once: bool = False
    business: str = ""
    """Its business connection: the bot speaks for the account that has it."""
    _last: int = 0

    def next_id(self) -> int:
        self._last += 1
        return self._last

    def told(self) -> Object:
        if self.person is not None:
            user = self.person.user()
            return {"id": self.id, "type": "private", "first_name": user["first_name"], "username": user["username"]}
        told: Object = {"id": self.id, "type": self.type, "title": self.title}
        return told | ({"is_forum": True} if self.forum else {})

    def messages(self) -> list[Said]:
        """As they came: what one person alone sees is counted with the others."""
        return sorted((*self.said.values(), *self.ephemeral.values()), key=lambda said: said.number)


@dataclass(frozen=True, slots=True)
class File:
    id: str
    path: str
    name: str
    type: str
    size: int
    content: bytes
    link: str = ""
    """Where it lies, when it was given by its address: the sandbox fetches nothing."""
    shape: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Press:
    """A callback query that waits for its answer."""

    id: str
    said: Said
    at: datetime
    answered: bool = False


@dataclass(slots=True)
class Business:
    id: str
    owner: Person
    enabled: bool = True
    rights: Object = field(default_factory=lambda: {"can_reply": True, "can_read_messages": True})
    at: datetime | None = None

    def told(self) -> Object:
        return {
            "id": self.id,
            "user": self.owner.user(),
            "user_chat_id": self.owner.id,
            "date": int(self.at.timestamp()) if self.at else 0,
            "is_enabled": self.enabled,
            "rights": self.rights,
        }


class World:
    """What one bot and the people around it share."""

    def __init__(self, clock: Clock, token: str, *, chance: random.Random, number: int) -> None:
        self.clock, self.token, self.chance = clock, token, chance
        self.bot: Object = {
            "id": int(token.split(":")[0]),
            "is_bot": True,
            "first_name": "Sandbox bot" if number == 0 else f"Sandbox bot {number + 1}",
            "username": "sandbox_bot" if number == 0 else f"sandbox{number + 1}_bot",
        }
        self.reads_groups = False
        """Privacy mode is off."""
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, File] = {}
        self.presses: dict[str, Press] = {}
        self.guests: dict[str, Said] = {}
        self.businesses: dict[str, Business] = {}
        self.business_chats: dict[tuple[str, int], Chat] = {}
        """By connection and customer: apart from the bot's own chats, though they share ids."""
        self.commands: dict[str, list[Object]] = {}
        """By scope and language, as JSON."""
        self.profile: dict[tuple[str, str], str] = {}
        self.albums = 0
        self.toast = ""

    @property
    def bot_id(self) -> int:
        return int(self.bot["id"])

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def person(self, name: str) -> Person:
        person = Person(7001 + len(self.people), name)
        self.people[person.id] = person
        chat = Chat(person.id, "private", name, person=person, open=False)
        self.chats[chat.id] = chat
        return person

    def chat_of(self, chat_id: Any) -> Chat:
        """Raises `Refused` as the platform does for a chat it does not know."""
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise Refused("chat not found")
        return chat

    def sender(self, by: int) -> Object:
        return self.bot if by == self.bot_id else self.people[by].user()

    def said(self, chat: Chat, by: int, what: Mapping[str, Any], *, thread: int = 0, to: int = 0) -> Said:
        """Put a message into a chat."""
        told: Object = {
            "message_id": 0 if to else chat.next_id(),
            "date": self.now(),
            "chat": chat.told(),
            "from": self.sender(by),
        }
        if thread:
            told |= {"message_thread_id": thread, "is_topic_message": True}
        if chat.business:
            told["business_connection_id"] = chat.business
            if by == self.bot_id:
                owner = self.businesses[chat.business].owner
                told |= {"from": owner.user(), "sender_business_bot": self.bot}
        said = Said(told | dict(what), by, to=to)
        if to:
            ephemeral = chat.next_id()
            said.told |= {"ephemeral_message_id": ephemeral, "receiver_user": self.people[to].user()}
            chat.ephemeral[to, ephemeral] = said
        else:
            chat.said[said.id] = said
        return said

    def keep(self, upload: Upload, folder: str) -> File:
        number = len(self.files) + 1
        file_id = f"AgACAgIAAxkBAAI{self.chance.getrandbits(64):016x}{number:04d}"
        suffix = upload.name.rsplit(".", 1)[-1] if "." in upload.name else "bin"
        file = File(
            file_id,
            f"{folder}/file_{number}.{suffix}",
            upload.name,
            upload.type,
            len(upload.content),
            upload.content,
            shape=_shape(upload.content),
        )
        self.files[file_id] = file
        return file

    def linked(self, address: str, folder: str) -> File:
        """A file given by its address: kept as that."""
        file = self.keep(Upload(address.rsplit("/", 1)[-1] or "file", "application/octet-stream", b""), folder)
        self.files[file.id] = file = File(
            file.id, file.path, file.name, file.type, 0, b"", link=address, shape=(640, 480)
        )
        return file

    def member(self, chat: Chat, who: int) -> Object:
        """A ChatMember."""
        status = chat.members.get(who, "left")
        told: Object = {"status": status, "user": self.sender(who)}
        if status == "kicked":
            told["until_date"] = 0
        elif status == "administrator":
            rights = (
                "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
                "can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories "
                "can_edit_stories can_delete_stories can_send_welcome_messages"
            )
            told |= {right: right in ("can_manage_chat", "can_delete_messages") for right in rights.split()}
        return told


def _shape(content: bytes) -> tuple[int, int]:
    """Width and height of a picture; (0, 0): it is none."""
    from io import BytesIO

    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0, 0


def media_told(kind: str, file: File, *, duration: int = 0) -> Any:
    """The object of a file in a message of that kind."""
    told: Object = {"file_id": file.id, "file_unique_id": file.id[-12:], "file_size": file.size}
    width, height = file.shape if file.shape != (0, 0) else (640, 480)
    match kind:
        case "photo":
            small = {**told, "file_id": file.id + "s", "file_unique_id": file.id[-12:] + "s", "file_size": file.size}
            return [
                {**small, "width": min(width, 90), "height": min(height, 90)},
                {**told, "width": width, "height": height},
            ]
        case "voice":
            return told | {"duration": duration, "mime_type": file.type}
        case "audio":
            return told | {"duration": duration, "mime_type": file.type, "file_name": file.name}
        case "video" | "animation":
            shape = {"width": width, "height": height, "duration": duration}
            return told | shape | {"mime_type": file.type, "file_name": file.name}
        case "video_note":
            return told | {"length": 240, "duration": duration}
        case "sticker":
            flags = {"is_animated": False, "is_video": False}
            return told | flags | {"type": "regular", "width": 512, "height": 512, "emoji": "🙂"}
        case _:
            return told | {"file_name": file.name, "mime_type": file.type}
