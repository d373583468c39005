"""While a human has the floor or is awaited, what the customer writes is theirs: hear it and stay silent."""

from __future__ import annotations

from collections.abc import Callable

from bot.flow import rules
from bot.flow.book import Book
from bot.flow.words import tokens
from bot.model import Cancel, Declined, Facts, Outcome, Turn
from bot.ports import Powers


class AtDesk:
    name = "at_desk"

    def __init__(self, book: Book, facts_of: Callable[[Turn], Facts]) -> None:
        self._book, self._facts_of = book, facts_of

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        control = turn.conversation.control
        if control.state == "bot":
            return Declined("the bot has the floor")
        if control.state in ("queued", "offered") and self._gives_up(turn):
            return Outcome(responder=self.name, commands=((Cancel("handoff"), "rule"),))
        return Outcome(responder=self.name, silent=True)

    def _gives_up(self, turn: Turn) -> bool:
        """ "Never mind": the customer no longer waits for a human."""
        language = self._book.language(turn.state, self._facts_of(turn))
        return rules.hear(tokens(turn.words), self._book.rules_for(language)) == "cancel"
