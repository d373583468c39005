"""One connection of one reader, whatever carries it: what it is told, in order and without gaps, and what it says.

Nothing here knows WebSocket or SSE. What goes out is queued, and written without waiting where the carrier can. What
has to wait is sent by one task at a time: that of the connection itself when it has just heard something, else one that
lives until the queue is empty. An idle connection has no task of ours, and a reader that does not keep up is cut: it
comes back with its cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, assert_never

from bot.errors import StoreDown
from bot.model import Event
from channels.web.audience import Audience, Told, encode
from channels.web.door import Door
from channels.web.frames import (
    AskOlder,
    Bye,
    ClientFrame,
    Hello,
    Ping,
    Pong,
    Press,
    Read,
    RefusedFrame,
    Say,
    ServerFrame,
    Stop,
    Submit,
    TypingNow,
)
from channels.web.history import PAGE, cursor, held_after, welcome
from channels.web.intake import read_frame
from channels.web.refusals import refused, unavailable
from channels.web.tokens import Visitor

SILENT_AFTER = 30.0
MOST_QUEUED = 1024 * 1024
"""Bytes that may wait for a reader."""
_UNDRAWN_FROM = 16
"""Frames that wait already: from here on a reader is spared drafts."""
_BURST = 4.0
"""Seconds' worth of frames that may come at once."""

PING = encode(Ping())

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Queued = Sequence[tuple[bytes, int]]
"""Frames, each with its seq where it is history (else 0)."""
Shape = Callable[[Queued], MutableMapping[str, Any]]
"""They as one message of the carrier: every message costs a call of the system."""
Write = Callable[[Queued], bool]
"""Sends at once what need not wait. False: nothing was sent, and `Send` waits or says why."""


