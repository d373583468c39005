"""SL5, SL7, SL19: who writes from where, what was said before we were called, and what colleagues are told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.model import Choices, Message, Noted, Option, Said
from channels.sandbox.faults import Do, Rule
from tests.channels.sandbox.serve import until
from tests.channels.slack.desk import Desk, desk


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


def notes(at: Desk) -> list[str]:
    return [body.text for body in at.bodies() if isinstance(body, Noted)]


async def thread(at: Desk, *said: str) -> dict[str, str]:
    """What people said among themselves, before the last of them calls us."""
    root = await at.act("say", chat=at.general, text=said[0])
    for words in said[1:]:
        last = await at.act("say", chat=at.general, text=words, thread=root["message"])
    await at.settled()
    return {"root": root["message"], "last": last["message"]}


async def test_sl5_who_is_from_outside_is_told_to_the_desk_and_marked_in_the_name(at: Desk) -> None:
    other = await at.act("outside", chat=at.general, name="Ben", team="Other Ltd")
    root = await at.act("say", chat=at.general, by="Ben", text="@Frontdesk hello")
    await until(lambda: notes(at) == ["Ben (Other Ltd) is from outside this workspace."])
    assert at.inbox.fresh[-1].to == at.address(at.general, root["message"])
    await at.settled()
    await at.act("say", chat=at.general, by="Ben", text="it is me", thread=root["message"])
    await until(lambda: at.inbox.heard() == ["hello", "it is me"])
    assert at.inbox.fresh[-1].name == "Ben (Other Ltd)"
    assert at.inbox.fresh[-1].by == f"{at.team}/{other['person']}"


async def test_sl5_what_somebody_from_outside_presses_belongs_to_our_thread(at: Desk) -> None:
    other = await at.act("outside", chat=at.general, name="Ben")
    root = await at.act("say", chat=at.general, by="Ben", text="@Frontdesk hello")
    await until(lambda: len(notes(at)) == 1)
    to = at.inbox.fresh[0].to
    await at.channel.send(to, Message((Choices((Option("Yes", "/yes", "0" * 22),), "Sure?"),)), key="k")
    place = f"{at.general}:{root['message']}"
    message = at.messages(place)[-1]
    await at.act("press", chat=place, by="Ben", message=message["id"], id=message["rows"][0][0]["id"])
    await at.heard(3)
    assert (at.inbox.fresh[-1].to, at.inbox.fresh[-1].by) == (to, f"{at.team}/{other['person']}")


@pytest.mark.parametrize("kind", ["private", "group"])
async def test_sl5_private_channels_and_group_messages_are_heard_as_channels_are(at: Desk, kind: str) -> None:
    chat = (await at.act("chat", kind=kind, title=kind))["chat"]
    at.harness.box.chats[chat].members.add(at.bot)
    root = await at.act("say", chat=chat, text="@Frontdesk hello")
    (arrival,) = await at.heard()
    assert (at.inbox.heard(), arrival.to) == (["hello"], at.address(chat, root["message"]))
    assert at.channel.capabilities(arrival.to).shared


async def test_sl7_what_was_said_before_we_were_called_is_a_note_to_the_desk(at: Desk) -> None:
    await thread(at, "My lamp is broken.", "Which one?", "@Frontdesk can you help?")
    await until(lambda: notes(at) == ["Said before in this thread:\nAna: My lamp is broken.\nAna: Which one?"])
    assert [type(body) for body in at.bodies()] == [Said, Noted]
    assert at.inbox.fresh[0].to == at.inbox.fresh[1].to


async def test_sl7_it_is_read_once(at: Desk) -> None:
    ids = await thread(at, "My lamp is broken.", "@Frontdesk can you help?")
    await until(lambda: len(notes(at)) == 1)
    await at.act("say", chat=at.general, text="@Frontdesk again", thread=ids["root"])
    await until(lambda: at.inbox.heard()[-1] == "again")
    await at.settled()
    assert len(notes(at)) == len(at.calls("conversations.replies")) == 1


async def test_sl7_the_desk_is_told_when_it_could_not_be_read(at: Desk) -> None:
    at.harness.box.teams[at.team].scopes.discard("channels:history")
    await thread(at, "My lamp is broken.", "@Frontdesk can you help?")
    await until(lambda: len(notes(at)) == 1)
    assert "could not be read (conversations.replies: missing_scope" in notes(at)[0]


async def test_sl7_an_app_that_may_read_once_a_minute_waits_for_its_minute(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="conversations.replies", nth=1, do=Do(status=429, after=60))])
    root = await at.act("say", chat=at.general, text="My lamp is broken.")
    await at.act("say", chat=at.general, text="@Frontdesk can you help?", thread=root["message"])
    await until(lambda: any(entry.kind == "refused" for entry in at.harness.box.journal.entries))
    while not notes(at):
        await at.harness.a_moment()
    assert notes(at) == ["Said before in this thread:\nAna: My lamp is broken."]


async def test_sl7_a_conversation_of_ours_is_not_read_again(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk help")
    await at.heard()
    await at.harness.open(at.inbox)
    await at.act("say", chat=at.general, text="@Frontdesk with my order", thread=root["message"])
    await at.heard(2)
    await at.settled()
    assert notes(at) == []


async def test_sl19_an_address_is_told_to_the_desk_where_that_is_wanted() -> None:
    async with desk(email=True) as at:
        await at.act("say", chat=at.direct, text="one")
        await until(lambda: notes(at) == ["Ana: ana@customers.example"])
        assert "users:read.email" in at.harness.settings().scopes
