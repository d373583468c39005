"""An application of a test, served on this loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from channels.sandbox.server import _Server

STUCK = 20.0
"""Seconds: what has not happened by then never will."""


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Gives the address; ends with the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, interface="asgi3", log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        ending = asyncio.Event()
        running = asyncio.create_task(_Server(config, ending).serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ending.set()
            await running


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(STUCK):
        while True:
            if happened():
                return
            await asyncio.sleep(0.002)
