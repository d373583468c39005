"""What every store of files promises."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import FileGone, TooLarge
from bot.files import FolderFiles, pieces_of
from bot.ports import FileStore, Kept
from bot.testing.files import MemoryFiles

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture" * 100_000
REF = f"kept:{hashlib.sha256(PNG).hexdigest()}"


@pytest.fixture(params=["memory", "folder"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return MemoryFiles() if request.param == "memory" else FolderFiles(tmp_path / "data" / "files")


async def content(files: FileStore, ref: str) -> bytes:
    return b"".join([piece async for piece in files.open(ref)])


async def test_what_was_kept_comes_back_whole(files: FileStore) -> None:
    kept = await files.keep(pieces_of(PNG), most=len(PNG))
    assert kept == Kept(REF, "image/png", len(PNG))
    assert await files.look(REF) == kept
    assert await content(files, REF) == PNG


async def test_the_same_content_twice_is_one_file(files: FileStore) -> None:
    first, second = await asyncio.gather(*(files.keep(pieces_of(PNG), most=len(PNG), name=n) for n in ("a", "b")))
    assert first == second
    assert await content(files, first.ref) == PNG


async def test_a_part_of_it_comes_from_the_byte_that_is_asked_for(files: FileStore) -> None:
    await files.keep(pieces_of(PNG), most=len(PNG))
    assert b"".join([piece async for piece in files.open(REF, start=500_001)]) == PNG[500_001:]
    assert b"".join([piece async for piece in files.open(REF, start=len(PNG))]) == b""


async def test_it_is_known_where_a_file_came_from(files: FileStore) -> None:
    await files.remember("telegram shop AgAC../x", REF)
    await files.remember("telegram shop AgAC../x", f"kept:{'0' * 64}")
    assert await files.remembered("telegram shop AgAC../x") == f"kept:{'0' * 64}"
    assert await files.remembered("telegram shop \ud800") is None


async def test_an_empty_file_is_a_file(files: FileStore) -> None:
    kept = await files.keep(pieces_of(b""), most=0)
    assert await content(files, kept.ref) == b""


async def test_one_byte_too_many_is_refused_as_soon_as_it_comes(files: FileStore) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 10

    with pytest.raises(TooLarge) as refused:
        await files.keep(endless(), most=25)
    assert (read, refused.value.most) == (3, 25)


async def test_what_breaks_off_is_not_there(files: FileStore) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield PNG[:-1]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.keep(cut(), most=len(PNG))
    with pytest.raises(FileGone):
        await files.look(f"kept:{hashlib.sha256(PNG[:-1]).hexdigest()}")


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "kept:",
        f"kept:{'0' * 64}",
        f"kept:{'0' * 63}",
        f"kept:{'A' * 64}",
        f"kept:../../{'0' * 64}",
        "kept:../../etc/passwd",
        f"kept:{'0' * 64}\n",
        f"kept:{'٠' * 64}",
        "https://shop.example/a.png",
        "/etc/passwd",
        REF.removeprefix("kept:"),
    ],
)
async def test_a_reference_that_names_no_file_finds_none(files: FileStore, ref: str) -> None:
    await files.keep(pieces_of(PNG), most=len(PNG))
    with pytest.raises(FileGone):
        await files.look(ref)
    with pytest.raises(FileGone):
        await content(files, ref)


async def test_a_name_chooses_between_formats_that_begin_alike(files: FileStore) -> None:
    office = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert (await files.keep(pieces_of(b"PK\x03\x04.."), most=99, name="letter.docx")).type == office
    assert (await files.keep(pieces_of(b"PK\x03\x04.."), most=99, name="letter.png")).type == "application/zip"
