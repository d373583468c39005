"""TG14: a note that one person of a group alone sees. And what answers one message, or is taken back."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from bot.errors import Unshowable
from bot.fit import fit
from bot.model import Choices, Location, Message, Option, Pressed, Said, Span, Table, Text, text
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import ADA, Stand, standing


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


async def group_of(stand: Stand) -> str:
    await stand.act("person", name="Ben")
    return str((await stand.act("chat", kind="supergroup", title="Team"))["chat"])


def for_ada(message: Message) -> Message:
    return replace(message, only_for=str(ADA))


async def test_tg14_a_note_to_one_person_is_seen_by_that_person_alone(stand: Stand) -> None:
    group = await group_of(stand)
    to = await stand.place(group, text="/link")
    (piece,) = fit(for_ada(text("Your code: 4711")), stand.channel.capabilities(to)).pieces
    receipt = await stand.send(to, piece)
    (shown,) = stand.ours(group)
    assert (stand.texts(group), shown["ephemeral"], shown["to"]) == (["Your code: 4711"], True, str(ADA))
    await stand.channel.edit(to, receipt.refs[0], text("Your code: 4712"), key="e")
    assert stand.texts(group) == ["Your code: 4712"]
    await stand.channel.delete(to, receipt.refs[0])
    assert stand.ours(group) == []


async def test_tg14_whatever_is_in_it_stays_with_that_person(stand: Stand) -> None:
    group = await group_of(stand)
    to = await stand.place(group, text="/link")
    files = tuple([await stand.keeps(picture(), f"{n}.png", caption="two" if n else "") for n in range(2)])
    messages = Message(files), Message((Location(1, 2, "Shop, Road"),)), Message((Table(("a",), (("b",),)),))
    for number, message in enumerate(messages):
        for n, piece in enumerate(fit(for_ada(message), stand.channel.capabilities(to)).pieces):
            receipt = await stand.send(to, piece, key=f"d{number}.{n}")
            assert all(ref.startswith(f"private {ADA} ") for ref in receipt.refs)
    assert [message["to"] for message in stand.ours(group)] == [str(ADA)] * 4


async def test_tg14_a_button_of_such_a_note_is_marked_once_it_is_pressed(stand: Stand) -> None:
    group = await group_of(stand)
    to = await stand.place(group, text="/link")
    ask = Message((Text((Span("Sure?"),)), Choices((Option("Yes", "/yes", "t" * 22),), look="buttons")))
    receipt = await stand.send(to, for_ada(ask))
    await stand.act("press", group, message=stand.ours(group)[0]["id"], id="Yes")
    assert await stand.hears(Pressed) == Pressed("t" * 22, "Yes", receipt.refs[0])
    await stand.until(lambda: stand.ours(group)[0]["rows"][0][0]["label"] == "✓ Yes")


async def test_tg14_who_is_no_member_gets_none_and_nobody_else_does(stand: Stand) -> None:
    group = await group_of(stand)
    to = await stand.place(group, text="/link")
    with pytest.raises(Unshowable):
        await stand.send(to, replace(text("Your code: 4711"), only_for="7999"))
    assert stand.ours(group) == []


async def test_a_reply_shows_what_it_answers_and_goes_without_it_when_that_is_gone(stand: Stand) -> None:
    to = await stand.place()
    said = stand.all(Said)[-1].ref
    await stand.send(to, text("Yes."), reply_to=said)
    await stand.act("delete", message=said)
    await stand.send(to, text("No."), key="d.1", reply_to=said)
    assert [message["reply_to"] for message in stand.ours()] == [said, None]


async def test_in_a_group_a_named_message_goes_before_the_last_one(stand: Stand) -> None:
    group = await group_of(stand)
    to = await stand.place(group, text="/one")
    first = stand.all(Said)[-1].ref
    await stand.place(group, text="/two")
    await stand.send(to, text("To the first."), reply_to=first)
    assert [message["reply_to"] for message in stand.ours(group)] == [first]


async def test_tg11_what_is_written_to_a_business_is_marked_as_read_once_it_is_ours(stand: Stand) -> None:
    made = await stand.act("business", name="Shop")
    stand.inbox.down = Exception("not now")
    await stand.act("say", made["chat"], text="open today?")
    await stand.until(lambda: len(stand.inbox.calls) > 1)
    assert stand.calls("readBusinessMessage") == []
    stand.inbox.down = None
    await stand.until(lambda: stand.calls("readBusinessMessage"))
    read = stand.calls("readBusinessMessage")
    assert [(call["business_connection_id"], call["chat_id"], str(call["message_id"])) for call in read] == [
        (made["connection"], ADA, stand.all(Said)[-1].ref)
    ]
    await stand.act("say", made["chat"], by=made["owner"], text="Until eight.")
    await stand.caught_up()
    assert len(stand.calls("readBusinessMessage")) == 1


async def test_tg11_within_its_rights_and_silent_when_it_is_disabled(stand: Stand) -> None:
    made = await stand.act("business", name="Shop")
    await stand.act("business", connection=made["connection"], rights={"can_read_messages": False})
    to = await stand.place(made["chat"], text="open today?")
    await stand.place(made["chat"], text="hello?")
    await stand.caught_up()
    refused = [entry for entry in stand.sandbox.journal.entries if entry.name == "readBusinessMessage"]
    assert [entry.kind for entry in refused] == ["refused"]
    await stand.act("business", connection=made["connection"], enabled=False)
    with pytest.raises(Exception, match="BUSINESS_CONNECTION_NOT_ALLOWED"):
        await stand.send(to, text("Until six."))
    assert stand.ours(made["chat"]) == []


async def test_tg11_what_was_said_for_a_business_is_taken_back_there(stand: Stand) -> None:
    made = await stand.act("business", name="Shop")
    await stand.act("business", connection=made["connection"], rights={"can_delete_sent_messages": True})
    to = await stand.place(made["chat"], text="open today?")
    receipt = await stand.send(to, text("Until six."))
    await stand.channel.delete(to, receipt.refs[0])
    assert stand.ours(made["chat"]) == []
    assert stand.calls("deleteMessage") == []
