"""How a conversation moves along flows, rule by rule, driven by slash commands: no model and no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.flow.interpreter.given import ActionResult, Back
from bot.model import Applied, Did, Entered, Frame, HandoffRequest, Json, Popped, Queued, Refused, Spoke, State
from tests.bot.flow.script import HEADER, Talk, book, talk

RETURNS = """
flow: give_back
about: Returns.
title: Give back
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, wrong_size]}
  note: {type: text, optional: true}
  agreed: {type: yes_no, always_ask: true}
steps:
  - ask: order
    say: Which order?
  - do: find
    with: {order: order}
    into: window
  - ask: reason
    say: "You have {{ window.days }} days.\\n\\nWhy?"
  - ask: note
    say: Any words?
  - ask: agreed
    say: "{{ order }} because {{ reason }}?"
  - when: "!agreed"
    then: [{say: Kept.}, {end: kept}]
  - do: book_it
    with: {order: order}
    into: number
  - say: "Done: {{ number }}."
---
flow: hours
about: Opening hours.
title: Hours
steps:
  - say: Always open.
---
flow: track
about: Tracking.
title: Tracking
slots:
  parcel: {type: text}
steps:
  - ask: parcel
    say: Which parcel?
  - say: "{{ parcel }} is near."
---
flow: hidden
steps:
  - say: Secret.
