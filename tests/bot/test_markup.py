"""Markdown to spans and back to characters; the table of cases is shared with the front ends' parser of drafts."""

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.markup import ORDER, escape, healed, inert, merge, parse, plain
from bot.model import Span

TABLE = json.loads((Path(__file__).parents[2] / "web/shared/markdown.cases.json").read_text())

MARKDOWN = st.text(st.sampled_from("ab1 \n\t*_~`#>-+.)|[]()<!:/\\é•\u00a0") | st.characters(), max_size=60)
"""Characters of which markup is made, so that some of it is."""


def _spans(markdown: str) -> object:
    return json.loads(msgspec.json.encode(parse(markdown)))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["name"])
def test_the_table_shared_with_the_front_ends(case: dict[str, object]) -> None:
    assert _spans(str(case["markdown"])) == case["spans"]


@pytest.mark.parametrize(
    ("markdown", "spans"),
    [
        pytest.param(
            "| Size | Price |\n|:--|--:|\n| **S** | 9 |\n| 大 | 10 |",
            (Span("Size | Price\n-----+------\nS    |     9\n大   |    10", ("fence",)),),
            id="a table is aligned text",
        ),
        pytest.param(
            "- one\n\n  more\n- two",
            (Span("• one\nmore", ("item",)), Span("\n"), Span("• two", ("item",))),
            id="paragraphs of one item stay together",
        ),
        pytest.param(
            "- one\n  1. two\n\n  more",
            (Span("• one", ("item",)), Span("\n"), Span("1. two\nmore", ("item",))),
            id="an item goes on after an inner one",
        ),
        pytest.param(
            "> - a\n> - b\n>\n> c\n\nd",
            (
                Span("• a", ("quote", "item")),
                Span("\n", ("quote",)),
                Span("• b", ("quote", "item")),
                Span("\n\nc", ("quote",)),
                Span("\n\nd"),
            ),
            id="a list within a quote",
        ),
        pytest.param(
            "- ```\n  x\n  ```",
            (Span("• ", ("item",)), Span("x", ("fence", "item"))),
            id="a fence within an item",
        ),
        pytest.param(
            "[a **b**](https://shop.example 'T')",
            (Span("a ", (), "https://shop.example"), Span("b", ("bold",), "https://shop.example")),
            id="a link with marks within",
        ),
        pytest.param("[a]()", (Span("[a]()"),), id="a link to nowhere is characters"),
        pytest.param("<me@shop.example>", (Span("<me@shop.example>"),), id="an address in angles is characters"),
        pytest.param(
            "<tel:+331>, https://ü.example/a)",
            (
                Span("tel:+331", (), "tel:+331"),
                Span(", "),
                Span("https://ü.example/a", (), "https://ü.example/a"),
                Span(")"),
            ),
            id="addresses that stand alone",
        ),
        pytest.param(
            "[a]: https://x.example\n\n[a]",
            (Span("[a]: "), Span("https://x.example", (), "https://x.example"), Span("\n\n[a]")),
            id="a reference is characters",
        ),
        pytest.param(
            "#\n\n-\n\n1.",
            (Span("#\n\n"), Span("•", ("item",)), Span("\n"), Span("1.", ("item",))),
            id="markup without words",
        ),
        pytest.param("a\r\nb\rc\0", (Span("a\nb\nc\ufffd"),), id="line ends and NUL"),
    ],
)
def test_markdown_becomes_spans(markdown: str, spans: tuple[Span, ...]) -> None:
    assert parse(markdown) == spans


@pytest.mark.parametrize(
    "text",
    [">" * 200 + "deep", "- " * 500 + "deep", "[" * 3000, "*" * 3000 + "a", "![[" * 1000, "<" * 3000],
    ids=lambda text: text[:4],
)
def test_what_is_nested_without_end_stays_characters(text: str) -> None:
    assert "".join(span.text for span in parse(text)) == text


