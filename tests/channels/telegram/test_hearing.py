"""What people do on Telegram, as the channel hands it over: polled through aiogram from the sandbox."""

from collections.abc import AsyncIterator

import pytest

from bot.errors import SettingsError
from bot.model import (
    Address,
    Deleted,
    Echoed,
    Edited,
    Location,
    Media,
    Message,
    Migrated,
    Noted,
    Opened,
    Option,
    Pressed,
    Raw,
    Reachable,
    Reacted,
    Said,
    Span,
    Text,
    VCard,
    text,
    written,
)
from bot.model import Choices as Asked
from tests.channels.sandbox.telegram_client import picture
from tests.channels.telegram.stand import ADA, DOWN, Stand, standing


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


# Accept, then acknowledge


async def test_a_batch_is_confirmed_only_after_it_was_accepted(stand: Stand) -> None:
    stand.inbox.down = DOWN
    await stand.act("say", text="one")
    await stand.act("say", text="two")
    await stand.until(lambda: len(stand.inbox.calls) >= 3)
    assert not [entry for entry in stand.sandbox.journal.entries if entry.kind == "confirmed"]
    stand.inbox.down = None
    await stand.hears(Said, 2)
    await stand.caught_up()
    assert [written(said.message) for said in stand.all(Said)] == ["one", "two"]


async def test_what_spoils_a_batch_is_set_aside_and_its_neighbours_are_not(stand: Stand) -> None:
    class Choosy(type(stand.inbox)):  # type: ignore[misc]
        async def __call__(self, arrival, /):  # type: ignore[no-untyped-def]
            if any(isinstance(body, Said) and written(body.message) == "poison" for body in arrival.bodies):
                raise ValueError("the store cannot keep it")
            return await super().__call__(arrival)

    stand.inbox.__class__ = Choosy
    for words in ("before", "poison", "after"):
        await stand.act("say", text=words)
    await stand.hears(Said, 2)
    await stand.caught_up()
    assert [written(said.message) for said in stand.all(Said)] == ["before", "after"]
    assert [arrival.unreadable for arrival in stand.inbox.arrivals if arrival.unreadable] == [
        "it could not be accepted: ValueError"
    ]


async def test_an_answer_that_was_cut_is_asked_for_again(stand: Stand) -> None:
    stand.fault("message", cut=True)
    await stand.act("say", text="hello")
    said = await stand.hears(Said)
    assert written(said.message) == "hello"


async def test_another_poller_is_waited_for_and_not_fought(stand: Stand) -> None:
    stand.fault("getUpdates", status=409, error="terminated by other getUpdates request")
    await stand.act("say", text="hello")
    await stand.until(lambda: [e for e in stand.sandbox.journal.entries if e.kind == "refused"])
    began = stand.clock.now()
    await stand.hears(Said)
    assert (stand.clock.now() - began).total_seconds() >= 29


async def test_only_understood_kinds_are_asked_for(stand: Stand) -> None:
    assert "message_reaction" in stand.sandbox.bots["42:TEST"].updates.allowed
    assert "inline_query" not in stand.sandbox.bots["42:TEST"].updates.allowed


async def test_a_webhook_that_was_set_gives_way_to_polling_and_nothing_is_dropped() -> None:
    async with standing() as stand:
        bot = stand.sandbox.bots["42:TEST"]
        await stand.stop()
        await bot.methods.call("setWebhook", {"url": "http://127.0.0.1:9/x"}, {})
        await stand.act("say", text="meanwhile")
        await stand.restart()
        await stand.hears(Said)


async def test_a_refused_token_ends_it_with_advice() -> None:
    with pytest.raises(SettingsError, match="FRONTDESK_SHOP_TOKEN"):
        async with standing(token="42:WRONG"):
            pass


# TG2, TG3


async def test_tg2_tg3_a_press_is_answered_and_its_buttons_are_marked(stand: Stand) -> None:
    to = await stand.place()
    ask = Message((Asked((Option("Yes", "/yes", "t" * 22), Option("No", "/no", "u" * 22)), "Sure?", "buttons"),))
    receipt = await stand.send(to, ask)
    await stand.act("press", message=receipt.refs[0], id="Yes")
    pressed = await stand.hears(Pressed)
    assert pressed == Pressed("t" * 22, "Yes", receipt.refs[0])
    assert stand.inbox.arrivals[-1].to == to
    await stand.until(lambda: stand.calls("answerCallbackQuery"))
    await stand.until(lambda: [b["label"] for row in stand.ours()[0]["rows"] for b in row] == ["✓ Yes"])
    assert stand.ours()[0]["rows"][0][0]["disabled"]


