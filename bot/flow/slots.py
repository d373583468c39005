"""Slot types: from what a customer typed to a value, without a model and without a clock.

A parser gives the value as it lies in the state (dates as ISO 8601 texts), or None when the words are no answer. What
it gives, it also accepts again: `parse(str(parse(words))) == parse(words)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from msgspec import Struct

from bot.flow.rules import Phrases, Rules
from bot.flow.words import Phrase, contains, folded, tokens
from bot.model import Json

LONGEST_TEXT = 4_000
_CLOSE = 84
"""How alike, of 100, a typed word must be to a label to be taken for a slip of the finger."""
_THUMBS = {"👍": True, "👎": False}


class Labelled(Struct, frozen=True):
    """One of the answers a question offers."""

    value: str
    label: str


class Hearing(Struct, frozen=True, kw_only=True):
    """What a parser may know beside the words."""

    language: str = "en"
    rules: tuple[Rules, ...] = ()
    """Of the conversation's language first."""
    now: str = ""
    """ISO 8601."""
    options: tuple[Labelled, ...] = ()
    strict: bool = False
    """The words are a value, not a sentence: nothing is looked for inside them."""


Parse = Callable[[str, Hearing], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotType:
    name: str
    parse: Parse
    error: str
    """The key of what is said when the words are no answer."""
    is_instant: bool = False
    """Its values are compared as points in time."""


def parse_text(words: str, hearing: Hearing) -> Json:
    text = words.strip()
    return text if text and len(text) <= LONGEST_TEXT else None


def parse_integer(words: str, hearing: Hearing) -> Json:
    """Exactly one whole number, in digits or as a number word; `1,000`, `1 000` and `1.000` are grouped."""
    runs = [run for run in _number_runs(words) if run.strip("-")]
    if len(runs) == 1:
        return _whole(runs[0])
    said = tokens(words)
    named = [rules.numbers.index(word) for rules in hearing.rules[:1] for word in said if word in rules.numbers]
    return named[0] if len(named) == 1 and not runs else None


def parse_choice(words: str, hearing: Hearing) -> Json:
    """By value, label, number, ordinal; then by a label within the words; then by a likely slip of the finger."""
    said = tokens(words)
    for option in hearing.options:
        if words.strip() == option.value or said in (tokens(option.value), tokens(option.label)):
            return option.value
    if hearing.strict or not said or len(said) > 20:
        return None
    if (place := _place(said, hearing)) is not None:
        return hearing.options[place].value
    return _within(said, hearing) or _part_of(said, hearing) or _alike(said, hearing)


def parse_yes_no(words: str, hearing: Hearing) -> Json:
    said = tokens(words)
    if said in (("true",), ("false",)):
        return said == ("true",)
    if words.strip()[:1] in _THUMBS:
        return _THUMBS[words.strip()[:1]]
    if not said or len(said) > 8 or "?" in words:
        return None
    for rules in hearing.rules:
        bare = rules.without_filler(said)
        for answer, known in ((True, rules.yes), (False, rules.no)):
            if said in known or bare in known:
                return answer
    for rules in hearing.rules[:1]:
        yes, no = _begins(said, rules.yes), _begins(said, rules.no)
        if yes != no:
            return yes
    return None


def parse_email(words: str, hearing: Hearing) -> Json:
    found = [word.strip("<>()[],;:.!?\"'").removeprefix("mailto:") for word in words.split() if "@" in word]
    return found[0] if len(found) == 1 and _is_email(found[0]) else None


def parse_date(words: str, hearing: Hearing) -> Json:
    """ISO 8601, or as people say it: `3 March`, `demain`, `next friday`, seen from the moment of the turn."""
    text = words.strip()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    if hearing.strict or not 2 < len(text) <= 60 or not hearing.now:
        return None
    return _spoken_date(text, hearing)


TYPES: Mapping[str, SlotType] = {
    kind.name: kind
    for kind in (
        SlotType(name="text", parse=parse_text, error="not_text"),
        SlotType(name="integer", parse=parse_integer, error="not_integer"),
        SlotType(name="choice", parse=parse_choice, error="not_choice"),
        SlotType(name="yes_no", parse=parse_yes_no, error="not_yes_no"),
        SlotType(name="email", parse=parse_email, error="not_email"),
        SlotType(name="date", parse=parse_date, error="not_date", is_instant=True),
    )
}


def _number_runs(words: str) -> list[str]:
    kept = "".join(c if c.isdecimal() or c in ",.\u00a0\u202f' -" else "|" for c in words)
    return [run.strip(" ,.'\u00a0\u202f") for run in kept.split("|")]


def _whole(run: str) -> int | None:
    digits = run.lstrip("-")
    if run.count("-") > 1 or "-" in digits or len(digits) > 24:
        return None
    groups = "".join(c if c.isdecimal() else " " for c in digits).split()
    is_grouped = all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3
    if len(groups) != 1 and not is_grouped:
        return None
    number = int("".join(groups))
    return None if number >= 2**53 else -number if run.startswith("-") else number


def _place(said: Phrase, hearing: Hearing) -> int | None:
    """`2`, `the second one`, `le dernier`."""
    count = len(hearing.options)
    for rules in hearing.rules:
        bare = rules.without_filler(said) or said
        if len(bare) == 1 and bare[0].isdecimal() and len(bare[0]) < 4 and 1 <= int(bare[0]) <= count:
            return int(bare[0]) - 1
        if count and bare in rules.last:
            return count - 1
        for place, names in enumerate(rules.ordinals[:count]):
            if bare in names:
                return place
        if len(bare) == 1 and bare[0] in rules.numbers and 1 <= rules.numbers.index(bare[0]) <= count:
            return rules.numbers.index(bare[0]) - 1
    return None


def _within(said: Phrase, hearing: Hearing) -> str | None:
    if any(rules.negations.intersection(said) for rules in hearing.rules[:1]):
        return None
    found = {
        option.value
        for option in hearing.options
        for name in (tokens(option.label), tokens(option.value))
        if name and contains(said, name)
    }
    return found.pop() if len(found) == 1 else None


def _part_of(said: Phrase, hearing: Hearing) -> str | None:
    """`damaged` is enough for `It is damaged`, as long as no other label has it too."""
    bare = _bare(said, hearing)
    found = {option.value for option in hearing.options if contains(_bare(tokens(option.label), hearing), bare)}
    return found.pop() if len(found) == 1 and len("".join(bare)) > 2 else None


def _bare(said: Phrase, hearing: Hearing) -> Phrase:
    return (hearing.rules[0].without_filler(said) if hearing.rules else said) or said


def _alike(said: Phrase, hearing: Hearing) -> str | None:
    from rapidfuzz import fuzz

    bare = " ".join(_bare(said, hearing))
    if not 3 < len(bare) <= 80:
        return None
    scores = sorted(
        ((fuzz.ratio(bare, " ".join(tokens(option.label))), option.value) for option in hearing.options), reverse=True
    )
    if not scores or scores[0][0] < _CLOSE or (len(scores) > 1 and scores[1][0] > scores[0][0] - 5):
        return None
    return scores[0][1]


def _begins(said: Phrase, known: Phrases) -> bool:
    beginnings = (said[:size] for size in range(1, len(said) + 1))
    return any(phrase in known for phrase in beginnings if len("".join(phrase)) > 1)


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        0 < len(local) <= 64
        and len(text) <= 254
        and "@" not in local
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
        and all(c.isalnum() or c in "!#$%&'*+-/=?^_`{|}~." for c in local)
        and len(labels) > 1
        and len(labels[-1]) > 1
        and not labels[-1].isdecimal()
        and all(
            label and all(c.isalnum() or c == "-" for c in label) and label[0] != "-" != label[-1] for label in labels
        )
    )


