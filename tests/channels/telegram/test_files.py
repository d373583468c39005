"""Files of ours on Telegram: uploaded, shown as what they are, and what becomes of those it does not take."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import httpx2
import pytest
from msgspec.structs import replace
from PIL import Image
from pydantic import SecretStr

from bot.errors import FileGone, TooLarge, Unreachable, Unshowable
from bot.fit import fit
from bot.model import Choices, Location, Media, Message, Option, Span, Text, text
from bot.ports import Kept
from bot.testing.files import MemoryFiles
from channels.telegram import Settings, build
from channels.telegram.render import MEGABYTE
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import TOKEN, Stand, standing


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


def drawn(kind: str, width: int = 40, height: int = 30) -> bytes:
    made = BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, kind)
    return made.getvalue()


CONTENTS: dict[str, tuple[bytes, str, str, str]] = {
    "photo": (drawn("JPEG"), "shoe.jpg", "sendPhoto", "image"),
    "moving picture": (drawn("GIF"), "shoe.gif", "sendAnimation", "video"),
    "drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "plan.svg", "sendDocument", "file"),
    "document": (b"%PDF-1.7 x", "Rechnung März.pdf", "sendDocument", "file"),
    "song": (b"ID3\x04" + b"\0" * 60, "song.mp3", "sendAudio", "audio"),
    "film": (b"\0\0\0\x18ftypmp42" + b"\0" * 60, "film.mp4", "sendVideo", "video"),
    "film that the app does not play": (b"\0\0\0\x18ftypqt  " + b"\0" * 60, "film.mov", "sendDocument", "file"),
}


@pytest.mark.parametrize("what", CONTENTS)
async def test_tg5_a_file_of_ours_is_uploaded_and_shown_as_what_it_is(stand: Stand, what: str) -> None:
    content, name, method, kind = CONTENTS[what]
    to = await stand.place()
    await stand.send(to, Message((await stand.keeps(content, name, caption="look"),)))
    (message,) = stand.ours()
    assert (stand.texts(), message["files"][0]["kind"], message["files"][0]["name"]) == (["look"], kind, name)
    assert stand.calls(method)[-1]["uploads"][0]["size"] == len(content)
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(stand.api + message["files"][0]["href"])).content == content


async def test_tg5_a_voice_note_of_ours_is_one_where_the_app_plays_it(stand: Stand) -> None:
    to = await stand.place()
    await stand.send(to, Message((await stand.keeps(b"OggS" + b"\0" * 60, "a.ogg", kind="voice"),)), key="1")
    webm = b"\x1aE\xdf\xa3\0\0webm\0A_OPUS" + b"\0" * 60
    await stand.send(to, Message((await stand.keeps(webm, "a.webm", kind="voice"),)), key="2")
    assert [message["files"][0]["kind"] for message in stand.ours()] == ["voice", "file"]


async def test_tg5_an_album_of_ours_is_one_with_one_caption(stand: Stand) -> None:
    to = await stand.place()
    captions = ("Front", "", "Back")
    files = [await stand.keeps(drawn("PNG", 10 + n), f"{n}.png", caption=c) for n, c in enumerate(captions)]
    (piece,) = fit(Message(tuple(files)), stand.channel.capabilities(to)).pieces
    receipt = await stand.send(to, piece)
    assert (len(receipt.refs), len(stand.calls("sendMediaGroup")[-1]["uploads"])) == (3, 3)
    assert len({message["album"] for message in stand.ours()}) == 1
    assert stand.texts() == ["Front\nBack", "", ""]


async def test_tg5_twelve_pictures_are_two_albums(stand: Stand) -> None:
    to = await stand.place()
    files = [await stand.keeps(drawn("PNG", 10 + n), f"{n}.png") for n in range(12)]
    for number, piece in enumerate(fit(Message(tuple(files)), stand.channel.capabilities(to)).pieces):
        await stand.send(to, piece, key=f"d.{number}")
    assert [len(call["media"]) for call in stand.calls("sendMediaGroup")] == [10, 2]


async def test_tg5_pictures_that_are_none_make_the_album_one_of_documents(stand: Stand) -> None:
    to = await stand.place()
    wide = drawn("PNG", 400, 10)
    files = [await stand.keeps(wide, "wide.png"), await stand.keeps(drawn("PNG"), "b.png", caption="two")]
    await stand.send(to, Message(tuple(files)))
    assert [message["files"][0]["kind"] for message in stand.ours()] == ["file", "file"]
    assert stand.texts() == ["two", ""]


async def test_a_picture_that_is_refused_as_one_goes_as_a_document(stand: Stand) -> None:
    to = await stand.place()
    ask = Choices((Option("Fine", "/f", "t" * 22),), look="buttons")
    await stand.send(to, Message((await stand.keeps(drawn("PNG", 400, 10), "wide.png", alt="a scarf"), ask)))
    (message,) = stand.ours()
    assert (stand.texts(), message["files"][0]["kind"]) == (["a scarf"], "file")
    assert message["rows"][0][0]["label"] == "Fine"


async def test_a_picture_over_10_mb_goes_as_a_document_at_once(stand: Stand) -> None:
    to = await stand.place()
    large = picture() + b"\0" * (10 * 1024 * 1024)
    await stand.send(to, Message((await stand.keeps(large, "large.png"),)))
    assert [message["files"][0]["kind"] for message in stand.ours()] == ["file"]
    assert not [entry for entry in stand.sandbox.journal.entries if entry.kind == "refused"]


class Heavy(MemoryFiles):
    async def look(self, ref: str, *, name: str = "") -> Kept:
        return Kept(ref, "application/pdf", 50 * 1024 * 1024 + 1)


async def test_a_file_that_is_gone_or_too_large_is_not_sent() -> None:
    async with standing() as stand:
        with pytest.raises(FileGone):
            await stand.send(await stand.place(), Message((Media("image", f"kept:{'0' * 64}", type="image/png"),)))
        assert stand.ours() == []
    async with standing(files=Heavy()) as stand:
        with pytest.raises(TooLarge, match="50 MB"):
            await stand.send(await stand.place(), Message((await stand.keeps(b"%PDF-1.7 x", "a.pdf"),)))
        assert stand.ours() == []


async def test_a_file_is_uploaded_once_and_again_when_the_platform_has_forgotten_it(stand: Stand) -> None:
    to = await stand.place()
    message = Message((await stand.keeps(drawn("PNG"), "a.png"),))
    for number in range(2):
        await stand.send(to, message, key=f"d.{number}")
    assert ["uploads" in call for call in stand.calls("sendPhoto")] == [True, False]
    stand.fault("sendPhoto", status=400, error="wrong file identifier/HTTP URL specified")
    await stand.send(to, message, key="d.2")
    assert ["uploads" in call for call in stand.calls("sendPhoto")] == [True, False, True]
    hrefs = [shown["files"][0]["kind"] for shown in stand.ours()]
    assert hrefs == ["image"] * 3


async def test_no_name_of_a_file_breaks_the_call_it_is_in(stand: Stand) -> None:
    to = await stand.place()
    name = 'a"b\r\nX-Evil: 1\r\n\r\n../\u202efdp.pdf'
    await stand.send(to, Message((await stand.keeps(b"%PDF-1.7 x", name),)))
    (shown,) = stand.ours()
    assert "\n" not in shown["files"][0]["name"]
    assert "/" not in shown["files"][0]["name"]


class Long(MemoryFiles):
    """Its files are of 40 MB, and it knows how many of them were asked for."""

    asked = 0

    async def open(self, ref: str, *, start: int = 0) -> AsyncIterator[bytes]:
        for _ in range(40):
            self.asked += 1
            yield b"%PDF" * (MEGABYTE // 4)


async def test_a_file_is_read_while_it_is_sent_and_not_before() -> None:
    files, asked = Long(), list[int]()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"%PDF")
        asked.append(files.asked)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, standing(files=files) as stand:
        to, media = await stand.place(), await stand.keeps(b"%PDF-1.7 x", "a.pdf")
        api = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        channel = build("shop", Settings(token=SecretStr(TOKEN), api=api), **stand.given)
        with pytest.raises(Unreachable):
            await channel.send(to, Message((media,)), key="d.0")
        await channel._client.close()
    assert 0 < asked[0] < 40


async def test_the_words_of_files_can_be_written_anew_and_a_place_cannot(stand: Stand) -> None:
    to = await stand.place()
    media = await stand.keeps(drawn("PNG"), "a.png", caption="Sohe")
    other = await stand.keeps(drawn("PNG", 50), "b.png")

    def worded(*captions: str) -> Message:
        return Message(
            tuple(replace(each, caption=words) for each, words in zip((media, other), captions, strict=False))
        )

    one = await stand.send(to, worded("Sohe"))
    await stand.channel.edit(to, one.refs[0], worded("Shoe"), key="e")
    album = await stand.send(to, worded("Tow", ""), key="d.1")
    await stand.channel.edit(to, album.refs[0], worded("Two", ""), key="f")
    assert stand.texts() == ["Shoe", "Two", ""]
    await stand.channel.edit(to, one.refs[0], worded(""), key="g")
    await stand.channel.edit(to, one.refs[0], worded(""), key="g")
    assert stand.texts() == ["", "Two", ""]
    with pytest.raises(Unshowable):
        await stand.channel.edit(to, one.refs[0], Message((Location(1, 2),)), key="h")


async def test_words_and_a_picture_keep_their_order(stand: Stand) -> None:
    to = await stand.place()
    parts = (Text((Span("Here it is:"),)), await stand.keeps(drawn("PNG"), "a.png", caption="the shoe"))
    for number, piece in enumerate(fit(Message(parts), stand.channel.capabilities(to)).pieces):
        await stand.send(to, piece, key=f"d.{number}")
    await stand.send(to, text("Bye"), key="d.9")
    assert stand.texts() == ["Here it is:", "the shoe", "Bye"]
