"""Files that this deployment keeps: in one folder, named by the digest of what is in them.

A file is there whole or not at all, and the same one twice takes the room of one. What it is called by those who sent
it never comes near a path.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from bot.errors import FileGone, StoreDown, TooLarge
from bot.mime import HEAD, type_of
from bot.ports import KEPT, Kept

PIECE = 256 * 1024
"""Bytes that are read at once."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HALF_WRITTEN = ".part"
_ABANDONED_SECONDS = 86_400


def digest_of(ref: str) -> str:
    """Of a file of ours. Raises `FileGone` for every other reference."""
    digest = ref.removeprefix(KEPT)
    if digest == ref or not _DIGEST.fullmatch(digest):
        raise FileGone(f"{ref[:80]!r} names no file of ours")
    return digest


def copy_files(folder: Path, target: Path) -> int:
    """Copy what is kept in `folder` and not yet in `target`; gives how many files are there now.

    None of them ever changes, so this may be done while they are in use: after the database was copied, all that it
    names are among them. Raises `StoreDown` when there is no room.
    """
    found = [path for path in folder.glob("*/*") if path.is_file() and path.suffix != _HALF_WRITTEN]
    with _told():
        for path in found:
            copy = target / path.relative_to(folder)
            if copy.is_file() and copy.stat().st_size == path.stat().st_size:
                continue
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = copy.with_name(f"{copy.name}{_HALF_WRITTEN}")
            shutil.copyfile(path, part)
            part.chmod(0o600)
            part.replace(copy)
    return len(found)


async def pieces_of(content: bytes) -> AsyncIterator[bytes]:
    """What lies in memory already, as a stream."""
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


class FolderFiles:
    """Implements `FileStore`. The folder is made when the first file comes; several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, pieces: AsyncIterator[bytes], *, most: int, name: str = "") -> Kept:
        digest, head, size = hashlib.sha256(), b"", 0
        with _told():
            part = await asyncio.to_thread(self._begun)
        try:
            async for piece in pieces:
                size += len(piece)
                if size > most:
                    raise TooLarge(f"a file of more than {most} bytes", most=most)
                digest.update(piece)
                if len(head) < HEAD:
                    head += piece[: HEAD - len(head)]
                with _told():
                    await asyncio.to_thread(part.write, piece)
            with _told():
                await asyncio.to_thread(self._settled, part, self._path(digest.hexdigest()))
        finally:
            _dropped(part)
        return Kept(f"{KEPT}{digest.hexdigest()}", type_of(head, name), size)

    async def look(self, ref: str, *, name: str = "") -> Kept:
        path = self._path(digest_of(ref))
        with _told(ref):
            head, size = await asyncio.to_thread(_looked_at, path)
        return Kept(ref, type_of(head, name), size)

    async def open(self, ref: str, *, start: int = 0) -> AsyncIterator[bytes]:
        path = self._path(digest_of(ref))
        with _told(ref):
            file = await asyncio.to_thread(path.open, "rb")
        with file:
            file.seek(start)
            while True:
                with _told(ref):
                    piece = await asyncio.to_thread(file.read, PIECE)
                if not piece:
                    return
                yield piece

    async def remember(self, source: str, ref: str) -> None:
        def write() -> None:
            part = self._begun()
            try:
                part.write(ref.encode())
                self._settled(part, path)
            finally:
                _dropped(part)

        path = self._source(source)
        with _told():
            await asyncio.to_thread(write)

    async def remembered(self, source: str) -> str | None:
        try:
            with _told():
                return await asyncio.to_thread(self._source(source).read_text)
        except FileGone:
            return None

    def _source(self, source: str) -> Path:
        return self._folder / "fetched" / hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _begun(self) -> BinaryIO:
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _synced(self._folder.parent)
        handle, name = tempfile.mkstemp(suffix=_HALF_WRITTEN, dir=self._folder)  # readable by its owner alone
        os.close(handle)
        self._tidy(Path(name).stat().st_mtime)
        return Path(name).open("wb")

    def _tidy(self, now: float) -> None:
        """Take away what processes left behind that died while they wrote; `now` by the clock of the disk."""
        for left in self._folder.glob(f"*{_HALF_WRITTEN}"):
            with contextlib.suppress(FileNotFoundError):
                if now - left.stat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()

    def _settled(self, part: BinaryIO, path: Path) -> None:
        """The name and what is under it are on the disk when this returns."""
        part.flush()
        os.fsync(part.fileno())
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _synced(self._folder)
        os.replace(part.name, path)
        _synced(path.parent)


def _dropped(part: BinaryIO) -> None:
    """What has its name by now stays."""
    with contextlib.suppress(OSError):
        part.close()
    Path(part.name).unlink(missing_ok=True)


def _looked_at(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(HEAD), os.fstat(file.fileno()).st_size


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told(ref: str = "") -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileGone(f"file {ref!r} is not there any more") from error
    except OSError as error:
        raise StoreDown(f"the folder of files cannot be used ({error})") from error
