"""A load generator: many WebSocket clients of one address in one process, as cheap as asyncio allows.

Frames are masked with the key 0 (RFC 6455 5.3 leaves its choice to the client), so a payload is sent as it is.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from base64 import b64encode
from collections.abc import Callable
from typing import cast

STUCK_SECONDS = 15.0


class Socket(asyncio.Protocol):
    """One client connection; `heard` is called with each text frame's payload."""

    def __init__(self, host: str, path: str, heard: Callable[[bytes], None], origin: str = "") -> None:
        self._host, self._path, self._origin = host, path, origin
        self.heard = heard
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        origin = f"Origin: {self._origin}\r\n" if self._origin else ""
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{origin}"
            f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def send(self, payload: bytes) -> None:
        size = len(payload)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        assert self._transport is not None
        self._transport.write(head + b"\0\0\0\0" + payload)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self.opened.done():
            head, end, rest = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = buffer
                return
            if b" 101 " not in head[:20]:
                self.opened.set_exception(ConnectionError(head[:200].decode("latin-1")))
                return
            self.opened.set_result(None)
            buffer = rest
        at = 0
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                start = at + 4
                if len(buffer) < start:
                    break
                (size,) = struct.unpack_from("!H", buffer, at + 2)
            elif size == 127:
                start = at + 10
                if len(buffer) < start:
                    break
                (size,) = struct.unpack_from("!Q", buffer, at + 2)
            if len(buffer) < start + size:
                break
            match buffer[at] & 0x0F:
                case 1:
                    self.heard(buffer[start : start + size])
                case 8:  # the server hangs up
                    self.close()
            at = start + size
        self._buffer = buffer[at:]

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))

    def close(self) -> None:
        self.closed = True
        if self._transport:
            self._transport.close()


async def open_socket(port: int, path: str, heard: Callable[[bytes], None], origin: str = "") -> Socket:
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: Socket(f"127.0.0.1:{port}", path, heard, origin), "127.0.0.1", port
    )
    await socket.opened
    return socket


class Talker:
    """One customer. In a closed loop the next thing is said when the answer is there, in an open loop when due."""

    def __init__(self, say: Callable[[int], bytes], is_answer: Callable[[bytes], bool]) -> None:
        self._say, self._is_answer = say, is_answer
        self.socket: Socket
        self.turns: list[float] = []
        """Seconds from saying, or from when it should have been said, to hearing; in order."""
        self.answered = asyncio.Event()
        self._since = 0.0
        self._count = 0
        self._going = False
        self._gap = self._due = 0.0

    def heard(self, payload: bytes) -> None:
        if not (self._since and self._is_answer(payload)):
            return
        now = time.perf_counter()
        self.turns.append(now - self._since)
        self._since = 0.0
        self.answered.set()
        if self._going and not self._gap:
            self.say()
        elif self._going:
            self._due += self._gap
            asyncio.get_running_loop().call_later(max(self._due - now, 0), self._say_what_is_due)

    def say(self) -> None:
        self._count += 1
        self.answered.clear()
        self._since = time.perf_counter()
        if not self.socket.closed:
            self.socket.send(self._say(self._count))

    async def turn(self) -> None:
        """Say one thing and hear the answer."""
        self.say()
        await self.answered.wait()

    def start(self) -> None:
        """Closed loop."""
        self._going, self._gap = True, 0.0
        self.say()

    def start_at(self, due: float, gap: float) -> None:
        """Open loop: from `due` on, one in `gap` seconds; who is behind then says at once what was due."""
        self._going, self._gap, self._due = True, gap, due
        asyncio.get_running_loop().call_later(due - time.perf_counter(), self._say_what_is_due)

    def stop(self) -> None:
        self._going = False

    async def silent(self) -> bool:
        """Stopped, and whether what was said last was answered before long."""
        self.stop()
        if self._since and not self.socket.closed:
            try:
                await asyncio.wait_for(self.answered.wait(), STUCK_SECONDS)
            except TimeoutError:
                pass
        return not self._since

    def _say_what_is_due(self) -> None:
        if self._going:
            self.say()
            self._since = self._due
