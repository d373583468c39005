"""The web server's end, with customers who leave at the same moment."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect

from channels.web.socket import WRITE
from config.serving import Server, SocketProtocol

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GOODBYE = bytes((0x88, 0x82, 0, 0, 0, 0)) + (1001).to_bytes(2)
STUCK = 20.0


async def test_who_has_left_without_reading_to_the_end_does_not_break_the_stop() -> None:
    is_left = asyncio.Event()

    async def talkative(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        talking = asyncio.create_task(talk(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        talking.cancel()
        is_left.set()

    async def talk(send: Any) -> None:
        while True:
            await send({"type": "websocket.send", "text": "x" * 100_000})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(talkative, ws=SocketProtocol, lifespan="off", log_config=None)
        server = Server(config)
        async with asyncio.timeout(STUCK):
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(GOODBYE)
            await is_left.wait()
            server.should_exit = True
            await serving
            writer.transport.abort()
            await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_what_is_written_without_waiting_arrives_whole(size: int) -> None:
    async def terse(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        assert scope["extensions"][WRITE]["write"](b"x" * size)
        await receive()

    async with serving(terse) as client:
        assert await client.recv() == "x" * size


async def test_what_comes_faster_than_it_is_taken_waits_its_turn() -> None:
    heard: list[Any] = []
    is_over = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message.get("text") or message.get("bytes"))
            for _ in range(len(heard) % 3):  # sometimes the next one has to wait, sometimes it is waited for
                await asyncio.sleep(0)
        is_over.set()

    said = [str(number) if number % 5 else b"%d" % number for number in range(1, 200)]
    async with serving(slow) as client:
        for message in said:
            await client.send(message)
        await client.close()
        await is_over.wait()
    assert heard == said


async def test_reading_stops_only_while_a_message_waits_to_be_taken() -> None:
    taken: list[Any] = []
    is_taken, go_on = asyncio.Event(), asyncio.Event()

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            taken.append(message["text"])
            is_taken.set()
            await go_on.wait()

    config = uvicorn.Config(busy, ws=SocketProtocol, lifespan="off", log_config=None)
    config.load()
    wire, protocol = Wire(), SocketProtocol(config, ServerState(), {})
    protocol.connection_made(wire)
    protocol.data_received(HANDSHAKE)
    await asyncio.wait_for(wire.is_open.wait(), STUCK)
    protocol.data_received(_said(b"1"))
    await asyncio.wait_for(is_taken.wait(), STUCK)
    assert (taken, wire.is_read) == (["1"], True)
    protocol.data_received(_said(b"2"))
    assert not wire.is_read
    is_taken.clear()
    go_on.set()
    await asyncio.wait_for(is_taken.wait(), STUCK)
    assert (taken, wire.is_read) == (["1", "2"], True)
    protocol.connection_lost(None)
    await asyncio.gather(*protocol.tasks)


class Wire(asyncio.Transport):
    """Goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = asyncio.Event()
        self.is_read = True

    def write(self, data: Any) -> None:
        self.is_open.set()

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


def _said(text: bytes) -> bytes:
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[ClientConnection]:
    """One client of a server that serves it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        server = Server(uvicorn.Config(application, ws=SocketProtocol, lifespan="off", log_config=None))
        async with asyncio.timeout(STUCK):
            at_work = asyncio.create_task(server.serve(sockets=[listener]))
            async with connect(address, compression=None) as client:
                yield client
            server.should_exit = True
            await at_work
