"""What a sandbox accepted and delivered, in order: the outside checker of those who build on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from bot.ports import Clock


class Entry(Struct, frozen=True):
    n: int
    """From 1, without gaps."""
    at: datetime
    kind: Literal["call", "refused", "delivered", "confirmed", "connection", "person"]
    """`call`: accepted from the bot; `refused`: not accepted; `delivered`: sent to the bot; `confirmed`: the bot said
    it has it; `connection`: opened or closed; `person`: the customer did something."""
    name: str
    """The platform's name of the method, event or act."""
    data: Any
    """Plain JSON; files as name, type and size."""


class Journal:
    def __init__(self, clock: Clock) -> None:
        self.entries: list[Entry] = []
        self._clock = clock
        self._changed = asyncio.Event()

    def add(self, kind: Any, name: str, data: Any = None) -> Entry:
        entry = Entry(len(self.entries) + 1, self._clock.now(), kind, name, data)
        self.entries.append(entry)
        self.touch()
        return entry

    def touch(self) -> None:
        """Something to be seen has changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def changed(self) -> Coroutine[Any, Any, object]:
        """To be awaited: until something has changed since this was called."""
        return self._changed.wait()

    def after(self, n: int = 0) -> list[Entry]:
        return self.entries[n:]

    def calls(self, name: str) -> list[Any]:
        """Data of the accepted calls of that name, oldest first."""
        return [entry.data for entry in self.entries if entry.kind == "call" and entry.name == name]
