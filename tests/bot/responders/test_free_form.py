"""The model speaks for the bot: with evidence, in public, until it is stopped."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from bot.errors import ModelDown
from bot.llm.extractive import ExtractiveModel
from bot.llm.scripted import ScriptedModel
from bot.model import (
    BOT,
    SYSTEM,
    Address,
    Author,
    Body,
    Chat,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    Declined,
    Event,
    Human,
    Lookup,
    Message,
    Noted,
    Outcome,
    Passage,
    Pressed,
    Returned,
    Said,
    Set,
    Source,
    Sources,
    Span,
    Start,
    State,
    Text,
    Turn,
    text,
)
from bot.ports import Candidate, Cited, LanguageModel, Line, Usage, Wanted
from bot.responders.free_form import FreeForm, Limits

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CUSTOMER = Author("customer", "c1", "Ann")
AGENT = Author("agent", "a1", "Ben")
REFUND = Passage(
    document="r.md", title="Refunds", heading="Cards", text="Back in **3** days.", address="https://a.example"
)
FEES = Passage(document="f.md", title="Fees", heading="", text="None.")
RETURN = Candidate(flow="return", about="Send back.", examples=())


def event(seq: int, author: Author, body: Body, *, public: bool = True) -> Event:
    return Event(seq, NOW, author, body, public=public)


def turn(*bodies: Body, state: State = State(language="en"), first: int = 50) -> Turn:  # noqa: B008 - frozen
    conversation = Conversation(
        id=ConversationId("v1"),
        contact=ContactId("p1"),
        address=Address("memory", "main", "c1"),
        control=Control(),
        created_at=NOW,
        updated_at=NOW,
    )
    inputs = tuple(event(seq, CUSTOMER, body) for seq, body in enumerate(bodies, first))
    return Turn(conversation=conversation, state=state, inputs=inputs, attempt=1, now=NOW)


def asks(words: str) -> Turn:
    return turn(Said(text(words)))


class Draft:
    def __init__(self, stops_after: int = 1000) -> None:
        self.texts: list[str] = []
        self._stops_after, self._over = stops_after, asyncio.Event()

    def add(self, text: str) -> None:
        self.texts.append(text)
        if self.stopped:
            self._over.set()

    @property
    def stopped(self) -> bool:
        return len(self.texts) >= self._stops_after

    async def over(self) -> None:
        await self._over.wait()


class Powers:
    def __init__(self, *past: Event, draft: Draft | None = None) -> None:
        self.past, self.was_quiet = past, False
        self._draft = draft or Draft()

    async def quiet(self) -> None:
        self.was_quiet = True

    async def history(self, most: int = 40) -> tuple[Event, ...]:
        return self.past[-most:]

    def draft(self) -> Draft:
        return self._draft


class Shelf:
    """Knowledge that is looked up by the whole question."""

    def __init__(self, found: Mapping[str, tuple[Passage, ...]]) -> None:
        self.found = found
        self.asked: list[tuple[str, str]] = []

    async def search(self, words: str, *, language: str, most: int = 4) -> tuple[Passage, ...]:
        self.asked.append((words, language))
        return self.found.get(words, ())[:most]


def free_form(model: LanguageModel, found: Mapping[str, tuple[Passage, ...]] | None = None, **limits: bool) -> FreeForm:
    return FreeForm(
        model,
        Shelf(found or {"How long?": (REFUND, FEES)}),
        candidates_of=lambda _: (RETURN,),
        describe=lambda _: ("buy", "Which size?", {"size": "The size"}),
        instructions="Be kind.",
        limits=Limits(**limits),
    )


SOURCES = Sources((Source("Refunds › Cards", "Back in 3 days.", "https://a.example"),))


# What is said


async def test_words_are_streamed_and_said_with_their_sources() -> None:
    powers = Powers()
    model = ScriptedModel().then("Three ", "**days**.", Cited(REFUND), Cited(REFUND), Usage(1, 2))
    outcome = await free_form(model).take(asks("How long?"), powers)
    said = Message((Text((Span("Three "), Span("days", ("bold",)), Span("."))), SOURCES), "en")
    assert outcome == Outcome(responder="free_form", messages=(said,), commands=((Lookup("How long?"), "model"),))
    assert (powers.was_quiet, powers.draft().texts) == (True, ["Three ", "**days**."])


async def test_the_documents_speak_without_a_model() -> None:
    outcome = await free_form(ExtractiveModel()).take(asks("How long?"), Powers())
    said = Message((Text((Span("Back in "), Span("3", ("bold",)), Span(" days."))), SOURCES), "en")
    assert outcome == Outcome(responder="free_form", messages=(said,), commands=((Lookup("How long?"), "model"),))


async def test_what_rests_on_no_source_is_chat() -> None:
    outcome = await free_form(ScriptedModel().then("I do not know.")).take(asks("How long?"), Powers())
    assert isinstance(outcome, Outcome)
    assert outcome.commands == ((Chat(), "model"),)


async def test_commands_are_passed_on_in_order_and_ask_by_themselves() -> None:
    model = ScriptedModel().then("Sure.", Wanted(Set("size", "M")), Wanted(Start("return")))
    outcome = await free_form(model).take(asks("How long?"), Powers())
    assert isinstance(outcome, Outcome)
    assert outcome.commands == ((Set("size", "M"), "model"), (Start("return"), "model"))
    assert outcome.messages == (Message((Text((Span("Sure."),)),), "en"),)


async def test_a_long_passage_is_shown_in_part() -> None:
    long = replace(FEES, text="word " * 500)
    outcome = await free_form(ScriptedModel().then("Yes.", Cited(long))).take(asks("How long?"), Powers())
    assert isinstance(outcome, Outcome)
    (source,) = next(part.sources for part in outcome.messages[0].parts if isinstance(part, Sources))
    assert (len(source.passage), source.passage[-6:]) == (600, " word…")


# What the model is told


async def test_the_model_sees_the_public_past_since_the_last_hand_back() -> None:
    past = (
        event(10, CUSTOMER, Said(text("I want a human"))),
        event(11, AGENT, Said(text("I am Ben"))),
        event(12, AGENT, Returned("resume", "Ben", "Refund approved.")),
        event(13, BOT, Said(text("I am back."))),
        event(14, CUSTOMER, Pressed("t", "Size M")),
        event(15, AGENT, Noted("She is angry"), public=False),
        event(16, BOT, Said(text("Not yet public")), public=False),
        event(17, SYSTEM, Said(text("Ben has left"))),
        event(18, AGENT, Said(text("One more thing."))),
    )
    model = ScriptedModel().then("Yes.")
    await free_form(model).take(asks("How long?"), Powers(*past))
    (ask,) = model.asks
    assert ask.history == (
        Line(by="bot", text="I am back."),
        Line(by="customer", text="Size M"),
        Line(by="agent", text="One more thing."),
    )
    assert (ask.instruction, ask.instructions, ask.words, ask.language) == (
        "Refund approved.",
        "Be kind.",
        "How long?",
        "en",
    )
    assert (ask.passages, ask.flows) == ((REFUND, FEES), (RETURN,))
    assert (ask.flow, ask.question, ask.slots) == ("buy", "Which size?", {"size": "The size"})


async def test_the_past_begins_at_the_marker_of_the_state() -> None:
    past = (event(10, CUSTOMER, Said(text("Before"))), event(20, CUSTOMER, Said(text("After"))))
    model = ScriptedModel().then("Yes.")
    await free_form(model).take(turn(Said(text("How long?")), state=State(language="fr", marker=15)), Powers(*past))
    assert (model.asks[0].history, model.asks[0].language) == ((Line(by="customer", text="After"),), "fr")


async def test_a_hand_back_within_the_turn_is_its_beginning() -> None:
    model = ScriptedModel().then("Yes.")
    past = event(10, CUSTOMER, Said(text("Before")))
    await free_form(model).take(turn(Returned("free", "Ben", "Be brief."), Said(text("How long?"))), Powers(past))
    assert (model.asks[0].history, model.asks[0].instruction) == ((), "Be brief.")


# Without evidence


async def test_without_evidence_a_question_is_not_answered() -> None:
    powers = Powers()
    outcome = await free_form(ScriptedModel().then("Yes!")).take(asks("Are there whales?"), powers)
    assert (outcome, powers.draft().texts) == (Declined("no evidence"), [])


async def test_small_talk_needs_no_evidence() -> None:
    outcome = await free_form(ScriptedModel().then("Any time!")).take(asks("Thank you!"), Powers())
    said = Message((Text((Span("Any time!"),)),), "en")
    assert outcome == Outcome(responder="free_form", messages=(said,), commands=((Chat(), "model"),))


async def test_words_without_evidence_can_be_allowed() -> None:
    outcome = await free_form(ScriptedModel().then("Yes!"), ungrounded=True).take(asks("Are there whales?"), Powers())
    assert isinstance(outcome, Outcome)


async def test_without_evidence_commands_count() -> None:
    model = ScriptedModel().then("Whales swim.", Wanted(Human("no_evidence")))
    assert await free_form(model).take(asks("Are there whales?"), Powers()) == Outcome(
        responder="free_form", commands=((Human("no_evidence"), "model"),)
    )


async def test_the_model_may_search_once_with_better_words() -> None:
    model = ScriptedModel().then(Wanted(Lookup("How long?"))).then("Three days.", Cited(REFUND))
    outcome = await free_form(model).take(asks("And by card, how is it there?"), Powers())
    assert isinstance(outcome, Outcome)
    assert outcome.commands == ((Lookup("And by card, how is it there?"), "model"),)
    assert [ask.passages for ask in model.asks] == [(), (REFUND, FEES)]


async def test_a_search_that_finds_nothing_new_is_no_evidence() -> None:
    model = ScriptedModel().then(Wanted(Lookup("whales")))
    assert await free_form(model).take(asks("Are there whales?"), Powers()) == Declined("no evidence")


# Declined, stopped


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ((Pressed("t", "Yes"),), "no words"),
        ((Returned("free", "Ben", "Say hello"),), "no words"),
        ((Said(text(" \n")),), "no words"),
    ],
    ids=["a button", "a hand back", "white space"],
)
async def test_a_turn_without_words_is_not_the_models(bodies: tuple[Body, ...], why: str) -> None:
    model, powers = ScriptedModel(), Powers()
    assert await free_form(model).take(turn(*bodies), powers) == Declined(why)
    assert (model.asks, powers.was_quiet) == ([], False)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (ScriptedModel().then(), "nothing to say"),
        (ScriptedModel().then(" \n"), "nothing to say"),
        (ScriptedModel().then(ModelDown("no key")), "model down: no key"),
        (ScriptedModel().then("Three", ModelDown("cut off")), "model down: cut off"),
    ],
    ids=["silent", "blank", "down", "down in the middle"],
)
async def test_the_next_responder_is_asked(model: ScriptedModel, why: str) -> None:
    assert await free_form(model).take(asks("How long?"), Powers()) == Declined(why)


async def test_a_stopped_draft_ends_the_answer_and_says_what_was_seen() -> None:
    powers = Powers(draft=Draft(stops_after=2))
    after = SimpleNamespace(reached=False)

    async def reach() -> None:
        after.reached = True

    model = ScriptedModel().then("One two three", reach)
    outcome = await free_form(model).take(asks("How long?"), powers)
    assert isinstance(outcome, Outcome)
    assert outcome.messages == (Message((Text((Span("One two"),)),), "en"),)
    assert (powers.draft().texts, after.reached) == (["One ", "two "], False)


async def test_a_draft_that_is_stopped_at_once_says_nothing() -> None:
    powers = Powers(draft=Draft(stops_after=0))
    outcome = await free_form(ScriptedModel().then("One")).take(asks("How long?"), powers)
    assert outcome == Outcome(responder="free_form", silent=True)
