"""What the flow language costs by itself: a scripted turn, folding a log again, reading a project of many flows.

`python -m bench.flow` prints the seconds that reading 500 generated flows takes in a fresh interpreter.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import msgspec

from bot.flow.book import Book
from bot.flow.fold import fold_event
from bot.flow.interpreter.advance import advance, begin
from bot.flow.interpreter.given import Ordered
from bot.flow.read import read
from bot.flow.understand import understand
from bot.model import (
    BOT,
    Address,
    Author,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    Declined,
    Event,
    Said,
    State,
    Turn,
    Turned,
    text,
)
from config.wiring import facts_of

ALLOWED = 100.0
"""Microseconds of CPU that interpreting a scripted step may take."""
FOLD_ALLOWED = 50.0
"""Milliseconds that folding a log of `EVENTS` may take."""
LOAD_ALLOWED = 3.0
"""Seconds that reading and checking `FLOWS` may take."""
EVENTS, FLOWS = 1000, 500

_NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
_SAID = Event(1, _NOW, Author("customer", "visitor"), Said(text("my order")))
_CONVERSATION = Conversation(
    id=ConversationId("0" * 32),
    contact=ContactId("visitor"),
    address=Address("widget", "bench", "visitor"),
    control=Control(),
    created_at=_NOW,
    updated_at=_NOW,
)


async def step(seconds: float) -> float:
    """Microseconds of CPU per turn, over turns that ask and turns that answer."""
    book = read(Path(__file__).parent / "desk" / "flows")
    state, turns = begin(book), 0
    since, until = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(100):
            state = _after_one(book, state)
        turns += 100
    return (time.process_time() - since) / turns * 1e6


async def fold(seconds: float) -> float:
    """Milliseconds of CPU to decode a log of 1,000 events and fold it; three in ten are turns."""
    raw, wanted = _log(read(Path(__file__).parent / "desk" / "flows"))
    folded = 0
    since, until = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        state = State()
        for event in msgspec.json.decode(raw, type=list[Event]):
            state = fold_event(state, event)
        folded += 1
        if state != wanted:
            raise LookupError("the fold is not the live state")
    return (time.process_time() - since) / folded * 1e3


def load() -> float:
    """Seconds of CPU to read and check 500 flows of nine steps in two languages, one in a file."""
    with tempfile.TemporaryDirectory() as folder:
        _write_project(Path(folder))
        since = time.process_time()
        found = read(Path(folder))
        spent = time.process_time() - since
    if len(found.flows) != FLOWS:
        raise LookupError(f"{len(found.flows)} flows were read, not {FLOWS}")
    return spent


def _log(book: Book) -> tuple[bytes, State]:
    """A long conversation: a message, the turn on it, what the bot said."""
    state, events = begin(book), list[Event]()
    while len(events) + 3 <= EVENTS:
        turned = _turned(book, state)
        for author, body in ((_SAID.author, _SAID.body), (BOT, turned), (BOT, Said(text("Which order is it?")))):
            events.append(Event(len(events) + 1, _NOW, author, body))
        state = fold_event(state, events[-2])
    events += [Event(len(events) + 1, _NOW, _SAID.author, _SAID.body)] * (EVENTS - len(events))
    return msgspec.json.encode(events), state


def _write_project(folder: Path) -> None:
    (folder / "texts").mkdir()
    (folder / "assistant.yaml").write_text("assistant: Ada\nlanguages: [en, fr]\nqueues: [service]\n")
    (folder / "actions.py").write_text(
        "from bot.flow.declare import action\n\n\n"
        "@action(effect='read')\nasync def find(order: str) -> dict[str, int]:\n    return {'days': 9}\n"
    )
    texts = {"en": list[str](), "fr": list[str]()}
    for number in range(FLOWS):
        (folder / f"flow_{number}.yaml").write_text(_flow(number))
        for tag, lines in texts.items():
            lines.append(f"flow_flow_{number}: Request {number} ({tag})")
            lines.append(f"which_{number}: 'Which order, {{{{ customer.name }}}}? ({number}, {tag})'")
            lines.append(
                f"found_{number}: 'Order **{{{{ order }}}}** has {{{{ found.days }}}} days. ({number}, {tag})'"
            )
            lines.append(f"late_{number}: 'That is too late. ({number}, {tag})'")
            lines.append(f"sure_{number}: 'Shall I do {number} for {{{{ order }}}}? ({tag})'")
    for tag, lines in texts.items():
        for part, at in enumerate(range(0, len(lines), 500)):
            folder_of_tag = folder / "texts" / f"{tag}.yaml"
            with folder_of_tag.open("a") as file:
                file.write(("---\n" if part else "") + "\n".join(lines[at : at + 500]) + "\n")


def _flow(number: int) -> str:
    return dedent(f"""\
        flow: flow_{number}
        about: The customer wants request {number}.
        examples:
          en: [I want request {number}, please do number {number} for me, how does number {number} work]
          fr: [je veux la demande {number}, faites la demande {number}]
        slots:
          order: {{type: text}}
          sure: {{type: yes_no, always_ask: true}}
        steps:
          - ask: order
            say: "@which_{number}"
            stuck: {{handoff: service, note: "Order unknown in {number}."}}
          - do: find
            with: {{order: order}}
            into: found
            fails: {{handoff: service}}
          - when: found.days < {number % 30}
            then:
              - say: "@late_{number}"
              - end: refused
          - say: "@found_{number}"
          - ask: sure
            say: "@sure_{number}"
          - when: "!sure && size(order) > {number % 7}"
            then: [{{set: {{order: null}}}}, {{goto: ask_order}}]
          - say: "@found_{number}"
        """)


def _after_one(book: Book, state: State) -> State:
    return fold_event(state, Event(2, _NOW, BOT, _turned(book, state)))


def _turned(book: Book, state: State) -> Turned:
    turn = Turn(conversation=_CONVERSATION, state=state, inputs=(_SAID,), attempt=1, now=_NOW)
    facts = facts_of(turn)
    found = understand(book, state, turn, facts)
    if isinstance(found, Declined):
        raise LookupError(f"the desk for measuring does not understand its customer: {found.why}")
    orders = [Ordered(command, source) for command, source in found.commands]
    return Turned("in_flow", advance(book, state, orders, facts, epoch=0).moves)


if __name__ == "__main__":
    print(load())
