"""The channel of one account on Discord: what it can show, and how it sends; what it hears is `hearing`'s."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from msgspec.structs import replace

from bot.errors import Forbidden, NotSent, SettingsError, Unshowable
from bot.model import Address, Card, Carousel, Choices, Media, Message, Notice, Text, text
from bot.ports import (
    ASGI,
    Arrival,
    Attachments,
    Buttons,
    Capabilities,
    Clock,
    FileStore,
    Limit,
    Pace,
    Random,
    Rate,
    Receipt,
    Receive,
    Shown,
    Syntax,
    Vault,
)
from channels.discord.hook import hook
from channels.discord.parse import MEMBER
from channels.discord.render import Call, Look, draft, nonce, place_of, render, rewritten
from channels.discord.settings import Settings
from channels.discord.uploads import opened

if TYPE_CHECKING:
    from channels.discord.answers import Callback
    from channels.discord.session import Waiting

log = structlog.get_logger()

_MIB = 1024 * 1024
_MENTION_ROOM = 30
_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, _INVALID, _ARCHIVED, _HAS_THREAD = 10003, 10008, 50035, 50083, 160004
_NO_HISTORY = 160002
"""A bot that may not read what was said may not point to it."""

_FILES = Attachments(per_message=10, bytes_in=25 * _MIB, bytes_out=10 * _MIB)

CAN = Capabilities(
    text=Limit(2000),
    marks=frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")),
    syntax=Syntax(
        escapes=dict.fromkeys("\\*_~`|<>[]#+-", 1),
        marks={"bold": 5, "italic": 3, "strike": 5, "code": 8, "fence": 10},
        lines={"bold": 5, "italic": 3, "strike": 5, "code": 8, "quote": 2, "heading": 3, "fence": 2},
        link=6,
    ),
    parts=frozenset((Text, Choices, Card, Carousel, Media, Notice)),
    cards=5,
    raw="discord",
    buttons=Buttons(rows=5, per_row=5, label=80, token=100),
    options=25,
    form="modal",
    files=_FILES,
    stream="edit",
    stream_every=timedelta(seconds=1.2),
    typing_every=timedelta(seconds=8),
    can=frozenset(("edit", "delete", "react", "reply_to", "thread", "toast")),
    resend="safe",
    pace=Pace(
        account=Rate(50, timedelta(seconds=1)),
        chat=Rate(5, timedelta(seconds=5)),
        apart={"edit": Pace(chat=Rate(5, timedelta(seconds=5))), "typing": Pace(chat=Rate(5, timedelta(seconds=5)))},
    ),
)
_IN_THREAD = replace(CAN, shared=True)
_AT_MEMBER = replace(_IN_THREAD, text=Limit(2000 - _MENTION_ROOM))
"""The message begins with the name of whom it is for."""


def build(account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore) -> Discord:
    if not settings.token.get_secret_value():
        name = account.upper().replace("-", "_")
        raise SettingsError(f"FRONTDESK_{name}_TOKEN is not set: the bot's token from the developer portal")
    if settings.interactions == "http" and len(settings.public_key) != 64:
        raise SettingsError("`public_key` is the application's, 64 hexadecimal digits, when `interactions` is http")
    if settings.shard >= settings.shards:
        raise SettingsError(f"`shard` {settings.shard} is not below `shards` {settings.shards}")
    return Discord(account, settings, clock=clock, random=random, vault=vault, files=files)


class Discord:
    """Implements `Channel`, `Sending`, `Routes`, `Typing`, `Streaming`, `Files`, `Editing`, `Threads`, `Backfill`."""

    name = "discord"

    def __init__(
        self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore
    ) -> None:
        from channels.discord.hearing import Hearing  # the library comes with it

        self.account, self._settings, self._clock, self._files = account, settings, clock, files
        self.hearing = Hearing(account, settings, clock=clock, random=random, vault=vault)
        self._line, self._presses = self.hearing.line, self.hearing.presses

    def capabilities(self, to: Address) -> Capabilities:
        can = _AT_MEMBER if to.thread.startswith(MEMBER) else _IN_THREAD if to.thread else CAN
        room = self.hearing.known.room.get(to.chat)
        return replace(can, files=replace(_FILES, bytes_out=room)) if room else can

    async def run(self, receive: Receive) -> None:
        await self.hearing.run(receive)

    def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        return self.hearing.missed(since, most=most)

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        if self._settings.interactions != "http":
            return {}

        async def answer(raw: bytes) -> Callback:
            answered, arrival = await self._presses.posted(raw, receive)
            self.hearing.note(arrival)
            return answered

        return {f"/hooks/discord/{self.account}": hook(self._settings.public_key, answer, self._clock)}

    # Sending

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
        if shown is not None:
            try:
                return await self.edit(to, shown.ref, message, key=key)
            except Unshowable as error:
                if not _says(error, _UNKNOWN_MESSAGE):
                    raise
        if waiting := self._presses.takes(to, key):
            try:
                return await self._take_place(waiting, to, message, key)
            except (Forbidden, Unshowable) as over:
                log.info("discord.token_over", account=self.account, why=over)
        if reply_to:
            try:
                return await self._shown(to, lambda look: render(to, message, key=key, reply_to=reply_to, look=look))
            except NotSent as error:
                if not _says(error, _INVALID, _NO_HISTORY):
                    raise
                log.info("discord.replied_to_nothing", account=self.account, why=error)
        return await self._shown(to, lambda look: render(to, message, key=key, look=look))

    async def _take_place(self, waiting: Waiting, to: Address, message: Message, key: str) -> Receipt:
        from channels.discord.presses import original

        await self._presses.taken(waiting, key)
        return await self._shown(
            to, lambda look: original(waiting, "PATCH", rewritten(to, "@original", message, look=look))
        )

    async def _shown(self, to: Address, made: Callable[[Look], Call]) -> Receipt:
        """As it shows best; where Discord refuses that, the other way round: a message in Components v2 stays one."""
        call = made("best")
        try:
            return await self._sent(to, call)
        except Unshowable as error:
            if not _says(error, _INVALID) or not (call.is_v2 or call.method == "PATCH"):
                raise
            log.info("discord.shown_otherwise", account=self.account, why=error)
            return await self._sent(to, made("embeds" if call.is_v2 else "components"))

    async def _sent(self, to: Address, call: Call) -> Receipt:
        most = self.hearing.known.room.get(to.chat, _FILES.bytes_out)
        async with opened(call.files, self._files, most) as files:
            told = await self._in_place(to, call, files)
        return Receipt((str(told["id"]),), self._clock.now())

    async def _in_place(self, to: Address, call: Call, files: Sequence[Path] = ()) -> Any:
        """A thread that is archived is opened again; one that is to be made is made."""
        try:
            return await self._line.call(call, files=files)
        except NotSent as error:
            if _says(error, _ARCHIVED):
                place = {"channel_id": place_of(to)}
                await self._line.call(Call("PATCH", "/channels/{channel_id}", place, {"archived": False}))
            elif _says(error, _UNKNOWN_CHANNEL) and self._settings.threads and to.thread.isdigit():
                await self._make_thread(to)
            else:
                raise
        return await self._line.call(call, files=files)

    async def _make_thread(self, to: Address) -> None:
        ids = {"channel_id": to.chat, "message_id": to.thread}
        name = {"name": self.hearing.titles.get(to.thread) or "…", "auto_archive_duration": 1440}
        try:
            await self._line.call(Call("POST", "/channels/{channel_id}/messages/{message_id}/threads", ids, name))
        except Unshowable as error:
            if not _says(error, _HAS_THREAD):
                raise
        self.hearing.known.parents[to.thread] = to.chat
        self.hearing.known.ours.add(to.thread)

    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        """From a message that bears the title: that one is known by its key, and a message has one thread."""
        receipt = await self._sent(Address(to.channel, to.account, to.chat), render(to, text(title), key=key))
        thread = Address(to.channel, to.account, to.chat, receipt.refs[0])
        self.hearing.titles[thread.thread] = title[:90]
        await self._make_thread(thread)
        return thread

    async def typing(self, to: Address) -> None:
        try:
            await self._line.call(Call("POST", "/channels/{channel_id}/typing", {"channel_id": place_of(to)}))
        except NotSent as error:
            log.info("discord.typing_failed", account=self.account, why=error)

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        if shown is not None:
            ids = {"channel_id": place_of(to), "message_id": shown.ref}
            await self._line.call(Call("PATCH", "/channels/{channel_id}/messages/{message_id}", ids, draft(text)))
            return Shown(shown.ref, text, shown.since)
        payload = draft(text) | {"nonce": nonce(f"draft {key}"), "enforce_nonce": True}
        ids = {"channel_id": place_of(to)}
        told = await self._in_place(to, Call("POST", "/channels/{channel_id}/messages", ids, payload))
        return Shown(str(told["id"]), text, self._clock.now())

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        if say is None:
            await self.delete(to, shown.ref)
            return
        ids = {"channel_id": place_of(to), "message_id": shown.ref}
        await self._line.call(Call("PATCH", "/channels/{channel_id}/messages/{message_id}", ids, draft(say)))

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        return await self._shown(to, lambda look: rewritten(to, ref, message, look=look))

    async def delete(self, to: Address, ref: str) -> None:
        ids = {"channel_id": place_of(to), "message_id": ref}
        try:
            await self._line.call(Call("DELETE", "/channels/{channel_id}/messages/{message_id}", ids))
        except Unshowable as error:
            if not _says(error, _UNKNOWN_MESSAGE):
                raise

    async def react(self, to: Address, ref: str, emoji: str | None) -> None:
        """Taking it back needs the emoji: the last we gave."""
        ids = {"channel_id": place_of(to), "message_id": ref}
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
        if emoji is not None:
            await self._line.call(Call("PUT", path, ids | {"emoji": emoji}))
            return
        told = await self._line.call(Call("GET", "/channels/{channel_id}/messages/{message_id}", ids))
        for reaction in told.get("reactions") or ():
            if reaction.get("me"):
                await self._line.call(Call("DELETE", path, ids | {"emoji": reaction["emoji"]["name"]}))

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        ours = urlsplit(self._settings.api).netloc if self._settings.api else ""
        host = urlsplit(media.ref).netloc
        if host not in ("cdn.discordapp.com", "media.discordapp.net") and (not ours or host != ours):
            raise Forbidden(f"{host or 'no address'} is none of Discord's hosts", scope="address")
        async for piece in self._line.download(media.ref, _FILES.bytes_in):
            yield piece


def _says(error: NotSent, *codes: int) -> bool:
    """Whether one of Discord's own codes stands behind it."""
    return getattr(error.__cause__, "code", 0) in codes
