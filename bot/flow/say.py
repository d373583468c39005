"""Makes messages of what flows and patterns say. Options have no tokens yet: the engine gives them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal

from msgspec.structs import replace

from bot.commands import parse_slash, slash, way_into
from bot.flow.book import Book, Flow, Slot
from bot.flow.conditions import Look, Unevaluated
from bot.flow.own_files import FlowFile
from bot.flow.question import MOST_OPTIONS, options_of
from bot.flow.slots import Labelled
from bot.flow.steps import (
    Ask,
    Call,
    CardWords,
    Content,
    Do,
    FileWords,
    ImageWords,
    LabelledOption,
    Step,
    TableWords,
    wordings,
)
from bot.flow.texts import Chosen, Unsayable
from bot.mime import kind_of
from bot.model import (
    Card,
    Carousel,
    Choices,
    Command,
    Facts,
    Field,
    Form,
    Frame,
    Human,
    Json,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Repeat,
    Set,
    Skip,
    Span,
    Start,
    State,
    Table,
    Text,
)

MOST_ON_MENU = 12
MOST_CARDS, MOST_ROWS = 10, 100
SHOWS = "channel.shows"
"""A fact: the parts that the channel can show, `form` among them. No slot can have such a name."""
_LIST_FROM = 7
"""That many options no longer fit beside one another."""


def content(said: Content, flow: Flow, look: Look, language: str, *, seed: str = "") -> Message:
    """`seed` is the place, by which one of several ways is taken. Raises `Unevaluated`, `Unsayable`."""
    return Message(tuple(_parts(said, flow, look, language, seed)), language)


def question(
    book: Book,
    ask: Ask,
    flow: Flow,
    look: Look,
    language: str,
    *,
    short: bool = False,
    seed: str = "",
    picked: Sequence[str] = (),
) -> Message:
    """The question with its answers to choose from; `short` is its last paragraph alone. Where several may be chosen
    and some are (`picked`), those are told instead.

    Raises `Unevaluated`, `Unsayable`.
    """
    slot = flow.slots[ask.slot]
    parts = _parts(ask.say, flow, look, language, seed)
    if short:
        parts = [_last_paragraph(part) if isinstance(part, Text) else part for part in parts]
        parts = [part for part in parts if not isinstance(part, Card)] or parts
    answers = options_of(ask, slot, look, language)
    chosen = [each for each in answers if each.value in picked]
    if chosen:
        parts = [*pattern(book, "chosen_so_far", language, {"chosen": [each.label for each in chosen]}).parts]
    if slot.type.name == "multi_choice":
        options = [_toggle(slot.name, each, each in chosen) for each in answers]
    else:
        options = [Option(each.label, slash(Set(slot.name, each.value))) for each in answers]
    if chosen:
        values: list[Json] = [each.value for each in chosen]
        options.append(Option(book.texts.plain("done_choosing", language), slash(Set(slot.name, values))))
    elif slot.optional:
        options.append(Option(book.texts.plain("skip", language), slash(Skip())))
    shares = _SHARED.get(slot.type.name)
    if shares and _shows(look, "share"):
        options.append(Option(book.texts.plain(f"share_{shares}", language), slash(Repeat()), shares=shares))
    if slot.type.name == "rating" and _shows(look, "rating"):
        grades = [option for option in options if option.value != slash(Skip())]
        parts.append(Rating("", slot.scale, tuple(grades)))
        options = options[len(grades) :]
    if options:
        parts.append(Choices(tuple(options), look="quick" if len(options) < _LIST_FROM else "list"))
    return Message(tuple(parts), language)


_SHARED: Mapping[str, Literal["number", "place"]] = {"phone": "number", "location": "place"}
"""What a platform may be asked for instead of words."""


def _toggle(slot: str, answer: Labelled, is_chosen: bool) -> Option:
    label = f"✓ {answer.label}" if is_chosen else answer.label
    return Option(label, slash(Set(slot, f"{'-' if is_chosen else '+'}{answer.value}")))


def greeting(book: Book, language: str) -> Message:
    """What opens a conversation. Its options carry tokens already, the same in every conversation: `greeting.0`, ..."""
    first = book.greeting
    said: list[Part] = [Text(first.text.spans(language, {}))] if first.text else []
    if first.options:
        options = _options(first.options, language)
        said.append(Choices(tuple(replace(o, token=f"{GREETING}{n}") for n, o in enumerate(options)), look=first.look))
    return Message(tuple(said), language=language)


GREETING = "greeting."


def menu(book: Book, state: State, facts: Facts, flows: Iterable[str] = ()) -> list[Json]:
    """Flows to choose from, as `{label, command}`: the given ones, else all a customer can ask for; and a person."""
    language = book.language(state, facts)
    chosen = [book.flows[name] for name in flows] or [flow for flow in book.flows.values() if flow.is_open]
    options = [
        listed(flow.title.plain(language, {}), Start(flow.name))
        for flow in chosen
        if way_into(book, flow, state, facts)
    ][:MOST_ON_MENU]
    return [*options, listed(book.texts.plain("talk_to_human", language), Human())]


def listed(label: str, command: Command) -> Json:
    """One of the options that a text is given as a list."""
    return {"label": label, "command": slash(command)}


def done(book: Book, stack: Iterable[Frame], look_of: Callable[[Frame], Look], language: str) -> list[Json]:
    """What flows have done with effect, each in the words of text `done_ACTION`, else by the flow's title."""
    found: dict[str, None] = {}
    for frame in stack:
        found |= dict.fromkeys(frame.done)
        if flow := book.flow_of(frame):
            for name in dict.fromkeys(frame.effects):
                found[_done(book, flow, flow.steps.get(name), look_of(frame), language)] = None
    return [*found]


