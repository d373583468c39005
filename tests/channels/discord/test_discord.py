"""Discord's own rules (CHANNELS.md 7, DC1-DC18), through discord.py as it is, against the sandbox."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from msgspec.structs import replace

from bot import markup
from bot.errors import Forbidden, SettingsError, Unshowable
from bot.fit import fit
from bot.model import (
    Address,
    Card,
    Choices,
    Deleted,
    Edited,
    Field,
    Form,
    Json,
    Media,
    Message,
    Option,
    Pressed,
    Reacted,
    Said,
    Submitted,
    Text,
    text,
    written,
)
from bot.ports import FormErrors, ShowForm, Toast
from bot.testing.channel import Bench, Inbox
from channels.discord.channel import CAN
from channels.discord.hearing import MOST_HELD
from channels.discord.render import body
from channels.sandbox.discord.gateway import MESSAGE_CONTENT
from channels.sandbox.faults import Do, Rule
from tests.channels.discord.room import Answering, Room, Slow, room
from tests.channels.harness.discord import PICTURE, DiscordHarness, gateway
from tests.channels.sandbox.listening import serving_app

T1, T2 = "t" * 22, "u" * 22


def said(body: Any) -> str:
    assert isinstance(body, Said | Edited)
    return written(body.message)


# Permissions and logins


async def test_dc1_a_missing_intent_is_an_error_that_names_the_switch() -> None:
    async with gateway() as harness:
        harness.sandbox.rules.granted = 0
        bench = Bench(harness)
        with pytest.raises(SettingsError, match="MESSAGE CONTENT INTENT"):
            await bench.start()


async def test_dc1_without_it_direct_messages_and_mentions_work() -> None:
    async with gateway() as harness:
        harness.sandbox.rules.granted = 0
        harness.settings |= {"content": False, "channels": ()}
        bench = Bench(harness)
        await bench.start()
        here = Room(harness, bench)
        await here.say("in private")
        await here.say(f"<@{here.sandbox.world.bot.id}> in public", here.sandbox.general.id)
        await here.say("not for us", here.sandbox.general.id)
        await here.hears(2)
        await bench.stop()

        assert bench.inbox.heard() == ["in private", "in public"]
        assert here.entries("call", "IDENTIFY")[0]["intents"] & MESSAGE_CONTENT == 0


async def test_dc6_more_than_five_logins_an_hour_wait() -> None:
    async with room() as here:
        for _ in range(4):
            before = len(here.entries("call", "IDENTIFY"))
            await here.act("gateway", do="invalidate", resumable=False)
            await here.until(lambda before=before: len(here.entries("call", "IDENTIFY")) > before, "a login")  # type: ignore[misc]
        await here.act("gateway", do="invalidate", resumable=False)
        await here.moments(60)
        early = len(here.entries("call", "IDENTIFY"))
        await here.clock.advance(3600)
        await here.until(lambda: len(here.entries("call", "IDENTIFY")) == 6, "the login an hour later")

        assert early == 5


async def test_a_token_that_is_refused_is_told_to_the_owner() -> None:
    async with gateway() as harness:
        bench = Bench(harness)
        harness.settings |= {"token": "wrong"}
        with pytest.raises(SettingsError, match="make a new"):
            await bench.start()


# The gateway


async def test_while_the_store_is_down_the_gateway_keeps_what_is_said() -> None:
    async with room() as here:
        here.inbox.down = True
        for number in range(5):
            await here.say(str(number))
        await here.until(lambda: 4000 in [one["code"] for one in here.entries("connection", "closed")], "a close")
        await here.say("5")
        here.inbox.down = False
        await here.until(lambda: len(here.inbox.heard()) == 6, "all of it")

        assert here.inbox.heard() == ["0", "1", "2", "3", "4", "5"]
        assert (len(here.entries("call", "IDENTIFY")), len(here.entries("call", "RESUME"))) == (1, 1)


async def test_what_does_not_fit_into_memory_is_asked_for_again() -> None:
    async with room() as here:
        here.inbox.down = True
        many = MOST_HELD + 500
        for number in range(many):
            await here.say(str(number))
        await here.until(lambda: here.entries("connection", "closed"), "a close")
        here.inbox.down = False
        await here.until(lambda: len(here.inbox.heard()) == many, "all of it")

        assert here.inbox.heard() == [str(number) for number in range(many)]


async def test_the_next_process_resumes_where_this_one_stopped() -> None:
    async with room() as here:
        await here.say("before")
        await here.hears(1)
        await here.bench.stop()
        await here.say("meanwhile")
        await here.bench.start()
        await here.until(lambda: len(here.inbox.heard()) == 2)

        assert here.inbox.heard() == ["before", "meanwhile"]
        assert (len(here.entries("call", "IDENTIFY")), len(here.entries("call", "RESUME"))) == (1, 1)


async def test_an_event_the_library_cannot_read_costs_nothing() -> None:
    async with room() as here:
        for raw in ('{"t":"GUILD_CREATE","s":null,"op":0,"d":[]}', '{"t":"READY","s":null,"op":0,"d":1}', "[]", "{"):
            await here.harness.bring(raw.encode())
        await here.say("still here")
        await here.hears(1)

        assert here.entries("connection", "closed") == []


async def test_dc4_what_resume_and_history_both_bring_is_one_event() -> None:
    async with room() as here:
        await here.say("one")
        await here.hears(1)
        await here.say("two")
        await here.act("gateway", do="disconnect", code=4000)
        await here.until(lambda: len(here.entries("call", "RESUME")) == 1)
        marks = here.channel.hearing.marks
        marks[here.harness.direct] = replace(marks[here.harness.direct], message="1")
        await here.act("gateway", do="invalidate", resumable=False)
        await here.until(lambda: here.entries("call", "list_messages"))
        await here.moments()

        assert here.inbox.heard() == ["one", "two"]


async def test_dc5_what_a_lost_login_missed_is_read_from_the_history() -> None:
    async with room() as here:
        await here.say("before the first word we heard", here.sandbox.support.id)
        await here.say("known")
        await here.hears(1)
        await here.bench.stop()
        here.sandbox.gateway.forget()
        missed = [await here.say(f"missed {number}") for number in range(120)]
        await here.bench.start()
        await here.until(lambda: len(here.inbox.fresh) == 121, "what was missed")
        await here.say("now")
        await here.until(lambda: "now" in here.inbox.heard())

        assert here.inbox.heard() == ["known", *(f"missed {number}" for number in range(120)), "now"]
        assert [one.key for one in here.inbox.fresh[1:121]] == missed


async def test_dc5_a_process_that_ends_while_it_catches_up_leaves_it_to_the_next() -> None:
    async with room() as here:
        await here.say("known")
        await here.hears(1)
        await here.bench.stop()
        here.sandbox.gateway.forget()
        await here.say("missed")
        here.inbox.down = True
        await here.bench.start()
        await here.until(lambda: here.entries("call", "list_messages"), "a look at the history")
        await here.moments()
        await here.bench.stop()
        here.inbox.down = False
        await here.bench.start()
        await here.hears(2)

        assert here.inbox.heard() == ["known", "missed"]
        assert len(here.entries("call", "RESUME")) == 1


async def test_dc5_a_chat_that_is_gone_does_not_hold_up_the_others() -> None:
    async with room() as here:
        await here.say("here", here.sandbox.general.id)
        await here.say("and here")
        await here.hears(2)
        await here.bench.stop()
        here.sandbox.gateway.forget()
        await here.act("member", what="remove", chat=str(here.sandbox.general.id))
        await here.say("missed")
        await here.bench.start()
        await here.hears(3)

        assert here.inbox.heard() == ["here", "and here", "missed"]


# What is for us


async def test_dc16_in_a_server_it_wants_a_mention_a_reply_a_role_or_a_listed_channel() -> None:
    async with gateway() as harness:
        role = harness.sandbox.world.role("staff")
        harness.settings |= {"roles": (str(role),)}
        bench = Bench(harness)
        await bench.start()
        here = Room(harness, bench)
        support, bot = here.sandbox.support.id, here.sandbox.world.bot.id
        ours = here.sandbox.world.line(here.sandbox.support, here.sandbox.world.bot, "may I help?")
        await here.say("talk among people", support)
        await here.say(f"hello <@{bot}>", support)
        await here.say(f"<@&{role}> hello", support)
        await here.say("yes please", support, reply_to=str(ours.id))
        await here.say("a listed one", here.sandbox.general.id)
        await here.hears(4)
        await bench.stop()

        assert bench.inbox.heard() == ["hello", "hello", "yes please", "a listed one"]


async def test_dc7_each_member_of_a_channel_has_a_conversation_and_is_named_in_the_answer() -> None:
    async with room() as here:
        other = (await here.act("person", name="Bob"))["person"]
        await here.say("mine", here.sandbox.general.id)
        await here.say("yours", here.sandbox.general.id, by=other)
        first, second = await here.hears(2)
        await here.send(text("for Bob"), to=second.to)

        assert first.to != second.to
        assert here.said(here.sandbox.general.id) == ["@Bob\n\nfor Bob"]
        assert here.messages(here.sandbox.general.id)[-1]["pings"] == []


async def test_dc7_posts_of_a_listed_forum_are_conversations() -> None:
    async with room() as here:
        forum = str(here.sandbox.forum.id)
        await here.bench.stop()
        here.harness.settings |= {"channels": (forum,)}
        await here.bench.start()
        made = await here.act("chat", kind="topic", parent=forum, title="Broken", text="it is broken")
        [arrival] = await here.hears(1)
        await here.send(text("let us see"), to=arrival.to)

        assert arrival.to == Address("discord", "shop", forum, made["chat"])
        assert here.said(made["chat"]) == ["let us see"]


async def test_dc7_a_question_may_have_a_thread_of_its_own() -> None:
    async with room(threads=True) as here:
        asked = await here.say("where is my order?", here.sandbox.general.id)
        [arrival] = await here.hears(1)
        await here.send(text("let us see"), to=arrival.to)
        await here.say("A-17", asked)
        await here.hears(2)

        assert here.said(asked) == ["let us see"]
        assert here.sandbox.world.places[int(asked)].name == "where is my order?"
        assert {one.to for one in here.inbox.fresh} == {arrival.to}


async def test_a_thread_for_the_team_is_opened_once_and_heard_without_a_mention() -> None:
    async with room() as here:
        support = Address("discord", "shop", str(here.sandbox.support.id))
        thread = await here.channel.open_thread(support, "Ada on discord", key="staff.1")
        again = await here.channel.open_thread(support, "Ada on discord", key="staff.1")
        await here.send(text("what was said before"), to=thread)
        await here.say("a note", thread.thread)
        [arrival] = await here.hears(1)

        assert thread == again == arrival.to
        assert here.sandbox.world.places[int(thread.thread)].name == "Ada on discord"
        assert here.said(thread.thread) == ["what was said before"]


async def test_dc7_an_archived_thread_is_opened_again() -> None:
    async with room() as here:
        await here.harness.say("hello", thread=True)
        [arrival] = await here.hears(1)
        await here.act("member", what="lock", chat=arrival.to.thread)
        await here.send(text("hello again"), to=arrival.to)

        assert here.said(arrival.to.thread) == ["hello again"]


async def test_dc18_people_who_are_blocked_or_new_are_not_heard() -> None:
    async with gateway() as harness:
        blocked = harness.sandbox.world.person("Mallory")
        harness.settings |= {"blocked": (str(blocked.id),), "account_age": timedelta(days=7)}
        bench = Bench(harness)
        await bench.start()
        here = Room(harness, bench)
        await here.say("too new")
        old = harness.sandbox.world.owner
        await here.clock.advance(8 * 86_400)
        await here.until(lambda: any(one.connection for one in here.sandbox.gateway.sessions.values()))
        await here.say("blocked", here.sandbox.general.id, by=str(blocked.id))
        await here.say("welcome", by=str(old.id))
        await here.hears(1)
        await bench.stop()

        assert bench.inbox.heard() == ["welcome"]


async def test_dc18_direct_messages_come_to_the_first_shard_alone() -> None:
    async with room(shards=2, shard=1) as here:
        await here.say("for shard 0")
        await here.moments()

        assert here.inbox.fresh == []
        assert here.entries("call", "IDENTIFY")[0]["shard"] == [1, 2]


# Edits, deletions, reactions, files


async def test_dc17_edits_deletions_and_reactions_are_heard() -> None:
    async with room() as here:
        message = await here.say("one")
        await here.hears(1)
        await here.act("edit", message=message, text="two")
        await here.act("react", message=message, emoji="👍")
        await here.act("react", message=message, emoji="👍", add=False)
        await here.act("delete", message=message)
        arrivals = await here.hears(5)

        assert [one.bodies[0] for one in arrivals[1:]] == [
            Edited(Message((Text(markup.parse("two")),)), message),
            Reacted("👍", True, message),
            Reacted("👍", False, message),
            Deleted(message),
        ]
        assert {one.to for one in arrivals} == {here.direct}


async def test_dc17_a_deletion_in_a_channel_is_of_whoever_said_it() -> None:
    async with room() as here:
        other = (await here.act("person", name="Bob"))["person"]
        mine = await here.say("mine", here.sandbox.general.id)
        await here.say("yours", here.sandbox.general.id, by=other)
        first, _ = await here.hears(2)
        await here.act("delete", message=mine)
        deleted = (await here.hears(3))[2]

        assert (deleted.bodies, deleted.by, deleted.to) == ((Deleted(mine),), first.by, first.to)


async def test_dc17_what_a_moderator_deletes_at_once_is_of_each_who_said_it() -> None:
    async with room() as here:
        other = (await here.act("person", name="Bob"))["person"]
        mine = await here.say("mine", here.sandbox.general.id)
        yours = await here.say("yours", here.sandbox.general.id, by=other)
        said = await here.hears(2)
        await here.act("delete", messages=[mine, yours])
        deleted = (await here.hears(4))[2:]

        assert [(one.bodies, one.by, one.to) for one in deleted] == [
            ((Deleted(mine),), said[0].by, said[0].to),
            ((Deleted(yours),), other, said[1].to),
        ]


async def test_dc17_ours_are_edited_deleted_and_marked() -> None:
    async with room() as here:
        first = await here.send(text("one"), "k1")
        second = await here.send(text("two"), "k2")
        await here.channel.edit(here.direct, first.refs[0], text("more"), key="k3")
        await here.channel.react(here.direct, first.refs[0], "✅")
        reactions = here.messages()[0]["reactions"]
        await here.channel.react(here.direct, first.refs[0], None)
        await here.channel.delete(here.direct, second.refs[0])
        await here.channel.delete(here.direct, second.refs[0])

        assert (here.said(), reactions, here.messages()[0]["reactions"]) == (
            ["more"],
            [{"emoji": "✅", "count": 1}],
            [],
        )


async def test_dc12_files_voice_stickers_and_forwarded_messages_are_not_empty() -> None:
    async with room() as here:
        await here.act(
            "upload", chat=here.harness.direct, file=("a.png", "image/png", b"png"), alt="a shoe", caption="look"
        )
        await here.act("upload", chat=here.harness.direct, file=("v", "audio/ogg", b"ogg"), kind="voice")
        await here.say("", sticker="wave")
        other = here.sandbox.world.line(here.sandbox.general, here.sandbox.world.owner, "said elsewhere")
        await here.say("", forward=str(other.id))
        arrivals = await here.hears(4)

        messages = [one.bodies[0].message for one in arrivals if isinstance(one.bodies[0], Said)]
        media = [part for message in messages for part in message.parts if isinstance(part, Media)]
        assert [(one.kind, one.name, one.alt, one.size) for one in media] == [
            ("image", "a.png", "a shoe", 3),
            ("voice", "voice-message.ogg", "", 3),
            ("sticker", "wave", "wave", 0),
        ]
        assert [written(message) for message in messages] == ["look", "", "", "said elsewhere"]
        assert [piece async for piece in here.channel.fetch(media[0])] == [b"png"]


async def test_dc12_a_file_is_fetched_from_discord_alone() -> None:
    async with room() as here:
        with pytest.raises(Forbidden, match=r"evil\.example"):
            async for _ in here.channel.fetch(Media("file", "https://evil.example/x")):
                pass


async def test_dc12_pictures_go_out_with_what_is_to_be_seen_on_them() -> None:
    async with room() as here:
        await here.send(Message((Media("image", PICTURE, "shoe.gif", alt="a shoe"),)), "k1")
        await here.send(
            Message((*text("look").parts, Media("image", "https://shop.example/a.png", alt="a boot"))), "k2"
        )

        assert [[one["alt"] for one in message["files"]] for message in here.messages()] == [["a shoe"], ["a boot"]]
        assert here.said() == ["", "look"]


# Showing


async def test_dc11_a_fence_is_closed_in_every_piece() -> None:
    code = "\n".join(f"line {number} of `code` *here*" for number in range(400))
    message = Message((Text(markup.parse(f"Before **it**\n\n```\n{code}\n```\n\nafter it " + "_x_ and **y** " * 300)),))
    pieces = [body(piece)[0]["content"] for piece in fit(message, CAN).pieces]

    assert all(len(piece) <= 2000 for piece in pieces)
    assert [piece.count("```") % 2 for piece in pieces] == [0] * len(pieces)
    read = re.sub(r"\s", "", "".join("".join(span.text for span in markup.parse(piece)) for piece in pieces))
    assert read == re.sub(r"\s", "", written(message))


async def test_dc14_nobody_is_pinged_by_what_we_say() -> None:
    async with room() as here:
        person = here.sandbox.world.owner.id
        await here.send(text(f"@everyone @here <@{person}> <@&{here.sandbox.world.bot_role}>"))

        assert here.messages()[-1]["pings"] == []
        assert here.said()[-1].startswith("@everyone")


async def test_dc13_typing_that_fails_is_nobodys_trouble() -> None:
    async with room() as here:
        here.sandbox.faults.script([Rule(on="trigger_typing_indicator", nth=1, do=Do(status=403, error="50001"))])
        await here.channel.typing(here.direct)
        await here.channel.typing(here.direct)

        assert here.harness.typing()


async def test_dc9_a_card_is_an_embed_with_its_buttons() -> None:
    async with room() as here:
        card = Card("Shoe", "Red, size 42", "19.90 €", (Option("Buy", "/buy", T1),), "https://shop.example/shoe.png")
        await here.send(Message((card,)))
        shown = here.messages()[-1]

        assert shown["cards"] == [
            {
                "title": "Shoe",
                "body": [{"text": "Red, size 42", "marks": [], "link": ""}],
                "image": "https://shop.example/shoe.png",
                "fields": [],
                "color": "",
                "footer": "19.90 €",
            }
        ]
        assert [one["label"] for one in shown["rows"][0]] == ["Buy"]


async def test_what_is_too_long_after_all_is_refused_before_the_call() -> None:
    async with room() as here:
        with pytest.raises(Unshowable):
            await here.send(text("x" * 2001))

        assert here.entries("refused", "create_message") == []


# Presses and forms


async def ask(here: Room, *tokens: str, look: Any = "buttons") -> str:
    options = tuple(Option(f"Option {at}", f"/{at}", token) for at, token in enumerate(tokens))
    receipt = await here.send(Message((Choices(options, "Which?", look),)), f"ask {tokens}")
    return receipt.refs[0]


async def test_dc10_a_button_works_after_a_restart_and_shows_that_it_is_used() -> None:
    async with room() as here:
        message = await ask(here, T1, T2)
        await here.bench.stop()
        await here.bench.start()
        await here.act("press", message=message, id=T2)
        pressed = await here.heard()
        await here.until(lambda: here.messages()[-1]["rows"][0][0]["disabled"])

        assert pressed == Pressed(T2, "Option 1", message)
        assert [(one["style"], one["disabled"]) for one in here.messages()[-1]["rows"][0]] == [
            ("secondary", True),
            ("primary", True),
        ]
        assert here.unanswered == []


async def test_dc9_a_list_gives_the_token_of_what_was_chosen() -> None:
    async with room() as here:
        message = await ask(here, T1, T2, look="list")
        [[shown]] = here.messages()[-1]["rows"]
        await here.act("choose", message=message, id=shown["id"], values=[T2])

        assert await here.heard() == Pressed(T2, "Option 1", message)


async def test_dc3_a_press_is_acknowledged_in_time_whatever_t0_takes() -> None:
    async with gateway() as harness:
        bench = Bench(harness)
        await bench.start()
        here = Room(harness, bench)
        message = await ask(here, T1)
        await bench.stop()
        slow = Slow(bench.inbox, harness.clock.sleep, 20)
        bench.inbox, fast = slow, bench.inbox  # type: ignore[assignment]
        harness.open = _opening(harness, fast)  # type: ignore[method-assign]
        await bench.start()
        await here.act("press", message=message, id=T1)
        await here.moments(150)
        await bench.stop()

        assert here.unanswered == []
        assert [one["type"] for one in here.entries("call", "create_interaction_response")] == [6]
        assert fast.tokens == [T1]


def _opening(harness: DiscordHarness, inbox: Inbox) -> Any:
    opened = harness.open

    async def open(receive: Any) -> Any:
        return await opened(inbox)

    return open


async def test_dc3_a_window_that_comes_too_late_is_a_button_that_opens_it() -> None:
    form = long_form()
    inbox = Answering({T1: lambda at: ShowForm(form) if isinstance(at.bodies[0], Pressed) else None})
    async with gateway() as harness:
        bench = Bench(harness, inbox)
        await bench.start()
        here = Room(harness, bench)
        receipt = await here.send(Message((form,)))
        await bench.stop()
        harness.open = _opening(harness, inbox)  # type: ignore[method-assign]
        bench.inbox = Slow(inbox, harness.clock.sleep, 5)  # type: ignore[assignment]
        await bench.start()
        await here.act("press", message=receipt.refs[0], id=T1)
        await here.until(lambda: here.messages()[-1]["ephemeral"], "a button")
        again = here.messages()[-1]
        await here.act("press", message=again["id"], id=again["rows"][0][0]["id"])
        await here.until(lambda: here.sandbox.seen()["modal"], "the window")
        await bench.stop()

        assert here.unanswered == []


async def test_dc3_when_nothing_can_be_stored_the_person_is_asked_to_try_again() -> None:
    async with room() as here:
        message = await ask(here, T1)
        here.inbox.down = True
        await here.act("press", message=message, id=T1)
        await here.until(lambda: here.messages()[-1]["ephemeral"], "a line for the person")
        await here.moments(40)

        assert here.said()[-1] == "That did not get through. Please try again."
        assert here.unanswered == []


async def test_dc15_a_stale_press_is_told_to_the_presser_alone() -> None:
    async with room(Answering({T1: Toast("That was chosen already.")})) as here:
        message = await ask(here, T1)
        await here.act("press", message=message, id=T1)
        await here.until(lambda: len(here.messages()) == 2)

        shown = here.messages()[-1]
        assert (here.said()[-1], shown["to"]) == ("That was chosen already.", str(here.sandbox.world.owner.id))


def long_form() -> Form:
    fields = [Field(f"f{number}", f"Question {number}") for number in range(6)]
    return Form(
        (*fields, Field("why", "Why", "choice", options=(Option("Broken", "broken"),))), "Return", "Fill in", T1
    )


async def test_dc9_a_form_is_a_window_straight_from_t0() -> None:
    form = Form(
        (Field("name", "Your name"), Field("more", "More", "long_text", required=False)), "Details", "Fill in", T1
    )
    async with room(Answering({T1: lambda at: ShowForm(form) if isinstance(at.bodies[0], Pressed) else None})) as here:
        receipt = await here.send(Message((form,)))
        await here.act("press", message=receipt.refs[0], id=T1)
        await here.until(lambda: here.sandbox.seen()["modal"])
        shown = here.sandbox.seen()["modal"]
        await here.act("submit", values={"name": "Ada"})
        arrivals = await here.hears(2)
        await here.moments()

        assert [(one["label"], one["type"], one["required"]) for one in shown["fields"]] == [
            ("Your name", "text", True),
            ("More", "long_text", False),
        ]
        assert arrivals[1].bodies == (Submitted(T1, {"name": "Ada", "more": ""}, arrivals[1].key),)
        assert here.unanswered == []


async def test_dc9_a_long_form_is_several_windows_and_one_answer() -> None:
    form = long_form()
    async with room(Answering({T1: lambda at: ShowForm(form) if isinstance(at.bodies[0], Pressed) else None})) as here:
        receipt = await here.send(Message((form,)))
        await here.act("press", message=receipt.refs[0], id=T1)
        await here.until(lambda: here.sandbox.seen()["modal"])
        await here.act("submit", values={f"f{number}": str(number) for number in range(5)})
        await here.until(lambda: here.messages()[-1]["ephemeral"])
        again = here.messages()[-1]
        await here.act("press", message=again["id"], id=again["rows"][0][0]["id"])
        await here.until(lambda: here.sandbox.seen()["modal"])
        rest = [one["name"] for one in here.sandbox.seen()["modal"]["fields"]]
        await here.act("submit", values={"f5": "5", "why": "broken"})
        arrivals = await here.hears(2)
        await here.moments()

        values: dict[str, Json] = {f"f{number}": str(number) for number in range(6)}
        values["why"] = "broken"
        assert rest == ["f5", "why"]
        assert arrivals[1].bodies == (Submitted(T1, values, arrivals[1].key),)
        assert here.unanswered == []


async def test_dc9_what_is_wrong_in_a_form_is_asked_once_more_with_what_was_filled_in() -> None:
    form = Form((Field("mail", "E-mail", "email"), Field("name", "Name")), "Details", "Fill in", T1)

    def now(at: Any) -> Any:
        one = at.bodies[0]
        if isinstance(one, Pressed):
            return ShowForm(form)
        return FormErrors({"mail": "That is no address."}) if "@" not in one.values["mail"] else None

    async with room(Answering({T1: now})) as here:
        receipt = await here.send(Message((form,)))
        await here.act("press", message=receipt.refs[0], id=T1)
        await here.until(lambda: here.sandbox.seen()["modal"])
        await here.act("submit", values={"mail": "ada", "name": "Ada"})
        await here.until(lambda: here.messages()[-1]["ephemeral"])
        told = here.messages()[-1]
        await here.act("press", message=told["id"], id=told["rows"][0][0]["id"])
        await here.until(lambda: here.sandbox.seen()["modal"])
        [field] = here.sandbox.seen()["modal"]["fields"]
        await here.act("submit", values={"mail": "ada@example.org"})
        await here.hears(3)
        await here.moments()

        assert here.said()[-1] == "E-mail: That is no address."
        assert (field["name"], field["value"], field["hint"]) == ("mail", "ada", "That is no address.")
        last = here.inbox.fresh[-1].bodies[0]
        assert isinstance(last, Submitted)
        assert last.values == {"mail": "ada@example.org", "name": "Ada"}


# Commands

COMMANDS: dict[str, Any] = {
    "order": {
        "about": "Where is my order?",
        "says": "Where is my order {number}?",
        "names": {"fr": "commande"},
        "options": [{"name": "number", "about": "Its number", "required": True}],
    },
    "returns": {"about": "Returns", "commands": {"open": {"about": "Open one"}, "rules": {"about": "The rules"}}},
    "shop": {
        "about": "Find a shop",
        "options": [
            {
                "name": "town",
                "about": "Where",
                "choices": [{"name": f"Town {number}", "value": f"t{number}"} for number in range(40)],
            }
        ],
    },
}


async def test_dc8_commands_are_set_when_they_have_changed() -> None:
    async with room(commands=COMMANDS) as here:
        await here.bench.stop()
        await here.bench.start()
        unchanged = len(here.entries("call", "bulk_set_application_commands"))
        await here.bench.stop()
        here.harness.settings |= {"commands": {"order": COMMANDS["order"]}}
        await here.bench.start()

        calls = here.entries("call", "bulk_set_application_commands")
        assert (unchanged, len(calls)) == (1, 2)
        assert calls[0]["body"][0]["name_localizations"] == {"fr": "commande"}


async def test_dc8_a_command_speaks_for_the_person_and_its_answer_takes_its_place() -> None:
    async with room(commands=COMMANDS) as here:
        await here.act("command", chat=here.harness.direct, name="order", text="A-17")
        [arrival] = await here.hears(1)
        await here.until(lambda: here.messages()[-1]["draft"], "is thinking")
        await here.send(text("On its way."), "k1", arrival.to)
        await here.send(text("On its way."), "k1", arrival.to)
        await here.send(text("Anything else?"), "k2", arrival.to)

        assert said(arrival.bodies[0]) == "Where is my order A-17?"
        assert here.said() == ["On its way.", "Anything else?"]


async def test_dc8_a_command_that_nobody_answers_stops_thinking() -> None:
    async with room(commands=COMMANDS) as here:
        await here.act("command", chat=here.harness.direct, name="returns open")
        [arrival] = await here.hears(1)
        await here.until(lambda: here.messages()[-1]["draft"])
        await here.clock.advance(14 * 60 + 31)
        await here.until(lambda: here.messages()[-1]["deleted"], "no more thinking")
        await here.send(text("late"), "k1", arrival.to)

        assert said(arrival.bodies[0]) == "returns open"
        assert here.said() == ["late"]


async def test_dc8_options_are_offered_while_the_person_types() -> None:
    async with room(commands=COMMANDS) as here:
        shop = next(one for one in here.sandbox.commands(here.sandbox.direct) if one["name"] == "shop")
        typed = [{"name": "town", "type": 3, "value": "town 3", "focused": True}]
        data = {"id": shop["id"], "name": "shop", "type": 1, "options": typed}
        world = here.sandbox.world
        asked = here.sandbox.interactions.begin(4, world.owner, here.sandbox.direct, data)
        await here.until(lambda: asked.state == "answered")

        assert [one["value"] for one in asked.choices] == ["t3", *(f"t{number}" for number in range(30, 40))]
        assert here.inbox.fresh == []


# Interactions over HTTP


async def over_http(harness: DiscordHarness, inbox: Inbox) -> Any:
    harness.settings |= {"interactions": "http", "public_key": harness.sandbox.interactions.public_key}
    bench = Bench(harness, inbox)
    await bench.start()
    assert isinstance(bench.channel, object)
    return bench


async def test_dc2_interactions_are_answered_over_http() -> None:
    async with gateway() as harness:
        harness.settings |= {"commands": COMMANDS}
        bench = await over_http(harness, Answering({T2: Toast("Used.")}))
        here = Room(harness, bench)
        [(path, app)] = here.channel.routes(bench.inbox).items()
        async with serving_app(app) as base:
            await here.act("endpoint", url=base + path)
            message = await ask(here, T1, T2)
            await here.act("press", message=message, id=T1)
            await here.hears(1)
            await here.until(lambda: here.messages()[-1]["rows"][0][0]["disabled"])
            await here.act("command", chat=harness.direct, name="order", text="A-17")
            await here.hears(2)
            await here.until(lambda: here.messages()[-1]["draft"])
            await here.send(text("On its way."), "k1")
            passed = await here.act("probe")
        await bench.stop()

        assert path == "/hooks/discord/shop"
        assert [type(one.bodies[0]) for one in bench.inbox.fresh] == [Pressed, Said]
        assert (here.said()[-1], passed, here.unanswered) == ("On its way.", {"passed": True}, [])


async def test_dc2_whatever_is_wrong_with_the_signature_is_a_401() -> None:
    async with gateway() as harness:
        bench = await over_http(harness, Inbox())
        here = Room(harness, bench)
        [(_, app)] = here.channel.routes(bench.inbox).items()
        now = str(int(here.clock.now().timestamp()))
        raw, later = b'{"type":1}', str(int(here.clock.now().timestamp()) + 400)
        sign = harness.sandbox.interactions.sign
        good = sign(raw, now)
        wrong = {
            "zeros": good | {"X-Signature-Ed25519": "00" * 64},
            "short": good | {"X-Signature-Ed25519": "00"},
            "no hex": good | {"X-Signature-Ed25519": "zz" * 64},
            "none": {name: value for name, value in good.items() if "Signature-Ed" not in name},
            "another time": good | {"X-Signature-Timestamp": str(int(now) + 1)},
            "no time": {name: value for name, value in good.items() if "Timestamp" not in name},
            "too early": sign(raw, later),
            "words for a time": sign(raw, "now"),
            "another body": sign(b'{"type":2}', now),
            "not latin": good | {"X-Signature-Timestamp": "1²"},
        }
        async with serving_app(app) as base, httpx2.AsyncClient(base_url=base) as client:
            statuses = {
                name: (
                    await client.post("/", content=raw, headers=[(k.encode(), v.encode()) for k, v in headers.items()])
                ).status_code
                for name, headers in wrong.items()
            }
            pong = await client.post("/", content=raw, headers=good)
            large = await client.post("/", content=b"x" * (2 << 20), headers=good)
            got = await client.get("/")
            here.inbox.down = True
            told = {"id": "5", "type": 3, "token": "t", "channel_id": "7", "user": {"id": "8"}}
            press = msgspec.json.encode(told | {"data": {"custom_id": T1}})
            down = await client.post("/", content=press, headers=sign(press, now))
            deep = b'{"type":' + b"[" * 50_000
            here.inbox.down = False
            odd = await client.post("/", content=deep, headers=sign(deep, now))
        await bench.stop()

        assert set(statuses.values()) == {401}, statuses
        assert (pong.status_code, pong.json()) == (200, {"type": 1})
        assert (large.status_code, got.status_code, down.status_code, odd.status_code) == (413, 405, 503, 200)
        assert (len(here.inbox.fresh), len(here.inbox.dead)) == (0, 1)


# Drafts


async def test_a_long_draft_stops_at_the_end_of_the_message_and_settles_whole() -> None:
    async with room() as here:
        words = "It is **bold and long** " * 120
        shown = await here.channel.show(here.direct, words[:50], key="d", shown=None)
        shown = await here.channel.show(here.direct, words, key="d", shown=shown)
        first, *others = fit(Message((Text(markup.parse(words)),)), CAN).pieces
        await here.channel.send(here.direct, first, key="d.0", shown=shown)
        for at, piece in enumerate(others):
            await here.send(piece, f"d.{at + 1}")

        assert len(here.said()) == 1 + len(others)
        assert re.sub(r"\s", "", "".join(here.said())) == re.sub(r"\s", "", "It is bold and long " * 120)


async def test_a_draft_that_somebody_deleted_is_said_anew() -> None:
    async with room() as here:
        shown = await here.channel.show(here.direct, "It is", key="d", shown=None)
        await here.channel.delete(here.direct, shown.ref)
        await here.channel.send(here.direct, text("It is on its way."), key="d.0", shown=shown)

        assert here.said() == ["It is on its way."]


# The library


def test_importing_the_channel_imports_no_library_of_discord() -> None:
    code = "import sys, channels.discord; print(sorted({'discord', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
