"""Chance that can be repeated."""

from __future__ import annotations

import random


class SeededRandom:
    """Ids rise, as the real ones do; equal seeds give equal runs."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._ids = 0

    def id(self) -> str:
        self._ids += 1
        return f"{self._ids:016x}{self._random.getrandbits(64):016x}"

    def token(self) -> str:
        return f"{self._random.getrandbits(128):022x}"[:22]

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
