"""What can happen whenever a process reaches for its store, and a booking that may be made once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from bot.errors import StoreDown
from bot.flow.actions import Action
from bot.model import Json
from bot.ports import Question, Store, Unit
from tests.bot.flow.script import project

R = TypeVar("R")

When = Literal["before", "after"]

FLOWS = """
flow: book
about: Books it.
examples: [book it]
slots: {order: {type: order_id}}
steps:
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ number }}."}
"""


def booking_project(folder: Path) -> Path:
    made = project(folder, FLOWS)
    (made / "knowledge").mkdir()
    return made


@dataclass
class Bookings:
    """Somebody else's system: it knows each key once, whatever becomes of the answer."""

    made: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    first: Callable[[], Awaitable[object]] | None = None
    """Awaited by a call after it has booked and before it answers."""

    async def call(self, args: Mapping[str, Json], key: str) -> Json:
        self.calls += 1
        self.made.setdefault(key, f"B-{len(self.made) + 1}")
        if self.first:
            await self.first()
        return self.made[key]

    async def check(self, key: str) -> Json:
        return self.made.get(key)

    def action(self, *, check: bool = True, effect: Literal["read", "write", "money"] = "write") -> Action:
        return Action(
            name="book_it",
            effect=effect,
            timeout=timedelta(seconds=10),
            inputs=frozenset({"order"}),
            required=frozenset({"order"}),
            call=self.call,
            check=self.check if check else None,
        )


@dataclass
class Crossings:
    """A store where something happens at the `at`-th crossing once it is armed; 0: nothing does."""

    at: int = 0
    when: When = "before"
    what: Callable[[], Awaitable[object]] | None = None
    """None: the answer is lost, and with `for_good` every later one."""
    for_good: bool = False
    only: type[Unit[Any] | Question[Any]] | None = None
    """Crossings of this kind alone."""
    passed: int = 0
    happened: bool = False
    store: Store = field(init=False)

    def of(self, store: Store) -> Crossings:
        self.store = store
        return self

    async def write(self, unit: Unit[R], /) -> R:
        return await self._cross(unit, lambda: self.store.write(unit))

    async def read(self, question: Question[R], /) -> R:
        return await self._cross(question, lambda: self.store.read(question))

    async def close(self) -> None:
        await self.store.close()

    async def _cross(self, load: object, go: Callable[[], Awaitable[R]]) -> R:
        here = False
        if self.at and not self.happened and isinstance(load, self.only or object):
            self.passed += 1
            self.happened = here = self.passed == self.at
        if here and self.when == "before":
            await self._happen()
        elif self.happened and not here and self.for_good:
            raise StoreDown("out of reach")
        result = await go()
        if here and self.when == "after":
            await self._happen()
        return result

    async def _happen(self) -> None:
        if self.what is None:
            raise StoreDown("the answer is lost", unknown=self.when == "after")
        await self.what()


class Shared:
    """The store of another process: it is not ours to close."""

    def __init__(self, store: Store) -> None:
        self.write, self.read = store.write, store.read

    async def close(self) -> None:
        pass
