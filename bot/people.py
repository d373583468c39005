"""Codes by which a customer proves to be the same person on two channels: asked for in one, typed in the other."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from bot.model import ContactId
from bot.ports import Clock, Random, Store
from bot.units import IssueLink, Linked, RedeemLink

LASTS = timedelta(minutes=10)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""None that is taken for another when it is read aloud."""
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
