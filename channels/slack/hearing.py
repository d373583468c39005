"""T0: what Slack tells us is in the log before Slack hears yes. Nothing on this way asks Slack for anything."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from msgspec.structs import replace

from bot.errors import StoreDown
from bot.model import Opened, Reacted, Said
from bot.ports import Accepted, Arrival, FormErrors, Receive
from channels.slack.answers import Answers
from channels.slack.behind import Behind
from channels.slack.client import Workspaces
from channels.slack.heard import Heard, instant
from channels.slack.known import Known
from channels.slack.lists import Lists
from channels.slack.parse import hear
from channels.slack.place import is_channel, place
from channels.slack.settings import Settings

log = structlog.get_logger()


class Hearing:
    def __init__(
        self,
        account: str,
        settings: Settings,
        workspaces: Workspaces,
        *,
        known: Known,
        lists: Lists,
        answers: Answers,
        behind: Behind,
    ) -> None:
        self._account, self._settings, self._workspaces = account, settings, workspaces
        self._known, self._lists, self._answers, self._behind = known, lists, answers, behind
        self._at_work = 0
        self.idle = asyncio.Event()
        """Nothing is between hearing and acknowledging."""
        self.idle.set()

    async def take(self, raw: bytes, receive: Receive) -> tuple[int, dict[str, Any]]:
        """What Slack is answered: the status, and what it wants within the acknowledgement."""
        self._at_work += 1
        self.idle.clear()
        try:
            heard = hear(raw, self._account, listen=self._settings.listen, said_by=self._settings.said_by)
            if heard.kind == "challenge":
                return 200, {"challenge": heard.challenge}
            if heard.kind == "options":
                return 200, {"options": await self._lists.options(heard.block, heard.typed)}
            heard = await self._told_more(heard)
            accepted = await receive(heard.arrival)
            if heard.kind == "alarm":
                await self._alarmed(heard)
        except StoreDown as down:
            log.warning("slack.store_down", account=self._account, why=down)
            return 503, {}
        except Exception:
            log.exception("slack.not_accepted", account=self._account)
            return 503, {}
        finally:
            self._at_work -= 1
            if not self._at_work:
                self.idle.set()
        self._answers.follow_up(heard, accepted, receive)
        return 200, _within_acknowledgement(heard, accepted)

    async def arrival(self, raw: bytes) -> Arrival:
        """As `take` would give it to the inbox."""
        return (await self._told_more(hear(raw, self._account, listen=self._settings.listen))).arrival

    async def _told_more(self, heard: Heard) -> Heard:
        """With what the channel remembers: whether we speak there, and who that is."""
        arrival, to, known = heard.arrival, heard.arrival.to, self._known
        if not arrival.bodies:
            return heard
        body = arrival.bodies[0]
        name, language, zone = known.people.get(arrival.by) or ("", "", "")
        arrival = replace(arrival, name=name or arrival.name, language=language, zone=zone)
        if heard.kind != "event" and not is_channel(to.chat) and (direct := await known.direct(arrival.by)):
            arrival = replace(arrival, to=replace(to, chat=f"{heard.team}/{direct}"))
        in_channel = bool(to.thread) and not to.thread.startswith("@") and not place(to.chat)[1].startswith("D")
        if isinstance(body, Said) and heard.user:
            known.asking.put(to, (heard.team, heard.user))
        if heard.opens and in_channel and isinstance(body, Said | Opened):
            joins = isinstance(body, Said) and body.ref != to.thread and not await known.speaks_in(to)
            heard = replace(heard, joins=True, ts=body.ref) if joins and isinstance(body, Said) else heard
            await known.speak_in(to)
        elif not heard.opens:
            thread = known.posted.get((to.chat, to.thread)) if isinstance(body, Reacted) else None
            if thread is not None:
                arrival = replace(arrival, to=replace(to, thread=thread))
            elif not await known.speaks_in(to):
                arrival = replace(arrival, bodies=())
        return replace(heard, arrival=arrival)

    async def _alarmed(self, heard: Heard) -> None:
        match heard.what:
            case "app_uninstalled" | "tokens_revoked":
                log.error("slack.uninstalled", account=self._account, workspace=heard.team)
                if not self._workspaces.is_one:
                    await self._workspaces.forget(heard.team)
            case "app_rate_limited":
                log.error("slack.events_dropped", account=self._account, workspace=heard.team)
                await self._behind.limited(instant(heard.ts))


def _within_acknowledgement(heard: Heard, accepted: Accepted) -> dict[str, Any]:
    if heard.kind == "form" and isinstance(accepted.now, FormErrors):
        return {"response_action": "errors", "errors": dict(accepted.now.errors)}
    return {}
