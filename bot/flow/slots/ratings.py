"""Grades: numbers on a scale, stars, thumbs, faces, and words such as `great`."""

from __future__ import annotations

import re

from bot.flow.rules import longest
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, ascii_digits, asks, own_rules
from bot.flow.slots.numbers import number
from bot.flow.words import Phrase, tokens
from bot.model import Json

_FACES = {
    face: grade for grade, faces in enumerate(("😡😠🤬", "🙁😞😕👎", "😐😶", "🙂😊😀", "😍🤩😁👍"), 1) for face in faces
}
_STARS = "⭐★🌟"
_SHARE = re.compile(r"(\d{1,2})\s*/\s*(\d{1,2})\s*[.!]?")


def parse_rating(words: str, hearing: Hearing) -> Json:
    """From 1 to the hearing's scale: a number, stars, thumbs, a face, or a word such as `great`."""
    text = ascii_digits(words.strip())
    if not text or len(text) > LONGEST_ANSWER:
        return None
    if (shown := _shown_grade(text, hearing.scale)) is not None:
        return shown
    grade = number(_before_scale(text, hearing), hearing)
    if grade is not None:
        return grade if isinstance(grade, int) and 1 <= grade <= hearing.scale else None
    return None if asks(text, hearing) else _named_grade(tokens(text), hearing)


def _shown_grade(text: str, scale: int) -> int | None:
    shown = text.replace("\ufe0f", "").replace("☆", "")
    if shown.strip(_STARS + " ") == "":
        stars = sum(c in _STARS for c in shown)
        return stars if 1 <= stars <= scale else None
    if shown[:1] in ("👍", "👎") and not any(c.isalnum() for c in shown):
        return scale if shown[0] == "👍" else 1
    return _scaled(_FACES[shown], scale) if shown in _FACES else None


def _before_scale(text: str, hearing: Hearing) -> str:
    """`4` of `4/5` and of `4 out of 5`, when the scale is the one that was asked for."""
    if found := _SHARE.fullmatch(text):
        return found[1] if int(found[2]) == hearing.scale else ""
    said, rules = tokens(text), own_rules(hearing)
    if rules is not None and len(said) > 2 and said[-1] == str(hearing.scale):
        for size in (1, 2):
            if said[-1 - size : -1] in rules.out_of:
                return " ".join(said[: -1 - size])
    return text


def _named_grade(said: Phrase, hearing: Hearing) -> int | None:
    for rules in hearing.rules if len(said) <= 8 else ():
        grades = set[int]()
        at = 0
        while at < len(said):
            found = longest(said, at, rules.grades)
            if found is None and said[at] in rules.negations:
                return None
            if found is not None:
                grades.add(found[0])
            at = found[1] if found else at + 1
        if len(grades) == 1:
            return _scaled(grades.pop(), hearing.scale)
    return None


def _scaled(grade: int, scale: int) -> int | None:
    """A word means one of five grades; of two it means the nearer, of other scales nothing certain."""
    if scale == 2:
        return None if grade == 3 else 1 + (grade > 3)
    return grade if scale == 5 else None
