"""What follows an acknowledgement and needs a call: a modal, a word to whoever pressed. Nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.errors import NotSent, StoreDown
from bot.model import Address, Said, written
from bot.ports import Accepted, ShowForm, Toast
from channels.slack import mrkdwn
from channels.slack.client import Workspaces
from channels.slack.heard import Heard
from channels.slack.known import Known
from channels.slack.lately import Lately
from channels.slack.place import place
from channels.slack.render import FormWords, modal
from channels.slack.settings import Settings

log = structlog.get_logger()


class Answers:
    def __init__(self, account: str, settings: Settings, workspaces: Workspaces, known: Known) -> None:
        self._account, self._settings, self._workspaces, self._known = account, settings, workspaces, known
        self._words = FormWords(settings.submit, settings.yes, settings.no)
        self._untitled = Lately[Address, bool]()
        self.tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in [*self.tasks]:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def follow_up(self, heard: Heard, accepted: Accepted) -> None:
        if heard.trigger and isinstance(accepted.now, ShowForm):
            self._spawn(self._show_form(heard, accepted.now))
        elif isinstance(accepted.now, Toast) and heard.response_url:
            self._spawn(self._whisper(heard, accepted.now))
        if not accepted.fresh or not heard.arrival.bodies:
            if heard.what == "home:home" and self._settings.home:
                self._spawn(self._publish_home(heard))
            return
        to, body = heard.arrival.to, heard.arrival.bodies[0]
        if heard.what == "assistant_thread_started":
            self._untitled.put(to, True)
            if self._settings.prompts:
                self._spawn(self._offer_prompts(heard))
        elif isinstance(body, Said) and self._untitled.pop(to):
            self._spawn(self._set_title(heard, written(body.message)))
        if isinstance(body, Said) and self._known.people.get(heard.arrival.by) is None:
            self._known.people.put(heard.arrival.by, (heard.arrival.name, ""))
            self._spawn(self._ask_who(heard))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
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

    async def _ask_who(self, heard: Heard) -> None:
        """Known from the next message on: nothing is looked up before one is accepted."""
        asked = {"user": heard.user, "include_locale": True}
        answer = await self._workspaces.call(heard.team, "users.info", params=asked)
        user = answer.get("user") or {}
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or ""
        self._known.people.put(heard.arrival.by, (str(name), str(user.get("locale") or "")))

    async def _publish_home(self, heard: Heard) -> None:
        text = {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn.escape(self._settings.home)[:3_000]}}
        view = {"type": "home", "blocks": [text]}
        await self._workspaces.call(heard.team, "views.publish", json={"user_id": heard.user, "view": view})
