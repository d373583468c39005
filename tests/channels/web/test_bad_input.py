"""Whatever comes in: a clear refusal, never a 500, nothing lost, and the conversation goes on."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.web.frames import ClientFrame, RefusedFrame
from channels.web.intake import read_frame
from tests.channels.web.house import House, Visitor

ID = str(uuid.UUID(int=7))
DEEP = 100_000


def say(**changes: Any) -> bytes:
    return json.dumps({"frame": "say", "id": ID, "text": "x"} | changes, ensure_ascii=False).encode()


def say_raw(text: bytes) -> bytes:
    return b'{"frame": "say", "id": "' + ID.encode() + b'", "text": "' + text + b'"}'


def press(token: str) -> bytes:
    return json.dumps({"frame": "press", "id": ID, "token": token}).encode()


def submit(**changes: Any) -> bytes:
    return json.dumps({"frame": "submit", "id": ID, "token": "t", "values": {}} | changes).encode()


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "bad_frame"),
    "no json": (b"hello", "bad_frame"),
    "cut json": (say()[:-1], "bad_frame"),
    "two values": (say() + say(), "bad_frame"),
    "null": (b"null", "bad_frame"),
    "a list": (b"[]", "bad_frame"),
    "no frame": (b'{"id": "x"}', "bad_frame"),
    "unknown frame": (b'{"frame": "exec"}', "bad_frame"),
    "a server's frame": (b'{"frame": "welcome"}', "bad_frame"),
    "frame is a number": (b'{"frame": 1}', "bad_frame"),
    "unknown field": (say(seq=1), "bad_frame"),
    "missing field": (b'{"frame": "say", "id": "x"}', "bad_frame"),
    "wrong type": (say(text=1), "bad_frame"),
    "text is null": (say(text=None), "bad_frame"),
    "NaN": (b'{"frame": "older", "before": NaN}', "bad_frame"),
    "1e400": (b'{"frame": "older", "before": 1e400}', "bad_frame"),
    "10,000 digits": (b'{"frame": "older", "before": ' + b"9" * 10_000 + b"}", "bad_frame"),
    "a bare NUL": (say_raw(b"\x00"), "bad_frame"),
    "a lone surrogate": (say_raw(b"\\ud800"), "bad_frame"),
    "a low surrogate first": (say_raw(b"\\udc00\\ud800"), "bad_frame"),
    "an id that is none": (say(id="1"), "bad_frame"),
    "an endless id": (say(id="a" * 10_000), "bad_frame"),
    "an id with a line break": (say(id=ID + "\n"), "bad_frame"),
    "nothing said": (say(text=""), "empty"),
    "blanks said": (say(text=" \n\t\u3000"), "empty"),
    "controls said": (say_raw(b"\\u0000\\u0007"), "empty"),
    "too long by a byte": (say(text="x" * 8193), "too_large"),
    "too long by a character": (say(text="é" * 4097), "too_large"),
    "too long once decomposed": (say(text="\ufb2c" * 2000), "too_large"),
    "1 MB": (say(text="x" * 1_000_000), "too_large"),
    "1 MB that is no json": (b"[" * 1_000_000, "too_large"),
    "deep list": (b"[" * 60_000, "bad_frame"),
    "deep object": (b'{"a":' * 12_000, "bad_frame"),
    "deep before the frame": (b'{"id": ' + b"[" * 30_000 + b"]" * 30_000 + b', "frame": "say"}', "bad_frame"),
    "no token": (press(""), "bad_frame"),
    "an endless token": (press("a" * 65), "bad_frame"),
    "a token in words": (press("refund all"), "bad_frame"),
    "a form without a token": (submit(token=""), "bad_frame"),
    "a form with a list": (submit(values=["x"]), "bad_frame"),
    "a form with a number": (submit(values={"a": 1}), "bad_frame"),
    "a field without a name": (submit(values={"": "x"}), "bad_frame"),
    "a field with a path": (submit(values={"a/../b": "x"}), "bad_frame"),
    "too many fields": (submit(values={f"f{n}": "" for n in range(51)}), "bad_frame"),
    "a form too long by a byte": (submit(values={"a": "x" * 8193}), "too_large"),
}


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD.keys())
async def test_on_a_socket(house: House, visitor: Visitor, raw: bytes, code: str) -> None:
    reader = await visitor.socket()
    await reader.say("Before")
    await reader.post(raw.decode())
    assert (await reader.next("refused"))["code"] == code
    assert (await reader.say("After"))["frame"] == "ack"
    await reader.holds(2)
    assert reader.texts == ["Before", "After"]
    await reader.close()


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD.keys())
async def test_by_post(house: House, visitor: Visitor, raw: bytes, code: str) -> None:
    thread = uuid.uuid4().hex
    await visitor.frames({"frame": "say", "id": str(uuid.uuid4()), "text": "Before"}, thread)
    answer = await visitor.frames(raw, thread)
    assert answer.status_code == {"bad_frame": 400, "empty": 422, "too_large": 413}[code]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == visitor.origin
    assert (answer.json()["frame"], answer.json()["code"]) == ("refused", code)
    answer = await visitor.frames({"frame": "say", "id": str(uuid.uuid4()), "text": "After"}, thread)
    assert answer.json()["seq"] == 2


async def test_bytes_on_a_socket_are_no_frame(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    for raw in (b"", b"\xff\x00", say()):
        await reader.post(raw)
    await reader.next("refused", 3)
    assert (await reader.say("After"))["frame"] == "ack"
    await reader.close()


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe2\x82", '{"frame": "pong"}'.encode("utf-16")]
)
async def test_a_body_that_is_no_utf8(house: House, visitor: Visitor, body: bytes) -> None:
    wrapped = say().replace(b'"x"', b'"' + body + b'"')
    assert {(await visitor.frames(each, uuid.uuid4().hex)).status_code for each in (body, wrapped)} == {400}


async def test_a_body_without_a_length_is_capped_as_well(house: House, visitor: Visitor) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    for path in ("frames", "token"):
        answer = await visitor.http.post(f"/api/widget/{path}", content=endless(), headers=visitor.headers())
        assert answer.status_code == 413


async def test_text_of_the_longest_kind_is_taken(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    for words in ("x" * 8192, "é" * 4096, "🧵" * 2048, "\\u0041" * 1000, "‮reversed‬", "👩‍👩‍👧‍👦" * 100):
        assert (await reader.say(words))["frame"] == "ack"
    await reader.holds(6)
    assert reader.texts[2] == "🧵" * 2048
    await reader.close()


@pytest.mark.parametrize(
    "request_body",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'{"account": 1}',
        b'{"account": "shop", "identity": "me"}',
        b'{"account": "shop", "secret": null}',
        b'{"x": ' + b"[" * 3_000,
        b'{"account": "shop", "secret": "\\ud800"}',
    ],
)
async def test_a_token_request_that_is_none(house: House, visitor: Visitor, request_body: bytes) -> None:
    answer = await visitor.http.post("/api/widget/token", content=request_body, headers=visitor.headers(token=False))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "GET", "POST", "TRACE"])
@pytest.mark.parametrize("path", ["token", "frames", "stream"])
async def test_other_methods_are_refused(house: House, visitor: Visitor, path: str, method: str) -> None:
    if (path, method) in (("token", "POST"), ("frames", "POST"), ("stream", "GET")):
        return
    answer = await visitor.http.request(method, f"/api/widget/{path}", headers=visitor.headers())
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "query",
    ["", "conversation=%00", "conversation=\xff", "&".join(["a=b"] * 1000), "%", "after=x&conversation=" + "a" * 5000],
)
async def test_any_query(house: House, visitor: Visitor, query: str) -> None:
    path = "/api/widget/frames?" + quote(query, safe="=&%")
    answer = await visitor.http.post(path, content=say(), headers=visitor.headers())
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_conversation")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_reading_a_frame_is_total(raw: str | bytes) -> None:
    assert isinstance(read_frame(raw, 65536), ClientFrame | RefusedFrame)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"frame":', '{"frame":"say","id":', '{"x":[', '{"a":{"frame":'])
@pytest.mark.parametrize("depth", [1_000, DEEP])
def test_reading_is_total_at_any_depth(opening: str, depth: int) -> None:
    closing = "]" if opening.endswith("[") else "}"
    for raw in (
        opening * depth,
        opening * depth + "1" + closing * depth,
        '{"x":' + "[" * depth + "]" * depth + ',"frame":"pong"}',
    ):
        assert isinstance(read_frame(raw, 10**8), RefusedFrame)
        assert isinstance(read_frame(raw.encode(), 10**8), RefusedFrame)


@given(st.text())
def test_every_text_is_kept_or_refused(text: str) -> None:
    raw = json.dumps({"frame": "say", "id": ID, "text": text})
    frame = read_frame(raw, 65536)
    assert isinstance(frame, RefusedFrame) or msgspec.json.encode(frame)
