"""Words made comparable, and phrases and examples found by them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flow.examples import FLOOR, Match, prepare
from bot.flow.read import rules_of
from bot.flow.rules import Rule, hear, spoken
from bot.flow.words import Phrase, contains, tokens


def spelled_out(text: str) -> Phrase:
    """Character by character, as a definition would say it."""
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    bare = (c for c in decomposed if not unicodedata.combining(c))
    return tuple("".join(c if c.isalnum() else " " for c in bare).split())


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_words_are_runs_of_letters_and_digits_without_case_and_accents(text: str) -> None:
    assert tokens(text) == spelled_out(text)
    assert tokens(" ".join(tokens(text))) == tokens(text)


@pytest.mark.parametrize(
    ("languages", "words", "rule"),
    [
        (("en",), "Stop it, please!", "cancel"),
        (("en",), "please could I talk to a human about it", "human"),
        (("en",), "I do not want to talk to a human", None),
        (("fr",), "talk to a human", None),
        (("fr", "en"), "talk to a human", "human"),
        (("en", "fr"), "je veux parler à un humain", "human"),
        (("en",), "", None),
        (("en",), "and then I said to her that she had better talk to a human soon", None),
    ],
)
def test_a_rule_is_heard_in_the_first_language_that_knows_the_words(
    languages: tuple[str, ...], words: str, rule: Rule | None
) -> None:
    assert hear(tokens(words), [rules_of(tag) for tag in languages]) == rule


PHRASES = sorted((phrase, rule) for known in rules_of("en").within.values() for phrase, rule in known)


@given(st.sampled_from(PHRASES), st.lists(st.sampled_from(["the", "to", "talk", "a", "x"]), max_size=4))
def test_a_phrase_is_found_wherever_it_stands(known: tuple[Phrase, Rule], before: list[str]) -> None:
    phrase, rule = known
    said = (*before, *phrase, "x")
    assert contains(said, phrase)
    assert hear(said, [rules_of("en")]) == rule


EXAMPLES = prepare(
    [
        ("en", "track", "where is my order"),
        ("en", "track", "track my parcels"),
        ("en", "give_back", "return my order"),
        ("fr", "track", "où est mon colis"),
    ],
    {"en": rules_of("en"), "fr": rules_of("fr")},
)


@pytest.mark.parametrize(
    ("words", "languages", "flows"),
    [
        ("Where is my order?", ("en",), ["track"]),
        ("track the parcel", ("en",), ["track"]),
        ("track my parcle", ("en",), ["track"]),
        ("ou est mon colis", ("en",), []),
        ("ou est mon colis", ("en", "fr"), ["track"]),
        ("the weather", ("en", "fr"), []),
        ("", ("en",), []),
        (" ".join(["track my parcels"] * 20), ("en",), []),
    ],
)
def test_a_flow_is_found_by_an_example(words: str, languages: tuple[str, ...], flows: list[str]) -> None:
    assert [match.flow for match in EXAMPLES.match(tokens(words), languages)] == flows


def test_an_example_word_by_word_is_certain_and_its_words_in_disorder_nearly() -> None:
    assert EXAMPLES.match(tokens("return my order"), ("en",)) == (Match("give_back", 1.0),)
    (near,) = EXAMPLES.match(tokens("my order: return"), ("en",))
    assert FLOOR < near.score < 1.0


SIX = {tag: rules_of(tag) for tag in ("en", "fr", "es", "de", "pt", "ar")}


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("I would like to return my shoes", "en"),
        ("Bonjour, je voudrais renvoyer mes chaussures", "fr"),
        ("Hola, quiero devolver mis zapatos", "es"),
        ("Ich möchte meine Schuhe zurückgeben", "de"),
        ("Olá, eu queria devolver os meus sapatos", "pt"),
        ("مرحبا أريد إرجاع حذائي", "ar"),
        ("Bonjour", "fr"),
        ("ok", ""),
        ("A-17", ""),
        ("my Schuhe bitte", ""),
        ("", ""),
    ],
)
def test_clear_words_tell_their_language(words: str, language: str) -> None:
    assert spoken(tokens(words), SIX) == language