def _spoken_date(text: str, hearing: Hearing) -> str | None:
    from dateparser import parse as parse_date_words

    base = datetime.fromisoformat(hearing.now).replace(tzinfo=None)
    fixed: dict[str, object] = {
        "RELATIVE_BASE": base,
        "RETURN_AS_TIMEZONE_AWARE": False,
        "PREFER_DATES_FROM": "current_period",
    }
    readings: list[dict[str, object]]
    if any(c.isdecimal() for c in text):
        readings = [{"REQUIRE_PARTS": ["day", "month"]}]
    else:  # `friday` has no parts to ask for; `may` gives two different days
        readings = [{"PREFER_DAY_OF_MONTH": day, "PREFER_DATES_FROM": "future"} for day in ("first", "last")]
    tag = hearing.language.replace("_", "-")
    tags = tuple(dict.fromkeys((tag.partition("-")[0], "en")))
    for words in dict.fromkeys((text, _unfilled(text, hearing))):
        for language in tags if words else ():
            languages, locales = _where(tag, language)
            found = {
                parse_date_words(words, settings={**fixed, **reading}, languages=languages, locales=locales)
                for reading in readings
            }
            days = {moment and moment.date() for moment in found}
            if len(days) == 1 and (day := days.pop()) is not None:
                return day.isoformat()
    return None


def _where(tag: str, language: str) -> tuple[list[str] | None, list[str] | None]:
    """`en-GB` puts the day first, `en` the month: a region is kept where the library knows it."""
    from dateparser.data.languages_info import language_locale_dict

    known = language_locale_dict.get(language, [])
    return (None, [tag]) if tag.startswith(f"{language}-") and tag in known else ([language], None)


def _unfilled(text: str, hearing: Hearing) -> str:
    fillers = hearing.rules[0].filler if hearing.rules else frozenset[str]()
    return " ".join(word for word in text.split() if folded(word).strip(".,!?;:") not in fillers).strip(" .,!?;:")
