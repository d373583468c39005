"""What a language model may know of the flows: which it may start, where the conversation stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot import fit
from bot.commands import guard_holds
from bot.flow import say
from bot.flow.book import Book, Slot
from bot.flow.conditions import Unevaluated
from bot.flow.question import look_up
from bot.flow.texts import Unsayable, chain
from bot.model import Facts, State
from bot.ports import Candidate, Tool


def candidates(book: Book, state: State, facts: Facts) -> tuple[Candidate, ...]:
    """Flows that the customer could ask for now, with examples in their language."""
    languages = chain(book.language(state, facts), book.assistant.language)
    return tuple(
        Candidate(
            flow=flow.name,
            about=flow.about or flow.title.plain(languages[0], {}),
            examples=next((flow.examples[tag] for tag in languages if tag in flow.examples), ()),
            slots=tuple(name for name, slot in flow.slots.items() if not slot.pii),
        )
        for flow in book.flows.values()
        if flow.is_open and guard_holds(flow, state, facts)
    )


def standing(book: Book, state: State, facts: Facts) -> tuple[str, str, Mapping[str, str]]:
    """The flow in progress, its pending question as it was asked, and the slots that words may fill."""
    flow = book.flow_of(state.stack[-1]) if state.stack else None
    if flow is None:
        return "", "", {}
    slots = {name: _told(slot, book.language(state, facts)) for name, slot in flow.slots.items()}
    return flow.about or flow.name, _question(book, state, facts), slots


class Stretch(Struct, frozen=True, kw_only=True):
    """Where the model leads: what it is to reach, and what it may use."""

    task: str
    knows: tuple[str, ...]
    """Names of documents without their endings; empty: all."""
    slots: Mapping[str, str]
    """To fill: name to what it is."""
    tools: tuple[Tool, ...]


def stretch(book: Book, state: State, facts: Facts) -> Stretch | None:
    """None where the model does not lead."""
    led = book.led(state)
    flow = book.flow_of(led[0]) if led else None
    if led is None or flow is None:
        return None
    step, language = led[1], book.language(state, facts)
    actions = [book.actions[name] for name in step.tools if name in book.actions]
    return Stretch(
        task=step.task,
        knows=step.knows,
        slots={name: _told(flow.slots[name], language) for name in step.fills},
        tools=tuple([Tool(name=a.name, about=a.about, arguments=a.schema()) for a in actions]),
    )


def _told(slot: Slot, language: str) -> str:
    values = ", ".join(option.value for option in slot.options(language))
    return f"{slot.type.name}: {values}" if values else slot.type.name


def _question(book: Book, state: State, facts: Facts) -> str:
    pending = book.pending(state)
    if pending is None:
        return ""
    look = look_up(state, pending.frame, facts)
    try:
        asked = say.question(book, pending.ask, pending.flow, look, book.language(state, facts), short=True)
    except (Unevaluated, Unsayable):
        return ""
    return "\n".join(filter(None, map(fit.plain, asked.parts)))
