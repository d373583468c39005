"""Files of ours on their way to Discord."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.errors import StoreDown, TooLarge, TryLater, Unshowable
from bot.ports import FileStore
from channels.discord.render import Upload


@asynccontextmanager
async def opened(uploads: Sequence[Upload], files: FileStore, most: int) -> AsyncIterator[Sequence[Path]]:
    """Each in a file of its own, out of memory, until left. Raises `Unshowable` for what is gone or has over `most`
    bytes, `TryLater` when it cannot be read now."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_opened(upload, files, most)) for upload in uploads]


@asynccontextmanager
async def _opened(upload: Upload, files: FileStore, most: int) -> AsyncIterator[Path]:
    if upload.size > most:
        raise _too_large(upload, most)
    try:
        with tempfile.NamedTemporaryFile() as file:
            async for piece in _pieces(upload, files):
                file.write(piece)
                if file.tell() > most:
                    raise _too_large(upload, most)
            file.flush()
            yield Path(file.name)
    except (StoreDown, OSError) as error:
        raise TryLater(f"{upload.name} cannot be read now: {error}") from error


async def _pieces(upload: Upload, files: FileStore) -> AsyncIterator[bytes]:
    if not upload.ref.startswith("data:"):
        async for piece in files.open(upload.ref):
            yield piece
        return
    head, _, data = upload.ref.partition(",")
    try:
        yield base64.b64decode(data, validate=True) if head.endswith(";base64") else data.encode()
    except ValueError as error:
        raise Unshowable(f"{upload.name}: its bytes cannot be read") from error


def _too_large(upload: Upload, most: int) -> TooLarge:
    return TooLarge(f"{upload.name} has more than the {most >> 20} MiB that may be sent there", most=most)
