"""The actions without effect that a model calls by itself."""

from __future__ import annotations

from bot.errors import ActionFailed
from bot.flow.book import Book
from bot.ports import Called, Clock, Told
from bot.waiting import within


class Tools:
    def __init__(self, book: Book, clock: Clock) -> None:
        self._book, self._clock = book, clock

    async def call(self, called: Called) -> Told:
        """Never raises for what a model or an action did: the model is told."""
        action = self._book.actions.get(called.tool)
        if action is None or action.effect != "read":
            return Told(called, error="there is no such tool")
        try:
            return Told(called, await within(self._clock, action.timeout, action.call(called.arguments, "")))
        except ActionFailed as failed:
            return Told(called, error=str(failed) or "failed")
        except TimeoutError:
            return Told(called, error=f"no answer within {action.timeout.total_seconds():g} s")
