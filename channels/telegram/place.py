"""Where something is said on Telegram, and the `Address` that stands for it. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.model import Address

PRIVATELY = "private"
"""How the reference of a message begins that one person of a group alone sees; who, and its number, follow."""


class Place(Struct, frozen=True):
    chat: int
    topic: int = 0
    member: int = 0
    """In a group without topics: whose conversation it is."""
    direct: int = 0
    """Topic of a channel's direct messages."""
    business: str = ""
    """Connection of the business account that is spoken for."""
    guest: str = ""
    """The query that is to be answered, in a chat the bot is no member of."""

    @property
    def is_private(self) -> bool:
        return self.chat > 0 and not self.guest

    def address(self, account: str) -> Address:
        if self.topic:
            thread = str(self.topic)
        elif self.member:
            thread = f"member {self.member}"
        elif self.direct:
            thread = f"direct {self.direct}"
        elif self.business:
            thread = f"business {self.business}"
        else:
            thread = f"guest {self.guest}" if self.guest else ""
        return Address("telegram", account, str(self.chat), thread)

    def arguments(self) -> dict[str, Any]:
        """What every method is told of it."""
        told: dict[str, Any] = {"chat_id": self.chat}
        if self.topic:
            told["message_thread_id"] = self.topic
        if self.direct:
            told["direct_messages_topic_id"] = self.direct
        if self.business:
            told["business_connection_id"] = self.business
        return told


def place_of(to: Address) -> Place:
    """Raises `ValueError` for an address that this channel has not made."""
    chat, (kind, _, which) = int(to.chat), to.thread.partition(" ")
    match kind:
        case "":
            return Place(chat)
        case "member":
            return Place(chat, member=int(which))
        case "direct":
            return Place(chat, direct=int(which))
        case "business":
            return Place(chat, business=which)
        case "guest":
            return Place(chat, guest=which)
        case _:
            return Place(chat, topic=int(kind))
