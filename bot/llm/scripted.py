"""A model that says exactly what it was told to: for tests, and for conversation tests of flows."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from bot.ports import Answer, Ask, Words

Item = Answer | str | Exception | Callable[[], Awaitable[object]]
"""A text is streamed word by word, an exception raised where it stands, a function awaited before going on."""

_WORD = re.compile(r"\S*\s+|\S+")


class ScriptDiffers(AssertionError):
    """The conversation did not go as the script expected."""


class ScriptedModel:
    """Answers each ask with the next entry of its script, and remembers what it was asked."""

    name = "scripted"

    def __init__(self) -> None:
        self.asks: list[Ask] = []
        self._script: deque[tuple[str | None, tuple[Item, ...]]] = deque()

    def then(self, *answer: Item, words: str | None = None) -> ScriptedModel:
        """Add the answer to one more ask; with `words`, only if the customer said exactly that."""
        self._script.append((words, answer))
        return self

    @property
    def left(self) -> int:
        """Answers not yet given."""
        return len(self._script)

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        """Raises `ScriptDiffers` when the script has ended or expected other words, and what the script says."""
        self.asks.append(ask)
        if not self._script:
            raise ScriptDiffers(f"the script has ended, and the model is asked {ask.words!r}")
        words, items = self._script.popleft()
        if words is not None and words != ask.words:
            raise ScriptDiffers(f"the script expects {words!r}, and the model is asked {ask.words!r}")
        for item in items:
            if isinstance(item, Exception):
                raise item
            elif isinstance(item, str):
                for word in _WORD.findall(item):
                    yield Words(word)
            elif callable(item):
                await item()
            else:
                yield item
