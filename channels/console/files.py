"""Files of a conversation, for agents: found by the event that names them, never by an address that a browser gives."""

from __future__ import annotations

from fastapi import Response
from starlette.responses import StreamingResponse

from bot.download import body, download
from bot.errors import FileGone, TooLarge, Unreachable
from bot.fetcher import Fetcher
from bot.model import Conversation, Echoed, Edited, Media, Said
from bot.ports import FileStore, Kept, Store
from bot.units import Log
from channels.console.problems import Denied


class ConversationFiles:
    def __init__(self, store: Store, files: FileStore, fetcher: Fetcher) -> None:
        self._store, self._files, self._fetcher = store, files, fetcher

    async def show(self, conversation: Conversation, seq: int, index: int, *, range: str) -> Response:
        """The file of one part of what was said. Raises `Denied`, `StoreDown`."""
        media = await self._media(conversation, seq, index)
        kept = await self._brought(conversation, media)
        told = download(kept, media.name, range=range)
        return StreamingResponse(body(self._files, kept, told), told.status, told.headers)

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
            most = f"{error.most // 1024 // 1024} MB"
            raise Denied(413, "invalid", f"This file is too large to be shown here: {most} at most.") from error
        except FileGone as error:
            raise Denied(404, "not_found", "This file can no longer be had.") from error
        except Unreachable as error:
            text = "The platform does not give this file now. Try again in a moment."
            raise Denied(503, "unavailable", text, wait=5.0) from error
