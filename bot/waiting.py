"""Waiting: no longer than a span of the injected clock, and without tearing apart what belongs together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from bot.ports import Clock

T = TypeVar("T")


async def within(clock: Clock, span: timedelta, work: Awaitable[T]) -> T:
    """Like `asyncio.timeout`, on the injected clock. Raises `TimeoutError` after the work has been cancelled."""
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.sleep(span.total_seconds()))
    try:
        await asyncio.wait((task, alarm), return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        alarm.cancel()
        await asyncio.gather(task, alarm, return_exceptions=True)
    if task.cancelled():
        raise TimeoutError(f"not done within {span.total_seconds():g} s")
    return task.result()


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Go through with the work even when the caller is cancelled meanwhile; the cancellation goes on afterwards."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # seen, though nobody is left to be told
    raise cancelled
