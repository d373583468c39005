"""Which commands are found without a model, and in which order they are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.commands import slash
from bot.flow.understand import Understood, understand
from bot.model import Declined, Opened, Pressed, Rang, Returned, Said, Signalled, Start, text
from tests.bot.flow.script import NOW, Talk, book, talk

FLOWS = """
flow: give_back
about: Returns.
examples: [I want to return my shoes, how do I send this back, return an item]
slots:
  order: {type: order_id}
  why: {type: text}
  agreed: {type: yes_no, always_ask: true}
  note: {type: text, optional: true}
steps:
  - {ask: order, say: Which order?}
  - {ask: why, say: "Why?"}
  - {ask: agreed, say: Agreed?}
  - {ask: note, say: A note?}
  - {say: Done.}
---
flow: track
about: Tracking.
examples: [where is my order, track my parcel]
slots: {parcel: {type: order_id}}
steps:
  - {ask: parcel, say: Which parcel?}
---
flow: change_order
about: Changing.
examples: [change my order, I want to change the items of my order]
steps: [{say: Changed.}]
---
flow: change_address
about: Moving.
examples: [change my address, I want to change the address of my order]
steps: [{say: Moved.}]
---
flow: inner
steps: [{say: Inner.}]
"""


@pytest.fixture
def talking(tmp_path: Path) -> Talk:
    return talk(tmp_path, FLOWS)


def commands(talk: Talk, *words: str) -> list[str]:
    found = understand(talk.book, talk.state, talk.turn(*(Said(text(line)) for line in words)), talk.facts, slash=True)
    if isinstance(found, Declined):
        return ["declined"]
    return [f"{type(command).__name__} {source}" for command, source in found.commands]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("I want to return my shoes", "Start example"),
        ("i'd like to retrun my shoes please", "Start example"),
        ("return an item", "Start example"),
        ("where's my order?", "Start example"),
        ("I want a human", "Human rule"),
        ("I want to talk to a person", "Human rule"),
        ("can I speak to someone?", "Human rule"),
        ("Could you please connect me to an agent", "Human rule"),
        ("agent", "Human rule"),
        ("I do not want a human", "declined"),
        ("is a person needed to open the parcel?", "declined"),
        ("cancel", "Cancel rule"),
        ("Never mind!", "Cancel rule"),
        ("cancel my subscription", "declined"),
        ("what?", "Repeat rule"),
        ("start over please", "Restart rule"),
        ("skip", "declined"),
        ("how long does a refund take?", "declined"),
        ("what is the weather like", "declined"),
        ("/start track", "Start slash"),
        ("/nonsense", "declined"),
        ("x" * 9000, "Refuse rule"),
    ],
)
def test_words_without_a_pending_question(talking: Talk, words: str, found: str) -> None:
    assert commands(talking, words) == [found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("A-17", ["Set answer"]),
        ("it is a-17, I think", ["Set answer"]),
        ("how long does a refund take?", ["declined"]),
        ("I want a human", ["Human rule"]),
        ("cancel", ["Cancel rule"]),
        ("track my parcel", ["Start example"]),
        ("no idea", ["declined"]),
    ],
)
def test_words_while_an_order_is_asked_for(talking: Talk, words: str, found: list[str]) -> None:
    talking.do("/start give_back")
    assert commands(talking, words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("they are too small", ["Set answer"]),
        ("I want to talk to a person", ["Human rule"]),
        ("track my parcel", ["Start example"]),
        ("how long does a refund take?", ["declined"]),
    ],
)
def test_words_while_any_words_would_be_an_answer(talking: Talk, words: str, found: list[str]) -> None:
    talking.do("/start give_back order=A-17")
    assert commands(talking, words) == found


@pytest.mark.parametrize("words", ["2", "the second one", "Change order", "number 2"])
def test_an_open_option_is_chosen_by_its_number_its_place_or_its_label(talking: Talk, words: str) -> None:
    talking.do("/clarify give_back change_order track")
    found = understand(talking.book, talking.state, talking.turn(Said(text(words))), talking.facts)
    assert found == Understood(((Start("change_order"), "button"),))


def test_a_number_is_no_choice_while_a_question_waits(talking: Talk) -> None:
    talking.do("/clarify give_back track")
    talking.do("/start track")
    assert commands(talking, "2") == ["declined"]


def test_after_a_miss_a_question_is_an_answer_too(talking: Talk) -> None:
    talking.do("/start give_back order=A-17")
    talking.miss()
    assert commands(talking, "because, why not?") == ["Set answer"]


def test_an_answer_with_a_request_in_it_is_both(talking: Talk) -> None:
    talking.do("/start give_back order=A-17 why=small")
    assert commands(talking, "yes") == ["Set answer"]
    assert commands(talking, "ok where is my order") == ["Set answer", "Start example"]


def test_a_value_that_stands_in_a_request_is_not_asked_for_again(talking: Talk) -> None:
    assert talking.hear("I want to return my shoes, it is A-17") == ["Why?"]
    assert talking.slots("give_back") == {"order": "A-17"}


def test_two_flows_that_are_equally_near_become_a_question(talking: Talk) -> None:
    found = understand(
        talking.book, talking.state, talking.turn(Said(text("I want to change my order"))), talking.facts
    )
    assert not isinstance(found, Declined)
    assert commands(talking, "change the address or the items of my order") == ["Clarify example"]


def test_slash_forms_are_words_where_they_are_not_allowed(talking: Talk) -> None:
    found = understand(talking.book, talking.state, talking.turn(Said(text("/start track"))), talking.facts)
    assert isinstance(found, Declined)


# Several inputs in one turn


def test_a_burst_is_heard_in_order_each_seen_from_where_the_last_one_led(talking: Talk) -> None:
    assert commands(talking, "return an item", "A-17", "too small", "yes") == [
        "Start example",
        "Set answer",
        "Set answer",
        "Set answer",
    ]


def test_a_sentence_in_pieces_is_understood_as_one(talking: Talk) -> None:
    assert commands(talking, "I want to", "return my", "shoes") == ["Start example"]


def test_words_that_are_not_understood_are_left_for_a_turn_of_their_own(talking: Talk) -> None:
    talking.do("/clarify track")
    token = talking.state.offers[0].token
    turn = talking.turn(Pressed(token), Said(text("what is the weather like")))
    first = turn.inputs[0].seq
    found = understand(talking.book, talking.state, turn, talking.facts)
    assert found == Understood(((Start("track"), "button"),), through=first)


def test_words_that_come_before_what_is_understood_are_left_to_the_others_alone(talking: Talk) -> None:
    talking.do("/clarify track")
    token = talking.state.offers[0].token
    turn = talking.turn(Said(text("what is the weather like")), Pressed(token))
    found = understand(talking.book, talking.state, turn, talking.facts)
    assert isinstance(found, Declined)
    assert found.through == turn.inputs[0].seq


def test_an_impatient_finger_means_one_thing(talking: Talk) -> None:
    talking.do("/clarify track")
    token = talking.state.offers[0].token
    assert talking.take(Pressed(token), Pressed(token)) == ["Which parcel?"]


# Buttons, links, hand backs


def test_an_unknown_token_gets_a_polite_answer(talking: Talk) -> None:
    assert talking.take(Pressed("nonsense")) == ["That choice is no longer open."]


def told(talking: Talk, *presses: str, last: int) -> list[str] | None:
    """By a platform that tells whoever pressed at once; `last`: seq of the conversation's last event."""
    talking.shows = ("toast",)
    turn = talking.turn(*map(Pressed, presses))
    turn = replace(turn, conversation=replace(turn.conversation, last_seq=last))
    found = understand(talking.book, talking.state, turn, talking.facts)
    return None if isinstance(found, Declined) else [slash(command) for command, _ in found.commands]


