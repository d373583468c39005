"""Who customers are on several channels: codes that prove it, asked for in one and typed in the other; their time."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.model import ContactId
from bot.ports import Clock, Random, Store
from bot.units import Identities, IssueLink, Linked, PutIdentity, RedeemLink

LASTS = timedelta(minutes=10)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""None that is taken for another when it is read aloud."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")
_CODE = re.compile(f"([{_LETTERS}]{{4}})[ -]?([{_LETTERS}]{{4}})")


def code_in(words: str) -> str:
    """The code, if that is all the words are; else empty."""
    found = _CODE.fullmatch(words.strip().upper())
    return f"{found[1]}-{found[2]}" if found else ""


class Codes:
    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store, self._clock, self._random = store, clock, random

    async def issue(self, contact: ContactId) -> str:
        """A new one, for ten minutes and one use; only its hash is kept."""
        drawn = hashlib.blake2b(self._random.token().encode(), digest_size=8).digest()
        letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn)
        code, at = f"{letters[:4]}-{letters[4:]}", self._clock.now()
        await self._store.write(IssueLink(digest=_digest(code), contact=contact, at=at, until=at + LASTS))
        return code

    async def redeem(self, code: str, channel: str, external: str) -> Linked:
        unit = RedeemLink(digest=_digest(code), channel=channel, external=external, at=self._clock.now())
        return await self._store.write(unit)


def _digest(code: str) -> bytes:
    return hashlib.blake2b(code.encode(), digest_size=32, person=b"frontdesk link").digest()


class Zones:
    """In which time zone people are, as their channels tell: kept with their identities, known again from there.

    Another process that is told something new is noticed here after a restart: people seldom travel.
    """

    def __init__(self, store: Store, most: int = 10_000) -> None:
        self._store, self._most = store, most
        self._told: OrderedDict[tuple[str, str], str] = OrderedDict()
        """By channel and external id."""
        self._known: OrderedDict[tuple[ContactId, str], str] = OrderedDict()
        """By contact and channel."""

    async def told(self, channel: str, external: str, zone: str, *, begins: ContactId | None) -> None:
        """`begins`: contact of an identity that is new and stored with it. Raises `StoreDown`: it is told again."""
        who = channel, external
        if self._told.get(who) == zone:
            return
        if begins:
            self._know((begins, channel), zone)
        else:
            await self._store.write(PutIdentity(channel=channel, external=external, zone=zone))
            self._known.clear()
        self._told[who] = zone
        while len(self._told) > self._most:
            self._told.popitem(last=False)

    async def of(self, contact: ContactId, channel: str) -> str:
        """On this channel if it is known there, else on another; empty: nobody knows."""
        who = contact, channel
        if who not in self._known:
            found = await self._store.read(Identities(contact))
            told = sorted((each.channel != channel, each.zone) for each in found if each.zone)
            self._know(who, told[0][1] if told else "")
        return self._known[who]

    def _know(self, who: tuple[ContactId, str], zone: str) -> None:
        self._known[who] = zone
        while len(self._known) > self._most:
            self._known.popitem(last=False)


@lru_cache(maxsize=1_000)
def zone_named(name: str) -> str:
    """The name as it is, if there is such a time zone; else empty."""
    try:
        return ZoneInfo(name).key if _ZONE.fullmatch(name) else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
