"""Presses, commands and forms between the person and T0: each is answered once and in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import msgspec
import structlog
from msgspec.structs import replace

from bot.errors import NotSent
from bot.model import Address, Pressed, Submitted
from bot.ports import Accepted, Arrival, Clock, FormErrors, Receive, ShowForm, Toast, Vault
from channels.discord import answers, wire
from channels.discord.background import Background
from channels.discord.client import Line
from channels.discord.parse import AGAIN, Known, posted, values_of, where
from channels.discord.render import Call
from channels.discord.session import Waiting
from channels.discord.settings import Settings

log = structlog.get_logger()

ANSWERED_WITHIN = 2.0
"""Seconds after which a press is acknowledged, whatever becomes of it; Discord waits 3."""
TOKEN_LASTS = timedelta(minutes=14)
"""A little less than Discord's."""
MOST_FORMS = 1_000
"""Windows that are open at once, as far as is remembered."""


class Presses:
    def __init__(
        self,
        account: str,
        settings: Settings,
        line: Line,
        known: Known,
        background: Background,
        *,
        clock: Clock,
        vault: Vault,
    ) -> None:
        self.account, self._settings, self._line, self._known = account, settings, line, known
        self._background, self._clock, self._vault = background, clock, vault
        self._unanswered: dict[str, wire.InteractionEvent] = {}
        self._late: dict[str, wire.InteractionEvent] = {}
        """Acknowledged for want of time, before T0 had them."""
        self._fillings: dict[str, answers.Filling] = {}
        self._waiting: dict[tuple[str, str], Waiting] = {}

    # Over the gateway

    def expect(self, data: bytes, *, in_vain: bool) -> None:
        """It is answered within three seconds of now, whatever waits before it. `in_vain`: it will not be taken now."""
        try:
            event = wire.interaction_of(data)
        except (ValueError, RecursionError):
            return
        if answers.is_answered_at_once(event):
            self._background.later(self._callback(event, answers.choices(event, self._settings.commands)))
            return
        self._unanswered[event.id] = event
        if in_vain:
            self._background.later(self._answer(event, answers.failed(event)))
        else:
            self._background.later(self._answer_in_time(event))

    async def _answer_in_time(self, event: wire.InteractionEvent) -> None:
        await self._clock.sleep(ANSWERED_WITHIN)
        if event.id in self._unanswered:
            self._late[event.id] = event
            while len(self._late) > MOST_FORMS:  # of people who are blocked, nothing comes
                del self._late[next(iter(self._late))]
            answer = answers.late(event)
            if await self._answer(event, answer) and answers.waits(event, answer):
                await self._wait(event, where(event, self._known))

    def failed(self, arrivals: Sequence[Arrival]) -> None:
        """Nothing can be stored now: who pressed is asked to try again."""
        for arrival in arrivals:
            if event := self._unanswered.get(arrival.key):
                self._background.later(self._answer(event, answers.failed(event)))

    def before_t0(self, arrival: Arrival) -> Arrival | None:
        """A window of a longer form, or one more time the same, is between the person and us. None: it was that."""
        event = self._unanswered.get(arrival.key) or self._late.get(arrival.key)
        answer, arrival = self._windows(event, arrival) if event else (None, arrival)
        if event and answer:
            self._background.later(self._answer(event, answer))
            return None
        return arrival

    def _windows(self, event: wire.InteractionEvent, arrival: Arrival) -> tuple[answers.Callback | None, Arrival]:
        match arrival.bodies:
            case (Pressed(token),) if (filling := self._fillings.get(token)) and _is_again(event):
                return filling.window(event.locale), arrival
            case (Submitted(token),) if filling := self._fillings.get(token):
                filling.fill(values_of(event.data))
                if filling.missing:
                    return answers.more(event), arrival
                return None, replace(arrival, bodies=(Submitted(token, dict(filling.values), event.id),))
        return None, arrival

    def answer_of(self, event: wire.InteractionEvent, arrival: Arrival, accepted: Accepted) -> answers.Callback:
        """What T0 wants to be shown, and what is to be remembered of it."""
        filling = None
        match accepted.now:
            case ShowForm(form):
                filling = self._fillings.setdefault(form.token, answers.Filling(form))
            case FormErrors(errors):
                token = next((body.token for body in arrival.bodies if isinstance(body, Submitted)), "")
                if filling := self._fillings.get(token):
                    filling.wrong = dict(errors)
            case _:
                for body in arrival.bodies:
                    if isinstance(body, Submitted):
                        self._fillings.pop(body.token, None)
        while len(self._fillings) > MOST_FORMS:
            del self._fillings[next(iter(self._fillings))]
        return answers.callback(event, accepted, filling)

    async def _respond(self, event: wire.InteractionEvent, arrival: Arrival, accepted: Accepted, *, late: bool) -> None:
        answer = self.answer_of(event, arrival, accepted)
        if late:
            if isinstance(accepted.now, ShowForm):  # a window is a first answer or none: a button opens it
                await self._follow_up(event, answers.more(event)["data"])
            elif isinstance(accepted.now, Toast | FormErrors):
                await self._follow_up(event, answer["data"])
            return
        if await self._answer(event, answer) and answers.waits(event, answer):
            await self._wait(event, arrival.to)

    async def _answer(self, event: wire.InteractionEvent, answer: answers.Callback) -> bool:
        """Once: who comes second does nothing."""
        if self._unanswered.pop(event.id, None) is None:
            return False
        return await self._callback(event, answer)

    async def _callback(self, event: wire.InteractionEvent, answer: answers.Callback) -> bool:
        ids = {"webhook_id": event.id, "webhook_token": event.token}
        call = Call("POST", "/interactions/{webhook_id}/{webhook_token}/callback", ids, answer)
        try:
            await self._line.call(call)
            return True
        except NotSent as error:
            log.warning("discord.press_not_answered", account=self.account, type=event.type, why=error)
            return False

    async def _follow_up(self, event: wire.InteractionEvent, data: dict[str, Any]) -> None:
        ids = {"webhook_id": event.application_id or self._line.application, "webhook_token": event.token}
        try:
            await self._line.call(Call("POST", "/webhooks/{webhook_id}/{webhook_token}", ids, data))
        except NotSent as error:
            log.warning("discord.toast_lost", account=self.account, why=error)

    def committed(self, arrival: Arrival, accepted: Accepted) -> None:
        """T0 has it, and says what the person is to see."""
        late = self._late.pop(arrival.key, None)
        if event := late or self._unanswered.get(arrival.key):
            self._background.later(self._respond(event, arrival, accepted, late=late is not None))

    # Over HTTP

    async def posted(self, raw: bytes, receive: Receive) -> tuple[answers.Callback, Arrival]:
        """Raises what T0 raises."""
        arrival = posted(raw, self._known)
        if arrival.unreadable:
            await receive(arrival)
            return answers.LATER, arrival
        event = wire.interaction_of(raw)
        if answers.is_answered_at_once(event):
            return answers.choices(event, self._settings.commands), arrival
        window, arrival = self._windows(event, arrival)
        if window:
            return window, arrival
        accepted = await receive(arrival)
        answer = self.answer_of(event, arrival, accepted)
        if answers.waits(event, answer):
            await self._wait(event, arrival.to)
        return answer, arrival

    # "is thinking"

    async def recall(self) -> None:
        for name in await self._vault.names("waiting."):
            if told := await self._vault.get(name):
                waiting = msgspec.json.decode(told, type=Waiting)
                self._waiting[waiting.chat, waiting.thread] = waiting

    async def taken(self, waiting: Waiting, key: str) -> None:
        """By the piece of that key: said again, it is the same edit of the same message."""
        taken = replace(waiting, key=key)
        self._waiting[waiting.chat, waiting.thread] = taken
        await self._vault.put(_name(taken), msgspec.json.encode(taken))

    async def _wait(self, event: wire.InteractionEvent, to: Address) -> None:
        """The next message takes the place of "is thinking"; in time, or that is taken away."""
        application = event.application_id or self._line.application
        until = self._clock.now() + TOKEN_LASTS
        waiting = Waiting(to.chat, to.thread, application, event.token, until)
        self._waiting[to.chat, to.thread] = waiting
        await self._vault.put(_name(waiting), msgspec.json.encode(waiting))

    async def sweep(self) -> None:
        while True:
            await self._clock.sleep(30)
            for place, waiting in list(self._waiting.items()):
                if waiting.until <= self._clock.now():
                    del self._waiting[place]
                    await self._vault.put(_name(waiting), None)
                    if not waiting.key:
                        await self._quietly(original(waiting, "DELETE"))

    async def _quietly(self, call: Call) -> None:
        try:
            await self._line.call(call)
        except NotSent as error:
            log.info("discord.not_done", account=self.account, path=call.path, why=error)

    def takes(self, to: Address, key: str) -> Waiting | None:
        waiting = self._waiting.get((to.chat, to.thread))
        if waiting is None or waiting.until <= self._clock.now() or waiting.key not in ("", key):
            return None
        return waiting


def _is_again(event: wire.InteractionEvent) -> bool:
    return str(event.data.get("custom_id")).startswith(AGAIN)


def _name(waiting: Waiting) -> str:
    return f"waiting.{waiting.chat}.{waiting.thread}"


def original(waiting: Waiting, method: Literal["PATCH", "DELETE"], call: Call | None = None) -> Call:
    """The first answer, by the token of its interaction."""
    ids = {"webhook_id": waiting.application, "webhook_token": waiting.token}
    path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    return Call(method, path, ids, call.payload if call else None, call.files if call else ())
