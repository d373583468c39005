"""What comes in has one normal form."""

import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clean import clean, clean_json

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\r\n\t\0\x1b\ud83d\ude00e\u0301"))
"""Surrogates too, which is what a decoder of JSON lets through."""


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("a\r\nb\rc\nd\te", "a\nb\nc\nd\te", id="line ends are one, tabs stay"),
        pytest.param("a\0b\x1b[31mc\x7f\x9bd", "ab[31mcd", id="controls go"),
        pytest.param("\ud83d cut", "\ufffd cut", id="half a pair"),
        pytest.param("e\u0301 \u1100\u1161", "é 가", id="composed"),
        pytest.param("\u202eabc\u2066\u200d👨‍👩‍👧 \u00a0", "\u202eabc\u2066\u200d👨‍👩‍👧 \u00a0", id="all else stays"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(ANY_TEXT)
def test_a_clean_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert {c for c in cleaned if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}


def test_nested_values_are_cleaned_with_their_keys() -> None:
    assert clean_json({"a\0": ["e\u0301", 1, 2.5, None, True, {"b": ("\ud800",)}]}) == {
        "a": ["é", 1, 2.5, None, True, {"b": ["\ufffd"]}]
    }


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([[[[]]]], id="deep"),
        pytest.param([0] * 10, id="many"),
        pytest.param({"a" * 30: "b" * 30}, id="long"),
        pytest.param([float("nan")], id="NaN"),
        pytest.param([float("inf")], id="infinity"),
        pytest.param([2**63], id="beyond 64 bits"),
        pytest.param({1: 2}, id="a key that is no text"),
        pytest.param([b"bytes"], id="another type"),
    ],
)
def test_what_cannot_be_kept_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"too|beyond|no JSON|a key"):
        clean_json(value, depth=3, entries=9, characters=50)


def test_no_depth_exhausts_the_stack() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="too deep"):
        clean_json(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT, lambda inner: st.lists(inner)))
def test_what_passes_can_be_encoded(value: object) -> None:
    try:
        cleaned = clean_json(value)
    except ValueError:
        return
    assert clean_json(cleaned) == cleaned
    assert msgspec.json.decode(msgspec.json.encode(cleaned)) == cleaned
