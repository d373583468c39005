"""Catches up with what was said while nobody listened for longer than Slack repeats itself, or Slack dropped events.

A gap between two beats, of this process or of all, is an outage; what was said in it is read from Slack's history.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.errors import NotSent, StoreDown
from bot.ports import Clock, Receive
from channels.slack.behind import Behind
from channels.slack.client import Workspaces
from channels.slack.missed import History

log = structlog.get_logger()
BEAT_SECONDS, CONNECTING_SECONDS = 60.0, 1.0
MOST_CHATS, MOST_MESSAGES = 200, 200


class Watch:
    def __init__(self, account: str, workspaces: Workspaces, history: History, behind: Behind, clock: Clock) -> None:
        self._account, self._workspaces, self._history = account, workspaces, history
        self._behind, self._clock = behind, clock

    async def run(self, receive: Receive, is_listening: Callable[[], bool]) -> None:
        """Until cancelled."""
        while True:
            listens = is_listening()
            try:
                if listens:
                    await self._behind.beat()
                    await self._catch_up(receive)
            except (NotSent, StoreDown) as error:
                log.warning("slack.not_caught_up", account=self._account, why=error)
            except Exception:
                log.exception("slack.not_caught_up", account=self._account)
            await self._clock.sleep(BEAT_SECONDS if listens else CONNECTING_SECONDS)

    async def _catch_up(self, receive: Receive) -> None:
        since = await self._behind.since()
        if since is None:
            return
        found = 0
        for team in await self._workspaces.teams():
            chats = await self._history.chats(team, MOST_CHATS)
            marks = dict.fromkeys(chats, f"{since.timestamp():.6f}")
            async for arrival in self._history.missed(marks, most=MOST_MESSAGES):
                found += (await receive(arrival)).fresh
        await self._behind.caught_up()
        log.info("slack.caught_up", account=self._account, found=found)
