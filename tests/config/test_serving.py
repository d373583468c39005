"""The web server's end, with customers who leave at the same moment."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn

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
