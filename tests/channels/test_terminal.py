"""A person at a terminal, a script at a pipe: what is typed arrives, what is shown is harmless, and it ends at once."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

import pytest
from rich.console import Console

from bot.errors import StoreDown
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Incoming,
    Location,
    Media,
    Message,
    Notice,
    Option,
    Pressed,
    Rating,
    Raw,
    Said,
    Source,
    Sources,
    Span,
    Table,
    Text,
    VCard,
    text,
)
from bot.ports import Accepted, Arrival
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from channels.terminal import Terminal, inert

STUCK = 10.0


@dataclass
class Desk:
    """Accepts what is typed. `answers`: what the bot shows after each line; `refused`: calls that find it down."""

    terminal: Terminal
    screen: io.StringIO
    arrivals: list[Arrival] = field(default_factory=list)
    answers: list[Message] = field(default_factory=list)
    refused: tuple[int, ...] = ()
    calls: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        self.calls += 1
        if self.calls in self.refused:
            raise StoreDown("full\x1b[2J")
        self.arrivals.append(arrival)
        self.came.set()
        return Accepted(True, None, len(self.arrivals))

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        return [await self(arrival) for arrival in arrivals]

    async def idle(self, to: Address) -> None:
        if self.answers:
            await self.terminal.send(to, self.answers.pop(0), key=str(len(self.answers)))

    @property
    def heard(self) -> list[Incoming]:
        return [body for arrival in self.arrivals for body in arrival.bodies]

    @property
    def shown(self) -> str:
        return self.screen.getvalue()


def at(source: TextIO | str, *answers: Message, **options: object) -> Desk:
    screen = io.StringIO()
    desks: list[Desk] = []

    async def idle(to: Address) -> None:
        await desks[0].idle(to)

    terminal = Terminal(
        clock=SettableClock(),
        random=SeededRandom(),
        idle=idle,
        source=io.StringIO(source) if isinstance(source, str) else source,
        console=Console(file=screen, width=40, highlight=False, **options),  # type: ignore[arg-type]
    )
    desks.append(Desk(terminal, screen, answers=list(answers)))
    return desks[0]


async def run(desk: Desk) -> Desk:
    async with asyncio.timeout(STUCK):
        await desk.terminal.run(desk)
    return desk


COLOURS = Message(
    (Text((Span("Which colour?"),)), Choices((Option("Red", "/r", "t1"), Option("Dark blue", "/b", "t2"))))
)


async def test_the_lines_of_a_script_arrive_one_after_another_and_it_returns_at_the_end() -> None:
    desk = await run(at("hello\n\n  how are you?  \nbye", text("one"), text("two"), text("three")))
    assert desk.heard == [Said(text("hello")), Said(text("how are you?")), Said(text("bye"))]
    assert len({arrival.key for arrival in desk.arrivals}) == 3
    assert desk.shown == "bot: one\nbot: two\nbot: three\n"


@pytest.mark.parametrize("typed", ["2", "Dark blue", "dark BLUE"])
async def test_a_choice_is_made_by_number_or_label(typed: str) -> None:
    desk = await run(at(f"paint\n{typed}\n", COLOURS))
    assert desk.heard == [Said(text("paint")), Pressed("t2", "Dark blue")]


async def test_what_is_no_choice_is_said() -> None:
    desk = await run(at("paint\n3\n", COLOURS))
    assert desk.heard[1] == Said(text("3"))


async def test_a_number_after_the_next_words_is_no_choice_of_before() -> None:
    desk = await run(at("paint\nwhat is it for?\n1\n", COLOURS, text("How many?")))
    assert desk.heard == [Said(text("paint")), Said(text("what is it for?")), Said(text("1"))]


async def test_a_choice_is_made_once() -> None:
    desk = await run(at("paint\n1\n1\n", COLOURS, text("Red it is.")))
    assert desk.heard[1:] == [Pressed("t1", "Red"), Said(text("1"))]


async def test_a_card_is_chosen_from_as_well() -> None:
    desk = await run(at("tents\n1\n", Message((Card("Tent", options=(Option("Buy", "/b", "t9"),)),))))
    assert desk.heard[1] == Pressed("t9", "Buy")


async def test_options_are_numbered_through_a_message() -> None:
    cards = Carousel(tuple(Card(name, options=(Option("Buy", f"/{name}", name),)) for name in ("Tent", "Lamp")))
    grade = Rating("And us?", 2, (Option("bad", "/1", "low"), Option("good", "/2", "high")))
    desk = await run(at("tents\n2\nagain\n4\n", *[Message((cards, grade))] * 3))
    assert desk.shown.startswith("Tent\n1. Buy\n\nLamp\n2. Buy\nAnd us?\n3. bad\n4. good\n")
    assert (desk.heard[1], desk.heard[3]) == (Pressed("Lamp", "Buy"), Pressed("high", "good"))


async def test_a_line_that_is_not_taken_in_is_told_and_the_choice_stays_open() -> None:
    desk = at("paint\n1\n1\n", COLOURS)
    desk.refused = (2,)
    await run(desk)
    assert desk.heard == [Said(text("paint")), Pressed("t1", "Red")]
    assert "not taken in" in desk.shown
    assert "\x1b" not in desk.shown


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, Callable[[bytes], object]]]:
    """A pipe that nobody has closed: what reads from it waits."""
    reading, writing = os.pipe()
    source = os.fdopen(reading, "r", encoding="utf-8")
    out = os.fdopen(writing, "wb", buffering=0)
    yield source, out.write
    out.close()
    for thread in threading.enumerate():
        if thread.name == "terminal":
            thread.join(STUCK)
    source.close()


async def test_cancelling_it_returns_at_once_although_nobody_types(
    pipe: tuple[TextIO, Callable[[bytes], object]],
) -> None:
    desk = at(pipe[0])
    running = asyncio.create_task(desk.terminal.run(desk))
    await asyncio.sleep(0)
    running.cancel()
    async with asyncio.timeout(STUCK):
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_line_typed_after_the_end_disturbs_nobody(pipe: tuple[TextIO, Callable[[bytes], object]]) -> None:
    source, write = pipe

    async def begin() -> None:
        desk = at(source)
        running = asyncio.create_task(desk.terminal.run(desk))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(begin())
    write(b"too late\n")  # the loop is closed: an error in the reading thread would fail this test


async def test_bytes_that_are_no_text_end_nothing(pipe: tuple[TextIO, Callable[[bytes], object]]) -> None:
    source, write = pipe
    desk = at(source)
    running = asyncio.create_task(desk.terminal.run(desk))
    write(b"caf\xe9\n")
    async with asyncio.timeout(STUCK):
        await desk.came.wait()
    assert desk.heard == [Said(text("caf\ufffd"))]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_terminal_that_goes_away_is_the_end_of_input() -> None:
    class Gone(io.StringIO):
        def __next__(self) -> Any:
            raise OSError(5, "Input/output error")

    desk = await run(at(Gone()))
    assert desk.heard == []


EVIL = "\x1b]0;owned\x07\x9b31m\x1b[2Jred\r\u202eevil\b"


@pytest.mark.parametrize(
    "message",
    [
        Message((Text((Span(EVIL, ("bold",), f"https://example.org/{EVIL}"),)),)),
        Message((Choices((Option(EVIL, "/r", "t"),), EVIL),)),
        Message((Card(EVIL, EVIL, EVIL, (Option(EVIL, "/r", "t"),)),)),
        Message((Sources((Source(EVIL, EVIL, EVIL),)),)),
        Message((Notice("key", EVIL),)),
        Message((Table((EVIL,), ((EVIL,),), EVIL),)),
        Message((Form((Field("name", EVIL),), EVIL),)),
        Message((Media("file", EVIL, EVIL, caption=EVIL, transcript=EVIL),)),
        Message((Location(0, 0, EVIL),)),
        Message((VCard(EVIL, EVIL, EVIL),)),
        Message((Rating(EVIL, 2, (Option(EVIL, "/r", "t"),)),)),
        Message((Raw("telegram", {EVIL: EVIL}, EVIL),)),
    ],
    ids=lambda message: type(message.parts[0]).__name__,
)
async def test_no_text_can_steer_the_terminal(message: Message) -> None:
    desk = at("")
    await desk.terminal.send(Address("terminal", "terminal", "c"), message, key="k")
    assert not any(character in desk.shown for character in "\x1b\x07\x9b\r\u202e\b")
    assert "red" in desk.shown


async def test_a_text_is_no_markup() -> None:
    desk = at("")
    await desk.terminal.send(Address("terminal", "terminal", "c"), text("[bold]x[/bold] :smile:"), key="k")
    assert desk.shown == "bot: [bold]x[/bold] :smile:\n"


def test_inert_text_is_left_as_it_is_otherwise() -> None:
    assert inert("a\tb\nçé 🙂 ع") == "a\tb\nçé 🙂 ع"


async def test_only_the_name_is_bold_and_no_colour_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    desk = at("", force_terminal=True, color_system="truecolor")
    await desk.terminal.send(Address("terminal", "terminal", "c"), text("plain"), key="k")
    assert desk.shown == "\x1b[1mbot: \x1b[0mplain\n"


async def test_long_lines_are_wrapped_to_the_width() -> None:
    desk = at("")
    await desk.terminal.send(Address("terminal", "terminal", "c"), text("word " * 20), key="k")
    assert max(map(len, desk.shown.splitlines())) <= 40


async def test_what_is_sent_again_after_a_lost_receipt_stands_there_once() -> None:
    desk = at("")
    to = Address("terminal", "terminal", "c")
    await desk.terminal.send(to, text("one"), key="a")
    await desk.terminal.send(to, text("one"), key="a", again=True)
    await desk.terminal.send(to, text("two"), key="b", again=True)
    assert desk.shown == "bot: one\nbot: two\n"
