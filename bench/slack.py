"""One message by Slack's Events API, without a socket: the channel over the core, and Bolt's bare dispatch of the same.

`python -m bench.slack {ours,bolt} SECONDS` prints the microseconds of CPU that one message costs. Both verify its
signature; ours parses it, Bolt finds the listener and the token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.ports import Accepted, Arrival
from bot.testing.files import MemoryFiles

SECRET = "a-signing-secret"
_WORDS = "Where is my order <https://shop.example/A-17|A-17>? I wait for it *since Monday*, &amp; nothing came."

Handle = Callable[[bytes, dict[str, str]], Awaitable[int]]


class Core:
    """Takes everything, and keeps nothing."""

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        return Accepted(True, None, 1)

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        return [await self(arrival) for arrival in arrivals]


class _Empty:
    async def get(self, name: str) -> bytes | None:
        return None

    async def put(self, name: str, value: bytes | None) -> None:
        pass

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return ()


async def ours() -> Handle:
    from pydantic import SecretStr

    from channels.slack import Settings, build
    from config.machine import SystemClock, SystemRandom

    secrets: dict[str, Any] = {"signing_secret": SecretStr(SECRET), "token": SecretStr("xoxb-1")}
    settings = Settings.model_validate({"connection": "http", "api": "http://127.0.0.1:9/api/"} | secrets)
    channel = build("acme", settings, clock=SystemClock(), random=SystemRandom(), vault=_Empty(), files=MemoryFiles())
    channel._known.people.put("T1/U1", ("Ana", "en", ""))  # nobody is to be looked up
    (route,) = channel.routes(Core()).values()

    async def handle(body: bytes, headers: dict[str, str]) -> int:
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/hooks/slack/acme", "headers": listed, "query_string": b""}
        status = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])

        await route(scope, receive, send)
        return int(status[0])

    return handle


async def bolt() -> Handle:
    from slack_bolt.app.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from slack_bolt.request.async_request import AsyncBoltRequest

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_id="B1", bot_user_id="UBOT")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=True)

    @app.event("message")
    async def on_message(event: dict[str, Any]) -> None:
        pass

    async def handle(body: bytes, headers: dict[str, str]) -> int:
        answer = await app.async_dispatch(AsyncBoltRequest(body=body.decode(), headers=dict(headers)))
        return int(answer.status)

    return handle


async def microseconds(handle: Handle, seconds: float) -> float:
    numbers = itertools.count()
    for _ in range(200):
        assert await handle(*_message(next(numbers))) == 200
    prepared = [_message(next(numbers)) for _ in range(2_000)]
    done, spent, until = 0, 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        since = time.process_time()
        for body, headers in prepared:
            await handle(body, headers)
        spent, done = spent + time.process_time() - since, done + len(prepared)
    return spent / done * 1e6


def _message(n: int) -> tuple[bytes, dict[str, str]]:
    at = str(int(time.time()))
    event = {
        "type": "message",
        "channel": "D1",
        "channel_type": "im",
        "user": "U1",
        "text": _WORDS,
        "ts": f"{n}.000001",
    }
    envelope = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": f"Ev{n}", "event": event}
    bot = {"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True, "is_enterprise_install": False}
    body = json.dumps(envelope | {"token": "x", "event_time": int(at), "authorizations": [bot]}).encode()
    digest = hmac.new(SECRET.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-slack-request-timestamp": at, "x-slack-signature": f"v0={digest}"}
    return body, headers


async def main() -> None:
    side = {"ours": ours, "bolt": bolt}[sys.argv[1]]
    print(await microseconds(await side(), float(sys.argv[2])))


if __name__ == "__main__":
    asyncio.run(main())
