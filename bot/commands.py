"""The closed vocabulary that moves a conversation: slash forms, and the checks before a command is applied. Pure.

Whoever gives a command, a person, a model or a button, passes the same checks: guards, scope, types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import assert_never, get_args

from msgspec.structs import replace

from bot.flow import frames
from bot.flow.book import Book, Flow, Slot
from bot.flow.conditions import Unevaluated
from bot.flow.question import hearing_of, look_up
from bot.flow.slots import Hearing
from bot.flow.steps import Agent
from bot.model import (
    Cancel,
    Chat,
    Clarify,
    Command,
    CommandSource,
    Facts,
    HandoffReason,
    Human,
    Json,
    Lookup,
    Refuse,
    Repeat,
    Restart,
    Resume,
    Set,
    Skip,
    Start,
    State,
    Unset,
)

DEEPEST = 5
"""Flows on the stack at once."""
MOST_QUEUED = 10
LANGUAGE = "language"
"""What `set` calls the language of the conversation, where no flow in progress has a slot of that name."""
_LONGEST = 4_200  # of a slash form: a text slot and its name

_ANY_FLOW: tuple[CommandSource, ...] = ("button", "console", "api", "flow", "timer")
"""Sources that may start a flow customers cannot ask for: a flow or a person of the business chose it."""


# Slash forms


def parse_slash(text: str) -> Command | None:
    """`/start return_item order=A-17`, `/set order=A-17`, `/cancel`; None when it is no command."""
    line = text.strip()
    if not line.startswith("/") or len(line) > _LONGEST:
        return None
    word, _, rest = line[1:].partition(" ")
    rest = rest.strip()
    match word:
        case "start":
            return _parse_start(rest)
        case "set":
            slot, equals, value = rest.partition("=")
            return Set(slot.strip(), value.strip()) if equals and slot.strip().isidentifier() else None
        case "unset":
            return Unset(rest) if rest.isidentifier() else None
        case "cancel":
            return _parse_cancel(rest)
        case "resume":
            return Resume(rest) if not rest or rest.isidentifier() else None
        case "clarify":
            return Clarify(tuple(rest.split()))
        case "lookup":
            return Lookup(rest) if rest else None
        case "human":
            return _parse_human(rest)
        case "refuse":
            return Refuse(rest) if rest else None
        case _:
            return None if rest else _BARE.get(word)


def question_in(words: str) -> str:
    """What is asked by a typed `/lookup`; other words ask what they say."""
    command = parse_slash(words)
    return command.question if isinstance(command, Lookup) else words


_BARE: Mapping[str, Command] = {"skip": Skip(), "repeat": Repeat(), "chat": Chat(), "restart": Restart()}


def slash(command: Command) -> str:
    """The form that `parse_slash` reads. Values become text: the slot's type reads them again."""
    match command:
        case Start(flow=flow, slots=slots):
            return " ".join((f"/start {flow}", *(f"{name}={_quoted(_words(value))}" for name, value in slots.items())))
        case Set(slot=name, value=value):
            return f"/set {name}={_words(value)}"
        case Unset(slot=name):
            return f"/unset {name}"
        case Cancel(scope=scope):
            return "/cancel" if scope == "flow" else f"/cancel {scope}"
        case Resume(flow=flow):
            return f"/resume {flow}".strip()
        case Clarify(flows=flows):
            return f"/clarify {' '.join(flows)}".strip()
        case Skip() | Repeat() | Chat() | Restart():
            return f"/{type(command).__name__.lower()}"
        case Lookup(question=question):
            return f"/lookup {question}"
        case Human(reason=reason, note=note):
            return " ".join(filter(None, ("/human", "" if reason == "asked" else f"({reason})", note)))
        case Refuse(reason=why):
            return f"/refuse {why}"
        case _:
            assert_never(command)


def _words(value: Json) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case _:
            return json.dumps(value, ensure_ascii=False)


def _quoted(words: str) -> str:
    plain = words and not any(c.isspace() or c == '"' for c in words)
    return words if plain else json.dumps(words, ensure_ascii=False)


def _parse_start(rest: str) -> Start | None:
    flow, _, rest = rest.partition(" ")
    slots: dict[str, Json] = {}
    while rest := rest.strip():
        name, equals, rest = rest.partition("=")
        if not equals or not name.strip().isidentifier():
            return None
        if rest.startswith('"'):
            try:
                value, end = json.JSONDecoder().raw_decode(rest)
            except ValueError:
                return None
            rest = rest[end:]
        else:
            value, _, rest = rest.partition(" ")
        slots[name.strip()] = value
    return Start(flow, slots) if flow.isidentifier() else None


