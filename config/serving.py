"""Where uvicorn by itself would do badly: it stops by a signal, when a customer has just left, and it waits to send."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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


class SocketProtocol(WebSocketsSansIOProtocol):
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {**self.scope["extensions"], WRITE: {"write": self.write}}

    def write(self, text: bytes) -> bool:
        """Send a message without waiting. False: the other side does not keep up or is gone, and `send` knows which."""
        if not self.writable.is_set() or self.transport.is_closing() or self.conn.state is not OPEN:
            return False
        self.conn.send_text(text)
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def shutdown(self) -> None:
        """Who has said goodbye and takes nothing any more is no longer told anything: uvicorn's own would raise."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().shutdown()