def _known(names: Iterable[str], flow: Flow, look: Look, language: str) -> dict[str, object]:
    return {name: value for name, value in values(names, flow, look, language).items() if value is not None}


def _done(book: Book, flow: Flow, step: Step | None, look: Look, language: str) -> str:
    match step:
        case Do(action=action, args=args) if f"done_{action}" in book.texts:
            wording = book.texts.wording(f"done_{action}")
            try:
                own = {name: expression.evaluate(look) for name, expression in args.items()}
                return wording.plain(language, {**own, **_known(wording.reads, flow, look, language)})
            except (Unevaluated, Unsayable):
                return flow.title.plain(language, {})
        case Call(flow=name) if name in book.flows:
            return book.flows[name].title.plain(language, {})
        case _:
            return flow.title.plain(language, {})


def pattern(
    book: Book,
    key: str,
    language: str,
    args: Mapping[str, object] | None = None,
    *,
    look: Look = lambda name: None,
    seed: str = "",
) -> Message:
    """What the program itself has to say, in the project's words where it has its own."""
    words = book.texts.wording(key).words(language).way(look, seed)
    return Message((Text(words.spans(args or {})),), language=language)


def notice(book: Book, key: str, language: str, args: Mapping[str, str]) -> Message:
    """A line by the system, such as who has joined."""
    said = pattern(book, key, language or book.assistant.language, args)
    line = "".join(span.text for part in said.parts if isinstance(part, Text) for span in part.spans)
    return Message((Notice(key, line, dict(args)),), language=said.language)


def values(names: Iterable[str], flow: Flow, look: Look, language: str) -> dict[str, object]:
    """What texts see: choices show their label, dates are dates, durations durations."""
    return {name: _value(look(name), flow.slots.get(name), language) for name in names}


def _value(value: Json, slot: Slot | None, language: str) -> object:
    if slot is None or value is None:
        return value
    match slot.type.name, value:
        case ("date" | "datetime" | "time") as kind, str():
            return _moment(kind, value)
        case "duration", int() | float():
            return timedelta(seconds=value)
        case _, str():
            return _chosen(value, slot, language)
        case "multi_choice", list():
            return [_chosen(each, slot, language) for each in value]
        case _:
            return value


def _moment(kind: Literal["date", "datetime", "time"], value: str) -> object:
    try:
        match kind:
            case "date":
                return date.fromisoformat(value[:10])
            case "datetime":
                return datetime.fromisoformat(value)
            case "time":
                return time.fromisoformat(value)
    except ValueError:  # a flow may set what no customer could have said
        return value


def _chosen(value: str, slot: Slot, language: str) -> str:
    label = next((option.label.plain(language, {}) for option in slot.of if option.value == value), None)
    return value if label is None else Chosen(value, label)


def _parts(said: Content, flow: Flow, look: Look, language: str, seed: str) -> list[Part]:
    args = _args(said, flow, look, language)
    parts: list[Part] = []
    if said.text is not None:
        parts.append(Text(said.text.words(language).way(look, seed).spans(args)))
    if said.card is not None:
        parts.append(_card(said.card, language, args))
    if said.carousel or said.cards is not None:
        parts += _carousel(said, look, language, args)
    if said.table is not None:
        parts.append(_table(said.table, look, language, args))
    if said.image is not None:
        parts.append(_image(said.image, look, language, args))
    if said.file is not None:
        parts.append(_file(said.file, language))
    if said.options:
        parts.append(Choices(_options(said.options, language), look=said.look))
    if said.listed is not None and (listed := _listed(said.listed.evaluate(look))):
        parts.append(Choices(listed, look="quick" if len(listed) < _LIST_FROM else "list"))
    return parts


def _listed(value: Json) -> tuple[Option, ...]:
    """From a list of mappings with `label` and `command`; what is no command is left out."""
    if not isinstance(value, list):
        raise Unevaluated("options must be a list")
    pairs = [(item.get("label"), item.get("command")) for item in value[:MOST_OPTIONS] if isinstance(item, dict)]
    return tuple([Option(str(label), str(line)) for label, line in pairs if label and parse_slash(str(line))])


