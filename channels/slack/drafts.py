"""Answers while they are written: Slack's own streams where it offers them, else a message that is written anew.

`Shown.ref` says how: `stream:TS`, or `edit:TS`.
"""

from __future__ import annotations

import structlog

from bot import markup
from bot.errors import Forbidden, Unshowable
from bot.model import Address, Message, Text
from bot.ports import Clock, Shown
from channels.slack import mrkdwn
from channels.slack.client import Workspaces
from channels.slack.known import Known
from channels.slack.place import place
from channels.slack.refusals import code_of
from channels.slack.render import LONGEST_TEXT, anew, characters, notified, render

log = structlog.get_logger()
LONGEST_STREAM = 11_000


class Drafts:
    def __init__(self, account: str, workspaces: Workspaces, known: Known, clock: Clock) -> None:
        self._account, self._workspaces, self._known, self._clock = account, workspaces, known, clock

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        if shown is None:
            return await self._begin_stream(to, text) or await self._begin_edits(to, text, key)
        kind, _, ts = shown.ref.partition(":")
        before, now = mrkdwn.inert(shown.text), mrkdwn.inert(text)
        if kind == "stream":
            if now.startswith(before) and len(now) <= LONGEST_STREAM:
                if now == before or await self._append(to, ts, now[len(before) :]):
                    return Shown(shown.ref, text, shown.since)
            elif len(now) > LONGEST_STREAM and now.startswith(before):
                return shown  # the rest comes with the message itself
            else:
                await self._stop(to, ts)
        draft = Message((Text(markup.parse(text[:LONGEST_TEXT])),))
        update = {"channel": place(to.chat)[1], "ts": ts, **anew(to, draft, key)}
        await self._workspaces.at(to, "chat.update", json=update)
        return Shown(f"edit:{ts}", text, shown.since)

    async def settle(self, to: Address, message: Message, shown: Shown, key: str) -> str | None:
        """The draft becomes the message; None: it is gone, and the message is to be posted."""
        kind, _, ts = shown.ref.partition(":")
        if kind == "stream":
            await self._stop(to, ts)
        update = {"channel": place(to.chat)[1], "ts": ts, **anew(to, message, key)}
        try:
            await self._workspaces.at(to, "chat.update", json=update)
        except Forbidden as error:
            if code_of(error) in ("message_not_found", "cant_update_message"):
                return None
            raise
        return ts

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        kind, _, ts = shown.ref.partition(":")
        if kind == "stream":
            await self._stop(to, ts)
        given = {"channel": place(to.chat)[1], "ts": ts}
        if say is None:
            await self._workspaces.delete(to, ts)
        else:
            blocks = [characters(say)]
            await self._workspaces.at(to, "chat.update", json=given | {"text": notified(say), "blocks": blocks})

    async def _stop(self, to: Address, ts: str) -> None:
        """Whatever ended it before."""
        try:
            await self._workspaces.at(to, "chat.stopStream", json={"channel": place(to.chat)[1], "ts": ts})
        except Unshowable as error:
            if code_of(error) != "message_not_in_streaming_state":
                log.warning("slack.stream_not_stopped", account=self._account, why=error)
        except Forbidden as error:
            if code_of(error) != "message_not_found":
                raise

    async def _begin_stream(self, to: Address, text: str) -> Shown | None:
        """None: it is not offered here."""
        _, channel = place(to.chat)
        if not to.thread or len(text) > LONGEST_STREAM:
            return None
        given = {"channel": channel, "thread_ts": to.thread, "markdown_text": mrkdwn.inert(text)}
        if not channel.startswith("D"):
            if (person := self._known.asking.get(to)) is None:
                return None
            given |= {"recipient_team_id": person[0], "recipient_user_id": person[1]}
        try:
            answer = await self._workspaces.at(to, "chat.startStream", json=given)
        except Unshowable as error:
            log.info("slack.no_stream", account=self._account, why=error)
            return None
        return Shown(f"stream:{answer['ts']}", text, self._clock.now())

    async def _begin_edits(self, to: Address, text: str, key: str) -> Shown:
        draft = Message((Text(markup.parse(text[:LONGEST_TEXT])),))
        call = render(to, draft, key=key)
        answer = await self._workspaces.at(to, call.method, json=call.payload)
        return Shown(f"edit:{answer['ts']}", text, self._clock.now())

    async def _append(self, to: Address, ts: str, text: str) -> bool:
        """False: Slack has ended it, as it does after five minutes; what was shown stands."""
        given = {"channel": place(to.chat)[1], "ts": ts, "markdown_text": text}
        try:
            await self._workspaces.at(to, "chat.appendStream", json=given)
        except Unshowable as error:
            log.info("slack.stream_ended", account=self._account, why=error)
            return False
        return True
