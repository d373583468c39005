"""Makes messages of what flows and patterns say. Options have no tokens yet: the engine gives them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from bot.commands import guard_holds, parse_slash, slash
from bot.flow.book import Book, Flow, Slot
from bot.flow.conditions import Look, Unevaluated
from bot.flow.question import MOST_OPTIONS, options_of
from bot.flow.steps import Ask, CardWords, Content, LabelledOption, Variant
from bot.flow.texts import Chosen
from bot.model import (
    Card,
    Choices,
    Facts,
    Human,
    Json,
    Message,
    Notice,
    Option,
    Part,
    Set,
    Skip,
    Span,
    Start,
    State,
    Text,
)

MOST_ON_MENU = 12
_LIST_FROM = 7
"""That many options no longer fit beside one another."""


def content(said: Content, flow: Flow, look: Look, language: str) -> Message:
    """Raises `Unevaluated`, `Unsayable`."""
    return Message(tuple(_parts(said, flow, look, language)), language)


def chosen(variants: Sequence[Variant], look: Look, *, seed: str) -> Content:
    """One of the ways that fit here: of those for just this case, else of the others; the same for the same seed.

    The seed is one of the place in the conversation; that of the person is added, so that not all hear the same.
    """
    if len(variants) == 1:
        return variants[0].content
    fit = [each for each in variants if _fits(each, look)]
    special = [each for each in fit if each.channel or each.condition]
    return _drawn(special or fit, look, seed).content


def _fits(variant: Variant, look: Look) -> bool:
    if variant.channel and variant.channel != look("channel"):
        return False
    try:
        return variant.condition is None or bool(variant.condition.evaluate(look))
    except Unevaluated:
        return False


def _drawn(variants: Sequence[Variant], look: Look, seed: str) -> Variant:
    customer = look("customer")
    person = customer.get("id", "") if isinstance(customer, dict) else ""
    digest = hashlib.blake2b(f"{person}/{seed}".encode(), digest_size=8).digest()
    left = int.from_bytes(digest) % sum(each.weight for each in variants)
    for each in variants:
        left -= each.weight
        if left < 0:
            return each
    raise AssertionError("the weights add up to more than what is left")


def question(book: Book, ask: Ask, flow: Flow, look: Look, language: str, *, short: bool = False) -> Message:
    """The question with its answers to choose from; `short` is its last paragraph alone.

    Raises `Unevaluated`, `Unsayable`.
    """
    slot = flow.slots[ask.slot]
    parts = _parts(ask.say, flow, look, language)
    if short:
        parts = [_last_paragraph(part) if isinstance(part, Text) else part for part in parts]
        parts = [part for part in parts if not isinstance(part, Card)] or parts
    options = [Option(each.label, slash(Set(slot.name, each.value))) for each in options_of(ask, slot, look, language)]
    if slot.optional:
        options.append(Option(book.texts.plain("skip", language), slash(Skip())))
    if options:
        parts.append(Choices(tuple(options), look="quick" if len(options) < _LIST_FROM else "list"))
    return Message(tuple(parts), language)


def greeting(book: Book, language: str) -> Message:
    """What opens a conversation. Its options carry tokens already, the same in every conversation: `greeting.0`, ..."""
    said: list[Part] = [Text(book.assistant.greeting.spans(language, {}))]
    if book.assistant.starters:
        starters = _options(book.assistant.starters, language)
        said.append(Choices(tuple(replace(o, token=f"{GREETING}{n}") for n, o in enumerate(starters)), look="quick"))
    return Message(tuple(said), language=language)


GREETING = "greeting."


def menu(book: Book, state: State, facts: Facts, key: str, flows: Iterable[str] = ()) -> Message:
    """A text over flows to choose from: the given ones, else all a customer can ask for now, and a person."""
    language = book.language(state, facts)
    chosen = [book.flows[name] for name in flows] or [flow for flow in book.flows.values() if flow.is_open]
    options = [
        Option(flow.title.plain(language, {}), slash(Start(flow.name)))
        for flow in chosen
        if flow.needs or guard_holds(flow, state, facts)
    ][:MOST_ON_MENU]
    options.append(to_a_person(book, language))
    said = book.texts.say(key, language)
    return replace(said, parts=(*said.parts, Choices(tuple(options), look="buttons")))


def to_a_person(book: Book, language: str) -> Option:
    return Option(book.texts.plain("talk_to_human", language), slash(Human()))


def pattern(book: Book, key: str, language: str, args: Mapping[str, object] | None = None) -> Message:
    """What the program itself has to say, in the project's words where it has its own."""
    return book.texts.say(key, language, args)


def notice(book: Book, key: str, language: str, args: Mapping[str, str]) -> Message:
    """A line by the system, such as who has joined."""
    said = pattern(book, key, language or book.assistant.language, args)
    line = "".join(span.text for part in said.parts if isinstance(part, Text) for span in part.spans)
    return Message((Notice(key, line, dict(args)),), language=said.language)


def values(names: Iterable[str], flow: Flow, look: Look, language: str) -> dict[str, object]:
    """What texts see: choices show their label, dates are dates."""
    return {name: _value(look(name), flow.slots.get(name), language) for name in names}


def _value(value: Json, slot: Slot | None, language: str) -> object:
    if slot is None or value is None:
        return value
    if slot.type.is_instant and isinstance(value, str):
        return date.fromisoformat(value[:10])
    if slot.of:
        spelled = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        label = next((option.label.plain(language, {}) for option in slot.of if option.value == spelled), None)
        return value if label is None or not isinstance(value, str) else Chosen(value, label)
    return value


def _parts(said: Content, flow: Flow, look: Look, language: str) -> list[Part]:
    args = _args(said, flow, look, language)
    parts: list[Part] = []
    if said.text is not None:
        parts.append(Text(said.text.spans(language, args)))
    if said.card is not None:
        parts.append(_card(said.card, language, args))
    if said.image is not None:
        address, alt = (words.plain(language, args) for words in (said.image.address, said.image.alt))
        parts.append(Text((Span(alt, link=address if address.startswith("https://") else ""),)))
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
    card, image = said.card, said.image
    args: dict[str, object] = {}
    wordings = (said.text, *((card.title, card.body, card.meta) if card else ()))
    for wording in (*wordings, image.address, image.alt) if image else wordings:
        for name in wording.words(language).reads if wording else ():
            own = said.args.get(name)
            args[name] = own.evaluate(look) if own else _value(look(name), flow.slots.get(name), language)
    return args


def _card(card: CardWords, language: str, args: Mapping[str, object]) -> Card:
    return Card(
        title=card.title.plain(language, args),
        body=card.body.plain(language, args) if card.body else "",
        meta=card.meta.plain(language, args) if card.meta else "",
        options=_options(card.options, language),
    )


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