def test_what_was_void_when_it_came_is_told_by_the_platform_alone(talking: Talk) -> None:
    talking.do("/clarify track")
    good = talking.state.offers[0]
    assert told(talking, "nonsense", last=1) is None
    assert told(talking, "nonsense", good.token, last=2) == [good.value]


def test_what_has_become_void_since_is_told_in_the_chat(talking: Talk) -> None:
    """A turn or an agent came between: when it was pressed there was nothing to be told."""
    assert told(talking, "nonsense", last=2) == ["/refuse void"]


def test_the_second_of_two_choices_is_told_in_the_chat(talking: Talk) -> None:
    talking.do("/clarify track")
    one, other = talking.state.offers[:2]
    assert told(talking, one.token, other.token, last=2) == [one.value, "/refuse void"]


STARTERS = """
assistant: Ada
languages: [en]
queues: [service, returns]
starters: [{label: Track, start: track}, {label: A person, command: /human}]
"""


@pytest.fixture
def greeted(tmp_path: Path) -> Talk:
    return Talk(book(tmp_path, FLOWS, header=STARTERS))


def test_the_greeting_s_options_are_open_while_no_flow_is_in_progress(greeted: Talk) -> None:
    assert greeted.take(Pressed("greeting.0")) == ["Which parcel?"]
    assert greeted.take(Pressed("greeting.0")) == ["That choice is no longer open.", "Which parcel?"]
    greeted.do("/cancel")
    assert greeted.take(Pressed("greeting.0")) == ["Which parcel?"]


