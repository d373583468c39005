"""What all sandboxes have around their platform, on a platform that knows one call."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.testing.clock import SettableClock
from channels.sandbox.faults import Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct, Cut, CutHere, Sandbox, Streamed, app, serving, slowly


class Small(Sandbox):
    """A platform with one call, `GET /ping`, and one act, `say`."""

    name = "small"

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.journal, self.faults = Journal(self.clock), Faults()
        self.said: list[Any] = []

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/ping", self.ping)]

    async def ping(self, request: Request) -> Response:
        fault = self.faults.next("ping")
        if fault and fault.cut:
            return Cut()
        self.journal.add("call", "ping", dict(request.query_params))
        if fault and fault.accept_then_cut:
            return Streamed(_begun(), "application/json")
        answer = JSONResponse({"pong": True})
        return slowly(answer, fault.slow, self.clock) if fault and fault.slow else answer

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        if what not in ("say", "upload"):
            raise BadAct(f"a person cannot {what!r} here; say, upload")
        self.said.append(dict(body))
        self.journal.add("person", what)
        return {"message": str(len(self.said))}

    def seen(self) -> Any:
        return {"platform": self.name, "said": self.said}

    def told(self) -> Mapping[str, str]:
        return {"token": "42:TEST", "base": "{address}/api/"}

    async def close(self) -> None:
        return None


async def _begun() -> AsyncGenerator[bytes, None]:
    yield b'{"po'
    raise CutHere


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.fixture
async def client(small: Small) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app(small))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as made:
        yield made


async def test_a_person_acts_and_sees(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/_/say", json={"text": "hello"})
    assert (answer.status_code, answer.json()) == (200, {"message": "1"})
    assert (await client.get("/_/seen")).json() == {"platform": "small", "said": [{"text": "hello"}]}


async def test_what_to_set_names_where_it_listens(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/_/about")).json() == {
        "name": "small",
        "address": "http://sandbox",
        "told": {"token": "42:TEST", "base": "http://sandbox/api/"},
        "how": {},
    }


async def test_a_file_comes_with_its_name_and_type(client: httpx2.AsyncClient, small: Small) -> None:
    await client.post("/_/upload", data={"chat": "1"}, files={"file": ("a.txt", b"words", "text/plain")})
    assert small.said == [{"chat": "1", "file": ("a.txt", "text/plain", b"words")}]


@pytest.mark.parametrize(
    ("what", "body", "why"),
    [
        pytest.param("fly", b"{}", "a person cannot 'fly' here; say, upload", id="unknown act"),
        pytest.param("say", b"[1]", "Expected `object`, got `array`", id="no object"),
        pytest.param("say", b"{", "Input data was truncated", id="no JSON"),
    ],
)
async def test_a_bad_act_is_told(client: httpx2.AsyncClient, what: str, body: bytes, why: str) -> None:
    answer = await client.post(f"/_/{what}", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": why})


async def test_another_sites_page_cannot_play_the_customer(client: httpx2.AsyncClient, small: Small) -> None:
    foreign = {"origin": "https://elsewhere.example"}
    assert (await client.post("/_/say", json={}, headers=foreign)).status_code == 403
    assert (await client.put("/_/faults", json=[], headers=foreign)).status_code == 403
    assert (await client.post("/_/say", json={}, headers={"origin": "http://sandbox"})).status_code == 200
    assert small.said == [{}]


async def test_the_log_is_read_from_a_number_on(client: httpx2.AsyncClient) -> None:
    await client.get("/ping?a=1")
    await client.get("/ping?a=2")
    entries = (await client.get("/_/log")).json()
    assert [(entry["n"], entry["kind"], entry["name"], entry["data"]) for entry in entries] == [
        (1, "call", "ping", {"a": "1"}),
        (2, "call", "ping", {"a": "2"}),
    ]
    assert (await client.get("/_/log?after=1")).json() == entries[1:]
    assert (await client.get("/_/log?after=x")).status_code == 400


async def test_faults_are_scripted_and_told(client: httpx2.AsyncClient) -> None:
    rule = {"on": "ping", "nth": 2, "do": {"cut": True}}
    assert (await client.put("/_/faults?seed=7", json=[rule])).json() == {"rules": 1}
    assert (await client.get("/_/faults")).json() == [{"rule": rule, "done": 0}]


@pytest.mark.parametrize("body", [b"{}", b'[{"on": "ping"}]', b'[{"on": "ping", "do": {"status": "x"}}]', b"["])
async def test_a_bad_script_is_refused_and_the_old_one_kept(client: httpx2.AsyncClient, body: bytes) -> None:
    await client.put("/_/faults", json=[{"on": "ping", "do": {"cut": True}}])
    answer = await client.put("/_/faults", content=body)
    assert answer.status_code == 400
    assert "a script is [{on: METHOD" in answer.json()["error"]
    assert len((await client.get("/_/faults")).json()) == 1


async def test_the_page_asks_nobody_else(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    names = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert names
    assert [name for name in names if not name.startswith("/_/page/")] == []
    assert {(await client.get(name)).status_code for name in names} == {200}


@pytest.mark.parametrize("name", ["..%2fserver.py", "..%2f..%2f__init__.py", "none.js", "page.html", "%00.js"])
async def test_only_the_pages_own_files_are_served(client: httpx2.AsyncClient, name: str) -> None:
    assert (await client.get(f"/_/page/{name}")).status_code == 404


async def test_whatever_changes_is_told_at_once(small: Small) -> None:
    async with (
        asyncio.timeout(20),
        serving(small) as address,
        httpx2.AsyncClient(base_url=address) as client,
        client.stream("GET", "/_/live") as live,
    ):
        lines = live.aiter_lines()
        assert await anext(lines) == "data: 0"
        await client.post("/_/say", json={"text": "hello"})
        assert [await anext(lines), await anext(lines)] == ["", "data: 1"]


async def test_an_open_page_does_not_keep_the_sandbox(small: Small) -> None:
    async with asyncio.timeout(20), httpx2.AsyncClient() as client:
        async with serving(small) as address:
            request = client.build_request("GET", f"{address}/_/live")
            live = await client.send(request, stream=True)
            lines = live.aiter_lines()
            assert await anext(lines) == "data: 0"
        assert [line async for line in lines if line] == []
        await live.aclose()


async def test_a_cut_leaves_the_caller_without_an_answer(small: Small) -> None:
    async with serving(small) as address, httpx2.AsyncClient(base_url=address) as client:
        await client.put("/_/faults", json=[{"on": "ping", "nth": 1, "do": {"cut": True}}])
        with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
            await client.get("/ping")
        assert small.journal.calls("ping") == []
        assert (await client.get("/ping")).json() == {"pong": True}


async def test_an_answer_is_cut_after_it_began(small: Small) -> None:
    async with serving(small) as address, httpx2.AsyncClient(base_url=address) as client:
        await client.put("/_/faults", json=[{"on": "ping", "do": {"accept_then_cut": True}}])
        async with client.stream("GET", "/ping") as answer:
            found = answer.aiter_bytes()
            assert await anext(found) == b'{"po'
            with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
                await anext(found)
        assert len(small.journal.calls("ping")) == 1


async def test_an_answer_without_a_socket_is_cut_too(client: httpx2.AsyncClient) -> None:
    await client.put("/_/faults", json=[{"on": "ping", "do": {"cut": True}}])
    with pytest.raises(ConnectionResetError):
        await client.get("/ping")


async def test_a_slow_answer_takes_its_time(client: httpx2.AsyncClient, small: Small) -> None:
    await client.put("/_/faults", json=[{"on": "ping", "do": {"slow": 2}}])
    asking = asyncio.ensure_future(client.get("/ping"))
    await small.clock.advance(6)
    assert not asking.done()
    await small.clock.advance(6)
    assert (await asking).json() == {"pong": True}


async def test_a_free_port_is_found_and_given_back(small: Small) -> None:
    async with serving(small) as address, httpx2.AsyncClient(base_url=address) as client:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        assert (await client.get("/ping")).status_code == 200
    async with httpx2.AsyncClient(base_url=address) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("/ping")
