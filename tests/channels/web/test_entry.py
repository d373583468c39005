"""Who may come in: origins, tokens and limits at every door."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.units import FindPeople, Identities
from channels.web.settings import WebLimits
from channels.web.tokens import TOKEN_SECONDS, Tokens, identity_of
from tests.channels.web.house import FREE, SECRET, SHOP, House, Visitor, opened

FOREIGN = {
    "none": None,
    "foreign": "https://evil.example.org",
    "null": "null",
    "suffix": SHOP + ".evil.com",
    "other port": SHOP + ":8443",
    "other scheme": "http://shop.example.org",
    "empty": "",
}
PATHS = [
    ("POST", "token"),
    ("POST", "frames"),
    ("GET", "stream"),
    ("OPTIONS", "token"),
    ("OPTIONS", "frames"),
    ("POST", "files"),
]


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN.keys())
async def test_no_handshake_from_another_page(house: House, visitor: Visitor, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    with pytest.raises(InvalidStatus) as refused:
        await connect(house.url.replace("http", "ws") + "/ws/widget", additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 403
    assert b'"origin"' in (refused.value.response.body or b"")


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN.keys())
async def test_no_call_from_another_page(
    house: House, visitor: Visitor, method: str, path: str, origin: str | None
) -> None:
    headers = visitor.headers() | {"Origin": origin or ""}
    if origin is None:
        del headers["Origin"]
    answer = await visitor.http.request(method, f"/api/widget/{path}", headers=headers, json={"account": "shop"})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["token", "frames", "stream", "files"])
async def test_a_listed_page_is_told_that_it_may(house: House, visitor: Visitor, path: str) -> None:
    answer = await visitor.http.options(f"/api/widget/{path}", headers={"Origin": SHOP})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_our_own_page_may_as_well(house: House, visitor: Visitor) -> None:
    own = Visitor(house, visitor.http, origin=house.url)
    await own.sign_in()
    for carrier in ("socket", "stream"):
        reader = await own.read(carrier)
        assert (await reader.say("Hello"))["frame"] == "ack"
        await reader.close()
    answer = await visitor.http.get(
        "/api/widget/stream", headers={"Sec-Fetch-Site": "same-origin", "Authorization": "Bearer x"}
    )
    assert answer.status_code == 401


async def test_a_secret_is_given_once_and_names_the_same_visitor_for_ever(house: House, visitor: Visitor) -> None:
    again = await visitor.ask_token()
    assert "secret" not in again.json()
    assert (again.json()["seconds"], again.json()["greeting"]["name"]) == (TOKEN_SECONDS, "Ada")
    tokens = Tokens(SECRET, "shop", house.clock)
    claim = tokens.verify(again.json()["token"])
    assert claim is not None
    assert claim.identity == visitor.identity == identity_of(visitor.secret)
    assert visitor.secret not in again.text
    assert (await visitor.ask_token(secret="")).json()["secret"] != visitor.secret


async def test_a_broken_secret_is_replaced(house: House, visitor: Visitor) -> None:
    answer = await visitor.ask_token(secret="broken by some extension")
    assert len(answer.json()["secret"]) == 43


async def test_a_token_writes_nothing(house: House, visitor: Visitor) -> None:
    assert house.receive.arrivals == []
    assert house.store.reads == 0


async def test_another_account_is_unknown(house: House, visitor: Visitor) -> None:
    assert (await visitor.ask_token(account="bank")).status_code == 404


@pytest.mark.parametrize(
    ("locale", "accept", "language"),
    [("fr-CA", "de", "fr-CA"), ("", "de-AT,de;q=0.9", "de-AT"), ("<script>", "", "en"), ("x" * 40, "es;q=1", "es")],
)
async def test_the_language_is_the_pages_or_the_browsers(
    house: House, visitor: Visitor, locale: str, accept: str, language: str
) -> None:
    body = {"account": "shop", "locale": locale}
    headers = visitor.headers(token=False) | {"Accept-Language": accept}
    answer = await visitor.http.post("/api/widget/token", json=body, headers=headers)
    assert answer.json()["greeting"]["language"] == language


def forged(house: House) -> dict[str, str]:
    ours = Tokens(SECRET, "shop", house.clock).grant("5f" * 32, "")
    return {
        "none": "",
        "words": "let me in",
        "unsigned": ours.partition(".")[0],
        "changed": ours[:-1] + ("A" if ours[-1] != "A" else "B"),
        "another server's": Tokens(b"other", "shop", house.clock).grant("5f" * 32, ""),
        "another account's": Tokens(SECRET, "bank", house.clock).grant("5f" * 32, ""),
        "huge": ours * 100,
    }


FORGED = ["none", "words", "unsigned", "changed", "another server's", "another account's", "huge"]


@pytest.mark.parametrize("kind", FORGED)
async def test_no_forged_token_reads_or_writes(house: House, visitor: Visitor, kind: str) -> None:
    token = forged(house)[kind]
    thief = Visitor(house, visitor.http, token=token)
    answer = await thief.frames({"frame": "say", "id": str(uuid.uuid4()), "text": "x"}, uuid.uuid4().hex)
    assert (answer.status_code, answer.json()["code"]) == (401, "token")
    stream = await thief.stream()
    assert stream.status == 401
    reader = await thief.bare_socket()
    await reader.post({"frame": "hello", "token": token})
    assert (await reader.next("refused"))["code"] == "token"
    assert (await reader.say("x"))["code"] == "token"
    assert house.receive.arrivals == []
    await reader.post({"frame": "hello", "token": visitor.token})  # The line is still good for who has a token.
    await reader.next("welcome")
    await reader.close()


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "bearer {}x", "{}", "Bearer {} {}"])
async def test_a_token_travels_as_a_bearer(house: House, visitor: Visitor, header: str) -> None:
    headers = visitor.headers() | {"Authorization": header.replace("{}", visitor.token)}
    answer = await visitor.http.post("/api/widget/frames", content=b'{"frame":"pong"}', headers=headers)
    assert answer.status_code == 401
    doubled = [*visitor.headers().items(), ("Authorization", f"Bearer {visitor.token}")]
    assert (await visitor.http.post("/api/widget/frames", content=b"{}", headers=doubled)).status_code == 401


async def test_a_token_that_ends_is_asked_for_again(house: House, visitor: Visitor) -> None:
    reader, stream = await visitor.socket(), await visitor.stream()
    await reader.say("One")
    for _ in range(TOKEN_SECONDS // 10):
        await house.clock.advance(10)
        await reader.send({"frame": "older", "before": 1})
    assert [refusal["code"] for refusal in reader.of("refused")] == ["token"]
    await house.clock.advance(10)
    id = str(uuid.uuid4())
    assert (await reader.say("Two", id))["code"] == "token"
    assert (await stream.next("refused"))["code"] == "token"
    assert (await visitor.frames({"frame": "say", "id": id, "text": "Two"}, reader.thread)).status_code == 401
    await visitor.sign_in()
    await reader.post({"frame": "hello", "token": visitor.token, "conversation": reader.thread, "after": reader.held})
    await reader.next("welcome", 2)
    assert (await reader.say("Two", id))["frame"] == "ack"
    await reader.holds(2)
    assert reader.texts == ["One", "Two"]
    await reader.close()
    await stream.close()


# Limits


@asynccontextmanager
async def limited(**limits: int) -> AsyncIterator[tuple[House, Visitor]]:
    async with (
        opened(limits=FREE.model_copy(update=limits)) as house,
        httpx2.AsyncClient(base_url=house.url, trust_env=False) as http,
    ):
        visitor = Visitor(house, http)
        await visitor.sign_in()
        yield house, visitor


async def test_messages_beyond_the_pace_wait(carrier: str) -> None:
    async with limited(messages_per_minute=5) as (house, visitor):
        reader = await visitor.read(carrier)
        assert reader.welcome["limits"] == {"text_bytes": 8192, "per_minute": 5, "file_bytes": 20 * 1024 * 1024}
        answers = [await reader.say(str(number)) for number in range(6)]
        assert [answer["frame"] for answer in answers] == ["ack"] * 5 + ["refused"]
        assert (answers[5]["code"], 11.9 < answers[5]["wait"] < 12.2) == ("rate", True)
        await house.clock.advance(answers[5]["wait"])
        assert (await reader.say("5"))["frame"] == "ack"
        await reader.close()


async def test_an_address_has_a_pace_of_its_own(carrier: str) -> None:
    async with limited(messages_per_address=5) as (house, visitor):
        other = Visitor(house, visitor.http)
        await other.sign_in()
        reader, theirs = await visitor.read(carrier), await other.read(carrier)
        answers = [await each.say("x") for each in (reader, theirs) * 3]
        assert [answer["frame"] for answer in answers] == ["ack"] * 5 + ["refused"]
        await reader.close()
        await theirs.close()


async def test_tokens_have_a_pace() -> None:
    async with limited(tokens_per_address=3) as (_, visitor):
        answers = [await visitor.ask_token() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] in ("20", "21")
        assert answers[2].json()["wait"] == pytest.approx(20, abs=0.2)
        assert answers[2].headers["access-control-allow-origin"] == SHOP


async def test_reading_has_a_pace(carrier: str) -> None:
    async with limited(reads_per_address=3) as (_, visitor):
        reader = await visitor.read(carrier)
        await reader.say("x")
        answers = [await reader.send({"frame": "older", "before": 9}) for _ in range(3)]
        assert [answer["frame"] for answer in answers] == ["older", "older", "refused"]
        hello = {"frame": "hello", "token": visitor.token}
        assert (await visitor.frames(hello, "")).status_code == 429
        assert (await visitor.stream()).status == 429
        await reader.close()


@pytest.mark.parametrize("limit", ["connections_per_address", "connections_per_visitor"])
async def test_connections_are_counted_and_given_back(limit: str) -> None:
    async with limited(**{limit: 2}) as (_, visitor):
        first, second = await visitor.socket(), await visitor.stream()
        full = await visitor.bare_socket()
        if limit == "connections_per_visitor":
            await full.post({"frame": "hello", "token": visitor.token})
        refusal = await full.next("refused")
        assert (refusal["code"], refusal["wait"]) == ("rate", 30.0)
        assert (await visitor.stream()).status == 429
        await first.close()
        await second.close()

        async def comes_in() -> bool:
            reader = await visitor.stream()
            await reader.close()
            return reader.status == 200

        await eventually(comes_in)
        await full.close()


async def test_a_flood_of_frames_ends_the_connection() -> None:
    async with limited(frames_per_second=10) as (_, visitor):
        reader = await visitor.socket()
        for _ in range(50):
            await reader.post({"frame": "pong"})
        await reader.over()
        assert reader.connection.close_code == 1008


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            pass


async def test_limits_are_positive() -> None:
    wrong: Any = {"messages_per_minute": 0}
    with pytest.raises(ValueError, match="messages_per_minute"):
        WebLimits(**wrong)


@pytest.mark.parametrize(("zone", "kept"), [("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", ""), ("../etc", "")])
async def test_the_browsers_time_zone_is_kept_with_the_visitor(
    house: House, visitor: Visitor, zone: str, kept: str
) -> None:
    visitor.token = (await visitor.ask_token(zone=zone)).json()["token"]
    reader = await visitor.socket()
    await reader.say("hello")
    await reader.close()
    (found,) = await house.store.read(FindPeople(search=visitor.identity))
    (identity,) = await house.store.read(Identities(found.contact))
    assert identity.zone == kept
