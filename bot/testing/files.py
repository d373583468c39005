"""Files in memory, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.errors import FileGone, TooLarge
from bot.files import digest_of, pieces_of
from bot.mime import HEAD, type_of
from bot.ports import KEPT, Kept


@dataclass(slots=True)
class MemoryFiles:
    """Implements `FileStore`."""

    kept: dict[str, bytes] = field(default_factory=dict, repr=False)
    """By digest."""
    sources: dict[str, str] = field(default_factory=dict)

    async def keep(self, pieces: AsyncIterator[bytes], *, most: int, name: str = "") -> Kept:
        content = b""
        async for piece in pieces:
            content += piece
            if len(content) > most:
                raise TooLarge(f"a file of more than {most} bytes", most=most)
        digest = hashlib.sha256(content).hexdigest()
        self.kept[digest] = content
        return Kept(f"{KEPT}{digest}", type_of(content[:HEAD], name), len(content))

    async def look(self, ref: str, *, name: str = "") -> Kept:
        content = self._found(ref)
        return Kept(ref, type_of(content[:HEAD], name), len(content))

    async def open(self, ref: str, *, start: int = 0) -> AsyncIterator[bytes]:
        async for piece in pieces_of(self._found(ref)[start:]):
            yield piece

    async def remember(self, source: str, ref: str) -> None:
        self.sources[source] = ref

    async def remembered(self, source: str) -> str | None:
        return self.sources.get(source)

    def _found(self, ref: str) -> bytes:
        content = self.kept.get(digest_of(ref))
        if content is None:
            raise FileGone(f"file {ref!r} is not there any more")
        return content
