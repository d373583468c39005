"""What was said in a thread before we were called into it: read once, and told to the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from msgspec.structs import replace

from bot import markup
from bot.errors import NotSent, TryLater
from bot.model import Noted
from bot.ports import Clock, Receive
from channels.slack import mrkdwn
from channels.slack.client import Workspaces
from channels.slack.heard import Heard
from channels.slack.known import Known
from channels.slack.names import Names
from channels.slack.place import place

log = structlog.get_logger()
MOST = 50
"""Messages, in one call. Slack gives fewer to apps that are distributed outside its Marketplace."""
LONGEST = 4_000
LONGEST_LINE = 500
WAITS_FOR = timedelta(seconds=70)
"""Such apps may read once a minute."""


class Reading:
    def __init__(self, account: str, workspaces: Workspaces, known: Known, names: Names, clock: Clock) -> None:
        self._account, self._workspaces, self._known, self._names = account, workspaces, known, names
        self._clock = clock

    async def before(self, heard: Heard, receive: Receive) -> None:
        """As a note: it is nothing that was said to us."""
        try:
            messages, more = await self._read(heard)
            lines = [await self._line(heard.team, message) for message in messages]
        except NotSent as error:
            log.warning("slack.thread_not_read", account=self._account, why=error)
            note = f"What was said before in this thread could not be read ({error}). Look there."
        else:
            if not lines:
                return
            left = "\n… and more, which was not read." if more else ""
            note = "Said before in this thread:\n" + "\n".join(lines)[:LONGEST] + left
        await tell_desk(receive, heard, "before", note)

    async def _read(self, heard: Heard) -> tuple[Sequence[Mapping[str, Any]], bool]:
        """Messages before the one that calls us, oldest first, and whether there are more. Raises `NotSent`."""
        to, latest = heard.arrival.to, heard.ts
        asked = {"channel": place(to.chat)[1], "ts": to.thread, "latest": latest, "limit": MOST}
        try:
            answer = await self._workspaces.at(to, "conversations.replies", params=asked)
        except TryLater as error:
            if error.after is None or error.after > WAITS_FOR:
                raise
            await self._clock.sleep(error.after.total_seconds())
            answer = await self._workspaces.at(to, "conversations.replies", params=asked)
        found = [one for one in answer.get("messages") or () if float(one["ts"]) < float(latest)]
        return found, bool(answer.get("has_more"))

    async def _line(self, team: str, message: Mapping[str, Any]) -> str:
        user = str(message.get("user") or "")
        name = await self._name(team, user) if user else "somebody"
        said = markup.plain(mrkdwn.parse(str(message.get("text") or "")))
        files = "".join(f" [{file.get('name') or 'file'}]" for file in message.get("files") or ())
        return f"{name}: {' '.join(said.split())[:LONGEST_LINE]}{files}"

    async def _name(self, team: str, user: str) -> str:
        known = self._known.people.get(f"{team}/{user}")
        if known and known[0]:
            return known[0]
        person = await self._names.of(team, user)
        self._known.people.put(f"{team}/{user}", (person.name, person.language, person.zone))
        return person.name or user


async def tell_desk(receive: Receive, heard: Heard, what: str, note: str) -> None:
    """In the conversation, for colleagues alone; once, whoever starts anew."""
    to = heard.arrival.to
    key = f"note:{what}:{to.chat}/{to.thread}"
    await receive(replace(heard.arrival, key=key, twin=None, bodies=(Noted(note),)))
