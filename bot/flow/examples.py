"""Finds the flow a sentence asks for by its examples: shared words, rare ones counting more, slips of the finger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.flow.rules import Rules
from bot.flow.words import tokens

FLOOR = 0.6
"""Below it a sentence is not understood by examples."""
CLOSE = 0.1
"""Nearer than this two flows are a question to the customer."""
_LONGEST = 40
"""Words: a longer message is a story, not a request."""


@dataclass(frozen=True, slots=True)
class Match:
    flow: str
    score: float
    """0 to 1; 1 is an example word by word."""


@dataclass(frozen=True, slots=True)
class _Known:
    flow: str
    words: tuple[str, ...]
    """All of them, for sentences that are exactly an example."""
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Language:
    known: tuple[_Known, ...]
    weights: Mapping[str, float]
    rules: Rules | None


@dataclass(frozen=True, slots=True)
class Examples:
    by_language: Mapping[str, _Language] = field(default_factory=dict)

    def match(self, text: str, languages: Sequence[str]) -> tuple[Match, ...]:
        """Flows above the floor, best first; of each language the examples are written in."""
        best: dict[str, float] = {}
        for tag in languages:
            if language := self.by_language.get(tag):
                for found in _matches(text, language):
                    best[found.flow] = max(best.get(found.flow, 0), found.score)
        ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(Match(flow, score) for flow, score in ranked if score >= FLOOR)


def prepare(examples: Iterable[tuple[str, str, str]], rules: Mapping[str, Rules]) -> Examples:
    """`examples` are (language, flow, sentence)."""
    by_language: dict[str, list[_Known]] = {}
    for tag, flow, sentence in examples:
        said = tokens(sentence)
        by_language.setdefault(tag, []).append(_Known(flow, said, _stems(said, rules.get(tag))))
    return Examples(
        {tag: _Language(tuple(known), _weights(known), rules.get(tag)) for tag, known in by_language.items()}
    )


def _matches(text: str, language: _Language) -> list[Match]:
    said = tokens(text)
    if not said or len(said) > _LONGEST:
        return []
    stems = _corrected(_stems(said, language.rules), language.weights)
    unknown = max(language.weights.values(), default=1.0)
    best: dict[str, float] = {}
    for known in language.known:
        score = 1.0 if said == known.words else 0.99 * _overlap(stems, known.stems, language.weights, unknown)
        best[known.flow] = max(best.get(known.flow, 0), score)
    return [Match(flow, score) for flow, score in best.items()]


def _overlap(said: frozenset[str], known: frozenset[str], weights: Mapping[str, float], unknown: float) -> float:
    shared = sum(weights.get(stem, unknown) for stem in said & known)
    both = sum(weights.get(stem, unknown) for stem in said) + sum(weights.get(stem, unknown) for stem in known)
    return 2 * shared / both if both else 0.0


def _stems(said: Sequence[str], rules: Rules | None) -> frozenset[str]:
    bare = rules.without_filler(said) if rules else tuple(said)
    return frozenset(_stem(word) for word in bare or said)


def _stem(word: str) -> str:
    """Plural and singular alike, in languages that mark it by an s."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _weights(known: Sequence[_Known]) -> dict[str, float]:
    """Words that many flows' examples share tell little."""
    flows = {entry.flow for entry in known}
    used_by = Counter(stem for flow in flows for stem in set().union(*(e.stems for e in known if e.flow == flow)))
    return {stem: 1 + math.log(len(flows) / count) for stem, count in used_by.items()}


def _corrected(stems: frozenset[str], weights: Mapping[str, float]) -> frozenset[str]:
    odd = [stem for stem in stems if stem not in weights and len(stem) > 3]
    if not odd or not weights:
        return stems
    from rapidfuzz import fuzz, process

    corrected = set(stems)
    for stem in odd:
        if near := process.extractOne(stem, list(weights), scorer=fuzz.ratio, processor=None, score_cutoff=82):
            corrected.discard(stem)
            corrected.add(near[0])
    return frozenset(corrected)
