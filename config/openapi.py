"""What the browser's types are made from: the whole API, made in memory, without a server.

`python -m config.openapi` prints it as JSON with sorted keys, so that the same program always gives the same bytes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.bus.memory import MemoryBus
from bot.desk import Desk
from bot.fetcher import Fetcher
from bot.files import FolderFiles
from bot.model import Message, text
from bot.store import open_store
from config.machine import SystemClock, SystemRandom
from config.server import mounted


async def described() -> dict[str, Any]:
    """The HTTP API as OpenAPI tells it, made in memory."""
    from channels.console.console import Console, ConsoleSettings

    clock, bus = SystemClock(), MemoryBus()
    store = open_store("sqlite://", clock)

    def notices(key: str, language: str, args: Mapping[str, str], /) -> Message:
        return text(key)

    desk = Desk(store, bus, clock, lambda address: notices, delivers=frozenset(), wake=lambda _: None)
    files = FolderFiles(Path("described"))  # nothing is kept, so nothing is made
    fetcher = Fetcher((), files, clock)
    console = Console(store, bus, desk, clock, SystemRandom(), ConsoleSettings(), files=files, fetcher=fetcher)
    try:
        return mounted(console).openapi()
    finally:
        console.close()
        await store.close()


def main() -> None:
    json.dump(asyncio.run(described()), sys.stdout, ensure_ascii=False, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
