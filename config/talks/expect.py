"""Judges what happened by what a conversation test expects. Pure: every key of `expect` is one function."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.commands import slash
from bot.fit import plain, words
from bot.flow.book import Book
from bot.flow.texts import Wording, chain
from bot.markup import parse
from bot.markup import plain as plain_spans
from bot.model import (
    Applied,
    Card,
    Choices,
    Emptied,
    Event,
    Filled,
    Json,
    Message,
    Move,
    Notice,
    Option,
    Popped,
    Pushed,
    Refused,
    Said,
    Sources,
    Turned,
)
from config.talks.spell import spell

if TYPE_CHECKING:
    from config.talks.room import Stretch


@dataclass(frozen=True, slots=True)
class Miss:
    """What was expected did not happen."""

    happened: str
    hint: str = ""
    """The nearest mend."""


Judge = Callable[[Any, "Stretch", Book], Miss | None]


@dataclass(frozen=True, slots=True)
class Key:
    judge: Judge
    kinds: tuple[str, ...]
    """Of YAML values that may stand there."""
    means: str
    """For messages: `'said' must be ...`."""


def judge(key: str, value: Any, stretch: Stretch, book: Book) -> Miss | None:
    return KEYS[key].judge(value, stretch, book)


# What was said


def _said(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    """All of it, in that order; each a message, a part of one, or `@key`."""
    said, at = _messages(stretch), 0
    for each in _listed(wanted):
        found = next((n for n in range(at, len(said)) if _says(str(each), said[n], book)), None)
        if found is None:
            later = " (said, but not in this order)" if any(_says(str(each), one, book) for one in said) else ""
            return Miss(_quoted(map(words, said)) + later, _said_hint(str(each), said, book))
        at = found  # one message may say several of them
    return None


def _not_said(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    said = [message for message in _messages(stretch) if any(_says(str(one), message, book) for one in _listed(wanted))]
    return Miss(_quoted(map(words, said))) if said else None


def _nothing_said(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    said = _messages(stretch)
    if bool(said) == wanted:
        return Miss(_quoted(map(words, said)))
    return None


def _options(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    """A list is all that the last message with options shows; one label is among any that were shown."""
    shown = [labels for event in stretch.events if (labels := [option.label for option in options(event)])]
    if isinstance(wanted, list):
        last = shown[-1] if shown else []
        return None if [str(each) for each in wanted] == last else Miss(str(last))
    every = [label for labels in shown for label in labels]
    return None if wanted in every else Miss(str(every), _near(str(wanted), every))


def _cited(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    sources = [part for message in _messages(stretch) for part in message.parts if isinstance(part, Sources)]
    documents = list(dict.fromkeys(passage.document for passage in stretch.cited)) if sources else []
    missing = [each for each in _listed(wanted) if each not in documents]
    if wanted is None:
        return Miss(str(documents)) if documents else None
    return Miss(str(documents) if documents else "nothing", _near(str(missing[0]), documents)) if missing else None


def _language(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    spoken = stretch.state.language or (stretch.conversation.language if stretch.conversation else "")
    return None if spoken == wanted else Miss(spoken or "none is known")


# What the flows did


def _ask(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    pending = book.pending(stretch.state)
    asks = pending.slot.name if pending else None
    if asks == wanted:
        return None
    return Miss(f"asks {asks!r} of flow {pending.flow.name!r}" if pending else "no question is pending")


def _flow(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    stack = [frame.flow for frame in stretch.state.stack]
    if (wanted is None and not stack) or (stack and stack[-1] == wanted):
        return None
    return Miss(" > ".join(stack) if stack else "no flow is in progress")


def _did(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    calls = stretch.calls
    told = "; ".join(f"{call.action} {spell(dict(call.args))}" for call in calls) or "no action ran"
    if wanted is None:
        return Miss(told) if calls else None
    pairs = wanted.items() if isinstance(wanted, dict) else ((str(each), None) for each in _listed(wanted))
    for name, args in pairs:
        runs = [call for call in calls if call.action == name]
        if not any(_holds(args, call.args) for call in runs):
            return Miss(told, _near(name, [call.action for call in calls]) if not runs else "")
    return None


def _slots(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    found = {name: _value(name, stretch, book) for name in wanted}
    return None if found == wanted else Miss(spell(found))


def _command(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    applied = [slash(move.by) for move in moves(stretch) if isinstance(move, Applied)]
    for each in _listed(wanted):
        if not any(_is_command(str(each), command) for command in applied):
            return Miss(", ".join(applied) or "no command", _near(f"/{str(each).removeprefix('/')}", applied))
    return None


def _refused(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    refused = [move for move in moves(stretch) if isinstance(move, Refused)]
    told = "; ".join(f"{slash(move.by)}: {move.why}" for move in refused) or "nothing was refused"
    if isinstance(wanted, bool):
        return None if bool(refused) == wanted else Miss(told)
    for each in _listed(wanted):
        if not any(_is_command(str(each), slash(move.by)) or str(each) in move.why for move in refused):
            return Miss(told)
    return None


def _outcome(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    ended = list(outcomes(stretch))
    told = ", ".join(f"{flow}: {outcome}" for flow, outcome in ended) or "no flow ended"
    if wanted is None:
        return Miss(told) if ended else None
    if isinstance(wanted, dict):
        return None if all(pair in ended for pair in wanted.items()) else Miss(told)
    names = [outcome for _, outcome in ended]
    missing = next((each for each in _listed(wanted) if each not in names), None)
    return None if missing is None else Miss(told, _near(str(missing), names))


# Humans


def _control(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    state = stretch.conversation.control.state if stretch.conversation else "bot"
    return None if state == wanted else Miss(state)


def _handoff(wanted: Any, stretch: Stretch, book: Book) -> Miss | None:
    """Its queue, or some of queue, reason, note; a part of the note is enough."""
    told = "; ".join(f"{spell({'queue': h.queue, 'reason': h.reason, 'note': h.note})}" for h in stretch.handoffs)
    if wanted is None:
        return Miss(told) if stretch.handoffs else None
    asked = wanted if isinstance(wanted, dict) else {"queue": wanted}
    for handoff in stretch.handoffs:
        is_noted = str(asked.get("note", "")) in handoff.note
        if is_noted and all(getattr(handoff, key, None) == value for key, value in asked.items() if key != "note"):
            return None
    return Miss(told or "no human was asked for")


KEYS: Mapping[str, Key] = {
    "said": Key(_said, ("text", "number", "list"), "is a text, '@key', or a list of them in order"),
    "not_said": Key(_not_said, ("text", "number", "list"), "is a text, '@key', or a list of them"),
    "nothing_said": Key(_nothing_said, ("truth",), "is true or false"),
    "options": Key(_options, ("text", "list"), "is a label, or the list of all labels shown last"),
    "cited": Key(_cited, ("text", "list", "nothing"), "is the name of a document, or a list of them"),
    "language": Key(_language, ("text",), "is a language"),
    "ask": Key(_ask, ("text", "nothing"), "is the slot of the pending question, or null for none"),
    "flow": Key(_flow, ("text", "nothing"), "is the flow in progress, or null for none"),
    "did": Key(
        _did, ("text", "list", "mapping", "nothing"), "is an action, a list of them, or {action: {input: value}}"
    ),
    "slots": Key(_slots, ("mapping",), "is a mapping of slot to value, null for none"),
    "command": Key(_command, ("text", "list"), "is a command such as /set order=A-17 or cancel, or a list of them"),
    "refused": Key(_refused, ("text", "list", "truth"), "is a command, a part of the reason, or true"),
    "outcome": Key(_outcome, ("text", "list", "mapping", "nothing"), "is how a flow ended, or {flow: outcome}"),
    "control": Key(_control, ("text",), "is bot, queued, offered, human, wrap_up or paused"),
    "handoff": Key(_handoff, ("text", "mapping", "nothing"), "is a queue, or some of {queue, reason, note}"),
}


# Looking at a stretch


def moves(stretch: Stretch) -> Iterator[Move]:
    for event in stretch.events:
        if isinstance(event.body, Turned):
            yield from event.body.moves


def outcomes(stretch: Stretch) -> Iterator[tuple[str, str]]:
    """(flow, how it ended), in order."""
    was = stretch.before
    flows = {frame.id: frame.flow for frame in (*was.stack, *((was.ended,) if was.ended else ()))}
    for move in moves(stretch):
        if isinstance(move, Pushed):
            flows[move.frame.id] = move.frame.flow
        elif isinstance(move, Popped):
            yield flows.get(move.frame, "?"), move.outcome


def _messages(stretch: Stretch) -> list[Message]:
    """What bot and system said publicly."""
    return [
        event.body.message
        for event in stretch.events
        if isinstance(event.body, Said) and event.public and event.author.kind in ("bot", "system")
    ]


def options(event: Event) -> Iterator[Option]:
    """What it shows to press."""
    for part in event.body.message.parts if isinstance(event.body, Said) else ():
        yield from part.options if isinstance(part, Choices | Card) else ()


def _value(name: str, stretch: Stretch, book: Book) -> Json:
    """As the flows know it now; of a flow that has ended, as it was known last."""
    state = stretch.state
    if home := book.home(state, name):
        frame, slot = home
        places: Mapping[str, Mapping[str, Json]] = {"conversation": state.slots, "customer": state.customer}
        return places.get(slot.scope, frame.slots).get(name)
    last: Json = state.slots.get(name, state.customer.get(name))
    for move in moves(stretch):
        match move:
            case Filled(slot=known, value=value) if known == name:
                last = value
            case Emptied(slot=known) if known == name:
                last = None
    return last


# Texts


def _says(wanted: str, message: Message, book: Book) -> bool:
    if wanted.startswith("@"):
        return any(_is_of(book.texts.wording(wanted[1:]), text, message.language) for text in _texts(message))
    return _spaced(wanted) in _spaced(words(message))


def _texts(message: Message) -> Iterator[str]:
    """Each thing a message says that may be a text of its own."""
    for part in message.parts:
        match part:
            case Card(title, body, meta):
                yield from filter(None, (title, body, meta))
            case Choices(prompt=prompt):
                yield prompt
            case Notice(text=text):
                yield text
            case _:
                yield plain(part)


def _is_of(wording: Wording, text: str, language: str) -> bool:
    tags = [*filter(wording.by_language.get, chain(language, wording.default)), *wording.by_language]
    return bool(_form(wording.by_language[tags[0]].source).fullmatch(_bare(text)))


@lru_cache(maxsize=4_000)
def _form(source: str) -> re.Pattern[str]:
    """What a text can look like once its values are in: values are anything."""
    from jinja2 import Environment

    return re.compile(_pattern(Environment().parse(source.strip())), re.DOTALL)


def _pattern(node: Any) -> str:
    match type(node).__name__:
        case "Template":
            return "".join(map(_pattern, node.body))
        case "Output":
            return "".join(map(_pattern, node.nodes))
        case "TemplateData":
            return re.escape(_bare(plain_spans(parse(node.data))))
        case "If":
            branches = [node.body, *(branch.body for branch in node.elif_), node.else_]
            return f"(?:{'|'.join(''.join(map(_pattern, branch)) for branch in branches)})"
        case "For":
            return f"(?:{''.join(map(_pattern, node.body))})*"
        case _:
            return ".*?"


def _bare(text: str) -> str:
    """Letters and digits alone: markup and spacing differ between a text and what is shown of it."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _said_hint(wanted: str, said: Sequence[Message], book: Book) -> str:
    if wanted.startswith("@"):
        keys = [key for key, wording in book.texts.by_key.items() for message in said if _is_key_of(wording, message)]
        return f"said were {', '.join(f'@{key}' for key in dict.fromkeys(keys))}" if keys else ""
    return _near(wanted, [words(message) for message in said])


def key_of(message: Message, book: Book) -> str:
    """`@key` of the one text that a message can be; empty when it could be none or several."""
    keys = [key for key, wording in book.texts.by_key.items() if _is_key_of(wording, message)]
    return f"@{keys[0]}" if len(keys) == 1 else ""


def _is_key_of(wording: Wording, message: Message) -> bool:
    """Texts that are little more than a value could be anything."""
    pattern = _form(next(iter(wording.by_language.values())).source).pattern
    return len(pattern.replace(".*?", "")) > 5 and any(
        _is_of(wording, text, message.language) for text in _texts(message)
    )


# Words of messages


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(wanted: Any, found: Mapping[str, Json]) -> bool:
    return wanted is None or all(name in found and found[name] == value for name, value in wanted.items())


def _is_command(wanted: str, command: str) -> bool:
    """`/set order=A-17` is that one, `set` or `/set` any of its kind."""
    wanted = f"/{wanted.removeprefix('/')}"
    return command == wanted or command.startswith(f"{wanted} ")


def _near(wanted: str, found: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, found, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _quoted(lines: Any) -> str:
    return "; ".join(repr(_spaced(line)) for line in lines) or "nothing was said"
