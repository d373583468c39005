"""A vault in memory, for tests of channels."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class MemoryVault:
    """Implements `Vault`."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def put(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = value

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(sorted(name for name in self.kept if name.startswith(prefix)))
