"""Where things are said: Slack's ids as addresses, and addresses within what we show. Pure."""

from __future__ import annotations

from bot.model import Address
from channels.slack import wire
from channels.slack.heard import Unreadable


def place(address: str) -> tuple[str, str]:
    """(workspace, channel) of an address's `chat`; a channel alone belongs to the only workspace."""
    team, _, channel = address.rpartition("/")
    return team, channel


def is_channel(chat: str) -> bool:
    """False: a person's own id, which Slack takes for the direct messages with them."""
    return not place(chat)[1].startswith(("U", "W"))


def thread_of(message: wire.Spoken, direct: bool) -> str:
    """Direct messages are one conversation, but for threads in them; in a channel every thread is one."""
    return message.thread_ts or ("" if direct else message.ts)


def block_id(to: Address, key: str, n: int) -> str:
    """Says where the block is shown, and differs from all others of its message."""
    return f"{to.chat}|{to.thread}|{key[-40:]}.{n}"


def form_id(to: Address) -> str:
    return f"{to.chat}|{to.thread}"


def block_place(id: str, account: str) -> Address | None:
    chat, *rest = id.split("|")
    return Address("slack", account, chat, rest[0]) if "/" in chat and len(rest) == 2 else None


def form_place(id: str, account: str) -> Address:
    chat, bar, thread = id.partition("|")
    if not bar or "/" not in chat:
        raise Unreadable("it is no form of ours")
    return Address("slack", account, chat, thread)