@given(MARKDOWN)
def test_spans_are_merged_and_safe(markdown: str) -> None:
    spans = parse(markdown)
    assert merge(spans) == spans
    for span in spans:
        assert span.text
        assert list(span.marks) == sorted(set(span.marks), key=ORDER.index)
        assert not span.link or re.match("https?://|mailto:|tel:", span.link, re.IGNORECASE)


@given(MARKDOWN | st.text())
@example("1. a")
@example("  - a\n\n\n\u00a0+ b  \n")
@example("https://a.example http://b.example <https://c.example>")
@example("a|b\n-|-\n1|2")
@example("# a\n> b\n```\nc")
@example("\\*a\\")
def test_escaped_text_is_one_plain_span_of_its_characters(text: str) -> None:
    lines = [
        line.strip() for line in text.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    kept = re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    assert parse(escape(text)) == ((Span(kept),) if kept else ())


@given(st.text(st.sampled_from("ab1 \n\t.,-)é\u00a0\u2028"), max_size=40))
def test_text_without_markup_is_the_same_with_and_without_the_parser(text: str) -> None:
    through_the_parser = parse(f"`x`\n\n{text}")
    assert through_the_parser == merge([Span("x", ("code",)), *([Span("\n\n"), *parse(text)] if parse(text) else [])])


def test_text_without_markup_does_not_load_the_parser() -> None:
    program = """if True:
        import sys
        from bot.markup import parse
        parse("Hello.\\n\\nWhere is order 1043 - and why?")
        assert "markdown_it" not in sys.modules
        """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plain_text_names_the_address_of_a_link_once() -> None:
    spans = (
        Span("See "),
        Span("our ", (), "https://a.example"),
        Span("page", ("bold",), "https://a.example"),
        Span(", "),
        Span("https://b.example", (), "https://b.example"),
        Span(" or "),
        Span("+331", (), "tel:+331"),
    )
    assert plain(spans) == "See our page (https://a.example), https://b.example or +331"


@pytest.mark.parametrize(
    "calling", ["@everyone", "Hi @here!", "<!channel>", "<!here>", "<@U123>", "<@&77>", "<#C1>", "(@name)", "＠name"]
)
def test_a_mention_calls_nobody(calling: str) -> None:
    shown = inert(calling)
    assert shown.replace("\u2060", "") == calling
    assert not any(f"{sign}{letter}" in shown for sign in "@＠" for letter in "ehnUc")
    assert not any(sign in shown for sign in ("<!", "<@", "<#"))
    assert inert(shown) == shown


@pytest.mark.parametrize("words", ["ada@shop.example", "a.b+c@shop.example", "3 < 4", "at @ noon", "<tag>"])
def test_what_is_no_mention_stays_as_it_is(words: str) -> None:
    assert inert(words) == words


GROWING = """# Your *order*

It is **on its way** to *you* and ~~me~~: see [the map](https://shop.example/a?b=c), `frontdesk check` or
__the *other* page__. 3 * 4 is 12, and a_b_c is a name.

- one **bold** item
- two

| Item | Price |
|------|-------|
| Lamp | 19 |
| Chair | 49 |

```python
x = a ** b  # `no` *mark*
```

The end."""


@pytest.mark.parametrize("end", range(len(GROWING) + 1))
def test_a_draft_shows_no_half_of_a_mark(end: int) -> None:
    spans = parse(healed(GROWING[:end]))
    words = "".join(span.text for span in spans if not {"fence", "code"} & set(span.marks))
    assert not [mark for mark in ("**", "~~", "`", "](", "[", "__", "|") if mark in words], words
    assert "*" not in words.replace("3 * 4", "").replace("3 *", "")


def test_a_draft_that_is_whole_is_what_is_said() -> None:
    assert parse(healed(GROWING)) == parse(GROWING)


@given(MARKDOWN)
def test_healing_is_total_and_done_once(draft: str) -> None:
    assert isinstance(parse(healed(draft)), tuple)
