"""Files in the chat: what customers send, and what is shown to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.types import Receive, Scope, Send

from bot.download import body, download
from bot.errors import FileGone, StoreDown, TooLarge, WrongKind
from channels.web.addresses import STEP
from channels.web.calls import Call, answer, query, respond
from channels.web.door import Door
from channels.web.frames import Ack, RefusedFrame
from channels.web.intake import is_id
from channels.web.limits import address_of
from channels.web.origins import header
from channels.web.refusals import refused, unavailable
from channels.web.tokens import Visitor

_STALLED_SECONDS = 30.0
_LONGEST_NAME = 255


class ServeFile:
    """`GET /api/widget/files/{signed}/{name}`. An ASGI application."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _tell(send, 405, "This address is for reading.")
            return
        if self._door.downloads.take(address_of(scope)):
            await _tell(send, 429, "Too much at once. Wait a moment.")
            return
        given = scope["path_params"]
        ref = self._door.addresses.ref(given["signed"], given["name"])
        if ref is None:
            await _tell(send, 403, "This address has ended. Open the chat again, and the file from there.")
            return
        has_begun = False
        try:
            kept = await self._door.files.look(ref, name=given["name"])
            told = download(kept, given["name"], range=header(scope, b"range") or "")
            headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.headers.items()]
            has_begun = True
            await send({"type": "http.response.start", "status": told.status, "headers": [*headers, *_OPEN]})
            if scope["method"] == "GET":
                async for piece in body(self._door.files, kept, told):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (FileGone, StoreDown) as error:
            if has_begun:
                raise
            if isinstance(error, FileGone):
                await _tell(send, 404, "This file can no longer be had.")
            else:
                await _tell(send, 503, "This file cannot be had right now. Try again in a moment.")
        except OSError:
            return  # The other side is gone.


_OPEN = [
    (b"cache-control", f"private, max-age={STEP}".encode()),
    (b"cross-origin-resource-policy", b"cross-origin"),  # the chat stands on other sites' pages
    (b"referrer-policy", b"no-referrer"),
]


async def _tell(send: Send, status: int, words: str) -> None:
    await respond(send, status, words.encode(), [(b"content-type", b"text/plain; charset=utf-8")])


class TakeFile(Call):
    """`POST /api/widget/files?conversation=&id=&name=`: the file as the body. It is said; a repeat changes nothing."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, send, await self._take(scope, receive))

    async def _take(self, scope: Scope, receive: Receive) -> Ack | RefusedFrame:
        door, visitor = self._door, self.visitor(scope)
        if visitor is None:
            return refused("token")
        thread, id = query(scope, "conversation"), query(scope, "id")
        if not thread or not door.history.is_thread(thread):
            return refused("unknown_conversation", id=id)
        if not is_id(id):
            return refused("bad_frame", "Every message needs a UUID as its id.")
        length, most = header(scope, b"content-length") or "", door.limits.file_bytes
        if length.isdigit() and (len(length) > 18 or int(length) > most):
            return _too_large(id, most)
        if wait := door.uploads.take(visitor.identity) or door.uploads_of_address.take(address_of(scope)):
            return refused("rate", id=id, wait=round(wait + 0.05, 1))
        if not door.uploading.enter(visitor.identity):
            return refused("rate", id=id, wait=5.0)
        try:
            return await self._keep(receive, visitor, thread, id, query(scope, "name"), address_of(scope))
        except TooLarge:
            return _too_large(id, most)
        except WrongKind:
            return refused("wrong_kind", id=id)
        except (TimeoutError, ConnectionError):
            return refused("bad_frame", "The upload stopped half-way. Send it again.", id=id)
        except StoreDown:
            return unavailable(id)
        finally:
            door.uploading.leave(visitor.identity)

    async def _keep(
        self, receive: Receive, visitor: Visitor, thread: str, id: str, name: str, address: str
    ) -> Ack | RefusedFrame:
        door = self._door
        media = await door.taker.take(_arriving(receive), name=name[-_LONGEST_NAME:], most=door.limits.file_bytes)
        raw = msgspec.json.encode({"file": media.ref, "name": media.name})
        return await door.take_file(media, id, raw=raw, visitor=visitor, thread=thread, address=address)


async def _arriving(receive: Receive) -> AsyncIterator[bytes]:
    """Raises `ConnectionError` when it breaks off, `TimeoutError` when it stalls."""
    while True:
        async with asyncio.timeout(_STALLED_SECONDS):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _too_large(id: str, most: int) -> RefusedFrame:
    return refused("too_large", f"This file is larger than {most // 1024 // 1024} MB.", id=id)
