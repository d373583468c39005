"""Yes and no, and answers out of a list: by value, label, place, part of a label, or despite a slip of the finger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.flow.rules import Phrases, after, longest
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, Labelled, ascii_digits, asks, decoded, own_rules
from bot.flow.words import Phrase, contains, tokens
from bot.model import Json

_CLOSE = 84
"""How alike, of 100, a typed word must be to a label to be taken for a slip of the finger."""
_THUMBS: Mapping[str, bool] = {"👍": True, "👎": False}
_BETWEEN = re.compile(r"[,;،؛、/&+\n]")


def parse_choice(words: str, hearing: Hearing) -> Json:
    """By value, label, number, ordinal; then by a label within the words; then by a likely slip of the finger."""
    if (exact := _exactly(words, hearing.options)) is not None:
        return exact
    said = tokens(ascii_digits(words[: 2 * LONGEST_ANSWER]))
    if hearing.strict or not said or len(said) > 20:
        return None
    if (place := place_of(said, hearing)) is not None:
        return hearing.options[place].value
    return _within(said, hearing) or _part_of(said, hearing) or _alike(said, hearing)


def parse_yes_no(words: str, hearing: Hearing) -> Json:
    said = tokens(words)
    if said in (("true",), ("false",)):
        return said == ("true",)
    if words.strip()[:1] in _THUMBS:
        return _THUMBS[words.strip()[:1]]
    if hearing.strict or not said or len(said) > 8 or "?" in words or "؟" in words:
        return None
    if any(contains(said, phrase) for rules in hearing.rules for phrase in rules.unsure):
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


def parse_multi_choice(words: str, hearing: Hearing) -> Json:
    """The values in the order of the options: a list, `both`, `all except the first`; an empty one for `none`."""
    text = words.strip()
    if isinstance(listed := decoded(text), list):
        return _listed(listed, hearing)
    if not text or len(text) > LONGEST_ANSWER:
        return None
    if (one := _exactly(text, hearing.options)) is not None:
        return [one]
    if hearing.strict or asks(text, hearing):
        return None
    chosen = _several(text, hearing)
    return None if chosen is None else [option.value for option in hearing.options if option.value in chosen]


def _exactly(words: str, options: Iterable[Labelled]) -> str | None:
    said = tokens(words)
    for option in options:
        if words.strip() == option.value or (said and said in (tokens(option.value), tokens(option.label))):
            return option.value
    return None


def _listed(values: Sequence[object], hearing: Hearing) -> Json:
    known = [option.value for option in hearing.options]
    is_known = len(values) <= len(known) and all(value in known for value in values)
    return [value for value in known if value in values] if is_known else None


def _several(text: str, hearing: Hearing) -> set[str] | None:
    """None unless every word says which."""
    said, rules = tokens(ascii_digits(text)), own_rules(hearing)
    every = {option.value for option in hearing.options}
    for known in hearing.rules:
        for phrase in (said, known.without_filler(said)):
            if phrase in known.none:
                return set()
            if phrase in known.all or (phrase in known.both and len(every) == 2):
                return every
    for place in range(len(said)) if rules else ():
        start = after(said, place, rules.but) if rules else place
        if (
            rules
            and start > place
            and rules.without_filler(said[:place]) in {*rules.all, *map(rules.without_filler, rules.all)}
        ):
            but = _each([" ".join(said[start:])], hearing)
            return None if but is None else every - but
    return _each(_BETWEEN.split(text), hearing)


def _each(pieces: Iterable[str], hearing: Hearing) -> set[str] | None:
    """What the pieces of a list say; a piece that is no answer is taken apart at its `and`s and numbers."""
    found = set[str]()
    for piece in pieces:
        said = tokens(ascii_digits(piece))
        if not said:
            continue
        for part in [said] if _exactly(piece, hearing.options) else _parts(said, hearing):
            if not _is_said(part, hearing):
                continue
            value = parse_choice(" ".join(part), hearing)
            if not isinstance(value, str):
                return None
            found.add(value)
    return found or None


def _is_said(part: Phrase, hearing: Hearing) -> bool:
    """Words that only lead to the list are none of its items."""
    rules = own_rules(hearing)
    return bool(part) and (rules is None or bool(rules.without_filler(part)) or len(part) == 1)


def _parts(said: Phrase, hearing: Hearing) -> list[Phrase]:
    rules = own_rules(hearing)
    joins = rules.joins if rules else frozenset[str]()
    if all(word.isdecimal() for word in said):
        return [(word,) for word in said]
    parts: list[list[str]] = [[]]
    for word in said:
        glued = word[1:] if len(word) > 3 and word[:1] in joins and not word.isascii() else ""
        if word in joins:
            parts.append([])
        elif glued and parts[-1] and not _names(word, hearing):
            parts.append([glued])
        else:
            parts[-1].append(word)
    return [tuple(part) for part in parts if part]


def _names(word: str, hearing: Hearing) -> bool:
    return any(word in tokens(option.label) for option in hearing.options)


def place_of(said: Phrase, hearing: Hearing) -> int | None:
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
        if (number := longest(bare, 0, rules.numbers)) and number[1] == len(bare) and 1 <= number[0] <= count:
            return number[0] - 1
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
    from rapidfuzz.distance import OSA

    def alike(name: str) -> float:
        """One wrong key, or two in the wrong order, is a slip whatever the length."""
        is_slip = min(len(name), len(bare)) > 4 and OSA.distance(name, bare) == 1
        return max(_CLOSE, fuzz.ratio(bare, name)) if is_slip else fuzz.ratio(bare, name)

    bare = " ".join(_bare(said, hearing))
    if not 3 < len(bare) <= 80:
        return None
    scores = sorted(((alike(" ".join(tokens(option.label))), option.value) for option in hearing.options), reverse=True)
    if not scores or scores[0][0] < _CLOSE or (len(scores) > 1 and scores[1][0] > scores[0][0] - 5):
        return None
    return scores[0][1]


def _begins(said: Phrase, known: Phrases) -> bool:
    beginnings = (said[:size] for size in range(1, len(said) + 1))
    return any(phrase in known for phrase in beginnings if len("".join(phrase)) > 1)
