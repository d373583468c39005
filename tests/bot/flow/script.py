"""Plays flows without an engine: slash commands in, the lines a customer would read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import bot.model
from bot import markup
from bot.commands import parse_slash
from bot.fit import plain
from bot.flow.book import Book
from bot.flow.fold import fold
from bot.flow.interpreter.advance import BUDGET, advance, begin
from bot.flow.interpreter.given import Act, ActionResult, Advance, Back, Given, Missed, Ordered, Rang, Signal
from bot.flow.read import read
from bot.flow.say import SHOWS
from bot.flow.understand import understand
from bot.model import (
    Address,
    Author,
    Card,
    Carousel,
    Choices,
    CommandSource,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    Declined,
    Event,
    Facts,
    Form,
    Incoming,
    Json,
    Media,
    Message,
    Move,
    Offer,
    Offered,
    Option,
    Pressed,
    Rating,
    Returned,
    Said,
    Signalled,
    State,
    Table,
    Text,
    Turn,
    text,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)

HEADER = """
assistant: Ada
languages: [en]
queues: [service, returns]
"""

ACTIONS = """
from bot.flow.declare import action, slot_type


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    found = [word.strip(".,!?").upper() for word in words.split() if word[:2].upper() == "A-"]
    return found[0] if len(found) == 1 else None


@action(effect="read")
async def find(order: str) -> dict[str, int]:
    return {"days": 9}


@action(effect="write")
async def book_it(order: str) -> str:
    return "R-1"
