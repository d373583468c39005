from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.model import (
    BOT,
    SYSTEM,
    Acted,
    Acting,
    Author,
    Body,
    Card,
    Carousel,
    Choices,
    Control,
    Controlled,
    Discarded,
    Event,
    Field,
    Filled,
    Form,
    Location,
    Media,
    Message,
    Noted,
    Notice,
    Opened,
    Option,
    Part,
    Partial,
    Pressed,
    Rating,
    Raw,
    Returned,
    Said,
    Settled,
    Source,
    Sources,
    Span,
    Submitted,
    Table,
    Text,
    Turned,
    VCard,
    text,
)
from channels.web.frames import (
    AgentSpeaker,
    AnswerView,
    BotSpeaker,
    CardView,
    CarouselView,
    ControlView,
    CustomerSpeaker,
    FieldView,
    FormView,
    LocationView,
    MediaView,
    OptionView,
    PartView,
    RatingView,
    RevisedView,
    SaidView,
    SpanView,
    SubmittedView,
    TableView,
    TextView,
    VCardView,
)
from channels.web.views import view_control, view_event, view_part

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
ADA = BotSpeaker("Ada")
MARA = Author("agent", "agent-mara", "Mara")
ANA = Author("customer", "5f" * 32)
CANARY = "canary-7f3a"


def event(body: Body, author: Author = BOT, **fields: Any) -> Event:
    return Event(seq=3, at=AT, author=author, body=body, public=True, prev=1, **fields)


def test_a_bots_words_carry_their_turn_and_no_reference() -> None:
    said = view_event(event(Said(text("Hello"), ref=CANARY), turn=0), ADA)
    assert said == SaidView(3, AT, ADA, (TextView((SpanView("Hello"),)),), turn=0)


def test_a_customers_words_carry_the_clients_id_and_no_turn() -> None:
    said = view_event(event(Said(text("Hello"), ref="id-1"), ANA, turn=4), ADA)
    assert said == SaidView(3, AT, CustomerSpeaker(), (TextView((SpanView("Hello"),)),), ref="id-1")


def test_an_agent_has_a_name_and_no_id() -> None:
    said = view_event(event(Said(text("Hello")), MARA), ADA)
    assert said == SaidView(3, AT, AgentSpeaker("Mara"), (TextView((SpanView("Hello"),)),))


PRIVATE: list[Body] = [
    Noted(CANARY),
    Opened(CANARY),
    Returned("resume", "Mara", CANARY),
    Settled("resolved", CANARY),
    Turned("in_flow", (Filled("order", CANARY),)),
    Acting(CANARY, "refund", {"order": CANARY}),
    Acted(CANARY, CANARY),
    Discarded((text(CANARY),)),
]


def test_what_an_agent_changed_names_the_message_and_nothing_else() -> None:
    assert view_event(event(Said(text("It costs 5."), revises=2), MARA), ADA) == RevisedView(
        3, AT, 2, (TextView((SpanView("It costs 5."),)),)
    )
    assert view_event(event(Said(Message(()), revises=2), MARA), ADA) == RevisedView(3, AT, 2, ())


@pytest.mark.parametrize("body", PRIVATE, ids=lambda body: type(body).__name__)
def test_private_kinds_have_no_view_even_when_marked_public(body: Body) -> None:
    assert view_event(event(body), ADA) is None


SHOWN: list[Body] = [Said(text("Hi")), Pressed("t"), Controlled(Control(), "human", MARA), Partial("Hi")]


@pytest.mark.parametrize("body", SHOWN, ids=lambda body: type(body).__name__)
def test_what_is_not_public_has_no_view(body: Body) -> None:
    assert view_event(event(body), ADA) is not None
    assert view_event(replace(event(body), public=False), ADA) is None


