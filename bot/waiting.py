"""Waiting: no longer than a span of the injected clock, and without tearing apart what belongs together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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


async def unbroken(work: Awaitable[T], then: Callable[[T], object] = lambda _: None) -> T:
    """Wait for the work and do `then` with its result, even when the caller is cancelled meanwhile.

    The cancellation goes on afterwards.
    """
    future = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await _end_of(future)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        result = future.result()
        then(result)
        return result
    if not future.cancelled() and future.exception() is None:  # an error is seen, though nobody is left to be told
        then(future.result())
    raise cancelled


async def _end_of(future: asyncio.Future[Any]) -> None:
    """Unlike awaiting it, this leaves the future alone when the caller is cancelled."""
    ended = asyncio.get_running_loop().create_future()

    def end(_: asyncio.Future[Any]) -> None:
        if not ended.done():
            ended.set_result(None)

    future.add_done_callback(end)
    await ended
