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
    task = await _done_or(clock.sleep(span.total_seconds()), work)
    if task.cancelled():
        raise TimeoutError(f"not done within {span.total_seconds():g} s")
    return task.result()


async def until(over: Awaitable[object], work: Awaitable[object]) -> None:
    """Wait for the work, but no longer than for `over`: then it is cancelled, and has ended when this returns."""
    task = await _done_or(over, work)
    if not task.cancelled():
        task.result()


async def _done_or(other: Awaitable[object], work: Awaitable[T]) -> asyncio.Future[T]:
    """The work, which has ended: by itself, or cancelled because the other came first."""
    task, signal = asyncio.ensure_future(work), asyncio.ensure_future(other)
    try:
        await asyncio.wait((task, signal), return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        signal.cancel()
        await asyncio.gather(task, signal, return_exceptions=True)
    return task


class Handed(asyncio.Future[T]):
    """What was handed over and cannot be taken back: who is cancelled meanwhile learns so when it is done."""

    def cancel(self, msg: Any = None) -> bool:
        return False


async def unbroken(work: Awaitable[T], then: Callable[[T], object] = lambda _: None) -> T:
    """Wait for the work and do `then` with its result, even when the caller is cancelled meanwhile.

    The cancellation goes on afterwards.
    """
    handed = work if isinstance(work, Handed) else _handed(work)
    try:
        result = await handed
    except asyncio.CancelledError:
        if handed.exception() is None:  # an error is seen, though nobody is left to be told
            then(handed.result())
        raise
    then(result)
    return result


def _handed(work: Awaitable[T]) -> Handed[T]:
    handed: Handed[T] = Handed()

    def end(task: asyncio.Future[T]) -> None:
        if task.cancelled():
            handed.set_exception(asyncio.CancelledError())
        elif error := task.exception():
            handed.set_exception(error)
        else:
            handed.set_result(task.result())

    asyncio.ensure_future(work).add_done_callback(end)
    return handed