class Line:
    """Implements `Reader`."""

    __slots__ = (
        "_accepting",
        "_address",
        "_audience",
        "_behind",
        "_checked_at",
        "_door",
        "_ends_at",
        "_heard_at",
        "_held",
        "_hello",
        "_is_open",
        "_missed",
        "_owner",
        "_paced_at",
        "_queue",
        "_queued",
        "_reading",
        "_send",
        "_sender",
        "_sending",
        "_shape",
        "_shown",
        "_slot",
        "_undrawn",
        "_visitor",
        "_watched",
        "_woken",
        "_write",
        "cut_with",
    )

    def __init__(
        self, door: Door, send: Send, shape: Shape, *, address: str, watched: bool, write: Write | None = None
    ) -> None:
        """`watched`: the other side must be heard of every 30 s. `write`: where the carrier has it."""
        now = door.clock.monotonic()
        self._door, self._send, self._shape, self._write = door, send, shape, write
        self._address, self._watched = address, watched
        self._owner: asyncio.Task[Any] | None = asyncio.current_task()
        self._slot = door.open(self)
        self.cut_with = 0
        """The code it was cut with; 0: it was not."""
        self._visitor: Visitor | None = None
        self._ends_at = 0.0  # The visitor's token, by the monotonic clock.
        self._audience: Audience | None = None
        self._hello = 0  # Rises: what was begun for an earlier hello stops.
        self._held = 0  # The last public seq passed on or skipped.
        self._shown = 0  # The last seq the client knows of.
        self._reading = self._missed = self._behind = self._undrawn = False
        self._is_open = self._woken = self._accepting = False
        self._queue: list[tuple[bytes, int]] = []
        self._queued = 0
        self._sending = False
        self._sender: asyncio.Task[None] | None = None
        self._heard_at = self._checked_at = now
        self._paced_at = now

    # What the client sends

    async def take(self, raw: str | None) -> bool:
        """One message of the client; None: one that is no text. False: it was the last one."""
        now = self._door.clock.monotonic()
        self._heard_at = now
        if self._floods(now):
            self.cut(1008)
            return False
        if raw is None:
            frame: ClientFrame | RefusedFrame = refused("bad_frame", "Frames are text, not bytes.")
        else:
            frame = read_frame(raw, self._door.settings.limits.frame_bytes)
        answer = await self._answer(frame, raw or "")
        if answer is not None:
            self.put(encode(answer))
        await self.flush()
        return not self.cut_with and not isinstance(frame, Bye)

    async def hello(self, frame: Hello) -> RefusedFrame | None:
        """Begin to read: `welcome` is queued, and everything after it follows. A refusal changes nothing."""
        door = self._door
        visitor = door.tokens.verify(frame.token)
        if visitor is None:
            return refused("token")
        if not door.history.is_thread(frame.conversation):
            return refused("unknown_conversation")
        if wait := door.reads.take(self._address):
            return refused("rate", wait=round(wait + 0.05, 1))
        known = self._visitor is not None and self._visitor.identity == visitor.identity
        if not known and not door.visitors.enter(visitor.identity):
            return refused("rate", "This chat is open in too many places. Close one of them.", wait=SILENT_AFTER)
        if not known:
            self._leave()
        self._visitor = visitor
        self._ends_at = door.clock.monotonic() + visitor.ends_at - door.clock.now().timestamp()
        try:
            await self._open(visitor, frame.conversation, cursor(frame.after))
        except StoreDown:
            self._stop_reading()
            return unavailable()
        return None

    # What the client is told

    def tell(self, told: Sequence[Told]) -> None:
        if self._reading:
            self._missed = True
            return
        for event in told:
            if event.seq <= self._held:
                continue
            if event.prev != self._held:
                self.look_up()
                return
            self._pass_on(event)

    def look_up(self) -> None:
        if self._reading:
            self._missed = True
        else:
            self._behind = True
            self._wake()

    def draw(self, piece: bytes, whole: Callable[[], bytes]) -> None:
        if self._reading or len(self._queue) >= _UNDRAWN_FROM:
            self._undrawn = True
        elif self._undrawn:
            self._undrawn = False
            self.put(whole())
        else:
            self.put(piece)

    def put(self, frame: bytes, seq: int = 0) -> None:
        if self.cut_with:
            return
        self._queue.append((frame, seq))
        self._queued += len(frame)
        if self._queued > MOST_QUEUED:
            self.cut(1013)
        else:
            self._wake()

    # Its life

    async def start(self) -> None:
        """The carrier can take messages now."""
        self._is_open = True
        await self.flush()

    def beat(self) -> None:
        """Called every 10 s."""
        now = self._door.clock.monotonic()
        if self._watched and now - self._heard_at >= SILENT_AFTER:
            self.cut(1001)
            return
        if self._visitor is None:
            if now - self._checked_at >= SILENT_AFTER:
                self.cut(1008)  # It talks, but has not said who it is.
            return
        if now >= self._ends_at:
            self._leave()
            self._checked_at = now
            self.put(encode(refused("token")))
            return
        self.put(PING)
        every = self._door.settings.recheck_seconds
        if every and now - self._checked_at >= every and self._audience is not None:
            self._checked_at = now
            self.look_up()

    def cut(self, code: int) -> None:
        """End the connection; what was not sent is in the log. Its own task is interrupted, unless it calls this."""
        if not self.cut_with:
            self.cut_with = code
            self._queue.clear()
            # What is on its way into the log is waited for: a turn may hang on it.
            if self._owner and not self._accepting and self._owner is not asyncio.current_task():
                self._owner.cancel()

    async def end(self) -> None:
        """The connection is over."""
        self._owner = None
        self._is_open = False
        self._leave()
        self._door.close(self, self._slot)
        if self._sender:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    async def flush(self) -> None:
        """Send what is queued, unless somebody does it already. Raises `OSError` when the other side is gone."""
        if self._sending or not self._is_open:
            return
        self._sending = True
        try:
            while (self._queue or self._behind) and not self.cut_with:
                if self._behind:
                    await self._catch_up()
                if self._queue and not self._is_written():
                    queue, self._queue, self._queued = self._queue, [], 0
                    await self._send(self._shape(queue))
        finally:
            self._sending = False

    # Below

    async def _answer(self, frame: ClientFrame | RefusedFrame, raw: str) -> ServerFrame | None:
        match frame:
            case Say() | Press() | Submit():
                return await self._take(frame, raw)
            case RefusedFrame():
                return frame
            case Hello():
                return await self.hello(frame)
            case Pong() | Read() | Bye():
                return None
            case AskOlder(before):
                return await self._older(before)
            case TypingNow() | Stop():
                return self._signal(frame)
            case never:
                assert_never(never)

    def _reads(self, id: str | None = None) -> tuple[Visitor, Audience] | RefusedFrame:
        """Who this is and what they read, or why nothing can be done for them now."""
        if self._visitor is None or self._heard_at >= self._ends_at:  # It was heard just now.
            return refused("token", id=id)
        if self._audience is None:  # The last hello met a store that was down.
            return unavailable(id)
        return self._visitor, self._audience

    async def _take(self, frame: Say | Press | Submit, raw: str) -> ServerFrame:
        reads = self._reads(frame.id)
        if isinstance(reads, RefusedFrame):
            return reads
        visitor, audience = reads
        self._accepting = True
        try:
            return await self._door.take(
                frame, raw=raw.encode(), visitor=visitor, thread=audience.key[1], address=self._address
            )
        finally:
            self._accepting = False

    async def _older(self, before: int) -> ServerFrame:
        reads = self._reads()
        if isinstance(reads, RefusedFrame):
            return reads
        if wait := self._door.reads.take(self._address):
            return refused("rate", wait=round(wait + 0.05, 1))
        conversation = reads[1].conversation
        if conversation is None:
            return refused("unknown_conversation")
        try:
            return await self._door.history.older(conversation, before)
        except StoreDown:
            return unavailable()

    def _signal(self, frame: TypingNow | Stop) -> RefusedFrame | None:
        reads = self._reads()
        if isinstance(reads, RefusedFrame):
            return reads
        visitor, audience = reads
        if audience.conversation:
            signal = self._door.typing if isinstance(frame, TypingNow) else self._door.stop
            signal(audience.conversation, visitor.identity)
        return None

    async def _open(self, visitor: Visitor, thread: str, after: int) -> None:
        door = self._door
        self._hello += 1
        hello = self._hello
        thread = thread or await door.history.latest(visitor.identity)
        audience = self._join((visitor.identity, thread))
        # From here on nothing can pass unseen: first listen, then read.
        self._reading, self._missed, self._behind = True, False, False
        row = await door.history.find(visitor.identity, thread)
        events: tuple[Event, ...] = ()
        if row:
            audience.born(row.id)
            self._missed = False
            events = await door.history.opening(row.id, after)
        if hello != self._hello:
            return  # Cut, or dismissed meanwhile.
        self._held = self._shown = held_after(row, events)
        self._reading, self._undrawn = False, False
        opening = welcome(
            thread,
            row,
            events,
            after,
            history=door.history,
            greeting=door.greeting((row and row.language) or visitor.language),
            limits=door.limits,
            draft=audience.draft,
        )
        self.put(encode(opening))
        if self._missed or (after and len(events) == PAGE):
            self.look_up()

    def _join(self, key: tuple[str, str]) -> Audience:
        if self._audience is None or self._audience.key != key:
            if self._audience is not None:
                self._door.hall.leave(self._audience, self)
            self._audience = self._door.hall.join(key, self)
        return self._audience

    def _stop_reading(self) -> None:
        """The store did not answer: the client says hello again, and until then hears nothing that could be a gap."""
        self._hello += 1
        if self._audience is not None:
            self._door.hall.leave(self._audience, self)
            self._audience = None
        self._reading = self._behind = False

    def _leave(self) -> None:
        self._stop_reading()
        if self._visitor is not None:
            self._door.visitors.leave(self._visitor.identity)
            self._visitor = None

    def _floods(self, now: float) -> bool:
        per_second = self._door.settings.limits.frames_per_second
        self._paced_at = max(self._paced_at, now) + 1 / per_second
        return self._paced_at > now + _BURST

    def _pass_on(self, event: Told) -> None:
        self._held = event.seq
        if event.view is not None:
            self.put(event.frame(self._shown), event.seq)
            self._shown = event.seq

    async def _catch_up(self) -> None:
        """Read from the log what follows the last event passed on, until there is no more."""
        self._behind = False
        audience, hello = self._audience, self._hello
        if audience is None or self._reading:
            return
        self._reading = True
        try:
            while True:
                self._missed = False
                if audience.conversation is None:
                    row = await self._door.history.find(*audience.key)
                    if row is None or hello != self._hello:
                        return
                    audience.born(row.id)
                    continue
                events = await self._door.history.after(audience.conversation, self._held)
                if hello != self._hello:
                    return
                for event in events:
                    self._pass_on(self._door.hall.told(event))
                if len(events) == PAGE:
                    self._behind = True  # The rest when this has gone out.
                    return
                if not self._missed:
                    return
        except StoreDown:
            self.cut(1013)
        finally:
            if hello == self._hello:
                self._reading = False

    def _wake(self) -> None:
        """Send soon. Whoever is sending, or the connection's own task when it ends what it does, may be there first."""
        if self._is_open and not self._sending and not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._send_soon)

    def _send_soon(self) -> None:
        self._woken = False
        if not self._is_open or self._sending:
            return
        if self._behind or (self._queue and not self._is_written()):
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    def _is_written(self) -> bool:
        """Whether what is queued could go out without waiting, and so has."""
        if self._write is None or not self._write(self._queue):
            return False
        self._queue, self._queued = [], 0
        return True

    async def _send_all(self) -> None:
        try:
            await self.flush()
        except OSError:
            self.cut(1006)
        except Exception:
            self.cut(1011)
            raise
        finally:
            self._sender = None
