"""A widget without a page: what it holds, what it draws, what it keeps until it is acknowledged.

It is written from the protocol (`channels/web/frames.py`) and imports nothing of the product. What the server may never
do is written down in `wrongs`; what it did, in the journal.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import random
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.faults.journal import Answered, CaughtUp, Draft, Journal, Opened, Sent, Shown, now, uids

Frame = dict[str, Any]

# Those of the real widget, scaled down: 15 s, 30 s, 1-30 s.
ACKNOWLEDGED_WITHIN = 1.0
OPENED_WITHIN = 2.0
AGAIN_AFTER = (0.02, 0.2)


@dataclass
class Visitor:
    """One browser: its tabs share all this."""

    number: int
    secret: str = ""
    token: str = ""
    conversation: str = ""
    said: list[str] = field(default_factory=list)
    """Uids, in order."""

    @property
    def chat(self) -> str:
        """What the log knows the visitor by."""
        return hashlib.sha256(base64.urlsafe_b64decode(self.secret + "=")).hexdigest()


@dataclass
class Unsent:
    id: str
    uid: str
    text: str
    attempt: int = 0


@dataclass
class Bubble:
    """What stands on the screen, for good."""

    seq: int
    kind: str
    by: str
    text: str
    turn: int | None = None


@dataclass
class Streaming:
    """What stands on the screen, for now."""

    turn: int
    attempt: int
    n: int
    text: str


class Carrier(Protocol):
    async def send(self, frame: Frame) -> None: ...

    async def receive(self) -> Frame:
        """Raises when the line is over."""

    def abort(self) -> None:
        """Let go of the line without a word."""

    async def close(self) -> None:
        """As a page that is left."""


class Lost(Exception):
    """The line is over."""


class WidgetClient:
    """One tab. `run` keeps it connected until it is cancelled; everything else may be called meanwhile."""

    def __init__(
        self,
        visitor: Visitor,
        address: str,
        journal: Journal,
        *,
        origin: str,
        name: str = "",
        by_stream: bool = False,
        seed: int = 0,
    ) -> None:
        self.visitor, self.name = visitor, name or f"tab of u{visitor.number}"
        self.bubbles: list[Bubble] = []
        self.draft: Streaming | None = None
        self.outbox: list[Unsent] = []
        self.held = 0
        self.wrongs: list[str] = []
        self.opened = self.gaps = self.drafted = self.drafts_resumed = 0
        self.closed_with: list[int] = []
        self._address, self._origin, self._journal, self._by_stream = address, origin, journal, by_stream
        self._http: httpx2.AsyncClient | None = None
        self._chance = random.Random(f"{seed} {self.name}")
        self._spoken = -1
        self._in_flight: Unsent | None = None
        self._is_online = False
        self._carrier: Carrier | None = None
        self._awake = asyncio.Event()
        self._awake.set()
        self._changed = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()

    # What the person does

    def say(self) -> str:
        """Say something that holds the next uid, and give the uid."""
        uid = f"u{self.visitor.number}n{len(self.visitor.said) + 1}"
        self.visitor.said.append(uid)
        self.outbox.append(Unsent(str(uuid.UUID(int=self._chance.getrandbits(128), version=4)), uid, f"order {uid}"))
        self._flush()
        return uid

    def sleep(self) -> None:
        """The page is frozen: it takes nothing from its line, and does not see it end."""
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()

    def reconnect(self) -> None:
        """The page is back, and does not trust its line."""
        self._awake.set()
        if self._carrier:
            self._carrier.abort()

    async def leave(self) -> None:
        """The page is closed, or moves on to another one of the same shop."""
        if self._carrier:
            with contextlib.suppress(OSError, ConnectionClosed, httpx2.HTTPError):
                await self._carrier.close()

    # What it is seen to hold

    def uids(self, by: str) -> list[str]:
        """In all that `by` said, in the order in which it stands here."""
        return [uid for bubble in self.bubbles if bubble.by == by for uid in uids(bubble.text)]

    @property
    def is_settled(self) -> bool:
        """Everything said is in the log and answered, as far as this tab sees."""
        return not self.outbox and self.has_all(self.uids("bot"))

    def has_all(self, uids: list[str]) -> bool:
        """Whether they are what was said; who came late was given the end of the log only."""
        return uids == self.visitor.said[-len(uids) :]

    @property
    def is_online(self) -> bool:
        return self._is_online

    async def until(self, holds: Callable[[], bool], within: float = 30.0) -> None:
        async with asyncio.timeout(within):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def is_caught_up(self) -> None:
        self._journal.write(CaughtUp(at=now(), client=self.name, chat=self.visitor.chat, seq=self.held))

    # Its line

    async def run(self) -> None:
        async with httpx2.AsyncClient(base_url=self._address, trust_env=False, timeout=OPENED_WITHIN) as self._http:
            try:
                while True:
                    try:
                        await self._read()
                    except ConnectionClosed as closed:
                        if closed.rcvd:
                            self.closed_with.append(closed.rcvd.code)
                    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage, httpx2.HTTPError, Lost):
                        pass
                    finally:
                        self._is_lost()
                    await asyncio.sleep(self._chance.uniform(*AGAIN_AFTER))
            finally:
                for task in tuple(self._work):
                    task.cancel()
                await asyncio.gather(*self._work, return_exceptions=True)

    async def _read(self) -> None:
        visitor = self.visitor
        if not visitor.token:
            await self._authorize()
        self._journal.write(Opened(at=now(), client=self.name, chat=visitor.chat, after=self.held))
        async with asyncio.timeout(OPENED_WITHIN) as opening, self._carried() as self._carrier:
            await self._hello()
            while True:
                frame = await self._carrier.receive()
                await self._awake.wait()
                if frame["frame"] == "welcome":
                    opening.reschedule(None)
                await self._hear(frame)
                self._changed.set()

    @contextlib.asynccontextmanager
    async def _carried(self) -> AsyncIterator[Carrier]:
        assert self._http is not None
        if self._by_stream:
            async with _stream(self._http, self.visitor, self._headers(), self.held) as stream:
                yield stream
            return
        connection = await connect(
            self._address.replace("http", "ws", 1) + "/ws/widget",
            origin=self._origin,  # type: ignore[arg-type]  # a NewType of str
            compression=None,
            ping_interval=None,
            close_timeout=0.1,
            open_timeout=OPENED_WITHIN,
            max_size=None,
            max_queue=4,
            proxy=None,
        )
        try:
            yield _Socket(connection)
        finally:
            connection.transport.abort()

    async def _hello(self) -> None:
        assert self._carrier is not None
        visitor = self.visitor
        hello = {"token": visitor.token, "conversation": visitor.conversation, "after": self.held}
        await self._carrier.send({"frame": "hello", **hello})

    async def _authorize(self) -> None:
        assert self._http is not None
        asked = {"account": "shop", "secret": self.visitor.secret, "locale": "en"}
        answer = await self._http.post("/api/widget/token", json=asked, headers={"Origin": self._origin})
        if answer.status_code != 200:
            raise Lost(answer.text)
        grant = answer.json()
        self.visitor.token, self.visitor.secret = grant["token"], grant.get("secret", self.visitor.secret)

    def _headers(self) -> dict[str, str]:
        return {"Origin": self._origin, "Authorization": f"Bearer {self.visitor.token}"}

    def _is_lost(self) -> None:
        self._carrier, self._is_online = None, False
        if item := self._in_flight:
            self._journal.write(Answered(at=now(), chat=self.visitor.chat, key=item.id, status=0))
            self._in_flight = None
        self._changed.set()

    # What it sends: one message in the air at a time

    def _flush(self) -> None:
        if not self.outbox or self._in_flight or not self._is_online or self._carrier is None:
            return
        item = self._in_flight = self.outbox[0]
        item.attempt += 1
        sent = Sent(at=now(), chat=self.visitor.chat, key=item.id, uid=item.uid, attempt=item.attempt)
        self._journal.write(sent)
        self._start(self._post(self._carrier, {"frame": "say", "id": item.id, "text": item.text}))
        self._start(self._watch(self._carrier, item, item.attempt))

    async def _post(self, carrier: Carrier, frame: Frame) -> None:
        try:
            await carrier.send(frame)
        except (OSError, ConnectionClosed, httpx2.HTTPError):
            carrier.abort()

    async def _watch(self, carrier: Carrier, item: Unsent, attempt: int) -> None:
        await asyncio.sleep(ACKNOWLEDGED_WITHIN)
        if self._in_flight is item and item.attempt == attempt:
            carrier.abort()

    def _acknowledged(self, id: str) -> None:
        if any(item.id == id for item in self.outbox):
            self._journal.write(Answered(at=now(), chat=self.visitor.chat, key=id, status=200))
            self.outbox = [item for item in self.outbox if item.id != id]
        if self._in_flight and self._in_flight.id == id:
            self._in_flight = None
        self._flush()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # What it is told

    async def _hear(self, frame: Frame) -> None:
        assert self._carrier is not None
        match frame["frame"]:
            case "welcome":
                self._welcome(frame)
            case "event":
                if frame["seq"] <= self.held:
                    self._wrong("an event came twice", frame)
                elif frame["prev"] != self.held:
                    self.gaps += 1
                    await self._hello()
                else:
                    self._show(frame["event"])
            case "draft":
                self._draw(frame)
            case "reset":
                self._journal.write(self._drawn(frame["turn"], reset=frame["why"]))
                if self.draft and self.draft.turn == frame["turn"]:
                    self.draft = None
            case "ack":
                self._acknowledged(frame["id"])
            case "refused":
                self._refused(frame)
            case "ping":
                await self._carrier.send({"frame": "pong"})

    def _welcome(self, frame: Frame) -> None:
        visitor = self.visitor
        if visitor.conversation not in ("", frame["conversation"]):
            self._wrong("welcomed to another conversation", frame)
        visitor.conversation = frame["conversation"]
        if frame["seq"] < self.held:
            self._wrong(f"the log ends before {self.held}", frame)
        before, self.draft = self.held, None
        for event in frame["events"]:
            if event["seq"] <= before:
                self._wrong("welcomed with an event that is held", event)
            else:
                self._show(event)
        self.held = frame["seq"]
        if draft := frame["draft"]:
            self.drafts_resumed += bool(before)
            self._put(Streaming(draft["turn"], draft["attempt"], draft["n"], draft["text"]))
        self.opened += 1
        self._is_online, self._in_flight = True, None
        self._flush()

    def _show(self, event: Frame) -> None:
        by = event.get("by", {}).get("kind", "customer" if event["kind"] == "pressed" else "")
        texts = [span["text"] for part in event.get("parts", ()) for span in part.get("spans", ())]
        text = "".join(texts) or event.get("text", "")
        bubble = Bubble(event["seq"], event["kind"], by, text, event.get("turn"))
        self._journal.write(
            Shown(
                at=now(),
                client=self.name,
                chat=self.visitor.chat,
                seq=bubble.seq,
                kind=bubble.kind,
                text=bubble.text,
                by=bubble.by,
            )
        )
        self.bubbles.append(bubble)
        self.held = bubble.seq
        if bubble.turn is not None:
            if (draft := self.draft) and draft.turn == bubble.turn:
                if bubble.kind == "said" and not bubble.text.startswith(draft.text.rstrip()):
                    self._wrong(f"{draft} was drawn and became", event)
                self.draft = None
            self._spoken = max(self._spoken, bubble.turn)
        if by == "customer":
            self._acknowledged(event.get("ref", ""))

    def _draw(self, frame: Frame) -> None:
        self.drafted += 1
        held = self.draft
        turn, attempt, n, start = frame["turn"], frame["attempt"], frame["n"], frame["start"]
        if turn <= self._spoken:
            self._wrong("a draft of what was said already", frame)
            return
        same = held is not None and (held.turn, held.attempt) == (turn, attempt)
        text = held.text if held and same else ""
        if held and not same and (turn, attempt) < (held.turn, held.attempt):
            self._wrong(f"a draft from before {held}", frame)
        elif held and same and n < held.n:
            self._wrong(f"a draft that grows backwards from {held}", frame)
        elif start > len(text):
            self._wrong(f"a draft with a hole after {held}", frame)
        else:
            self._put(Streaming(turn, attempt, n, text[:start] + frame["text"]))

    def _put(self, draft: Streaming) -> None:
        self._journal.write(self._drawn(draft.turn, text=draft.text))
        self.draft = draft

    def _drawn(self, turn: int, *, text: str = "", reset: str = "") -> Draft:
        return Draft(at=now(), client=self.name, chat=self.visitor.chat, turn=turn, text=text, reset=reset)

    def _refused(self, frame: Frame) -> None:
        if frame["code"] == "token":
            self.visitor.token = ""
            raise Lost("a new token is needed")
        if frame["code"] != "unavailable":
            self._wrong("refused", frame)
        # The real widget repeats it after `wait`; a new line repeats it as well.
        raise Lost(frame["text"])

    def _wrong(self, what: str, frame: Frame) -> None:
        self.wrongs.append(f"{self.name}: {what}: {frame}")


class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._frames: deque[Frame] = deque()

    async def send(self, frame: Frame) -> None:
        await self._connection.send(json.dumps(frame))

    async def receive(self) -> Frame:
        while not self._frames:
            self._frames.extend(json.loads(await self._connection.recv()))
        return self._frames.popleft()

    def abort(self) -> None:
        self._connection.transport.abort()

    async def close(self) -> None:
        await self._connection.close(1001)


class _Stream:
    """Server-sent events one way, posts the other."""

    def __init__(
        self, http: httpx2.AsyncClient, visitor: Visitor, headers: dict[str, str], lines: AsyncIterator[str]
    ) -> None:
        self._http, self._visitor, self._headers, self._lines = http, visitor, headers, lines
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def send(self, frame: Frame) -> None:
        if frame["frame"] == "hello":
            return  # the request said so
        answer = await self._http.post(
            "/api/widget/frames",
            params={"conversation": self._visitor.conversation},
            json=frame,
            headers=self._headers,
        )
        if answer.status_code != 204:
            told: Frame = answer.json()
            self._frames.put_nowait(told if "frame" in told else {"frame": "refused", **told})

    async def receive(self) -> Frame:
        frame = await self._frames.get()
        if frame is None:
            raise Lost
        return frame

    def abort(self) -> None:
        self.reading.cancel()

    async def close(self) -> None:
        self.abort()

    async def _read(self) -> None:
        try:
            async for line in self._lines:
                if line.startswith("data:"):
                    self._frames.put_nowait(json.loads(line.removeprefix("data:")))
        except httpx2.HTTPError:
            pass
        finally:
            self._frames.put_nowait(None)


@contextlib.asynccontextmanager
async def _stream(
    http: httpx2.AsyncClient, visitor: Visitor, headers: dict[str, str], after: int
) -> AsyncIterator[Carrier]:
    where = {"conversation": visitor.conversation, "after": str(after)}
    silence = httpx2.Timeout(OPENED_WITHIN, read=None)
    async with http.stream("GET", "/api/widget/stream", params=where, headers=headers, timeout=silence) as answer:
        if answer.status_code == 401:
            visitor.token = ""
        if answer.status_code != 200:
            raise Lost
        carrier = _Stream(http, visitor, headers, answer.aiter_lines())
        try:
            yield carrier
        finally:
            carrier.reading.cancel()
            await asyncio.gather(carrier.reading, return_exceptions=True)
