"""How the program stops, where uvicorn by itself would stop badly: by a signal, and when a customer has just left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

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
    def shutdown(self) -> None:
        """Who has said goodbye and takes nothing any more is no longer told anything: uvicorn's own would raise."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().shutdown()
