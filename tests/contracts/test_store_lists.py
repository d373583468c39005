"""What the console asks: which conversations need somebody, in which order, and who their customers are."""

from typing import get_args

import pytest
from msgspec.structs import replace

from bot.model import (
    BOT,
    SYSTEM,
    AgentId,
    Author,
    Card,
    Choices,
    Conversation,
    ConversationId,
    Media,
    Message,
    Noted,
    Notice,
    Option,
    Pressed,
    Said,
    Span,
    Status,
    Text,
    text,
)
from bot.testing.store import ANN, Scene
from bot.units import ContactOf, CountViews, Entry, Latest, Queue, QueueRow, View

BEN = Author("agent", "ben", "Ben")
ME = AgentId(ANN.id)


async def rows(scene: Scene, view: View, *, agent: str = ANN.id, search: str = "") -> list[QueueRow]:
    page = await scene.store.read(Queue(view=view, agent=AgentId(agent), search=search))
    assert page.next is None
    return list(page.rows)


async def chats(scene: Scene, view: View, *, agent: str = ANN.id, search: str = "") -> list[str]:
    return [row.conversation.address.chat for row in await rows(scene, view, agent=agent, search=search)]


async def set_up(scene: Scene) -> dict[str, Conversation]:
    """One conversation in each place, a minute apart; named by its chat."""
    made: dict[str, Conversation] = {}
    for chat in ("bot", "resolved", "ann", "ben", "asked", "spam"):
        made[chat] = await scene.exchange("hello", chat=chat)
        await scene.clock.advance(60)
    made["resolved"] = await settle(scene, made["resolved"], "resolved")
    made["spam"] = await settle(scene, made["spam"], "spam")
    made["ann"] = (await scene.takes_over(made["ann"])).conversation
    made["ben"] = (await scene.takes_over(made["ben"], agent=BEN)).conversation
    made["asked"] = (await scene.asks_for_a_human(await scene.asks("a human", chat="asked"))).conversation
    return made


async def settle(scene: Scene, now: Conversation, status: Status) -> Conversation:
    return (await scene.amends(replace(scene.amend(now.id), status=status))).conversation


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("needs-reply", ["asked"]),
        ("mine", ["ann"]),
        ("unassigned", ["asked"]),
        ("bot", ["bot"]),
        ("resolved", ["resolved"]),
        ("all", ["asked", "ben", "ann", "bot"]),
    ],
)
async def test_each_view_shows_its_own(scene: Scene, view: View, expected: list[str]) -> None:
    await set_up(scene)
    assert await chats(scene, view) == expected


async def test_views_are_counted(scene: Scene) -> None:
    await set_up(scene)
    counts = {"needs-reply": 1, "mine": 1, "unassigned": 1, "bot": 1, "resolved": 1, "all": 4}
    assert await scene.store.read(CountViews(ME)) == counts
    assert set(counts) == set(get_args(View))


async def test_mine_is_of_whoever_asks(scene: Scene) -> None:
    await set_up(scene)
    assert await chats(scene, "mine", agent="ben") == ["ben"]
    assert await chats(scene, "mine", agent="") == []


async def test_an_empty_store_has_empty_views(scene: Scene) -> None:
    for view in get_args(View):
        assert await rows(scene, view) == []
    assert set((await scene.store.read(CountViews(ME))).values()) == {0}


async def test_who_waits_longest_comes_first_and_then_the_latest(scene: Scene) -> None:
    for chat in ("old", "waits-long", "waits", "new"):
        await scene.exchange("hello", chat=chat)
        await scene.clock.advance(60)
    for chat in ("waits-long", "waits"):
        await scene.asks_for_a_human(await scene.asks("a human", chat=chat))
        await scene.clock.advance(60)
    assert await chats(scene, "all") == ["waits-long", "waits", "new", "old"]
    assert await chats(scene, "needs-reply") == ["waits-long", "waits"]
    assert await chats(scene, "unassigned") == ["waits-long", "waits"]


async def test_what_is_urgent_comes_before_what_waits_longer(scene: Scene) -> None:
    for chat, priority in (("usual", 0), ("urgent", 9), ("rather", 3), ("urgent-later", 9)):
        await scene.asks_for_a_human(await scene.asks("a human", chat=chat), priority=priority)
        await scene.clock.advance(60)
    expected = ["urgent", "urgent-later", "rather", "usual"]
    for view in ("needs-reply", "unassigned", "all"):
        assert await chats(scene, view) == expected


