"""Which door answers which path, and to which name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from bot.errors import StoreDown
from bot.store import open_store
from bot.testing.clock import SettableClock
from config.app import App, health, shop


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


async def test_who_stops_is_alive_and_wants_no_more_work() -> None:
    store, is_stopping = open_store("sqlite://", SettableClock()), False
    app = App(health(store, lambda: is_stopping), console=lambda: PlainTextResponse(""), hosts=("127.0.0.1",))
    async with calls(app) as client:
        before = await client.get("/readyz")
        is_stopping = True
        after, alive = await client.get("/readyz"), await client.get("/healthz")
    assert [(answer.status_code, answer.text) for answer in (before, after, alive)] == [
        (200, "ready"),
        (503, "stopping"),
        (200, "ok"),
    ]
    await store.close()
