"""An event loop without a selector: chance picks the next step, time jumps, and whole processes can be dropped.

A *life* is one process of the product: everything that runs in its context belongs to it. When it ends, none of its
steps is taken any more, so no `finally` of it runs; what it had in memory is gone. A life may also stand still.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Args = TypeVarTuple("Args")

STEP = 1_000
"""Nanoseconds that a step takes, so that nothing which never waits can stop the time."""
_SECOND = 1_000_000_000

_life: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class Gone(Exception):
    """Who was asked has ended before the answer."""


class Stuck(Exception):
    """Nothing is left that could happen, or it goes round in circles."""


class Life:
    """A process that may end at any of its steps. `ends_at`: it ends before the step of this number; 0: it does not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.steps = 0
        self.ends_at = 0
        self.still_until = 0.0
        self.ended: Callable[[], None] = lambda: None
        self.tasks: list[asyncio.Task[Any]] = []
        self._asked: dict[asyncio.Future[Any], None] = {}
        self._context = contextvars.copy_context()
        self._context.run(_life.set, self)

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have it done there, by somebody who is not of that process. Raises `Gone`, and what the work raises."""
        if not self.alive:
            raise Gone(self.name)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked[answer] = None

        async def do() -> None:
            try:
                result = await work()
            except asyncio.CancelledError:  # it hung up on us
                if not answer.done():
                    answer.set_exception(Gone(self.name))
            except Exception as error:
                await asyncio.sleep(0)  # the answer may be lost with its process
                if not answer.done():
                    answer.set_exception(error)
            else:
                await asyncio.sleep(0)
                if not answer.done():
                    answer.set_result(result)

        self.begin(do())
        try:
            return await answer
        finally:
            self._asked.pop(answer, None)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of that process."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    def end(self) -> None:
        if self.alive:
            self.alive = False
            for answer in self._asked:
                if not answer.done():
                    answer.set_exception(Gone(self.name))
            self.ended()


class Step(asyncio.TimerHandle):
    def __init__(
        self, when: float, callback: Callable[..., Any], args: Any, loop: Loop, context: contextvars.Context | None
    ) -> None:
        context = contextvars.copy_context() if context is None else context  # an empty one is false
        super().__init__(when, callback, args, loop, context)
        self.life = context.get(_life)


class Loop(asyncio.AbstractEventLoop):
    """Equal seeds take equal steps."""

    def __init__(self, seed: int, most_steps: int = 100_000) -> None:
        self._pick = random.Random(f"steps {seed}").random
        self._now = 0
        self._ready: list[Step] = []
        self._timers: list[tuple[int, int, Step]] = []
        self._order = 0
        self._steps_left = most_steps
        self._tasks: list[asyncio.Task[Any]] = []
        self._keep = 100
        self._closed = False
        self._lives: dict[str, Life] = {}
        """By the names of their tasks."""
        self.unhandled: list[str] = []
        """What nobody caught."""

    @property
    def nanoseconds(self) -> int:
        return self._now

    def time(self) -> float:
        return self._now / _SECOND

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        with self._current():
            task: asyncio.Task[T] = self.create_task(main)
            while not task.done():
                self._take_step()
            return task.result()

    def close(self) -> None:
        """Let go of everything that has not ended, in the only way that Python knows: now its `finally`s do run."""
        self._closed = True
        with self._current():
            while self._tasks:
                task = self._tasks.pop()
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    _close(task.get_coro())  # type: ignore[arg-type]
                elif not task.cancelled():
                    task.exception()
        self._ready.clear()
        self._timers.clear()

    def _take_step(self) -> None:
        timers, ready = self._timers, self._ready
        while timers and (timers[0][0] <= self._now or not ready):
            due, _, step = heapq.heappop(timers)
            if not step.cancelled() and (step.life is None or step.life.alive):
                self._now = max(self._now, due)
                ready.append(step)
        if not ready:
            raise Stuck("nothing is left that could happen")
        at = int(self._pick() * len(ready))
        ready[at], ready[-1] = ready[-1], ready[at]
        step = ready.pop()
        if step.cancelled() or not self._is_taken(step):
            return
        self._now += STEP
        self._steps_left -= 1
        if not self._steps_left:
            raise Stuck("it never comes to an end")
        step._run()

    def _is_taken(self, step: Step) -> bool:
        life = step.life
        if life is None:
            return True
        if life.alive and (goes_on := round(life.still_until * _SECOND)) > self._now:
            self._later(goes_on, step)
            return False
        if not life.alive:
            return False
        life.steps += 1
        if life.steps == life.ends_at:
            life.end()
            return False
        return True

    def _later(self, due: int, step: Step) -> None:
        self._order += 1
        heapq.heappush(self._timers, (due, self._order, step))

    @contextmanager
    def _current(self) -> Generator[None]:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=lambda _: None)  # nothing of a dropped process runs on
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    # What asyncio asks of a loop

    def call_soon(
        self,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: contextvars.Context | None = None,
    ) -> Step:
        step = Step(0.0, callback, args, self, context)
        self._ready.append(step)
        return step

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: contextvars.Context | None = None,
    ) -> Step:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: contextvars.Context | None = None,
    ) -> Step:
        step = Step(when, callback, args, self, context)
        self._later(round(when * _SECOND), step)
        return step

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, **options)
        context: contextvars.Context | None = options.get("context")
        if life := _life.get() if context is None else context.get(_life):
            task.set_name(f"life {id(life)}")
            self._lives[task.get_name()] = life
        self._tasks.append(task)
        if len(self._tasks) > self._keep:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._keep = 2 * len(self._tasks) + 100
        return task

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Args]], T], *args: *Args
    ) -> asyncio.Future[T]:
        """There are no threads."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._closed

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        task = context.get("task") or context.get("future")
        life = self._lives.get(task.get_name()) if isinstance(task, asyncio.Task) else None
        is_dead = life is not None and not life.alive  # whoever would have caught it has ended meanwhile
        if not self._closed and not is_dead:
            self.unhandled.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass


def new_loop(seed: int) -> Loop:
    return Loop(seed)  # type: ignore[abstract]  # what it has not is for sockets, signals and processes


def _close(work: Coroutine[Any, Any, Any]) -> None:
    for _ in range(50):
        try:
            work.close()
        except RuntimeError:  # it waits for something more
            continue
        except Exception:
            return
        return
