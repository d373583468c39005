"""Has the last word when nobody else takes the turn: greets, tries the question again, or says what the bot can do."""

from __future__ import annotations

from collections.abc import Callable

from bot.commands import parse_slash
from bot.flow import say
from bot.flow.book import Book
from bot.flow.hours import ALWAYS, Hours
from bot.model import Clarify, Facts, Lookup, Opened, Outcome, Refuse, Said, Turn
from bot.ports import Powers


def plain_facts(turn: Turn, hours: Hours = ALWAYS) -> Facts:
    """What a turn tells by itself."""
    conversation = turn.conversation
    return {
        "language": conversation.language,
        "channel": conversation.address.channel,
        "now": hours.local(turn.now).isoformat(),
        "customer": {},
        "hours": hours.at(turn.now),
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
        pending = self._book.pending(turn.state)
        awaits_words = pending is None or pending.slot.type.take is None
        if not turn.words.strip() and awaits_words:
            return Outcome(responder=self.name, commands=((Refuse("unsupported"), "rule"),))
        if isinstance(command := parse_slash(turn.words), Lookup):
            return Outcome(responder=self.name, commands=((command, "slash"),))
        if pending or self._book.led(turn.state):
            return Outcome(responder=self.name, missed=True)
        return Outcome(responder=self.name, commands=((Clarify(), "rule"),))

    def _opened(self, turn: Turn, facts: Facts) -> Outcome:
        """The first time somebody looks in they are greeted; who comes back finds everything where it was."""
        opened = any(isinstance(event.body, Opened) for event in turn.inputs)
        if not opened or turn.conversation.public_seq or turn.state.stack:
            return Outcome(responder=self.name, silent=True)
        language = self._book.language(turn.state, facts)
        return Outcome(responder=self.name, messages=(say.greeting(self._book, language),))