async def test_a_request_that_is_over_was_urgent_once(scene: Scene) -> None:
    done = await scene.asks_for_a_human(await scene.asks("a human", chat="1"), priority=9)
    taken = (await scene.takes_over(done.conversation)).conversation
    (row,) = await rows(scene, "mine")
    assert row.priority == 9
    await scene.amends(scene.controls(taken, "bot"))
    (row,) = await rows(scene, "bot")
    assert (row.priority, row.waiting_since) == (0, None)


@pytest.mark.parametrize("most", [1, 2, 3, 7])
async def test_pages_together_are_the_whole_queue(scene: Scene, most: int) -> None:
    for chat in range(7):
        await scene.exchange("hello", chat=str(chat))
        if chat % 2:  # some at the same instant
            await scene.clock.advance(60)
    for chat in (2, 4, 5):
        await scene.asks_for_a_human(await scene.asks("a human", chat=str(chat)), priority=chat % 2)
    whole = await chats(scene, "all")
    paged: list[str] = []
    cursor: str | None = None
    while True:
        page = await scene.store.read(Queue(view="all", agent=ME, most=most, cursor=cursor))
        assert len(page.rows) <= most
        paged += (row.conversation.address.chat for row in page.rows)
        cursor = page.next
        if cursor is None:
            break
    assert paged == whole
    assert len(whole) == 7


async def test_a_page_goes_on_where_the_last_one_ended_although_somebody_came_between(scene: Scene) -> None:
    for chat in range(4):
        await scene.exchange("hello", chat=str(chat))
        await scene.clock.advance(60)
    first = await scene.store.read(Queue(view="all", agent=ME, most=2))
    await scene.exchange("hello", chat="new")
    second = await scene.store.read(Queue(view="all", agent=ME, most=2, cursor=first.next))
    assert [row.conversation.address.chat for row in (*first.rows, *second.rows)] == ["3", "2", "1", "0"]


async def test_a_cursor_that_is_not_ours_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await scene.store.read(Queue(view="all", agent=ME, cursor="l.x'; --"))


async def test_one_conversation_can_be_asked_for(scene: Scene) -> None:
    made = await set_up(scene)
    for chat, view, found in (("ann", "mine", 1), ("ben", "mine", 0), ("asked", "all", 1), ("spam", "all", 0)):
        asked = Queue(view=view, agent=ME, conversation=made[chat].id)  # type: ignore[arg-type]
        assert len((await scene.store.read(asked)).rows) == found


@pytest.mark.parametrize(
    ("search", "expected"),
    [("bo", ["2", "1"]), ("BO ", ["1"]), ("parcel", ["2"]), ("50%", ["3"]), ("0_", []), ("\\", []), ("zebra", [])],
)
async def test_names_and_last_words_are_searched(scene: Scene, search: str, expected: list[str]) -> None:
    for chat, name, words in (("1", "Bo Berg", "hello"), ("2", "Ida", "my Parcel, said Bo"), ("3", "Eva", "50% off")):
        await scene.store.write(scene.accept(words, chat=chat, name=name))
        await scene.clock.advance(60)
    assert await chats(scene, "all", search=search) == expected


async def test_a_row_tells_what_an_agent_needs_to_choose(scene: Scene) -> None:
    await scene.store.write(scene.accept("hello", name="Bo"))
    (claimed,) = await scene.claims()
    asked_at = scene.clock.now()
    done = await scene.asks_for_a_human(claimed, note="wants a refund", priority=2)
    await scene.clock.advance(60)
    await scene.says("anybody?")
    (row,) = await rows(scene, "unassigned")
    assert row == QueueRow(
        conversation=(await scene.found(done.conversation.id)).conversation,
        customer="Bo",
        reason="asked",
        note="wants a refund",
        priority=2,
        last_by="customer",
        last_text="anybody?",
        last_at=scene.clock.now(),
        waiting_since=asked_at,
        unread=2,
    )


# Since when somebody waits, and what is unread


