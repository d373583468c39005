"""What each verb does and each of its options changes, driven by slash commands: no model and no engine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.flow.interpreter.given import Back
from bot.model import Asked, Entered, HandoffRequest, Json, Popped, Pushed
from tests.bot.flow.script import ACTIONS, NOW, Talk, talk

FAILED = "Something went wrong on our side. I am sorry."


def outcomes(talk: Talk) -> list[str]:
    return [move.outcome for move in talk.of(Popped) if isinstance(move, Popped)]


# become, call

BECOME = """
flow: question
about: Questions.
slots: {topic: {type: text}}
steps:
  - ask: topic
    say: What about?
  - become: complaint
    with: {about: topic}
---
flow: complaint
title: Complaint
slots: {about: {type: text}, name: {type: text}}
steps:
  - ask: name
    say: "A complaint about {{ about }}. Who are you?"
  - say: "Thank you, {{ name }}."
  - end: noted
---
flow: outer
about: Outer.
steps:
  - call: question
    into: came
  - say: "Came back as {{ came.outcome }}."
---
flow: guarded
when: customer.verified
steps:
  - say: Secret.
---
flow: careless
about: Careless.
steps:
  - call: guarded
"""


@pytest.fixture
def become(tmp_path: Path) -> Talk:
    return talk(tmp_path, BECOME)


def test_a_flow_becomes_another(become: Talk) -> None:
    become.do("/start question")
    assert become.do("/set topic=boots") == ["A complaint about boots. Who are you?"]
    assert become.at == [("complaint", "name")]
    assert become.do("/set name=Ann") == ["Thank you, Ann."]
    assert outcomes(become) == ["became", "noted"]


def test_who_called_a_flow_gets_what_it_became(become: Talk) -> None:
    become.do("/start outer")
    become.do("/set topic=boots")
    assert become.do("/set name=Ann") == ["Thank you, Ann.", "Came back as noted."]


def test_who_stops_hears_what_a_flow_has_done_before_it_became_another(tmp_path: Path) -> None:
    flows = """
    flow: order
    about: Orders.
    title: Order
    steps:
      - {do: book_it, with: {order: "'A-1'"}}
      - become: extras
    ---
    flow: extras
    slots: {gift: {type: yes_no}, card: {type: text}}
    steps:
      - {ask: gift, say: A gift?}
      - become: words
    ---
    flow: words
    title: Words
    slots: {card: {type: text}}
    steps:
      - {ask: card, say: What on the card?}
    """
    ordering = talk(
        tmp_path, flows, {"book_it": "R-1"}, texts={"en": "not_an_order: No.\ndone_book_it: '{{ order }} is booked'"}
    )
    ordering.do("/start order")
    ordering.do("/set gift=yes")
    assert "A-1 is booked" in " ".join(ordering.do("/cancel"))


def test_no_flow_is_called_past_its_guard(become: Talk) -> None:
    assert become.do("/start careless") == [FAILED]
    assert [move for move in become.of(Pushed) if isinstance(move, Pushed) and move.frame.flow == "guarded"] == []


def test_steps_are_counted_through_a_turn_with_actions(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    steps:
      - id: again
        do: find
        with: {order: '"A-1"'}
        into: window
      - when: window.days < 0
        then: [{end: out}]
        else: again
    """
    circling = talk(tmp_path, flows, {"find": {"days": 9}})
    assert circling.do("/start f") == [FAILED]
    assert (len(circling.of(Entered)), len(circling.acts)) == (200, 100)


# interrupt

INTERRUPT = """
flow: pay
about: Paying.
title: Pay
slots: {amount: {type: integer}}
steps:
  - ask: amount
    say: How much?
    interrupt: MODE
  - say: "Paid {{ amount }}."
---
flow: hours
about: Hours.
title: Hours
steps: [{say: Always open.}]
"""


def test_another_request_waits_where_the_question_says_so(tmp_path: Path) -> None:
    paying = talk(tmp_path, INTERRUPT.replace("MODE", "queue"))
    paying.do("/start pay")
    assert paying.do("/start hours") == ["I will come to that right after this.", "How much?"]
    assert paying.do("/set amount=5") == ["Paid 5.", "Always open."]


def test_another_request_is_not_taken_where_the_question_says_so(tmp_path: Path) -> None:
    paying = talk(tmp_path, INTERRUPT.replace("MODE", "refuse"))
    paying.do("/start pay")
    assert paying.do("/start hours") == ["Let us finish what we have begun first.", "How much?"]
    assert paying.do("/set amount=5") == ["Paid 5."]


