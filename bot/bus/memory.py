"""Live fan-out within one process."""

from __future__ import annotations

from collections.abc import Callable

from bot.model import ConversationId
from bot.ports import News


class MemoryBus:
    """Calls whoever listens, at once and in order of listening."""

    def __init__(self) -> None:
        self._listeners: dict[ConversationId | None, dict[object, Callable[[News], None]]] = {}

    def publish(self, news: News) -> None:
        for topic in (news.conversation, None):
            if listeners := self._listeners.get(topic):
                for hear in tuple(listeners.values()):
                    hear(news)

    def listen(self, conversation: ConversationId | None, hear: Callable[[News], None]) -> Callable[[], None]:
        mark = object()
        self._listeners.setdefault(conversation, {})[mark] = hear

        def stop() -> None:
            listeners = self._listeners.get(conversation)
            if listeners and listeners.pop(mark, None) and not listeners:
                del self._listeners[conversation]

        return stop
