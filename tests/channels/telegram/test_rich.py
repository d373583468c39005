"""TG1: what no entity can mark is said in blocks, and as text where the server does not know them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import markup
from bot.fit import fit
from bot.model import Choices, Message, Option, Span, Table, Text, text
from channels.sandbox.telegram import rich as platform
from channels.telegram.rich import blocks_of
from tests.channels.telegram.stand import Stand, standing

FEES = Table(("To", "Fee"), (("Berlin", "3 €"), ("@everybody", "12.50 €")), "By post")
ASK = Choices((Option("Send it", "/send", "t" * 22),), look="buttons")
OLDER: dict[str, Any] = {"status": 404, "error": "Not Found: method not found"}


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


def message(*more: Any) -> Message:
    return Message((Text((Span("What it costs:", ("bold",)),)), FEES, Text((Span("And no more."),)), *more))


async def test_tg1_a_table_is_shown_as_one_among_the_words_around_it(stand: Stand) -> None:
    to = await stand.place()
    (piece,) = fit(message(ASK), stand.channel.capabilities(to)).pieces
    await stand.send(to, piece)
    (shown,) = stand.ours()
    before, table, after = shown["blocks"]
    assert before["spans"] == [{"text": "What it costs:", "marks": ["bold"], "link": ""}]
    assert table["table"] == {
        "columns": ["To", "Fee"],
        "rows": [["Berlin", "3 €"], ["@everybody", "12.50 €"]],
        "title": "By post",
        "right": [1],
    }
    assert [span["text"] for span in after["spans"]] == ["And no more."]
    assert [button["label"] for row in shown["rows"] for button in row] == ["Send it"]
    cells = stand.calls("sendRichMessage")[-1]["rich_message"]["blocks"][1]["cells"]
    assert [cell["align"] for cell in cells[1]] == ["left", "right"]


async def test_tg1_an_older_server_is_told_the_same_in_text_and_not_asked_again(stand: Stand) -> None:
    to = await stand.place()
    stand.fault("sendRichMessage", **OLDER)
    for number in range(2):
        await stand.send(to, message(ASK), key=f"d.{number}")
    assert stand.calls("sendRichMessage") == []
    assert len(stand.calls("sendMessage")) == 2
    words = stand.texts()[0]
    assert words.startswith("What it costs:\n\nBy post\nTo ")
    assert words.endswith("12.50 €\n\nAnd no more.")
    assert stand.ours()[0]["rows"][0][0]["label"] == "Send it"


async def test_tg1_where_blocks_are_refused_text_is_not(stand: Stand) -> None:
    to = await stand.place()
    stand.fault("sendRichMessage", status=400, error="not enough rights to send rich messages to the chat")
    with pytest.raises(Exception, match="not enough rights"):  # that is of the chat, whatever is sent
        await stand.send(to, message())
    stand.fault("sendRichMessage", status=400, error="RICH_MESSAGE_INVALID")
    await stand.send(to, message())
    await stand.send(to, message(), key="d.1")
    assert ["rich_message" in call for call in stand.calls("send*Message")] == []
    assert [bool(shown.get("blocks")) for shown in stand.ours()] == [False, True]


async def test_a_table_is_written_over_a_draft_and_over_a_message() -> None:
    async with standing(stream="edit") as stand:
        to = await stand.place()
        shown = await stand.channel.show(to, "What it", key="k", shown=None)
        receipt = await stand.send(to, message(), shown=shown)
        assert receipt.refs == (shown.ref,)
        assert stand.ours()[0]["blocks"][1]["table"]["columns"] == ["To", "Fee"]
        await stand.channel.edit(to, shown.ref, text("Nothing."), key="e")
        assert stand.texts() == ["Nothing."]
        stand.fault("editMessageText", status=400, error="message text is empty")  # an older server
        await stand.channel.edit(to, shown.ref, message(), key="f")
        assert stand.texts()[0].endswith("12.50 €\n\nAnd no more.")


async def test_f5_in_groups_nobody_is_called_by_a_cell(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    to = await stand.place(group, text="/help")
    await stand.send(to, message())
    cells = stand.calls("sendRichMessage")[-1]["rich_message"]["blocks"][1]["cells"]
    assert [row[0]["text"] for row in cells] == ["To", "Berlin", "@\u2060everybody"]


async def test_a_draft_longer_than_a_message_is_shown_in_blocks_or_as_far_as_it_goes(stand: Stand) -> None:
    to, long = await stand.place(), "A **word** more. " * 400
    shown = await stand.channel.show(to, long, key="k", shown=None)
    assert stand.texts()[0].startswith("A word more. A word")
    assert len(stand.texts()[0]) > 4096
    stand.fault("sendRichMessageDraft", **OLDER)
    await stand.channel.show(to, long + "End.", key="k", shown=shown)
    assert 4000 < len(stand.texts()[0]) <= 4096


BLOCKS = (
    *("# Fees", "Some **bold *and* more**", "> quoted\n> twice", "```\ncode  here\n```", "- one\n- two", "1. first"),
    *("see [here](https://a.example/) `x`", "| a | b |\n|---|--:|\n| 1 | 2 |", "~~gone~~ 😀", "   ", "a\nb"),
)
MARKDOWN = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6).map("\n\n".join)


@given(MARKDOWN)
def test_tg1_blocks_are_what_the_platform_takes_and_say_the_same(markdown: str) -> None:
    spans = markup.parse(markdown)
    blocks = blocks_of(spans)
    if not blocks:
        assert not markdown.strip()
        return
    told = platform.checked({"blocks": blocks})
    words = "".join(span.text for span in spans).split()
    assert platform.text(told).split() == words
    drawn = [span for block in platform.shown(told) for span in block["spans"]]
    assert {span["link"] for span in drawn} - {""} == {span.link for span in spans} - {""}
    for mark in ("bold", "italic", "strike", "code", "fence", "quote", "heading"):
        marked = "".join(s["text"] for s in drawn if mark in s["marks"]).split()
        assert "".join(marked) == "".join("".join(s.text for s in spans if mark in s.marks).split())
