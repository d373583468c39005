"""Bounds on what any model may answer: how much, for how long, how many commands, and no remote images."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from bot.clean import clean
from bot.errors import ModelDown
from bot.llm.rewrite import Rewriter
from bot.ports import Answer, Ask, Clock, LanguageModel, Wanted, Words

_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)?\)|<img\b[^>]*>", re.IGNORECASE)
_BEGUN = re.compile(
    r"!(?:\[[^\[\]]*(?:\](?:\([^()]*(?:\([^()]*\)?[^()]*)?)?)?)?\Z|<(?:i(?:m(?:g[^>]*)?)?)?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    characters: int = 4_000
    seconds: float = 60.0
    commands: int = 8


class Guarded:
    """A model within bounds. HTML needs no care here: to `markup` it is plain characters."""

    def __init__(self, model: LanguageModel, clock: Clock, bounds: Bounds = Bounds()) -> None:
        self.name = model.name
        self._model, self._clock, self._bounds = model, clock, bounds

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        """Text beyond the bound ends in "…", commands beyond it are dropped; raises `ModelDown` when time is up."""
        until = self._clock.monotonic() + self._bounds.seconds
        left, commands = self._bounds.characters, self._bounds.commands
        images = Rewriter(_IMAGE, _BEGUN, lambda found: found[1] or "")
        # A port promises an iterator that can be closed; `aclosing` wants it spelled so.
        async with aclosing(cast(AsyncGenerator[Answer, None], self._model.answer(ask))) as answers:
            async for item in answers:
                if self._clock.monotonic() > until:
                    raise ModelDown(f"no end after {self._bounds.seconds:g} s")
                if isinstance(item, Wanted):
                    commands -= 1
                    if commands >= 0:
                        yield item
                elif isinstance(item, Words):
                    text = images.feed(clean(item.text))
                    if len(text) > left:
                        yield Words(f"{text[:left].rstrip()}…")
                        return
                    left -= len(text)
                    if text:
                        yield Words(text)
                else:
                    yield item
            if rest := images.end()[:left]:
                yield Words(rest)
