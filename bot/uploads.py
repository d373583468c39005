"""Files that people send us from a browser: what they are is told by their bytes, and only what is listed is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.errors import WrongKind
from bot.mime import HEAD, allowed, clean_name, kind_of, type_of
from bot.model import Media
from bot.ports import FileStore

MOST_UPLOAD = 20 * 1024 * 1024
"""Bytes."""


async def take(files: FileStore, pieces: AsyncIterator[bytes], *, name: str, most: int = MOST_UPLOAD) -> Media:
    """Keep what comes and make a part of it.

    Raises `WrongKind` with the first bytes of what is not taken, `TooLarge`, `StoreDown`, and what `pieces` raises.
    """
    kept = await files.keep(_allowed(pieces, name), most=most, name=name)
    return Media(kind_of(kept.type), kept.ref, clean_name(name, kept.type), kept.type, kept.size)


async def _allowed(pieces: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """Nothing passes before its kind is known."""
    head, is_known = b"", False
    async for piece in pieces:
        if is_known:
            yield piece
            continue
        head += piece
        if len(head) >= HEAD:
            _refuse_wrong(head, name)
            is_known = True
            yield head
    if not is_known:
        _refuse_wrong(head, name)
        yield head


def _refuse_wrong(head: bytes, name: str) -> None:
    type = type_of(head[:HEAD], name)
    if not allowed(type, name):
        raise WrongKind(f"{name[:100]!r} is {type} by its first bytes, and is not taken")