"""


def project(
    folder: Path,
    flows: str,
    *,
    header: str = HEADER,
    actions: str = ACTIONS,
    texts: Mapping[str, str] | None = None,
) -> Path:
    """A project in a folder; `texts` are files by language."""
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "assistant.yaml").write_text(dedent(header).strip())
    (folder / "flows.yaml").write_text(dedent(flows).strip())
    (folder / "actions.py").write_text(actions)
    for tag, lines in {"en": "not_an_order: No order.", **(texts or {})}.items():
        (folder / "texts" / f"{tag}.yaml").write_text(dedent(lines).strip())
    return folder


def book(folder: Path, flows: str, *, texts: Mapping[str, str] | None = None, header: str = HEADER) -> Book:
    return read(project(folder, flows, header=header, texts=texts))


@dataclass(slots=True)
class Talk:
    """One conversation. Actions give what `results` says; `!` begins a failure, `?` an outcome nobody knows."""

    book: Book
    results: Mapping[str, Json] = field(default_factory=dict)
    language: str = ""
    state: State = field(default_factory=State)
    moves: list[Move] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    last: Advance | None = None
    tokens: int = 0
    epoch: int = 0
    now: datetime = NOW
    hours: Mapping[str, Json] = field(default_factory=dict)
    channel: str = "web"
    person: str = "ann"
    shows: tuple[str, ...] = ()
    """Parts that the channel can show."""

    @property
    def facts(self) -> Facts:
        return {
            "now": self.now.isoformat(),
            "channel": self.channel,
            "customer": {"id": self.person, "verified": False, "name": "Ann"},
            "language": self.language,
            "hours": dict(self.hours),
            SHOWS: [*self.shows],
        }

    @property
    def at(self) -> list[tuple[str, str]]:
        """Flows on the stack, lowest first, each with the slot it asks for."""
        return [(frame.flow, frame.asking) for frame in self.state.stack]

    def slots(self, flow: str) -> dict[str, Json]:
        return next(frame.slots for frame in self.state.stack if frame.flow == flow)

    def of(self, *kinds: type[Move]) -> list[Move]:
        return [move for move in self.moves if isinstance(move, kinds)]

    def do(self, *lines: str, source: CommandSource = "slash") -> list[str]:
        """All in one turn."""
        commands = [parse_slash(line) for line in lines]
        assert None not in commands, lines
        return self.give(*(Ordered(command, source) for command in commands if command is not None))

    def miss(self) -> list[str]:
        return self.give(Missed())

    def back(self, given: Back) -> list[str]:
        return self.give(given)

    def signal(self, name: str, value: Json = None) -> list[str]:
        return self.give(Signal(name, value))

    def later(self, span: timedelta) -> list[str]:
        """Time passes; each timer rings when it is due."""
        until, lines = self.now + span, list[str]()
        while (first := next(iter(self.state.timers), None)) is not None and first.due_at <= until:
            self.now = max(self.now, first.due_at)
            lines += self.give(Rang())
        self.now = until
        return lines

    def hear(self, *words: str) -> list[str] | None:
        """None: declined."""
        return self.take(*(Said(text(line)) for line in words))

    def press(self, label: str) -> list[str] | None:
        token = next((offer.token for offer in reversed(self.state.offers) if offer.label == label), label)
        return self.take(Pressed(token, label))

    def take(self, *inputs: Incoming) -> list[str] | None:
        found = understand(self.book, self.state, self.turn(*inputs), self.facts, slash=True)
        if isinstance(found, Declined):
            return None
        return self.give(*(Ordered(command, source) for command, source in found.commands))

    def turn(self, *inputs: Incoming | Returned | bot.model.Rang | Signalled) -> Turn:
        conversation = Conversation(
            id=ConversationId("c"),
            contact=ContactId("p"),
            address=Address("memory", "main", "ann"),
            control=Control(epoch=self.epoch),
            language=self.language,
            created_at=NOW,
            updated_at=NOW,
        )
        events = tuple(Event(seq, NOW, Author("customer"), body) for seq, body in enumerate(inputs, 1))
        return Turn(conversation=conversation, state=self.state, inputs=events, attempt=1, now=NOW)

    def give(self, *given: Given) -> list[str]:
        lines: list[str] = []
        todo: Sequence[Given] = given
        budget = BUDGET
        while True:
            begins = todo is given
            step = advance(self.book, self.state, todo, self.facts, self.epoch, begins=begins, budget=budget)
            budget = step.budget
            self.moves += step.moves
            self.state = step.state
            lines += [line for message in step.says for line in self.shown(message)]
            self.last = step
            if step.act is None:
                return lines
            self.acts.append(step.act)
            todo = (self.result(step.act),)

    def result(self, act: Act) -> ActionResult:
        result = self.results.get(act.action)
        if isinstance(result, str) and result[:1] in ("!", "?"):
            return ActionResult(act.key, error=result, unknown=result.startswith("?"))
        return ActionResult(act.key, result)

    def shown(self, message: Message) -> list[str]:
        """Lines of a message; its options are offered as the engine does."""
        lines: list[str] = []
        for part in message.parts:
            match part:
                case Text(spans=spans):
                    lines.append(markup.plain(spans))
                case Choices(options=options):
                    lines.append(self.offer(options))
                case Card(title=title, body=body, meta=meta, options=options):
                    lines.append(" / ".join(filter(None, (title, body, meta))))
                    if options:
                        lines.append(self.offer(options))
                case Carousel(cards=cards):
                    lines += self.shown(Message(cards))
                case Rating(options=options):
                    lines.append(f"stars {self.offer(options)}")
                case Table() | Media() | Form():
                    lines.append(plain(part))
                case _:
                    raise AssertionError(part)
        return lines

    def offer(self, options: Sequence[Option]) -> str:
        self.tokens += 1
        offers = tuple(
            Offer(f"{self.tokens}.{place}", option.value, option.label, self.epoch, str(self.tokens))
            for place, option in enumerate(options)
        )
        self.moves.append(Offered(offers))
        self.state = fold(self.state, self.moves[-1])
        return f"[{'|'.join(option.label for option in options)}]"


def talk(
    folder: Path,
    flows: str,
    results: Mapping[str, Json] | None = None,
    *,
    texts: Mapping[str, str] | None = None,
    actions: str = ACTIONS,
) -> Talk:
    made = read(project(folder, flows, texts=texts, actions=actions))
    return Talk(made, results or {}, state=begin(made))
