"""The live socket: nothing missed, nothing twice, nobody who may not be there, and no frame that breaks it."""

import asyncio
import random
from contextlib import AsyncExitStack

import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from bot.model import Author, ConversationId, Event, Noted
from bot.ports import Drafted, DraftReset, Happened, News, Typed
from bot.testing.clock import START, settle
from bot.units import CountViews
from channels.console import screen
from channels.console.accounts import disable_agent
from channels.console.console import MOST_SCREENS
from channels.console.frames import (
    CaughtUp,
    Counts,
    Draft,
    EventFrame,
    Ping,
    Ready,
    RefusedFrame,
    Reset,
    RowFrame,
    Typing,
    Viewers,
)
from channels.console.live import ROW_EVERY
from channels.console.screen import PING_EVERY, SIGNED_OUT
from tests.channels.console.conftest import Line, Served, eventually

NOBODYS = ConversationId("0" * 32)


async def watched(line: Line, id: ConversationId, after: int = 0) -> list[Event]:
    """Says `watch`; the events told until it has caught up."""
    await line.say(frame="watch", conversation=id, after=after)
    events = list[Event]()
    while True:
        match await line.next():
            case EventFrame(conversation, event) if conversation == id:
                events.append(event)
            case CaughtUp(conversation) if conversation == id:
                return events
            case _:
                pass


# Who may


async def test_a_screen_begins_with_the_counts(served: Served) -> None:
    await served.place.room.says("hello")
    async with served.line(await served.browser(served.place.jo)) as line:
        ready = await line.next()
    assert ready == Ready(await served.place.room.store.read(CountViews(served.place.jo.id)))


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://127.0.0.1:1", "http://localhost:8080"]
)
async def test_another_sites_page_gets_no_socket(served: Served, origin: str | None) -> None:
    browser = await served.browser(served.place.jo)
    with pytest.raises(InvalidStatus) as refused:
        async with served.line(browser, origin=Origin(origin) if origin else None):
            pass
    assert refused.value.response.status_code == 403