@pytest.mark.parametrize("token", ["greeting.2", "greeting.-1", "greeting.", "greeting.0x", "greeting.9999999"])
def test_no_other_token_is_an_option_of_the_greeting(greeted: Talk, token: str) -> None:
    assert greeted.take(Pressed(token)) == ["That choice is no longer open."]


@pytest.mark.parametrize(
    ("payload", "lines"),
    [("track", ["Which parcel?"]), ("greeting.0", ["Which parcel?"]), ("inner", None), ("nowhere", None), ("", None)],
)
def test_a_link_may_name_a_flow_customers_can_ask_for(greeted: Talk, payload: str, lines: list[str] | None) -> None:
    assert greeted.take(Opened(payload)) == lines


def test_a_hand_back_alone_is_understood_and_orders_nothing(talking: Talk) -> None:
    talking.do("/start track")
    assert understand(talking.book, talking.state, talking.turn(Returned("resume", "Ann")), talking.facts) == (
        Understood(())
    )


@pytest.mark.parametrize("body", [Rang(NOW), Signalled("arrived")], ids=["time", "an event"])
def test_what_nobody_said_is_understood_and_orders_nothing(talking: Talk, body: Rang | Signalled) -> None:
    assert understand(talking.book, talking.state, talking.turn(body), talking.facts) == Understood(())


def test_where_the_model_leads_words_are_its_to_hear_but_for_rules(tmp_path: Path) -> None:
    flows = "flow: f\nabout: x\nslots: {t: {type: text}}\nsteps: [{agent: Talk., fills: [t]}]"
    led = talk(tmp_path, flows + "\n---\nflow: g\nabout: x\nexamples: [open hours]\nsteps: [{say: Always.}]")
    led.do("/start f")
    assert led.hear("open hours") is None
    assert led.hear("I want to talk to a human") == []
    assert led.last is not None
    assert led.last.handoff is not None


def test_words_after_a_hand_back_are_heard_from_where_it_led(talking: Talk) -> None:
    talking.do("/start give_back")
    turn = talking.turn(Returned("free", "Ann"), Said(text("A-17")))
    found = understand(talking.book, talking.state, turn, talking.facts)
    assert found == Understood((), through=turn.inputs[0].seq)


# Languages with a region


REGIONAL = """
assistant: Ada
languages: [en, fr-CA]
queues: [service, returns]
"""

COUNT = """
flow: count
slots: {many: {type: integer, always_ask: true}}
steps: [{ask: many, say: "@how_many"}]
"""

TEXTS = {
    "en": "not_an_order: No order.\nflow_count: Count\nhow_many: How many?",
    "fr": "not_an_order: Pas de commande.\nflow_count: Compter\nhow_many: Combien ?",
}


@pytest.fixture(params=["en", "fr", "fr-CA"])
def regional(tmp_path: Path, request: pytest.FixtureRequest) -> Talk:
    return Talk(book(tmp_path, COUNT, header=REGIONAL, texts=TEXTS), language=request.param)


def test_a_language_with_a_region_is_heard_by_the_rules_of_the_language(regional: Talk) -> None:
    assert commands(regional, "je veux parler à un humain") == ["Human rule"]


@pytest.mark.parametrize("regional", ["fr", "fr-CA"], indirect=True)
def test_a_language_with_a_region_has_the_number_words_of_the_language(regional: Talk) -> None:
    regional.do("/start count", source="flow")
    assert commands(regional, "deux") == ["Set answer"]