"""
RESULTS: dict[str, Json] = {"find": {"days": 9}, "book_it": "R-1"}


@pytest.fixture
def returns(tmp_path: Path) -> Talk:
    return talk(tmp_path, RETURNS, RESULTS)


def outcomes(talk: Talk) -> list[str]:
    return [move.outcome for move in talk.of(Popped) if isinstance(move, Popped)]


def test_a_flow_asks_acts_and_ends(returns: Talk) -> None:
    lines = [
        returns.do("/start give_back"),
        returns.do("/set order=a-17"),
        returns.do("/set reason=damaged"),
        returns.do("/skip"),
        returns.do("/set agreed=yes"),
    ]
    assert lines == [
        ["Which order?"],
        ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"],
        ["Any words?", "[Skip]"],
        ["A-17 because Damaged?", "[Yes|No]"],
        ["Done: R-1."],
    ]
    assert (returns.at, outcomes(returns)) == ([], ["done"])


def test_an_end_step_names_the_outcome(returns: Talk) -> None:
    returns.do("/start give_back order=A-17 reason=damaged note=x")
    assert (returns.do("/set agreed=no"), outcomes(returns)) == (["Kept."], ["kept"])


def test_every_step_records_the_names_it_read(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    returns.do("/set reason=damaged")
    reads = {move.step: move.reads for move in returns.of(Entered) if isinstance(move, Entered)}
    assert reads == {
        "ask_order": (),
        "do_find": ("order",),
        "ask_reason": ("window",),
        "ask_note": (),
    }


def test_values_given_ahead_are_not_asked_for(returns: Talk) -> None:
    assert returns.do("/start give_back", "/set order=A-17", "/set note=hm", "/set reason=damaged") == [
        "A-17 because Damaged?",
        "[Yes|No]",
    ]


def test_a_slot_that_is_always_asked_is_only_set_while_it_is(returns: Talk) -> None:
    assert returns.do("/start give_back order=A-17 note=x agreed=yes", "/set agreed=yes")[-1] == "[Damaged|Wrong size]"
    assert [move.why for move in returns.of(Refused) if isinstance(move, Refused)] == [
        "slot 'agreed' is only set while it is asked for"
    ]
    assert returns.do("/set reason=damaged") == ["A-17 because Damaged?", "[Yes|No]"]


# Interruption and digression


def test_a_flow_that_asks_nothing_leads_back_to_the_question(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    assert returns.do("/start hours") == ["Always open.", "Why?", "[Damaged|Wrong size]"]


def test_a_flow_that_asked_says_where_it_leads_back_to(returns: Talk) -> None:
    returns.do("/start give_back")
    assert returns.do("/start track") == ["Which parcel?"]
    assert returns.at == [("give_back", "order"), ("track", "parcel")]
    assert returns.do("/set parcel=Mine") == ["Mine is near.", "Back to: Give back.", "Which order?"]


@pytest.mark.parametrize("digression", ["/lookup how long?", "/chat"])
def test_a_digression_ends_in_the_pending_question(returns: Talk, digression: str) -> None:
    returns.do("/start give_back order=A-17")
    assert returns.do(digression, source="model") == ["Why?", "[Damaged|Wrong size]"]
    assert len(returns.state.stack) == 1


def test_nothing_given_repeats_the_pending_question(returns: Talk) -> None:
    returns.do("/start give_back")
    assert returns.give() == ["Which order?"]


def test_two_requests_in_one_message_are_done_in_order(returns: Talk) -> None:
    assert returns.do("/start track", "/start hours") == ["Which parcel?"]
    assert len(returns.of(Queued)) == 1
    assert returns.do("/set parcel=Mine") == ["Mine is near.", "Always open."]


def test_an_answer_and_a_request_are_both_heard(returns: Talk) -> None:
    returns.do("/start track")
    assert returns.do("/set parcel=Mine", "/start hours") == ["Always open.", "Mine is near."]


def test_a_flow_in_progress_is_brought_up_and_not_begun_twice(returns: Talk) -> None:
    returns.do("/start give_back")
    returns.do("/start track")
    assert returns.do("/start give_back order=A-17") == ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"]
    assert returns.at == [("track", "parcel"), ("give_back", "reason")]


def test_resume_brings_a_waiting_flow_up(returns: Talk) -> None:
    returns.do("/start give_back")
    returns.do("/start track")
    assert returns.do("/resume give_back") == ["Which order?"]
    assert returns.at == [("track", "parcel"), ("give_back", "order")]


def test_five_flows_at_once_are_enough(tmp_path: Path) -> None:
    flows = "\n---\n".join(
        f"flow: f{n}\nabout: x\nslots: {{s{n}: {{type: text}}}}\nsteps:\n  - ask: s{n}\n    say: s{n}?"
        for n in range(6)
    )
    deep = talk(tmp_path, flows)
    for n in range(5):
        deep.do(f"/start f{n}")
    assert deep.do("/start f5") == ["Let us finish what we have begun first.", "s4?"]


# Correction


def test_a_correction_nobody_used_is_confirmed(returns: Talk) -> None:
    returns.do("/start give_back order=A-17 note=x")
    assert returns.do("/set note=y") == ["All right, I have changed that.", "Why?", "[Damaged|Wrong size]"]


def test_a_correction_rewinds_to_the_first_step_that_used_the_value(returns: Talk) -> None:
    returns.do("/start give_back order=A-17 reason=damaged note=x")
    assert returns.do("/set order=A-18") == ["All right, I have changed that.", "A-18 because Damaged?", "[Yes|No]"]
    assert [act.args for act in returns.acts] == [{"order": "A-17"}, {"order": "A-18"}]
    assert returns.slots("give_back")["note"] == "x"


def test_answers_that_depend_on_the_corrected_one_are_asked_again(returns: Talk) -> None:
    """`reason` was asked with the window in its text, and the window came from the order."""
    returns.do("/start give_back order=A-17")
    returns.do("/set reason=damaged")
    assert returns.do("/set order=A-18")[1:] == ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"]


def test_a_correction_after_an_effect_is_too_late(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {order: {type: order_id}, more: {type: text}}
    steps:
      - ask: order
        say: Order?
      - {do: book_it, with: {order: order}, into: number}
      - ask: more
        say: More?
    """
    late = talk(tmp_path, flows, RESULTS)
    late.do("/start f order=A-17")
    assert late.do("/set order=A-18") == [
        "That can no longer be changed here: something has already been done with it. A person can look into it.",
        "[Talk to a person]",
        "More?",
    ]
    assert (late.slots("f"), late.of(Did)) == ({"order": "A-17"}, [Did(1, "do_book_it", "book_it", "write")])