async def test_an_agents_words_end_the_wait_and_the_next_message_begins_it(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    taken = await scene.takes_over(asked.conversation)
    assert (await rows(scene, "needs-reply"))[0].waiting_since is not None
    await scene.amends(scene.replies(taken.conversation, "hi"))
    assert await rows(scene, "needs-reply") == []
    await scene.clock.advance(60)
    since = scene.clock.now()
    await scene.says("so?")
    await scene.clock.advance(60)
    await scene.says("hello?")
    (row,) = await rows(scene, "needs-reply")
    assert (row.waiting_since, row.unread) == (since, 2)


async def test_a_note_ends_no_wait(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    await scene.amends(scene.amend(asked.conversation.id, Entry(ANN, Noted("busy"), 1)))
    assert len(await rows(scene, "needs-reply")) == 1


async def test_a_notice_of_the_system_is_no_news(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    await scene.takes_over(asked.conversation)
    notice = Entry(SYSTEM, Said(text("Ann has joined.")), asked.conversation.control.epoch + 1, public=True)
    await scene.amends(scene.amend(asked.conversation.id, notice))
    (row,) = await rows(scene, "mine")
    assert (row.last_by, row.last_text, row.unread) == ("customer", "a human", 1)


async def test_back_with_the_bot_nobody_waits_for_a_human(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    await scene.amends(scene.controls(asked.conversation, "bot"))
    assert await rows(scene, "needs-reply") == []
    await scene.says("hello")
    assert await rows(scene, "needs-reply") == []


async def test_in_a_resolved_conversation_nobody_waits(scene: Scene) -> None:
    asked = await scene.asks_for_a_human(await scene.asks("a human"))
    await settle(scene, asked.conversation, "resolved")
    assert await rows(scene, "needs-reply") == []


async def test_who_takes_over_before_the_bot_answered_owes_the_answer(scene: Scene) -> None:
    claimed = await scene.asks("hello")
    await scene.takes_over(claimed.conversation)
    assert len(await rows(scene, "needs-reply")) == 1


async def test_the_bots_words_are_an_answer_but_no_humans(scene: Scene) -> None:
    now = await scene.exchange("hello")
    (row,) = await rows(scene, "all")
    assert (row.unread, row.last_by, row.last_text) == (0, "bot", "hello")
    taken = await scene.takes_over(now)
    await scene.says("so?")
    await scene.amends(scene.amend(taken.conversation.id, Entry(BOT, Said(text("psst")), 1, public=True)))
    (row,) = await rows(scene, "needs-reply")
    assert (row.unread, row.last_text) == (0, "psst")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (text("  two\n lines\t"), "two lines"),
        (text("é" * 1000), "é" * 140),
        (
            Message((Text((Span("bold", ("bold",)), Span(" move"))), Notice("key", "the system"))),
            "bold move the system",
        ),
        (Message((Choices((Option("Yes", "yes"),), "Is it?"),)), "Is it?"),
        (Message((Text((Span("See"),)), Card("A shoe"))), "See A shoe"),
        (Message((Choices((Option("Yes", "yes"),)),)), ""),
        (Message((Media("image", "f-1", "shoe.jpg", caption="broken"),)), "[image] shoe.jpg broken"),
    ],
    ids=["white space", "long", "parts", "choices", "card", "nothing to show", "a picture"],
)
async def test_a_list_shows_the_start_of_the_last_words(scene: Scene, message: Message, shown: str) -> None:
    claimed = await scene.asks("hello")
    await scene.store.write(scene.commit(claimed, entries=[Entry(BOT, Said(message), 0, public=True)]))
    (row,) = await rows(scene, "all")
    assert row.last_text == shown


async def test_a_pressed_button_is_shown_by_its_label(scene: Scene) -> None:
    await scene.store.write(scene.accept(bodies=(Pressed("token", "Yes, please"),)))
    (row,) = await rows(scene, "all")
    assert (row.last_by, row.last_text) == ("customer", "Yes, please")


# The customer


async def test_a_customers_card(scene: Scene) -> None:
    unit = scene.accept("hello", name="Bo", language="da", by="bo")
    await scene.store.write(unit)
    card = await scene.store.read(ContactOf(unit.conversation))
    assert card is not None
    assert (card.id, card.name, card.language, card.created_at) == (unit.contact, "Bo", "da", unit.at)
    assert (card.conversations, card.identities) == (1, (("memory", "bo"),))
    assert await scene.store.read(ContactOf(ConversationId("0" * 32))) is None


async def test_a_visitor_finds_the_open_conversation_they_spoke_in_last(scene: Scene) -> None:
    async def says(thread: str) -> Conversation:
        await scene.clock.advance(60)
        kept = await scene.store.write(scene.accept("hello", chat="visitor", thread=thread))
        return (await scene.found(kept.conversation)).conversation

    async def last() -> ConversationId | None:
        found = await scene.store.read(Latest(channel="memory", account="shop", chat="visitor"))
        return found.id if found else None

    assert await last() is None
    first, second = await says("1"), await says("2")
    assert await last() == second.id
    await says("1")
    assert await last() == first.id
    await settle(scene, first, "resolved")
    assert await last() == second.id
    await settle(scene, second, "resolved")
    assert await last() is None
