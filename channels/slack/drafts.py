"""Answers while they are written: Slack's own streams where it offers them, else a message that is written anew.

Slack ends a stream after about five minutes, and takes so many characters: what follows goes on in a new message. What
is said in the end takes the place of the first of them, and the others go.
"""

from __future__ import annotations

import structlog
from msgspec import Struct
from msgspec.structs import replace

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
LONGEST_HELD = 200
"""Characters that wait for their mark to be closed; after so many they are shown with it."""
_FENCES = ("```", "~~~")


class _Draft(Struct, frozen=True):
    """What `Shown.ref` says: `stream:TS` or `edit:TS`, then where in the text that message begins, and those before."""

    kind: str
    ts: str
    start: int = 0
    before: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        return ":".join((self.kind, self.ts, *((str(self.start), ",".join(self.before)) if self.before else ())))

    @property
    def first(self) -> str:
        return (*self.before, self.ts)[0]

    @property
    def others(self) -> tuple[str, ...]:
        return (*self.before, self.ts)[1:]


def _read(ref: str) -> _Draft:
    kind, ts, *more = ref.split(":")
    return _Draft(kind, ts, int(more[0]), tuple(more[1].split(","))) if more else _Draft(kind, ts)


class Drafts:
    def __init__(self, account: str, workspaces: Workspaces, known: Known, clock: Clock) -> None:
        self._account, self._workspaces, self._known, self._clock = account, workspaces, known, clock

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        if shown is None:
            draft = await self._begin_stream(to, mrkdwn.inert(steady(text))) or await self._begin_edits(to, text, key)
            return Shown(draft.ref, text, self._clock.now())
        draft = _read(shown.ref)
        if draft.kind == "stream":
            draft = await self._grown(to, draft, mrkdwn.inert(steady(shown.text)), mrkdwn.inert(steady(text)), key)
        if draft.kind == "edit":
            await self._edit(to, draft, text, key)
        return Shown(draft.ref, text, shown.since)

    async def settle(self, to: Address, message: Message, shown: Shown, key: str) -> str | None:
        """The draft becomes the message; None: it is gone, and the message is to be posted."""
        draft = _read(shown.ref)
        await self._end(to, draft)
        update = {"channel": place(to.chat)[1], "ts": draft.first, **anew(to, message, key)}
        try:
            await self._workspaces.at(to, "chat.update", json=update)
        except Forbidden as error:
            if code_of(error) in ("message_not_found", "cant_update_message"):
                return None
            raise
        return draft.first

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        draft = _read(shown.ref)
        await self._end(to, draft)
        given = {"channel": place(to.chat)[1], "ts": draft.first}
        if say is None:
            await self._workspaces.delete(to, draft.first)
        else:
            blocks = [characters(say)]
            await self._workspaces.at(to, "chat.update", json=given | {"text": notified(say), "blocks": blocks})

    async def _end(self, to: Address, draft: _Draft) -> None:
        """Only its first message stands."""
        if draft.kind == "stream":
            await self._stop(to, draft.ts)
        for ts in draft.others:
            await self._workspaces.delete(to, ts)

    # Slack's own

    async def _grown(self, to: Address, draft: _Draft, was: str, now: str, key: str) -> _Draft:
        """An `edit` when it cannot go on as a stream."""
        if not now.startswith(was):  # it was written anew
            await self._end(to, draft)
            return _Draft("edit", draft.first)
        if now == was:
            return draft
        if len(now) - draft.start <= LONGEST_STREAM and await self._append(to, draft.ts, now[len(was) :]):
            return draft
        await self._stop(to, draft.ts)
        rest = _reopened(was) + now[len(was) :]
        following = await self._begin_stream(to, rest) or await self._begin_edits(to, rest, key)
        return replace(following, start=len(was), before=(*draft.before, draft.ts))

    async def _begin_stream(self, to: Address, text: str) -> _Draft | None:
        """None: it is not offered here."""
        _, channel = place(to.chat)
        if not to.thread or len(text) > LONGEST_STREAM:
            return None
        given = {"channel": channel, "thread_ts": to.thread} | ({"markdown_text": text} if text else {})
        if not channel.startswith("D"):
            if (person := self._known.asking.get(to)) is None:
                return None
            given |= {"recipient_team_id": person[0], "recipient_user_id": person[1]}
        try:
            answer = await self._workspaces.at(to, "chat.startStream", json=given)
        except Unshowable as error:
            log.info("slack.no_stream", account=self._account, why=error)
            return None
        return _Draft("stream", str(answer["ts"]))

    async def _append(self, to: Address, ts: str, text: str) -> bool:
        """False: Slack has ended it, as it does after five minutes; what was shown stands."""
        given = {"channel": place(to.chat)[1], "ts": ts, "markdown_text": text}
        try:
            await self._workspaces.at(to, "chat.appendStream", json=given)
        except Unshowable as error:
            log.info("slack.stream_ended", account=self._account, why=error)
            return False
        return True

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

    # Written anew

    async def _begin_edits(self, to: Address, text: str, key: str) -> _Draft:
        call = render(to, _healed(text), key=key)
        answer = await self._workspaces.at(to, call.method, json=call.payload)
        return _Draft("edit", str(answer["ts"]))

    async def _edit(self, to: Address, draft: _Draft, text: str, key: str) -> None:
        if draft.start:
            whole = mrkdwn.inert(text)
            text = _reopened(whole[: draft.start]) + whole[draft.start :]
        update = {"channel": place(to.chat)[1], "ts": draft.ts, **anew(to, _healed(text), key)}
        await self._workspaces.at(to, "chat.update", json=update)


def _healed(text: str) -> Message:
    return Message((Text(markup.parse(markup.healed(text[:LONGEST_TEXT]))),))


def steady(text: str) -> str:
    """As much of it as shows no half of a mark: what is appended cannot be taken back."""
    if _is_in_fence(text):
        return text.rstrip("`~")
    lines = text.splitlines(keepends=True)
    after = next((n for n in range(len(lines), 0, -1) if lines[n - 1].lstrip().startswith(_FENCES)), 0)
    return "".join(lines[:after]) + _closed("".join(lines[after:]))


def _closed(text: str) -> str:
    before, line_break, line = text.rpartition("\n")
    if line.lstrip().startswith("|"):  # a row of a table
        return _closed(before + line_break)
    if markup.healed(text) == text:
        return text
    for at in range(len(text) - 1, max(0, len(text) - LONGEST_HELD) - 1, -1):
        if text[at] in "*_~`[|\n" and markup.healed(text[:at]) == text[:at]:
            return text[:at]
    return text


def _is_in_fence(text: str) -> bool:
    return sum(line.lstrip().startswith(_FENCES) for line in text.split("\n")) % 2 == 1


def _reopened(before: str) -> str:
    """What a message begins with that goes on after this."""
    return "```\n" if _is_in_fence(before) else ""
