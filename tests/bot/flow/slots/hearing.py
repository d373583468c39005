"""What the tests of slot types hear with: on Monday, 2 March 2026, at ten o'clock."""

from __future__ import annotations

from bot.flow.read import rules_of
from bot.flow.slots import TYPES, Hearing, Labelled
from bot.model import Json

SIZES = (Labelled("s", "Small"), Labelled("m", "Medium"), Labelled("l", "Large"))


def hearing(
    language: str,
    options: tuple[Labelled, ...] = (),
    *,
    strict: bool = False,
    zone: str = "",
    region: str = "",
    currency: str = "",
    scale: int = 5,
) -> Hearing:
    return Hearing(
        language=language,
        rules=(rules_of(language), rules_of("en")),
        now="2026-03-02T10:00:00+00:00",
        zone=zone,
        region=region,
        currency=currency,
        scale=scale,
        options=options,
        strict=strict,
    )


def parse(kind: str, language: str, words: str, options: tuple[Labelled, ...] = ()) -> Json:
    return TYPES[kind].parse(words, hearing(language, options))
