"""Words that mean a command whatever the flow: asking for a person, cancelling, repeating, starting over, skipping.

Phrases are compared word by word, so the time taken is linear in what the customer wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.flow.words import contains, tokens

Rule = Literal["human", "cancel", "repeat", "restart", "skip"]

_LONGEST = 14
"""Words: a longer message says more than a rule can understand."""

Phrases = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The words of one language, folded to tokens."""

    whole: Mapping[Rule, Phrases]
    """The message is this phrase, fillers aside."""
    within: Mapping[Rule, Phrases]
    """The message has this phrase in it."""
    yes: Phrases
    no: Phrases
    negations: frozenset[str]
    filler: frozenset[str]
    ordinals: tuple[Phrases, ...]
    """How the first, second, ... are named."""
    last: Phrases
    numbers: tuple[str, ...]
    """Number words from zero up."""

    def hear(self, text: str) -> Rule | None:
        said = tokens(text)
        if not said or len(said) > _LONGEST:
            return None
        bare = self.without_filler(said)
        for rule, phrases in self.whole.items():
            if said in phrases or bare in phrases:
                return rule
        if self.negations.intersection(said):
            return None
        for rule, phrases in self.within.items():
            if any(contains(said, phrase) for phrase in phrases):
                return rule
        return None

    def without_filler(self, said: Sequence[str]) -> tuple[str, ...]:
        return tuple(word for word in said if word not in self.filler)


def phrases(lines: Sequence[str]) -> Phrases:
    return frozenset(filter(None, map(tokens, lines)))


def hear(text: str, languages: Sequence[Rules]) -> Rule | None:
    """In the first language that knows the words."""
    for rules in languages:
        if rule := rules.hear(text):
            return rule
    return None
