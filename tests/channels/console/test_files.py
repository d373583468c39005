"""What agents see of files: bound to the event that names them, and nothing in them can run."""

from urllib.parse import quote

import httpx2
import pytest

from bot.errors import FileGone, Forbidden, NotSent, TryLater, Unreachable, Unshowable
from bot.files import pieces_of
from bot.model import ConversationId, Media, Message, Said, Span, Text
from bot.units import Log
from bot.uploads import MOST_UPLOAD
from channels.console.frames import Uploaded
from tests.channels.console.conftest import Browser, Place, problem, read
from tests.pictures import png

PNG = png()
OGG = b"OggS" + bytes(range(256)) * 100
HTML = b"<html><script>alert(document.cookie)</script></html>"


@pytest.fixture
async def jo(place: Place) -> Browser:
    return await place.signed_in(place.jo)


async def said(place: Place, *parts: Media | Text) -> ConversationId:
    return await place.room.says(Message(parts), channel="memory")


def file_of(id: ConversationId, part: int = 0, seq: int = 1) -> str:
    return f"/conversations/{id}/files/{seq}/{part}"


async def test_an_agent_sees_the_photo_a_customer_sent(place: Place, jo: Browser) -> None:
    place.platform.files["AgAC"] = PNG
    id = await said(place, Text((Span("broken"),)), Media("image", "AgAC", name="shoe.png"))
    answer = await jo.get(file_of(id, 1))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename=\"shoe.png\"; filename*=UTF-8''shoe.png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_was_fetched_once_outlives_the_platforms_address(place: Place, jo: Browser) -> None:
    place.platform.files["AgAC"] = PNG
    id = await said(place, Media("image", "AgAC"))
    await jo.get(file_of(id))
    del place.platform.files["AgAC"]
    assert (await jo.get(file_of(id))).content == PNG


async def test_a_file_that_was_tidied_away_is_fetched_again(place: Place, jo: Browser) -> None:
    place.platform.files["AgAC"] = PNG
    id = await said(place, Media("image", "AgAC"))
    await jo.get(file_of(id))
    place.files.kept.clear()
    assert (await jo.get(file_of(id))).content == PNG


async def test_a_file_of_ours_needs_no_platform(place: Place, jo: Browser) -> None:
    kept = await place.files.keep(pieces_of(PNG), most=len(PNG))
    id = await said(place, Media("image", kept.ref))
    assert (await jo.get(file_of(id))).content == PNG


@pytest.mark.parametrize(
    ("content", "name", "type"),
    [
        (HTML, "photo.png", "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg", "application/octet-stream"),
        (b"%PDF-1.7", "invoice.pdf", "application/pdf"),
        (b"plain words", "a.html", "text/plain; charset=utf-8"),
    ],
)
async def test_only_pictures_are_shown_in_place(
    place: Place, jo: Browser, content: bytes, name: str, type: str
) -> None:
    """Whatever the customer and the platform say it is."""
    place.platform.files["f"] = content
    id = await said(place, Media("image", "f", name=name, type="image/png"))
    answer = await jo.get(file_of(id))
    assert answer.headers["content-type"] == type
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_name_cannot_leave_its_header(place: Place, jo: Browser) -> None:
    place.platform.files["f"] = PNG
    id = await said(place, Media("image", "f", name='../a"\r\nSet-Cookie: x=1; "鞋.png'))
    answer = await jo.get(file_of(id))
    expected = (
        "inline; filename=\"a_Set-Cookie_ x=1; __.png\"; filename*=UTF-8''a_Set-Cookie_%20x%3D1%3B%20_%E9%9E%8B.png"
    )
    assert answer.headers["content-disposition"] == expected
    assert "set-cookie" not in answer.headers


async def test_a_player_may_ask_for_a_part_of_a_sound(place: Place, jo: Browser) -> None:
    place.platform.files["v"] = OGG
    id = await said(place, Media("voice", "v"))
    path = f"/api/console{file_of(id)}"
    answers = {
        range: await jo.http.get(path, headers={"Range": range})
        for range in ("bytes=0-", "bytes=100-199", "bytes=-10", f"bytes={len(OGG)}-", "bytes=9-5", "lines=1-2")
    }
    assert {range: (answer.status_code, answer.content) for range, answer in answers.items()} == {
        "bytes=0-": (200, OGG),
        "bytes=100-199": (206, OGG[100:200]),
        "bytes=-10": (206, OGG[-10:]),
        f"bytes={len(OGG)}-": (416, b""),
        "bytes=9-5": (200, OGG),
        "lines=1-2": (200, OGG),
    }
    assert answers["bytes=100-199"].headers["content-range"] == f"bytes 100-199/{len(OGG)}"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (FileGone("gone"), (404, "not_found")),
        (Unshowable("gone"), (404, "not_found")),
        (Forbidden("not yours", scope="address"), (404, "not_found")),
        (Forbidden("wrong token", scope="account"), (503, "unavailable")),
        (Unreachable("no answer"), (503, "unavailable")),
        (TryLater("slow down"), (503, "unavailable")),
    ],
)
async def test_an_agent_is_told_whether_a_file_may_be_had_later(
    place: Place, jo: Browser, fault: NotSent, told: tuple[int, str]
) -> None:
    place.platform.files["AgAC"] = PNG
    place.platform.faults_of["fetch"] = [fault]
    id = await said(place, Media("image", "AgAC"))
    assert problem(await jo.get(file_of(id))) == told
    assert (await jo.get(file_of(id))).content == PNG


