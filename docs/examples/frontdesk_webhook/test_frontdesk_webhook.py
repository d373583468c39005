"""The channel keeps what every channel promises, through its own client, against an application on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
import uvicorn
from frontdesk_webhook import FRESH, Settings, build, render, signed, verified

from bot.errors import Forbidden, NotSent, SettingsError, TryLater, Unreachable, Unshowable
from bot.model import Address, Media, Message
from bot.ports import Channel, Receive
from bot.testing.chance import SeededRandom
from bot.testing.channel import ChannelContract, Harness, Seen
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles

SECRET = "a secret of the account, never told"
EVENT: dict[str, Any] = {"chat": "ana", "person": "ana", "at": 1_772_445_600, "what": "said", "text": "hello"}


class NoVault:
    async def get(self, name: str) -> bytes | None:
        return None

    async def put(self, name: str, value: bytes | None) -> None:
        raise AssertionError("it keeps nothing")

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return ()


class Application:
    """The other side, and the person in front of it. Implements `SendingHarness` and `HookHarness`."""

    threads = True
    secrets = (SECRET,)
    file = Media("file", "https://files.example/label.pdf", "label.pdf", alt="the label")
    refusals: Mapping[str, NotSent] = {
        "404": Forbidden("", scope="address"),
        "410": Forbidden("", scope="address"),
        "401": Forbidden("", scope="account"),
        "403": Forbidden("", scope="account"),
        "413": Unshowable(""),
        "422": Unshowable(""),
        "429": TryLater("", after=timedelta(seconds=7)),
        "503": TryLater("", after=timedelta(seconds=7)),
        "500": Unreachable(""),
        "502": Unreachable(""),
    }

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.answers: list[int] = []
        self.port = 0
        self._messages: dict[str, dict[str, Any]] = {}
        self._refuse = self._unanswered = 0
        self._events: list[bytes] = []
        self._owed: list[bytes] = []
        self._lose = False
        self._hook: httpx2.AsyncClient | None = None
        self._path = ""

    @property
    def unreadable(self) -> Mapping[str, bytes]:
        return {
            "unknown kind": _event("x", what="danced"),
            "missing field": msgspec.json.encode({"id": "x"}),
            "wrong type": _event("x", chat=["ana"]),
            "no time": _event("x", at=1e300),
            "huge": _event("x", text="x" * 300_000),
            "deep": b'{"id":' + b"[" * 100_000,
            "no text": b"\xff\x00",
        }

    # The channel at this application

    async def open(self, receive: Receive) -> Channel:
        settings = Settings.model_validate({"url": f"http://127.0.0.1:{self.port}/messages", "secret": SECRET})
        channel = build("app", settings, clock=self.clock, random=SeededRandom(), vault=NoVault(), files=MemoryFiles())
        ((self._path, app),) = channel.routes(receive).items()
        self._hook = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://frontdesk")
        return channel

    async def listening(self) -> None:
        await asyncio.sleep(0.01)

    # What happens here

    async def say(self, words: str, *, thread: bool = False) -> None:
        await self._post(what="said", text=words, thread="topic" if thread else "")

    async def press(self, label: str, *, thread: bool = False) -> None:
        buttons = [each for message in self._here(thread) for each in message["buttons"]]
        token = next(each["token"] for each in reversed(buttons) if each["label"] == label)
        await self._post(what="pressed", text=label, token=token, thread="topic" if thread else "")

    async def echo(self) -> None:
        await self._post(text="it is me", bot=True)
        await self._post(text="beep", bot=True, person="another program")

    async def again(self) -> None:
        await asyncio.gather(self._deliver(self._events[-1]), self._deliver(self._events[-1]))

    async def lose(self) -> None:
        self._lose = True

    async def bring(self, raw: bytes) -> None:
        await self._deliver(raw)

    async def forge(self, raw: bytes) -> int:
        return await self._sent(raw, signed(b"a guess", raw, self.clock.now()))

    def owed(self) -> int:
        return len(self._owed)

    async def a_moment(self) -> None:
        await asyncio.sleep(0.002)
        await self.clock.advance(1)
        owed, self._owed = self._owed, []
        for raw in owed:
            await self._deliver(raw)

    async def refuse(self, name: str) -> None:
        self._refuse = int(name)

    async def unanswered(self) -> None:
        self._unanswered = 1

    def seen(self, *, thread: bool = False) -> Sequence[Seen]:
        return [
            Seen(shown["text"], tuple(each["label"] for each in shown["buttons"]), len(shown["files"]))
            for shown in self._here(thread)
        ]

    def typing(self, *, thread: bool = False) -> bool:
        return False

    # Below

    def _here(self, thread: bool) -> list[dict[str, Any]]:
        return [message for message in self._messages.values() if message["thread"] == ("topic" if thread else "")]

    async def _post(self, **fields: Any) -> None:
        raw = _event(f"e{len(self._events)}", **fields)
        self._events.append(raw)
        await self._deliver(raw)

    async def _deliver(self, raw: bytes) -> None:
        if self._lose:
            self._lose = False
            self._owed.append(raw)
            return
        status = await self._sent(raw, signed(SECRET.encode(), raw, self.clock.now()))
        self.answers.append(status)
        if status >= 500:
            self._owed.append(raw)

    async def _sent(self, raw: bytes, signature: str) -> int:
        assert self._hook is not None
        return (await self._hook.post(self._path, content=raw, headers={"X-Signature": signature})).status_code

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Takes messages, as strictly as an application should."""
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, body = self._take(dict(scope["headers"]), raw)
        headers = [(b"retry-after", b"7")] if status in (429, 503) else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _take(self, headers: Mapping[bytes, bytes], raw: bytes) -> tuple[int, bytes]:
        message = msgspec.json.decode(raw)
        key = message["key"]
        if not verified(SECRET.encode(), headers[b"x-signature"], raw, self.clock.now()):
            return 401, b""
        if self._refuse:
            status, self._refuse = self._refuse, 0
            return status, b"no"
        if len(message["text"]) > 4000 or not (message["text"] or message["buttons"] or message["files"]):
            return 422, b"too long, or empty"
        self._messages.setdefault(key, message)
        if self._unanswered:
            self._unanswered = 0
            return 502, b"<html>Bad gateway</html>"
        return 200, msgspec.json.encode({"id": f"m-{key}"})