def _args(said: Content, flow: Flow, look: Look, language: str) -> dict[str, object]:
    """The values its texts name; those of `with` are the text's own."""
    args: dict[str, object] = {}
    for wording in wordings(said):
        for name in wording.words(language).reads:
            own = said.args.get(name)
            args[name] = own.evaluate(look) if own else _value(look(name), flow.slots.get(name), language)
    return args


def _card(card: CardWords, language: str, args: Mapping[str, object]) -> Card:
    return Card(
        title=card.title.plain(language, args),
        body=card.body.plain(language, args) if card.body else "",
        meta=card.meta.plain(language, args) if card.meta else "",
        image=_address(card.image.plain(language, args)) if card.image else "",
        options=_options(card.options, language),
    )


def _carousel(said: Content, look: Look, language: str, args: Mapping[str, object]) -> list[Part]:
    """Cards one after another where the channel cannot show them as one."""
    cards = [_card(card, language, args) for card in said.carousel]
    if said.cards is not None:
        found = said.cards.evaluate(look)
        if not isinstance(found, list):
            raise Unevaluated("cards must be a list")
        cards += [_card_of(card) for card in found if isinstance(card, dict) and card.get("title")]
    cards = cards[:MOST_CARDS]
    return [Carousel(tuple(cards))] if len(cards) > 1 and _shows(look, "carousel") else [*cards]


def _card_of(card: Mapping[str, Json]) -> Card:
    words = {key: str(card.get(key) or "") for key in ("title", "body", "meta")}
    options = card.get("options")
    return Card(**words, image=_address(str(card.get("image") or "")), options=_listed(options) if options else ())


def _table(table: TableWords, look: Look, language: str, args: Mapping[str, object]) -> Table:
    columns, rows = [column.plain(language, args) for column in table.columns], table.rows.evaluate(look)
    if not isinstance(rows, list):
        raise Unevaluated("the rows of a table must be a list")
    cells = [[_cell(value) for value in row] for row in rows[:MOST_ROWS] if isinstance(row, list)]
    return Table(
        tuple(columns),
        tuple(tuple((*line, *[""] * len(columns))[: len(columns)]) for line in cells),
        table.title.plain(language, args) if table.title else "",
    )


def _cell(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _image(image: ImageWords, look: Look, language: str, args: Mapping[str, object]) -> Part:
    """Its description, with a link where it has a public address, where the channel cannot show it."""
    alt = image.alt.plain(language, args)
    if image.own is not None:
        own = _own(image.own, language)
        return Media("image", own.ref, own.name, own.type, own.size, alt=alt)
    address = _address(image.address.plain(language, args)) if image.address else ""
    if address and _shows(look, "media"):
        return Media("image", address, alt=alt)
    return Text((Span(alt, link=address),))


def _file(file: FileWords, language: str) -> Part:
    own = _own(file, language)
    kind = kind_of(own.type)
    return Media("file" if kind == "image" else kind, own.ref, own.name, own.type, own.size)


def _own(file: FileWords, language: str) -> FlowFile:
    return file.by_ref[file.refs.plain(language, {})]


def _address(address: str) -> str:
    return address if address.startswith("https://") else ""


def _shows(look: Look, part: str) -> bool:
    """Whether the channel can, as far as is known."""
    known = look(SHOWS)
    return isinstance(known, list) and part in known


def form(flow: Flow, asks: Iterable[Ask], look: Look, language: str) -> Form | None:
    """The questions in one. None: the channel has no forms, or there is not enough to ask."""
    fields = [_field(flow, ask, look, language) for ask in asks if look(ask.slot) is None]
    known = [field for field in fields if field is not None]
    return Form(tuple(known)) if len(known) > 1 and _shows(look, "form") else None


def _field(flow: Flow, ask: Ask, look: Look, language: str) -> Field | None:
    """None: it must be sent, and cannot be written."""
    slot = flow.slots[ask.slot]
    if slot.type.take is not None or ask.say.text is None:
        return None
    answers = options_of(ask, slot, look, language) if slot.type.name == "choice" else ()
    return Field(
        slot.name,
        ask.say.text.plain(language, _args(ask.say, flow, look, language)),
        type=_FIELDS.get(slot.type.name, "text"),
        required=not slot.optional,
        options=tuple(Option(each.label, each.value) for each in answers),
    )


_FIELDS: Mapping[str, Literal["text", "long_text", "email", "phone", "date", "time", "choice", "yes_no"]] = {
    **{kind: kind for kind in ("email", "phone", "date", "time", "choice", "yes_no")},
    "address": "long_text",
}


def _options(options: Iterable[LabelledOption], language: str) -> tuple[Option, ...]:
    return tuple([Option(option.label.plain(language, {}), option.value) for option in options])


def _last_paragraph(said: Text) -> Text:
    kept: list[Span] = []
    for span in reversed(said.spans):
        _, gap, last = span.text.rpartition("\n\n")
        if gap:
            if last.strip():
                kept.append(replace(span, text=last.lstrip()))
            if kept:
                break
            continue
        kept.append(span)
    return Text(tuple(reversed(kept))) if kept else said
