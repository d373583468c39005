"""Documents and questions meet in the same terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge.terms import terms


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "return returns returned returning"),
        ("en", "delivery deliveries delivered shipping shipped"),
        ("en", "cancel cancels cancelled cancelling cancellation"),
        ("en", "pay paid payment payments"),
        ("en", "damaged broken broke defective"),
        ("en", "exchange exchanges exchanged swapping"),
        ("fr", "remboursement rembourser remboursé remboursés"),
        ("fr", "livraison livrer livré livrées expédition"),
        ("fr", "annuler annulation annulé"),
        ("fr-CA", "délai délais durée"),
        ("de", "Lieferung Lieferungen liefern Versand"),
        ("es", "reembolso reembolsos reembolsar"),
        ("ru", "ЁЛКА елка Ёлка"),
        ("", "Café CAFE cafe\u0301"),
    ],
)
def test_forms_of_a_word_are_one_term(language: str, words: str) -> None:
    assert len(set(terms(words, language))) == 1


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        pytest.param("en", "How do I return it, please?", ("return",), id="small words say nothing"),
        pytest.param("en", "Hello, thank you very much!", (), id="nor do greetings"),
        pytest.param("fr", "Bonjour, où est l'échange ?", ("echang",), id="elisions"),
        pytest.param("en", "order A-1043, 2 of 3", ("order", "1043"), id="numbers stay, single letters go"),
        pytest.param(
            "ja", "返金は三十日 OK", ("返金", "金は", "は三", "三十", "十日", "ok"), id="pairs without spaces"
        ),
        pytest.param("ko", "환불", ("환불",), id="composed again"),
        pytest.param("th", "คืน", ("คื", "ืน"), id="pairs with marks"),
        pytest.param("hi", "दिल्ली", ("दिल्ली",), id="signs belong to words"),
    ],
)
def test_a_text_has_terms(language: str, text: str, expected: tuple[str, ...]) -> None:
    assert terms(text, language) == expected


@given(st.text(), st.sampled_from(["en", "fr", "de", "es", "it", "pt", "nl", "xx", ""]))
def test_terms_are_words_of_letters_and_digits_within_a_length(text: str, language: str) -> None:
    for term in terms(text, language):
        assert 0 < len(term) <= 40
        assert not any(character.isspace() or character in "'-_.\"" for character in term)
