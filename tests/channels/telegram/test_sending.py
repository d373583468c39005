"""What the channel shows on Telegram, and what it says when it cannot."""

import inspect
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal

import aiogram.exceptions
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from bot.errors import FileGone, Forbidden, NotSent, TooLarge, TryLater, Unreachable, Unshowable
from bot.model import (
    Address,
    Card,
    Choices,
    Halted,
    Location,
    Media,
    Message,
    Migrated,
    Option,
    Rating,
    Source,
    Sources,
    Span,
    Text,
    VCard,
    text,
)
from channels.sandbox.telegram.arguments import Upload
from channels.telegram import Settings, build, client
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import ADA, Stand, standing


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


def kept(stand: Stand, name: str = "a.png", content: bytes | None = None) -> str:
    """The id of a file the platform has."""
    upload = Upload(name, "application/octet-stream", picture() if content is None else content)
    return stand.sandbox.bots["42:TEST"].world.keep(upload, "photos").id


async def test_tg5_an_album_goes_out_with_one_caption(stand: Stand) -> None:
    to = await stand.place()
    photos = [Media("image", kept(stand), caption="three" if n == 0 else "") for n in range(3)]
    receipt = await stand.send(to, Message(tuple(photos)))
    assert len(receipt.refs) == 3
    assert [message["album"] for message in stand.ours()] == [stand.ours()[0]["album"]] * 3
    assert stand.texts() == ["three", "", ""]


KINDS: tuple[Literal["image", "audio", "voice", "video", "sticker", "file"], ...] = (
    *("image", "audio", "voice"),
    *("video", "sticker", "file"),
)


async def test_tg5_each_kind_of_file_is_shown_as_what_it_is(stand: Stand) -> None:
    to = await stand.place()
    for kind in KINDS:
        caption = "" if kind == "sticker" else kind
        await stand.send(to, Message((Media(kind, kept(stand), caption=caption),)), key=kind)
    assert [message["files"][0]["kind"] for message in stand.ours()] == list(KINDS)


async def test_a_picture_without_a_caption_says_what_is_on_it(stand: Stand) -> None:
    to = await stand.place()
    await stand.send(to, Message((Media("image", kept(stand), alt="a shoe"),)))
    assert stand.texts() == ["a shoe"]


async def test_places_contacts_cards_and_sources_are_shown_natively(stand: Stand) -> None:
    to = await stand.place()
    await stand.send(to, Message((Location(48.5, 2.5, "Shop, 1 Road"),)), key="1")
    await stand.send(to, Message((VCard("Ada", "+33 1"),)), key="2")
    card = Card("Lamp", "Bends.", "19 €", (Option("Buy", "/buy", "t" * 22),), "https://shop.example/lamp.png")
    await stand.send(to, Message((card,)), key="3")
    await stand.send(to, Message((Sources((Source("Fees", "None.", "https://shop.example/fees"),)),)), key="4")
    place, contact, lamp, sources = stand.ours()
    assert place["location"] == {"latitude": 48.5, "longitude": 2.5, "label": "Shop, 1 Road"}
    assert contact["contact"] == {"name": "Ada", "phone": "+33 1"}
    assert (lamp["files"][0]["href"], lamp["rows"][0][0]["label"]) == ("https://shop.example/lamp.png", "Buy")
    assert [span["text"] for span in lamp["spans"]] == ["Lamp", "\nBends.\n19 €"]
    assert [span["link"] for span in sources["spans"]] == ["", "https://shop.example/fees"]


async def test_a_rating_has_a_button_for_each_grade(stand: Stand) -> None:
    to = await stand.place()
    grades = tuple(Option(str(n), f"/rate {n}", f"{n:022}") for n in range(1, 6))
    await stand.send(to, Message((Rating("How was it?", 5, grades),)))
    assert [button["label"] for row in stand.ours()[0]["rows"] for button in row] == ["1", "2", "3", "4", "5"]


