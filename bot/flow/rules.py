"""Words that mean a command whatever the flow: asking for a person, cancelling, repeating, starting over, skipping.

Phrases are found by their words, so the time taken is linear in what the customer wrote, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.flow.words import Phrase, tokens

Rule = Literal["human", "cancel", "repeat", "restart", "skip"]

_LONGEST = 14
"""Words: a longer message says more than a rule can understand."""

Phrases = frozenset[Phrase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The words of one language, folded to tokens."""

    whole: Mapping[Phrase, Rule]
    """The message is this phrase, fillers aside."""
    within: Mapping[str, tuple[tuple[Phrase, Rule], ...]]
    """The message has one of these phrases in it; by their first word."""
    yes: Phrases
    no: Phrases
    negations: frozenset[str]
    filler: frozenset[str]
    ordinals: tuple[Phrases, ...]
    """How the first, second, ... are named."""
    last: Phrases
    numbers: tuple[str, ...]
    """Number words from zero up."""
    corrects: Phrases = frozenset()
    """How somebody begins who has said something wrong before."""
    names: Phrases = frozenset()
    """What this language is called, in whatever language."""
    asked: Phrases = frozenset()
    """How somebody asks to be spoken to in it."""

    def hear(self, said: Phrase) -> Rule | None:
        return self.whole.get(said) or self.whole.get(self.without_filler(said)) or self._within(said)

    def without_filler(self, said: Phrase) -> Phrase:
        if self.filler.isdisjoint(said):
            return said
        return tuple([word for word in said if word not in self.filler])

    def _within(self, said: Phrase) -> Rule | None:
        for at, word in enumerate(said):
            for phrase, rule in self.within.get(word, ()):
                if said[at : at + len(phrase)] == phrase:
                    return rule if self.negations.isdisjoint(said) else None
        return None


def asked_for(said: Phrase, by_language: Mapping[str, Rules], *, by_name: bool) -> str:
    """The language that the words ask to go on in; `by_name`: its name alone asks for it. Empty: none."""
    for tag, rules in by_language.items():
        if said in rules.asked or (by_name and said in rules.names):
            return tag
    return ""


def phrases(lines: Iterable[str]) -> Phrases:
    return frozenset(filter(None, map(tokens, lines)))


def by_phrase(lines: Mapping[Rule, Iterable[str]]) -> dict[Phrase, Rule]:
    """A phrase that stands under several rules means the first of them."""
    return {phrase: rule for rule in reversed([*lines]) for phrase in phrases(lines[rule])}


def by_first_word(lines: Mapping[Rule, Iterable[str]]) -> dict[str, tuple[tuple[Phrase, Rule], ...]]:
    found: dict[str, tuple[tuple[Phrase, Rule], ...]] = {}
    for phrase, rule in by_phrase(lines).items():
        found[phrase[0]] = (*found.get(phrase[0], ()), (phrase, rule))
    return found


def hear(said: Phrase, languages: Sequence[Rules]) -> Rule | None:
    """In the first language that knows the words."""
    if 0 < len(said) <= _LONGEST:
        for rules in languages:
            if rule := rules.hear(said):
                return rule
    return None
