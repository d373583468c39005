"""A real `frontdesk serve` in its own process, as people run it, and a visitor who talks to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]
STUCK = 30.0
"""Seconds after which what was waited for will never come."""

DESK = """
flows: flows
web:
  account: shop
  limits:
    messages_per_minute: 1000000
    messages_per_address: 1000000
    reads_per_address: 1000000
    tokens_per_address: 1000000
    frames_per_second: 1000000
    connections_per_address: 1000
"""
ASSISTANT = """
assistant: Ada
languages: [en]
greeting: Hello.
"""
FLOW = """
flow: look_up
version: 1
title: Look up
examples: [look it up]
slots: {order: {type: text}}
steps:
  - {ask: order, say: Which order?}
  - {do: look_up, with: {order: order}, into: found}
  - {say: "Found {{ found }}."}
"""
ACTIONS = '''
from bot.flow.declare import action


@action(effect="read")
async def look_up(order: str) -> str:
    """Finds an order; one that is called a bug it does not."""
    if "bug" in order:
        raise ValueError(f"cannot look up {order!r}")
    return order
'''


def desk(folder: Path) -> Path:
    """A project whose only flow looks an order up. Gives the path of its `frontdesk.yaml`."""
    files = {"frontdesk.yaml": DESK, "flows/assistant.yaml": ASSISTANT, "flows/look_up.yaml": FLOW}
    for name, content in {**files, "flows/actions.py": ACTIONS}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content))
    (folder / "flows" / "knowledge").mkdir(exist_ok=True)
    return folder / "frontdesk.yaml"


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    log: Path
    address: str = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Of its log; fails when one is not a JSON object. A line that is being written does not count yet."""
        text = self.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(STUCK)


def environment(data: Path, config: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
    return {**kept, "FRONTDESK_DATA": str(data), "FRONTDESK_CONFIG": str(config), **more}


@contextmanager
def serving(data: Path, config: Path, **more: str) -> Iterator[Served]:
    log = data.with_name(f"{data.name}.{uuid.uuid4().hex[:6]}.log")
    with log.open("wb") as to:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.main", "serve", "--port", "0"],
            env=environment(data, config, **more),
            cwd=ROOT,
            stdout=to,
            stderr=to,
        )
    served = Served(process, log)
    try:
        end = time.monotonic() + STUCK
        while not served.address:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            started = (line for line in served.lines if line["event"] == "server.started")
            served.address = next((line["address"] for line in started), "")
            time.sleep(0.02)
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STUCK)


@dataclass
class Visitor:
    socket: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)

    async def says(self, words: str) -> str:
        """Gives the bot's next words."""
        id = await self.sends(words)
        await self.hears(lambda frame: frame["frame"] == "ack" and frame["id"] == id)
        frame = await self.hears(
            lambda frame: frame["frame"] == "event" and frame["event"].get("by", {}).get("kind") == "bot"
        )
        return "\n".join(
            "".join(span["text"] for span in part["spans"])
            for part in frame["event"]["parts"]
            if part["part"] == "text"
        )

    async def sends(self, words: str) -> str:
        id = str(uuid.uuid4())
        await self.socket.send(json.dumps({"frame": "say", "id": id, "text": words}))
        return id

    async def hears(self, wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(STUCK):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if frame["frame"] == "ping":
                    await self.socket.send(json.dumps({"frame": "pong"}))
                self.frames.append(frame)
                if wanted(frame):
                    return frame


@asynccontextmanager
async def visiting(address: str, secret: str = "") -> AsyncIterator[tuple[Visitor, str]]:
    """With the secret by which the visitor is known the next time."""
    async with httpx2.AsyncClient(base_url=address, headers={"Origin": address}) as http:
        body = {"account": "shop"} | ({"secret": secret} if secret else {})
        granted = (await http.post("/api/widget/token", json=body)).json()
    async with connect(
        f"{address.replace('http', 'ws', 1)}/ws/widget", additional_headers={"Origin": address}
    ) as socket:
        visitor = Visitor(socket)
        await socket.send(json.dumps({"frame": "hello", "token": granted["token"], "conversation": "", "after": 0}))
        await visitor.hears(lambda frame: frame["frame"] == "welcome")
        yield visitor, granted.get("secret", secret)
