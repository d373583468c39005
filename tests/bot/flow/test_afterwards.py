"""A correction of a flow that has ended: it is done again, or what it has done is told."""

from pathlib import Path

import pytest

from bot.flow.fold import fold, fold_event
from bot.model import (
    SYSTEM,
    Did,
    Event,
    Filled,
    Forgotten,
    Frame,
    Json,
    Popped,
    Pushed,
    Refused,
    Reopened,
    Returned,
    Settled,
    State,
)
from bot.turn import opening
from tests.bot.flow.script import NOW, Talk, talk

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


@action(effect="write", undo="call_off")
async def reserve(order: str) -> str:
    return "R-2"


@action(effect="write")
async def call_off(order: str) -> None: ...
"""
FLOWS = """
flow: track
title: Where it is
about: Where an order is.
examples: [where is my order]
slots:
  order: {type: order_id}
  how: {type: choice, of: [short, long]}
steps:
  - {ask: order, say: Which order?}
  - {ask: how, say: How?}
  - {do: find, with: {order: order}, into: found}
  - {say: "{{ order }}: {{ how }}, {{ found.days }} days."}
---
flow: send_back
title: Return
about: Sends something back.
examples: [send it back]
slots:
  order: {type: order_id}
  why: {type: choice, of: [broken, ugly]}
steps:
  - {ask: order, say: Which order?}
  - {ask: why, say: Why?}
  - {do: book_it, with: {order: order}}
  - {say: "{{ order }} is on its way back."}
---
flow: keep
title: Reservation
about: Keeps something.
examples: [keep it for me]
slots: {order: {type: order_id}}
steps:
  - {ask: order, say: Which order?}
  - {do: reserve, with: {order: order}}
  - {say: "{{ order }} is kept."}
