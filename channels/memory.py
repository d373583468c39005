"""The channel of tests: deterministic, every capability and every fault settable; records what a customer would see.

It has no loop of its own: whoever says something carries it through T0.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec import Struct

from bot.errors import Unshowable
from bot.fit import options_of, plain
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Deleted,
    Edited,
    Form,
    Incoming,
    Json,
    Location,
    Media,
    Message,
    Notice,
    Opened,
    Option,
    Pressed,
    Rating,
    Reacted,
    Said,
    Sources,
    Submitted,
    Table,
    Text,
    VCard,
    text,
)
from bot.ports import Accepted, Arrival, Buttons, Capabilities, Clock, Limit, Receipt, Receive, Shown

EVERYTHING = Capabilities(
    text=Limit(4096),
    marks=frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")),
    parts=frozenset((Text, Choices, Card, Carousel, Table, Sources, Notice, Media, Location, VCard, Rating)),
    buttons=Buttons(rows=8, per_row=4, label=40),
    can=frozenset(("edit", "delete", "react", "reply_to", "thread")),
    resend="safe",
)
"""All but streaming and typing, which a test asks for when it is about them."""

Optional = Literal["typing", "show", "drop", "edit", "delete", "react", "fetch"]


class Post(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event as this platform sends it, in JSON."""

    key: str
    chat: str
    body: Incoming
    thread: str = ""
    by: str = ""
    """Empty: the person whose chat it is."""
    bot: bool = False
    """Said by this account or by another bot."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Sent:
    to: Address
    message: Message
    key: str
    again: bool
    shown: Shown | None = None
    reply_to: str = ""

    @property
    def text(self) -> str:
        return "\n".join(filter(None, map(plain, self.message.parts)))

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(option for part in self.message.parts for option in options_of(part))


@dataclass(slots=True)
class Memory:
    """Implements `Channel`, `Sending` and, where `can` says so, `Typing`, `Streaming`, `Files` and `Editing`.

    With `resend` other than `safe` what is sent again under a key that arrived before is shown once more.
    """

    clock: Clock
    account: str = "memory"
    can: Capabilities = EVERYTHING
    name: str = field(default="memory", init=False)
    sent: list[Sent] = field(default_factory=list)
    """What customers see, oldest first; edited and deleted as on a screen."""
    calls: list[Sent] = field(default_factory=list)
    """Every call of `send`, whatever became of it."""
    drafts: dict[Address, Shown] = field(default_factory=dict)
    """What customers see of what is still being written."""
    typed: list[Address] = field(default_factory=list)
    """Where typing was shown, one entry for each pulse."""
    reactions: dict[str, str] = field(default_factory=dict)
    """Ours, by the id of the message."""
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """What customers sent, by the file's `ref`."""
    faults: list[Exception | None] = field(default_factory=list)
    """Raised by the next calls of `send`, one each; None: no fault."""
    faults_of: dict[Optional, list[Exception | None]] = field(default_factory=dict)
    """The same for the other calls."""
    lost_receipts: int = 0
    """So many sends arrive although the sender sees a fault: outcome unknown."""
    twice: int = 0
    """So many of the next events come a second time, at the same moment."""
    held: list[Arrival] | None = None
    """A list: what happens meanwhile is kept in it until it is released."""
    _receive: Receive | None = field(default=None, init=False)
    _running: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _keys: int = field(default=0, init=False)

    def capabilities(self, to: Address) -> Capabilities:
        return self.can

    async def run(self, receive: Receive) -> None:
        self._receive = receive
        self._running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._running.clear()

    # What we show

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        sent = Sent(to, message, key, again, shown, reply_to)
        self.calls.append(sent)
        fault = self.faults.pop(0) if self.faults else None
        arrives = fault is None or self.lost_receipts > 0
        known = self.can.resend == "safe" and any(earlier.key == key for earlier in self.sent)
        if arrives and not known:
            self.sent.append(sent)
            self.drafts.pop(to, None)
        if fault is None:
            return Receipt((key,), self.clock.now())
        self.lost_receipts -= arrives
        raise fault

    async def typing(self, to: Address) -> None:
        self._fail("typing")
        self.typed.append(to)

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        self._fail("show")
        since = shown.since if shown else self.clock.now()
        self.drafts[to] = Shown(key, text, since)
        return self.drafts[to]

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        self._fail("drop")
        self.drafts.pop(to, None)
        if say is not None:
            self.sent.append(Sent(to, text(say), shown.ref, False))

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        self._fail("edit")
        at = self._shown(to, ref)
        self.sent[at] = Sent(to, message, ref, False)
        return Receipt((ref,), self.clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        self._fail("delete")
        del self.sent[self._shown(to, ref)]

    async def react(self, to: Address, ref: str, emoji: str | None) -> None:
        self._fail("react")
        if emoji is None:
            self.reactions.pop(ref, None)
        else:
            self.reactions[ref] = emoji

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        self._fail("fetch")
        content = self.files[media.ref]
        if self.can.files is not None and len(content) > self.can.files.bytes_in:
            raise Unshowable(f"{media.name or media.kind} has {len(content)} bytes, more than are taken")
        for start in range(0, len(content), 64 * 1024):
            yield content[start : start + 64 * 1024]

    def _fail(self, call: Optional) -> None:
        faults = self.faults_of.get(call)
        if faults and (fault := faults.pop(0)) is not None:
            raise fault

    def _shown(self, to: Address, ref: str) -> int:
        for at, sent in enumerate(self.sent):
            if (sent.to, sent.key) == (to, ref):
                return at
        raise Unshowable(f"there is no message {ref!r} of ours")

    # What customers do

    async def say(self, chat: str, words: str, *, key: str = "", thread: str = "", language: str = "en") -> Accepted:
        return await self.hear(chat, Said(text(words)), key=key, thread=thread, language=language)

    async def press(self, chat: str, label: str, *, thread: str = "") -> Accepted:
        """Press the latest button with this label. Raises `LookupError` when none was shown."""
        for sent in reversed(self.sent):
            if (sent.to.chat, sent.to.thread) == (chat, thread):
                for option in sent.options:
                    if option.label == label:
                        return await self.hear(chat, Pressed(option.token, label), thread=thread)
        raise LookupError(f"no button {label!r} was shown in chat {chat!r}")

    async def submit(self, chat: str, values: dict[str, Json]) -> Accepted:
        """Fill in the latest form. Raises `LookupError` when none was shown."""
        for sent in reversed(self.sent):
            for part in sent.message.parts:
                if sent.to.chat == chat and isinstance(part, Form):
                    return await self.hear(chat, Submitted(part.token, values))
        raise LookupError(f"no form was shown in chat {chat!r}")

    async def edits(self, chat: str, ref: str, words: str) -> Accepted:
        return await self.hear(chat, Edited(text(words), ref))

    async def deletes(self, chat: str, ref: str) -> Accepted:
        return await self.hear(chat, Deleted(ref))

    async def reacts(self, chat: str, ref: str, emoji: str, *, added: bool = True) -> Accepted:
        return await self.hear(chat, Reacted(emoji, added, ref))

    async def open(self, chat: str, payload: str = "") -> Accepted:
        return await self.hear(chat, Opened(payload))

    async def hear(
        self, chat: str, body: Incoming, *, key: str = "", thread: str = "", language: str = "en"
    ) -> Accepted:
        await self._running.wait()
        self._keys += 1
        return await self._take(
            Arrival(
                account=self.account,
                key=key or f"{chat}.{self._keys}",
                raw=b"",
                to=self.address(chat, thread),
                by=chat,
                at=self.clock.now(),
                bodies=(body,),
                language=language,
            )
        )

    async def bring(self, raw: bytes) -> Accepted:
        """An event as it would come from outside: a `Post` in JSON, or whatever else."""
        await self._running.wait()
        return await self._take(parse(raw, self.account, self.clock))

    async def release(self, *order: int) -> Sequence[Accepted]:
        """Deliver what was held, in that order of its places; without one as it happened."""
        held, self.held = self.held or [], None
        return [await self._take(held[at]) for at in order or range(len(held))]

    async def _take(self, arrival: Arrival) -> Accepted:
        assert self._receive is not None
        if self.held is not None:
            self.held.append(arrival)
            return Accepted(True, None, None)
        if self.twice > 0:
            self.twice -= 1
            first, _ = await asyncio.gather(self._receive(arrival), self._receive(arrival))
            return first
        return await self._receive(arrival)

    def address(self, chat: str, thread: str = "") -> Address:
        return Address("memory", self.account, chat, thread)

    def seen(self, chat: str, thread: str = "", *, by: str = "") -> list[str]:
        """What somebody in this chat reads, oldest first; a draft is the last of it. `by`: empty: its customer."""
        here, reader = self.address(chat, thread), by or chat
        shown = [sent for sent in self.sent if sent.to == here and sent.message.only_for in ("", reader)]
        draft = self.drafts.get(here)
        return [*(sent.text for sent in shown), *([draft.text] if draft else [])]


def parse(raw: bytes, account: str, clock: Clock) -> Arrival:
    """Total: what cannot be read says why."""
    to, key, by, language, bodies, why = Address("memory", account, ""), "", "", "", tuple[Incoming, ...](), ""
    try:
        post = msgspec.json.decode(raw, type=Post)
        to, key, by = Address("memory", account, post.chat, post.thread), post.key, post.by or post.chat
        bodies, language = () if post.bot else (post.body,), post.language
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = str(error) or type(error).__name__
    return Arrival(
        account=account,
        key=key,
        raw=raw,
        to=to,
        by=by,
        at=clock.now(),
        bodies=bodies,
        language=language,
        unreadable=why,
    )
