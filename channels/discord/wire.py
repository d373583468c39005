"""The events and interactions we read, as Discord writes them: typed, and whatever else they hold left alone."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

Id = str
"""A snowflake."""

HEARD = frozenset(
    (
        *("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"),
        *("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "INTERACTION_CREATE"),
    )
)
PLACES = frozenset(
    ("GUILD_CREATE", "THREAD_CREATE", "THREAD_UPDATE", "THREAD_LIST_SYNC", "THREAD_DELETE", "CHANNEL_DELETE")
)
"""Where things are: read for the parents of threads."""
_PREFIXES = ("GUILD_", "CHANNEL_", "THREAD_", "AUTO_MODERATION_", "STAGE_", "VOICE_", "INTEGRATION_", "ENTITLEMENT_")
_OTHERS = frozenset(
    (
        *("READY", "RESUMED", "PRESENCE_UPDATE", "TYPING_START", "USER_UPDATE", "INVITE_CREATE", "INVITE_DELETE"),
        *("MESSAGE_REACTION_REMOVE_ALL", "MESSAGE_REACTION_REMOVE_EMOJI", "WEBHOOKS_UPDATE"),
        *("MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE", "APPLICATION_COMMAND_PERMISSIONS_UPDATE"),
        *("SUBSCRIPTION_CREATE", "SUBSCRIPTION_UPDATE", "SUBSCRIPTION_DELETE", "RATE_LIMITED"),
    )
)


def is_documented(event: str) -> bool:
    return event in HEARD or event in _OTHERS or event.startswith(_PREFIXES)


class Frame(Struct):
    """What comes over the gateway."""

    op: int
    t: str | None = None
    s: int | None = None
    d: msgspec.Raw = msgspec.Raw(b"null")


class User(Struct):
    id: Id
    username: str = ""
    global_name: str | None = None
    bot: bool = False

    @property
    def shown(self) -> str:
        return self.global_name or self.username


class Member(Struct):
    nick: str | None = None
    user: User | None = None


class Attachment(Struct):
    id: Id
    url: str
    filename: str = ""
    description: str | None = None
    content_type: str | None = None
    size: int = 0
    duration_secs: float | None = None


class Sticker(Struct):
    id: Id
    name: str = ""


class Reference(Struct):
    type: int = 0
    message_id: Id | None = None
    channel_id: Id | None = None


class Embed(Struct):
    title: str | None = None
    description: str | None = None


class Snapshot(Struct):
    content: str = ""
    attachments: list[Attachment] = []
    sticker_items: list[Sticker] = []
    embeds: list[Embed] = []


class Forwarded(Struct):
    message: Snapshot


class Replied(Struct):
    author: User | None = None


class MessageEvent(Struct):
    id: Id
    channel_id: Id
    author: User
    guild_id: Id | None = None
    member: Member | None = None
    type: int = 0
    content: str = ""
    timestamp: str = ""
    edited_timestamp: str | None = None
    webhook_id: Id | None = None
    flags: int = 0
    mentions: list[User] = []
    mention_roles: list[Id] = []
    attachments: list[Attachment] = []
    sticker_items: list[Sticker] = []
    message_reference: Reference | None = None
    message_snapshots: list[Forwarded] = []
    referenced_message: Replied | None = None


class DeletedEvent(Struct):
    id: Id
    channel_id: Id
    guild_id: Id | None = None


class SweptEvent(Struct):
    """Several messages of one channel, deleted at once."""

    ids: list[Id]
    channel_id: Id
    guild_id: Id | None = None


class Emoji(Struct):
    id: Id | None = None
    name: str | None = None


class ReactionEvent(Struct):
    user_id: Id
    channel_id: Id
    message_id: Id
    emoji: Emoji
    guild_id: Id | None = None
    member: Member | None = None
    message_author_id: Id | None = None


class Pressable(Struct):
    """The message a press came from: what it shows comes back, used up."""

    id: Id
    flags: int = 0
    components: list[dict[str, Any]] = []


class Place(Struct):
    id: Id
    type: int = 0
    parent_id: Id | None = None
    owner_id: Id | None = None


class InteractionEvent(Struct):
    id: Id
    type: int
    token: str
    application_id: Id = ""
    data: dict[str, Any] = {}
    channel_id: Id | None = None
    channel: Place | None = None
    guild_id: Id | None = None
    member: Member | None = None
    user: User | None = None
    message: Pressable | None = None
    locale: str = ""

    @property
    def by(self) -> User | None:
        return self.user or (self.member.user if self.member else None)


class GuildEvent(Struct):
    threads: list[Place] = []
    channels: list[Place] = []
    premium_tier: int = 0


frame_of = msgspec.json.Decoder(Frame).decode
message_of = msgspec.json.Decoder(MessageEvent).decode
deleted_of = msgspec.json.Decoder(DeletedEvent).decode
swept_of = msgspec.json.Decoder(SweptEvent).decode
reaction_of = msgspec.json.Decoder(ReactionEvent).decode
interaction_of = msgspec.json.Decoder(InteractionEvent).decode


class SyncedEvent(Struct):
    """What came into sight of one server."""

    threads: list[Place] = []


synced_of = msgspec.json.Decoder(SyncedEvent).decode
guild_of = msgspec.json.Decoder(GuildEvent).decode
place_of = msgspec.json.Decoder(Place).decode