---
flow: size
about: Asks for a size.
examples: [what size]
slots: {size: {type: integer}}
steps: [{ask: size, say: Which size?}, {say: "{{ size }}."}]
---
flow: secret
about: Only for some.
when: known == "x"
slots: {known: {type: text, scope: conversation}, order: {type: order_id}}
steps: [{ask: order, say: Which order?}, {say: "Secret {{ order }}."}]
"""
TEXTS = {"en": "not_an_order: No order.\ndone_book_it: a return of {{ order }}\ndone_reserve: '{{ order }} kept'"}
RESULTS: dict[str, Json] = {"find": {"days": 9}, "book_it": "R-1", "reserve": "R-2"}


@pytest.fixture
def shop(tmp_path: Path) -> Talk:
    return talk(tmp_path, FLOWS, RESULTS, texts=TEXTS, actions=ACTIONS)


def tracked(shop: Talk) -> Talk:
    assert shop.do("/start track order=A-17 how=short") == ["A-17: Short, 9 days."]
    return shop


@pytest.mark.parametrize(
    "words", ["/set order=A-19", "sorry, I meant A-19", "no, not A-17 but A-19", "A-19", "oh wait, A-19 please"]
)
def test_what_had_no_effect_is_done_again(shop: Talk, words: str) -> None:
    lines = tracked(shop).hear(words)
    assert lines == ["All right, I have changed that.", "A-19: Short, 9 days."]
    assert shop.at == []


def test_each_correction_is_one_of_the_last(shop: Talk) -> None:
    tracked(shop).do("/set order=A-19")
    assert shop.do("/set how=long") == ["All right, I have changed that.", "A-19: Long, 9 days."]


def test_what_was_wrong_is_asked_again(shop: Talk) -> None:
    assert tracked(shop).do("/unset order") == ["Which order?"]
    assert shop.do("/set order=A-20") == ["A-20: Short, 9 days."]


def test_what_has_begun_since_is_what_a_correction_is_about(shop: Talk) -> None:
    tracked(shop).do("/start size")
    assert shop.state.ended is None
    assert shop.do("/set order=A-19") == ["I cannot do that here.", "Which size?"]


def test_a_flow_that_goes_on_below_leaves_the_other_to_be_corrected(shop: Talk) -> None:
    shop.do("/start size")
    shop.do("/start track order=A-17 how=short")
    lines = shop.hear("sorry, I meant A-19")
    assert lines == ["All right, I have changed that.", "A-19: Short, 9 days.", "Which size?"]


def test_a_value_that_is_none_changes_nothing(shop: Talk) -> None:
    assert tracked(shop).do("/set order=B") == ["I cannot do that here."]
    assert tracked(shop).do("/set order=A-17") == ["I cannot do that here."]
    assert shop.of(Reopened) == []


def test_what_cannot_be_undone_is_told_and_offered_once_more(shop: Talk) -> None:
    shop.do("/start send_back order=A-17 why=ugly")
    lines = shop.hear("sorry, I meant A-19")
    assert lines is not None
    assert "a return of A-17. I can do it once more" in lines[0]
    assert lines[1] == "[Do it once more|Talk to a person]"
    assert (len(shop.of(Refused)), shop.of(Reopened)) == (1, [])
    assert shop.press("Do it once more") == ["A-19 is on its way back."]  # with the answer that stays the same
    assert [act.args for act in shop.acts] == [{"order": "A-17"}, {"order": "A-19"}]


def test_a_wrong_value_of_what_cannot_be_undone_is_asked_for_once_more(shop: Talk) -> None:
    shop.do("/start send_back order=A-17 why=ugly")
    assert shop.do("/unset order")[1] == "[Do it once more|Talk to a person]"
    assert shop.press("Do it once more") == ["Which order?"]
    assert shop.do("/set order=A-19") == ["A-19 is on its way back."]


def test_what_can_be_undone_is_undone_before_it_is_done_again(shop: Talk) -> None:
    shop.do("/start keep order=A-17")
    lines = shop.do("/set order=A-19")
    assert lines[0].startswith("This has already been done: A-17 kept. Shall I undo it")
    lines = shop.do("/set undo_it=yes")
    assert lines == ["All right, I have changed that.", "A-19 is kept."]
    assert [(act.action, act.args) for act in shop.acts] == [
        ("reserve", {"order": "A-17"}),
        ("call_off", {"order": "A-17"}),
        ("reserve", {"order": "A-19"}),
    ]
    assert shop.at == []


def test_what_the_customer_would_rather_leave_stays_done(shop: Talk) -> None:
    shop.do("/start keep order=A-17")
    shop.do("/set order=A-19")
    assert shop.do("/set undo_it=no") == ["All right."]
    assert (shop.at, len(shop.acts)) == ([], 1)
    assert [move.outcome for move in shop.of(Popped) if isinstance(move, Popped)] == ["done", "kept", "kept"]
    shop.do("/set order=A-19")  # and may be taken up once more
    assert shop.at == [("keep", ""), ("too_late", "undo_it")]


def test_what_cannot_be_undone_after_all_is_for_a_person(shop: Talk) -> None:
    shop.results = {**RESULTS, "call_off": "!gone"}
    shop.do("/start keep order=A-17")
    shop.do("/set order=A-19")
    shop.do("/set undo_it=yes")
    assert shop.last is not None
    assert (shop.at, shop.last.handoff is not None) == ([], True)
    assert [move.ok for move in shop.of(Did) if isinstance(move, Did)] == [True, False]


def test_no_guard_is_passed_by_a_correction(shop: Talk) -> None:
    shop.state = State(slots={"known": "x"})
    assert shop.do("/start secret order=A-17") == ["Secret A-17."]
    shop.state = fold(shop.state, Filled("known", "y"))
    assert shop.do("/set order=A-19") == ["I cannot do that here."]


def test_what_was_closed_is_no_longer_corrected(shop: Talk) -> None:
    state = tracked(shop).state
    assert state.ended is not None
    assert fold_event(state, Event(9, NOW, SYSTEM, Settled("resolved"))).ended is None


def test_what_a_person_has_looked_at_is_no_longer_corrected(shop: Talk) -> None:
    """By the turn that hears of it: in the log an earlier turn's moves may stand after the hand back."""
    tracked(shop)
    handed_back = shop.turn(Returned("resume", "Mara"))
    assert Forgotten() in list(opening(handed_back, {}, shop.book))
    assert fold(shop.state, Forgotten()).ended is None


def test_folding_is_total_for_what_is_reopened() -> None:
    assert fold(State(), Reopened(1)) == State()
    ended = fold(fold(State(), Pushed(Frame(1, "f", "1"))), Popped(1, "done", reopens=True))
    assert (ended.stack, ended.ended) == ((), Frame(1, "f", "1"))
    assert fold(ended, Reopened(2)) == ended
    assert fold(ended, Reopened(1)) == State(stack=(Frame(1, "f", "1"),), frames=1)
