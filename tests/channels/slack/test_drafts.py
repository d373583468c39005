"""Answers while they are written, through the real client: streams, edits, and what is left of them in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import markup
from bot.model import Address, Message, Text
from bot.ports import Shown
from channels.sandbox.faults import Do, Rule
from channels.slack.drafts import LONGEST_STREAM, steady
from tests.channels.slack.desk import Desk, desk

FINAL = Message((Text(markup.parse("It is **on its way**.")),))


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


async def called(at: Desk) -> tuple[Address, str]:
    """A thread in which somebody has asked; as an address, and as the page calls it."""
    root = await at.act("say", chat=at.general, text="@Frontdesk tell me")
    await at.heard()
    return at.address(at.general, root["message"]), f"{at.general}:{root['message']}"


async def shown(at: Desk, to: Address, *texts: str) -> Shown:
    draft = None
    for words in texts:
        draft = await at.channel.show(to, words, key="d", shown=draft)
    assert draft is not None
    return draft


def kind(draft: Shown) -> str:
    return draft.ref.partition(":")[0]


async def test_a_stream_in_a_channel_is_for_whoever_spoke(at: Desk) -> None:
    to, thread = await called(at)
    draft = await shown(at, to, "It", "It is **on")
    assert (kind(draft), at.words(thread)) == ("stream", ["It is"])
    await at.channel.send(to, FINAL, key="d.0", shown=draft)
    assert at.words(thread) == ["It is on its way."]
    assert at.calls("chat.startStream")[0]["recipient_user_id"] == at.harness.person


async def test_a_draft_that_is_written_anew_goes_on_as_edits(at: Desk) -> None:
    to, thread = await called(at)
    draft = await shown(at, to, "It", "No: it is")
    assert (kind(draft), at.words(thread)) == ("edit", ["No: it is"])
    await at.channel.send(to, FINAL, key="d.0", shown=draft)
    assert at.words(thread) == ["It is on its way."]


async def test_a_stream_that_slack_ended_goes_on_in_a_new_message(at: Desk) -> None:
    to, thread = await called(at)
    draft = await shown(at, to, "It", "It is")
    await at.harness.clock.advance(300)
    draft = await at.channel.show(to, "It is on", key="d", shown=draft)
    draft = await at.channel.show(to, "It is on its", key="d", shown=draft)
    assert (kind(draft), at.words(thread)) == ("stream", ["It is", "on its"])
    receipt = await at.channel.send(to, FINAL, key="d.0", shown=draft)
    assert at.words(thread) == ["It is on its way."]
    assert receipt.refs == (at.messages(thread)[0]["id"],)


async def test_a_stream_goes_on_where_one_message_is_full(at: Desk) -> None:
    to, thread = await called(at)
    long = "word " * (LONGEST_STREAM // 5)
    draft = await shown(at, to, long, long + "and more")
    assert [len(words) for words in at.words(thread)] == [len(long.rstrip()), len("and more")]
    await at.channel.drop(to, draft, say=None)
    assert at.words(thread) == []


async def test_code_that_goes_on_in_a_new_message_stays_code(at: Desk) -> None:
    to, thread = await called(at)
    draft = await shown(at, to, "Do:\n```\none\n")
    await at.harness.clock.advance(300)
    await at.channel.show(to, "Do:\n```\none\ntwo\n", key="d", shown=draft)
    (span,) = at.messages(thread)[1]["spans"]
    assert (span["text"], span["marks"]) == ("two", ["fence"])


async def test_a_draft_that_comes_to_nothing_leaves_its_notice_alone(at: Desk) -> None:
    to, thread = await called(at)
    draft = await shown(at, to, "It is")
    await at.harness.clock.advance(300)
    draft = await at.channel.show(to, "It is on", key="d", shown=draft)
    await at.channel.drop(to, draft, say="Mara takes over.")
    assert at.words(thread) == ["Mara takes over."]


async def test_where_streams_are_not_offered_drafts_are_edits(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="chat.startStream", do=Do(error="channel_type_not_supported"))])
    to, thread = await called(at)
    draft = await shown(at, to, "It", "It is **on")
    assert (kind(draft), at.words(thread)) == ("edit", ["It is on"])
    await at.channel.send(to, FINAL, key="d.0", shown=draft)
    assert at.words(thread) == ["It is on its way."]


async def test_no_half_of_a_mark_is_ever_seen(at: Desk) -> None:
    to, thread = await called(at)
    whole = "See **this** and `that`, or [the map](https://shop.example/map).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    draft, seen = None, [""]
    for end in range(1, len(whole) + 1):
        draft = await at.channel.show(to, whole[:end], key="d", shown=draft)
        assert kind(draft) == "stream"
        seen += at.words(thread)
    assert not any(set("*`[](") & set(words.split("\n")[0]) for words in seen)
    assert seen[-1] == markup.plain(markup.parse(whole)).replace(" (https://shop.example/map)", "")


@given(st.text(alphabet="ab *_`~[]()|\n.-"))
def test_what_is_held_back_is_never_what_stands_already(text: str) -> None:
    assert text.startswith(steady(text))


def test_what_is_open_for_long_is_shown_with_its_mark() -> None:
    assert steady("**" + "a" * 300) == "**" + "a" * 300
