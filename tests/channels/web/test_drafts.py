"""Text that streams: thinned out, whole after a reload, and gone when its words are said."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.bus.memory import MemoryBus
from bot.model import BOT, ConversationId, Event, Said, text
from bot.ports import Drafted, DraftReset, Happened
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from channels.web.audience import DRAW_EVERY, LINGER, Audience, Hall
from channels.web.frames import BotSpeaker, DraftView, Greeting, Limits
from channels.web.history import History, welcome
from tests.channels.web.house import Frame, House, Reader, Visitor


async def begun(house: House, visitor: Visitor, carrier: str) -> tuple[Reader, ConversationId]:
    reader = await visitor.read(carrier)
    await reader.say("Where is my order?")
    await reader.holds(1)
    return reader, await house.conversation(visitor.identity, reader.thread)


def drawn(frames: list[Frame]) -> str:
    """What a widget shows after these frames."""
    shown = ""
    for frame in frames:
        if frame["frame"] == "draft":
            assert frame["start"] <= len(shown)
            shown = shown[: frame["start"]] + frame["text"]
        elif frame["frame"] == "reset":
            shown = ""
    return shown


def pieces(conversation: ConversationId, words: str, *, turn: int = 0, attempt: int = 1) -> list[Drafted]:
    return [Drafted(conversation, turn, attempt, at, at, letter) for at, letter in enumerate(words)]


async def test_a_draft_is_one_frame_in_thirty_milliseconds(house: House, visitor: Visitor, carrier: str) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    for piece in pieces(conversation, "It left our depot on Monday, at ten."):
        house.publish(piece)
        await house.clock.advance(0.005)
    await house.clock.advance(DRAW_EVERY)
    await reader.until(lambda: drawn(reader.told) == "It left our depot on Monday, at ten.")
    frames = reader.of("draft")
    assert (frames[0]["text"], frames[0]["n"]) == ("I", 0)  # The first words wait for nothing.
    assert len(frames) == 7
    assert [frame["n"] for frame in frames] == sorted({frame["n"] for frame in frames})
    await reader.close()


async def test_the_event_of_its_turn_ends_a_draft(house: House, visitor: Visitor, carrier: str) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    for piece in pieces(conversation, "It left", turn=1):
        house.publish(piece)
    (event,) = await house.write(conversation, Said(text("It left our depot.")), told=False)
    house.publish(Happened(conversation, (replace(event, turn=1),)))
    for piece in pieces(conversation, "It left too late", turn=1):
        house.publish(piece)
    await house.clock.advance(1)
    await reader.holds(2)
    assert [frame["text"] for frame in reader.of("draft")] == ["I"]
    assert reader.events[-1]["turn"] == 1
    again = await visitor.read(carrier, reader.thread)
    assert again.welcome["draft"] is None
    await again.close()
    await reader.close()


def test_a_reload_between_the_commit_and_its_news_finds_the_words_alone() -> None:
    clock, bot = SettableClock(), BotSpeaker("Ada")
    history = History(account="shop", store=open_store("sqlite://", clock), random=SeededRandom(), bot=bot)
    said = Event(3, clock.now(), BOT, Said(text("It left our depot.")), turn=1, public=True)
    streaming = DraftView(turn=1, attempt=1, n=0, text="It left")
    shown = [
        welcome(
            "thread",
            None,
            events,
            0,
            history=history,
            greeting=Greeting("Ada", "Shop", (), "en"),
            limits=Limits(100, 100, 100),
            draft=streaming,
        ).draft
        for events in ((), (replace(said, turn=0),), (said,))
    ]
    assert shown == [streaming, streaming, None]


async def test_a_reload_finds_the_draft_so_far_and_goes_on(house: House, visitor: Visitor, carrier: str) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    stream = pieces(conversation, "Ünïcode 🧵 counts by code points")
    for piece in stream[:10]:
        house.publish(piece)
    await reader.cut()
    for piece in stream[10:15]:
        house.publish(piece)
    again = await visitor.read(carrier, reader.thread, reader.held)
    assert again.welcome["draft"] == {"turn": 0, "attempt": 1, "n": 14, "text": "Ünïcode 🧵 count"}
    for piece in stream[15:]:
        house.publish(piece)
    await house.clock.advance(DRAW_EVERY * 3)

    def shown() -> str:
        start = {"frame": "draft", "start": 0, "text": again.welcome["draft"]["text"]}
        return drawn([start, *again.told])

    await again.until(lambda: shown() == "Ünïcode 🧵 counts by code points")
    await again.close()


async def test_a_new_attempt_begins_anew(house: House, visitor: Visitor, carrier: str) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    for piece in pieces(conversation, "First try"):
        house.publish(piece)
    await house.clock.advance(1)
    for piece in pieces(conversation, "Second", attempt=2):
        house.publish(piece)
    for piece in pieces(conversation, "late words of the first"):
        house.publish(piece)
    await house.clock.advance(1)
    await reader.until(lambda: drawn(reader.told) == "Second")
    assert reader.of("reset") == [{"frame": "reset", "turn": 0, "why": "attempt"}]
    await reader.close()


@pytest.mark.parametrize("why", ["attempt", "cancel", "control"])
async def test_a_reset_takes_the_draft_away(house: House, visitor: Visitor, carrier: str, why: Any) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    for piece in pieces(conversation, "Never mind"):
        house.publish(piece)
    house.publish(DraftReset(conversation, 0, why))
    await house.clock.advance(1)
    assert await reader.next("reset") == {"frame": "reset", "turn": 0, "why": why}
    again = await visitor.read(carrier, reader.thread)
    assert again.welcome["draft"] is None
    await again.close()
    await reader.close()


async def test_a_lost_piece_spoils_the_draft_and_not_the_words(house: House, visitor: Visitor, carrier: str) -> None:
    reader, conversation = await begun(house, visitor, carrier)
    stream = pieces(conversation, "It left our depot")
    for piece in stream[:5] + stream[7:]:
        house.publish(piece)
    await house.clock.advance(1)
    await house.say(conversation, "It left our depot")
    await reader.holds(2)
    assert drawn(reader.told) == "It le"
    await reader.close()


async def test_a_draft_of_another_conversation_is_not_told(house: House, visitor: Visitor, carrier: str) -> None:
    reader, _ = await begun(house, visitor, carrier)
    other = Visitor(house, visitor.http)
    await other.sign_in()
    theirs, conversation = await begun(house, other, carrier)
    for piece in pieces(conversation, "Yours"):
        house.publish(piece)
    await theirs.next("draft")
    await reader.say("Mine")
    await reader.holds(2)
    assert reader.of("draft") == []
    await reader.close()
    await theirs.close()


# The audience alone


class Listener:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.looks = 0

    def tell(self, told: Any) -> None:
        self.frames += [each.frame(each.prev) for each in told]

    def look_up(self) -> None:
        self.looks += 1

    def draw(self, piece: bytes, whole: Any) -> None:
        self.frames.append(piece)

    def put(self, frame: bytes, seq: int = 0) -> None:
        self.frames.append(frame)


def hall() -> tuple[Hall, MemoryBus, SettableClock]:
    bus, clock = MemoryBus(), SettableClock()
    return Hall(bus=bus, clock=clock, bot=BotSpeaker("Ada")), bus, clock


async def test_an_event_is_encoded_once_for_all_readers() -> None:
    rooms, bus, _ = hall()
    readers = [Listener() for _ in range(3)]
    audience: Audience | None = None
    for reader in readers:
        audience = rooms.join(("ana", "t"), reader)
    assert audience
    audience.born(ConversationId("c"))
    event = Event(seq=2, at=SettableClock().now(), author=BOT, body=Said(text("Hi")), public=True, prev=1)
    bus.publish(Happened(ConversationId("c"), (event,)))
    assert [len(reader.frames) for reader in readers] == [1, 1, 1]
    assert len({id(reader.frames[0]) for reader in readers}) == 1
    await rooms.close()


async def test_a_hall_keeps_only_what_is_read_or_was_just_now() -> None:
    rooms, bus, clock = hall()
    for number in range(10):
        reader = Listener()
        audience = rooms.join(("ana", str(number)), reader)
        if number % 2:
            audience.born(ConversationId(str(number)))
        rooms.leave(audience, reader)
    assert len(rooms) == 5
    await clock.advance(LINGER - 1)
    again = Listener()
    rooms.join(("ana", "1"), again)
    await clock.advance(2)
    rooms.sweep(clock.monotonic())
    assert len(rooms) == 1
    assert list(bus._listeners) == ["1"]
    await rooms.close()
    assert (len(rooms), list(bus._listeners)) == (0, [])


async def test_those_that_linger_are_bounded() -> None:
    rooms, _, _ = hall()
    for number in range(1500):
        reader = Listener()
        audience = rooms.join(("ana", str(number)), reader)
        audience.born(ConversationId(str(number)))
        rooms.leave(audience, reader)
    assert len(rooms) == 1000
    await rooms.close()
