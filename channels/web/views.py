"""What of the log a customer may see, and how. Pure.

Everything is built anew from named fields: what is not named here (a button's value, a notice's arguments, who holds a
conversation by id, why it was handed over) cannot leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from bot.model import (
    Author,
    Card,
    Carousel,
    Choices,
    Control,
    Controlled,
    Event,
    Field,
    Form,
    Location,
    Media,
    Notice,
    Option,
    Part,
    Partial,
    Pressed,
    Rating,
    Raw,
    Said,
    Source,
    Sources,
    Span,
    Status,
    Submitted,
    Table,
    Text,
    VCard,
)
from channels.web.frames import (
    AgentSpeaker,
    AnswerView,
    BotSpeaker,
    CardView,
    CarouselView,
    ChoicesView,
    ControlledView,
    ControlView,
    CustomerEvent,
    CustomerSpeaker,
    FieldView,
    FormView,
    LocationView,
    MediaView,
    NoticeView,
    OptionView,
    PartialView,
    PartView,
    PressedView,
    RatingView,
    RevisedView,
    SaidView,
    SourcesView,
    SourceView,
    SpanView,
    Speaker,
    SubmittedView,
    SystemSpeaker,
    TableView,
    TextView,
    VCardView,
)

_LINKS = frozenset(("http", "https", "mailto", "tel"))
_PAGES = frozenset(("http", "https"))

_CUSTOMER = CustomerSpeaker()

RESOLVED = "resolved"
"""Both the status of a closed conversation and, on the change of control that comes with it, the reason."""


FileAt = Callable[[Media], str]
"""Where a customer's browser may load a file of ours from; empty: it is none of ours."""


def nowhere(media: Media) -> str:
    return ""


def view_event(event: Event, bot: BotSpeaker, file_at: FileAt = nowhere) -> CustomerEvent | None:
    """None: not for customers."""
    if not event.public:
        return None
    match body := event.body:
        case Said(message, revises=seq) if seq:
            return RevisedView(event.seq, event.at, seq, tuple([view_part(part, file_at) for part in message.parts]))
        case Said():
            by = event.author.kind
            return SaidView(
                event.seq,
                event.at,
                view_author(event.author, bot),
                tuple([view_part(part, file_at) for part in body.message.parts]),
                body.ref if by == "customer" else "",
                event.turn if by == "bot" else None,
            )
        case Pressed(token, label, ref):
            return PressedView(event.seq, event.at, token, label, ref)
        case Submitted(token, values, ref):
            return SubmittedView(event.seq, event.at, token, {name: str(value) for name, value in values.items()}, ref)
        case Controlled(control, _, by, why):
            if why == RESOLVED:
                closed_by = view_author(by, bot) if by.kind == "agent" else bot
                return ControlledView(event.seq, event.at, ControlView("closed", closed_by))
            return ControlledView(event.seq, event.at, view_control(control, bot))
        case Partial(text):
            return PartialView(event.seq, event.at, text, event.turn)
        case _:
            return None


def view_control(control: Control, bot: BotSpeaker, status: Status = "open") -> ControlView:
    match control.state:
        case "human":
            return ControlView("human", AgentSpeaker(control.holder_name))
        case "wrap_up":
            return ControlView("closed", AgentSpeaker(control.holder_name))
        case "queued" | "offered" | "paused":
            return ControlView("queued", bot)
        case "bot":
            return ControlView("closed" if status == RESOLVED else "bot", bot)
        case never:
            assert_never(never)


def view_author(author: Author, bot: BotSpeaker) -> Speaker:
    match author.kind:
        case "customer":
            return _CUSTOMER
        case "bot":
            return bot
        case "agent":
            return AgentSpeaker(author.name)
        case "system":
            return SystemSpeaker()
        case never:
            assert_never(never)


def view_part(part: Part, file_at: FileAt = nowhere) -> PartView:
    match part:
        case Text():
            return TextView(tuple([_span(span) for span in part.spans]))
        case Choices(options, prompt, look):
            return ChoicesView(_options(options), prompt, look)
        case Card():
            return _card(part)
        case Carousel(cards):
            return CarouselView(tuple(map(_card, cards)))
        case Table(columns, rows, title):
            return TableView(columns, rows, title)
        case Form(fields, title, submit, token):
            return FormView(tuple(map(_field, fields)), token, title, submit)
        case Rating(prompt, scale, options):
            return RatingView(prompt, scale, _options(options))
        case Media():
            address = file_at(part) or _link(part.ref, _PAGES)
            return MediaView(part.kind, part.name, part.size, part.caption, part.alt, part.transcript, address)
        case Location(latitude, longitude, label):
            return LocationView(latitude, longitude, label)
        case VCard(name, phone, email):
            return VCardView(name, phone, email)
        case Sources(sources):
            return SourcesView(tuple(map(_source, sources)))
        case Notice(key, text):
            return NoticeView(key, text)
        case Raw():
            return TextView((SpanView(part.plain),))
        case never:
            assert_never(never)


def _card(card: Card) -> CardView:
    return CardView(card.title, card.body, card.meta, _options(card.options))


def _field(field: Field) -> FieldView:
    answers = tuple(AnswerView(option.label, option.value) for option in field.options)
    return FieldView(field.name, field.label, field.type, field.required, field.hint, answers, field.value)


def _options(options: tuple[Option, ...]) -> tuple[OptionView, ...]:
    return tuple(OptionView(option.label, option.token) for option in options)


def _span(span: Span) -> SpanView:
    return SpanView(span.text, span.marks, span.link and _link(span.link, _LINKS))


def _source(source: Source) -> SourceView:
    return SourceView(source.title, source.passage, _link(source.address, _PAGES))


def _link(link: str, schemes: frozenset[str]) -> str:
    """The link, or nothing where following it could run something."""
    return link if link.partition(":")[0].lower() in schemes else ""
