"""The page and its assets: found by name only, packed where the browser takes it, honest when not built."""

from pathlib import Path

import pytest

from channels.console.pages import CONTENT_POLICY
from tests.channels.console.conftest import Place

SCRIPT = b"console.log(1)"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """What `web/build.py` leaves behind, and a secret beside it."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<!doctype html><title>Frontdesk</title>")
    (folder / "index.html.br").write_bytes(b"index, packed")
    (folder / "build.json").write_bytes(b"{}")
    (folder / "assets" / "main-abc123.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-abc123.js.br").write_bytes(b"br")
    (folder / "assets" / "main-abc123.js.gz").write_bytes(b"gz")
    (tmp_path / "secret.txt").write_bytes(b"SECRET")
    return folder


@pytest.fixture
def built(place: Place, static: Path) -> Place:
    place.console._pages._static = static
    return place


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/inbox/needs-reply/c_123", "/console/a.b/c"])
async def test_every_address_without_a_file_is_the_page(built: Place, path: str) -> None:
    answer = await built.browser().http.get(path, headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>Frontdesk</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_content_policy_is_as_promised() -> None:
    assert CONTENT_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


async def test_hashed_assets_never_change(built: Place) -> None:
    answer = await built.browser().http.get("/console/assets/main-abc123.js", headers={"Accept-Encoding": "identity"})
    assert (answer.content, answer.headers["content-type"]) == (SCRIPT, "text/javascript; charset=utf-8")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br", "br", b"br"),
        ("gzip", "gzip", b"gz"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gz"),
        ("BR ; q=1.0", "br", b"br"),
        ("deflate", None, SCRIPT),
        ("br;q=0.000", None, SCRIPT),
        (";;,=,", None, SCRIPT),
    ],
)
async def test_assets_are_packed_as_the_browser_takes_them(
    built: Place, accepted: str, encoding: str | None, content: bytes
) -> None:
    request = built.browser().http.stream(
        "GET", "/console/assets/main-abc123.js", headers={"Accept-Encoding": accepted}
    )
    async with request as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert (answer.headers.get("content-encoding"), raw) == (encoding, content)
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_page_that_is_held_is_not_sent_again(built: Place) -> None:
    http = built.browser().http
    first = await http.get("/console", headers={"Accept-Encoding": "identity"})
    again = await http.get("/console", headers={"Accept-Encoding": "identity", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "..%5csecret.txt",
        "assets/../../secret.txt",
        "/etc/passwd.txt",
        "assets/main-abc123.js.br",
        "nothing.js",
        "build.json%00.html",
        "assets/" + "x" * 4000 + ".js",
    ],
)
async def test_only_what_was_built_is_served(built: Place, path: str) -> None:
    answer = await built.browser().http.get(f"http://127.0.0.1:8080/console/{path}")
    assert answer.status_code == 404
    assert b"SECRET" not in answer.content


async def test_without_assets_one_page_says_what_to_do(place: Place, static: Path) -> None:
    http = place.browser().http
    for path in ("/console", "/console/inbox", "/console/assets/main-abc123.js"):
        answer = await http.get(path)
        assert answer.status_code == 503
        assert "make web" in answer.text
        assert "<script" not in answer.text

    place.console._pages._static = static  # built meanwhile
    assert (await http.get("/console")).status_code == 200


async def test_pages_take_no_posts(built: Place) -> None:
    assert (await built.browser().http.post("/console")).status_code == 405
