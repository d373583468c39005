"""What outlives a process: where the gateway was left, what was heard last in each channel, how often we logged in."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Session(Struct, frozen=True):
    """A login at the gateway that can be resumed."""

    id: str
    address: str
    sequence: int
    """The last event that is committed."""


class Mark(Struct, frozen=True, omit_defaults=True):
    """What is known of one channel we are in conversation in."""

    message: str
    """The last that was heard there."""
    by: str = ""
    guild: str = ""
    """Empty: a direct conversation."""


class Kept(Struct, frozen=True, omit_defaults=True):
    session: Session | None = None
    behind: bool = False
    """What was said before this session is still to be read from the channels' history."""
    marks: dict[str, Mark] = {}
    parents: dict[str, str] = {}
    """Threads: id to that of the channel they are in."""
    ours: tuple[str, ...] = ()
    room: dict[str, int] = {}
    """Bytes of one file, by channel of a boosted server: a session that is resumed does not tell again."""


class Waiting(Struct, frozen=True, omit_defaults=True):
    """A command whose person sees that we are thinking: the next message takes that place."""

    chat: str
    thread: str
    application: str
    token: str
    until: datetime
    key: str = ""
    """The piece that took it; empty: none yet."""


class Logins(Struct, frozen=True):
    of: str
    """Digest of the token and of where it logs in."""
    at: tuple[datetime, ...] = ()
