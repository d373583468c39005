"""Every error of the library says what the outbox does next."""

from __future__ import annotations

import inspect
from typing import Any

import aiohttp
import discord
import pytest

from bot.errors import Forbidden, NotSent, TryLater, Unreachable, Unshowable
from channels.discord.client import translated


class Answer:
    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status, self.reason, self.headers = status, "", headers or {}


def http(status: int, code: int = 0, kind: Any = discord.HTTPException, *, wait: str = "") -> BaseException:
    answer: Any = Answer(status, {"Retry-After": wait} if wait else {})
    error: BaseException = kind(answer, {"code": code, "message": "no"})
    return error


CONNECTION: Any = type("Key", (), {"host": "x", "port": 1, "ssl": None, "is_ssl": False})()
SAYS: list[tuple[str, BaseException, tuple[Any, ...]]] = [
    ("rate limited", discord.RateLimited(61), (TryLater, "chat", 61)),
    ("login", discord.LoginFailure(), (Forbidden, "account", None)),
    ("401", http(401), (Forbidden, "account", None)),
    ("403", http(403, 50007, discord.Forbidden), (Forbidden, "address", None)),
    ("unknown channel", http(404, 10003, discord.NotFound), (Forbidden, "address", None)),
    ("unknown message", http(404, 10008, discord.NotFound), (Unshowable, None, None)),
    ("400", http(400, 50035), (Unshowable, None, None)),
    ("413", http(413, 40005), (Unshowable, None, None)),
    ("ban", http(429, wait="12"), (TryLater, "account", 12)),
    ("ban without an end", http(429), (TryLater, "account", 600)),
    ("500", http(500, 0, discord.DiscordServerError), (Unreachable, None, None)),
    ("503", http(503, 0, discord.DiscordServerError), (Unreachable, None, None)),
    ("time-out", TimeoutError(), (Unreachable, None, None)),
    ("reset", ConnectionResetError(), (Unreachable, None, None)),
    ("cut", aiohttp.ServerDisconnectedError(), (Unreachable, None, None)),
    ("refused", aiohttp.ClientConnectorError(CONNECTION, OSError()), (TryLater, "chat", None)),
]


@pytest.mark.parametrize(("error", "expected"), [each[1:] for each in SAYS], ids=[each[0] for each in SAYS])
def test_each_error_becomes_the_right_one(error: BaseException, expected: tuple[Any, ...]) -> None:
    told = translated(error)
    after = getattr(told, "after", None)

    assert (type(told), getattr(told, "scope", None), after and after.total_seconds()) == expected


def test_no_error_of_calls_is_without_a_translation() -> None:
    """A new class in the library fails here, so that somebody decides what it means."""
    known = {type(error) for _, error, _ in SAYS}
    own = {
        kind for _, kind in inspect.getmembers(discord.errors, inspect.isclass) if kind.__module__ == "discord.errors"
    }
    of_connections = {"GatewayNotFound", "ConnectionClosed", "PrivilegedIntentsRequired"}
    of_nothing_we_use = {"InvalidData", "InteractionResponded", "MissingApplicationID", "FFmpegProcessError"}
    roots = {"DiscordException", "ClientException", "HTTPException"}

    assert {kind.__name__ for kind in own - known} <= of_connections | of_nothing_we_use | roots
    assert all(issubclass(type(translated(error)), NotSent) for _, error, _ in SAYS)
