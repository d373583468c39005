"""Files that a flow shows: kept before the flow is in force, whatever becomes of the project's own."""

import shutil
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.files import FolderFiles
from bot.flow.read import read
from bot.model import Media
from bot.testing.files import MemoryFiles
from config.wiring import keep_files
from tests.journeys.stage import SHOP, stage


def pictures(parts: object) -> list[Media]:
    assert isinstance(parts, tuple)
    return [part for part in parts if isinstance(part, Media)]


async def test_the_shops_map_reaches_the_customer_as_a_file_of_ours(tmp_path: Path) -> None:
    async with stage(tmp_path) as desk:
        await desk.say("where is your shop?")
        (shown,) = pictures(tuple(part for sent in desk.memory.sent for part in sent.message.parts))
        kept = await desk.parts.files.look(shown.ref)
        content = b"".join([piece async for piece in desk.parts.files.open(shown.ref)])
    assert (shown.kind, shown.name, kept.type, kept.size) == ("image", "map.png", shown.type, shown.size)
    assert content == (SHOP / "files" / "map.png").read_bytes()


async def test_a_picture_outlives_its_place_in_the_project(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    shutil.copytree(SHOP, flows)
    book, files = read(flows), FolderFiles(tmp_path / "kept")
    await keep_files(book, flows, files)
    (flows / "files" / "map.png").unlink()
    await keep_files(book, flows, files)
    assert [(await files.look(file.ref)).size for file in book.files] == [file.size for file in book.files]


@pytest.mark.parametrize("now", [b"\x89PNG\r\n\x1a\nanother", None])
async def test_what_changes_between_reading_and_keeping_is_not_put_in_force(tmp_path: Path, now: bytes | None) -> None:
    flows = tmp_path / "flows"
    shutil.copytree(SHOP, flows)
    book = read(flows)
    if now is None:
        (flows / "files" / "map.png").unlink()
    else:
        (flows / "files" / "map.png").write_bytes(now)
    with pytest.raises(SettingsError, match=r"map\.png .*try again"):
        await keep_files(book, flows, MemoryFiles())
