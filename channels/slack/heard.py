"""What was heard: an arrival, and what the answer to Slack needs beside it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from bot.model import Address
from bot.ports import Arrival

LONG_AGO = datetime.fromtimestamp(0, UTC)


Kind = Literal["event", "press", "form", "closed", "command", "shortcut", "options", "challenge", "alarm", "other"]


class Heard(Struct, frozen=True, kw_only=True):
    """An arrival, and what the answer to Slack needs."""

    arrival: Arrival
    kind: Kind = "other"
    opens: bool = True
    """False: of interest only where we speak already."""
    team: str = ""
    user: str = ""
    trigger: str = ""
    response_url: str = ""
    challenge: str = ""
    block: str = ""
    """Whose options Slack asks for."""
    typed: str = ""
    """What those options are to begin with."""
    outside: str = ""
    """The workspace of a person from outside, whom a shared channel brings in."""
    joins: bool = False
    """A thread that others have written in, and we are called into."""
    links: tuple[str, ...] = ()
    """Addresses that somebody wrote, to be shown with what they lead to."""
    ts: str = ""
    """The message that holds them; of an alarm, since when."""
    what: str = ""
    """The name of the event, for those who look after the account."""


class Unreadable(Exception):
    pass


def instant(ts: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC) if ts else LONG_AGO
    except (ValueError, OverflowError, OSError):
        return LONG_AGO


def digest(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def nothing(raw: bytes, account: str, key: str) -> Arrival:
    to = Address("slack", account, "")
    return Arrival(account=account, key=key, raw=raw, to=to, by="", at=LONG_AGO, bodies=())
