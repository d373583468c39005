"""One piece on its way: posted once, and looked for by its key where an earlier attempt may have arrived."""

from __future__ import annotations

from datetime import timedelta

from bot.errors import Unreachable
from bot.model import Address, Message
from bot.ports import Clock, Receipt
from channels.slack.client import Workspaces
from channels.slack.known import Known
from channels.slack.place import place
from channels.slack.render import render

LOOKED_BACK = timedelta(hours=25)
"""How far a message is searched whose outcome is unknown: longer than the outbox tries."""
PAGES = 5


class Posting:
    def __init__(self, workspaces: Workspaces, known: Known, clock: Clock) -> None:
        self._workspaces, self._known, self._clock = workspaces, known, clock

    async def post(self, to: Address, message: Message, *, key: str, again: bool) -> Receipt:
        """Raises `NotSent`."""
        call = render(to, message, key=key)
        if again and not to.thread.startswith("@") and (found := await self._find(to, key)):
            return Receipt((found,), self._clock.now())
        answer = await self._workspaces.at(to, call.method, json=call.payload)
        ts = answer.get("ts") or answer.get("message_ts")
        if not isinstance(ts, str):
            raise Unreachable(f"{call.method}: the answer names no message")
        return self.receipt(to, ts)

    def receipt(self, to: Address, ts: str) -> Receipt:
        self._known.said(to, ts)
        return Receipt((ts,), self._clock.now())

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
