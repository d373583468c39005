"""One piece on its way: posted once, and looked for where an earlier attempt may have arrived.

It bears the piece's key as metadata. What is shared with files cannot: see `sharing`.
"""

from __future__ import annotations

from bot.errors import Forbidden, TryLater, Unreachable, Unshowable
from bot.model import Address, Message
from bot.ports import Clock, Receipt, Shown
from channels.slack.client import Workspaces
from channels.slack.drafts import Drafts
from channels.slack.known import Known
from channels.slack.lists import Lists
from channels.slack.place import place
from channels.slack.refusals import code_of
from channels.slack.render import Call, asked_for, posts, render
from channels.slack.sharing import LOOKED_BACK, Sharing

PAGES = 5


class Posting:
    def __init__(
        self, workspaces: Workspaces, known: Known, lists: Lists, drafts: Drafts, sharing: Sharing, clock: Clock
    ) -> None:
        self._workspaces, self._known, self._lists = workspaces, known, lists
        self._drafts, self._sharing, self._clock = drafts, sharing, clock

    async def post(self, to: Address, message: Message, *, key: str, again: bool, shown: Shown | None) -> Receipt:
        """Raises `NotSent`."""
        refs: list[str] = []
        for_one = bool(message.only_for) or to.thread.startswith("@")
        for n, part in enumerate(posts(message, whole=for_one)):
            name = f"{key}+{n}" if n else key
            call = render(to, part, key=name)
            await self._lists.keep(asked_for(part, call.payload.get("blocks", ())))
            try:
                if shown and not n and (ts := await self._settled(to, part, call, shown, name)):
                    refs.append(ts)
                else:
                    refs += await self._one(to, call, name, again=again and not for_one)
            except TryLater as error:
                if not n:
                    raise
                raise Unreachable(f"{error}; what goes before it stands there") from None
        for ref in refs:
            self._known.said(to, ref)
        return Receipt(tuple(refs), self._clock.now())

    async def _settled(self, to: Address, message: Message, call: Call, shown: Shown, key: str) -> str | None:
        """The draft has become the message; None: the message is to be posted."""
        if call.files:
            await self._drafts.drop(to, shown, say=None)
            return None
        return await self._drafts.settle(to, message, shown, key)

    async def _one(self, to: Address, call: Call, key: str, *, again: bool) -> list[str]:
        """The ts of what it became; empty: Slack has it, and did not say where."""
        if call.files:
            return await self._sharing.share(to, call, key, again=again)
        if again and (found := await self._find(to, key)):
            return [found]
        try:
            answer = await self._workspaces.at(to, call.method, json=call.payload)
        except Forbidden as error:
            if call.method == "chat.postEphemeral" and code_of(error).startswith("user_"):
                raise Unshowable(str(error)) from None  # somebody has left, and the place is none the worse for it
            raise
        ts = answer.get("ts") or answer.get("message_ts")
        if not isinstance(ts, str):
            raise Unreachable(f"{call.method}: the answer names no message")
        return [ts]

    # What an earlier attempt has posted

    async def _find(self, to: Address, key: str) -> str | None:
        """The ts of the message that an earlier attempt has posted. Raises `NotSent` when Slack cannot say."""
        _, channel = place(to.chat)
        oldest = (self._clock.now() - LOOKED_BACK).timestamp()
        asked = {"channel": channel, "include_all_metadata": True, "oldest": f"{oldest:.6f}", "limit": 200}
        method = "conversations.history"
        if to.thread:
            method, asked = "conversations.replies", asked | {"ts": to.thread}
        for _ in range(PAGES):
            answer = await self._workspaces.at(to, method, params=asked)
            for message in answer.get("messages") or ():
                kept = message.get("metadata") or {}
                if (kept.get("event_payload") or {}).get("key") == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = cursor
        return None
