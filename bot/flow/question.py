"""The question that waits for an answer: what it offers, how an answer is heard, what a model may know of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bot.flow.book import Book, Flow, Slot, labelled
from bot.flow.conditions import Expression, Look, Unevaluated
from bot.flow.slots import Hearing, Labelled
from bot.flow.steps import Ask
from bot.model import Facts, Frame, Json, State

MOST_OPTIONS = 25


def look_up(state: State, frame: Frame | None, facts: Facts) -> Look:
    """What a name means inside a flow: its slots, its results, slots of the conversation, facts."""
    places: tuple[Mapping[str, Json], ...] = (state.slots, state.customer, facts)
    if frame is not None:
        places = (frame.slots, frame.results, *places)

    def look(name: str) -> Json:
        if name == "customer" and state.customer:
            known = facts.get(name)
            return {**(known if isinstance(known, dict) else {}), **state.customer}
        for place in places:
            if name in place:
                return place[name]
        return None

    return look


def options_of(ask: Ask | None, slot: Slot, look: Look, language: str) -> tuple[Labelled, ...]:
    """The answers a question offers: its own, else those of the slot. Raises `Unevaluated`."""
    own = ask.options if ask is not None else ()
    if isinstance(own, Expression):
        return _listed(own.evaluate(look))
    return labelled(own or slot.of, language)


def hearing_of(book: Book, state: State, slot: Slot, facts: Facts, *, strict: bool = False) -> Hearing:
    """How words are heard as a value of this slot, in the flow on the stack that declares it."""
    language = book.language(state, facts)
    now, zone = facts.get("now"), facts.get("zone")
    return Hearing(
        language=language,
        rules=book.rules_for(language),
        now=now if isinstance(now, str) else "",
        zone=zone if isinstance(zone, str) else "",
        region=slot.region,
        currency=slot.currency,
        scale=slot.scale,
        options=_options_on_stack(book, state, slot, facts, language),
        strict=strict,
    )


def _options_on_stack(book: Book, state: State, slot: Slot, facts: Facts, language: str) -> tuple[Labelled, ...]:
    home = book.home(state, slot.name)
    if home is None:
        return slot.options(language)
    frame, _ = home
    flow = book.flow_of(frame)
    ask = ask_of(flow, slot.name, frame) if flow else None
    try:
        return options_of(ask, slot, look_up(state, frame, facts), language)
    except Unevaluated:
        return slot.options(language)


def ask_of(flow: Flow, slot: str, frame: Frame | None = None) -> Ask | None:
    """The step that asks for a slot: the one the frame stands at, else the first."""
    here = flow.steps.get(frame.step) if frame is not None else None
    if isinstance(here, Ask) and here.slot == slot:
        return here
    return next(iter(flow.asks.get(slot, ())), None)


def _listed(value: Json) -> tuple[Labelled, ...]:
    """From a list of texts, or of mappings with `value` and `label`; what is neither is left out."""
    if not isinstance(value, list):
        raise Unevaluated("options must be a list")
    options = (_labelled(item) for item in value[:MOST_OPTIONS])
    return tuple(option for option in options if option is not None)


def _labelled(item: object) -> Labelled | None:
    match item:
        case bool() | None:
            return None
        case str() | int() | float():
            return Labelled(str(item), str(item))
        case {"value": str() | int() | float() as value}:
            label = item.get("label") if isinstance(item, dict) else None
            return Labelled(str(value), str(label or value))
        case _:
            return None
