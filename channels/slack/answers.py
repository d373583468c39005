"""What follows an acknowledgement and needs a call: a modal, a word to whoever pressed. Nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from msgspec.structs import replace

from bot.errors import NotSent, StoreDown
from bot.model import Address, Migrated, Said, written
from bot.ports import Accepted, Clock, Receive, ShowForm, Toast
from channels.slack import mrkdwn
from channels.slack.client import Workspaces
from channels.slack.heard import Heard
from channels.slack.known import Known
from channels.slack.lately import Lately
from channels.slack.names import Names
from channels.slack.place import is_channel, place
from channels.slack.reading import Reading, tell_desk
from channels.slack.settings import Settings
from channels.slack.views import FormWords, home, modal, preview

log = structlog.get_logger()


class Answers:
    def __init__(self, account: str, settings: Settings, workspaces: Workspaces, known: Known, clock: Clock) -> None:
        self._account, self._settings, self._workspaces, self._known = account, settings, workspaces, known
        self._words = FormWords(settings.submit, settings.yes, settings.no)
        self._names = Names(workspaces)
        self._reading = Reading(account, workspaces, known, self._names, clock)
        self._untitled = Lately[Address, bool]()
        self.tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in [*self.tasks]:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def follow_up(self, heard: Heard, accepted: Accepted, receive: Receive) -> None:
        """`receive`: where goes what is only learnt now."""
        if heard.trigger and isinstance(accepted.now, ShowForm):
            self.spawn(self._show_form(heard, accepted.now))
        elif isinstance(accepted.now, Toast) and heard.response_url:
            self.spawn(self._whisper(heard, accepted.now))
        if heard.links and self._settings.previews:
            self.spawn(self._preview(heard))
        if heard.what == "home:home" and self._settings.home:
            self.spawn(self._publish_home(heard))
        if accepted.fresh and heard.arrival.bodies:
            self._meet(heard, receive)

    def _meet(self, heard: Heard, receive: Receive) -> None:
        """Who that is, and what was said before."""
        arrival, body = heard.arrival, heard.arrival.bodies[0]
        to = arrival.to
        if heard.what == "assistant_thread_started":
            self._untitled.put(to, True)
            if self._settings.prompts:
                self.spawn(self._offer_prompts(heard))
        elif isinstance(body, Said) and self._untitled.pop(to):
            self.spawn(self._set_title(heard, written(body.message)))
        if isinstance(body, Said) and self._known.people.get(arrival.by) is None:
            self._known.people.put(arrival.by, (arrival.name, "", ""))
            self.spawn(self._ask_who(heard, receive))
        if heard.joins:
            self.spawn(self._reading.before(heard, receive))
        if not is_channel(to.chat):
            self.spawn(self._find_direct(heard, receive))
        elif place(to.chat)[1].startswith("D"):
            self.spawn(self._known.met(arrival.by, place(to.chat)[1]))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except NotSent as error:
                log.warning("slack.follow_up_failed", account=self._account, why=error)
            except StoreDown as down:
                log.warning("slack.store_down", account=self._account, why=down)

        task = asyncio.get_running_loop().create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _show_form(self, heard: Heard, show: ShowForm) -> None:
        view = modal(heard.arrival.to, show.form, self._words)
        await self._workspaces.call(heard.team, "views.open", json={"trigger_id": heard.trigger, "view": view})

    async def _whisper(self, heard: Heard, toast: Toast) -> None:
        said = {"response_type": "ephemeral", "replace_original": False, "text": mrkdwn.escape(toast.text)}
        if heard.arrival.to.thread and not heard.arrival.to.thread.startswith("@"):
            said["thread_ts"] = heard.arrival.to.thread
        await self._workspaces.post(heard.response_url, said)

    async def _offer_prompts(self, heard: Heard) -> None:
        _, channel = place(heard.arrival.to.chat)
        prompts = [prompt.model_dump() for prompt in self._settings.prompts]
        given = {"channel_id": channel, "thread_ts": heard.arrival.to.thread, "prompts": prompts}
        await self._workspaces.call(heard.team, "assistant.threads.setSuggestedPrompts", json=given)

    async def _set_title(self, heard: Heard, said: str) -> None:
        _, channel = place(heard.arrival.to.chat)
        title = " ".join(said.split())[:80]
        if title:
            given = {"channel_id": channel, "thread_ts": heard.arrival.to.thread, "title": title}
            await self._workspaces.call(heard.team, "assistant.threads.setTitle", params=given)

    async def _ask_who(self, heard: Heard, receive: Receive) -> None:
        """Known from the next message on: nothing is looked up before one is accepted."""
        person = await self._names.of(heard.team, heard.user)
        name = person.name
        if heard.outside:
            name = f"{name or heard.user} ({await self._names.team(heard.team, heard.outside)})"
            await tell_desk(receive, heard, f"outside:{heard.user}", f"{name} is from outside this workspace.")
        self._known.people.put(heard.arrival.by, (name, person.language, person.zone))
        if person.email and self._settings.email:
            await tell_desk(receive, heard, f"email:{heard.user}", f"{name}: {person.email}")

    async def _find_direct(self, heard: Heard, receive: Receive) -> None:
        """What was begun under a person's own id goes on in the direct messages with them."""
        answer = await self._workspaces.call(heard.team, "conversations.open", json={"users": heard.user})
        channel = str((answer.get("channel") or {}).get("id") or "")
        if channel:
            await self._known.met(heard.arrival.by, channel)
            there = replace(heard.arrival.to, chat=f"{heard.team}/{channel}")
            key = f"{heard.arrival.key}:direct"
            await receive(replace(heard.arrival, key=key, twin=None, bodies=(Migrated(there),)))

    async def _publish_home(self, heard: Heard) -> None:
        view = home(self._settings.home, [(prompt.title, prompt.message) for prompt in self._settings.prompts])
        await self._known.met(f"{heard.team}/{heard.user}", place(heard.arrival.to.chat)[1])
        await self._workspaces.call(heard.team, "views.publish", json={"user_id": heard.user, "view": view})

    async def _preview(self, heard: Heard) -> None:
        found = {link: preview for link in heard.links if (preview := self._preview_of(link))}
        if found:
            channel = place(heard.arrival.to.chat)[1]
            given = {"channel": channel, "ts": heard.ts, "unfurls": {link: found[link] for link in found}}
            await self._workspaces.call(heard.team, "chat.unfurl", json=given)

    def _preview_of(self, link: str) -> dict[str, Any] | None:
        address = link.partition("://")[2]
        begins = max(filter(address.startswith, self._settings.previews), key=len, default=None)
        if begins is None:
            return None
        shown = self._settings.previews[begins]
        return preview(shown.title, shown.text, link)
