"""What holds of every slot type, in every language that comes with the program."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import parse_slash, slash
from bot.flow.read import SHIPPED, rules_of
from bot.flow.slots import TYPES
from bot.flow.source import load
from bot.flow.texts import shown
from bot.model import Json, Set, Start
from tests.bot.flow.slots.hearing import SIZES, hearing
from tests.bot.flow.slots.test_phrases import ANSWERS, NO_ANSWERS

FLOW = Path(__file__).parents[4] / "bot" / "flow"

SENT = {
    "image": {"ref": "r", "name": "a.jpg", "type": "image/jpeg", "size": 9, "caption": 'this "one" \' ='},
    "location": {"latitude": -4.25, "longitude": 120.5, "label": "home"},
}

WORDS = sorted({words for phrases in ANSWERS.values() for _, words, _ in phrases})
WORDS += sorted({words for phrases in NO_ANSWERS.values() for _, words in phrases})
PIECES = sorted({piece for words in WORDS for piece in words.split()})
SOME_WORDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join),
    st.text(st.sampled_from("0123456789٣٥.,:/-+ €$hmdTPZ'{}[]\""), max_size=20),
    st.floats(allow_nan=False).map(str),
    st.integers().map(str),
)


def heard_again(kind: str, language: str, value: Json) -> Json:
    """As commands do it: the value as words, in a slash form and out of it."""
    command = parse_slash(slash(Set("slot", value)))
    start = parse_slash(slash(Start("flow", {"slot": value})))
    assert isinstance(command, Set)
    assert isinstance(start, Start)
    assert isinstance(command.value, str)
    assert "\n" in command.value or start.slots == {"slot": command.value}
    return TYPES[kind].parse(command.value, hearing(language, SIZES, strict=True))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("language", SHIPPED)
@settings(max_examples=30)
@given(words=SOME_WORDS)
def test_a_parser_never_fails_and_accepts_what_it_gave(kind: str, language: str, words: str) -> None:
    value = TYPES[kind].parse(words, hearing(language, SIZES))
    assert value is None or heard_again(kind, language, value) == value


@given(words=st.text(max_size=70) | st.sampled_from(WORDS) | st.text(st.sampled_from("0123456789./- :amp")))
def test_words_in_other_languages_break_nothing(words: str) -> None:
    value = TYPES["date"].parse(words, hearing("it"))
    assert value is None or heard_again("date", "it", value) == value


@pytest.mark.parametrize("kind", [kind for kind in TYPES if TYPES[kind].find])
@given(words=SOME_WORDS, language=st.sampled_from(SHIPPED))
def test_what_is_found_in_a_request_is_a_value(kind: str, words: str, language: str) -> None:
    find = TYPES[kind].find
    assert find is not None
    value = find(words, hearing(language))
    assert value is None or heard_again(kind, language, value) == value


@pytest.mark.parametrize("kind", SENT)
def test_what_was_sent_is_accepted_again(kind: str) -> None:
    assert heard_again(kind, "en", SENT[kind]) == SENT[kind]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "words",
    [
        *("1" * 8_000, "1,234 " * 1_300, "a " * 4_000, "und" * 2_600, "+1 " * 2_600, "[" * 8_000, "1" * 390),
        *("1.1." * 90, "null" * 95, "one " * 95, "( " * 190, "www.a" * 1_600, "1:1 " * 95, "euro " * 75, "de " * 130),
    ],
    ids=lambda words: f"{words[:6]}x{len(words)}",
)
def test_the_time_taken_is_bounded(kind: str, words: str) -> None:
    parse, heard = TYPES[kind].parse, hearing("de", SIZES)
    parse("5", heard)  # libraries are loaded when they are first needed
    before = time.process_time()
    parse(words, heard)
    assert time.process_time() - before < 2  # seconds of CPU: stuck


@pytest.mark.parametrize("language", SHIPPED)
def test_no_language_lacks_words_that_english_has(language: str) -> None:
    assert _keys(_file(language)) == _keys(_file("en"))
    rules = rules_of(language)
    assert (len(rules.ordinals), set(range(13)) - {*rules.numbers.values()}) == (10, set())
    assert {*rules.times.weekdays.values()} == {*range(7)}
    assert {*rules.times.months.values()} == {*range(1, 13)}
    assert {*rules.times.days.values()} == {*range(-2, 3)}
    assert {*rules.grades.values()} == {*range(1, 6)}
    assert {*rules.times.spans.values()} == {"second", "minute", "hour", "day", "week", "month", "year"}


@pytest.mark.parametrize("language", SHIPPED)
def test_every_type_says_what_it_wants_to_hear(language: str) -> None:
    texts = _text_keys(language)
    assert [kind.error for kind in TYPES.values() if kind.error not in texts] == []


@pytest.mark.parametrize("language", [*SHIPPED, "fr-CA", "xx"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_value_can_be_shown(kind: str, language: str) -> None:
    values = [value for name, _, value in ANSWERS["en"] if name == kind] or [SENT.get(kind, SENT["image"])]
    assert all(shown(value, language) for value in values if value not in ([], True, False))


def _file(language: str) -> Any:
    return load(FLOW / "rules" / f"{language}.yaml", language)[0].plain


def _text_keys(language: str) -> set[str]:
    return set(load(FLOW / "texts" / f"{language}.yaml", language)[0].pairs)


def _keys(plain: Any, path: str = "") -> set[str]:
    """Of mappings within mappings; which money and which pairs a language names is its own."""
    if not isinstance(plain, dict) or path in (".money.words", ".times.pairs"):
        return set()
    return {f"{path}.{key}" for key in plain} | {
        found for key, value in plain.items() for found in _keys(value, f"{path}.{key}")
    }
