"""Publishes a flow folder again whenever a file in it changes, while customers are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.errors import FlowErrors, FrontdeskError
from bot.flow.read import read
from bot.knowledge import index
from config.wiring import Parts, keep_files

EVERY = 0.5
"""Seconds between two looks; what is still being written is waited for."""

Look = tuple[tuple[str, int, int], ...]


async def keep_current(parts: Parts, tell: Callable[[str], None]) -> None:
    """Until cancelled. What is wrong is told with its place, and what was in force stays."""
    async with asyncio.TaskGroup() as group:
        for folder in parts.shelves:
            group.create_task(_keep_current(parts, folder, tell, _look(folder)))


async def _keep_current(parts: Parts, folder: Path, tell: Callable[[str], None], seen: Look) -> None:
    published = seen
    while True:
        await parts.clock.sleep(EVERY)
        now = _look(folder)
        if now == seen != published:
            published = now
            await publish(parts, folder, tell)
        seen = now


async def publish(parts: Parts, folder: Path, tell: Callable[[str], None]) -> None:
    """Check the folder, and put it in force if there is no mistake in it."""
    shelf = parts.shelves[folder]
    try:
        book = await asyncio.to_thread(read, folder)
        await keep_files(book, folder, parts.files)
        await index.index(
            folder / "knowledge", parts.store, parts.clock, language=book.assistant.language, within=shelf.within
        )
        await shelf.publish(book)
    except FlowErrors as errors:
        places = "\n".join(map(str, errors.problems))
        tell(f"{places}\nNothing was published: the flows from before stay in force.")
    except FrontdeskError as error:
        tell(f"{error}\nNothing was published: the flows from before stay in force.")
    else:
        tell(f"{folder}: published, {len(book.flows)} flows")


def _look(folder: Path) -> Look:
    """Every file by name, time and size; what a program leaves there by itself does not count."""
    found: list[tuple[str, int, int]] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") or part == "__pycache__" for part in name.parts):
            continue
        try:
            is_file, about = path.is_file(), path.stat()
        except OSError:  # it was there a moment ago
            continue
        if is_file:
            found.append((name.as_posix(), about.st_mtime_ns, about.st_size))
    return tuple(found)
