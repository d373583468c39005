"""Words that mean a command whatever the flow: asking for a person, cancelling, repeating, starting over, skipping.

Phrases are found by their words, so the time taken is linear in what the customer wrote, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from bot.flow.words import Phrase, tokens

Rule = Literal["human", "cancel", "repeat", "restart", "skip"]

_LONGEST = 14
"""Words: a longer message says more than a rule can understand."""

Phrases = frozenset[Phrase]

T = TypeVar("T")

Table = Mapping[Phrase, T]
"""What phrases mean."""

Unit = Literal["second", "minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWords:
    """How days, times of day and durations are said."""

    days: Table[int]
    """`yesterday` is -1, `tomorrow` is 1."""
    weekdays: Table[int]
    """Monday is 0."""
    months: Table[int]
    """January is 1."""
    next: Phrases
    this: Phrases
    previous: Phrases
    ahead: Phrases
    """Before or after a span that is still to pass: `in`."""
    ago: Phrases
    of: Phrases
    """Between a day and its month."""
    spans: Table[Unit]
    pairs: Table[Unit]
    """One word that means two of the unit, as Arabic has them."""
    half: Phrases
    one: Phrases
    """What says one of a unit and is no number word: `an hour`."""
    quarter_hour: Phrases
    and_half: Phrases
    one_and_half: Phrases
    now: Phrases
    noon: Phrases
    midnight: Phrases
    at: Phrases
    """Before the number of an hour."""
    hour: Phrases
    """After the number of an hour."""
    am: Phrases
    pm: Phrases
    night: Phrases
    """Late or very early, as the hour has it."""
    before: Table[int]
    """Minutes, said before their hour: `quarter to` is -15."""
    after: Table[int]
    """Minutes, said after their hour."""
    past: Phrases
    to: Phrases
    minus: Phrases
    """Between an hour and the minutes that it still lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The words of one language, folded to tokens."""

    whole: Mapping[Phrase, Rule]
    """The message is this phrase, fillers aside."""
    within: Mapping[str, tuple[tuple[Phrase, Rule], ...]]
    """The message has one of these phrases in it; by their first word."""
    yes: Phrases
    no: Phrases
    unsure: Phrases
    """Neither yes nor no."""
    negations: frozenset[str]
    filler: frozenset[str]
    ordinals: tuple[Phrases, ...]
    """How the first, second, ... are named."""
    last: Phrases
    numbers: Table[int]
    """Number words; those for a hundred and a thousand multiply what stands before them."""
    negative: Phrases
    """Before a number below zero."""
    glued: frozenset[str]
    """What may stand between number words that are written as one."""
    joins: frozenset[str]
    """Between the last two of a list."""
    questions: Phrases
    """How a question begins."""
    name_after: Phrases
    """After it comes a name."""
    never_name: frozenset[str]
    address_after: Phrases
    never_address: frozenset[str]
    all: Phrases
    both: Phrases
    none: Phrases
    enough: Phrases
    """Nothing is to be chosen beside what is chosen."""
    but: Phrases
    """All of them, without those that follow."""
    currencies: Table[str]
    """Names of money to ISO 4217."""
    cents: Phrases
    grades: Table[int]
    """From 1 to 5."""
    out_of: Phrases
    times: TimeWords
    corrects: Phrases
    """How somebody begins who has said something wrong before."""
    called: Phrases
    """What this language is called, in whatever language."""
    asked: Phrases
    """How somebody asks to be spoken to in it."""
    own: frozenset[str]
    """The words by which the language is recognised: its small and frequent ones."""

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
        if said in rules.asked or (by_name and said in rules.called):
            return tag
    return ""


def spoken(said: Phrase, by_language: Mapping[str, Rules]) -> str:
    """The language of the words, where they are clearly of one. Only words that no other of the languages has count."""
    counts: dict[str, int] = {}
    for word in set(said):
        if len(having := [tag for tag, rules in by_language.items() if word in rules.own]) == 1:
            counts[having[0]] = counts.get(having[0], 0) + 1
    best, second = (*sorted(counts.values(), reverse=True), 0, 0)[:2]
    return max(counts, key=lambda tag: counts[tag]) if best > 2 * second else ""


def longest(said: Phrase, at: int, table: Table[T]) -> tuple[T, int] | None:
    """What the longest phrase that stands there means, and where it ends."""
    for size in range(min(_LONGEST_PHRASE, len(said) - at), 0, -1):
        if (found := said[at : at + size]) in table:
            return table[found], at + size
    return None


def after(said: Phrase, at: int, known: Phrases) -> int:
    """Where the longest of these phrases ends that stands there; `at` itself where none does."""
    for size in range(min(_LONGEST_PHRASE, len(said) - at), 0, -1):
        if said[at : at + size] in known:
            return at + size
    return at


def rules_from(plain: Mapping[str, Any]) -> Rules:
    """Of a file in `rules/`, read; empty rules of an empty one."""
    money, choosing = plain.get("money", {}), plain.get("choosing", {})
    names, addresses = plain.get("names", {}), plain.get("addresses", {})
    return Rules(
        whole=by_phrase(plain.get("whole", {})),
        within=by_first_word(plain.get("within", {})),
        yes=phrases(plain.get("yes", ())),
        no=phrases(plain.get("no", ())),
        unsure=phrases(plain.get("unsure", ())),
        negations=_words(plain.get("negations", ())),
        filler=_words(plain.get("filler", ())),
        ordinals=tuple(map(phrases, plain.get("ordinals", ()))),
        last=phrases(plain.get("last", ())),
        numbers={
            **_numbered(plain.get("numbers", ())),
            **{phrase: 20 + 10 * n for phrase, n in _numbered(plain.get("tens", ())).items()},
            **dict.fromkeys(phrases(plain.get("hundred", ())), 100),
            **dict.fromkeys(phrases(plain.get("thousand", ())), 1_000),
        },
        negative=phrases(plain.get("negative", ())),
        glued=_words(plain.get("glued", ())),
        joins=_words(plain.get("joins", ())),
        questions=phrases(plain.get("questions", ())),
        name_after=phrases(names.get("after", ())),
        never_name=_words(names.get("never", ())),
        address_after=phrases(addresses.get("after", ())),
        never_address=_words(addresses.get("never", ())),
        all=phrases(choosing.get("all", ())),
        both=phrases(choosing.get("both", ())),
        none=phrases(choosing.get("none", ())),
        enough=phrases(choosing.get("enough", ())),
        but=phrases(choosing.get("except", ())),
        currencies=_named(money.get("words", {})),
        cents=phrases(money.get("cents", ())),
        grades={phrase: n + 1 for phrase, n in _numbered(plain.get("ratings", ())).items()},
        out_of=phrases(plain.get("out_of", ())),
        times=_time_words(plain.get("times", {})),
        corrects=phrases(plain.get("corrects", ())),
        called=phrases(plain.get("language", {}).get("names", ())),
        asked=phrases(plain.get("language", {}).get("asked", ())),
        own=_own_words(plain),
    )


def _own_words(plain: Mapping[str, Any]) -> frozenset[str]:
    """Single letters stand in many languages, and in the numbers of orders."""
    commands = (line for kind in ("whole", "within") for lines in plain.get(kind, {}).values() for line in lines)
    listed = (
        line for kind in ("yes", "no", "unsure", "negations", "filler", "questions") for line in plain.get(kind, ())
    )
    return frozenset(word for word in _words((*commands, *listed)) if len(word) > 1 and not word.isdecimal())


def _time_words(plain: Mapping[str, Any]) -> TimeWords:
    minutes = {"half": 30, "half_to": -30, "quarter": 15, "quarter_to": -15}
    known = {key: phrases(plain.get(key, ())) for key in _TIME_PHRASES}
    return TimeWords(
        days={phrase: n - 2 for phrase, n in _numbered(plain.get("days", ())).items()},
        weekdays=_numbered(plain.get("weekdays", ())),
        months={phrase: n + 1 for phrase, n in _numbered(plain.get("months", ())).items()},
        ahead=phrases(plain.get("in", ())),
        spans=_named(plain.get("spans", {})),
        pairs=_named(plain.get("pairs", {})),
        before={phrase: minutes[name] for phrase, name in _named(plain.get("before", {})).items()},
        after={phrase: minutes[name] for phrase, name in _named(plain.get("after", {})).items()},
        **known,
    )


_TIME_PHRASES = (
    *("next", "this", "previous", "ago", "of", "half", "one", "quarter_hour", "and_half", "one_and_half", "now"),
    *("noon", "midnight", "at", "hour", "am", "pm", "night", "past", "to", "minus"),
)
_LONGEST_PHRASE = 6


def _named(lines: Mapping[str, Iterable[str]]) -> dict[Phrase, Any]:
    return {phrase: name for name in lines for phrase in phrases(lines[name])}


def _numbered(lines: Iterable[str | list[str]]) -> dict[Phrase, int]:
    """Each line's place, by every way it is said."""
    return {
        phrase: place
        for place, line in enumerate(lines)
        for phrase in phrases([line] if isinstance(line, str) else line)
    }


def _words(lines: Iterable[str]) -> frozenset[str]:
    return frozenset(word for phrase in phrases(lines) for word in phrase)


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
