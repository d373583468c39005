"""Other words for a text: what they must keep, and what they may not add."""

from __future__ import annotations

import pytest

from bot.faithful import is_guided, is_restyled, source
from bot.markup import parse

TEXT = parse("Your order A-17 leaves Ghent on 3 May. See [the page](https://x.example/a).")


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("Good news: from Ghent, A-17 leaves on 3 May! More on [this page](https://x.example/a).", True),
        ("Your order leaves Ghent on 3 May. See [the page](https://x.example/a).", False),
        ("Your order A-17 leaves Ghent on 4 May. See [the page](https://x.example/a).", False),
        ("Your order A-17 leaves on 3 May. See [the page](https://x.example/a).", False),
        ("Your order A-17 leaves Ghent on 3 May. See the page.", False),
        ("Your order A-17 leaves Ghent on 3 May, for 20 EUR. See [the page](https://x.example/a).", False),
        ("A-17 leaves Ghent on 3 May, see [here](https://x.example/a) or [there](https://y.example).", False),
        ("", False),
        (f"A-17 leaves Ghent on 3 May. See [the page](https://x.example/a). {'Really. ' * 80}", False),
    ],
    ids=[
        "other words",
        "number lost",
        "another number",
        "name lost",
        "link lost",
        "new number",
        "new link",
        *("", "long"),
    ],
)
def test_other_words_keep_numbers_names_and_links_and_add_none(words: str, right: bool) -> None:
    assert is_restyled(TEXT, parse(words)) is right


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("It leaves on 3 May.", True),
        ("Yes, all 2 boots are in it.", True),
        ("It costs 20 EUR.", False),
        ("See [there](https://y.example).", False),
        ("", False),
    ],
    ids=["a part", "a number of the customer's", "new number", "new link", "nothing"],
)
def test_an_answer_from_a_text_adds_no_number_and_no_link(words: str, right: bool) -> None:
    assert is_guided(TEXT, parse(words), "are my 2 boots in it?") is right


def test_the_model_reads_the_links() -> None:
    assert source(TEXT) == "Your order A-17 leaves Ghent on 3 May. See [the page](https://x.example/a)."