async def test_f5_in_groups_nobody_is_called_by_accident(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    to = await stand.place(group, text="/help")
    await stand.send(to, text("write to @everybody at a@shop.example"))
    entities = stand.sandbox.bots["42:TEST"].world.chats[int(group)].said[2].told.get("entities", [])
    assert [entity["type"] for entity in entities] == ["email"]


# Streaming


async def test_a_draft_in_a_private_chat_is_native_and_settles_by_a_real_message(stand: Stand) -> None:
    to = await stand.place()
    shown = await stand.channel.show(to, "It **is", key="k", shown=None)
    shown = await stand.channel.show(to, "It **is** so", key="k", shown=shown)
    assert [message["draft"] for message in stand.ours()] == [True]
    assert stand.texts() == ["It is so"]
    await stand.send(to, text("It is so."), shown=shown)
    assert [(message["draft"], "".join(s["text"] for s in message["spans"])) for message in stand.ours()] == [
        (False, "It is so.")
    ]
    assert len({call["draft_id"] for call in stand.calls("sendMessageDraft")}) == 1


async def test_a_draft_can_be_stopped_and_what_was_seen_of_it_stays(stand: Stand) -> None:
    to = await stand.place()
    shown = await stand.channel.show(to, "It **is", key="k", shown=None)
    assert stand.ours()[0]["can_stop"]
    await stand.act("stop")
    assert await stand.hears(Halted) == Halted()
    assert (stand.inbox.arrivals[-1].to, stand.inbox.arrivals[-1].by) == (to, str(ADA))
    assert stand.texts() == ["It is"]
    await stand.channel.drop(to, shown, say=shown.text)
    (said,) = stand.ours()
    assert (said["draft"], [(span["text"], span["marks"]) for span in said["spans"]]) == (
        False,
        [("It ", []), ("is", ["bold"])],
    )


async def test_what_was_seen_of_a_long_draft_stays_in_full(stand: Stand) -> None:
    to, long = await stand.place(), "A word more. " * 700
    shown = await stand.channel.show(to, long, key="k", shown=None)
    await stand.channel.drop(to, shown, say=long)
    assert " ".join(stand.texts()).split() == long.split()


async def test_a_draft_that_is_refused_is_not_tried_again_and_never_becomes_edits(stand: Stand) -> None:
    to = await stand.place()
    stand.fault("sendMessageDraft", status=400, error="drafts are off")
    for _ in range(3):
        with pytest.raises(Unshowable):
            await stand.channel.show(to, "It is", key="k", shown=None)
    calls = [e.name for e in stand.sandbox.journal.entries if e.kind in ("call", "refused") and "Draft" in e.name]
    assert calls == ["sendMessageDraft"]
    await stand.channel.show(to, "Another answer", key="other", shown=None)
    assert stand.texts() == ["Another answer"]


async def test_a_draft_by_edit_when_the_settings_say_so() -> None:
    async with standing(stream="edit") as stand:
        to = await stand.place()
        assert stand.channel.capabilities(to).stream == "edit"
        shown = await stand.channel.show(to, "It", key="k", shown=None)
        shown = await stand.channel.show(to, "It", key="k", shown=shown)
        ask = Message((Text((Span("It is so."),)), Choices((Option("Yes", "/y", "t" * 22),), "", "buttons")))
        receipt = await stand.send(to, ask, shown=shown)
        assert receipt.refs == (shown.ref,)
        assert stand.texts() == ["It is so."]
        assert stand.ours()[0]["rows"][0][0]["label"] == "Yes"


async def test_a_draft_by_edit_gives_way_to_what_no_edit_can_show() -> None:
    async with standing(stream="edit") as stand:
        to = await stand.place()
        shown = await stand.channel.show(to, "It", key="k", shown=None)
        ask = Message((Text((Span("It is so."),)), Choices((Option("Yes", "/y", "t" * 22),))))
        await stand.send(to, ask, shown=shown)
        assert stand.texts() == ["It is so."]
        assert stand.chat()["keyboard"] == [[{"label": "Yes", "ask": ""}]]


# Errors, exactly


ERRORS: list[tuple[dict[str, object], NotSent]] = [
    ({"status": 403, "error": "bot was blocked by the user"}, Forbidden("", scope="address")),
    ({"status": 403, "error": "bot was kicked from the group chat"}, Forbidden("", scope="address")),
    ({"status": 400, "error": "chat not found"}, Forbidden("", scope="address")),
    ({"status": 403, "error": "user is deactivated"}, Forbidden("", scope="address")),
    ({"status": 400, "error": "TOPIC_CLOSED"}, Forbidden("", scope="address")),
    ({"status": 401}, Forbidden("", scope="account")),
    ({"status": 404}, Forbidden("", scope="account")),
    ({"status": 429, "after": 7}, TryLater("", after=timedelta(seconds=7))),
    ({"status": 413}, Unshowable("")),
    ({"status": 400, "error": "can't parse entities"}, Unshowable("")),
    ({"status": 500}, Unreachable("")),
    ({"spoil": "html"}, Unreachable("")),
    ({"cut": True}, Unreachable("")),
    ({"accept_then_cut": True}, Unreachable("")),
]


@pytest.mark.parametrize(("do", "expected"), ERRORS, ids=lambda value: str(value)[:40])
async def test_each_error_means_what_the_outbox_is_to_do(
    stand: Stand, do: dict[str, object], expected: NotSent
) -> None:
    to = await stand.place()
    stand.fault("sendMessage", **do)
    with pytest.raises(type(expected)) as raised:
        await stand.send(to, text("x"))
    told = [(type(e), getattr(e, "scope", None), getattr(e, "after", None)) for e in (raised.value, expected)]
    assert told[0] == told[1]


async def test_a_server_that_is_not_there_has_certainly_not_sent_it(stand: Stand) -> None:
    to = await stand.place()
    await stand.stop()
    nowhere = build("shop", Settings(token=SecretStr("42:TEST"), api="http://127.0.0.1:9"), **stand.given)
    with pytest.raises(TryLater) as raised:
        await nowhere.send(to, text("x"), key="d.0")
    assert raised.value.after is None
    await nowhere._client.close()


async def test_what_stands_there_already_is_a_success(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, text("same"))
    assert (await stand.channel.edit(to, receipt.refs[0], text("same"), key="e")).refs == receipt.refs


async def test_what_is_gone_already_can_be_taken_back(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, text("same"))
    for _ in range(2):
        await stand.channel.delete(to, receipt.refs[0])
    assert stand.ours() == []


def test_every_error_of_the_library_has_a_translation() -> None:
    """A new class of a newer aiogram fails here first."""
    raised = {
        name
        for name, each in inspect.getmembers(aiogram.exceptions, inspect.isclass)
        if issubclass(each, aiogram.exceptions.AiogramError)
    }
    source = inspect.getsource(client)
    bases = {"AiogramError", "DetailedAiogramError"}
    never = {"CallbackAnswerException", "SceneException", "UnsupportedKeywordArgument", "DataNotDictLikeError"}
    covered_by_their_base = {"RestartingTelegram"}
    assert {name for name in raised - bases - never - covered_by_their_base if f"raised.{name}(" not in source} == set()


async def test_tg12_a_group_that_moved_is_told_before_it_is_sent_again(stand: Stand) -> None:
    group = (await stand.act("chat", kind="group", title="Team"))["chat"]
    to = await stand.place(group, text="/help")
    new = (await stand.act("migrate", group))["chat"]
    with pytest.raises(TryLater) as raised:
        await stand.send(to, text("x"))
    assert raised.value.after == timedelta(0)
    moved = [
        arrival for arrival in stand.inbox.arrivals if arrival.to == to and isinstance(arrival.bodies[0], Migrated)
    ]
    assert [body for arrival in moved for body in arrival.bodies] == [
        Migrated(Address("telegram", "shop", new, f"member {ADA}"))
    ]
    await stand.send(replace(to, chat=new), text("x"))
    assert stand.texts(new) == ["x"]


async def test_tg6_a_file_over_20_mb_is_not_fetched_and_says_why(stand: Stand) -> None:
    with pytest.raises(TooLarge, match="up to 20 MB"):
        await anext(stand.channel.fetch(Media("file", "x", size=21 * 1024 * 1024)))
    large = kept(stand, "a.bin", b"x" * (20 * 1024 * 1024 + 1))
    with pytest.raises(TooLarge, match="up to 20 MB"):
        await anext(stand.channel.fetch(Media("file", large)))


async def test_tg6_a_file_that_is_no_longer_there_is_gone_and_one_that_cannot_be_had_now_is_not(stand: Stand) -> None:
    ref = kept(stand, "a.bin", b"x")
    for status, told in ((404, FileGone), (500, Unreachable)):
        stand.fault("file", status=status)
        with pytest.raises(told):
            await anext(stand.channel.fetch(Media("file", ref)))
    assert await anext(stand.channel.fetch(Media("file", ref))) == b"x"


async def test_tg10_typing_fails_without_a_word(stand: Stand) -> None:
    to = await stand.place()
    stand.fault("sendChatAction", status=500)
    await stand.channel.typing(to)
    await stand.channel.typing(to)
    assert stand.chat()["typing"]
