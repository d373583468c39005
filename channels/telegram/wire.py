"""An update as far as it is understood here. Whatever else is in it is left alone; what is here must have its type.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from channels.telegram.entities import Entity, User
from channels.telegram.place import PRIVATELY


class Chat(Struct, frozen=True):
    id: int
    type: str
    title: str = ""


class File(Struct, frozen=True):
    file_id: str
    file_size: int = 0
    file_name: str = ""
    mime_type: str = ""
    emoji: str = ""
    """Of a sticker."""
    width: int = 0
    height: int = 0


class Place(Struct, frozen=True):
    latitude: float
    longitude: float


class Venue(Struct, frozen=True):
    location: Place
    title: str
    address: str = ""


class Card(Struct, frozen=True):
    phone_number: str
    first_name: str
    last_name: str = ""


class PollOption(Struct, frozen=True):
    text: str


class Poll(Struct, frozen=True):
    question: str
    options: list[PollOption] = []


class Dice(Struct, frozen=True):
    emoji: str
    value: int


class Button(Struct, frozen=True):
    text: str = ""
    callback_data: str = ""


class Keyboard(Struct, frozen=True):
    inline_keyboard: list[list[Button]] = []


class Origin(Struct, frozen=True):
    """Who said first what was forwarded."""

    sender_user: User | None = None
    sender_user_name: str = ""
    sender_chat: Chat | None = None
    chat: Chat | None = None

    @property
    def name(self) -> str:
        if self.sender_user is not None:
            return full_name(self.sender_user)
        chat = self.sender_chat or self.chat
        return self.sender_user_name or (chat.title if chat else "")


class Quote(Struct, frozen=True):
    text: str


class DirectTopic(Struct, frozen=True):
    topic_id: int


class Answered(Struct, frozen=True):
    """The message that one answers."""

    message_id: int = 0
    from_: User | None = field(default=None, name="from")
    text: str = ""
    caption: str = ""
    forum_topic_created: dict[str, Any] | None = None

    @property
    def by(self) -> int:
        return self.from_.id if self.from_ is not None else 0


class Message(Struct, frozen=True):
    message_id: int
    date: int
    chat: Chat
    from_: User | None = field(default=None, name="from")
    sender_chat: Chat | None = None
    sender_business_bot: User | None = None
    business_connection_id: str = ""
    guest_query_id: str = ""
    message_thread_id: int = 0
    is_topic_message: bool = False
    direct_messages_topic: DirectTopic | None = None
    edit_date: int = 0
    media_group_id: str = ""
    via_bot: User | None = None
    forward_origin: Origin | None = None
    reply_to_message: Answered | None = None
    forum_topic_closed: dict[str, Any] | None = None
    quote: Quote | None = None
    text: str = ""
    entities: list[Entity] = []
    caption: str = ""
    caption_entities: list[Entity] = []
    photo: list[File] = []
    document: File | None = None
    audio: File | None = None
    voice: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    sticker: File | None = None
    location: Place | None = None
    venue: Venue | None = None
    contact: Card | None = None
    poll: Poll | None = None
    dice: Dice | None = None
    reply_markup: Keyboard | None = None
    migrate_to_chat_id: int = 0
    ephemeral_message_id: int = 0
    """Of what one person of a group alone sees; its `message_id` means nothing."""
    receiver_user: User | None = None

    @property
    def ref(self) -> str:
        if self.ephemeral_message_id and self.receiver_user is not None:
            return f"{PRIVATELY} {self.receiver_user.id} {self.ephemeral_message_id}"
        return str(self.message_id)


class Query(Struct, frozen=True):
    """A press."""

    id: str
    from_: User = field(name="from")
    message: Message | None = None
    data: str = ""


class Emoji(Struct, frozen=True):
    type: str
    emoji: str = ""


class Reaction(Struct, frozen=True):
    chat: Chat
    message_id: int
    date: int
    old_reaction: list[Emoji]
    new_reaction: list[Emoji]
    user: User | None = None


class Member(Struct, frozen=True):
    status: str


class MemberChanged(Struct, frozen=True):
    chat: Chat
    date: int
    new_chat_member: Member
    from_: User = field(name="from")


class Connection(Struct, frozen=True):
    id: str
    user: User
    date: int
    is_enabled: bool
    rights: dict[str, Any] | None = None


class Gone(Struct, frozen=True):
    business_connection_id: str
    chat: Chat
    message_ids: list[int]


class Stopped(Struct, frozen=True):
    """Somebody wants no more of a draft."""

    chat: Chat
    draft_id: int
    message_thread_id: int = 0


class Update(Struct, frozen=True):
    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    business_message: Message | None = None
    edited_business_message: Message | None = None
    guest_message: Message | None = None
    callback_query: Query | None = None
    message_reaction: Reaction | None = None
    my_chat_member: MemberChanged | None = None
    business_connection: Connection | None = None
    deleted_business_messages: Gone | None = None
    stopped_message_generation: Stopped | None = None


UNDERSTOOD = tuple(name for name in Update.__struct_fields__ if name != "update_id")
"""Kinds of updates to ask Telegram for."""

OF_NO_INTEREST = frozenset(
    (
        *("channel_post", "edited_channel_post", "message_reaction_count", "inline_query", "chosen_inline_result"),
        *("shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "chat_member"),
        *("chat_join_request", "chat_boost", "removed_chat_boost", "managed_bot", "subscription"),
    )
)
"""Kinds that nobody asked for, and that may come all the same."""


def full_name(user: User) -> str:
    return f"{user.first_name} {user.last_name}".strip()
