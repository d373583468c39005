"""A server that speaks Chat Completions and says back each uid it was told, a word at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.bot.llm.stand_in import DONE, delta
from tests.faults.journal import Asked, Journal, now, uids


@dataclass
class EchoModel:
    journal: Journal
    address: str = ""
    pace: float = 0.03
    """Seconds between two words."""
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, answers stop before their last word."""
    held: int = 0
    """Answers that wait for it now."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def until_held(self, count: int) -> None:
        while self.held < count:
            self._changed.clear()
            await self._changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the bot has stopped listening
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split()[0])
        body = await reader.readexactly(length)
        self.journal.write(Asked(at=now(), text=body.decode()))
        said = json.loads(body)["messages"][-1]["content"]
        *words, last = re.findall(r"\S+\s*", f"We heard {' '.join(uids(said))} and somebody is looking into it now.")
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for word in words:
            await _send(writer, delta(content=word))
            await asyncio.sleep(self.pace)
        self.held += 1
        self._changed.set()
        try:
            await self._hold(writer)
        finally:
            self.held -= 1
        await _send(writer, delta(content=last) + delta("stop") + DONE)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _hold(self, writer: asyncio.StreamWriter) -> None:
        """Not in silence: that would be a broken server."""
        while not self.may_end.is_set():
            await _send(writer, delta(content=""))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.may_end.wait(), 1.0)


async def _send(writer: asyncio.StreamWriter, piece: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    await writer.drain()


@contextlib.asynccontextmanager
async def echo_model(journal: Journal) -> AsyncIterator[EchoModel]:
    made = EchoModel(journal)
    serving: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    made.address = f"http://{host}:{port}/v1"
    try:
        yield made
    finally:
        server.close()
        left = tuple(serving)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)
