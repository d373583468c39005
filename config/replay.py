"""`frontdesk replay`: a conversation's log folded again, and whether it comes to what is stored."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from msgspec.structs import replace
from rich.console import Console as Screen
from rich.text import Text as Shown

from bot.errors import SettingsError
from bot.flow.fold import fold_event
from bot.model import Conversation, ConversationId, Event, Returned, State
from bot.ports import Store
from bot.store import look_into
from bot.units import Find, Log
from channels.terminal import inert
from config import inspector, telling
from config.machine import SystemClock
from config.settings import read_settings

PAGE = 500


async def replay(conversation: str, *, step: bool) -> bool:
    """Whether the fold is the stored state."""
    store = look_into(read_settings().database, SystemClock())
    try:
        return await Replay(store, Screen(highlight=False), step=step).run(ConversationId(conversation))
    finally:
        await store.close()


@dataclass(slots=True)
class Replay:
    store: Store
    screen: Screen
    step: bool
    """Show the state after each event, and wait for Enter where a person watches."""

    async def run(self, wanted: ConversationId) -> bool:
        found = await self.store.read(Find(conversation=wanted))
        if found is None:
            raise SettingsError(f"there is no conversation {wanted!r}")
        conversation, state, count = found.conversation, State(), 0
        async for event in self._log(conversation):
            if not (isinstance(event.body, Returned) and event.seq > conversation.heard):  # no turn has heard it yet
                state = fold_event(state, event)
            count += 1
            self._show(event, state)
        different = list(inspector.differences(_holding(found.state, conversation), _holding(state, conversation)))
        self._print("")
        self._state(state)
        for line in different:
            self._print(line, "red")
        verdict = "the fold is the stored state" if not different else "the fold is NOT the stored state"
        self._print(f"{count} events: {verdict}", "bold green" if not different else "bold red")
        return not different

    async def _log(self, conversation: Conversation) -> AsyncIterator[Event]:
        """As far as it went when the state was read: a server may be writing on."""
        after = 0
        while events := await self.store.read(
            Log(conversation=conversation.id, after=after, before=conversation.last_seq + 1, most=PAGE)
        ):
            for event in events:
                yield event
            after = events[-1].seq

    def _show(self, event: Event, state: State) -> None:
        head, *rest = [told.line for told in telling.event_told(event)]
        self._print(f"{event.seq:>5}  {event.at:%Y-%m-%d %H:%M:%S}  {head}", "bold")
        for line in [*rest, *map(telling.move_line, telling.moves_of(event))]:
            self._print(f"       {line}")
        if self.step:
            self._state(state)
            if sys.stdin.isatty():
                input()

    def _state(self, state: State) -> None:
        lines = [f"stack: {line}" for line in inspector.stack_lines(state)] or ["stack: empty"]
        if pending := inspector.pending_line(state):
            lines.append(f"pending: {pending}")
        lines += [f"slot: {line}" for line in inspector.slot_lines(state)]
        lines += [f"timer: {telling.timer_line(timer)}" for timer in state.timers]
        for line in lines:
            self._print(f"       {line}", "cyan")

    def _print(self, line: str, style: str = "") -> None:
        self.screen.print(Shown(inert(line), style=style), soft_wrap=True)


def _holding(state: State, conversation: Conversation) -> State:
    """Without offers that a change of control has voided: the stored state drops them with the next turn."""
    epoch = conversation.control.epoch
    return replace(state, offers=tuple(offer for offer in state.offers if offer.epoch >= epoch))