async def test_a_stranger_gets_no_socket(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with served.line(served.place.browser(base=served.base)):
            pass
    assert refused.value.response.status_code == 403


async def test_signing_out_ends_the_socket_at_once(served: Served) -> None:
    jo, kim = await served.browser(served.place.jo), await served.browser(served.place.kim)
    async with served.line(jo) as line, served.line(jo) as other_tab, served.line(kim) as kims:
        for one in (line, other_tab, kims):
            await one.until(Ready)
        await jo.post("/sign-out")
        for one in (line, other_tab):
            assert (await one.until(RefusedFrame)).code == "signed_out"
            assert await one.closed() == SIGNED_OUT
        await kims.say(frame="watch", conversation=NOBODYS)
        assert (await kims.until(RefusedFrame)).code == "not_found"


async def test_a_disabled_account_loses_its_socket(served: Served) -> None:
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        await disable_agent(served.place.room.store, served.place.jo.email)
        await served.place.room.clock.advance(PING_EVERY)
        assert (await line.until(RefusedFrame)).code == "signed_out"
        assert await line.closed() == SIGNED_OUT


async def test_one_sign_in_opens_so_many_screens_and_no_more(served: Served) -> None:
    browser = await served.browser(served.place.jo)
    async with AsyncExitStack() as stack:
        for _ in range(MOST_SCREENS):
            await (await stack.enter_async_context(served.line(browser))).until(Ready)
        with pytest.raises(InvalidStatus):
            await stack.enter_async_context(served.line(browser))


# The queue


async def test_a_row_that_changes_is_told_with_its_views(served: Served) -> None:
    room, jo = served.place.room, served.place.jo
    async with served.line(await served.browser(jo)) as line:
        await line.until(Ready)
        id = await room.says("where is my parcel")
        told = await line.until(RowFrame)
        assert (told.row.id, told.row.last_text, told.views) == (id, "where is my parcel", ("bot", "all"))

        await room.clock.advance(ROW_EVERY)
        await room.desk.take_over(id, jo, 0)
        told = await line.until(RowFrame)
        assert told.row.control.holder == jo.id
        assert "mine" in told.views
        assert "bot" not in told.views


async def test_the_views_are_the_ones_of_the_agent(served: Served) -> None:
    room, place = served.place.room, served.place
    id = await room.says("hello")
    async with served.line(await served.browser(place.jo)) as jo, served.line(await served.browser(place.kim)) as kim:
        await jo.until(Ready)
        await kim.until(Ready)
        await room.desk.take_over(id, place.jo, 0)
        mine, not_mine = await jo.until(RowFrame), await kim.until(RowFrame)
    assert mine.row == not_mine.row
    assert set(mine.views) - set(not_mine.views) == {"mine"}


async def test_a_busy_row_is_read_once_in_a_while(served: Served) -> None:
    room = served.place.room
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        id = await room.says("one")
        await line.until(RowFrame)
        for n in range(20):
            await room.desk.note(id, served.place.kim, f"note {n}")
            await settle(5)
        await room.clock.advance(ROW_EVERY)
        assert (await line.until(RowFrame)).row.last_seq == 21
        await room.clock.advance(ROW_EVERY * 5)
        await line.say(frame="watch", conversation=NOBODYS)
        await line.until(RefusedFrame)
    assert not [frame for frame in line.skipped if isinstance(frame, RowFrame)]


async def test_counts_follow_the_rows(served: Served) -> None:
    room = served.place.room
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        await room.says("hello")
        await line.until(RowFrame)
        assert (await line.until(Counts)).views["bot"] == 1


# A conversation


async def test_watching_tells_what_was_and_what_comes(served: Served) -> None:
    room = served.place.room
    id = await room.says("one")
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        assert [event.seq for event in await watched(line, id)] == [1]
        await room.says("two")
        assert (await line.until(EventFrame)).event == (await room.log(id))[-1]
        await room.desk.note(id, served.place.kim, "a note")
        assert (await line.until(EventFrame)).event.body == Noted("a note")


async def test_watching_goes_on_from_where_one_was(served: Served) -> None:
    room = served.place.room
    id = await room.says("one")
    for n in range(500):
        await room.desk.note(id, served.place.kim, f"note {n}")
    async with served.line(await served.browser(served.place.jo)) as line:
        assert [event.seq for event in await watched(line, id, after=37)] == list(range(38, 502))
        assert await watched(line, id, after=501) == []
        assert await watched(line, id, after=10_000) == []


async def test_watching_again_is_watching_once(served: Served) -> None:
    room = served.place.room
    id = await room.says("one")
    async with served.line(await served.browser(served.place.jo)) as line:
        for _ in range(3):
            assert [event.seq for event in await watched(line, id)] == [1]
        await room.says("two")
        await settle()
        await line.say(frame="watch", conversation=NOBODYS)
        await line.until(RefusedFrame)
    assert [frame.event.seq for frame in line.skipped if isinstance(frame, EventFrame)] == [2]


async def test_what_the_bus_loses_is_read_from_the_log(served: Served) -> None:
    room = served.place.room
    id = await room.says("one")
    async with served.line(await served.browser(served.place.jo)) as line:
        await watched(line, id)
        served.place.bus.loses = True
        await room.says("two")
        await room.says("three")
        served.place.bus.loses = False
        await room.says("four")
        assert [(await line.until(EventFrame)).event.seq for _ in range(3)] == [2, 3, 4]

        served.place.bus.loses = True
        await room.says("five")
        await room.clock.advance(PING_EVERY)
        assert (await line.until(EventFrame)).event.seq == 5


async def test_what_the_bus_tells_twice_or_late_is_told_once(served: Served) -> None:
    room = served.place.room
    id = await room.says("one")
    async with served.line(await served.browser(served.place.jo)) as line:
        await watched(line, id)
        await room.says("two")
        await room.says("three")
        one, two, three = await room.log(id)
        for events in ((three,), (two,), (one, two, three), (two, three)):
            room.bus.publish(Happened(id, events))
        await room.says("four")
        assert [(await line.until(EventFrame)).event.seq for _ in range(3)] == [2, 3, 4]


async def test_over_many_cuts_each_event_comes_once_and_in_order(served: Served) -> None:
    room, chance = served.place.room, random.Random(7)
    id = await room.says("one")
    browser = await served.browser(served.place.jo)
    held = list[int]()

    async def writes() -> None:
        for n in range(200):
            await room.desk.note(id, served.place.kim, f"note {n}")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writes())
        while not held or held[-1] < 201:
            async with served.line(browser) as line:
                await line.say(frame="watch", conversation=id, after=held[-1] if held else 0)
                for _ in range(chance.randrange(1, 40)):
                    frame = await line.next()
                    if isinstance(frame, EventFrame):
                        held.append(frame.event.seq)
                    if held and held[-1] == 201:
                        break
    assert held == list(range(1, 202))


