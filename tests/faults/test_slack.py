"""Killed between hearing and acknowledging, over HTTP and over sockets: the sandbox is the judge.

Slack repeats what nobody acknowledged, so nothing is lost; the log knows it again, so nothing is answered twice; and
what was perhaps sent is looked for before it is sent again.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from channels.sandbox.server import serving
from channels.sandbox.slack.sandbox import SlackSandbox
from config.machine import SystemClock
from tests.bot.flow.script import project
from tests.faults.scale import TIER
from tests.faults.slack_worker import Spec, Stage

pytestmark = pytest.mark.processes

STUCK = 90.0
KILLS = {"test": 1, "ci": 3, "nightly": 40}[TIER]
FLOW = """
flow: tell
about: Says what was heard.
examples: [recite ninety poems]
slots:
  words: {type: text}
steps:
  - say: "I was told {{ words }} ."
"""


class Hurried(SystemClock):
    """Slack's patience, shortened: it tries again after fifteen seconds, not after five minutes."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 15.0))


@asynccontextmanager
async def worker(spec: Spec) -> AsyncIterator[asyncio.subprocess.Process]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.slack_worker", msgspec.json.encode(spec).decode()
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.wait()


async def until(happened: object, program: asyncio.subprocess.Process | None = None) -> None:
    assert callable(happened)
    ends = asyncio.get_running_loop().time() + STUCK
    while True:
        if (found := happened()) is True:
            return
        assert program is None or program.returncode is None, "it ended by itself"
        assert asyncio.get_running_loop().time() < ends, f"never came: {found}"
        await asyncio.sleep(0.05)


def answers(box: SlackSandbox, chat: str) -> list[str]:
    (shown,) = [one for one in box.seen()["chats"] if one["id"] == chat]
    said = [
        "".join(span["text"] for span in message["spans"]) for message in shown["messages"] if message["by"] == "bot"
    ]
    return " ".join(said).split()


@pytest.mark.timeout(240 * KILLS)
@pytest.mark.parametrize("stage", ["before commit", "after commit"])
@pytest.mark.parametrize("over", ["http", "socket"])
async def test_killed_between_hearing_and_acknowledging(tmp_path: Path, over: str, stage: Stage) -> None:
    flows = project(tmp_path, FLOW, texts={"en": "not_an_order: No order."})
    (flows / "knowledge").mkdir()
    box = SlackSandbox(Hurried())
    (chat,) = [one.id for one in box.chats.values() if one.kind == "im"]
    async with serving(box):
        told = box.told()
        spec = Spec(
            flows=str(flows),
            data=str(tmp_path),
            api=f"{box.address}/api/",
            over="http" if over == "http" else "socket",
            port=_free_port(),
            token=told["token"],
            app_token=told["app_token"],
            signing_secret=told["signing_secret"],
        )
        said = []
        for kill in range(KILLS):
            async with worker(replace(spec, stage=stage, nth=3)) as doomed:
                await _ready(box, spec, doomed)
                for n in range(5):
                    said.append(f"word{kill}x{n}")
                    await box.act("say", {"chat": chat, "text": said[-1]})
                async with asyncio.timeout(STUCK):
                    assert await doomed.wait() == -9
            async with worker(spec) as program:
                await _ready(box, spec, program)
                await until(lambda: set(said) - set(answers(box, chat)) or box.delivery.owed or True, program)
        heard = answers(box, chat)
        assert {word: heard.count(word) for word in said} == dict.fromkeys(said, 1)


async def _ready(box: SlackSandbox, spec: Spec, program: asyncio.subprocess.Process) -> None:
    if spec.over == "socket":
        await until(lambda: box.delivery.connections > 0 or "a connection", program)
        return
    box.delivery.hook = f"http://127.0.0.1:{spec.port}/hooks/slack/acme"
    async with asyncio.timeout(STUCK):
        while not await box.delivery.challenge(box.delivery.hook):
            assert program.returncode is None, "it ended by itself"
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
