"""A turn that comes in by a webhook and goes out by one: the channel of docs/examples, and an application beyond it.

The application is as cheap as asyncio allows, as `bench.sockets` is. Each of its customers says the next thing when
the answer to the last one is there.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from bench.servers import DESK, Server, product

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "frontdesk_webhook"
SECRET = "0123456789abcdef" * 4
PATH = "/hooks/webhook/bench"
CUSTOMERS = 16
"""At a time."""

BOT_FRAMEWORK_MICROSECONDS = 1794.0
"""CPU of the same turn, in memory and lost with the process, through botbuilder-core 4.17 behind aiohttp, its reply
posted to a connector of this kind; measured once with Python 3.11 on a machine of two cores."""

_DONE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}'

Say = Callable[[str, int], tuple[Mapping[str, str], bytes]]
"""Of a chat and a number: the headers and the body of what is posted."""


class Line(asyncio.Protocol):
    """A connection of either side; `heard` is called with each body."""

    def __init__(self, heard: Callable[[Line, bytes], None]) -> None:
        self._heard, self._buffer = heard, b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            _, _, size = head.lower().partition(b"content-length: ")
            length = int(size.partition(b"\r\n")[0] or 0)
            if not end or len(rest) < length:
                return
            self._buffer = rest[length:]
            self._heard(self, rest[:length])


class Application:
    def __init__(self, path: str, say: Say, chat_of: Callable[[Any], str]) -> None:
        self._path, self._say, self._chat_of = path, say, chat_of
        self._lines: dict[str, Line] = {}
        self._said = 0
        self._going = True
        self.port = 0
        self.turns = 0
        """Answers that came."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.get_running_loop().create_server(lambda: Line(self._answered), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self._going = False
            await asyncio.sleep(0.5)  # what is on the way
            server.close()
            for line in self._lines.values():
                line.transport.close()

    async def begin(self, port: int) -> None:
        for number in range(CUSTOMERS):
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: Line(lambda line, body: None), "127.0.0.1", port
            )
            self._lines[f"c{number}"] = line
            self._post(f"c{number}")

    def _post(self, chat: str) -> None:
        self._said += 1
        headers, body = self._say(chat, self._said)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._lines[chat].transport.write(
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"{lines}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def _answered(self, line: Line, body: bytes) -> None:
        line.transport.write(_DONE)
        self.turns += 1
        if self._going:
            self._post(self._chat_of(json.loads(body)))


def event(chat: str, number: int) -> tuple[Mapping[str, str], bytes]:
    now = time.time()
    said = {"id": f"e{number}", "chat": chat, "person": chat, "at": now, "what": "said", "text": "my order"}
    body = json.dumps(said).encode()
    proof = hmac.new(SECRET.encode(), f"{int(now)}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Signature": f"t={int(now)},v1={proof}"}, body


async def cost(application: Application, server: Server, seconds: float) -> tuple[float, float]:
    """Turns per second, and microseconds of the server's CPU for each."""
    await application.begin(server.port)
    await asyncio.sleep(min(1.0, seconds / 3))
    turns, spent, since = application.turns, server.cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    turns, spent = application.turns - turns, server.cpu_seconds() - spent
    return turns / (time.perf_counter() - since), spent / turns * 1e6


async def measured(seconds: float) -> tuple[float, float]:
    application = Application(PATH, event, lambda said: str(said["chat"]))
    async with application.listening(), _product(application.port) as server:
        return await cost(application, server, seconds)


@asynccontextmanager
async def _product(port: int) -> AsyncIterator[Server]:
    """`frontdesk serve` with the example's channel installed, and an account of it that answers to this port."""
    with tempfile.TemporaryDirectory() as folder:
        installed = Path(folder) / "frontdesk_webhook-0.1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: frontdesk-webhook\nVersion: 0.1.0\n")
        (installed / "entry_points.txt").write_text("[frontdesk.channels]\nwebhook = frontdesk_webhook\n")
        desk = Path(folder) / "frontdesk.yaml"
        account = f"accounts:\n  bench:\n    channel: webhook\n    url: http://127.0.0.1:{port}/\n"
        desk.write_text(f"flows: {DESK.parent / 'flows'}\n{account}")
        places = os.pathsep.join((folder, str(EXAMPLE)))
        async with product(config=desk, PYTHONPATH=places, FRONTDESK_BENCH_SECRET=SECRET) as server:
            yield server


if __name__ == "__main__":
    import uvloop

    print(*uvloop.run(measured(float(sys.argv[1]))))
