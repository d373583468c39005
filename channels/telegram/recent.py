"""What a restart may forget."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

REMEMBERED = 1000

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """The latest few, by their key."""

    def put(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        while len(self) > REMEMBERED:
            self.popitem(last=False)
