"""A cable between a client and the program that can be cut in the ways a network cuts lines."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Cable:
    """Relays TCP. What is held back in one direction comes through, late, when that direction is free again."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.up, self.down = _open(), _open()
        """While one is not set, nothing goes from client to program, or back."""
        self._upstream = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def reset(self) -> None:
        """RST to both ends of every connection."""
        for writer in tuple(self._writers):
            # Without lingering a close is a reset.
            sock = writer.get_extra_info("socket")
            if sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def hang_up(self) -> None:
        """Both ends of every connection see its end, without a word of the protocol."""
        for writer in tuple(self._writers):
            writer.close()

    def hold_up(self) -> asyncio.Event:
        """Nothing more goes from client to program on the connections there are; new ones are whole."""
        held, self.up = self.up, _open()
        held.clear()
        return held

    def hold_down(self) -> asyncio.Event:
        """The same for what goes back."""
        held, self.down = self.down, _open()
        held.clear()
        return held

    def cut(self) -> None:
        """Nothing goes through at all until `heal`."""
        self.up.clear()
        self.down.clear()

    def heal(self) -> None:
        self.up.set()
        self.down.set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.reset()
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            beyond, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(back)
        try:
            await asyncio.gather(_pump(reader, back, self.up), _pump(beyond, writer, self.down))
        finally:
            for each in (writer, back):
                self._writers.discard(each)
                each.transport.abort()


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, free: asyncio.Event) -> None:
    try:
        while data := await reader.read(64 * 1024):
            await free.wait()
            writer.write(data)
            await writer.drain()
        await free.wait()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def cable(port: int) -> AsyncIterator[Cable]:
    """In front of what listens at `port`."""
    made = Cable(port)
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
        await asyncio.sleep(0)
