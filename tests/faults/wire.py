"""HTTP/1.1 in its smallest form over Unix sockets, one request a connection: the wire between real processes.

A socket file has no port that somebody else could take while its owner is being restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

Handle = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Target and body to status and body."""

LARGEST_HEAD = 64 * 1024


class Unanswered(Exception):
    """Break the connection instead of answering."""


async def serve(
    socket: Path, handle: Handle, answered: Callable[[str], None] = lambda target: None
) -> asyncio.AbstractServer:
    """Listen until closed. `answered` is told of a target once its answer is on the wire."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, Unanswered):
            first, body = await _message(reader)
            target = first.split(" ")[1]
            status, answer = await handle(target, body)
            writer.write(_framed(f"HTTP/1.1 {status} -", answer))
            await writer.drain()
            answered(target)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    await asyncio.to_thread(socket.unlink, missing_ok=True)
    return await asyncio.start_unix_server(talk, socket, limit=LARGEST_HEAD, backlog=512)


async def post(socket: Path, target: str, body: bytes, *, seconds: float = 5) -> tuple[int, bytes]:
    """Status and body of the answer. Raises `OSError` when there is none in time."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_unix_connection(socket, limit=LARGEST_HEAD)
        try:
            writer.write(_framed(f"POST {target} HTTP/1.1", body))
            await writer.drain()
            first, answer = await _message(reader)
            return int(first.split(" ")[1]), answer
        except EOFError as error:
            raise ConnectionResetError("the connection ended without an answer") from error
        finally:
            writer.close()


async def post_and_go(socket: Path, target: str, body: bytes, *, seconds: float = 5) -> None:
    """Send the request and close the connection without waiting for the answer."""
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_unix_connection(socket)
        writer.write(_framed(f"POST {target} HTTP/1.1", body))
        await writer.drain()
        writer.close()


async def _message(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    first, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    length = next(field for field in fields if field.lower().startswith("content-length:"))
    return first, await reader.readexactly(int(length.partition(":")[2]))


def _framed(first: str, body: bytes) -> bytes:
    return f"{first}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode("ascii") + body
