"""Finds the passages that speak of what was asked, or none. The store gives candidates; judging them is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from msgspec.structs import replace

from bot.knowledge.terms import terms, words
from bot.model import Passage
from bot.ports import Store
from bot.units import Candidate, Candidates, CandidatesFound

# BM25 with its usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
K1, B = 1.2, 0.75
HEADING, TITLE = 0.8, 0.4
"""What a term adds that stands in the heading or in the title, in parts of its weight."""
ECHO = 0.3
"""What a word adds that the question has in common with the heading as they stand: "how", "where", "what"."""

SHARE, ENOUGH = 0.5, 4
"""No evidence: a passage that holds less than this share of the weight of what was asked; of long questions, of the
terms that weigh most. What stands in a heading or title counts twice."""
CLOSE = 0.4
"""Of several passages, those with less than this share of the best score are left out."""

_CHARACTERS, _TERMS = 2_000, 40


@dataclass(frozen=True, slots=True)
class Search:
    """Implements `Knowledge` over a store."""

    store: Store
    languages: tuple[str, ...] = ()
    """Of the documents. What was asked is looked up by the rules of each, so another language's page is found too."""
    within: str | None = None
    """Only documents whose names begin so (`bot.units.Candidates`)."""

    async def search(self, words: str, *, language: str, most: int = 4) -> tuple[Passage, ...]:
        asked = question(words, dict.fromkeys((language, *self.languages)))
        wanted = tuple(sorted({term for each in asked.terms.values() for term in each}))
        if not wanted:
            return ()
        found = rank(await self.store.read(Candidates(terms=wanted, within=self.within)), asked, language)[:most]
        if not self.within:
            return found
        return tuple(replace(each, document=each.document.removeprefix(self.within)) for each in found)


@dataclass(frozen=True, slots=True)
class Asked:
    words: frozenset[str]
    terms: Mapping[str, Sequence[str]]
    """By base language: what its documents hold if they speak of it, each once."""


def question(text: str, languages: Iterable[str]) -> Asked:
    text = text[:_CHARACTERS]
    by_language = {_base(language): tuple(dict.fromkeys(terms(text, language)))[:_TERMS] for language in languages}
    return Asked(words(text), by_language)


def rank(found: CandidatesFound, asked: Asked, language: str) -> tuple[Passage, ...]:
    """Best first; only passages with evidence. Those in the language asked in, and others where there is none in it.

    Documents in a language that was not asked in go by the rules of `language`, which must be one of those asked in.
    """
    own: list[Passage] = []
    other: list[Passage] = []
    for candidate in found.candidates:
        spoken = _base(candidate.language)
        passage = _scored(candidate, found, asked.terms.get(spoken, asked.terms[_base(language)]), asked.words)
        if passage:
            (own if spoken == _base(language) else other).append(passage)
    passages = sorted(own or other, key=lambda passage: (-passage.score, passage.document, passage.text))
    return tuple(passage for passage in passages if passage.score >= CLOSE * passages[0].score)


def _scored(
    candidate: Candidate, found: CandidatesFound, asked: Collection[str], said: Collection[str]
) -> Passage | None:
    counts = Counter(candidate.terms)
    title = set(terms(candidate.title, candidate.language))
    heading = set(terms(candidate.heading, candidate.language)) if candidate.heading else title
    weights = {term: _weight(term, found) for term in asked}
    # Short passages are not preferred: it is the long ones that hold a word by chance.
    long = 1 - B + B * max(len(candidate.terms) / max(found.mean_terms, 1), 1)
    score = evidence = 0.0
    for term, weight in weights.items():
        if count := counts[term]:
            score += weight * count * (K1 + 1) / (count + K1 * long)
            score += weight * (HEADING * (term in heading) + TITLE * (term in title))
            evidence += 2 * weight if term in heading or term in title else weight
    if evidence < SHARE * sum(sorted(weights.values(), reverse=True)[:ENOUGH]):
        return None
    score += ECHO * len(words(candidate.heading or candidate.title).intersection(said))
    return Passage(
        document=candidate.document,
        title=candidate.title,
        heading=candidate.heading,
        text=candidate.text,
        address=candidate.address,
        score=score,
    )


def _weight(term: str, found: CandidatesFound) -> float:
    """Inverse document frequency: rare terms tell more."""
    holding = max(found.holding.get(term, 0), 1)
    return log(1 + (found.passages - holding + 0.5) / (holding + 0.5))


def _base(language: str) -> str:
    return language.partition("-")[0].lower()
