"""SL15: what people wrote as spans, what we write as rich text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import markup
from bot.model import Address, Mark, Message, Span, Text
from channels.sandbox.slack import looks
from channels.sandbox.slack.blocks import check_blocks
from channels.slack import mrkdwn
from channels.slack.render import render

HERE = Address("slack", "acme", "T1/D1")
MENTIONS = (
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<@U123>",
    "<#C1|x>",
    "<!subteam^S1>",
    "@channel",
    "@here",
    "&lt;!here&gt;",
)
MARKS: tuple[Mark, ...] = ("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")

texts = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from((*MENTIONS, "*", "_", "~", "`", "```", ">", "\n"))), max_size=6
).map("".join)
spans = st.builds(
    Span,
    texts,
    st.lists(st.sampled_from(MARKS), max_size=3, unique=True).map(tuple),
    st.sampled_from(("", "https://a.example/?a=1&b=<2>")),
)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("plain", (Span("plain"),)),
        ("*bold* and _it_", (Span("bold", ("bold",)), Span(" and "), Span("it", ("italic",)))),
        ("~no~ *_both_*", (Span("no", ("strike",)), Span(" "), Span("both", ("bold", "italic")))),
        ("2 * 3 * 4 and snake_case_name", (Span("2 * 3 * 4 and snake_case_name"),)),
        ("`a &lt; b`", (Span("a < b", ("code",)),)),
        ("```\nx = 1\n```", (Span("x = 1", ("fence",)),)),
        ("&gt; so he said\nyes", (Span("so he said", ("quote",)), Span("\nyes"))),
        ("<https://a.example|here>", (Span("here", (), "https://a.example"),)),
        ("<https://a.example/?a=1&amp;b=2>", (Span("https://a.example/?a=1&b=2", (), "https://a.example/?a=1&b=2"),)),
        ("<mailto:a@b.example|a@b.example>", (Span("a@b.example", (), "mailto:a@b.example"),)),
        ("<@U1> <@U2|Ben> <#C1|general> <!here>", (Span("@U1 @Ben #general @here"),)),
        ("<javascript:alert(1)|press>", (Span("press"),)),
        ("&amp;lt;", (Span("&lt;"),)),
    ],
)  # fmt: skip
def test_what_people_wrote_is_read(text: str, spans: tuple[Span, ...]) -> None:
    assert mrkdwn.parse(text) == spans


@given(st.text(max_size=200))
def test_reading_never_fails(text: str) -> None:
    mrkdwn.parse(text)


@given(texts)
def test_escaped_characters_are_read_as_they_were(text: str) -> None:
    escaped = mrkdwn.escape(text)
    assert mrkdwn.unescape(escaped) == text
    assert looks.pinged(escaped, []) == []


@given(st.lists(spans, max_size=5))
def test_what_we_write_shows_every_character_and_notifies_nobody(spans: list[Span]) -> None:
    message = Message((Text(markup.merge(spans)),))
    call = render(HERE, message, key="k.0")
    blocks: list[dict[str, Any]] = check_blocks(call.payload.get("blocks", []))
    shown = "".join(span["text"] for span in looks.said(call.payload["text"], blocks, False, str))
    if blocks:
        assert shown.replace("\n", "") == "".join(span.text for span in spans).replace("\n", "")
    assert looks.pinged(call.payload["text"], blocks) == []


@given(texts)
def test_a_draft_notifies_nobody_and_grows_by_its_end(text: str) -> None:
    assert not any(f"<{mark}" in mrkdwn.inert(text) for mark in "@!#")
    assert mrkdwn.inert(text + "more").startswith(mrkdwn.inert(text))
