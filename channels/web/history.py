"""The log as a visitor reads it: where a conversation is, and its events after a cursor."""

from __future__ import annotations

import re

from bot.model import Address, Conversation, ConversationId, Event
from bot.ports import Random, Store
from bot.units import Find, Latest, Log
from channels.web.frames import (
    BotSpeaker,
    ControlledView,
    ControlView,
    CustomerEvent,
    DraftView,
    Greeting,
    Limits,
    Older,
    Welcome,
)
from channels.web.intake import CHANNEL
from channels.web.views import FileAt, nowhere, view_control, view_event

PAGE = 100
"""Events read at once."""

_HIGHEST = 2**53
_THREAD = re.compile(r"[0-9a-f]{32}")


class History:
    """One account's conversations. Its methods raise `StoreDown`."""

    def __init__(
        self, *, account: str, store: Store, random: Random, bot: BotSpeaker, file_at: FileAt = nowhere
    ) -> None:
        self._account, self._store, self._random, self.bot, self.file_at = account, store, random, bot, file_at

    def is_thread(self, given: str) -> bool:
        """Whether a visitor may name a conversation of theirs so. Empty: whichever is theirs."""
        return not given or _THREAD.fullmatch(given) is not None

    async def latest(self, identity: str) -> str:
        """The visitor's open conversation, else an id for a new one; writes nothing."""
        row = await self._store.read(Latest(channel=CHANNEL, account=self._account, chat=identity))
        return row.address.thread if row else self._random.id()

    async def find(self, identity: str, thread: str) -> Conversation | None:
        """None: nothing was said in it yet."""
        found = await self._store.read(Find(address=Address(CHANNEL, self._account, identity, thread)))
        return found.conversation if found else None

    async def after(self, conversation: ConversationId, seq: int) -> tuple[Event, ...]:
        """A page of what follows `seq`."""
        return await self._store.read(Log(conversation=conversation, after=seq, most=PAGE, public=True))

    async def opening(self, conversation: ConversationId, seq: int) -> tuple[Event, ...]:
        """What a reader who holds `seq` is shown first. Who holds nothing gets the latest page."""
        if seq:
            return await self.after(conversation, seq)
        return await self._store.read(Log(conversation=conversation, most=PAGE, latest=True, public=True))

    async def older(self, conversation: ConversationId, before: int) -> Older:
        log = Log(conversation=conversation, before=cursor(before), most=PAGE, latest=True, public=True)
        events = await self._store.read(log)
        return Older(self.views(events), has_older(events))

    def views(self, events: tuple[Event, ...]) -> tuple[CustomerEvent, ...]:
        return tuple(view for event in events if (view := view_event(event, self.bot, self.file_at)) is not None)


def cursor(given: int) -> int:
    """A seq as a client claims to hold it, within what a store can be asked."""
    return max(0, min(given, _HIGHEST))


def has_older(events: tuple[Event, ...]) -> bool:
    return bool(events) and events[0].prev > 0


def welcome(
    thread: str,
    row: Conversation | None,
    events: tuple[Event, ...],
    after: int,
    *,
    history: History,
    greeting: Greeting,
    limits: Limits,
    draft: DraftView | None = None,
) -> Welcome:
    """`events` were read after `row`, and tell more of it where they are newer."""
    views = history.views(events)
    return Welcome(
        conversation=thread,
        seq=held_after(row, events),
        events=views,
        control=_control(row, events, views, history.bot),
        greeting=greeting,
        limits=limits,
        draft=draft if draft and not _is_over(draft.turn, row, events) else None,
        more=not after and has_older(events),
    )


def _is_over(turn: int, row: Conversation | None, events: tuple[Event, ...]) -> bool:
    """Whether its words are in the log already, though the bus has not told yet."""
    return bool(row and row.heard > turn) or any(event.turn is not None and event.turn >= turn for event in events)


def held_after(row: Conversation | None, events: tuple[Event, ...]) -> int:
    """The last public seq a reader holds who was given `events`, the end of what there was."""
    if events:
        return events[-1].seq
    return row.public_seq if row else 0


def _control(
    row: Conversation | None, events: tuple[Event, ...], views: tuple[CustomerEvent, ...], bot: BotSpeaker
) -> ControlView:
    if row is None:
        return ControlView("bot", bot)
    newest = max((event.epoch for event in events), default=0)
    if newest > row.control.epoch:
        for view in reversed(views):
            if isinstance(view, ControlledView):
                return view.control
    return view_control(row.control, bot, row.status)
