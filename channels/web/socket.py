"""The WebSocket carrier: `/ws/widget`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import Receive, Scope, Send

from channels.web.audience import encode
from channels.web.door import Door
from channels.web.frames import RefusedFrame
from channels.web.limits import address_of
from channels.web.line import SILENT_AFTER, Line, Queued, Write
from channels.web.origins import is_admitted
from channels.web.refusals import refused, unavailable

WRITE = "frontdesk.write"
"""An extension of ours to ASGI's WebSocket: `write(text)` sends a message, or says that this would have to wait."""
_GOODBYE_SECONDS = 1.0
"""How long a connection that we end may take to let our goodbye through."""


class Socket:
    """An ASGI application; one call is one connection."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # `websocket.connect`
        if not is_admitted(scope, self._door.origins):
            await _turn_away(scope, send)
            return
        if not self._door.admits:
            await _send_away(send, unavailable(), 1012)
            return
        address = address_of(scope)
        if not self._door.connections.enter(address):
            full = refused("rate", "Too many chats are open from here.", wait=SILENT_AFTER)
            await _send_away(send, full, 1013)
            return
        try:
            await self._serve(address, receive, send, _writing(scope))
        finally:
            self._door.connections.leave(address)

    async def _serve(self, address: str, receive: Receive, send: Send, write: Write | None) -> None:
        line = Line(self._door, send, _text, address=address, watched=True, write=write)
        try:
            await send({"type": "websocket.accept"})
            await line.start()
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not await line.take(message.get("text")):
                    break
        except OSError:
            return  # The other side is gone.
        except asyncio.CancelledError:
            if not line.cut_with or not forgive():
                raise
        finally:
            await line.end()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await send({"type": "websocket.close", "code": line.cut_with or 1000})
        except (OSError, TimeoutError):
            pass


def forgive() -> bool:
    """Whether the cancellation just caught was ours alone: then the task goes on."""
    task = asyncio.current_task()
    return task is not None and not task.uncancel()


def _text(queued: Queued) -> MutableMapping[str, Any]:
    return {"type": "websocket.send", "text": _listed(queued).decode()}


def _listed(queued: Queued) -> bytes:
    return b"[%b]" % b",".join([frame for frame, _ in queued])


def _writing(scope: Scope) -> Write | None:
    """A server may take a text without being waited for: then most of what we tell needs no task."""
    extension = scope.get("extensions", {}).get(WRITE)
    if extension is None:
        return None
    write: Callable[[bytes], bool] = extension["write"]
    return lambda queued: write(_listed(queued))


async def _send_away(send: Send, why: RefusedFrame, code: int) -> None:
    """A browser hides the status of a refused handshake; a frame it can read."""
    await send({"type": "websocket.accept"})
    await send(_text([(encode(why), 0)]))
    await send({"type": "websocket.close", "code": code})


async def _turn_away(scope: Scope, send: Send) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = encode(refused("origin"))
    headers = [(b"content-type", b"application/problem+json"), (b"vary", b"Origin")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
