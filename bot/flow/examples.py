"""Finds the flow a sentence asks for by its examples: shared words, rare ones counting more, slips of the finger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from bot.flow.rules import Rules
from bot.flow.words import Phrase, tokens

FLOOR = 0.6
"""Below it a sentence is not understood by examples."""
CLOSE = 0.1
"""Nearer than this two flows are a question to the customer."""
_LONGEST = 40
"""Words: a longer message is a story, not a request."""
_BUT_FOR_ORDER = 0.99
"""The same words in another order, or with fillers between them, are not quite the example."""


class Match(Struct, frozen=True):
    flow: str
    score: float
    """0 to 1; 1 is an example word by word."""


@dataclass(frozen=True, slots=True)
class _Known:
    flow: str
    words: Phrase
    """All of them, for sentences that are exactly an example."""
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Language:
    known: tuple[_Known, ...]
    weights: Mapping[str, float]
    """By stem."""
    heaviest: float
    """What a stem weighs that no example has."""
    sizes: tuple[float, ...]
    """What the stems of each known sentence weigh together."""
    having: Mapping[str, tuple[int, ...]]
    """The known sentences that have a stem."""
    rules: Rules | None

    def scores(self, said: Phrase) -> Iterator[tuple[str, float]]:
        """Of the sentences that share a word with what was said."""
        stems = self.corrected(_stems(said, self.rules))
        size = sum([self.weights.get(stem, self.heaviest) for stem in stems])
        shared: dict[int, float] = {}
        for stem in stems:
            for place in self.having.get(stem, ()):
                shared[place] = shared.get(place, 0.0) + self.weights[stem]
        for place, weight in shared.items():
            known = self.known[place]
            alike = 2 * weight / (size + self.sizes[place])
            yield known.flow, 1.0 if said == known.words else _BUT_FOR_ORDER * alike

    def corrected(self, stems: frozenset[str]) -> frozenset[str]:
        odd = [stem for stem in stems if len(stem) > 3 and stem not in self.weights]
        if not odd:
            return stems
        from rapidfuzz import fuzz, process

        corrected = set(stems)
        for stem in odd:
            near = process.extractOne(stem, self.weights.keys(), scorer=fuzz.ratio, processor=None, score_cutoff=82)
            if near:
                corrected.discard(stem)
                corrected.add(near[0])
        return frozenset(corrected)


@dataclass(frozen=True, slots=True)
class Examples:
    by_language: Mapping[str, _Language] = field(default_factory=dict)

    def match(self, said: Phrase, languages: Sequence[str]) -> tuple[Match, ...]:
        """Flows above the floor, best first; of each language the examples are written in."""
        best: dict[str, float] = {}
        for tag in languages if 0 < len(said) <= _LONGEST else ():
            if language := self.by_language.get(tag):
                for flow, score in language.scores(said):
                    if score >= FLOOR and score > best.get(flow, 0.0):
                        best[flow] = score
        ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0])) if len(best) > 1 else best.items()
        return tuple([Match(flow, score) for flow, score in ranked])


def prepare(examples: Iterable[tuple[str, str, str]], rules: Mapping[str, Rules]) -> Examples:
    """`examples` are (language, flow, sentence)."""
    by_language: dict[str, list[_Known]] = {}
    for tag, flow, sentence in examples:
        said = tokens(sentence)
        by_language.setdefault(tag, []).append(_Known(flow, said, _stems(said, rules.get(tag))))
    return Examples({tag: _language(tuple(known), rules.get(tag)) for tag, known in by_language.items()})


def _language(known: tuple[_Known, ...], rules: Rules | None) -> _Language:
    weights = _weights(known)
    having: dict[str, list[int]] = {}
    for place, entry in enumerate(known):
        for stem in entry.stems:
            having.setdefault(stem, []).append(place)
    return _Language(
        known=known,
        weights=weights,
        heaviest=max(weights.values(), default=1.0),
        sizes=tuple(sum(weights[stem] for stem in entry.stems) for entry in known),
        having={stem: tuple(places) for stem, places in having.items()},
        rules=rules,
    )


def _stems(said: Phrase, rules: Rules | None) -> frozenset[str]:
    bare = rules.without_filler(said) if rules else said
    return frozenset([_stem(word) for word in bare or said])


def _stem(word: str) -> str:
    """Plural and singular alike, in languages that mark it by an s."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _weights(known: Sequence[_Known]) -> dict[str, float]:
    """Words that many flows' examples share tell little."""
    flows: dict[str, set[str]] = {}
    for entry in known:
        flows.setdefault(entry.flow, set()).update(entry.stems)
    used_by = Counter(stem for stems in flows.values() for stem in stems)
    return {stem: 1 + math.log(len(flows) / count) for stem, count in used_by.items()}
