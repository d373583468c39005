"""What a visitor says and is told, the same on both carriers."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bot.errors import StoreDown
from bot.model import Control, Controlled, Partial, Submitted
from bot.ports import FormErrors, Stopped, Typed
from tests.channels.web.house import MARA, House, Visitor, words


async def test_hello_writes_nothing_and_offers_a_new_conversation(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    welcome = reader.welcome
    assert {key: welcome[key] for key in ("seq", "events", "draft", "more")} == {
        "seq": 0,
        "events": [],
        "draft": None,
        "more": False,
    }
    assert welcome["control"] == {"state": "bot", "speaker": {"kind": "bot", "name": "Ada", "ai": True}}
    assert welcome["limits"]["text_bytes"] == 8192
    assert welcome["greeting"]["language"] == "en-GB"
    assert len(reader.thread) == 32
    assert house.receive.arrivals == []
    await reader.close()


async def test_what_is_said_is_acknowledged_and_told_to_the_reader(
    house: House, visitor: Visitor, carrier: str
) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    assert await reader.say("Where is my order?", id) == {"frame": "ack", "id": id, "seq": 1}
    conversation = await house.conversation(visitor.identity, reader.thread)
    await house.say(conversation, "It left our depot.")
    events = await reader.holds(2)
    assert reader.texts == ["Where is my order?", "It left our depot."]
    assert [event["by"]["kind"] for event in events] == ["customer", "bot"]
    assert events[0]["ref"] == id
    assert reader.gaps == []
    await reader.close()


async def test_the_first_words_are_told_without_asking_the_store(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    before = house.store.reads
    await reader.say("Hello?")
    await reader.holds(1)
    assert house.store.reads == before
    await reader.close()


async def test_an_arrival_names_visitor_conversation_and_bytes(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    id = str(uuid.uuid4())
    await reader.say("Cafe\u0301\u0000", id)
    arrival = house.receive.arrivals[0]
    assert arrival.to.channel == "web"
    assert (arrival.account, arrival.to.account) == ("shop", "shop")
    assert (arrival.by, arrival.to.chat, arrival.to.thread) == (visitor.identity, visitor.identity, reader.thread)
    assert arrival.language == "en-GB"
    assert b"Cafe" in arrival.raw
    assert visitor.token.encode() not in arrival.raw
    await reader.holds(1)
    assert reader.texts == ["Café"]
    await reader.close()


async def test_a_press_carries_its_token(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    answer = await reader.send({"frame": "press", "id": id, "token": "abc_DEF-123", "label": "Track order"})
    assert answer == {"frame": "ack", "id": id, "seq": 1}
    assert (await reader.holds(1))[0] | {"at": ""} == {
        "kind": "pressed",
        "seq": 1,
        "at": "",
        "token": "abc_DEF-123",
        "label": "Track order",
        "ref": id,
    }
    await reader.close()


async def test_a_form_is_submitted_under_its_token(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    answer = await reader.send({"frame": "submit", "id": id, "token": "abc_DEF-123", "values": {"name": "Ana\u0000"}})
    assert answer == {"frame": "ack", "id": id, "seq": 1}
    assert house.receive.arrivals[-1].bodies == (Submitted("abc_DEF-123", {"name": "Ana"}, id),)
    assert (await reader.holds(1))[0] | {"at": ""} == {
        "kind": "submitted",
        "seq": 1,
        "at": "",
        "token": "abc_DEF-123",
        "values": {"name": "Ana"},
        "ref": id,
    }
    await reader.close()


async def test_what_is_wrong_with_a_form_is_told_by_field(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    house.receive.now = FormErrors({"name": "Nobody is called that."})
    id = str(uuid.uuid4())
    answer = await reader.send({"frame": "submit", "id": id, "token": "abc", "values": {"name": "?"}})
    assert (answer["code"], answer["id"], answer["wait"]) == ("invalid", id, None)
    assert answer["errors"] == {"name": "Nobody is called that."}
    await reader.close()


async def test_a_repeat_has_the_first_acknowledgement_again(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    first = await reader.say("Once", id)
    await reader.say("Between")
    assert await reader.say("Once", id) == first
    await reader.holds(2)
    assert reader.texts == ["Once", "Between"]
    await reader.close()


async def test_the_same_id_with_other_words_is_a_conflict(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    await reader.say("One thing", id)
    refusal = await reader.say("Another", id)
    assert (refusal["frame"], refusal["code"], refusal["id"], refusal["wait"]) == ("refused", "conflict", id, None)
    assert (await reader.say("More"))["frame"] == "ack"
    await reader.close()


async def test_repeats_at_the_same_time_are_one_message(house: House, visitor: Visitor) -> None:
    first, second = await visitor.socket(), await visitor.stream()
    thread, id = first.thread, str(uuid.uuid4())
    frame = {"frame": "say", "id": id, "text": "Once"}
    posts = asyncio.gather(*(visitor.frames(frame, thread) for _ in range(20)))
    answer, answers = await asyncio.gather(first.send(frame), posts)
    assert {answer["seq"], *(each.json()["seq"] for each in answers)} == {1}
    await first.say("Last")
    await first.holds(2)
    assert first.texts == ["Once", "Last"]
    await first.close()
    await second.close()


async def test_one_visitors_ids_do_not_stand_for_anothers(house: House, visitor: Visitor) -> None:
    other = Visitor(house, visitor.http)
    await other.sign_in()
    id = str(uuid.uuid4())
    mine, theirs = await visitor.socket(), await other.socket()
    await mine.say("Mine", id)
    await theirs.say("Theirs", id)
    await theirs.holds(1)
    assert theirs.texts == ["Theirs"]
    await mine.close()
    await theirs.close()


async def test_two_tabs_are_told_the_same(house: House, visitor: Visitor) -> None:
    first = await visitor.socket()
    await first.say("One")
    second = await visitor.stream()
    assert second.thread == first.thread
    third = await visitor.socket(second.thread, after=1)
    await second.say("Two")
    conversation = await house.conversation(visitor.identity, first.thread)
    await house.say(conversation, "Three")
    await asyncio.gather(first.holds(3), second.holds(3), third.holds(2))
    assert (first.texts, second.texts, third.texts) == (
        ["One", "Two", "Three"],
        ["One", "Two", "Three"],
        ["Two", "Three"],
    )
    assert first.gaps == second.gaps == third.gaps == []
    for reader in (first, second, third):
        await reader.close()


async def test_a_tab_that_waits_hears_the_first_words_of_another(house: House, visitor: Visitor) -> None:
    first = await visitor.socket()
    second = await visitor.stream(first.thread)
    await second.say("Begun over there")
    await first.holds(1)
    await second.holds(1)
    assert first.texts == second.texts == ["Begun over there"]
    await first.close()
    await second.close()


async def test_the_latest_open_conversation_is_found_again(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("One")
    await reader.close()
    again = await visitor.read(carrier)
    assert again.thread == reader.thread
    assert again.texts == ["One"]
    fresh = await visitor.read(carrier, uuid.uuid4().hex)
    assert fresh.welcome["seq"] == 0
    await again.close()
    await fresh.close()


@pytest.mark.parametrize("thread", ["x", "../../etc", "0" * 31, "A" * 32, "0" * 33, "\u0660" * 32, "%00"])
async def test_a_conversation_must_be_named_as_we_name_them(
    house: House, visitor: Visitor, carrier: str, thread: str
) -> None:
    reader = await visitor.bare_socket() if carrier == "socket" else await visitor.stream(thread)
    if carrier == "socket":
        await reader.send({"frame": "hello", "token": visitor.token, "conversation": thread, "after": 0})
    assert (await reader.next("refused"))["code"] == "unknown_conversation"
    await reader.close()


async def test_nobody_reads_what_is_not_theirs(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("My secret")
    thief = Visitor(house, visitor.http)
    await thief.sign_in()
    stolen = await thief.read(carrier, reader.thread)
    assert stolen.welcome["events"] == []
    await stolen.say("Mine")
    await stolen.holds(1)
    assert stolen.texts == ["Mine"]
    assert reader.texts == ["My secret"]
    await stolen.close()
    await reader.close()


async def test_older_events_come_page_by_page(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("0")
    conversation = await house.conversation(visitor.identity, reader.thread)
    for number in range(1, 250):
        await house.say(conversation, str(number))
        if number % 3 == 0:
            await house.note(conversation, "between")
    late = await visitor.read(carrier, reader.thread)
    seen = late.welcome["events"]
    assert [words(event) for event in seen] == [str(number) for number in range(150, 250)]
    more = late.welcome["more"]
    while more:
        page = await late.send({"frame": "older", "before": seen[0]["seq"]})
        seen, more = page["events"] + seen, page["more"]
    assert [words(event) for event in seen] == [str(number) for number in range(250)]
    await late.close()
    await reader.close()


async def test_a_reader_far_behind_is_told_everything_in_order(house: House, visitor: Visitor, carrier: str) -> None:
    first = await visitor.read(carrier)
    await first.say("0")
    await first.close()
    conversation = await house.conversation(visitor.identity, first.thread)
    for number in range(1, 450):
        await house.say(conversation, str(number))
    late = await visitor.read(carrier, first.thread, after=1)
    await late.holds(449)
    assert late.texts == [str(number) for number in range(1, 450)]
    assert late.gaps == []
    await late.close()


async def test_control_is_told_as_it_changes(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("A person, please")
    conversation = await house.conversation(visitor.identity, reader.thread)
    for control, by in (
        (Control("queued", 1), MARA),
        (Control("offered", 2, holder="agent-mara", holder_name="Mara"), MARA),
        (Control("human", 3, holder="agent-mara", holder_name="Mara"), MARA),
        (Control("wrap_up", 4, holder="agent-mara", holder_name="Mara"), MARA),
        (Control("bot", 5), MARA),
    ):
        await house.write(conversation, Controlled(control, "bot", by), by=by)
    await house.write(conversation, Controlled(Control("bot", 6), "human", MARA, "resolved"), by=MARA)
    await house.write(conversation, Partial("It left our"))
    events = await reader.holds(8)
    assert [(event["control"]["state"], event["control"]["speaker"].get("name")) for event in events[1:7]] == [
        ("queued", "Ada"),
        ("queued", "Ada"),
        ("human", "Mara"),
        ("closed", "Mara"),
        ("bot", "Ada"),
        ("closed", "Mara"),
    ]
    assert (events[7]["kind"], events[7]["text"]) == ("partial", "It left our")
    await reader.close()


async def test_typing_goes_both_ways(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("Hello")
    conversation = await house.conversation(visitor.identity, reader.thread)
    heard = list[object]()
    house.bus.listen(conversation, heard.append)
    house.publish(Typed(conversation, "agent", "Mara", "agent-mara", 6.0))
    house.publish(Typed(conversation, "bot", "", "", 0.0))
    await reader.next("typing", 2)
    assert reader.of("typing") == [
        {"frame": "typing", "who": {"kind": "agent", "name": "Mara", "face": None}, "seconds": 6.0},
        {"frame": "typing", "who": {"kind": "bot", "name": "Ada", "ai": True}, "seconds": 0.0},
    ]
    heard.clear()
    for frame in ({"frame": "typing"}, {"frame": "stop"}, {"frame": "read", "seq": 1}):
        if carrier == "socket":
            await reader.post(frame)  # type: ignore[attr-defined]  # a socket's
        else:
            assert await reader.send(frame) == {}
    await reader.say("Done")
    assert heard[:2] == [Typed(conversation, "customer", "", visitor.identity, 6.0), Stopped(conversation)]
    await reader.close()


async def test_hello_again_on_a_live_connection_goes_on_from_its_cursor(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    await reader.say("One")
    await reader.say("Two")
    await reader.holds(2)
    await reader.post({"frame": "hello", "token": visitor.token, "conversation": reader.thread, "after": 1})
    again = await reader.next("welcome", 2)
    assert [words(event) for event in again["events"]] == ["Two"]
    await reader.say("Three")
    await reader.until(lambda: reader.texts[-1] == "Three")
    other = uuid.uuid4().hex
    await reader.post({"frame": "hello", "token": visitor.token, "conversation": other, "after": 0})
    assert (await reader.next("welcome", 3))["conversation"] == other
    await reader.say("Elsewhere")
    await reader.until(lambda: reader.texts == ["Elsewhere"])
    assert reader.gaps == []
    await reader.close()


async def test_polling_is_a_hello_by_post(house: House, visitor: Visitor) -> None:
    hello = {"frame": "hello", "token": visitor.token, "conversation": "", "after": 0}
    thread = (await visitor.frames(hello, "")).json()["conversation"]
    await visitor.frames({"frame": "say", "id": str(uuid.uuid4()), "text": "Polled"}, thread)
    answer = (await visitor.frames(hello, "")).json()
    assert (answer["frame"], answer["conversation"], answer["seq"]) == ("welcome", thread, 1)
    assert [words(event) for event in answer["events"]] == ["Polled"]


async def test_while_the_store_is_down_nothing_is_acknowledged_and_nothing_lost(
    house: House, visitor: Visitor, carrier: str
) -> None:
    reader = await visitor.read(carrier)
    await reader.say("Before")
    house.store.down = StoreDown("gone")
    id = str(uuid.uuid4())
    refusal = await reader.say("During", id)
    assert (refusal["code"], refusal["id"], refusal["wait"]) == ("unavailable", id, 2.0)
    house.store.down = None
    assert (await reader.say("During", id))["frame"] == "ack"
    await reader.holds(2)
    assert reader.texts == ["Before", "During"]
    await reader.close()


async def test_a_hello_while_the_store_is_down_is_refused_with_a_wait(
    house: House, visitor: Visitor, carrier: str
) -> None:
    house.store.down = StoreDown("gone")
    if carrier == "socket":
        reader = await visitor.bare_socket()
        await reader.post({"frame": "hello", "token": visitor.token})
        refusal = await reader.next("refused")
        assert (refusal["code"], refusal["wait"]) == ("unavailable", 2.0)
        assert (await reader.say("Too early"))["code"] == "unavailable"
        house.store.down = None
        await reader.post({"frame": "hello", "token": visitor.token})
        await reader.next("welcome")
        await reader.close()
    else:
        stream = await visitor.stream()
        assert (stream.status, (await stream.next("refused"))["wait"]) == (503, 2.0)
        answer = await visitor.frames({"frame": "hello", "token": visitor.token}, "")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_the_connection_says_goodbye(house: House, visitor: Visitor) -> None:
    reader = await visitor.socket()
    await reader.post({"frame": "bye"})
    await reader.over()
    assert reader.connection.close_code == 1000