async def test_what_is_too_large_is_not_fetched(place: Place, jo: Browser) -> None:
    id = await said(place, Media("video", "v", size=10**9))
    answer = await jo.get(file_of(id))
    assert problem(answer) == (413, "invalid")
    assert "25 MB at most" in answer.text


async def test_only_a_part_of_this_conversation_that_is_a_file_is_found(place: Place, jo: Browser) -> None:
    place.platform.files["AgAC"] = PNG
    id = await said(place, Media("image", "AgAC"), Text((Span("look"),)))
    other = await place.room.says("hello", by="bob", channel="memory")
    assert (await jo.get(file_of(id))).status_code == 200
    for path in (file_of(id, 1), file_of(id, 2), file_of(id, 0, 0), file_of(id, 0, 2), file_of(other), file_of(id, -1)):
        assert problem(await jo.get(path)) == (404, "not_found")
    assert problem(await place.browser().get(file_of(id))) == (401, "signed_out")


async def test_two_accounts_of_a_platform_have_files_of_their_own(place: Place, jo: Browser) -> None:
    """The same reference means another file there."""
    kept = await place.files.keep(pieces_of(b"another account's"), most=99)
    await place.files.remember('["memory","north","AgAC"]', kept.ref)
    place.platform.files["AgAC"] = PNG
    id = await said(place, Media("image", "AgAC"))
    assert (await jo.get(file_of(id))).content == PNG
    assert [event.seq for event in await place.room.store.read(Log(conversation=id))] == [1]


# What agents send


async def uploaded(browser: Browser, id: ConversationId, content: bytes, name: str) -> httpx2.Response:
    return await browser.post(f"/conversations/{id}/files?name={quote(name)}", content=content, headers=OCTETS)


OCTETS: dict[str, str | None] = {"Content-Type": "application/octet-stream"}


async def test_an_agent_sends_a_picture_with_words(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Where are you?"),)))
    up = read(await uploaded(jo, id, PNG, "the way.png"), Uploaded)
    file = {"ref": up.ref, "name": up.name}
    done = await jo.act(id, "reply", {"text": "Here.", "seen": 1, "epoch": 0, "claim": True, "files": [file]})
    event = (await place.room.store.read(Log(conversation=id, after=done.seq - 1)))[0]
    assert event.body == Said(Message((Media("image", up.ref, "the way.png", "image/png", len(PNG), caption="Here."),)))
    assert (await jo.get(file_of(id, 0, done.seq))).content == PNG


async def test_several_files_stand_below_the_words(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Hello"),)))
    files = []
    for content, name in ((PNG, "a.png"), (b"%PDF-1.7", "b.pdf")):
        up = read(await uploaded(jo, id, content, name), Uploaded)
        files.append({"ref": up.ref, "name": up.name})
    done = await jo.act(id, "reply", {"text": "Both.", "seen": 1, "epoch": 0, "claim": True, "files": files})
    (event,) = await place.room.store.read(Log(conversation=id, after=done.seq - 1))
    assert isinstance(event.body, Said)
    assert [type(part) for part in event.body.message.parts] == [Text, Media, Media]


async def test_a_file_needs_no_words(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Hello"),)))
    up = read(await uploaded(jo, id, PNG, "a.png"), Uploaded)
    file = {"ref": up.ref, "name": up.name}
    reply = {"text": "", "seen": 1, "epoch": 0, "claim": True, "files": [file]}
    assert (await jo.act(id, "reply", reply)).row.last_text == "[image] a.png"
    nothing = {**reply, "files": []}
    assert problem(await jo.post(f"/conversations/{id}/reply", nothing)) == (422, "invalid")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (HTML, "page.html"),
        (HTML, "photo.png"),
        (b"<svg/>", "a.svg"),
        (PNG, "photo.jpg"),
        (PNG, "photo.png.exe"),
        (b"MZ\x90\0" + b"\0" * 5000, "setup.txt"),
        (b"", "empty.txt"),
    ],
)
async def test_what_is_not_what_it_says_is_not_kept(place: Place, jo: Browser, content: bytes, name: str) -> None:
    id = await said(place, Text((Span("Hello"),)))
    assert problem(await uploaded(jo, id, content, name)) == (415, "invalid")
    assert place.files.kept == {}


async def test_an_upload_ends_where_it_is_too_large(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Hello"),)))
    answer = await uploaded(jo, id, PNG + b"\0" * MOST_UPLOAD, "a.png")
    assert problem(answer) == (413, "invalid")
    assert "20 MB at most" in answer.text
    assert place.files.kept == {}


async def test_only_what_was_uploaded_can_be_sent(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Hello"),)))
    for file in (
        {"ref": f"kept:{'0' * 64}", "name": "a.png"},
        {"ref": "https://evil.example/a.png", "name": "a.png"},
        {"ref": "kept:../../etc/passwd", "name": "a.png"},
        {"ref": read(await uploaded(jo, id, PNG, "a.png"), Uploaded).ref, "name": "a.exe"},
    ):
        reply = {"text": "Look", "seen": 1, "epoch": 0, "claim": True, "files": [file]}
        assert problem(await jo.post(f"/conversations/{id}/reply", reply)) == (422, "invalid")


async def test_an_upload_needs_a_sign_in_and_its_token(place: Place, jo: Browser) -> None:
    id = await said(place, Text((Span("Hello"),)))
    assert problem(await uploaded(place.browser(), id, PNG, "a.png")) == (401, "signed_out")
    jo.csrf = "another"
    assert problem(await uploaded(jo, id, PNG, "a.png")) == (403, "csrf")
    assert place.files.kept == {}