async def test_what_is_not_watched_is_not_told(served: Served) -> None:
    room = served.place.room
    id, other = await room.says("one"), await room.says("one", by="ben")
    async with served.line(await served.browser(served.place.jo)) as line:
        await watched(line, id)
        await watched(line, other)
        await line.say(frame="unwatch", conversation=id)
        await line.say(frame="watch", conversation=NOBODYS)
        await line.until(RefusedFrame)
        await room.says("two")
        await room.says("two", by="ben")
        assert (await line.until(EventFrame)).conversation == other


async def test_drafts_are_passed_on_and_the_one_in_progress_is_whole(served: Served) -> None:
    room = served.place.room
    id = await room.says("hello")
    room.bus.publish(Drafted(id, 0, 1, 1, 0, "Your "))
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.say(frame="watch", conversation=id)
        assert await line.until(Draft) == Draft(id, 0, 1, 1, 0, "Your ")
        room.bus.publish(Drafted(id, 0, 1, 2, 5, "parcel"))
        assert await line.until(Draft) == Draft(id, 0, 1, 2, 5, "parcel")
        room.bus.publish(DraftReset(id, 0, "control"))
        assert await line.until(Reset) == Reset(id, 0, "control")


async def test_the_holders_typing_is_told_to_all_but_the_holder(served: Served) -> None:
    room, place = served.place.room, served.place
    id = await room.says("hello")
    await room.desk.take_over(id, place.jo, 0)
    heard = list[News]()
    async with served.line(await served.browser(place.jo)) as jo, served.line(await served.browser(place.kim)) as kim:
        await watched(jo, id)
        await watched(kim, id)
        room.bus.listen(id, heard.append)
        for _ in range(5):
            await jo.say(frame="typing", conversation=id)
        assert await kim.until(Typing) == Typing(id, Author("agent", place.jo.id, "Jo"), 5.0)
        room.bus.publish(Typed(id, "customer", "Ana", "ana", 3.0))
        assert await jo.until(Typing) == Typing(id, Author("customer", "ana", "Ana"), 3.0)
    assert heard.count(Typed(id, "agent", "Jo", place.jo.id, 5.0)) == 1


@pytest.mark.parametrize(("holder", "kind"), [("jo", "note"), ("kim", "reply"), (None, "reply")])
async def test_other_typing_is_told_to_colleagues_only(served: Served, holder: str | None, kind: str) -> None:
    room, place = served.place.room, served.place
    id = await room.says("hello")
    if holder:
        await room.desk.take_over(id, {"jo": place.jo, "kim": place.kim}[holder], 0)
    heard = list[News]()
    async with served.line(await served.browser(place.jo)) as jo, served.line(await served.browser(place.kim)) as kim:
        await watched(jo, id)
        await watched(kim, id)
        room.bus.listen(id, heard.append)
        await jo.say(frame="typing", conversation=id, kind=kind)
        assert await kim.until(Typing) == Typing(id, Author("agent", place.jo.id, "Jo"), 5.0)
    assert heard == []


async def test_nobody_types_where_they_do_not_look(served: Served) -> None:
    room = served.place.room
    id = await room.says("hello")
    heard = list[News]()
    room.bus.listen(id, heard.append)
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.say(frame="typing", conversation=id)
        await line.say(frame="watch", conversation=NOBODYS)
        await line.until(RefusedFrame)
    assert heard == []


async def test_who_looks_on_is_told_who_else_does(served: Served) -> None:
    place = served.place
    id = await place.room.says("hello")
    jos = await served.browser(place.jo)
    async with served.line(jos) as jo:
        await jo.say(frame="watch", conversation=id)
        assert (await jo.until(Viewers)).agents == ()
        async with served.line(jos) as other_tab:
            await other_tab.say(frame="watch", conversation=id)
            assert (await jo.until(Viewers)).agents == ()
            async with served.line(await served.browser(place.kim)) as kim:
                await kim.say(frame="watch", conversation=id)
                assert (await kim.until(Viewers)).agents == ("Jo",)
                assert (await jo.until(Viewers)).agents == ("Kim",)
            assert (await jo.until(Viewers)).agents == ()


# Life and death of a line


async def test_silence_is_the_end(served: Served) -> None:
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        for _ in range(3):
            await served.place.room.clock.advance(PING_EVERY)
            await line.until(Ping)
        await line.say(frame="pong")
        await eventually(lambda: _heard_at(served) == served.place.room.clock.monotonic())
        for _ in range(3):
            await served.place.room.clock.advance(PING_EVERY)
            await line.until(Ping)
        await served.place.room.clock.advance(PING_EVERY)
        await line.closed()