def test_nothing_that_is_not_named_leaves() -> None:
    options = (Option("Track", CANARY, "tok-1"), Option("Not given a token", CANARY))
    message = Message(
        (
            Text((Span("Hi", ("bold",), "https://a.example"),)),
            Choices(options, "Which?", "buttons"),
            Card("Order", "Two items", "48.00", options),
            Sources((Source("Returns", "30 days", "https://a.example/r"),)),
            Notice("joined", "Mara joined", {"agent": CANARY}),
            Media("image", CANARY, "shoe.jpg"),
        ),
        language=CANARY,
        reply_to=1,
    )
    control = Control("human", 2, holder=CANARY, holder_name="Mara", reason=CANARY, handoff=CANARY)
    sent = b"".join(
        msgspec.json.encode(view_event(each, ADA))
        for each in (
            event(Said(message), Author("agent", CANARY, "Mara")),
            event(Controlled(control, "bot", Author("agent", CANARY, "Mara"), CANARY), Author("agent", CANARY, "Mara")),
        )
    )
    assert CANARY.encode() not in sent
    assert b"tok-1" in sent
    assert b"Mara joined" in sent
    assert b"shoe.jpg" in sent


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JAVASCRIPT:x", "java\nscript:x", " javascript:x", "data:x", "//a.b", "x"]
)
def test_a_link_that_could_run_something_is_no_link(link: str) -> None:
    said = view_event(event(Said(Message((Text((Span("here", link=link),)),)))), ADA)
    assert isinstance(said, SaidView)
    assert said.parts == (TextView((SpanView("here"),)),)


@pytest.mark.parametrize("link", ["https://a.example", "HTTP://a.example", "mailto:a@b.c", "tel:+4930123"])
def test_other_links_stay(link: str) -> None:
    said = view_event(event(Said(Message((Text((Span("here", link=link),)),)))), ADA)
    assert isinstance(said, SaidView)
    assert said.parts == (TextView((SpanView("here", link=link),)),)


@pytest.mark.parametrize(
    ("control", "status", "view"),
    [
        (Control("bot"), "open", ControlView("bot", ADA)),
        (Control("bot"), "resolved", ControlView("closed", ADA)),
        (Control("queued"), "open", ControlView("queued", ADA)),
        (Control("offered", holder="x", holder_name="Mara"), "open", ControlView("queued", ADA)),
        (Control("paused"), "open", ControlView("queued", ADA)),
        (Control("human", holder="x", holder_name="Mara"), "open", ControlView("human", AgentSpeaker("Mara"))),
        (Control("wrap_up", holder="x", holder_name="Mara"), "resolved", ControlView("closed", AgentSpeaker("Mara"))),
    ],
)
def test_control_is_one_of_four_words(control: Control, status: Any, view: ControlView) -> None:
    assert view_control(control, ADA, status) == view


def test_a_system_line_is_nobodys() -> None:
    said = view_event(event(Said(Message((Notice("joined", "Mara joined"),))), SYSTEM), ADA)
    assert isinstance(said, SaidView)
    assert msgspec.to_builtins(said.by) == {"kind": "system"}


@pytest.mark.parametrize(
    ("part", "view"),
    [
        (
            Carousel((Card("Lamp", options=(Option("Buy", f"/start {CANARY}", "t1"),)),)),
            CarouselView((CardView("Lamp", options=(OptionView("Buy", "t1"),)),)),
        ),
        (Table(("a",), (("1",),), "Sums"), TableView(("a",), (("1",),), "Sums")),
        (
            Form((Field("size", "Size", "choice", options=(Option("Small", "s"),), value="s"),), "You", "Go", "t1"),
            FormView(
                (FieldView("size", "Size", "choice", options=(AnswerView("Small", "s"),), value="s"),),
                "t1",
                "You",
                "Go",
            ),
        ),
        (
            Rating("How was it?", 2, (Option("👍", f"/set {CANARY}=2", "t1"),)),
            RatingView("How was it?", 2, (OptionView("👍", "t1"),)),
        ),
        (
            Media("file", "https://shop.example/a.pdf", "a.pdf", "application/pdf", 9, "Print it."),
            MediaView("file", "a.pdf", 9, "Print it.", address="https://shop.example/a.pdf"),
        ),
        (Media("image", f"{CANARY}", alt="a shoe"), MediaView("image", alt="a shoe")),
        (Media("image", f"javascript:{CANARY}"), MediaView("image")),
        (Location(1.5, 2.5, "Shop"), LocationView(1.5, 2.5, "Shop")),
        (VCard("Ada", "1", "a@b.example"), VCardView("Ada", "1", "a@b.example")),
        (Raw("slack", {CANARY: CANARY}, "A line."), TextView((SpanView("A line."),))),
    ],
)
def test_every_part_is_shown_by_what_may_be_known_of_it(part: Part, view: PartView) -> None:
    assert view_part(part) == view
    assert CANARY not in msgspec.json.encode(view_part(part)).decode()


def test_a_form_that_was_filled_in_is_shown_to_who_did() -> None:
    filled = Submitted("t1", {"name": "Ana", "size": 3}, "id-1")
    assert view_event(event(filled, ANA), ADA) == SubmittedView(3, AT, "t1", {"name": "Ana", "size": "3"}, "id-1")
