"""Files of a conversation, for agents: found by the event that names them, never by an address that a browser gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from bot.download import body, download
from bot.errors import FileGone, TooLarge, Unreachable, WrongKind
from bot.fetcher import Fetcher
from bot.mime import allowed, clean_name, kind_of
from bot.model import Conversation, Echoed, Edited, Media, Said
from bot.ports import FileStore, Kept, Store
from bot.units import Log
from bot.uploads import MOST_UPLOAD, Uploads
from channels.console.bodies import ConsoleFile
from channels.console.frames import Uploaded
from channels.console.problems import Denied

_STALLED_SECONDS = 30.0


class ConversationFiles:
    def __init__(self, store: Store, files: FileStore, fetcher: Fetcher) -> None:
        self._store, self._files, self._fetcher = store, files, fetcher
        self._uploads = Uploads(files)

    async def show(self, conversation: Conversation, seq: int, index: int, *, range: str) -> Response:
        """The file of one part of what was said. Raises `Denied`, `StoreDown`."""
        media = await self._media(conversation, seq, index)
        kept = await self._brought(conversation, media)
        told = download(kept, media.name, range=range)
        return StreamingResponse(body(self._files, kept, told), told.status, told.headers)

    async def take(self, request: Request, name: str) -> Uploaded:
        """What an agent is going to send. Raises `Denied`, `StoreDown`."""
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > MOST_UPLOAD:
            raise _too_large(MOST_UPLOAD)
        try:
            media = await self._uploads.take(_arriving(request), name=name)
        except TooLarge as error:
            raise _too_large(MOST_UPLOAD) from error
        except WrongKind as error:
            text = "This kind of file cannot be sent, or its name says another kind than what is in it."
            raise Denied(415, "invalid", text) from error
        except TimeoutError as error:
            raise Denied(408, "invalid", "The upload stopped half-way. Send it again.") from error
        assert media.kind in ("image", "audio", "video", "file")
        return Uploaded(media.ref, media.kind, media.name, media.type, media.size)

    async def attached(self, files: Sequence[ConsoleFile]) -> tuple[Media, ...]:
        """Those that were uploaded before, as parts. Raises `Denied`, `StoreDown`."""
        return tuple([await self._attached(file) for file in files])

    async def _attached(self, file: ConsoleFile) -> Media:
        try:
            kept = await self._files.look(file.ref, name=file.name)
        except FileGone as error:
            raise Denied(422, "invalid", f"{clean_name(file.name)} is not here any more. Attach it again.") from error
        if not allowed(kept.type, file.name):
            raise Denied(422, "invalid", f"{clean_name(file.name)} is not what its name says. Attach it again.")
        return Media(kind_of(kept.type), kept.ref, clean_name(file.name, kept.type), kept.type, kept.size)

    async def _media(self, conversation: Conversation, seq: int, index: int) -> Media:
        for event in await self._store.read(Log(conversation=conversation.id, after=seq - 1, before=seq + 1, most=1)):
            parts = event.body.message.parts if isinstance(event.body, Said | Edited | Echoed) else ()
            if index < len(parts) and isinstance(part := parts[index], Media):
                return part
        raise Denied(404, "not_found", "There is no such file in this conversation.")

    async def _brought(self, conversation: Conversation, media: Media) -> Kept:
        try:
            return await self._fetcher.bring(conversation.address, media)
        except TooLarge as error:
            raise _too_large(error.most) from error
        except FileGone as error:
            raise Denied(404, "not_found", "This file can no longer be had.") from error
        except Unreachable as error:
            text = "The platform does not give this file now. Try again in a moment."
            raise Denied(503, "unavailable", text, wait=5.0) from error


async def _arriving(request: Request) -> AsyncIterator[bytes]:
    """Whoever stops half-way does not keep us for ever."""
    pieces = request.stream()
    while True:
        async with asyncio.timeout(_STALLED_SECONDS):
            piece = await anext(pieces, None)
        if piece is None:
            return
        yield piece


def _too_large(most: int) -> Denied:
    return Denied(413, "invalid", f"This file is too large: {most // 1024 // 1024} MB at most.")
