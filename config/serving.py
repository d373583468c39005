"""Where uvicorn by itself would do badly: it stops by a signal, when a customer has just left, and it waits to send."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import OPEN

from channels.web.socket import WRITE

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def asked_by_signal(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` in the running loop on the first signal; on the second the process is gone at once.

    Nothing is tidied up then: whatever was acknowledged is in the log, so that is as safe as being killed.
    """
    loop = asyncio.get_running_loop()
    was_asked = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal was_asked
        if was_asked:
            os._exit(128 + number)
        was_asked = True
        loop.call_soon_threadsafe(ask)

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """Signals are not its own: it would close every socket at once, and in the end die of the signal it had caught."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Heard:
    """What came in, for one reader: as much of a queue as uvicorn asks for."""

    __slots__ = ("_loop", "_messages", "_reader")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._messages: deque[Any] = deque()
        self._reader: asyncio.Future[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether the reader has all that came, and waits for more."""
        return self._reader is not None and not self._reader.done()

    def empty(self) -> bool:
        return not self._messages

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        if not self._messages:
            self._reader = self._loop.create_future()
            await self._reader
        return self._messages.popleft()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Hands messages over with less ado than uvicorn's own, in both directions."""

    queue: Heard  # type: ignore[assignment]  # it stands in for uvicorn's

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.queue = Heard(self.loop)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {**self.scope["extensions"], WRITE: {"write": self.write}}

    def send_receive_event_to_app(self) -> None:
        """Whoever waits has the message at once, and reading goes on: uvicorn would stop it until it is taken."""
        spared = self.queue.is_awaited and not self.read_paused
        if spared:
            self.read_paused = True
        super().send_receive_event_to_app()
        if spared:
            self.read_paused = False

    def write(self, text: bytes) -> bool:
        """Send a message without waiting. False: the other side does not keep up or is gone, and `send` knows which."""
        if not self.writable.is_set() or self.transport.is_closing() or self.conn.state is not OPEN:
            return False
        self.transport.write(_framed(text))
        return True

    def shutdown(self) -> None:
        """Who has said goodbye and takes nothing any more is no longer told anything: uvicorn's own would raise."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().shutdown()


def _framed(text: bytes) -> bytes:
    """A whole message of a server, as RFC 6455 5.2 has it."""
    size = len(text)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + text
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + text
    return struct.pack("!BBQ", 0x81, 127, size) + text
