"""Passwords of the console's accounts: argon2id, off the event loop, a few at a time."""

from __future__ import annotations

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 4
"""Each takes 64 MiB while it lasts."""


class Passwords:
    """Hashes and checks. `hasher` is given where a test cannot afford the real cost."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password of `hashed`. None, for an unknown account, costs the same and is always False."""
        if hashed is None and not self._nobodys:
            self._nobodys = await self.hash("the password of nobody")
        async with self._room:
            fits = await asyncio.to_thread(self._verify, hashed or self._nobodys, password)
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Hashed with other costs than today's: hash it again while the password is at hand."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    """Equal for the same characters typed on different keyboards; total, whatever a client sends."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
