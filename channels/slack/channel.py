"""The door to Slack: what comes in is committed before Slack hears yes; what goes out is one call a piece.

It decides nothing. Events come over HTTP, through our own route, or over Socket Mode, whose envelopes are acknowledged
only when the arrival is in the log. https://docs.slack.dev
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import structlog
from msgspec.structs import replace

from bot.errors import FileGone, NotSent, StoreDown, TooLarge, Unshowable
from bot.model import (
    Address,
    Card,
    Choices,
    Form,
    Mark,
    Media,
    Message,
    Notice,
    Part,
    Rating,
    Raw,
    Sources,
    Table,
    Text,
    text,
)
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
    Vault,
)
from channels.slack import emoji
from channels.slack.answers import Answers
from channels.slack.behind import Behind
from channels.slack.client import Workspaces
from channels.slack.drafts import Drafts
from channels.slack.hearing import Hearing
from channels.slack.hook import endpoint, hook
from channels.slack.known import Known
from channels.slack.lately import Lately
from channels.slack.lists import Lists
from channels.slack.missed import History
from channels.slack.oauth import Installing
from channels.slack.place import place
from channels.slack.posting import Posting
from channels.slack.refusals import code_of
from channels.slack.render import COLUMNS, LONGEST_LABEL, LONGEST_LIST, LONGEST_TEXT, ROWS, anew, asked_for
from channels.slack.settings import Settings
from channels.slack.sharing import LARGEST, Sharing
from channels.slack.sockets import Sockets
from channels.slack.watch import Watch

log = structlog.get_logger()

_MARKS: frozenset[Mark] = frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading"))
_PARTS: frozenset[type[Part]] = frozenset((Text, Choices, Card, Table, Sources, Notice, Media, Rating, Form, Raw))
_CAN = Capabilities(
    text=Limit(LONGEST_TEXT),
    marks=_MARKS,
    parts=_PARTS,
    alone=frozenset((Table,)),
    table=(ROWS - 1, COLUMNS),
    raw="slack",
    buttons=Buttons(rows=5, per_row=5, label=LONGEST_LABEL, token=150),
    options=LONGEST_LIST,
    form="modal",
    files=Attachments(per_message=10, bytes_out=LARGEST),
    stream="edit",
    stream_every=timedelta(seconds=1.2),
    can=frozenset(("edit", "delete", "react", "thread", "private_note", "toast", "zone")),
    resend="lookup",
    pace=Pace(chat=Rate(3, timedelta(seconds=3)), apart={"edit": Pace(account=Rate(50, timedelta(minutes=1)))}),
)


class Slack:
    """Implements `Channel`, `Sending`, `Routes`, `Typing`, `Streaming`, `Files`, `Editing`, `Threads`, `Backfill`."""

    name = "slack"

    def __init__(
        self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore
    ) -> None:
        self.account = account
        self._settings, self._clock = settings, clock
        self._workspaces = Workspaces(settings, clock, vault)
        self._known, self._lists = Known(vault), Lists(clock, vault)
        self._answers = Answers(account, settings, self._workspaces, self._known, clock)
        self._behind = Behind(account, clock, vault)
        self._hearing = Hearing(
            account,
            settings,
            self._workspaces,
            known=self._known,
            lists=self._lists,
            answers=self._answers,
            behind=self._behind,
        )
        self._sockets = Sockets(account, settings, self._workspaces, clock=clock, random=random)
        self._installing = Installing(account, settings, self._workspaces, clock=clock, random=random)
        self._drafts = Drafts(account, self._workspaces, self._known, clock)
        self._sharing = Sharing(account, self._workspaces, clock=clock, vault=vault, files=files)
        self._posting = Posting(self._workspaces, self._known, self._lists, self._drafts, self._sharing, clock)
        self._history = History(account, self._workspaces, self._hearing, clock)
        self._watch = Watch(account, self._workspaces, self._history, self._behind, clock)
        self._reacted = Lately[tuple[str, str], str]()

    def __repr__(self) -> str:
        return f"Slack({self.account!r})"

    def capabilities(self, to: Address) -> Capabilities:
        in_private = to.thread.startswith("@")
        streams: Literal["native", "edit", "whole"] = "native" if to.thread else "edit"
        if in_private or not self._settings.stream:
            streams = "whole"
        return replace(
            _CAN,
            stream=streams,
            typing_every=timedelta(seconds=60) if to.thread and not in_private else None,
            can=frozenset(("toast", "zone")) if in_private else _CAN.can,
            resend="blind" if in_private else "lookup",
            shared=not in_private and to.chat.rpartition("/")[2][:1] not in ("D", "U", "W"),
            files=Attachments(per_message=10, bytes_in=self._settings.largest_file, bytes_out=LARGEST),
        )

    # What comes in

    async def run(self, receive: Receive) -> None:
        await self._workspaces.open()
        over_sockets = self._settings.connection == "socket"
        is_listening = self._sockets.is_connected if over_sockets else lambda: True
        watching = asyncio.create_task(self._watch.run(receive, is_listening))
        try:
            await self._forget_old()
            if over_sockets:
                await self._sockets.run(partial(self._hearing.take, receive=receive))
            else:
                await asyncio.Event().wait()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._hearing.idle.wait()
            await self._answers.close()
            await self._workspaces.close()

    async def _forget_old(self) -> None:
        try:
            await self._sharing.forget_old()
            await self._lists.forget_old()
        except StoreDown as down:
            log.warning("slack.store_down", account=self.account, why=down)

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        root = f"/hooks/slack/{self.account}"
        found: dict[str, ASGI] = {}
        if self._settings.connection == "http":
            secret = self._settings.signing_secret.get_secret_value()
            found[root] = hook(partial(self._hearing.take, receive=receive), secret=secret, clock=self._clock)
        if not self._workspaces.is_one:
            found[f"{root}/install"] = endpoint("GET", self._installing.begin)
            found[f"{root}/oauth"] = endpoint("GET", self._installing.end)
        return found

    def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        return self._history.missed(since, most=most)

    # What goes out

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
        return await self._posting.post(to, message, key=key, again=again, shown=shown)

    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        """Below a message that bears the title. All that is said there is heard."""
        receipt = await self.send(replace(to, thread=""), text(title), key=key)
        thread = replace(to, thread=receipt.refs[0])
        await self._known.speak_in(thread)
        return thread

    async def typing(self, to: Address) -> None:
        """A status line, which goes when something is said, or after two minutes."""
        if not to.thread or to.thread.startswith("@"):
            return
        given = {"channel_id": place(to.chat)[1], "thread_ts": to.thread, "status": self._settings.typing}
        try:
            await self._workspaces.at(to, "assistant.threads.setStatus", json=given)
        except NotSent as error:
            log.info("slack.no_status", account=self.account, why=error)

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        return await self._drafts.show(to, text, key=key, shown=shown)

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        await self._drafts.drop(to, shown, say=say)

    # Edits, reactions, files

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        given = {"channel": place(to.chat)[1], "ts": ref, **anew(to, message, key)}
        await self._lists.keep(asked_for(message, given["blocks"]))
        await self._workspaces.at(to, "chat.update", json=given)
        return Receipt((ref,), self._clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        await self._workspaces.delete(to, ref)

    async def react(self, to: Address, ref: str, emoji_: str | None) -> None:
        given = {"channel": place(to.chat)[1], "timestamp": ref}
        before = self._reacted.pop((to.chat, ref))
        if before is not None:
            await self._reaction(to, "reactions.remove", given | {"name": before}, "no_reaction")
        if emoji_ is None:
            return
        name = emoji.name_of(emoji_)
        if not name:
            raise Unshowable(f"Slack has no name for {emoji_!r} that we know")
        await self._reaction(to, "reactions.add", given | {"name": name}, "already_reacted")
        self._reacted.put((to.chat, ref), name)

    async def _reaction(self, to: Address, method: str, given: Mapping[str, Any], already: str) -> None:
        try:
            await self._workspaces.at(to, method, json=given)
        except Unshowable as error:
            if code_of(error) != already:
                raise

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        team, id = place(media.ref)
        most = self._settings.largest_file
        if media.size > most:
            raise TooLarge(f"{media.name or media.kind} has {media.size} bytes, too many", most=most)
        file = (await self._workspaces.call(team, "files.info", params={"file": id})).get("file") or {}
        address = file.get("url_private_download") or file.get("url_private")
        if not address:
            raise FileGone(f"{media.name or media.kind} cannot be downloaded")
        async for piece in self._workspaces.download(team, str(address), most=most):
            yield piece
