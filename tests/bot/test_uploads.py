from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from bot.errors import TooLarge, WrongKind
from bot.files import pieces_of
from bot.model import Media
from bot.pictures import MOST_PIXELS
from bot.testing.files import MemoryFiles
from bot.uploads import Uploads
from tests.pictures import noise, png, saved

CANARY = b"canary: 52.52 north, 13.40 east"


async def took(content: bytes, name: str, files: MemoryFiles | None = None) -> tuple[Media, bytes]:
    files = files or MemoryFiles()
    media = await Uploads(files).take(pieces_of(content), name=name)
    return media, b"".join([piece async for piece in files.open(media.ref)])


def photo() -> bytes:
    """Taken upright, with all that a camera writes."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, CANARY.decode()
    return saved(Image.new("RGB", (60, 40), "red"), "JPEG", exif=exif, comment=CANARY) + CANARY


def drawing() -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", CANARY.decode())
    return saved(Image.new("RGBA", (60, 40), (255, 0, 0, 99)), "PNG", pnginfo=told) + CANARY


@pytest.mark.parametrize(("content", "name", "size"), [(photo(), "a.jpg", (40, 60)), (drawing(), "a.png", (60, 40))])
async def test_a_picture_is_kept_as_it_looks_and_nothing_else_of_it(
    content: bytes, name: str, size: tuple[int, int]
) -> None:
    assert CANARY in content
    media, kept = await took(content, name)
    assert CANARY not in kept
    assert Image.open(BytesIO(kept)).size == size
    assert (media.size, media.kind) == (len(kept), "image")


async def test_a_picture_keeps_what_can_be_seen_through() -> None:
    _, kept = await took(drawing(), "a.png")
    assert Image.open(BytesIO(kept)).getpixel((0, 0)) == (255, 0, 0, 99)


async def test_the_same_picture_twice_is_one_file() -> None:
    files = MemoryFiles()
    first, again = await took(png(), "a.png", files), await took(png(), "b.png", files)
    assert first[0].ref == again[0].ref
    assert len(files.kept) == 1


async def test_a_picture_that_moves_goes_on_moving() -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "green", "blue")]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert getattr(Image.open(BytesIO(moving)), "n_frames", 1) == 3
    assert (await took(moving, "a.gif"))[1] == moving


@pytest.mark.parametrize("content", [png()[:-40], b"\x89PNG\r\n\x1a\n" + b"\0" * 9000, b"\xff\xd8\xff" + b"x" * 9000])
async def test_what_is_no_picture_after_its_first_bytes_is_not_taken(content: bytes) -> None:
    files = MemoryFiles()
    with pytest.raises(WrongKind):
        await took(content, "", files)
    assert files.kept == {}


async def test_a_small_file_of_too_many_pixels_is_refused_before_they_are_made() -> None:
    side = int(MOST_PIXELS**0.5) + 100
    bomb = saved(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 50_000
    with pytest.raises(TooLarge):
        await took(bomb, "a.png")


async def test_a_picture_is_capped_while_it_comes() -> None:
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        async for piece in _thousands(noise()):
            read += len(piece)
            yield piece

    with pytest.raises(TooLarge):
        await Uploads(MemoryFiles()).take(counted(), name="a.png", most=20_000)
    assert read <= 21_000


async def _thousands(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]
