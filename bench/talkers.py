"""Customers of each server: what they say, and what is an answer."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence

from bench.servers import Server
from bench.sockets import Talker, open_socket

Talkers = Callable[[Server, int], Awaitable[Sequence[Talker]]]
AT_ONCE = 50


async def strangers(server: Server, count: int) -> Sequence[Talker]:
    """Of the floor and of the echo, to whom all are alike."""

    def say(number: int) -> bytes:
        return b'{"id":"%d","text":"my order is A-%d"}' % (number, number % 90 + 10)

    async def come() -> Talker:
        person = Talker(say, lambda payload: True)
        person.socket = await open_socket(server.port, "/", person.heard)
        return person

    return await _many(come, count)


async def visitors(server: Server, count: int) -> Sequence[Talker]:
    """Of the product: each with a conversation of its own, standing at the beginning of the scripted flow."""
    origin = f"http://127.0.0.1:{server.port}"

    def say(number: int) -> bytes:
        return b'{"frame":"say","id":"%s","text":"my order"}' % str(uuid.uuid4()).encode()

    async def come() -> Talker:
        welcomed = asyncio.Event()

        def is_answer(payload: bytes) -> bool:
            return b'"frame":"event"' in payload and b'"kind":"bot"' in payload

        def heard(payload: bytes) -> None:
            welcomed.set()
            person.heard(payload)

        person = Talker(say, is_answer)
        token = await _token(server.port, origin)
        person.socket = await open_socket(server.port, "/ws/widget", heard, origin)
        person.socket.send(json.dumps({"frame": "hello", "token": token, "conversation": "", "after": 0}).encode())
        await welcomed.wait()
        person.socket.heard = person.heard
        return person

    return await _many(come, count)


async def _many(come: Callable[[], Awaitable[Talker]], count: int) -> Sequence[Talker]:
    """A few at a time, so that no backlog overflows."""
    people: list[Talker] = []
    while len(people) < count:
        people += await asyncio.gather(*(come() for _ in range(min(AT_ONCE, count - len(people)))))
    return people


async def _token(port: int, origin: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"account":"bench"}'
    writer.write(
        f"POST /api/widget/token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    _, _, found = answer.partition(b"\r\n\r\n")
    token: str = json.loads(found)["token"]
    return token
