"""Without a model: the documents' own words, or none."""

import pytest

from bot.llm.extractive import ExtractiveModel, quote
from bot.model import Passage
from bot.ports import Ask, Cited, Words

REFUND = Passage(document="r.md", title="Refunds", heading="", text="We check it first. The money comes in 3 days.")
OTHER = Passage(document="o.md", title="Other", heading="", text="Nothing of interest.")
FILLER = "Nothing of this has to do with what was asked, and it goes on for a while so that there is a lot of it here. "


async def test_the_best_passage_is_quoted_and_cited() -> None:
    ask = Ask(instructions="", words="how long?", history=(), language="en", passages=(REFUND, OTHER))
    assert [item async for item in ExtractiveModel().answer(ask)] == [
        Words("We check it first. "),
        Words("The money comes in 3 days."),
        Cited(REFUND),
    ]


async def test_nothing_is_said_without_evidence() -> None:
    ask = Ask(instructions="", words="how long?", history=(), language="en")
    assert [item async for item in ExtractiveModel().answer(ask)] == []


@pytest.mark.parametrize(
    ("passage", "quoted"),
    [
        pytest.param("Short.\n\nAnd whole.", "Short.\n\nAnd whole.", id="short passages whole"),
        pytest.param(
            f"{FILLER * 4}\n\nA refund takes 3 days.\n\n{FILLER * 3}",
            "A refund takes 3 days.\n\n" + FILLER * 3,
            id="the best paragraph and what follows",
        ),
        pytest.param(
            f"{FILLER * 4}\n\nA refund needs:\n\n- the label\n- the parcel\n\n{FILLER * 4}",
            "A refund needs:\n\n- the label\n- the parcel",
            id="a list with what announces it",
        ),
        pytest.param(
            f"{FILLER * 4}A refund takes 3 days. {FILLER * 4}",
            f"A refund takes 3 days. {FILLER * 2}".rstrip(),
            id="sentences of a long paragraph",
        ),
        pytest.param(
            "\n".join(f"- {FILLER}" for _ in range(4)) + "\n- A refund takes 3 days.",
            "- A refund takes 3 days.",
            id="lines of a long list",
        ),
    ],
)
def test_a_quote_is_a_paragraph_or_a_few_sentences(passage: str, quoted: str) -> None:
    assert quote(passage, "how long does a refund take?", "en").split() == quoted.split()
