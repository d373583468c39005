"""What was said while nobody listened, read from Slack's history: bounded, and the same events by their twins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.errors import Forbidden, NotSent, TryLater, Unshowable
from bot.model import Address
from bot.ports import Arrival, Clock
from channels.slack.client import Workspaces
from channels.slack.hearing import Hearing
from channels.slack.place import place

log = structlog.get_logger()
PAGE = 200
TRIES = 5
WAITS = timedelta(minutes=1)
_DAY_SECONDS = 86_400


class History:
    def __init__(self, account: str, workspaces: Workspaces, hearing: Hearing, clock: Clock) -> None:
        self._account, self._workspaces, self._hearing, self._clock = account, workspaces, hearing, clock
        self._bots: dict[str, str] = {}
        """The app's user id, by workspace."""

    async def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        """The newest of each chat, at most so many, and of its threads that began within a day before. A chat that
        cannot be read is left out."""
        for chat, ts in since.items():
            team, channel = place(chat)
            try:
                messages = await self._messages(Address("slack", self._account, chat), channel, float(ts), most)
            except NotSent as error:
                log.warning("slack.history_not_read", account=self._account, chat=chat, why=error)
                continue
            for message in sorted(messages, key=lambda message: float(message["ts"]))[-most:]:
                arrival = await self._as_arrival(team, channel, message)
                if arrival.bodies:
                    yield arrival

    async def chats(self, team: str, most: int) -> tuple[str, ...]:
        """Where the app is a member. Raises `NotSent`."""
        found: list[str] = []
        asked: dict[str, Any] = {"types": "im,mpim,public_channel,private_channel", "exclude_archived": True}
        while len(found) < most:
            answer = await self._asked(team, "users.conversations", asked | {"limit": min(most, PAGE)})
            found += (f"{team}/{channel['id']}" for channel in answer.get("channels") or ())
            if not (following := _following(answer)):
                return tuple(found)
            asked["cursor"] = following
        log.warning("slack.too_many_chats", account=self._account, workspace=team, read=most)
        return tuple(found[:most])

    async def _messages(self, to: Address, channel: str, ts: float, most: int) -> list[dict[str, Any]]:
        asked = {"channel": channel, "oldest": f"{ts - _DAY_SECONDS:.6f}"}
        roots = await self._pages(to, "conversations.history", asked, most)
        found = [one for one in roots if float(one["ts"]) > ts]
        for root in roots:
            if float(root.get("latest_reply") or 0) > ts:
                asked = {"channel": channel, "ts": str(root["ts"]), "oldest": f"{ts:.6f}"}
                replies = await self._pages(to, "conversations.replies", asked, most)
                found += (one for one in replies if float(one["ts"]) > ts and one["ts"] != root["ts"])
        return found

    async def _pages(self, to: Address, method: str, asked: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while len(found) < most:
            answer = await self._asked(place(to.chat)[0], method, {**asked, "limit": min(most, PAGE), **cursor})
            found += answer.get("messages") or ()
            if not (following := _following(answer)):
                break
            cursor = {"cursor": following}
        return found

    async def _asked(self, team: str, method: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Waits as long as Slack says: some apps may read once a minute. Raises `NotSent`."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._workspaces.call(team, method, params=asked)
            except (Forbidden, Unshowable):
                raise
            except NotSent as error:
                if attempt == TRIES:
                    raise
                after = error.after if isinstance(error, TryLater) else None
            await self._clock.sleep((after or WAITS).total_seconds())
        raise AssertionError("the last try returns or raises")

    async def _as_arrival(self, team: str, channel: str, message: Mapping[str, Any]) -> Arrival:
        """As the event would have come: it is the same by its twin."""
        event = {**message, "type": "message", "channel": channel}
        envelope = {
            "type": "event_callback",
            "team_id": team,
            "event_id": f"missed:{channel}:{message['ts']}",
            "event": event,
            "authorizations": [{"team_id": team, "user_id": await self._bot_of(team)}],
        }
        return await self._hearing.arrival(json.dumps(envelope).encode())

    async def _bot_of(self, team: str) -> str:
        if team not in self._bots:
            answer = await self._workspaces.call(team, "auth.test", json={})
            self._bots[team] = str(answer.get("user_id") or "")
        return self._bots[team]


def _following(answer: Mapping[str, Any]) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")
