"""A document becomes passages that can be quoted by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SettingsError
from bot.knowledge.split import MOST, Section, Split, split

SENTENCE = "Every word of this sentence counts, and there are twelve of them. "


def test_headings_part_a_document() -> None:
    markdown = """\
---
title: "Our returns"
language: en-GB
address: https://shop.example/returns
---

# Returns

First words.

<!-- for the team only -->
## How **long**

### By card

Three days.
```
# no heading
```

## What it costs ##

Nothing.
"""
    assert split(markdown) == Split(
        title="Our returns",
        language="en-GB",
        address="https://shop.example/returns",
        sections=(
            Section("Returns", "First words."),
            Section("Returns › How long › By card", "Three days.\n```\n# no heading\n```"),
            Section("Returns › What it costs", "Nothing."),
        ),
    )


def test_the_title_is_the_first_heading_and_is_not_repeated() -> None:
    parts = split("Before.\n\n# Returns\n\n## Cards\n\nThree days.")
    assert (parts.title, parts.sections) == ("Returns", (Section("", "Before."), Section("Cards", "Three days.")))


def test_short_paragraphs_stand_together_and_long_ones_are_taken_apart() -> None:
    markdown = "\n\n".join(["One two three."] * 3 + [SENTENCE * 5] + ["Tail."] + [SENTENCE * 20])
    sizes = [len(section.text.split()) for section in split(markdown).sections]
    assert sizes == [69, 1, 180, 60]


def test_a_long_list_is_taken_apart_between_its_lines() -> None:
    markdown = "\n".join(f"- {SENTENCE.strip()}" for _ in range(20))
    passages = [section.text for section in split(markdown).sections]
    assert "\n".join(passages) == markdown
    assert all(len(passage.split()) <= MOST and passage.startswith("- ") for passage in passages)


@pytest.mark.parametrize("front", ["title", "- a", "address: javascript:alert(1)", " deep: 1"])
def test_front_matter_that_cannot_be_read_is_refused(front: str) -> None:
    with pytest.raises(SettingsError, match="front matter"):
        split(f"---\n{front}\n---\ntext")


@given(st.lists(st.sampled_from(["# A", "## B", "", "- item", "```", "Words here.", "---", "a: b", SENTENCE * 20])))
def test_no_word_gets_lost(lines: list[str]) -> None:
    markdown = "\n".join(["Start.", *lines])
    kept = " ".join(f"{section.text}" for section in split(markdown).sections).split()
    fenced = False
    words = []
    for line in markdown.split("\n"):
        fenced ^= line == "```"
        words += [] if line.startswith("#") and not fenced else line.split()
    assert kept == words


def test_the_line_ends_of_a_file_mean_nothing_within_a_paragraph_or_an_item() -> None:
    (section,) = split("# Refunds\n\nThe bank needs\nthree days.\n\n- first\n  and more\n- second\n").sections
    assert section.text == "The bank needs three days.\n\n- first and more\n- second"