def test_unset_empties_the_slot_and_asks_again(returns: Talk) -> None:
    returns.do("/start give_back order=A-17 reason=damaged note=x")
    assert returns.do("/unset reason") == ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"]


def test_a_correction_below_waits_until_its_flow_goes_on(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    returns.do("/start track")
    assert returns.do("/set order=A-18") == ["All right, I have changed that.", "Which parcel?"]
    lines = returns.do("/set parcel=Mine")
    assert lines[-2:] == ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"]
    assert returns.acts[-1].args == {"order": "A-18"}


# Cancelling, skipping, starting over


def test_cancel_ends_the_top_flow_only(returns: Talk) -> None:
    returns.do("/start give_back")
    returns.do("/start track")
    assert returns.do("/cancel") == ["All right, I have stopped.", "Back to: Give back.", "Which order?"]
    assert outcomes(returns) == ["cancelled"]


def test_cancel_all_ends_every_flow_and_what_waits(returns: Talk) -> None:
    returns.do("/start give_back", "/start track")
    assert (returns.do("/cancel all"), returns.at, returns.state.queue) == (["All right, I have stopped."], [], ())


def test_cancel_after_an_effect_says_what_stays(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {t: {type: text}}
    steps:
      - {do: book_it, with: {order: '"A"'}}
      - {ask: t, say: T?}
    """
    late = talk(tmp_path, flows, RESULTS)
    late.do("/start f")
    assert late.do("/cancel") == [
        "All right, I have stopped. This has been done already and stays so: F. A person can look into it.",
        "[Talk to a person]",
    ]


def test_nothing_to_cancel(returns: Talk) -> None:
    assert returns.do("/cancel") == ["All right."]


def test_giving_up_waiting_is_told_to_the_engine(returns: Talk) -> None:
    assert returns.do("/cancel handoff") == []
    assert returns.last is not None
    assert returns.last.gives_up_waiting


def test_only_an_optional_question_is_skipped(returns: Talk) -> None:
    returns.do("/start give_back")
    assert returns.do("/skip") == ["I need an answer to this before I can go on.", "Which order?"]


def test_a_skipped_question_takes_its_default(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {count: {type: integer, optional: true}}
    steps:
      - {ask: count, say: "How many?", default: 1}
      - say: "{{ count }} then."
    """
    skipping = talk(tmp_path, flows)
    skipping.do("/start f")
    assert skipping.do("/skip") == ["1 then."]


def test_restart_begins_the_flow_again_without_its_answers(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    assert returns.do("/restart") == ["Let us start again.", "Which order?"]
    assert returns.slots("give_back") == {}


# Questions


def test_a_miss_says_what_was_expected_and_asks_again_until_it_is_stuck(returns: Talk) -> None:
    returns.do("/start give_back")
    assert [returns.miss(), returns.miss()] == [
        ["No order.", "Which order?"],
        ["No order. If you would rather talk to a person, write “agent”.", "Which order?"],
    ]
    assert returns.miss() == ["I do not seem to get any further by myself."]
    assert returns.last is not None
    assert returns.last.handoff == HandoffRequest(reason="stuck", queue="service")
    assert (returns.at, outcomes(returns)) == ([], ["stuck"])


def test_stuck_may_lead_to_steps_of_its_own(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {n: {type: integer}}
    steps:
      - ask: n
        say: "How many?"
        tries: 1
        stuck: [{say: Then one.}, {set: {n: 1}}, {goto: after}]
      - id: after
        say: "{{ n }} it is."
    """
    stuck = talk(tmp_path, flows)
    stuck.do("/start f")
    assert stuck.miss() == ["Then one.", "1 it is."]


def test_an_answer_may_be_refused_by_a_check(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {n: {type: integer}}
    steps:
      - ask: n
        say: "How many?"
        check: [{if: n > 9, say: "{{ n }} is too many."}]
      - say: "{{ n }} it is."
    """
    checked = talk(tmp_path, flows)
    assert checked.do("/start f n=12") == ["12 is too many.", "How many?"]
    assert checked.do("/set n=10") == ["10 is too many.", "How many?"]
    assert checked.do("/set n=3") == ["3 it is."]


def test_options_come_from_an_expression(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {slot: {type: choice}}
    steps:
      - {do: find, with: {order: '"A"'}, into: free}
      - {ask: slot, say: When?, options: free.slots}
      - say: "At {{ slot }}."
    """
    chosen = talk(tmp_path, flows, {"find": {"slots": ["9:00", {"label": "After lunch", "value": "13:00"}]}})
    assert chosen.do("/start f") == ["When?", "[9:00|After lunch]"]
    assert chosen.hear("after lunch") == ["At 13:00."]


def test_then_leads_on_from_an_answer(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {a: {type: yes_no}}
    steps:
      - {ask: a, say: A?, then: last}
      - say: Between.
      - {id: last, say: Last.}
      - {when: a, then: ask_b}
      - {end: no}
      - {id: ask_b, say: B., }
    """
    jumped = talk(
        tmp_path,
        flows.replace("say: Between.", "say: Between.\n        id: between").replace(
            "{ask: a, say: A?, then: last}",
            "{when: channel == 'x', then: between}\n      - {ask: a, say: A?, then: last}",
        ),
    )
    jumped.do("/start f")
    assert jumped.do("/set a=yes") == ["Last.", "B."]


# Branches, calls


@pytest.mark.parametrize(("answer", "line"), [("damaged", "Sorry."), ("wrong_size", "Other.")])
def test_switch_takes_the_branch_named_like_the_value(tmp_path: Path, answer: str, line: str) -> None:
    flows = """
    flow: f
    about: x
    slots: {reason: {type: choice, of: [damaged, wrong_size]}}
    steps:
      - {ask: reason, say: Why?}
      - when: reason
        switch: {damaged: [{say: Sorry.}]}
        else: [{say: Other.}]
    """
    assert talk(tmp_path, flows).do(f"/start f reason={answer}") == [line]


def test_call_runs_another_flow_and_comes_back_with_its_outcome(tmp_path: Path) -> None:
    flows = """
    flow: outer
    about: x
    slots: {name: {type: text}}
    steps:
      - {call: verify, with: {who: '"Ann"'}, into: checked}
      - say: "{{ checked.outcome }} {{ checked.who }} {{ checked.code }}"
    ---
    flow: verify
    slots: {who: {type: text}, code: {type: integer}}
    steps:
      - {ask: code, say: "Code, {{ who }}?"}
      - {end: verified}
    """
    calling = talk(tmp_path, flows)
    assert calling.do("/start outer") == ["Code, Ann?"]
    assert calling.do("/set code=42") == ["verified Ann 42"]
    assert outcomes(calling) == ["verified", "done"]


def test_cancel_in_a_called_flow_ends_its_caller_too(tmp_path: Path) -> None:
    flows = """
    flow: outer
    about: x
    steps:
      - {call: inner}
      - say: Never said.
    ---
    flow: inner
    slots: {code: {type: integer}}
    steps:
      - {ask: code, say: Code?}
    """
    calling = talk(tmp_path, flows)
    calling.do("/start outer")
    assert (calling.do("/cancel"), calling.at) == (["All right, I have stopped."], [])


def test_a_guard_sends_through_the_flow_it_needs(tmp_path: Path) -> None:
    flows = """
    flow: order
    about: x
    when: verified
    needs: verify
    slots: {verified: {type: yes_no, scope: conversation}}
    steps:
      - say: Ordered.
    ---
    flow: verify
    slots: {verified: {type: yes_no, scope: conversation}, code: {type: integer}}
    steps:
      - {ask: code, say: Code?}
      - {set: {verified: code == 42}}
    """
    guarded = talk(tmp_path, flows)
    assert guarded.do("/start order") == ["Code?"]
    assert guarded.do("/set code=1") == ["I cannot do that here."]
    guarded.do("/start order")
    assert guarded.do("/set code=42") == ["Ordered."]
    assert guarded.do("/start order") == ["Ordered."]


GUARDS = """
flow: order
about: x
when: verified
needs: verify
slots: {verified: {type: yes_no, scope: conversation}}
steps:
  - say: Ordered.
---
flow: verify
when: known
needs: tell
slots:
  verified: {type: yes_no, scope: conversation}
  known: {type: yes_no, scope: conversation}
  code: {type: integer}
steps:
  - {ask: code, say: Code?}
  - {set: {verified: code == 42}}
---
flow: tell
when: channel == "web"
slots: {known: {type: yes_no, scope: conversation}, name: {type: text}}
steps:
  - {ask: name, say: Name?}
  - {set: {known: 'true'}}
"""


def test_a_flow_that_is_needed_is_guarded_as_well(tmp_path: Path) -> None:
    guarded = talk(tmp_path, GUARDS)
    assert guarded.do("/start order") == ["Name?"]
    assert guarded.do("/set name=Ann") == ["Code?"]
    assert guarded.do("/set code=42") == ["Ordered."]


def test_a_flow_that_nothing_makes_possible_is_refused(tmp_path: Path) -> None:
    guarded = talk(tmp_path, GUARDS)
    guarded.channel = "telegram"
    assert (guarded.do("/start order"), guarded.at) == (["I cannot do that here."], [])
    assert [move.why for move in guarded.of(Refused) if isinstance(move, Refused)] == [
        "flow 'order' is not for this customer now"
    ]


def test_flows_that_need_each_other_are_refused(tmp_path: Path) -> None:
    circle = GUARDS.replace('when: channel == "web"', "when: verified\nneeds: verify").replace(
        "name: {type: text}", "name: {type: text}, verified: {type: yes_no, scope: conversation}"
    )
    guarded = talk(tmp_path, circle)
    assert (guarded.do("/start order"), guarded.at) == (["I cannot do that here."], [])


def test_a_flow_whose_guard_holds_no_longer_does_not_begin_again(tmp_path: Path) -> None:
    flows = """
    flow: order
    about: x
    when: channel == "web"
    slots: {size: {type: text}}
    steps:
      - {ask: size, say: Which size?}
    """
    guarded = talk(tmp_path, flows)
    guarded.do("/start order")
    guarded.channel = "telegram"
    assert (guarded.do("/restart"), guarded.at) == (["I cannot do that here."], [])


def test_only_the_business_starts_a_flow_that_customers_cannot_ask_for(returns: Talk) -> None:
    assert returns.do("/start hidden") == ["I cannot do that here."]
    assert returns.do("/start hidden", source="console") == ["Secret."]


# Actions and people


def test_the_key_of_an_action_is_the_same_when_the_turn_is_taken_again(tmp_path: Path) -> None:
    first, second = (talk(tmp_path, RETURNS, RESULTS) for _ in range(2))
    for each in (first, second):
        each.do("/start give_back order=A-17")
    assert [act.key for act in first.acts] == [act.key for act in second.acts]


def test_a_second_pass_has_another_key(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    returns.do("/set order=A-18")
    returns.do("/set order=A-17")
    keys = [act.key for act in returns.acts]
    assert len(set(keys)) == len(keys) == 3


def test_a_failed_action_asks_for_a_human(tmp_path: Path) -> None:
    failing = talk(tmp_path, RETURNS, {"find": "!no answer"})
    assert failing.do("/start give_back order=A-17") == ["Something went wrong on our side. I am sorry."]
    assert failing.last is not None
    assert failing.last.handoff == HandoffRequest(reason="action_failed", queue="service", note="find: !no answer")
    assert failing.at == []


def test_fails_leads_to_steps_of_its_own(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    steps:
      - {do: find, with: {order: '"A"'}, into: it, retry: 2, fails: [{say: No luck.}]}
      - say: Never said.
    """
    failing = talk(tmp_path, flows, {"find": "!no"})
    assert (failing.do("/start f"), len(failing.acts), outcomes(failing)) == (["No luck."], 3, ["failed"])


def test_an_outcome_nobody_knows_goes_to_a_human_and_counts_as_done(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {t: {type: text}}
    steps:
      - {do: book_it, with: {order: '"A"'}, fails: [{say: Not said.}]}
    """
    unsure = talk(tmp_path, flows, {"book_it": "?interrupted"})
    assert unsure.do("/start f") == ["Something went wrong on our side. I am sorry."]
    assert unsure.of(Did) == [Did(1, "do_book_it", "book_it", "write", ok=False)]


def test_a_result_of_another_turn_is_left_alone(returns: Talk) -> None:
    returns.do("/start give_back")
    assert returns.give(ActionResult("9.x.1.y", "late")) == ["Which order?"]


def test_a_flow_that_cannot_say_its_text_ends_as_failed(tmp_path: Path) -> None:
    broken = talk(tmp_path, RETURNS, {"find": {}})
    assert broken.do("/start give_back order=A-17") == ["Something went wrong on our side. I am sorry."]
    assert broken.last is not None
    assert broken.last.handoff is not None
    assert (broken.last.handoff.reason, broken.at) == ("error", [])


def test_a_circle_of_gotos_runs_out_of_steps(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    steps:
      - id: again
        when: channel == "nowhere"
        then: [{end: out}]
        else: again
    """
    circling = talk(tmp_path, flows)
    assert circling.do("/start f") == ["Something went wrong on our side. I am sorry."]
    assert len(circling.of(Entered)) == 200


def test_human_ends_the_turn_and_leaves_the_flow_where_it_is(returns: Talk) -> None:
    returns.do("/start give_back")
    assert returns.do("/human please", "/set order=A-17") == []
    assert returns.last is not None
    assert returns.last.handoff == HandoffRequest(reason="asked", queue="service", note="please")
    assert returns.at == [("give_back", "")]
    assert returns.back(Back("resume")) == ["You have 9 days.\n\nWhy?", "[Damaged|Wrong size]"]


HANDOFF = """
flow: f
about: x
slots: {{t: {{type: text}}}}
steps:
  - {{ask: t, say: T?}}
  - {{handoff: returns, note: "About {{{{ t }}}}.", after: {after}}}
  - say: Welcome back.
"""


@pytest.mark.parametrize(
    ("after", "lines"), [("continue", ["Welcome back."]), ("ask", ["T?"]), ("end", [])], ids=["continue", "ask", "end"]
)
def test_after_a_handoff_step_the_flow_goes_on_as_it_says(tmp_path: Path, after: str, lines: list[str]) -> None:
    handing = talk(tmp_path, HANDOFF.format(after=after).replace("say: T?", "say: T?, always_ask: true"))
    handing.do("/start f")
    assert handing.do("/set t=boots") == []
    assert handing.last is not None
    assert handing.last.handoff == HandoffRequest(reason="rule", queue="returns", note="About boots.")
    assert handing.back(Back("resume")) == lines


@pytest.mark.parametrize(
    ("how", "lines", "at"),
    [
        ("resume", ["Why?", "[Damaged|Wrong size]"], [("give_back", "reason")]),
        ("restart", ["Which order?"], [("give_back", "order")]),
        ("free", [], []),
    ],
)
def test_a_human_hands_back(returns: Talk, how: str, lines: list[str], at: list[tuple[str, str]]) -> None:
    returns.do("/start give_back order=A-17")
    returns.do("/human")
    assert (returns.back(Back(how)), returns.at) == (lines, at)  # type: ignore[arg-type]  # parametrised


# Patterns


def test_clarify_offers_flows_and_a_person(returns: Talk) -> None:
    assert returns.do("/clarify track hours hidden") == ["What is it about?", "[Tracking|Hours|Talk to a person]"]


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("void", "That choice is no longer open."),
        ("handoff_joined", "I am sorry, I cannot help with that."),
        ("because", "I am sorry, I cannot help with that."),
    ],
)
def test_refuse_says_why(returns: Talk, reason: str, line: str) -> None:
    assert returns.do(f"/refuse {reason}", source="model") == [line]


def test_a_refused_command_is_kept_with_its_reason(returns: Talk) -> None:
    returns.do("/set order=A-17", source="model")
    assert [type(move) for move in returns.moves] == [Refused]


def test_an_applied_command_carries_the_value_as_it_was_read(returns: Talk) -> None:
    returns.do("/start give_back")
    returns.do("/set order=it is a-17")
    applied = [move.by for move in returns.of(Applied) if isinstance(move, Applied)]
    assert str(applied[-1]) == "Set(slot='order', value='A-17')"


def test_the_language_is_locked_with_the_first_turn(tmp_path: Path) -> None:
    header = HEADER.replace("[en]", "[en, fr]")
    flows = "flow: f\nabout: x\ntitle: {en: F, fr: F}\nsteps:\n  - say: {en: Hello, fr: Bonjour}"
    made = book(tmp_path, flows, header=header, texts={"fr": "not_an_order: Non."})
    french = Talk(made, language="fr-CA")
    assert (french.do("/start f"), french.of(Spoke)) == (["Bonjour"], [Spoke("fr-CA")])
    french.language = "en"
    assert french.do("/start f") == ["Bonjour"]


# Buttons


def test_a_pressed_option_answers_and_voids_its_siblings(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    assert returns.press("Damaged") == ["Any words?", "[Skip]"]
    assert [offer.label for offer in returns.state.offers] == ["Skip"]


def test_a_void_option_has_no_effect(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    before = returns.state.offers[0]
    returns.do("/set reason=damaged")
    assert returns.press(before.token) == ["That choice is no longer open.", "Any words?", "[Skip]"]


def test_options_from_before_a_change_of_control_are_void(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    returns.epoch = 2
    assert returns.press("Damaged") == ["That choice is no longer open.", "Why?", "[Damaged|Wrong size]"]
    assert [offer.epoch for offer in returns.state.offers] == [2, 2]


def test_an_answer_outlives_a_digression(returns: Talk) -> None:
    returns.do("/start give_back order=A-17")
    token = returns.state.offers[0].token
    returns.do("/start track")
    assert returns.press(token) == ["Which parcel?"]
    assert returns.slots("give_back")["reason"] == "damaged"


# Rare roads

CALLING = """
flow: outer
about: x
slots: {name: {type: text}, twice: {type: text}, more: {type: text}}
steps:
  - {ask: name, say: Name?}
  - {set: {twice: name + name}}
  - {call: inner, with: {who: name}, into: called}
  - {ask: more, say: "More, {{ twice }}?"}
---
flow: inner
slots: {who: {type: text}, code: {type: integer}}
steps:
  - {ask: code, say: "Code, {{ who }}?"}
"""


def test_a_correction_of_a_caller_ends_what_it_called_and_calls_it_again(tmp_path: Path) -> None:
    calling = talk(tmp_path, CALLING)
    calling.do("/start outer name=Ann")
    assert calling.do("/set name=Bea") == ["All right, I have changed that.", "Code, Bea?"]
    assert calling.at == [("outer", ""), ("inner", "code")]
    assert calling.do("/set code=1") == ["More, BeaBea?"]
    assert outcomes(calling) == ["corrected", "done"]


def test_a_correction_of_what_a_called_flow_was_given_runs_through_it_again(tmp_path: Path) -> None:
    calling = talk(tmp_path, CALLING)
    calling.do("/start outer name=Ann")
    calling.do("/set code=1")
    assert calling.do("/set name=Bea") == ["All right, I have changed that.", "Code, Bea?"]


def test_emptying_a_slot_after_an_effect_is_too_late(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {order: {type: order_id}, more: {type: text}}
    steps:
      - {ask: order, say: Order?}
      - {do: book_it, with: {order: order}}
      - {ask: more, say: More?}
    """
    late = talk(tmp_path, flows, RESULTS)
    late.do("/start f order=A-17")
    assert late.do("/unset order")[1:] == ["[Talk to a person]", "More?"]


def test_a_check_that_needs_what_is_not_known_yet_waits_for_its_question(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {n: {type: integer}}
    steps:
      - {do: find, with: {order: '"A"'}, into: stock}
      - ask: n
        say: "How many?"
        check: [{if: n > stock.left, say: "Only {{ stock.left }} are left."}]
      - say: "{{ n }} it is."
    """
    checked = talk(tmp_path, flows, {"find": {"left": 2}})
    assert checked.do("/start f", "/set n=5") == ["Only 2 are left.", "How many?"]
    assert checked.do("/set n=2") == ["2 it is."]
    assert [(move.step, move.reads) for move in checked.of(Entered) if isinstance(move, Entered)][1] == (
        "ask_n",
        ("stock",),
    )


def test_a_default_that_cannot_be_found_is_none(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {n: {type: integer, optional: true}}
    steps:
      - {ask: n, say: "How many?", default: customer.usual}
      - when: n == null
        then: [{say: None given.}]
    """
    skipping = talk(tmp_path, flows)
    skipping.do("/start f")
    assert skipping.do("/skip") == ["None given."]


def test_flows_that_call_one_another_for_ever_end_as_failed(tmp_path: Path) -> None:
    flows = "flow: f\nabout: x\nsteps: [{call: g}]\n---\nflow: g\nsteps: [{call: f}]"
    calling = talk(tmp_path, flows)
    assert calling.do("/start f") == ["Something went wrong on our side. I am sorry."]
    assert (calling.at, outcomes(calling)) == ([], ["failed"] * 5)


def test_a_step_that_is_no_longer_there_goes_to_a_human(returns: Talk) -> None:
    note = "flow 'hours': flow 'hours' has no step 'gone' any more"
    returns.state = State((Frame(1, "hours", returns.book.flows["hours"].version, step="gone"),), frames=1)
    assert returns.give() == ["Something went wrong on our side. I am sorry."]
    assert returns.last is not None
    assert returns.last.handoff == HandoffRequest(reason="error", queue="service", note=note)
    assert returns.at == []


def test_a_question_that_is_no_longer_asked_does_not_hold_the_flow_up(returns: Talk) -> None:
    """The project changed while the customer was thinking."""
    version = returns.book.flows["track"].version
    returns.state = State((Frame(1, "track", version, step="gone", asking="parcel"),), frames=1)
    assert returns.give() == ["Something went wrong on our side. I am sorry."]


def test_options_that_are_no_list_end_the_flow_as_failed(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {slot: {type: choice}}
    steps:
      - {do: find, with: {order: '"A"'}, into: free}
      - {ask: slot, say: When?, options: free.slots}
    """
    broken = talk(tmp_path, flows, {"find": {"slots": "none"}})
    assert broken.do("/start f") == ["Something went wrong on our side. I am sorry."]
    assert broken.at == []


def test_a_card_and_a_list_are_said(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    steps:
      - say:
          text: Look
          card: {title: "{{ channel }}", body: Words, options: [{label: Person, command: /human}]}
          list: [{label: Again, start: f}]
    """
    assert talk(tmp_path, flows).do("/start f") == ["Look", "web / Words", "[Person]", "[Again]"]


def test_a_text_has_names_of_its_own(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {n: {type: integer}}
    steps:
      - {say: "{{ double }} on {{ day }}", with: {double: n * 2, day: now.getFullYear()}}
    """
    assert talk(tmp_path, flows).do("/start f n=4") == ["8 on 2026"]


def test_a_flow_that_was_called_with_a_corrected_value_is_called_again(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: x
    slots: {order: {type: order_id}, sure: {type: yes_no}}
    steps:
      - {ask: order, say: Which order?}
      - {call: g, with: {parcel: order}}
      - {ask: sure, say: Sure?}
    ---
    flow: g
    slots: {parcel: {type: order_id}}
    steps: [{say: "Looking for {{ parcel }}."}]
    """
    calling = talk(tmp_path, flows)
    assert calling.do("/start f", "/set order=A-1") == ["Looking for A-1.", "Sure?", "[Yes|No]"]
    assert calling.do("/set order=A-2")[-3:] == ["Looking for A-2.", "Sure?", "[Yes|No]"]