def _parse_cancel(rest: str) -> Cancel | None:
    match rest:
        case "" | "flow":
            return Cancel()
        case "all" | "handoff":
            return Cancel(rest)
        case _:
            return None


def _parse_human(rest: str) -> Human:
    for reason in get_args(HandoffReason):
        if rest.startswith(f"({reason})"):
            return Human(reason, rest.removeprefix(f"({reason})").strip())
    return Human(note=rest)


# Checks


def check(command: Command, source: CommandSource, book: Book, state: State, facts: Facts) -> Command | str:
    """The command with its values as the slots' types read them, or why it is refused."""
    match command:
        case Start():
            return _check_start(command, source, book, state, facts)
        case Set(slot=name, value=value):
            return _check_set(name, value, source, book, state, facts)
        case Unset(slot=name):
            return _check_unset(name, source, book, state, facts)
        case Resume(flow=flow):
            waits = not flow or frames.running(state.stack, flow)
            return command if waits else f"flow {flow!r} is not in progress"
        case Clarify(flows=flows):
            return _check_clarify(flows, source, book)
        case Skip():
            return _check_skip(book, state)
        case Cancel() | Repeat() | Lookup() | Chat() | Human() | Restart() | Refuse():
            return command
        case _:
            assert_never(command)


def guard_holds(flow: Flow, state: State, facts: Facts) -> bool:
    """A guard that cannot be evaluated does not hold."""
    try:
        return flow.guard is None or bool(flow.guard.evaluate(look_up(state, None, facts)))
    except Unevaluated:
        return False


def way_into(book: Book, flow: Flow, state: State, facts: Facts) -> tuple[Flow, ...]:
    """The flow itself, after those that can make its guard true, in order; none where nothing does now."""
    way = [flow]
    while not guard_holds(way[0], state, facts):
        needed = book.flows.get(way[0].needs)
        if needed is None or any(each.name == needed.name for each in way):
            return ()
        way.insert(0, needed)
        if frames.running(state.stack, needed.name):
            break
    return tuple(way)


def _check_start(command: Start, source: CommandSource, book: Book, state: State, facts: Facts) -> Command | str:
    flow = book.flows.get(command.flow)
    if flow is None:
        return f"there is no flow {command.flow!r}"
    if not flow.is_open and source not in _ANY_FLOW:
        return f"flow {flow.name!r} is only called by others"
    if frames.depth(state.stack) >= DEEPEST and not frames.running(state.stack, flow.name):
        return f"{DEEPEST} flows are in progress already"
    if not way_into(book, flow, state, facts):
        return f"flow {flow.name!r} is not for this customer now"
    typed: dict[str, Json] = {}
    for name, value in command.slots.items():
        slot = flow.slots.get(name)
        if slot is None:
            return f"flow {flow.name!r} has no slot {name!r}"
        if slot.always_ask or (_is_kept_from(slot, flow) and source not in _ANY_FLOW):
            continue
        read = read_value(slot, value, source, hearing_of(book, state, slot, facts))
        if read is None:
            return f"slot {name!r}: that is no {slot.type.name}"
        typed[name] = read
    return Start(flow.name, typed)


def _check_set(name: str, value: Json, source: CommandSource, book: Book, state: State, facts: Facts) -> Command | str:
    home = book.home(state, name)
    if home is None and name == LANGUAGE:
        return _check_language(value, book)
    if home is None and book.ended(state, name):
        return _check_again(Set(name, value), source, book, state, facts)
    if home is None:
        return f"no flow in progress has a slot {name!r}"
    frame, slot = home
    led = book.led(state)
    asked = state.stack[-1].id == frame.id and (frame.asking == name or (led is not None and name in led[1].fills))
    if slot.always_ask and not asked:
        return f"slot {name!r} is only set while it is asked for"
    flow = book.flow_of(frame)
    if flow and _is_kept_from(slot, flow) and source not in _ANY_FLOW:
        return f"slot {name!r} is only set by the flow"
    if value is None and slot.optional and source != "model":
        return Set(name, None)  # left out of a form
    hearing = hearing_of(book, state, slot, facts)
    if slot.type.name == "multi_choice" and isinstance(value, str) and value[:1] in ("+", "-"):
        is_open = frame.asking == name and picked(slot, value, hearing) is not None
        return Set(name, value) if is_open else f"slot {name!r}: nothing of that can be chosen now"
    read = read_value(slot, value, source, hearing)
    return f"slot {name!r}: that is no {slot.type.name}" if read is None else Set(name, read)


