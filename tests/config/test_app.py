"""Which door answers which path, and to which name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse, Response

from bot.errors import StoreDown
from bot.store import open_store
from bot.testing.clock import SettableClock
from config.app import App, health, metrics, shop


class Down:
    async def read(self, question: object) -> Any:
        raise StoreDown("the disk is gone")


def calls(app: App) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8080")


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    made: list[int] = []

    def console() -> Any:
        made.append(1)
        return PlainTextResponse(f"console {len(made)}")

    store = open_store("sqlite://", SettableClock())
    app = App([*health(store), *shop("Larch & <Co>", "acme")], console=console, hosts=("127.0.0.1", "desk.example"))
    async with calls(app) as client:
        yield client
    await store.close()


async def test_the_shop_is_shown_with_its_name_escaped_and_the_widget_of_its_account(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get("/")
    assert "Larch &amp; &lt;Co&gt;" in page.text
    assert 'data-account="acme"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
async def test_a_foreign_name_is_refused(client: httpx2.AsyncClient, host: str) -> None:
    answer = await client.get("/healthz", headers={"Host": host})
    assert (answer.status_code, "frontdesk.yaml" in answer.text) == (421, True)


@pytest.mark.parametrize("host", ["127.0.0.1:9", "desk.example", "DESK.example:443"])
async def test_a_name_of_ours_is_answered_on_any_port(client: httpx2.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).text == "ok"


async def test_the_console_is_made_at_its_first_request_and_only_once(client: httpx2.AsyncClient) -> None:
    paths = ("/console", "/console/inbox/mine", "/api/console/me", "/openapi.json")
    assert {(await client.get(path)).text for path in paths} == {"console 1"}


async def test_ready_says_what_is_wrong_with_the_store() -> None:
    app = App(health(Down()), console=lambda: PlainTextResponse(""), hosts=("127.0.0.1",))  # type: ignore[arg-type]
    async with calls(app) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "store: the disk is gone")


async def test_it_is_not_ready_while_it_stops_and_alive_all_the_same() -> None:
    store = open_store("sqlite://", SettableClock())
    app = App(health(store, is_stopping=lambda: True), console=lambda: PlainTextResponse(""), hosts=("127.0.0.1",))
    async with calls(app) as client:
        ready, alive = await client.get("/readyz"), await client.get("/healthz")
    assert (ready.status_code, ready.text, alive.status_code) == (503, "stopping", 200)
    await store.close()


async def test_a_store_that_hangs_is_not_ready() -> None:
    class Hangs:
        async def read(self, question: object) -> Any:
            await asyncio.Event().wait()

    app = App(health(Hangs()), console=lambda: PlainTextResponse(""), hosts=("127.0.0.1",))  # type: ignore[arg-type]
    async with calls(app) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, "no answer" in answer.text) == (503, True)


TOKEN = "a-token-of-sixteen-and-more"


@pytest.mark.parametrize(
    ("token", "client", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "192.0.2.7", {}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", "127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
        ("", "127.0.0.1", {"Authorization": "Bearer "}, 200),
        ("", "a socket", {}, 403),
        (TOKEN, "192.0.2.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
        (TOKEN, "192.0.2.7", {"Authorization": f"bearer {TOKEN}", "X-Forwarded-For": "192.0.2.8"}, 200),
        (TOKEN, "127.0.0.1", {}, 401),
        (TOKEN, "127.0.0.1", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        (TOKEN, "127.0.0.1", {"Authorization": f"Basic {TOKEN}"}, 401),
        (TOKEN, "127.0.0.1", {"Authorization": "Bearer ü".encode()}, 401),
    ],
)
async def test_metrics_are_for_this_machine_or_for_who_bears_the_token(
    token: str, client: str, headers: dict[str, str | bytes], status: int
) -> None:
    async def page() -> Response:
        return PlainTextResponse("all of it")

    app = App(metrics(page, token=token), console=lambda: PlainTextResponse(""), hosts=("127.0.0.1",))
    transport = httpx2.ASGITransport(app=app, client=(client, 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        answer = await http.get("/metrics", headers=headers)  # type: ignore[arg-type]  # bytes, as some send them
    assert (answer.status_code, answer.text == "all of it") == (status, status == 200)


async def test_what_is_being_served_is_counted_by_door_and_kind() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        entered.set()
        await leave.wait()
        await PlainTextResponse("")(scope, receive, send)

    app = App([], console=lambda: waits, hosts=("127.0.0.1",))
    async with calls(app) as http:
        call = asyncio.create_task(http.get("/console"))
        await entered.wait()
        assert app.connections == {("console", "http"): 1}
        leave.set()
        await call
        await http.get("/widget/loader.js")
        await http.get("/widgets", headers={"Host": "evil.example"})
    assert app.connections == {("console", "http"): 0, ("widget", "http"): 0}
