from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from channels.web.assets import Assets
from tests.channels.web.house import served

PANEL = "panel-BxY_12-a.js"


def build(folder: Path, panel: bytes = b"export const panel = 1;") -> None:
    for name, content in {
        "loader.js": b"import('./panel')",
        PANEL: panel,
        "lang-de-aaaaaaaa.js": b"export default {}",
        "icons/face.svg": b"<svg/>",
        "chat.html": b"<!doctype html>",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.with_name(path.name + ".br").write_bytes(b"br of " + content)
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
    (folder / "build.json").write_bytes(b"{}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("not for you")
    return tmp_path / "static"


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        served(Starlette(routes=[Route("/widget/{path:path}", Assets(folder))])) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


async def test_scripts_are_public_and_keep_their_type(folder: Path, client: httpx2.AsyncClient) -> None:
    build(folder)
    answer = await client.get("/widget/loader.js", headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, b"import('./panel')")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        (PANEL, "public, max-age=31536000, immutable"),
        ("lang-de-aaaaaaaa.js", "public, max-age=31536000, immutable"),
        ("loader.js", "no-cache"),
        ("build.json", "no-cache"),
        ("chat.html", "no-cache"),
        ("icons/face.svg", "no-cache"),
    ],
)
async def test_only_hashed_names_are_kept(folder: Path, client: httpx2.AsyncClient, name: str, cache: str) -> None:
    build(folder)
    answer = await client.get(f"/widget/{name}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, cache)


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0", None),
        ("identity", None),
        ("", None),
        ("*", None),
    ],
)
async def test_the_form_is_what_the_browser_takes(
    folder: Path, client: httpx2.AsyncClient, accept: str, encoding: str | None
) -> None:
    build(folder)
    async with client.stream("GET", f"/widget/{PANEL}", headers={"Accept-Encoding": accept}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-length"] == str(len(raw))
    assert raw == (folder / (PANEL + {"br": ".br", "gzip": ".gz", None: ""}[encoding])).read_bytes()


async def test_what_is_held_already_is_not_sent_again(folder: Path, client: httpx2.AsyncClient) -> None:
    build(folder)
    first = await client.get("/widget/loader.js")
    again = await client.get("/widget/loader.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await client.get(
        "/widget/loader.js", headers={"If-None-Match": first.headers["etag"], "Accept-Encoding": "identity"}
    )
    assert other.status_code == 200


async def test_a_head_has_no_body(folder: Path, client: httpx2.AsyncClient) -> None:
    build(folder)
    answer = await client.head("/widget/loader.js")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await client.post("/widget/loader.js")).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "icons/../../secret.txt",
        "..\\secret.txt",
        "/etc/passwd",
        "%00",
        "panel.js",
        "loader.js.br",
        "",
        "icons",
        "a" * 3000,
    ],
)
async def test_nothing_else_is_served(folder: Path, client: httpx2.AsyncClient, path: str) -> None:
    build(folder)
    answer = await client.get(httpx2.URL(str(client.base_url), raw_path=b"/widget/" + path.encode()))
    assert answer.status_code == 404
    assert "not for you" not in answer.text


async def test_without_a_build_the_page_says_what_to_run(folder: Path, client: httpx2.AsyncClient) -> None:
    loader = await client.get("/widget/loader.js")
    assert (loader.status_code, loader.headers["cache-control"]) == (200, "no-cache")
    assert loader.text.startswith("console.warn(")
    assert loader.text.count("\n") == 1
    page = await client.get("/widget/panel.js")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "make web" in page.text
    assert "<script" not in page.text


async def test_a_new_build_is_noticed(folder: Path, client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"/widget/{PANEL}")).status_code == 503
    build(folder)
    assert (await client.get(f"/widget/{PANEL}")).status_code == 200
    build(folder, b"export const panel = 2;")
    os.utime(folder / "build.json", ns=(1, 1))
    answer = await client.get(f"/widget/{PANEL}", headers={"Accept-Encoding": "identity"})
    assert answer.content == b"export const panel = 2;"
