"""Who is asked for a rating may say how satisfied they are: in words, digits and buttons, in each language."""

from __future__ import annotations

import pytest

from bot.flow.book import Book
from bot.flow.read import SHIPPED
from tests.bot.flow.script import HEADER, Talk, book

SAID: dict[str, dict[int, tuple[str, ...]]] = {
    "en": {
        1: ("very dissatisfied", "I am very unhappy", "not at all satisfied"),
        2: ("dissatisfied", "I was not satisfied", "rather dissatisfied", "Unhappy."),
        3: ("neither satisfied nor dissatisfied",),
        4: ("satisfied", "I'm happy with it"),
        5: ("very satisfied", "I am very happy, thanks", "completely satisfied"),
    },
    "de": {
        1: ("sehr unzufrieden", "überhaupt nicht zufrieden"),
        2: ("unzufrieden", "Ich bin nicht zufrieden", "eher unzufrieden"),
        3: ("weder zufrieden noch unzufrieden", "teils, teils"),
        4: ("zufrieden", "ich bin ganz zufrieden"),
        5: ("sehr zufrieden", "Ich war sehr zufrieden."),
    },
    "fr": {
        1: ("très insatisfait", "pas du tout satisfaite"),
        2: ("insatisfaite", "je ne suis pas satisfait", "plutôt insatisfait"),
        3: ("ni satisfait ni insatisfait",),
        4: ("satisfait", "plutôt satisfaite"),
        5: ("très satisfait", "je suis très satisfaite"),
    },
    "es": {
        1: ("muy insatisfecho", "nada satisfecha"),
        2: ("insatisfecha", "no estoy satisfecho", "poco satisfecho"),
        3: ("ni satisfecho ni insatisfecho",),
        4: ("satisfecho", "estoy satisfecha"),
        5: ("muy satisfecho", "Estoy muy satisfecha"),
    },
    "pt": {
        1: ("muito insatisfeito", "nada satisfeita"),
        2: ("insatisfeita", "não estou satisfeito", "pouco satisfeito"),
        3: ("nem satisfeito nem insatisfeito",),
        4: ("satisfeito", "estou satisfeita"),
        5: ("muito satisfeito", "Estou muito satisfeita"),
    },
    "ar": {
        1: ("غير راض إطلاقا", "مستاء جدا"),
        2: ("غير راض", "لست راضيا", "مستاء"),
        3: ("محايد",),
        4: ("راض", "أنا راضٍ"),
        5: ("راض جدا", "أنا راضية جدا"),
    },
}
EACH = [(tag, words, grade) for tag, of in SAID.items() for grade, all in of.items() for words in all]
FLOW = """
flow: five
about: x
title: "@rate"
slots: {score: {type: rating}}
steps:
  - {ask: score, say: "@rate_ask"}
---
flow: thumbs
about: x
title: "@rate"
slots: {score: {type: rating, scale: 2}}
steps:
  - {ask: score, say: "@rate_ask"}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Book:
    header = HEADER.replace("[en]", f"[{', '.join(SHIPPED)}]")
    return book(
        tmp_path_factory.mktemp("flows"), FLOW, header=header, texts=dict.fromkeys(SHIPPED, "not_an_order: '-'")
    )


def asked(made: Book, language: str, flow: str = "five") -> Talk:
    talking = Talk(made, language=language)
    talking.do(f"/start {flow}")
    assert talking.at == [(flow, "score")]
    return talking


def graded(talking: Talk) -> object:
    """None: it is still asked for."""
    ended = talking.state.ended
    return ended.slots.get("score") if ended else None


@pytest.mark.parametrize(("language", "words", "grade"), EACH, ids=[f"{tag}-{words}" for tag, words, _ in EACH])
def test_words_of_satisfaction_are_a_grade(made: Book, language: str, words: str, grade: int) -> None:
    talking = asked(made, language)
    talking.hear(words)
    assert graded(talking) == grade


@pytest.mark.parametrize("language", SHIPPED)
def test_so_are_digits_and_buttons(made: Book, language: str) -> None:
    talking = asked(made, language)
    talking.hear("4")
    assert graded(talking) == 4
    talking = asked(made, language)
    talking.press("2")
    assert graded(talking) == 2


@pytest.mark.parametrize(
    ("language", "words", "grade"),
    [(tag, of[grade][0], 1 + (grade > 3)) for tag, of in SAID.items() for grade in (2, 5)],
)
def test_of_two_thumbs_they_mean_the_nearer(made: Book, language: str, words: str, grade: int) -> None:
    talking = asked(made, language, "thumbs")
    talking.hear(words)
    assert graded(talking) == grade
