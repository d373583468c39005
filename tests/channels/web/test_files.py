"""Files in the chat: loaded under an address that is signed and ends, sent in one request that may be repeated."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from bot.errors import StoreDown
from bot.files import pieces_of
from bot.model import Media, Message, Said
from bot.units import Log
from channels.web.addresses import STEP
from channels.web.settings import WebLimits
from tests.channels.web.house import FREE, MARA, House, Visitor, opened
from tests.pictures import noise, png

PNG = noise(400)
THREAD = "0" * 31 + "1"


async def up(
    visitor: Visitor, content: bytes = PNG, name: str = "shoe.png", *, id: str = "", thread: str = THREAD
) -> httpx2.Response:
    asked = {"conversation": thread, "id": id or str(uuid.uuid4()), "name": name}
    headers = visitor.headers() | {"Content-Type": "application/octet-stream"}
    return await visitor.http.post("/api/widget/files", params=asked, content=content, headers=headers)


async def shown(house: House, visitor: Visitor, media: Media) -> str:
    """Its address, as an agent's message brings it."""
    reader = await visitor.socket(THREAD)
    await reader.say("where are you?")
    await house.say(await house.conversation(visitor.identity, THREAD), Message((media,)), by=MARA)
    frame = await reader.next("event", 2)
    address: str = frame["event"]["parts"][0]["address"]
    await reader.close()
    return address


@asynccontextmanager
async def visiting(house: House) -> AsyncIterator[Visitor]:
    async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as http:
        visitor = Visitor(house, http)
        await visitor.sign_in()
        yield visitor


# What is shown


async def test_a_file_of_ours_is_loaded_without_a_token(house: House, visitor: Visitor) -> None:
    kept = await house.files.keep(pieces_of(PNG), most=len(PNG))
    address = await shown(house, visitor, Media("image", kept.ref, "the way.png"))
    answer = await visitor.http.get(f"/{address}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline; ")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == f"private, max-age={STEP}"
    assert "set-cookie" not in answer.headers


async def test_an_address_ends(house: House, visitor: Visitor) -> None:
    kept = await house.files.keep(pieces_of(PNG), most=len(PNG))
    address = await shown(house, visitor, Media("image", kept.ref, "a.png"))
    await house.clock.advance(STEP - 1)
    assert (await visitor.http.get(f"/{address}")).status_code == 200
    await house.clock.advance(STEP + 1)
    assert (await visitor.http.get(f"/{address}")).status_code == 403


async def test_an_address_is_good_for_one_file_and_name(house: House, visitor: Visitor) -> None:
    kept = await house.files.keep(pieces_of(PNG), most=len(PNG))
    other = await house.files.keep(pieces_of(b"another's"), most=99)
    address = await shown(house, visitor, Media("image", kept.ref, "a.png"))
    digest = kept.ref.removeprefix("kept:")
    signed = address.split("/")[3]
    later = ".".join((digest, "ffffffff", signed.rpartition(".")[2]))
    for changed in (
        address.replace(digest, other.ref.removeprefix("kept:")),
        address.replace("a.png", "a.html"),
        address.replace(signed, later),
        address.replace(signed, signed[:-1]),
        address.replace(signed, digest),
        f"api/widget/files/{digest}/a.png",
        "api/widget/files/../../etc/passwd",
    ):
        assert (await visitor.http.get(f"/{changed}")).status_code in (403, 404)


async def test_what_the_platform_or_another_site_holds_has_no_address_of_ours(house: House, visitor: Visitor) -> None:
    assert await shown(house, visitor, Media("image", "AgAC", "a.png")) == ""


async def test_a_file_that_is_gone_says_so(house: House, visitor: Visitor) -> None:
    kept = await house.files.keep(pieces_of(PNG), most=len(PNG))
    address = await shown(house, visitor, Media("image", kept.ref, "a.png"))
    house.files.kept.clear()
    assert (await visitor.http.get(f"/{address}")).status_code == 404


# What is sent


async def test_a_photo_is_said_and_seen(house: House, visitor: Visitor) -> None:
    reader, id = await visitor.socket(THREAD), str(uuid.uuid4())
    answer = await up(visitor, id=id)
    assert (answer.status_code, answer.json()) == (200, {"frame": "ack", "id": id, "seq": 1})
    (arrival,) = house.receive.arrivals
    (kept,) = house.files.kept
    media = Media("image", f"kept:{kept}", "shoe.png", "image/png", len(PNG))
    assert arrival.bodies == (Said(Message((media,)), id),)
    event = (await reader.next("event"))["event"]
    await reader.close()
    assert (event["ref"], event["parts"][0]["name"]) == (id, "shoe.png")
    assert (await visitor.http.get(f"/{event['parts'][0]['address']}")).content == PNG


async def test_a_repeat_is_one_message_and_another_file_under_its_number_is_refused(
    house: House, visitor: Visitor
) -> None:
    id = str(uuid.uuid4())
    first, again = await up(visitor, id=id), await up(visitor, id=id)
    assert first.json() == again.json()
    assert (await up(visitor, png(), id=id)).status_code == 409
    log = Log(conversation=await house.conversation(visitor.identity, THREAD))
    assert len(await house.store.read(log)) == 1


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<html><script>alert(1)</script>", "photo.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg"),
        (PNG, "photo.exe"),
        (b"MZ\x90\0", "a.png"),
        (b"", "a.png"),
    ],
)
async def test_what_is_not_taken_is_not_kept(house: House, visitor: Visitor, content: bytes, name: str) -> None:
    answer = await up(visitor, content, name)
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_kind")
    assert (house.files.kept, house.receive.arrivals) == ({}, [])


async def test_a_file_is_capped_whatever_is_said_of_its_length() -> None:
    async with opened(limits=FREE.model_copy(update={"file_bytes": 100_000})) as house, visiting(house) as visitor:
        told = await up(visitor, PNG)

        async def unannounced() -> AsyncIterator[bytes]:
            for start in range(0, len(PNG), 1000):
                yield PNG[start : start + 1000]

        asked = {"conversation": THREAD, "id": str(uuid.uuid4()), "name": "a.png"}
        streamed = await visitor.http.post(
            "/api/widget/files", params=asked, content=unannounced(), headers=visitor.headers()
        )
        assert [answer.status_code for answer in (told, streamed)] == [413, 413]
        assert [answer.json()["code"] for answer in (told, streamed)] == ["too_large", "too_large"]
        assert house.files.kept == {}


async def test_a_visitor_may_not_send_without_end() -> None:
    limits = WebLimits(files_per_minute=2)
    async with opened(limits=limits) as house, visiting(house) as visitor:
        answers = [await up(visitor, png(size=(9, 9 + n))) for n in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json()["wait"] > 0
        assert "retry-after" in answers[-1].headers


async def test_a_file_needs_a_token_a_number_and_a_conversation(house: House, visitor: Visitor) -> None:
    stranger = Visitor(house, visitor.http)
    assert (await up(stranger)).status_code == 401
    assert (await up(visitor, id="../x")).status_code == 400
    assert (await up(visitor, thread="")).status_code == 404
    assert (await up(visitor, thread="../x")).status_code == 404
    assert house.files.kept == {}


async def test_a_store_that_is_down_did_not_take_it(house: House, visitor: Visitor) -> None:
    house.store.down = StoreDown("away")
    assert (await up(visitor)).status_code == 503
    house.store.down = None
    assert (await up(visitor)).status_code == 200
