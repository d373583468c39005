"""Takes the turns that need no model: buttons, slash forms, rules, answers to the pending question, examples."""

from __future__ import annotations

from collections.abc import Callable

from bot.flow.book import Book
from bot.flow.understand import understand
from bot.model import Chat, Declined, Facts, Outcome, Turn
from bot.ports import Powers


class InFlow:
    """Finds commands and says nothing itself; the flows speak when the commands are applied."""

    name = "in_flow"

    def __init__(self, book: Book, facts_of: Callable[[Turn], Facts], *, slash: bool = False) -> None:
        """`slash`: customers may type commands, as in the terminal, in tests and in the demo."""
        self._book, self._facts_of, self._slash = book, facts_of, slash

    async def take(self, turn: Turn, powers: Powers) -> Outcome | Declined:
        found = understand(self._book, turn.state, turn, self._facts_of(turn), slash=self._slash)
        if isinstance(found, Declined):
            return found if not self._is_lost(turn) else Outcome(responder=self.name, commands=((Chat(), "rule"),))
        return Outcome(responder=self.name, commands=found.commands, through=found.through)

    def _is_lost(self, turn: Turn) -> bool:
        """What was asked last is no longer known: there is nothing to understand, and the flows say so."""
        return bool(turn.state.stack) and self._book.flow_of(turn.state.stack[-1]) is None
