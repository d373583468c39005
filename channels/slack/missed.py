"""What was said while nobody listened, read from Slack's history: bounded, and the same events by their twins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from bot.model import Address
from bot.ports import Arrival
from channels.slack.client import Workspaces
from channels.slack.hearing import Hearing
from channels.slack.place import place


class History:
    def __init__(self, account: str, workspaces: Workspaces, hearing: Hearing) -> None:
        self._account, self._workspaces, self._hearing = account, workspaces, hearing
        self._bots: dict[str, str] = {}
        """The app's user id, by workspace."""

    async def missed(self, since: Mapping[str, str], *, most: int) -> AsyncIterator[Arrival]:
        for chat, ts in since.items():
            team, channel = place(chat)
            to = Address("slack", self._account, chat)
            messages = await self._since(to, "conversations.history", {"channel": channel, "oldest": ts}, most)
            for root in await self._recent_threads(to, channel, ts):
                asked = {"channel": channel, "ts": root, "oldest": ts}
                messages += await self._since(to, "conversations.replies", asked, most)
            for message in sorted(messages, key=lambda message: float(message["ts"]))[:most]:
                arrival = await self._as_arrival(team, channel, message)
                if arrival.bodies:
                    yield arrival

    async def _since(self, to: Address, method: str, asked: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while len(found) < most:
            answer = await self._workspaces.at(to, method, params={**asked, "limit": min(most, 200), **cursor})
            found += [one for one in answer.get("messages") or () if float(one["ts"]) > float(asked["oldest"])]
            following = (answer.get("response_metadata") or {}).get("next_cursor")
            if not following:
                break
            cursor = {"cursor": following}
        return found

    async def _recent_threads(self, to: Address, channel: str, ts: str) -> list[str]:
        """Threads of the last day that were answered since."""
        asked = {"channel": channel, "oldest": f"{float(ts) - 86_400:.6f}"}
        roots = await self._since(to, "conversations.history", asked, 200)
        return [str(root["ts"]) for root in roots if float(root.get("latest_reply") or 0) > float(ts)]

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
