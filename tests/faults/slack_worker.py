"""The desk with one account of Slack, as a program of its own, which ends itself where it is told to.

`python -m tests.faults.slack_worker SPEC` with a `Spec` in JSON. It ends as `kill -9` ends a program.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import uvicorn
from msgspec import Struct
from pydantic import SecretStr

from bot.flow.read import read
from bot.model import Said, Start
from bot.ports import Accepted, Answer, Arrival, Ask, Wanted
from bot.store import open_store
from channels.slack import Settings as SlackSettings
from config.doors import Account
from config.machine import SystemClock, SystemRandom
from config.settings import DeskFile, Settings
from config.wiring import running

Stage = Literal["", "before commit", "after commit"]


class Spec(Struct, frozen=True, kw_only=True):
    flows: str
    data: str
    api: str
    over: Literal["http", "socket"]
    port: int
    token: str
    app_token: str
    signing_secret: str
    stage: Stage = ""
    """Where it ends itself; empty: nowhere."""
    nth: int = 1
    """With the n-th message that it hears."""


class Echo:
    """A model that has a flow say what it was told."""

    name = "echo"

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        yield Wanted(Start("tell", {"words": " ".join(ask.words.split())}))


class Doomed:
    """Implements `Receive`: ends the program around the commit of the n-th message."""

    def __init__(self, spec: Spec) -> None:
        self._spec, self._heard = spec, 0
        self.inbox: Any = None

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        said = any(isinstance(body, Said) for body in arrival.bodies)
        self._heard += said
        ends = said and self._heard == self._spec.nth
        if ends and self._spec.stage == "before commit":
            os.kill(os.getpid(), signal.SIGKILL)
        accepted: Accepted = await self.inbox(arrival)
        if ends and self._spec.stage == "after commit":
            os.kill(os.getpid(), signal.SIGKILL)
        return accepted

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        return [await self(arrival) for arrival in arrivals]


async def work(spec: Spec) -> None:
    clock, doomed = SystemClock(), Doomed(spec)
    slack = SlackSettings(
        connection=spec.over,
        api=spec.api,
        token=SecretStr(spec.token),
        app_token=SecretStr(spec.app_token),
        signing_secret=SecretStr(spec.signing_secret),
    )
    flows = Path(spec.flows)
    account = Account(name="acme", channel="slack", flows=flows, team="", settings=slack)
    settings = Settings(data=Path(spec.data), secret_key=SecretStr("k" * 32))
    store = open_store(f"sqlite:///{spec.data}/frontdesk.db", clock)
    async with running(
        settings,
        DeskFile(flows=flows, quiet_ms=0),
        read(flows),
        store=store,
        clock=clock,
        random=SystemRandom(),
        accounts=[account],
        model=Echo(),
    ) as parts:
        doomed.inbox = parts.inbox
        for receive in parts.connections._receives:
            receive._receive = doomed
        routes = parts.connections.routes()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if route := routes.get(scope.get("path", "")):
                await route(scope, receive, send)

        config = uvicorn.Config(app, port=spec.port, log_config=None, lifespan="off")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(work(msgspec.json.decode(sys.argv[1], type=Spec)))
