from __future__ import annotations

import pytest
from pydantic import ValidationError
from starlette.types import Scope

from channels.web.origins import cors, is_admitted
from channels.web.settings import WebSettings

SHOP = "https://shop.example.org"
ALLOWED = frozenset((SHOP,))


def scope(*origins: str, kind: str = "http", method: str = "POST", scheme: str = "", **headers: str) -> Scope:
    given = {"host": "desk.example.org"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": kind,
        "method": method,
        "scheme": scheme or ("wss" if kind == "websocket" else "https"),
        "headers": [
            *((b"origin", origin.encode()) for origin in origins),
            *((name.encode(), value.encode()) for name, value in given.items()),
        ],
    }


FOREIGN = {
    "none": (),
    "empty": ("",),
    "foreign": ("https://evil.example.org",),
    "null": ("null",),
    "suffix": ("https://shop.example.org.evil.com",),
    "prefix": ("https://evilshop.example.org",),
    "subdomain": ("https://www.shop.example.org",),
    "other port": ("https://shop.example.org:8443",),
    "other scheme": ("http://shop.example.org",),
    "with a path": ("https://shop.example.org/",),
    "capitals": ("https://SHOP.example.org",),
    "with a user": ("https://shop.example.org@evil.com",),
    "doubled": ("https://shop.example.org", "https://shop.example.org"),
    "two in one": ("https://shop.example.org, https://evil.com",),
    "star": ("*",),
    "own host, other port": ("https://desk.example.org:1",),
    "own host, other scheme": ("http://desk.example.org",),
}


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origins", FOREIGN.values(), ids=FOREIGN.keys())
def test_no_other_page_is_admitted(kind: str, origins: tuple[str, ...]) -> None:
    assert not is_admitted(scope(*origins, kind=kind), ALLOWED)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origin", [SHOP, "https://desk.example.org"])
def test_listed_pages_and_our_own_are_admitted(kind: str, origin: str) -> None:
    assert is_admitted(scope(origin, kind=kind), ALLOWED)


def test_a_page_of_ours_may_read_without_naming_itself() -> None:
    assert is_admitted(scope(method="GET", sec_fetch_site="same-origin"), ALLOWED)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_others_may_not(site: str) -> None:
    assert not is_admitted(scope(method="GET", sec_fetch_site=site), ALLOWED)


@pytest.mark.parametrize(("kind", "method"), [("http", "POST"), ("http", "OPTIONS"), ("websocket", "GET")])
def test_what_is_no_read_needs_an_origin(kind: str, method: str) -> None:
    assert not is_admitted(scope(kind=kind, method=method, sec_fetch_site="same-origin"), ALLOWED)


def test_an_empty_origin_is_none_of_ours() -> None:
    assert not is_admitted(scope("", method="GET", sec_fetch_site="same-origin"), ALLOWED)


def test_the_answer_names_the_origin_and_never_a_wildcard() -> None:
    headers = dict(cors(scope(SHOP)))
    assert headers[b"access-control-allow-origin"] == SHOP.encode()
    assert headers[b"vary"] == b"Origin"
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example.org", "https://shop.example.org"),
        ("https://Shop.Example.org/", "https://shop.example.org"),
        ("https://shop.example.org:443", "https://shop.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_settings_keep_origins_as_browsers_write_them(given: str, kept: str) -> None:
    assert WebSettings(account="shop", origins=(given,), brand="Acme", assistant="Ada").origins == (kept,)


@pytest.mark.parametrize(
    "given",
    ["*", "null", "shop.example.org", "https://*.example.org", "https://a.org/x", "ftp://a.org", "https://a@b.org"],
)
def test_settings_refuse_what_no_browser_sends(given: str) -> None:
    with pytest.raises(ValidationError, match="origin"):
        WebSettings(account="shop", origins=(given,), brand="Acme", assistant="Ada")
