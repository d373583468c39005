"""Finds the commands in what a customer did, without a model: buttons, slash forms, rules, answers, examples. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from bot.commands import LANGUAGE, parse_slash
from bot.flow import rules
from bot.flow.amend import amended
from bot.flow.book import Book, Pending
from bot.flow.examples import CLOSE, Match
from bot.flow.forms import filled, form_of, offer_of, wrong
from bot.flow.interpreter.advance import advance
from bot.flow.interpreter.given import Back, Given, Ordered, given_first
from bot.flow.question import hearing_of
from bot.flow.say import GREETING, SHOWS
from bot.flow.slots import Hearing, Labelled
from bot.flow.slots.choices import place_of
from bot.flow.words import MOST_CHARACTERS, Phrase, tokens
from bot.model import (
    Cancel,
    Clarify,
    Command,
    CommandSource,
    Declined,
    Event,
    Facts,
    Form,
    Human,
    Json,
    Lookup,
    Message,
    Opened,
    Pressed,
    Refuse,
    Repeat,
    Restart,
    Returned,
    Said,
    Set,
    Skip,
    Start,
    State,
    Submitted,
    Turn,
    written,
)

Found = tuple[tuple[Command, CommandSource], ...]

_SURE = 0.85
"""From here on an example is meant, even where any words would be an answer."""


class Understood(Struct, frozen=True):
    commands: Found
    through: int | None = None
    """Seq of the last input they cover; None: all. What follows is for somebody else, in a turn of its own."""


def understand(book: Book, state: State, turn: Turn, facts: Facts, *, slash: bool = False) -> Understood | Declined:
    """The commands of all inputs in order; `slash`: typed slash forms count as commands.

    Where only some of a burst is understood, the answer is about its beginning: commands, or declined words. No command
    at all may be understood as well: a human handed back or time has passed, and there is nothing to add.
    """
    ear = _Ear(book, turn, facts, slash)
    found, clear, through = ear.each(state)
    if (not clear or through) and len(ear.lines) > 1 and (joined := ear.words("\n".join(ear.lines.values()), state)):
        return Understood((*found, *joined) if ear.has(Pressed) else joined)
    if found or (clear and (ear.first or ear.has(Returned))):
        return Understood(found, through)
    return Declined("nothing was said" if clear else "the words are no command, no answer and no example", through)


class _Ear:
    def __init__(self, book: Book, turn: Turn, facts: Facts, slash: bool) -> None:
        self.book, self.turn, self.facts, self.slash = book, turn, facts, slash
        self.language = book.language(turn.state, facts)
        self.lines = {e.seq: written(e.body.message) for e in turn.inputs if isinstance(e.body, Said)}
        """What was written, by seq; empty where it was something else than words."""
        self.first = [given for given in given_first(turn.inputs) if not isinstance(given, Back)]
        """What has happened by itself: it comes before all that anybody wants."""

    @property
    def shows(self) -> Collection[str]:
        """What the channel can show."""
        shown = self.facts.get(SHOWS)
        return shown if isinstance(shown, list) else ()

    def has(self, kind: type[Pressed | Returned]) -> bool:
        return any(isinstance(event.body, kind) for event in self.turn.inputs)

    def each(self, state: State) -> tuple[Found, bool, int | None]:
        """What was understood, input by input, each seen from where those before it lead; whether it was clear; and
        how far that goes: as long as it is all clear, or all unclear."""
        found: list[tuple[Command, CommandSource]] = []
        clear: bool | None = None
        if self.first:
            state = self.after(state, self.first)
        before = 0
        for event in self.inputs():
            given = self.given(event, state)
            if given is not None:
                if clear not in (None, bool(given)):
                    return tuple(found), bool(clear), before
                clear = bool(given)
                found += [(each.command, each.source) for each in given if isinstance(each, Ordered)]
                if event is not self.turn.inputs[-1]:
                    state = self.after(state, given)
            before = event.seq
        return tuple(found), clear is not False, None

    def given(self, event: Event, state: State) -> list[Given] | None:
        """Empty: words that are not understood. None: no words, and nothing to do."""
        match event.body:
            case Said(message=message):
                return self.ordered(self.sent(message, state) or self.words(self.lines[event.seq], state))
            case Pressed(token=token):
                if self.form(token, state) or self.told_at_once(event, token):
                    return None
                return self.ordered(self.press(token, state))
            case Submitted(token=token, values=values):
                return None if self.told_at_once(event, token) else self.submitted(token, values, state)
            case Opened(payload=payload) if payload:
                return self.ordered(self.opened(payload, state)) or None
            case Returned(how=how, verdict=verdict, step=step):
                return [Back(how, verdict=verdict, step=step)]
            case _:
                return None

    def inputs(self) -> Iterator[Event]:
        """Without repeated presses of one button: an impatient finger means one thing."""
        pressed = set[str]()
        for event in self.turn.inputs:
            if isinstance(event.body, Pressed):
                if event.body.token in pressed:
                    continue
                pressed.add(event.body.token)
            yield event

    def ordered(self, found: Found) -> list[Given]:
        return [Ordered(command, source) for command, source in found]

    def after(self, state: State, given: Sequence[Given]) -> State:
        return advance(self.book, state, given, self.facts, self.turn.conversation.control.epoch).state

    # Buttons

    def press(self, token: str, state: State) -> Found:
        epoch = self.turn.conversation.control.epoch
        offer = next((offer for offer in state.offers if offer.token == token and offer.epoch >= epoch), None)
        value = offer.value if offer else self.starter(token, state)
        command = parse_slash(value) if value else None
        return ((command or Refuse("void"), "button"),)

    def told_at_once(self, event: Event, token: str) -> bool:
        """Whether the platform has told whoever pressed: it was void when it came, for nothing has happened since."""
        if "toast" not in self.shows or token.startswith(GREETING):
            return False
        after = sum(each.seq > event.seq for each in self.turn.inputs)
        now = self.turn.conversation
        return now.last_seq - event.seq == after and offer_of(self.turn.state, token, now.control.epoch) is None

    def form(self, token: str, state: State) -> Form | None:
        """Opening one says nothing yet."""
        return form_of(state, token, self.turn.conversation.control.epoch)

    def submitted(self, token: str, values: Mapping[str, Json], state: State) -> list[Given] | None:
        """All of it, or, when something in it is wrong, nothing: the customer has been told and has it still open.

        With no value at all it was closed as it was: what it asks is then asked in words.
        """
        if (form := self.form(token, state)) is None:
            return [Ordered(Refuse("void"), "button")] if values else None
        if wrong(self.book, state, self.facts, form, values):
            return None if values else [Ordered(Repeat(), "button")]
        return [Ordered(command, "answer") for command in filled(form, values)]

    def starter(self, token: str, state: State) -> str:
        """The greeting's options stay open as long as no flow is in progress."""
        number = token.removeprefix(GREETING)
        starters = self.book.greeting.options
        if state.stack or number == token or not number.isdecimal() or len(number) > 3 or int(number) >= len(starters):
            return ""
        return starters[int(number)].value

    def opened(self, payload: str, state: State) -> Found:
        """A link into the conversation may name a flow, or one of the greeting's options."""
        if value := self.starter(payload, state):
            command = parse_slash(value)
            return ((command, "button"),) if command else ()
        flow = self.book.flows.get(payload)
        return ((Start(flow.name), "rule"),) if flow and flow.is_open else ()

    # Files and places

    def sent(self, message: Message, state: State) -> Found:
        """The first part that is what the pending question asks for."""
        pending = self.book.pending(state)
        take = (pending.slot.type.take or pending.slot.type.read) if pending else None
        if pending is None or take is None:
            return ()
        values = (value for part in message.parts if (value := take(part)) is not None)
        return tuple([(Set(pending.slot.name, value), "answer") for value in islice(values, 1)])

    # Words

    def words(self, text: str, state: State) -> Found:
        """Empty when they are not understood."""
        text = text.strip()
        if len(text) > MOST_CHARACTERS:
            return ((Refuse("long"), "rule"),)
        if self.slash and (command := parse_slash(text)):
            return () if isinstance(command, Lookup) else ((command, "slash"),)  # it is answered as any question is
        said, pending = tokens(text), self.book.pending(state)
        if pending is None and self.book.led(state):
            return tuple([each for each in self.rule(said, None) if each[0] != Repeat()])  # the rest is for the model
        if pending is None:
            return (
                self.offered(said, state)
                or self.language_asked(said, pending)
                or self.rule(said, pending)
                or self.amended(text, state)
                or self.example(self.matches(said), text, state)
                or self.amended(text, state, boldly=True)
            )
        hearing = hearing_of(self.book, state, pending.slot, self.facts)
        return (
            self.choosing(text, said, pending, hearing)
            or self.option(text, pending, hearing)
            or self.offered(said, state)
            or self.language_asked(said, pending)
            or self.rule(said, pending)
            or self.amended(text, state)
            or self.answer(text, said, pending, hearing)
            or self.example(self.matches(said), text, state)
            or self.amended(text, state, boldly=True)
        )

    def offered(self, said: Phrase, state: State) -> Found:
        """Who types what stands on an option that is still open means to press it.

        Or its number, as a channel without buttons shows it: `2`, `the second`. Where a question waits, a number is
        an answer to that.
        """
        offers = [offer for offer in state.offers if offer.epoch >= self.turn.conversation.control.epoch]
        meant = next((offer for offer in reversed(offers) if said and tokens(offer.label) == said), None)
        if meant is None and said and offers and self.book.pending(state) is None:
            last = [offer for offer in offers if offer.once == offers[-1].once]
            hearing = Hearing(
                language=self.language,
                rules=self.book.rules_for(self.language),
                options=tuple([Labelled(offer.value, offer.label) for offer in last]),
            )
            place = place_of(said, hearing)
            meant = last[place] if place is not None else None
        command = parse_slash(meant.value) if meant else None
        return ((command, "button"),) if command else ()

    def language_asked(self, said: Phrase, pending: Pending | None) -> Found:
        tag = rules.asked_for(said, self.book.rules, by_name=pending is None)
        return ((Set(LANGUAGE, tag), "rule"),) if tag else ()

    def amended(self, text: str, state: State, *, boldly: bool = False) -> Found:
        command = amended(self.book, state, self.facts, text, boldly=boldly) if state.stack or state.ended else None
        return ((command, "rule"),) if command else ()

    def choosing(self, text: str, said: Phrase, pending: Pending, hearing: Hearing) -> Found:
        """More of several answers, of which some are chosen; or that these are all."""
        if not pending.frame.picked:
            return ()
        if any(said in known for each in hearing.rules for known in (each.enough, each.no, each.none)):
            return ((Set(pending.slot.name, [*pending.frame.picked]), "answer"),)
        more = pending.slot.type.parse(text, hearing)
        if not isinstance(more, list):
            return ()
        return ((Set(pending.slot.name, f"+{json.dumps(more, ensure_ascii=False)}"), "answer"),)

    def option(self, text: str, pending: Pending, hearing: Hearing) -> Found:
        """Word for word what the question offers."""
        said = text.casefold()
        for option in hearing.options:
            if said in (option.value.casefold(), option.label.casefold()):
                return ((Set(pending.slot.name, option.value), "answer"),)
        return ()

    def rule(self, said: Phrase, pending: Pending | None) -> Found:
        match rules.hear(said, self.book.rules_for(self.language)):
            case None:
                return ()
            case "human":
                command: Command = Human()
            case "cancel":
                command = Cancel()
            case "repeat":
                command = Repeat()
            case "restart":
                command = Restart()
            case "skip" if pending is not None and pending.slot.optional:
                command = Skip()
            case _:
                return ()
        return ((command, "rule"),)

    def answer(self, text: str, said: Phrase, pending: Pending, hearing: Hearing) -> Found:
        """As the pending question's type reads the words; a request that is named as well follows it."""
        slot = pending.slot
        value = slot.type.parse(text, hearing)
        if value is None:
            return ()
        answer: Found = ((Set(slot.name, value), "answer"),)
        if slot.type.name != "text" and tokens(str(value)) == said:
            return answer  # nothing else is named
        rest = self.without_yes_and_no(said) if isinstance(value, bool) else said
        sure = [each for each in self.matches(rest) if each.score >= _SURE and each.flow != pending.flow.name]
        if slot.type.name == "text":
            is_question = text.endswith(("?", "؟", "？")) and pending.frame.tries == 0
            return () if sure or is_question else answer
        also: Found = tuple([(Start(each.flow), "example") for each in sure[:1]])
        return answer + also

    def without_yes_and_no(self, said: Phrase) -> Phrase:
        own = self.book.rules_for(self.language)[:1]
        return tuple([word for word in said if not any((word,) in r.yes or (word,) in r.no for r in own)])

    def matches(self, said: Phrase) -> list[Match]:
        found = self.book.examples.match(said, self.book.hearing_order(self.language))
        return [match for match in found if self.book.flows[match.flow].is_open]

    def example(self, matches: Sequence[Match], text: str, state: State) -> Found:
        if not matches:
            return ()
        best = matches[0]
        close = [match.flow for match in matches if match.score > best.score - CLOSE]
        if len(close) > 1 and best.score < 1:
            return ((Clarify(tuple(close[:4])), "example"),)
        return ((Start(best.flow, self.named(best.flow, text, state)), "example"),)

    def named(self, flow: str, text: str, state: State) -> dict[str, Json]:
        """Values that stand in a request, such as an order's number: of types that are not found in just any words.

        Where two slots could have the value nobody knows which is meant, and both are asked for.
        """
        told: dict[str, Json] = {}
        slots = self.book.flows[flow].slots
        kinds = [slot.type.name for slot in slots.values()]
        for name, slot in slots.items():
            find = slot.type.find
            if text and find is not None and not slot.always_ask and kinds.count(slot.type.name) == 1:
                value = find(text, hearing_of(self.book, state, slot, self.facts))
                if value is not None:
                    told[name] = value
        return told
