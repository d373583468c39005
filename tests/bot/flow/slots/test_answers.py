"""What people type, read without a model: English and French, and what must not be taken for an answer."""

from __future__ import annotations

import pytest

from bot.flow.slots import Labelled
from tests.bot.flow.slots.hearing import parse

REASONS = (
    Labelled("damaged", "It is damaged"),
    Labelled("wrong_size", "Wrong size"),
    Labelled("changed_mind", "I changed my mind"),
)
RAISONS = (
    Labelled("damaged", "L'article est abîmé"),
    Labelled("wrong_size", "Mauvaise taille"),
    Labelled("changed_mind", "J'ai changé d'avis"),
)


@pytest.mark.parametrize(
    ("language", "words", "answer"),
    [
        ("en", "yes", True),
        ("en", "Yes please!", True),
        ("en", "yep, that's right", True),
        ("en", "OK", True),
        ("en", "👍", True),
        ("en", "no", False),
        ("en", "No thanks", False),
        ("en", "nope", False),
        ("en", "no, that is wrong", False),
        ("en", "👎", False),
        ("en", "true", True),
        ("en", "maybe", None),
        ("en", "what do you mean?", None),
        ("en", "no?", None),
        ("en", "", None),
        ("fr", "oui", True),
        ("fr", "Oui, merci", True),
        ("fr", "d'accord", True),
        ("fr", "bien sûr", True),
        ("fr", "c'est ça", True),
        ("fr", "non", False),
        ("fr", "Non merci", False),
        ("fr", "pas du tout", False),
        ("fr", "peut-être", None),
        ("fr", "yes", True),
        ("de", "ja, gerne", True),
        ("es", "claro que no", False),
        ("pt", "não", False),
        ("ar", "نعم", True),
    ],
)
def test_yes_and_no(language: str, words: str, answer: bool | None) -> None:
    assert parse("yes_no", language, words) is answer


@pytest.mark.parametrize(
    ("language", "words", "value"),
    [
        ("en", "damaged", "damaged"),
        ("en", "It is damaged", "damaged"),
        ("en", "it's DAMAGED!", "damaged"),
        ("en", "the second one", "wrong_size"),
        ("en", "2", "wrong_size"),
        ("en", "number 3 please", "changed_mind"),
        ("en", "the last one", "changed_mind"),
        ("en", "worng size", "wrong_size"),
        ("en", "changed my mind", "changed_mind"),
        ("en", "I think it has the wrong size", "wrong_size"),
        ("en", "4", None),
        ("en", "not damaged", None),
        ("en", "damaged or wrong size", None),
        ("en", "how long does a refund take?", None),
        ("en", "", None),
    ],
)
def test_a_choice(language: str, words: str, value: str | None) -> None:
    assert parse("choice", language, words, REASONS) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("abîmé", "damaged"),
        ("l'article est abime", "damaged"),
        ("la deuxième", "wrong_size"),
        ("le dernier", "changed_mind"),
        ("mauvaise tailel", "wrong_size"),
        ("trois", "changed_mind"),
        ("wrong_size", "wrong_size"),
        ("je ne sais pas", None),
    ],
)
def test_a_choice_in_french(words: str, value: str | None) -> None:
    assert parse("choice", "fr", words, RAISONS) == value


@pytest.mark.parametrize(
    ("language", "words", "value"),
    [
        ("en", "3", 3),
        ("en", "about 12 pieces", 12),
        ("en", "1,000", 1000),
        ("en", "-5", -5),
        ("en", "seven", 7),
        ("en", "2 or 3", None),
        ("en", "2.5", None),
        ("en", "none", None),
        ("en", "9" * 30, None),
        ("fr", "1 000", 1000),
        ("fr", "deux", 2),
        ("fr", "il y en a 4", 4),
        ("de", "1.000", 1000),
    ],
)
def test_a_whole_number(language: str, words: str, value: int | None) -> None:
    assert parse("integer", language, words) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("ann@example.com", "ann@example.com"),
        ("it is Ann.B+shop@mail.example.co.uk, thanks", "Ann.B+shop@mail.example.co.uk"),
        ("<ann@example.com>", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("a@b.c d@e.f", None),
        ("ann..b@example.com", None),
        ("ann at example dot com", None),
        (f"{'a' * 300}@example.com", None),
    ],
)
def test_an_email(words: str, value: str | None) -> None:
    assert parse("email", "en", words) == value


@pytest.mark.parametrize(
    ("language", "words", "day"),
    [
        ("en", "2026-03-05", "2026-03-05"),
        ("en", "tomorrow", "2026-03-03"),
        ("en", "yesterday", "2026-03-01"),
        ("en", "in 3 days", "2026-03-05"),
        ("en", "next friday", "2026-03-06"),
        ("en", "friday please", "2026-03-06"),
        ("en", "March 3rd", "2026-03-03"),
        ("en", "5 May 2025", "2025-05-05"),
        ("en", "03/04/2026", "2026-03-04"),
        ("en-GB", "03/04/2026", "2026-04-03"),
        ("en", "10", None),
        ("en", "may", None),
        ("en", "2026-02-30", None),
        ("en", "how long does a refund take?", None),
        ("fr", "demain", "2026-03-03"),
        ("fr", "après-demain", "2026-03-04"),
        ("fr", "hier", "2026-03-01"),
        ("fr", "dans 3 jours", "2026-03-05"),
        ("fr", "vendredi prochain", "2026-03-06"),
        ("fr", "le 3 mars", "2026-03-03"),
        ("fr", "1er avril", "2026-04-01"),
        ("fr", "03/04/2026", "2026-04-03"),
        ("fr", "mai", None),
    ],
)
def test_a_date_seen_from_the_moment_of_the_turn(language: str, words: str, day: str | None) -> None:
    assert parse("date", language, words) == day