def test_a_person_of_the_business_may_interrupt_whatever_the_question_says(tmp_path: Path) -> None:
    paying = talk(tmp_path, INTERRUPT.replace("MODE", "refuse"))
    paying.do("/start pay")
    assert paying.do("/start hours", source="console") == ["Always open.", "How much?"]


# approve

APPROVE = """
flow: refund
about: Refunds.
slots: {amount: {type: integer}}
steps:
  - ask: amount
    say: How much?
  - do: book_it
    with: {order: '"A-1"'}
    approve: {if: amount > 200, by: returns}
    into: number
FAILS
  - say: "Done: {{ number }}."
"""


def refunding(folder: Path, fails: str = "", amount: int = 300) -> Talk:
    refund = talk(folder, APPROVE.replace("FAILS", fails), {"book_it": "R-1"})
    refund.do("/start refund")
    refund.do(f"/set amount={amount}")
    return refund


def test_an_action_waits_for_a_person_to_agree(tmp_path: Path) -> None:
    refund = refunding(tmp_path)
    assert refund.last is not None
    assert refund.last.handoff == HandoffRequest(reason="approval", queue="returns", note='book_it: order = "A-1"')
    assert refund.acts == []
    assert refund.back(Back("resume", verdict="approve")) == ["Done: R-1."]
    assert len(refund.acts) == 1


def test_an_action_runs_at_once_where_nobody_need_agree(tmp_path: Path) -> None:
    assert refunding(tmp_path, amount=100).acts != []


def test_what_is_not_approved_does_not_run(tmp_path: Path) -> None:
    refund = refunding(tmp_path)
    lines = refund.back(Back("resume", verdict="refuse"))
    assert lines == ["I am sorry, a colleague has looked at it, and we cannot do that."]
    assert (refund.acts, outcomes(refund)) == ([], ["refused"])


def test_who_hands_back_without_a_word_on_it_has_not_decided(tmp_path: Path) -> None:
    refund = refunding(tmp_path)
    assert refund.back(Back("resume")) == []
    assert refund.last is not None
    assert refund.last.handoff == HandoffRequest(reason="approval", queue="returns", note='book_it: order = "A-1"')
    assert refund.back(Back("resume", verdict="approve")) == ["Done: R-1."]


def test_who_no_longer_waits_for_approval_has_stopped(tmp_path: Path) -> None:
    refund = refunding(tmp_path, "    fails: [{handoff: returns}]")
    assert refund.back(Back("resume", withdrawn=True)) == ["All right, I have stopped."]
    assert refund.last is not None
    assert (refund.at, refund.last.handoff, refund.acts, outcomes(refund)) == ([], None, [], ["cancelled"])


WITHIN = APPROVE.replace("by: returns}", "by: returns, within: 2h}")


@pytest.mark.parametrize(
    ("fails", "said", "asked_again"),
    [
        ("", ["I am sorry: nobody has looked at it in time, so we cannot do that now."], False),
        ("    fails: [{say: A voucher then.}, {end: voucher}]", ["A voucher then."], False),
        ("    fails: {handoff: service}", [], True),
    ],
    ids=["no branch", "another way", "a person"],
)
def test_what_nobody_judges_in_time_is_not_approved(
    tmp_path: Path, fails: str, said: list[str], asked_again: bool
) -> None:
    refund = talk(tmp_path, WITHIN.replace("FAILS", fails))
    refund.do("/start refund amount=300")
    assert refund.later(timedelta(minutes=119)) == []
    assert refund.later(timedelta(minutes=1)) == said
    assert refund.last is not None
    assert (refund.last.expired, refund.acts, refund.state.timers) == (True, [], ())
    assert (refund.last.handoff is not None) == asked_again


@pytest.mark.parametrize("back", [Back("resume", verdict="approve"), Back("restart"), Back("step", step="ask_amount")])
def test_a_verdict_ends_the_time_for_it(tmp_path: Path, back: Back) -> None:
    refund = talk(tmp_path, WITHIN.replace("FAILS", ""), {"book_it": "R-1"})
    refund.do("/start refund amount=300")
    refund.back(back)
    assert refund.state.timers == ()


def test_what_is_asked_again_has_its_time_again(tmp_path: Path) -> None:
    refund = talk(tmp_path, WITHIN.replace("FAILS", ""))
    refund.do("/start refund amount=300")
    refund.now += timedelta(hours=1)
    refund.back(Back("resume"))
    assert [timer.due_at for timer in refund.state.timers] == [NOW + timedelta(hours=3)]


def test_what_is_not_approved_goes_where_the_author_says(tmp_path: Path) -> None:
    refund = refunding(tmp_path, "    fails: [{say: A voucher then.}, {end: voucher}]")
    assert refund.back(Back("resume", verdict="refuse")) == ["A voucher then."]
    assert outcomes(refund) == ["voucher"]