def _heard_at(served: Served) -> float:
    (shown,) = served.place.console._live._screens
    assert isinstance(shown, screen.Screen)
    return shown._heard_at


BAD_FRAMES: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "{",
    "not an object": "[]",
    "null": "null",
    "no tag": '{"conversation": "x"}',
    "unknown tag": '{"frame": "run", "script": "alert(1)"}',
    "a servers frame": '{"frame": "ping"}',
    "wrong type": '{"frame": "watch", "conversation": 1}',
    "a field too many": '{"frame": "pong", "x": 1}',
    "no id": '{"frame": "watch", "conversation": "x"}',
    "an id with NUL": '{"frame": "watch", "conversation": "\\u0000"}',
    "a lone surrogate": '{"frame": "watch", "conversation": "\\ud800"}',
    "before the beginning": '{"frame": "watch", "conversation": "' + "0" * 32 + '", "after": -1}',
    "beyond numbers": '{"frame": "watch", "conversation": "' + "0" * 32 + '", "after": 99999999999999999999}',
    "deep": "[" * 10_000,
    "deep and whole": '{"frame": "pong", "x": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "huge": '{"frame": "watch", "conversation": "' + "x" * 200_000 + '"}',
    "bytes": b"\xff\xfe\x00",
    "number": "1e400",
}


async def test_a_malformed_frame_is_refused_and_harms_nothing(served: Served) -> None:
    id = await served.place.room.says("hello")
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        for frame in BAD_FRAMES.values():
            await line.socket.send(frame)
            assert (await line.until(RefusedFrame)).code == "bad_frame"
        assert len(await watched(line, id)) == 1


async def test_too_many_frames_are_not_read(served: Served) -> None:
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        for _ in range(screen.FRAMES_AT_ONCE + 1):
            await line.say(frame="pong")
        assert (await line.until(RefusedFrame)).code == "rate"
        await served.place.room.clock.advance(1)
        await line.say(frame="watch", conversation=NOBODYS)
        assert (await line.until(RefusedFrame)).code == "not_found"


async def test_so_many_conversations_are_watched_and_no_more(served: Served) -> None:
    room = served.place.room
    ids = [await room.says("hello", by=f"customer{n}") for n in range(screen.MOST_WATCHED + 1)]
    async with served.line(await served.browser(served.place.jo)) as line:
        for id in ids[:-1]:
            await watched(line, id)
        await line.say(frame="watch", conversation=ids[-1])
        assert (await line.until(RefusedFrame)).code == "rate"


async def test_a_reader_that_cannot_keep_up_is_cut(served: Served) -> None:
    room = served.place.room
    id = await room.says("hello")
    browser = await served.browser(served.place.jo)
    async with served.line(browser, max_queue=1) as slow:
        await slow.say(frame="watch", conversation=id)
        await eventually(lambda: bool(_watched(served)))
        slow.socket.transport.pause_reading()
        note = "x" * 8_000
        for n in range(5_000):
            await room.desk.note(id, served.place.kim, f"{n} {note}")
            await asyncio.sleep(0)
            if not served.place.console._live._screens:
                break
        await eventually(lambda: not served.place.console._live._screens)
        slow.socket.transport.abort()


def _watched(served: Served) -> list[ConversationId]:
    return [id for shown in served.place.console._live._screens for id in shown.watched]


async def test_when_everybody_has_left_nothing_is_left(served: Served) -> None:
    place = served.place
    id = await place.room.says("hello")
    tasks = len(asyncio.all_tasks())
    listeners = _listeners(served)
    for who in (place.jo, place.kim):
        async with served.line(await served.browser(who)) as line:
            await watched(line, id)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    assert not place.console._live._screens
    assert place.console._live._pump is None
    assert _listeners(served) == listeners


def _listeners(served: Served) -> int:
    return sum(map(len, served.place.room.bus._listeners.values()))


async def test_the_server_stops_while_screens_are_open(served: Served) -> None:
    async with served.line(await served.browser(served.place.jo)) as line:
        await line.until(Ready)
        served.server.should_exit = True
        assert await line.closed() == 1012


def test_frames_are_what_the_browsers_types_say() -> None:
    frame = EventFrame("c1", Event(1, START, Author("agent", "jo", "Jo"), Noted("hm")))
    assert msgspec.to_builtins(frame, builtin_types=()) == {
        "frame": "event",
        "conversation": "c1",
        "event": {
            "seq": 1,
            "at": "2026-03-02T10:00:00Z",
            "author": {"kind": "agent", "id": "jo", "name": "Jo"},
            "body": {"kind": "noted", "text": "hm"},
        },
    }
