import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import StoreDown
from bot.files import FolderFiles, copy_files, pieces_of


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_a_name_never_becomes_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    for name in ("../../evil.sh", "/etc/passwd", "a\0b", "..", "con", "x" * 5000, "a\nb", "‮gnp.exe"):
        await FolderFiles(folder).keep(pieces_of(name.encode()), most=10_000, name=name)
    assert everything(tmp_path) == everything(folder)
    assert all(len(path.name) == 64 and path.parent.name == path.name[:2] for path in everything(folder))


async def test_only_its_owner_can_read_a_file(tmp_path: Path) -> None:
    await FolderFiles(tmp_path / "files").keep(pieces_of(b"mine"), most=99)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "files").rglob("*")} == {0}


async def test_a_folder_that_cannot_be_written_is_a_store_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    with pytest.raises(StoreDown):
        await FolderFiles(tmp_path / "files").keep(pieces_of(b"x"), most=99)


async def test_nothing_is_left_of_what_broke_off(tmp_path: Path) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await FolderFiles(tmp_path / "files").keep(cut(), most=99)
    assert everything(tmp_path) == []


async def test_what_a_dead_process_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    old.write_text("half"), new.write_text("half")
    os.utime(old, (time.time() - 90_000,) * 2)
    await files.keep(pieces_of(b"whole"), most=99)
    assert (old.exists(), new.exists()) == (False, True)


async def test_a_copy_has_every_file_and_brings_only_what_is_new(tmp_path: Path) -> None:
    files, copy = FolderFiles(tmp_path / "files"), tmp_path / "copy"
    first = await files.keep(pieces_of(b"one"), most=99)
    await files.remember("telegram shop AgAC", first.ref)
    assert copy_files(tmp_path / "files", copy) == 2
    was = (copy / first.ref[5:7] / first.ref[5:]).stat().st_ino
    second = await files.keep(pieces_of(b"two"), most=99)
    (tmp_path / "files" / "half.part").write_text("half")
    assert copy_files(tmp_path / "files", copy) == 3
    assert (copy / first.ref[5:7] / first.ref[5:]).stat().st_ino == was
    restored = FolderFiles(copy)
    assert await restored.remembered("telegram shop AgAC") == first.ref
    assert b"".join([piece async for piece in restored.open(second.ref)]) == b"two"
    assert not list(copy.rglob("*.part"))


def test_where_nothing_is_kept_nothing_is_copied(tmp_path: Path) -> None:
    assert copy_files(tmp_path / "files", tmp_path / "copy") == 0
    assert not (tmp_path / "copy").exists()
