"""One open console: its socket, what it watches, and what it is told.

Whatever waits for the socket waits in a bounded line. A screen that cannot keep up is cut; it comes again and asks for
what it has missed.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal, TypeVar, assert_never

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.desk import may_speak
from bot.errors import StoreDown
from bot.model import Author, ConversationId, Event
from bot.ports import Bus, Clock, Drafted, DraftReset, Happened, News, Question, Stopped, Store, Typed
from bot.units import CountViews, Find, Log, QueueRow
from channels.console.frames import (
    CaughtUp,
    ClientFrame,
    Counts,
    Draft,
    EventFrame,
    Ping,
    Pong,
    Ready,
    RefusedFrame,
    Reset,
    RowFrame,
    ServerFrame,
    Typing,
    TypingNow,
    Unwatch,
    View,
    Watch,
)
from channels.console.live import Live
from channels.console.rows import show, views
from channels.console.sign_in import Present, SignIns

log = structlog.get_logger()
R = TypeVar("R")

PING_EVERY = 10.0
SILENCE = 30.0
COUNT_EVERY = 1.0
TYPING_SECONDS = 5.0
TYPING_EVERY = 2.0
MOST_WATCHED = 32
MOST_FRAME = 16 * 1024
MOST_WAITING = 4 * 1024 * 1024
"""Bytes in line for one socket."""
FRAMES_AT_ONCE = 100
FRAMES_PER_SECOND = 20.0
_MOST_NEWS = 500
_PAGE = 200
_MOST_SEQ = 2**53
_TRY_AGAIN = 1.0
_CLOSE_SECONDS = 2.0
_ID = re.compile(r"[0-9a-f]{32}")

LEFT, TOO_SLOW, SIGNED_OUT = 1000, 1013, 4401
"""How a socket ends: it left or fell silent; it may have missed something and should come again; not signed in."""

_encode = msgspec.json.Encoder().encode
_decode: Callable[[str | bytes], ClientFrame] = msgspec.json.Decoder(ClientFrame).decode


class Screen:
    def __init__(
        self,
        socket: WebSocket,
        present: Present,
        *,
        live: Live,
        store: Store,
        bus: Bus,
        clock: Clock,
        sign_ins: SignIns,
    ) -> None:
        self._socket = socket
        self._present = present
        self._live, self._store, self._bus, self._clock, self._sign_ins = live, store, bus, clock, sign_ins
        self._watches: dict[ConversationId, _Watch] = {}
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._is_ready = False
        self._uncounted = asyncio.Event()
        self._over = asyncio.Event()
        self._code = LEFT
        self._heard_at = self._budget_at = clock.monotonic()
        self._budget = float(FRAMES_AT_ONCE)

    async def run(self) -> None:
        """Until the browser leaves, the sign-in ends or the line is given up."""
        await self._socket.accept()
        async with self._live.shown(self):
            try:
                async with asyncio.TaskGroup() as self._tasks:
                    for work in (self._write(), self._read(), self._count(), self._pulse(), self._until_over()):
                        self._tasks.create_task(work)
            except* _Over:
                pass
            finally:
                for conversation in tuple(self._watches):
                    self._forget(conversation)
        await self._close()

    # What the others see of it

    @property
    def present(self) -> Present:
        return self._present

    @property
    def watched(self) -> Collection[ConversationId]:
        return self._watches.keys()

    def put(self, frame: ServerFrame) -> None:
        encoded = _encode(frame)
        self._waiting_bytes += len(encoded)
        if self._waiting_bytes > MOST_WAITING:
            self.cut()
            return
        if self._waiting_bytes > MOST_WAITING // 2:
            self._room.clear()
        self._waiting.append(encoded)
        self._more.set()

    def put_row(self, row: QueueRow) -> None:
        # Before `ready` the browser has no lists yet: what changed until then is in those it is about to ask for.
        if self._is_ready:
            self.put(RowFrame(show(row), views(row, self._present.agent.id)))
            self._uncounted.set()

    def cut(self) -> None:
        self._finish(TOO_SLOW)

    def sign_out(self) -> None:
        self._finish(SIGNED_OUT)

    # Its work

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                encoded = self._waiting.popleft()
                try:
                    await self._socket.send_text(encoded.decode())
                except WebSocketDisconnect:
                    self._finish(LEFT)
                    return
                self._waiting_bytes -= len(encoded)
                if self._waiting_bytes <= MOST_WAITING // 2:
                    self._room.set()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self._finish(LEFT)
                return
            self._heard_at = self._clock.monotonic()
            data = message.get("text") or message.get("bytes") or ""
            if not self._may_speak():
                self.put(RefusedFrame("rate", "Too many frames; this one was not read."))
            elif frame := _parse(data):
                await self._hear(frame)
            else:
                self.put(RefusedFrame("bad_frame", "Not a frame of this console; reload the page."))

    async def _count(self) -> None:
        counts = await self._counts()
        self._is_ready = True
        self.put(Ready(counts))
        while True:
            await self._uncounted.wait()
            self._uncounted.clear()
            before, counts = counts, await self._counts()
            if counts != before:
                self.put(Counts(counts))
            await self._clock.sleep(COUNT_EVERY)

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep(PING_EVERY)
            if self._clock.monotonic() - self._heard_at > SILENCE:
                self._finish(LEFT)
                return
            self.put(Ping())
            for watch in self._watches.values():
                watch.look()  # the bus may have lost something
            try:
                if await self._sign_ins.check(self._present.sign_in.digest) is None:
                    self.sign_out()
            except StoreDown as down:
                log.warning("console.sign_in", why=down)

    async def _until_over(self) -> None:
        await self._over.wait()
        raise _Over

    async def _counts(self) -> dict[View, int]:
        while True:
            try:
                return await self._store.read(CountViews(self._present.agent.id))
            except StoreDown as down:
                log.warning("console.counts", why=down)
                await self._clock.sleep(_TRY_AGAIN)

    def _finish(self, code: int) -> None:
        if not self._over.is_set():
            self._code = code
            self._over.set()

    async def _close(self) -> None:
        if self._code == LEFT:
            return  # there is nobody to say it to; the server closes what is still open
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                if self._code == SIGNED_OUT:
                    await self._socket.send_text(_encode(RefusedFrame("signed_out", "Sign in again.")).decode())
                await self._socket.close(self._code)
        except (TimeoutError, WebSocketDisconnect):
            pass

    # What the browser says

    def _may_speak(self) -> bool:
        now = self._clock.monotonic()
        self._budget = min(float(FRAMES_AT_ONCE), self._budget + (now - self._budget_at) * FRAMES_PER_SECOND)
        self._budget_at = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    async def _hear(self, frame: ClientFrame) -> None:
        match frame:
            case Watch(conversation, after):
                self._watch(ConversationId(conversation), after)
            case Unwatch(conversation):
                self._forget(ConversationId(conversation))
            case TypingNow(conversation, kind):
                await self._type(ConversationId(conversation), kind)
            case Pong():
                pass
            case never:
                assert_never(never)

    def _watch(self, conversation: ConversationId, after: int) -> None:
        if held := self._watches.pop(conversation, None):
            held.task.cancel()
        if len(self._watches) >= MOST_WATCHED:
            self.put(RefusedFrame("rate", f"At most {MOST_WATCHED} conversations at once."))
            return
        watch = self._watches[conversation] = _Watch()
        watch.task = self._tasks.create_task(self._follow(watch, conversation, after))
        if held is None:
            self._live.tell_viewers(conversation)

    def _forget(self, conversation: ConversationId) -> None:
        if watch := self._watches.pop(conversation, None):
            watch.task.cancel()
            self._live.tell_viewers(conversation)

    async def _type(self, conversation: ConversationId, kind: Literal["reply", "note"]) -> None:
        watch, now = self._watches.get(conversation), self._clock.monotonic()
        if watch is None or now - watch.typed_at < TYPING_EVERY:
            return
        watch.typed_at = now
        agent = self._present.agent
        # The bus is heard by the customer's door as well; looking on and writing notes leave no trace there.
        if kind == "reply" and await self._holds(conversation):
            self._bus.publish(Typed(conversation, "agent", agent.name, agent.id, TYPING_SECONDS))
        else:
            self._live.tell_typing(conversation, agent, TYPING_SECONDS)

    async def _holds(self, conversation: ConversationId) -> bool:
        try:
            found = await self._store.read(Find(conversation))
        except StoreDown:
            return False
        return found is not None and may_speak(self._present.agent, found.conversation.control)

    # What it watches

    async def _follow(self, watch: _Watch, conversation: ConversationId, after: int) -> None:
        # Listening comes before reading: what happens in between is then held twice, and told once.
        stop = self._bus.listen(conversation, watch.hear)
        try:
            found = await self._read_again(Find(conversation))
            if found is None:
                self.put(RefusedFrame("not_found", "There is no such conversation."))
                del self._watches[conversation]
                return
            last = await self._catch_up(conversation, min(after, found.conversation.last_seq))
            self.put(CaughtUp(conversation, last))
            if draft := self._live.draft(conversation):
                self._tell_draft(draft)
            while True:
                missed, news = await watch.take()
                if missed:
                    last = await self._catch_up(conversation, last)
                for item in news:
                    last = await self._tell(conversation, item, last)
        finally:
            stop()

    async def _tell(self, conversation: ConversationId, news: News, last: int) -> int:
        match news:
            case Happened(_, events):
                for event in events:
                    if event.seq > last + 1:
                        last = await self._catch_up(conversation, last)
                    if event.seq == last + 1:
                        last = self._tell_event(conversation, event)
            case Drafted():
                self._tell_draft(news)
            case DraftReset(_, turn, why):
                self.put(Reset(conversation, turn, why))
            case Typed(_, by, name, id, seconds) if id != self._present.agent.id:
                self.put(Typing(conversation, Author(by, id, name), seconds))
            case Typed() | Stopped():
                pass
            case never:
                assert_never(never)
        return last

    def _tell_draft(self, piece: Drafted) -> None:
        self.put(Draft(piece.conversation, piece.turn, piece.attempt, piece.n, piece.start, piece.text))

    def _tell_event(self, conversation: ConversationId, event: Event) -> int:
        self.put(EventFrame(conversation, event))
        return event.seq

    async def _catch_up(self, conversation: ConversationId, last: int) -> int:
        while True:
            page = await self._read_again(Log(conversation=conversation, after=last, most=_PAGE))
            for event in page:
                last = self._tell_event(conversation, event)
            if len(page) < _PAGE:
                return last
            await self._room.wait()

    async def _read_again(self, question: Question[R]) -> R:
        while True:
            try:
                return await self._store.read(question)
            except StoreDown as down:
                log.warning("console.watch", why=down)
                await self._clock.sleep(_TRY_AGAIN)


class _Over(Exception):
    pass


@dataclass(slots=True, eq=False)
class _Watch:
    """What happens in one conversation, until the screen has time for it. Too much of it is read from the log."""

    task: asyncio.Task[None] = field(init=False)
    typed_at: float = -TYPING_EVERY
    _news: deque[News] = field(default_factory=deque)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _missed: bool = False

    def hear(self, news: News) -> None:
        if len(self._news) >= _MOST_NEWS:
            self._news.clear()
            self._missed = True
        self._news.append(news)
        self._more.set()

    def look(self) -> None:
        """See in the log whether there is something new."""
        self._missed = True
        self._more.set()

    async def take(self) -> tuple[bool, tuple[News, ...]]:
        await self._more.wait()
        self._more.clear()
        taken = self._missed, tuple(self._news)
        self._missed = False
        self._news.clear()
        return taken


def _parse(data: str | bytes) -> ClientFrame | None:
    if len(data) > MOST_FRAME:
        return None
    try:
        frame = _decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if isinstance(frame, Watch | Unwatch | TypingNow) and not _ID.fullmatch(frame.conversation):
        return None
    if isinstance(frame, Watch) and not 0 <= frame.after <= _MOST_SEQ:
        return None
    return frame