def picked(slot: Slot, value: Json, hearing: Hearing) -> tuple[bool, tuple[str, ...]] | None:
    """Of a question that takes several answers, some to choose beside those chosen so far, `+towels`, or to drop from
    them, `-towels`. None: it is neither."""
    if slot.type.name != "multi_choice" or not isinstance(value, str) or value[:1] not in ("+", "-"):
        return None
    found = slot.type.parse(value[1:], replace(hearing, strict=True))
    return (value[0] == "+", tuple(map(str, found))) if isinstance(found, list) else None


def _check_unset(name: str, source: CommandSource, book: Book, state: State, facts: Facts) -> Command | str:
    home = book.home(state, name)
    if home is None and book.ended(state, name):
        return _check_again(Unset(name), source, book, state, facts)
    if home is None:
        return f"no flow in progress has a slot {name!r}"
    frame, slot = home
    flow = book.flow_of(frame)
    if flow and _is_kept_from(slot, flow) and source not in _ANY_FLOW:
        return f"slot {name!r} is only set by the flow"
    if flow and not _is_asked_for(slot, flow) and look_up(state, frame, facts)(name) is None:
        return f"slot {name!r} is empty, and nothing asks for it"
    return Unset(name)


def _check_again(
    command: Set | Unset, source: CommandSource, book: Book, state: State, facts: Facts
) -> Set | Unset | str:
    """A correction of the flow that ended last, which goes on with it."""
    name = command.slot
    found = book.ended(state, name)
    flow = book.flow_of(found[0]) if found else None
    if found is None or flow is None:
        return f"no flow in progress has a slot {name!r}"
    frame, slot = found
    had = look_up(state, frame, facts)(name)
    if slot.always_ask or not _is_asked_for(slot, flow):
        return f"slot {name!r} is only set by the flow, and that has ended"
    if frames.depth(state.stack) >= DEEPEST:
        return f"{DEEPEST} flows are in progress already"
    if not guard_holds(flow, state, facts):
        return f"flow {flow.name!r} is not for this customer now"
    if isinstance(command, Unset):
        return command if had is not None else f"slot {name!r} is empty, and its flow has ended"
    read = read_value(slot, command.value, source, hearing_of(book, state, slot, facts))
    if read is None:
        return f"slot {name!r}: that is no {slot.type.name}"
    return Set(name, read) if read != had else f"slot {name!r} held that already when its flow ended"


def _check_language(value: Json, book: Book) -> Set | str:
    """`fr` and `fr-BE` are what a project that speaks `fr-FR` or `fr` speaks of it."""
    spoken, wanted = book.assistant.languages, str(value).casefold().replace("_", "-")
    alike = [tag for tag in spoken if tag.casefold().partition("-")[0] == wanted.partition("-")[0]]
    found = next((tag for tag in alike if tag.casefold() == wanted), None) or next(iter(alike), None)
    return Set(LANGUAGE, found) if found else f"{value!r} is not among the languages {', '.join(spoken)}"


def _is_kept_from(slot: Slot, flow: Flow) -> bool:
    """What is known of a customer for good, such as that they are verified, is not theirs to say unless asked."""
    return slot.scope == "customer" and not _is_asked_for(slot, flow)


def _is_asked_for(slot: Slot, flow: Flow) -> bool:
    """By the flow itself, or by the model where it leads."""
    return slot.name in flow.asks or any(
        isinstance(step, Agent) and slot.name in step.fills for step in flow.steps.values()
    )


def read_value(slot: Slot, value: Json, source: CommandSource, hearing: Hearing) -> Json:
    """As a value, else as words. A model makes up no files: those were sent, or are none."""
    if value is None or (slot.type.take is not None and source == "model"):
        return None
    words = _words(value)
    exact = slot.type.parse(words, replace(hearing, strict=True))
    return exact if exact is not None or not isinstance(value, str) else slot.type.parse(words, hearing)


def _check_clarify(flows: tuple[str, ...], source: CommandSource, book: Book) -> Command | str:
    known = tuple(name for name in dict.fromkeys(flows) if name in book.flows and book.flows[name].is_open)
    return Clarify(known[:10]) if known or not flows else f"none of {list(flows[:10])} is a flow customers can ask for"


def _check_skip(book: Book, state: State) -> Command | str:
    pending = book.pending(state)
    if pending is None:
        return "no question is pending"
    return Skip() if pending.slot.optional else f"slot {pending.slot.name!r} is not optional"
