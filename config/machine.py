"""The machine's own clock and chance: what the ports `Clock` and `Random` are outside tests."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemRandom:
    def __init__(self) -> None:
        self._last = 0

    def id(self) -> str:
        """UUIDv7 (RFC 9562 5.7). Within one process each is greater than the one before."""
        millis, chance = time.time_ns() // 1_000_000, secrets.randbits(72)
        self._last = stamp = max(millis << 12 | chance >> 62, self._last + 1)
        high = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
        low = 0x8000_0000_0000_0000 | chance & 0x3FFF_FFFF_FFFF_FFFF
        return f"{high << 64 | low:032x}"

    def token(self) -> str:
        return secrets.token_urlsafe(16)

    def between(self, low: float, high: float) -> float:
        return random.uniform(low, high)