def _event(id: str, **changes: Any) -> bytes:
    return msgspec.json.encode(EVENT | {"id": id} | changes)


@contextlib.asynccontextmanager
async def served(app: Callable[[Any, Any, Any], Awaitable[None]]) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, interface="asgi3")
        )
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await running


class TestWebhook(ChannelContract):
    @pytest.fixture
    async def harness(self) -> AsyncIterator[Harness]:
        application = Application()
        async with served(application.serve) as application.port:
            yield application


def test_a_short_secret_is_refused_at_the_start() -> None:
    settings = Settings.model_validate({"url": "https://app.example/", "secret": "short"})
    with pytest.raises(SettingsError, match="32 characters"):
        build("app", settings, clock=SettableClock(), random=SeededRandom(), vault=NoVault(), files=MemoryFiles())


def test_a_signature_is_of_these_bytes_and_of_these_minutes() -> None:
    now, secret = SettableClock().now(), b"secret"
    good = signed(secret, b"{}", now).encode()
    assert verified(secret, good, b"{}", now + FRESH)
    assert not verified(secret, good, b"{}", now + FRESH + timedelta(seconds=1))
    assert not verified(secret, good, b"{ }", now)
    assert not verified(b"another", good, b"{}", now)
    for wrong in (b"", b"t=", b"t=x,v1=", b"t=" + b"9" * 20, "t=1,v1=é".encode(), good[:-1]):
        assert not verified(secret, wrong, b"{}", now)


def test_a_file_without_a_public_address_is_not_sent() -> None:
    with pytest.raises(Unshowable):
        render(Address("webhook", "app", "ana"), Message((Media("file", "/etc/passwd"),)), key="k")
