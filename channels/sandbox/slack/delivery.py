"""How Slack tells an app what happened: signed requests with its schedule of repeats, or envelopes over a socket.

Nothing is promised about order: every event goes its own way. https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import urllib.parse
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.ports import Clock
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal

DEADLINE = 3.0
REPEATED_AFTER = (0.0, 60.0, 300.0)
Kind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(slots=True)
class Answer:
    """What the app said to it; `payload` empty: only that it has it."""

    ok: bool
    why: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Line:
    """One socket of the app."""

    socket: WebSocket
    closing: bool = False


class Delivery:
    def __init__(self, clock: Clock, journal: Journal, faults: Faults, *, secret: str, app: str) -> None:
        self.hook = ""
        """Where requests go; empty: over the sockets."""
        self.secret = secret
        self._clock, self._journal, self._faults, self._app = clock, journal, faults, app
        self._http = httpx2.AsyncClient(
            timeout=None, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._telling: set[asyncio.Task[Any]] = set()
        self._lines: list[Line] = []
        self._turn = itertools.count()
        self._envelopes = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._held: list[Callable[[], Any]] = []
        self._late: list[Callable[[], Any]] = []
        self._connected = asyncio.Event()
        self._met = False
        self.missed = 0
        """How often the app did not say that it has what it was told."""

    @property
    def has_met(self) -> bool:
        """Whether the app has ever been there."""
        return self._met or bool(self.hook)

    @property
    def connections(self) -> int:
        return len(self._lines)

    @property
    def owed(self) -> int:
        """What is being told, or will be told again."""
        return len(self._telling)

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        """Tell it until the app says that it has it, three times more at most."""
        self._meeting(name, lambda lost: self._telling.add(self._spawn(self._event(name, payload, lost))))

    def interaction(
        self,
        name: str,
        kind: Kind,
        payload: Mapping[str, Any],
        then: Callable[[Answer], Awaitable[None]] | None = None,
    ) -> None:
        """Tell it once, over a socket twice; `then` hears the answer, or that there was none in time."""

        async def tell() -> None:
            envelope = self._envelope()
            answer = await self._told(name, kind, payload, 0, "", envelope)
            if not answer.ok and not self.hook:
                answer = await self._told(name, kind, payload, 1, answer.why, envelope)
            if then is not None:
                await then(answer)

        self._meeting(name, lambda lost: self._telling.add(self._spawn(tell())))

    def release(self) -> None:
        """What was held goes out."""
        held, self._held = self._held, []
        for go in held:
            go()

    async def close(self) -> None:
        for line in [*self._lines]:
            await self.hang_up(line)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    # Faults of events

    def _meeting(self, name: str, begin: Callable[[bool], Any]) -> None:
        do = self._faults.next(name) or Do()

        def go() -> None:
            begin(do.cut)

        late, self._late = self._late, []
        if do.drop:
            pass
        elif do.hold:
            self._held.append(go)
        elif do.reorder:
            self._late.append(go)
        elif do.delay:
            self._spawn(self._after(do.delay, go))
        else:
            for _ in range(1 + do.duplicate):
                go()
        if do.disconnect:
            self._spawn(self._cut(do.disconnect))
        for one in late:
            one()

    async def _after(self, seconds: float, go: Callable[[], Any]) -> None:
        await self._clock.sleep(seconds)
        go()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._telling.discard)
        return task

    # Telling

    async def _event(self, name: str, payload: Mapping[str, Any], lost: bool) -> None:
        """`lost`: the first attempt never arrives."""
        why = ""
        for attempt in range(len(REPEATED_AFTER) + 1):
            if attempt:
                await self._clock.sleep(REPEATED_AFTER[attempt - 1])
            if lost and not attempt:
                self.missed, why = self.missed + 1, "connection_failed"
                continue
            answer = await self._told(name, "events_api", payload, attempt, why, self._envelope())
            if answer.ok or answer.why == "no_retry":
                return
            why = answer.why

    async def _told(
        self, name: str, kind: Kind, payload: Mapping[str, Any], attempt: int, why: str, envelope: str
    ) -> Answer:
        said = {"attempt": attempt, "reason": why, "payload": payload}
        if not self.hook and not self._lines:
            # The app is not connected: Slack keeps it as long as it would wait for an answer.
            await self._within(DEADLINE, self._connected.wait())
        self._journal.add("delivered", name, said)
        if self.hook:
            telling = self._over_http(kind, payload, attempt, why)
        else:
            telling = self._over_socket(kind, payload, attempt, why, envelope)
        answer = await self._within(DEADLINE, telling)
        answer = answer or Answer(False, "http_timeout" if self.hook else "timeout")
        self.missed += not answer.ok
        if answer.ok:
            self._journal.add(
                "confirmed", name, {"attempt": attempt, "id": payload.get("event_id"), "answer": answer.payload}
            )
        return answer

    async def _within(self, seconds: float, work: Coroutine[Any, Any, Any]) -> Any:
        """None: it took longer, by the injected clock."""
        working = asyncio.ensure_future(work)
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((working, sleeping), return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            for one in (working, sleeping):
                one.cancel()
            await asyncio.gather(working, sleeping, return_exceptions=True)

    # Over HTTP

    async def _over_http(self, kind: Kind, payload: Mapping[str, Any], attempt: int, why: str) -> Answer:
        if kind == "events_api":
            body, media = msgspec.json.encode(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": msgspec.json.encode(payload).decode()}
            body, media = urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"
        headers = {"content-type": media, "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= self.signed(body)
        if attempt:
            headers |= {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": why}
        try:
            response = await self._http.post(self.hook, content=body, headers=headers)
        except httpx2.TransportError:
            return Answer(False, "connection_failed")
        if response.status_code != 200:
            given_up = response.headers.get("x-slack-no-retry") == "1"
            return Answer(False, "no_retry" if given_up else "http_error")
        return Answer(True, payload=_object(response.content))

    def signed(self, body: bytes) -> dict[str, str]:
        at = str(int(self._clock.now().timestamp()))
        digest = hmac.new(self.secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={digest}"}

    async def challenge(self, url: str) -> bool:
        """Whether the address answers as Slack asks before it takes it."""
        body = msgspec.json.encode({"type": "url_verification", "token": "verification", "challenge": "c4a1c4a1"})
        headers = {"content-type": "application/json"} | self.signed(body)
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except httpx2.HTTPError:
            return False
        return response.status_code == 200 and b"c4a1c4a1" in response.content

    # Over a socket

    async def connection(self, socket: WebSocket) -> None:
        """One connection of the app, for as long as it lasts."""
        await socket.accept()
        line = Line(socket)
        self._lines.append(line)
        self._connected.set()
        self._met = True
        self._journal.add("connection", "opened", {"connections": len(self._lines)})
        hello = {"type": "hello", "num_connections": len(self._lines), "debug_info": {"host": "sandbox"}}
        try:
            await socket.send_json(hello | {"connection_info": {"app_id": self._app}})
            while True:
                self._acknowledged(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):
            pass
        finally:
            self._forget(line)

    async def ask_to_reconnect(self, reason: str) -> None:
        """`warning`: it will end soon; `refresh_requested`: now; `link_disabled`: Socket Mode was switched off."""
        for line in [*self._lines]:
            line.closing = True
            await line.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
            if reason != "warning":
                self._spawn(self._close_after(10.0, line))

    async def hang_up(self, line: Line, code: int = 1000) -> None:
        self._forget(line)
        try:
            await line.socket.close(code)
        except RuntimeError:  # it is closed already
            pass

    async def _close_after(self, seconds: float, line: Line) -> None:
        await self._clock.sleep(seconds)
        await self.hang_up(line)

    async def _cut(self, code: int) -> None:
        for line in [*self._lines]:
            await self.hang_up(line, code)

    def _forget(self, line: Line) -> None:
        if line in self._lines:
            self._lines.remove(line)
            self._journal.add("connection", "closed", {"connections": len(self._lines)})
        if not self._lines:
            self._connected.clear()

    def _envelope(self) -> str:
        return f"{next(self._envelopes):08x}-0000-4000-8000-000000000000"

    async def _over_socket(
        self, kind: Kind, payload: Mapping[str, Any], attempt: int, why: str, envelope: str
    ) -> Answer:
        lines = [line for line in self._lines if not line.closing] or self._lines
        if not lines:
            return Answer(False, "connection_failed")
        line = lines[next(self._turn) % len(lines)]
        answered = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        frame: dict[str, Any] = {"envelope_id": envelope, "type": kind, "payload": payload}
        frame["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            frame |= {"retry_attempt": attempt, "retry_reason": why}
        try:
            await line.socket.send_text(json.dumps(frame))  # as Slack writes it: half characters are escaped
            return Answer(True, payload=await answered)
        except (WebSocketDisconnect, RuntimeError):
            return Answer(False, "connection_failed")
        finally:
            self._waiting.pop(envelope, None)

    def _acknowledged(self, text: str) -> None:
        said = _object(text.encode())
        waiting = self._waiting.get(str(said.get("envelope_id")))
        if waiting is not None and not waiting.done():
            answer = said.get("payload")
            waiting.set_result(answer if isinstance(answer, dict) else {})


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object, or what plain text stands for in an answer to a command."""
    try:
        value = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError:
        return {"text": raw.decode(errors="replace")}
    return value if isinstance(value, dict) else {}
