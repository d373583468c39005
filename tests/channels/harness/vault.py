"""A vault in memory."""

from __future__ import annotations


class MemoryVault:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def put(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = value

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(name for name in sorted(self.kept) if name.startswith(prefix))