async def test_tg3_a_stale_press_gets_a_toast_and_changes_nothing(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, Message((Asked((Option("Yes", "/yes", "t" * 22),), "Sure?", "buttons"),)))
    stand.inbox.stale.add("t" * 22)
    await stand.act("press", message=receipt.refs[0], id="Yes")
    await stand.until(lambda: stand.sandbox.seen()["toast"] == "That is over.")
    assert stand.ours()[0]["rows"][0][0]["label"] == "Yes"
    assert stand.calls("editMessageReplyMarkup") == []


async def test_tg3_one_press_under_two_update_ids_has_one_effect(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, Message((Asked((Option("Yes", "/yes", "t" * 22),), "Sure?", "buttons"),)))
    stand.fault("callback_query", duplicate=1)
    await stand.act("press", message=receipt.refs[0], id="Yes")
    await stand.hears(Pressed)
    await stand.caught_up()
    assert len(stand.all(Pressed)) == 1
    await stand.until(lambda: len(stand.calls("answerCallbackQuery")) == 1)


async def test_tg2_quick_replies_stand_below_the_chat_and_come_back_as_words(stand: Stand) -> None:
    to = await stand.place()
    await stand.send(to, Message((Asked((Option("Red", "/set c=red", "t" * 22),), "Which?", "quick"),)))
    assert stand.chat()["keyboard"] == [[{"label": "Red", "ask": ""}]]
    await stand.act("say", text="Red")
    said = await stand.hears(Said, 2)
    assert written(said.message) == "Red"
    assert stand.chat()["keyboard"] is None
    await stand.send(to, text("Fine."), key="d.1")
    assert stand.calls("sendMessage")[-1]["reply_markup"] == {"remove_keyboard": True}


async def test_tg2_who_is_asked_for_a_number_or_a_place_shares_it_with_a_button(stand: Stand) -> None:
    to = await stand.place()
    assert "share" in stand.channel.capabilities(to).can
    asks = (Option("My number", "/repeat", "t" * 22, "number"), Option("Here", "/repeat", "u" * 22, "place"))
    await stand.send(to, Message((Asked(asks, "Who and where?", "quick"),)))
    assert stand.chat()["keyboard"] == [
        [{"label": "My number", "ask": "contact"}, {"label": "Here", "ask": "location"}]
    ]
    await stand.act("contact")
    await stand.act("location", latitude=48.5, longitude=2.5)
    await stand.hears(Said, 3)
    assert [said.message.parts for said in stand.all(Said)[1:]] == [
        (VCard("Ada", "+15550100"),),
        (Location(48.5, 2.5),),
    ]


