"""Who reads which conversation in this process: each is listened to once, and each frame encoded once for all readers.

The bus only says what is new; whoever is not exactly one event behind it reads the log instead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, assert_never

import msgspec

from bot.model import Acted, Acting, ConversationId, Event
from bot.ports import Bus, Clock, Drafted, DraftReset, Happened, News, Stopped, Typed
from channels.web.frames import (
    AgentSpeaker,
    BotSpeaker,
    CustomerEvent,
    Draft,
    DraftView,
    EventFrame,
    Reset,
    ServerFrame,
    Typing,
)
from channels.web.views import FileAt, nowhere, view_event

DRAW_EVERY = 0.03
"""Seconds between two frames of a draft."""
LINGER = 30.0
"""Seconds for which a conversation is listened to after its last reader left: a page that is loaded again comes back to
the draft it saw."""
MOST_LINGERING = 1000
_LONGEST_DRAFT = 64 * 1024

Key = tuple[str, str]
"""Identity and thread: a conversation as its visitor knows it."""

encode: Callable[[ServerFrame], bytes] = msgspec.json.Encoder().encode


class Told:
    """One public event, encoded once for all who hold the one before it."""

    __slots__ = ("_frame", "_prev", "prev", "seq", "view")

    def __init__(self, event: Event, bot: BotSpeaker, file_at: FileAt) -> None:
        self.seq, self.prev = event.seq, event.prev
        self.view: CustomerEvent | None = view_event(event, bot, file_at)
        self._frame, self._prev = b"", -1

    def frame(self, prev: int) -> bytes:
        if prev != self._prev:
            assert self.view is not None
            self._frame, self._prev = encode(EventFrame(self.seq, prev, self.view)), prev
        return self._frame


class Reader(Protocol):
    """A connection, as its audience knows it. Nothing here waits or raises."""

    def tell(self, told: Sequence[Told]) -> None:
        """Public events that were committed, in order."""

    def look_up(self) -> None:
        """Something may have been missed: read the log."""

    def draw(self, piece: bytes, whole: Callable[[], bytes]) -> None:
        """The next frame of a draft, and the one that holds all of it for a reader who left some out."""

    def put(self, frame: bytes, seq: int = 0) -> None:
        """A frame as it is. `seq`: it is that event of the history."""


class _Streaming:
    """A draft, as far as it has come."""

    __slots__ = ("_whole", "attempt", "n", "pending", "text", "turn")

    def __init__(self, turn: int, attempt: int) -> None:
        self.turn, self.attempt = turn, attempt
        self.n = 0
        self.text = ""
        self.pending: int | None = None
        """From where on it was not drawn yet."""
        self._whole = b""

    def add(self, piece: Drafted) -> bool:
        """False: a piece before it was lost, or it is no answer any more. What is said in the end comes as an event."""
        held = len(self.text)
        if piece.start > held or piece.start + len(piece.text) > _LONGEST_DRAFT:
            return False
        self.text = self.text + piece.text if piece.start == held else self.text[: piece.start] + piece.text
        self.n = piece.n
        self.pending = piece.start if self.pending is None else min(self.pending, piece.start)
        self._whole = b""
        return True

    def frame(self, start: int) -> bytes:
        return encode(Draft(self.turn, self.attempt, self.n, start, self.text[start:]))

    def whole(self) -> bytes:
        self._whole = self._whole or self.frame(0)
        return self._whole


class Audience:
    """The readers of one conversation, which may not have begun yet."""

    __slots__ = ("_draft", "_finished", "_hall", "_stop", "conversation", "key", "readers")

    def __init__(self, hall: Hall, key: Key) -> None:
        self._hall = hall
        self.key = key
        self.conversation: ConversationId | None = None
        self.readers: list[Reader] = []
        self._stop: Callable[[], None] | None = None
        self._draft: _Streaming | None = None
        self._finished = -1
        """The last turn whose words are in the log: what still comes of its draft is void."""

    def born(self, conversation: ConversationId, events: tuple[Event, ...] = ()) -> None:
        """The conversation exists: its news are heard from now on, and what came before `events` is in the log."""
        if self.conversation is None:
            self.conversation = conversation
            self._stop = self._hall.bus.listen(conversation, self._hear)
            if events:
                self._hear(Happened(conversation, events))
            else:
                for reader in self.readers:
                    reader.look_up()

    def close(self) -> None:
        self._draft = None
        if self._stop:
            self._stop()
            self._stop = None

    @property
    def draft(self) -> DraftView | None:
        """What streams now, and how much of it has come."""
        draft = self._draft
        return DraftView(draft.turn, draft.attempt, draft.n, draft.text) if draft and draft.text else None

    def draw(self) -> bool:
        """Send what came since the last time. False: nothing did."""
        draft = self._draft
        if draft is None or draft.pending is None:
            return False
        piece, draft.pending = draft.frame(draft.pending), None
        for reader in self.readers:
            reader.draw(piece, draft.whole)
        return True

    def _hear(self, news: News) -> None:
        match news:
            case Happened(events=events):
                if self.readers and (told := [self._hall.told(event) for event in events if event.public]):
                    for reader in self.readers:
                        reader.tell(told)
                for event in events:
                    if event.turn is not None and not isinstance(event.body, Acting | Acted):
                        self._finish(event.turn)
            case Drafted():
                self._drafted(news)
            case DraftReset(turn=turn, why=why):
                if turn > self._finished:
                    self._draft = None
                    self._tell_all(Reset(turn, why))
            case Typed(by="agent", name=name, seconds=seconds):
                self._tell_all(Typing(AgentSpeaker(name), seconds))
            case Typed(by="bot", seconds=seconds):
                self._tell_all(Typing(self._hall.bot, seconds))
            case Typed() | Stopped():
                pass
            case never:
                assert_never(never)

    def _drafted(self, piece: Drafted) -> None:
        draft, attempt = self._draft, (piece.turn, piece.attempt)
        if piece.turn <= self._finished or (draft and attempt < (draft.turn, draft.attempt)):
            return
        if draft is None or attempt > (draft.turn, draft.attempt):
            if draft:
                self._tell_all(Reset(draft.turn, "attempt"))
            draft = self._draft = _Streaming(*attempt)
        if draft.add(piece):
            self._hall.draw_soon(self)

    def _finish(self, turn: int) -> None:
        self._finished = max(self._finished, turn)
        if self._draft and self._draft.turn <= turn:
            self._draft = None

    def _tell_all(self, frame: ServerFrame) -> None:
        if self.readers:
            encoded = encode(frame)
            for reader in self.readers:
                reader.put(encoded)


class Hall:
    """All audiences of one account in this process: no more than it has readers, and a few that linger."""

    def __init__(self, *, bus: Bus, clock: Clock, bot: BotSpeaker, file_at: FileAt = nowhere) -> None:
        self.bus, self.bot, self._file_at = bus, bot, file_at
        self._clock = clock
        self._audiences: dict[Key, Audience] = {}
        self._lingering: dict[Audience, float] = {}  # Each with when it may go; the oldest first.
        self._drawing: deque[tuple[float, Audience]] = deque()  # Those drawn lately, with when they may be again.
        self._waiting: set[Audience] = set()  # The same, to be asked.
        self._drawer: asyncio.Task[None] | None = None

    def told(self, event: Event) -> Told:
        return Told(event, self.bot, self._file_at)

    def join(self, key: Key, reader: Reader) -> Audience:
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(self, key)
        self._lingering.pop(audience, None)
        audience.readers.append(reader)
        return audience

    def leave(self, audience: Audience, reader: Reader) -> None:
        audience.readers.remove(reader)
        if audience.readers:
            return
        if audience.conversation is None:
            self._drop(audience)
            return
        self._lingering[audience] = self._clock.monotonic() + LINGER
        if len(self._lingering) > MOST_LINGERING:
            self._drop(next(iter(self._lingering)))

    def born(self, key: Key, conversation: ConversationId, events: tuple[Event, ...]) -> None:
        """Something was said in a conversation, which exists now if it did not before. `events`: what was appended."""
        if audience := self._audiences.get(key):
            audience.born(conversation, events)

    def conversation_of(self, key: Key) -> ConversationId | None:
        audience = self._audiences.get(key)
        return audience.conversation if audience else None

    def sweep(self, now: float) -> None:
        """Let go of what has lingered long enough."""
        while self._lingering:
            audience, until = next(iter(self._lingering.items()))
            if until > now:
                return
            self._drop(audience)

    def draw_soon(self, audience: Audience) -> None:
        """At once when it was not drawn lately, else when the next frame is due."""
        if audience in self._waiting:
            return
        audience.draw()
        self._waiting.add(audience)
        self._drawing.append((self._clock.monotonic() + DRAW_EVERY, audience))
        if self._drawer is None or self._drawer.done():
            self._drawer = asyncio.get_running_loop().create_task(self._draw(), name="web drafts")

    async def close(self) -> None:
        for audience in tuple(self._audiences.values()):
            self._drop(audience)
        if self._drawer:
            self._drawer.cancel()
            await asyncio.gather(self._drawer, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._audiences)

    async def _draw(self) -> None:
        while self._drawing:
            wait = self._drawing[0][0] - self._clock.monotonic()
            if wait > 0.001:
                await self._clock.sleep(wait)
                continue
            _, audience = self._drawing.popleft()
            if audience.draw():
                self._drawing.append((self._clock.monotonic() + DRAW_EVERY, audience))
            else:
                self._waiting.discard(audience)

    def _drop(self, audience: Audience) -> None:
        audience.close()
        self._lingering.pop(audience, None)
        self._audiences.pop(audience.key, None)
