"""Any application, served on loopback for as long as a test needs it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving_app(app: Any) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
