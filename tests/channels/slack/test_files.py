"""SL13: files of ours, uploaded in Slack's three steps and shared where they belong."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from bot import markup
from bot.errors import TryLater, Unreachable, Unshowable
from bot.fit import fit
from bot.model import Choices, Media, Message, Option, Text, text
from channels.sandbox.faults import Do, Rule
from tests.channels.slack.desk import Desk, desk

PICTURE = b"\x89PNG\r\n\x1a\n" + b"p" * 300_000
LABEL = b"%PDF-1.7 a label"


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


def ours(
    at: Desk, content: bytes, kind: str = "image", name: str = "shoe.png", caption: str = "", alt: str = ""
) -> Media:
    digest = hashlib.sha256(content).hexdigest()
    at.harness.files.kept[digest] = content
    return Media(kind, f"kept:{digest}", name, size=len(content), caption=caption, alt=alt)  # type: ignore[arg-type]


async def test_files_of_ours_are_one_post_in_the_thread_with_caption_and_alt(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk what do I get?")
    (arrival,) = await at.heard()
    parts = (
        Text(markup.parse("Is it **this** one?")),
        ours(at, PICTURE, alt="a red shoe", caption="The left one."),
        ours(at, LABEL, "file", "label.pdf"),
    )
    receipt = await at.channel.send(arrival.to, Message(parts), key="k")
    thread = f"{at.general}:{root['message']}"
    (shown,) = at.messages(thread)
    assert receipt.refs == (shown["id"],)
    assert at.words(thread) == ["Is it this one?\nThe left one."]
    assert [(file["name"], file["alt"], file["size"]) for file in shown["files"]] == [
        ("shoe.png", "a red shoe", len(PICTURE)),
        ("label.pdf", "", len(LABEL)),
    ]
    assert [upload.data for upload in at.harness.box.files.values()] == [PICTURE, LABEL]


async def test_buttons_follow_the_file_they_are_about(at: Desk) -> None:
    options = (Option("Yes", "/yes", "0" * 22),)
    message = Message((*text("This one?").parts, ours(at, PICTURE), Choices(options, "Is it?")))
    (piece,) = fit(message, at.channel.capabilities(at.address())).pieces
    receipt = await at.channel.send(at.address(), piece, key="k")
    assert at.words() == ["This one?", "Is it?"]
    assert receipt.refs == tuple(message["id"] for message in at.messages())


async def test_a_file_whose_outcome_is_unknown_is_shared_once(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="files.completeUploadExternal", do=Do(accept_then_cut=True))])
    message = Message((ours(at, PICTURE),))
    with pytest.raises(Unreachable):
        await at.channel.send(at.address(), message, key="k")
    at.harness.box.faults.script([])
    receipt = await at.channel.send(at.address(), message, key="k", again=True)
    assert receipt.refs == tuple(shown["id"] for shown in at.messages())
    assert len(at.messages()) == 1


async def test_a_file_that_was_never_shared_is_uploaded_again(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="files.completeUploadExternal", do=Do(cut=True))])
    message = Message((ours(at, PICTURE),))
    with pytest.raises(Unreachable):
        await at.channel.send(at.address(), message, key="k")
    at.harness.box.faults.script([])
    await at.channel.send(at.address(), message, key="k", again=True)
    assert len(at.messages()) == 1


async def test_what_follows_a_file_is_looked_for_with_it(at: Desk) -> None:
    message = Message((ours(at, PICTURE), Choices((Option("Yes", "/yes", "0" * 22),), "Is it?")))
    at.harness.box.faults.script([Rule(on="chat.postMessage", do=Do(status=429, after=3))])
    with pytest.raises(Unreachable, match="what goes before"):
        await at.channel.send(at.address(), message, key="k")
    at.harness.box.faults.script([])
    await at.channel.send(at.address(), message, key="k", again=True)
    assert [len(shown["files"]) for shown in at.messages()] == [1, 0]


async def test_an_upload_that_breaks_off_was_certainly_not_sent(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="upload", do=Do(cut=True))])
    with pytest.raises(TryLater):
        await at.channel.send(at.address(), Message((ours(at, PICTURE),)), key="k")
    assert at.messages() == []


async def test_an_upload_goes_to_slacks_own_hosts_only(at: Desk) -> None:
    at.harness.box.address, served = "https://uploads.evil.example", at.harness.box.address
    with pytest.raises(Unshowable, match="not Slack's"):
        await at.channel.send(at.address(), Message((ours(at, PICTURE),)), key="k")
    at.harness.box.address = served


async def test_a_draft_gives_way_to_the_file_that_was_drafted(at: Desk) -> None:
    root = await at.act("say", chat=at.direct, text="show me")
    await at.heard()
    to = at.address(thread=root["message"])
    shown = await at.channel.show(to, "Here", key="d", shown=None)
    await at.channel.send(to, Message((*text("Here it is.").parts, ours(at, PICTURE))), key="k", shown=shown)
    assert at.words(f"{at.direct}:{root['message']}") == ["Here it is."]


async def test_a_file_that_is_gone_is_told_as_such(at: Desk) -> None:
    with pytest.raises(Unshowable, match="not there any more"):
        await at.channel.send(at.address(), Message((Media("image", f"kept:{'0' * 64}"),)), key="k")


async def test_ids_of_files_are_forgotten_when_nobody_looks_for_them(at: Desk) -> None:
    await at.channel.send(at.address(), Message((ours(at, PICTURE),)), key="k")
    await at.harness.clock.advance(26 * 3600)
    await at.channel._sharing.forget_old()
    assert await at.harness.vault.names("upload/") == ()