# handoff

HANDOFF = """
flow: f
about: x
steps:
  - handoff: returns
    priority: 5
    nobody: [{say: We are closed.}]
    after: continue
  - say: Goodbye.
"""


@pytest.mark.parametrize("hours", [{"open": True}, {}], ids=["open", "no hours"])
def test_a_person_is_asked_for_while_somebody_may_be_there(tmp_path: Path, hours: dict[str, Json]) -> None:
    asking = talk(tmp_path, HANDOFF)
    asking.hours = hours
    assert asking.do("/start f") == []
    assert asking.last is not None
    assert asking.last.handoff == HandoffRequest(reason="rule", queue="returns", priority=5)


def test_nobody_is_asked_for_outside_of_hours(tmp_path: Path) -> None:
    asking = talk(tmp_path, HANDOFF)
    asking.hours = {"open": False, "opens_at": "2026-03-03T09:00:00+00:00"}
    assert asking.do("/start f") == ["We are closed.", "Goodbye."]
    assert asking.last is not None
    assert asking.last.handoff is None


# say

SAY = """
flow: f
about: x
slots: {name: {type: text}}
steps:
  - say: Plain.
    variants:
      - Otherwise.
      - {text: With a photo., channel: telegram}
      - {text: "For {{ name }}.", if: name != null}
"""


def test_the_way_for_just_this_case_is_taken(tmp_path: Path) -> None:
    said = talk(tmp_path, SAY)
    said.channel = "telegram"
    assert said.do("/start f") == ["With a photo."]
    named = Talk(said.book)
    assert named.do("/start f name=Ann") == ["For Ann."]


def test_ways_that_always_fit_are_shared_out_among_people_and_stay_with_them(tmp_path: Path) -> None:
    first = talk(tmp_path, SAY)
    heard = {person: Talk(first.book, person=person).do("/start f")[0] for person in map(str, range(40))}
    again = {person: Talk(first.book, person=person).do("/start f")[0] for person in map(str, range(40))}
    assert set(heard.values()) == {"Plain.", "Otherwise."}
    assert again == heard


def test_a_weight_makes_a_way_more_frequent(tmp_path: Path) -> None:
    flows = "flow: f\nabout: x\nsteps: [{say: Rare., variants: [{text: Often., weight: 9}]}]"
    first = talk(tmp_path, flows)
    heard = [Talk(first.book, person=str(person)).do("/start f")[0] for person in range(100)]
    assert 75 < heard.count("Often.") < 100


def test_a_text_may_be_left_to_the_models_words(tmp_path: Path) -> None:
    said = talk(tmp_path, "flow: f\nabout: x\nsteps: [{say: One.}, {say: Two., mode: rephrase}]")
    assert said.do("/start f") == ["One.", "Two."]
    assert said.last is not None
    assert said.last.modes == ((1, "rephrase"),)


