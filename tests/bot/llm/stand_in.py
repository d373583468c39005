"""A stand-in of a server that speaks Chat Completions, byte by byte, so that it can fail in every way a wire can."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Iterable[bytes] = ()
    """Sent one after another; may have no end."""
    cut: bool = False
    """Close the connection before the body has come to its end."""
    hold: asyncio.Event | None = None
    """Wait for it before the body ends."""


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def delta(finish: str | None = None, **delta: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def words(*texts: str) -> list[bytes]:
    """A whole answer in words."""
    return [delta(role="assistant", content=""), *(delta(content=text) for text in texts), delta("stop"), DONE]


def call(name: str, arguments: str, index: int | None = 0) -> bytes:
    place = {} if index is None else {"index": index}
    return delta(tool_calls=[{**place, "id": "t1", "function": {"name": name, "arguments": arguments}}])


def calls(*pieces: bytes) -> list[bytes]:
    return [*pieces, delta("tool_calls"), DONE]


@dataclass(slots=True)
class StandIn:
    replies: list[Reply] = field(default_factory=list)
    """Given in turn; the last one again and again."""
    bodies: list[dict[str, object]] = field(default_factory=list)
    """What was asked."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """The client went away before the body ended."""
    address: str = ""

    def streams(self, pieces: Sequence[bytes]) -> None:
        self.replies.append(Reply(pieces=pieces))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split()[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        headers = (("content-type", "text/event-stream"), ("transfer-encoding", "chunked"), *reply.headers)
        writer.write(f"HTTP/1.1 {reply.status} X\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n")
        gone = asyncio.ensure_future(reader.read(1))
        try:
            for piece in reply.pieces:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
                await asyncio.sleep(0)
                if gone.done():
                    break
            if reply.hold:
                held = asyncio.ensure_future(reply.hold.wait())
                await asyncio.wait((held, gone), return_when=asyncio.FIRST_COMPLETED)
                held.cancel()
        finally:
            if gone.done() or writer.is_closing():
                self.closed.set()
            gone.cancel()
            await asyncio.wait((gone,))
        if reply.cut or self.closed.is_set():
            raise ConnectionResetError
        writer.write(b"0\r\n\r\n")
        await writer.drain()


@contextlib.asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    here = StandIn()
    open_: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(asyncio.create_task(here.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    here.address = f"http://{host}:{port}/v1"
    try:
        yield here
    finally:
        server.close()
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)
        await asyncio.sleep(0)
