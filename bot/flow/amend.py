"""Finds in a customer's words that something said before was wrong: "no, not A-17", "sorry, I meant A-18". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.flow.book import Book, Flow, Slot
from bot.flow.question import hearing_of, look_up
from bot.flow.rules import Rules, after
from bot.flow.slots import TYPES
from bot.flow.words import Phrase, contains, tokens
from bot.model import Facts, Frame, Json, Set, State, Unset

_IN_ANY_WORDS = ("text", "name", "address", "yes_no")
"""Types that find an answer in nearly every sentence: no value of theirs is heard as a correction."""
_MOST_OTHER_WORDS = 2
_DISTINCT = ("email", "phone", "url")
"""Types whose values are recognised wherever they stand; so are those of the project."""


def amended(book: Book, state: State, facts: Facts, text: str, *, boldly: bool) -> Set | Unset | None:
    """What is to be changed: of several of one kind the one that was said last; of several kinds none. A question is
    no correction.

    `boldly`: the words were understood in no other way, so that a value of a kind that stands nowhere by chance is
    enough. Else there must be a word that says so.
    """
    if text.rstrip().endswith(("?", "؟", "？")):
        return None
    known = [*_held(book, state, facts)]
    if known and (pending := book.pending(state)) and _read(book, state, facts, pending.slot, text) is not None:
        if is_distinct(pending.slot):
            return None  # it is the answer
        known = [(slot, had) for slot, had in known if slot.type.name != pending.slot.type.name]
    if not known:
        return None
    said, rules = tokens(text), book.rules_for(book.language(state, facts))
    ends = [end for each in rules for at in range(len(said)) if (end := after(said, at, each.corrects)) > at]
    marked, meant = bool(ends), " ".join(said[min(ends, default=0) :])
    denied = any(not each.negations.isdisjoint(said) for each in rules)
    found: dict[str, Set | Unset] = {}
    for slot, had in known:
        if slot.name in found:
            continue
        names = _names(book, state, facts, slot, had)
        rest = _without(text, names)
        value = _read(book, state, facts, slot, rest)
        if value is None and marked:
            value = _read(book, state, facts, slot, meant)
        is_whole = is_distinct(slot) and value is not None and tokens(str(value)) == said
        if _says_more(said, (*names, *_names(book, state, facts, slot, value)), rules):
            continue
        if value is not None and value != had:
            is_other = any(other.type.name == slot.type.name and value == held for other, held in known)
            if is_other and rest == text:
                continue  # it names another slot's value
            if marked or is_whole or (is_distinct(slot) and (denied or boldly)):
                found[slot.name] = Set(slot.name, value)
        elif denied and rest != text:
            found[slot.name] = Unset(slot.name)
    kinds = {slot.type.name for slot, _ in known if slot.name in found}
    return next(iter(found.values())) if len(kinds) == 1 else None


def _read(book: Book, state: State, facts: Facts, slot: Slot, text: str) -> Json:
    return slot.type.parse(text, hearing_of(book, state, slot, facts)) if text.strip() else None


def _names(book: Book, state: State, facts: Facts, slot: Slot, value: Json) -> list[str]:
    """What a value is called: its label, and as it lies in the state."""
    if value is None:
        return []
    options = hearing_of(book, state, slot, facts).options
    return [*(option.label for option in options if option.value == value), str(value)]


def _without(text: str, names: Sequence[str]) -> str:
    """ "Not A-17 but A-18" names the old value beside the new one."""
    for name in names:
        if (at := text.casefold().find(name.casefold())) >= 0 and contains(tokens(text), tokens(name)):
            return f"{text[:at]} {text[at + len(name) :]}"
    return text


def _says_more(said: Phrase, values: Sequence[Json], rules: Sequence[Rules]) -> bool:
    """Whether much is left beside the values and the words that a correction is made of."""
    known = {word for value in values for word in tokens(str(value))}
    for each in rules:
        known |= each.filler | each.negations | {word for phrase in each.corrects for word in phrase}
    return sum(word not in known for word in said) > _MOST_OTHER_WORDS


def is_distinct(slot: Slot) -> bool:
    return slot.type.name not in TYPES or slot.type.name in _DISTINCT


def _held(book: Book, state: State, facts: Facts) -> Iterator[tuple[Slot, Json]]:
    """The slots that hold a value which can be heard as corrected: those of the topmost flow first, the last said
    first, and those of the flow that has just ended at last.
    """
    for frame in (*reversed(state.stack), *((state.ended,) if state.ended else ())):
        flow = book.flow_of(frame)
        if flow is None or not flow.slots:
            continue
        look = look_up(state, frame, facts)
        for slot in _last_first(frame, flow):
            if slot.always_ask or slot.type.name in _IN_ANY_WORDS or (had := look(slot.name)) is None:
                continue
            if frame is not state.ended or book.home(state, slot.name) is None:
                yield slot, had


def _last_first(frame: Frame, flow: Flow) -> list[Slot]:
    said = [name for name in reversed(frame.slots) if name in flow.slots]
    return [flow.slots[name] for name in dict.fromkeys((*said, *flow.slots))]