def test_an_image_is_a_link_to_what_it_shows(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    steps: [{say: {text: Look., image: {address: "https://x.example/a.png", alt: The way}}}]
    """
    said = talk(tmp_path, flows)
    said.do("/start f")
    assert said.last is not None
    (span,) = said.last.says[0].parts[1].spans  # type: ignore[union-attr]  # a Text
    assert (span.text, span.link) == ("The way", "https://x.example/a.png")


def test_options_may_be_known_only_when_they_are_said(tmp_path: Path) -> None:
    actions = ACTIONS.replace('async def find(order: str) -> dict[str, int]:\n    return {"days": 9}', OFFERS)
    flows = """
    flow: f
    about: x
    steps:
      - {do: offers, into: offers}
      - say: {text: Pick., options: offers}
    """
    found: list[dict[str, str]] = [{"label": "Go", "command": "/human"}, {"label": "Odd", "command": "go"}]
    said = talk(tmp_path, flows, {"offers": found}, actions=actions)
    assert said.do("/start f") == ["Pick.", "[Go]"]


OFFERS = "async def offers() -> list[dict[str, str]]:\n    return []"


def test_a_form_asks_for_its_slots_one_by_one(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {street: {type: text}, city: {type: text}}
    steps:
      - say: {text: Your address please., form: [street, city]}
      - say: "{{ street }}, {{ city }}."
    """
    form = talk(tmp_path, flows, texts={"en": "not_an_order: No.\nask_street: Street?\nask_city: City?"})
    assert form.do("/start f") == ["Your address please.", "Street?"]
    assert form.do("/set street=Elm 1") == ["City?"]
    assert form.do("/set city=Ghent") == ["Elm 1, Ghent."]


# agent

AGENT = """
flow: settle
about: Settling.
slots: {plan: {type: choice, of: [refund, voucher]}, note: {type: text}}
steps:
  - agent: Agree on a plan.
    tools: [find]
    fills: [plan, note]
    turns: 2
    stuck: [{say: A person will look at it.}, {end: stuck}]
  - say: "{{ plan }}, {{ note }}."
"""
ASKS = {"en": "not_an_order: No.\nask_plan: Which plan?\nask_note: Why?"}


def test_the_model_leads_until_what_it_fills_is_known(tmp_path: Path) -> None:
    settling = talk(tmp_path, AGENT)
    assert settling.do("/start settle") == []
    assert settling.book.led(settling.state) is not None
    assert settling.do("/set plan=refund", source="model") == []
    assert settling.do("/set note=torn", source="model") == ["Refund, torn."]
    assert outcomes(settling) == ["done"]


def test_the_model_leads_for_so_many_turns_and_no_longer(tmp_path: Path) -> None:
    settling = talk(tmp_path, AGENT)
    settling.do("/start settle")
    assert settling.do("/chat", source="model") == []
    assert settling.do("/chat", source="model") == ["A person will look at it."]
    assert outcomes(settling) == ["stuck"]


def test_the_model_need_not_lead_to_what_is_known_already(tmp_path: Path) -> None:
    assert talk(tmp_path, AGENT).do("/start settle plan=refund note=torn") == ["Refund, torn."]


def test_a_stretch_may_end_with_a_condition(tmp_path: Path) -> None:
    flows = AGENT.replace("fills: [plan, note]", "until: plan != null").replace(", {{ note }}", "")
    settling = talk(tmp_path, flows)
    settling.do("/start settle")
    assert settling.do("/set plan=refund", source="model") == ["Refund."]


def test_without_a_model_the_slots_are_asked_for_one_by_one(tmp_path: Path) -> None:
    settling = talk(tmp_path, AGENT, texts=ASKS)
    settling.do("/start settle")
    assert settling.miss() == ["Which plan?", "[Refund|Voucher]"]
    assert settling.do("/set plan=refund") == ["Why?"]
    assert settling.do("/set note=torn") == ["Refund, torn."]


def test_without_a_model_and_questions_it_is_stuck(tmp_path: Path) -> None:
    settling = talk(tmp_path, AGENT)
    settling.do("/start settle")
    assert settling.miss() == ["A person will look at it."]


def test_a_flow_that_interrupted_the_model_leads_back_to_it(tmp_path: Path) -> None:
    settling = talk(tmp_path, AGENT + "---\nflow: hours\nabout: Hours.\nsteps: [{say: Always open.}]")
    settling.do("/start settle")
    assert settling.do("/start hours") == ["Always open."]
    assert settling.book.led(settling.state) is not None


# Scopes

SCOPES = """
flow: f
about: x
slots:
  mood: {type: text, scope: turn}
  email: {type: email, scope: customer}
  verified: {type: yes_no, scope: customer}
  more: {type: text}
steps:
  - ask: mood
    say: Mood?
  - ask: email
    say: Mail?
  - set: {verified: "true"}
  - when: customer.verified && customer.email != ""
    then: [{say: "Hello {{ customer.email }}."}]
  - ask: more
    say: More?
"""


def test_a_slot_of_the_turn_is_forgotten_with_the_next(tmp_path: Path) -> None:
    scopes = talk(tmp_path, SCOPES)
    scopes.do("/start f")
    scopes.do("/set mood=fine")
    assert scopes.slots("f") == {"mood": "fine"}
    scopes.do("/chat")
    assert scopes.slots("f") == {}


def test_a_slot_of_the_customer_is_known_to_conditions_and_texts(tmp_path: Path) -> None:
    scopes = talk(tmp_path, SCOPES)
    scopes.do("/start f mood=fine")
    assert scopes.do("/set email=ann@x.example") == ["Hello ann@x.example.", "More?"]
    assert scopes.state.customer == {"email": "ann@x.example", "verified": True}


def test_what_no_question_asks_of_the_customer_only_the_flow_sets(tmp_path: Path) -> None:
    scopes = talk(tmp_path, SCOPES)
    scopes.do("/start f verified=true")
    scopes.do("/set verified=true")
    assert scopes.state.customer == {}


def test_what_is_known_of_the_customer_is_not_asked_again(tmp_path: Path) -> None:
    scopes = talk(tmp_path, SCOPES)
    scopes.do("/start f mood=fine email=ann@x.example")
    scopes.do("/cancel")
    scopes.moves.clear()
    assert scopes.do("/start f mood=fine") == ["Hello ann@x.example.", "More?"]
    assert [move for move in scopes.of(Asked) if isinstance(move, Asked) and move.slot == "email"] == []
