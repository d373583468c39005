"""Takes something out of a text that streams, without ever showing half of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 1_000
"""Characters held back at most while it is open whether they match."""


class Rewriter:
    """Replaces what matches `whole`. `begun` matches, up to the end of a text, what may still become such a match."""

    def __init__(self, whole: re.Pattern[str], begun: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> None:
        self._whole, self._begun, self._replace = whole, begun, replace
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be shown now. The rest is held back until it is clear whether it matches."""
        text = self._held + text
        shown: list[str] = []
        at = 0
        while True:
            whole, begun = self._whole.search(text, at), self._begun.search(text, at)
            if begun and len(text) - begun.start() <= LONGEST and (not whole or begun.start() <= whole.start()):
                shown.append(text[at : begun.start()])
                self._held = text[begun.start() :]
                break
            if not whole:
                shown.append(text[at:])
                self._held = ""
                break
            shown += (text[at : whole.start()], self._replace(whole))
            at = whole.end()
        return "".join(shown)

    def end(self) -> str:
        """What was held back."""
        text, self._held = self._held, ""
        return self._whole.sub(self._replace, text)
