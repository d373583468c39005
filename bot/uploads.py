"""Files that people send us from a browser: what they are is told by their bytes, and only what is listed is kept.

Pictures are kept as they look, without what their camera wrote into them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO

from bot.errors import TooLarge, WrongKind
from bot.files import PIECE, pieces_of
from bot.mime import HEAD, allowed, clean_name, kind_of, type_of
from bot.model import Media
from bot.pictures import FORMATS, anew
from bot.ports import FileStore

MOST_UPLOAD = 20 * 1024 * 1024
"""Bytes."""
_AT_ONCE = 2
"""Pictures that are decoded: a large one takes more than 100 MB."""
_LONGER = 4
"""A picture that was made small with much patience is written anew with less."""


class Uploads:
    def __init__(self, files: FileStore) -> None:
        self._files, self._decoding = files, asyncio.Semaphore(_AT_ONCE)

    async def take(self, pieces: AsyncIterator[bytes], *, name: str, most: int = MOST_UPLOAD) -> Media:
        """Keep what comes and make a part of it.

        Raises `WrongKind` with the first bytes of what is not taken, `TooLarge`, `StoreDown`, and what `pieces` raises.
        """
        head = b""
        async for piece in pieces:
            head += piece
            if len(head) >= HEAD:
                break
        type = type_of(head[:HEAD], name)
        if not allowed(type, name):
            raise WrongKind(f"{name[:100]!r} is {type} by its first bytes, and is not taken")
        whole = _joined(head, pieces)
        if type in FORMATS:
            whole, most = await self._picture(whole, type, most), most * _LONGER
        kept = await self._files.keep(whole, most=most, name=name)
        return Media(kind_of(kept.type), kept.ref, clean_name(name, kept.type), kept.type, kept.size)

    async def _picture(self, pieces: AsyncIterator[bytes], type: str, most: int) -> AsyncIterator[bytes]:
        spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed here, or by whoever reads it to its end
        size = 0
        try:
            async for piece in pieces:
                size += len(piece)
                if size > most:
                    raise TooLarge(f"a file of more than {most} bytes", most=most)
                await asyncio.to_thread(spool.write, piece)
            spool.seek(0)
            async with self._decoding:
                content = await asyncio.to_thread(anew, spool, type)
        except BaseException:
            spool.close()
            raise
        if content is None:
            return _read(spool)
        spool.close()
        return pieces_of(content)


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece


async def _read(spool: BinaryIO) -> AsyncIterator[bytes]:
    with spool:
        spool.seek(0)
        while piece := await asyncio.to_thread(spool.read, PIECE):
            yield piece
