"""While a human has the floor or is awaited, what the customer writes is theirs: hear it and stay silent.

Who waits may give up, and what waits for approval has its time.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.flow import rules
from bot.flow.book import Book
from bot.flow.words import tokens
from bot.model import Cancel, Declined, Facts, Outcome, Rang, Turn
from bot.ports import Powers


class AtDesk:
    name = "at_desk"

    def __init__(self, book: Book, facts_of: Callable[[Turn], Facts]) -> None:
        self._book, self._facts_of = book, facts_of

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        control = turn.conversation.control
        if control.state == "bot":
            return Declined("the bot has the floor")
        if control.state in ("queued", "offered"):
            if (through := _expired(turn)) is not None:
                return Outcome(responder=self.name, through=through)
            if self._gives_up(turn):
                return Outcome(responder=self.name, commands=((Cancel("handoff"), "rule"),))
        return Outcome(responder=self.name, silent=True)

    def _gives_up(self, turn: Turn) -> bool:
        """ "Never mind": the customer no longer waits for a human."""
        language = self._book.language(turn.state, self._facts_of(turn))
        return rules.hear(tokens(turn.words), self._book.rules_for(language)) == "cancel"


def _expired(turn: Turn) -> int | None:
    """Seq of the timer's event, when nobody has judged an action in time."""
    rung = next((event.seq for event in turn.inputs if isinstance(event.body, Rang)), None)
    is_due = any(timer.name == "approval" and timer.due_at <= turn.now for timer in turn.state.timers)
    return rung if is_due else None
