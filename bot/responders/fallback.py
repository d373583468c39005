"""Has the last word when nobody else takes the turn: greets, tries the question again, or says what the bot can do."""

from __future__ import annotations

from collections.abc import Callable

from bot.flow import say
from bot.flow.book import Book
from bot.model import Facts, Opened, Outcome, Refuse, Said, Turn
from bot.ports import Powers


def plain_facts(turn: Turn) -> Facts:
    """What a turn tells by itself."""
    conversation = turn.conversation
    return {
        "language": conversation.language,
        "channel": conversation.address.channel,
        "now": turn.now.isoformat(),
        "customer": {},
        "hours": {},
    }


class Fallback:
    """Never declines."""

    name = "fallback"

    def __init__(self, book: Book, facts_of: Callable[[Turn], Facts] = plain_facts) -> None:
        self._book, self._facts_of = book, facts_of

    async def take(self, turn: Turn, powers: Powers) -> Outcome:
        facts = self._facts_of(turn)
        if not any(isinstance(event.body, Said) for event in turn.inputs):
            return self._opened(turn, facts)
        if not turn.words.strip():
            return Outcome(responder=self.name, commands=((Refuse("unreadable"), "rule"),))
        if self._book.pending(turn.state) or self._book.led(turn.state):
            return Outcome(responder=self.name, missed=True)
        return Outcome(responder=self.name, messages=(say.menu(self._book, turn.state, facts, "what_i_can_do"),))

    def _opened(self, turn: Turn, facts: Facts) -> Outcome:
        """The first time somebody looks in they are greeted; who comes back finds everything where it was."""
        opened = any(isinstance(event.body, Opened) for event in turn.inputs)
        if not opened or turn.conversation.public_seq or turn.state.stack:
            return Outcome(responder=self.name, silent=True)
        language = self._book.language(turn.state, facts)
        return Outcome(responder=self.name, messages=(say.greeting(self._book, language),))