async def test_tg2_in_a_group_nobody_is_asked_for_a_number_by_a_button(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    to = await stand.place(group, text="/track")
    assert "share" not in stand.channel.capabilities(to).can
    asks = (Option("My number", "/repeat", "t" * 22, "number"), Option("Skip", "/skip", "u" * 22))
    await stand.send(to, Message((Asked(asks, "Your number?", "quick"),)))
    assert [button["label"] for row in stand.ours(group)[0]["rows"] for button in row] == ["Skip"]


# TG4


async def test_tg4_a_start_link_is_opened_also_within_a_burst(stand: Stand) -> None:
    await stand.act("say", text="hello")
    await stand.act("open", payload="spring_24")
    await stand.act("say", text="are you there?")
    await stand.hears(Said, 2)
    assert [type(body).__name__ for arrival in stand.inbox.arrivals for body in arrival.bodies] == [
        "Said",
        "Opened",
        "Said",
    ]
    assert stand.all(Opened)[0].payload == "spring_24"


async def test_tg4_commands_of_ours_are_words_and_those_of_others_are_ignored(stand: Stand) -> None:
    for words in ("/help", "/help@Sandbox_Bot me", "/help@other_bot"):
        await stand.act("say", text=words)
    await stand.hears(Said, 2)
    await stand.caught_up()
    assert [written(said.message) for said in stand.all(Said)] == ["/help", "/help me"]


async def test_tg4_the_menu_of_commands_is_set_once() -> None:
    commands = {"track": {"": "Where is it?", "de": "Wo ist es?"}}
    async with standing(commands=commands) as stand:
        assert [call["commands"] for call in stand.calls("setMyCommands")] == [
            [{"command": "track", "description": "Where is it?"}],
            [{"command": "track", "description": "Wo ist es?"}],
        ]
        await stand.restart()
        await stand.act("say", text="hello")
        await stand.hears(Said)
        assert len(stand.calls("setMyCommands")) == 2


async def test_tg4_groups_may_have_a_menu_of_their_own() -> None:
    async with standing(commands={"track": {"": "Where is it?"}}, group_commands={"help": {"": "Help"}}) as stand:
        assert [(call.get("scope"), call["commands"][0]["command"]) for call in stand.calls("setMyCommands")] == [
            (None, "track"),
            ({"type": "all_group_chats"}, "help"),
        ]
        await stand.restart()
        await stand.place()
        assert len(stand.calls("setMyCommands")) == 2


# TG5


async def test_tg5_files_arrive_typed_with_their_caption(stand: Stand) -> None:
    await stand.act("upload", file=("a.png", "image/png", picture()), caption="look")
    await stand.act("upload", file=("a.pdf", "application/pdf", b"%PDF"))
    await stand.act("voice", file=("a.ogg", "audio/ogg", b"OggS"))
    await stand.hears(Said, 3)
    parts = [part for said in stand.all(Said) for part in said.message.parts]
    assert [(p.kind, p.caption, p.size > 0) for p in parts if isinstance(p, Media)] == [
        ("image", "look", True),
        ("file", "", True),
        ("voice", "", True),
    ]
    media = parts[1]
    assert isinstance(media, Media)
    assert (media.name, media.type) == ("a.pdf", "application/pdf")
    assert b"".join([piece async for piece in stand.channel.fetch(media)]) == b"%PDF"


async def test_tg5_an_album_is_one_group(stand: Stand) -> None:
    files = {f"file{n}": (f"{n}.png", "image/png", picture()) for n in ("", "2", "3")}
    await stand.act("upload", caption="three", **files)
    await stand.hears(Said, 3)
    groups = [said.group for said in stand.all(Said)]
    assert len(set(groups)) == 1
    assert groups[0]


async def test_tg5_places_and_contacts_arrive_as_what_they_are(stand: Stand) -> None:
    await stand.act("location", latitude=48.5, longitude=2.5)
    await stand.act("location", latitude=48.5, longitude=2.5, title="Shop", address="1 Road")
    await stand.act("contact")
    await stand.hears(Said, 3)
    assert [said.message.parts for said in stand.all(Said)] == [
        (Location(48.5, 2.5),),
        (Location(48.5, 2.5, "Shop, 1 Road"),),
        (VCard("Ada", "+15550100"),),
    ]


async def test_tg6_a_file_that_is_too_large_is_said_and_told_to_the_desk(stand: Stand) -> None:
    large = b"%PDF" + b"x" * (20 * 1024 * 1024)
    await stand.act("upload", file=("a.pdf", "application/pdf", large), caption="all of it")
    assert await stand.hears(Noted) == Noted(
        "A file 'a.pdf' (20 MB) was sent that cannot be opened here: Telegram lets bots fetch up to 20 MB. "
        "Ask for a smaller one, or for a link."
    )
    assert written(stand.all(Said)[-1].message) == "all of it"


# TG7


async def test_tg7_an_edit_is_told_with_the_message_it_is_of(stand: Stand) -> None:
    made = await stand.act("say", text="on")
    await stand.hears(Said)
    await stand.act("edit", message=made["message"], text="one")
    edited = await stand.hears(Edited)
    assert (edited.ref, written(edited.message)) == (made["message"], "one")


async def test_tg7_a_reply_says_what_it_answers_and_keeps_its_words_apart(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, text("Blue or red?"))
    await stand.act("say", text="blue", reply_to=receipt.refs[0])
    said = await stand.hears(Said, 2)
    assert written(said.message) == "blue"
    assert said.message.parts[1] == Raw("telegram", {"reply_to": receipt.refs[0], "quote": ""}, "↩ Blue or red?")


async def test_tg7_reactions_go_both_ways(stand: Stand) -> None:
    to = await stand.place()
    receipt = await stand.send(to, text("Done."))
    await stand.act("react", message=receipt.refs[0], emoji="👍")
    assert await stand.hears(Reacted) == Reacted("👍", True, receipt.refs[0])
    await stand.act("react", message=receipt.refs[0], emoji="👍", add=False)
    assert await stand.hears(Reacted, 2) == Reacted("👍", False, receipt.refs[0])
    await stand.channel.react(to, receipt.refs[0], "🎉")
    assert stand.ours()[0]["reactions"] == [{"emoji": "🎉", "count": 1}]
    await stand.channel.react(to, receipt.refs[0], None)
    assert stand.ours()[0]["reactions"] == []


# TG8, TG9


async def test_tg8_in_groups_only_what_is_meant_for_it_is_heard(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    await stand.act("privacy", on=False)
    for words in ("not for it", "@sandbox_bot where is it?", "ask @sandbox_bot", "/track", "/track@other_bot"):
        await stand.act("say", group, text=words)
    await stand.hears(Said, 3)
    to = stand.inbox.arrivals[-1].to
    receipt = await stand.send(to, text("There."))
    await stand.act("say", group, text="thanks", reply_to=receipt.refs[0])
    await stand.hears(Said, 4)
    await stand.caught_up()
    heard = [written(said.message) for said in stand.all(Said)]
    assert heard == ["where is it?", "ask @sandbox_bot", "/track", "thanks"]


async def test_tg8_each_member_of_a_group_has_a_conversation(stand: Stand) -> None:
    ben = (await stand.act("person", name="Ben"))["person"]
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    ada = await stand.place(group, text="/track")
    other = await stand.place(group, text="/track", by=ben)
    assert [ada, other] == [
        Address("telegram", "shop", group, f"member {ADA}"),
        Address("telegram", "shop", group, f"member {ben}"),
    ]
    await stand.send(ada, text("For Ada."))
    await stand.send(other, text("For Ben."), key="d.1")
    heard = [said.ref for said in stand.all(Said)]
    assert [message["reply_to"] for message in stand.ours(group)] == heard


async def test_tg8_or_the_group_has_one() -> None:
    async with standing(groups="chat") as stand:
        group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
        assert await stand.place(group, text="/track") == Address("telegram", "shop", group)


async def test_tg8_a_mention_in_the_caption_of_an_album_is_for_all_of_it(stand: Stand) -> None:
    group = (await stand.act("chat", kind="supergroup", title="Team"))["chat"]
    await stand.act("privacy", on=False)
    files = {f"file{n}": (f"{n}.png", "image/png", picture()) for n in ("", "2")}
    await stand.act("upload", group, caption="@sandbox_bot broken", **files)
    await stand.hears(Said, 2)


async def test_tg9_a_topic_is_a_conversation_and_everything_goes_back_into_it(stand: Stand) -> None:
    forum = (await stand.act("chat", kind="forum", title="Forum", admin=True))["chat"]
    topic = (await stand.act("chat", kind="topic", title="Orders", parent=forum))["chat"]
    to = await stand.place(topic, text="/track")
    assert to == Address("telegram", "shop", forum, topic.partition("/")[2])
    await stand.channel.typing(to)
    assert stand.chat(topic)["typing"]
    await stand.send(to, text("Here."))
    shown = await stand.channel.show(to, "It", key="k", shown=None)
    shown = await stand.channel.show(to, "It is", key="k", shown=shown)
    await stand.send(to, text("It is so."), shown=shown, key="d.1")
    assert stand.texts(topic) == ["Here.", "It is so."]
    assert stand.texts(forum) == []


# TG11-TG13


async def test_tg11_a_business_account_is_spoken_for_and_its_owner_takes_over(stand: Stand) -> None:
    made = await stand.act("business", name="Shop")
    to = await stand.place(made["chat"], text="open today?")
    assert (to.chat, to.thread) == (str(ADA), f"business {made['connection']}")
    await stand.send(to, text("Until six."))
    assert stand.calls("sendMessage")[-1]["business_connection_id"] == made["connection"]
    await stand.act("say", made["chat"], by=made["owner"], text="Until eight today.")
    echoed = await stand.hears(Echoed)
    assert (written(echoed.message), echoed.by, echoed.name) == ("Until eight today.", made["owner"], "Shop")
    assert stand.inbox.arrivals[-1].to == to
    await stand.act("delete", made["chat"], message=1)
    assert (await stand.hears(Deleted)).ref == "1"


async def test_tg12_blocking_and_coming_back_are_told(stand: Stand) -> None:
    await stand.place()
    await stand.act("member", what="block")
    assert await stand.hears(Reachable) == Reachable(False)
    await stand.act("member", what="unblock")
    assert await stand.hears(Reachable, 2) == Reachable(True)


async def test_tg12_a_group_that_moved_is_told_with_its_new_address(stand: Stand) -> None:
    group = (await stand.act("chat", kind="group", title="Team"))["chat"]
    new = (await stand.act("migrate", group))["chat"]
    assert await stand.hears(Migrated) == Migrated(Address("telegram", "shop", new))


async def test_tg13_a_guest_is_answered_once(stand: Stand) -> None:
    made = await stand.act("guest", text="@sandbox_bot is it open?")
    await stand.hears(Said)
    to = stand.inbox.arrivals[-1].to
    await stand.send(to, Message((Text((Span("Until "), Span("six", ("bold",)))),)))
    assert stand.texts(made["chat"]) == ["Until six"]
