"""What runs beside the main path of a channel, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Background:
    def __init__(self, account: str) -> None:
        self._account = account
        self._tasks: set[asyncio.Task[Any]] = set()

    def later(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """What it raises is logged."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("discord.task_failed", account=self._account, exc_info=error)
