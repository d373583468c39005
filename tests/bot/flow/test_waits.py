"""What time does to the flows: silence after a question, pauses, and what may run meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.flow import steps as s
from bot.flow.interpreter.given import Back
from bot.model import HandoffRequest, Popped, Timer
from tests.bot.flow.script import NOW, Talk, talk

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

FLOWS = """
flow: buy
about: Buying.
title: Buy
slots:
  size: {type: text}
  colour: {type: text}
steps:
  - ask: size
    say: Which size?
    quiet: [{after: 10m, say: Still there?}, {after: 1d, cancel: true}]
  - ask: colour
    say: Which colour?
    quiet: [{after: 5m, handoff: returns}]
  - say: "{{ size }} in {{ colour }}."
---
flow: parcel
about: Parcels.
title: Parcel
steps:
  - say: I will tell you.
  - wait: {event: arrived, for: 3d}
    into: word
  - when: word == null
    then: [{say: It is late.}, {end: late}]
  - say: "It is at {{ word.place }}."
---
flow: remind
about: Reminders.
title: Reminder
slots: {moment: {type: text}}
steps:
  - wait: {until: moment}
  - say: It is time.
---
flow: hours
about: Hours.
title: Hours
steps:
  - say: Always open.
"""


@pytest.fixture
def flows(tmp_path: Path) -> Talk:
    return talk(tmp_path, FLOWS)


def outcomes(talk: Talk) -> list[str]:
    return [move.outcome for move in talk.of(Popped) if isinstance(move, Popped)]


def test_silence_is_answered_in_the_order_written(flows: Talk) -> None:
    flows.do("/start buy")
    assert flows.later(9 * MINUTE) == []
    assert flows.later(MINUTE) == ["Still there?"]
    assert flows.later(23 * HOUR) == []
    assert flows.later(HOUR)[0].startswith("I have not heard from you")
    assert (outcomes(flows), flows.state.timers) == (["cancelled"], ())


def test_an_answer_ends_the_silence_and_begins_that_of_the_next_question(flows: Talk) -> None:
    flows.do("/start buy")
    flows.later(9 * MINUTE)
    flows.do("/set size=L")
    assert [(timer.step, timer.due_at - flows.now) for timer in flows.state.timers] == [("ask_colour", 5 * MINUTE)]


def test_whatever_the_customer_says_silence_is_counted_from_then_on(flows: Talk) -> None:
    flows.do("/start buy")
    flows.later(9 * MINUTE)
    flows.do("/chat")
    assert [timer.due_at - flows.now for timer in flows.state.timers] == [10 * MINUTE, DAY]


def test_a_timer_of_silence_fires_once(flows: Talk) -> None:
    flows.do("/start buy")
    flows.later(10 * MINUTE)
    assert [timer.n for timer in flows.state.timers] == [1]


def test_silence_may_ask_for_a_person(flows: Talk) -> None:
    flows.do("/start buy size=L")
    assert flows.later(5 * MINUTE) == []
    assert flows.last is not None
    assert flows.last.handoff == HandoffRequest(reason="rule", queue="returns")


def test_a_hand_back_counts_silence_anew(flows: Talk) -> None:
    flows.do("/start buy")
    flows.do("/human")
    flows.now += 8 * HOUR
    flows.back(Back("resume"))
    assert [timer.due_at - flows.now for timer in flows.state.timers] == [10 * MINUTE, DAY]


def test_a_question_below_another_flow_is_not_waited_for(flows: Talk) -> None:
    flows.do("/start buy")
    flows.do("/start remind moment=2026-03-02T12:00:00+00:00")
    flows.do("/start buy")
    assert {timer.name for timer in flows.state.timers} == {"quiet", "wait"}
    flows.do("/cancel")
    assert {timer.name for timer in flows.state.timers} == {"wait"}


def test_who_asks_again_for_a_flow_that_pauses_hears_that_it_goes_on(flows: Talk) -> None:
    """Random runs found it: nothing was said at all."""
    flows.do("/start parcel")
    assert flows.do("/start parcel") == ["That is under way already."]
    assert flows.do("/resume parcel") == ["That is under way already."]
    assert flows.later(3 * DAY) == ["It is late."]


def test_a_flow_that_pauses_does_not_hold_up_what_is_begun_beside_it(flows: Talk) -> None:
    flows.do("/start parcel")
    assert flows.do("/start buy", "/start parcel") == ["That is under way already.", "Which size?"]
    assert flows.do("/start parcel") == ["That is under way already.", "Which size?"]
    assert flows.do("/set size=L") == ["Which colour?"]


def test_a_pause_ends_when_its_time_is_up(flows: Talk) -> None:
    assert flows.do("/start parcel") == ["I will tell you."]
    assert flows.later(3 * DAY - MINUTE) == []
    assert flows.later(MINUTE) == ["It is late."]
    assert (outcomes(flows), flows.state.timers) == (["late"], ())


def test_a_pause_ends_with_its_event_and_keeps_what_it_brought(flows: Talk) -> None:
    flows.do("/start parcel")
    assert flows.signal("elsewhere") == []
    assert flows.signal("arrived", {"place": "the door"}) == ["It is at the door."]
    assert (outcomes(flows), flows.state.timers) == (["done"], ())


def test_an_event_nobody_waits_for_changes_nothing(flows: Talk) -> None:
    flows.do("/start buy")
    before = flows.state
    assert (flows.signal("arrived"), flows.state) == ([], before)


EARLY = """
flow: pay
about: Paying.
slots: {note: {type: text}}
steps:
  - {ask: note, say: A note?}
  - {wait: {event: paid}, into: sum}
  - {say: "Paid {{ sum }}."}
  - {wait: {event: paid, for: 1h}, into: sum}
  - {say: "And then {{ sum }}."}
"""


def test_an_event_that_comes_before_its_flow_waits_is_not_lost(tmp_path: Path) -> None:
    pay = talk(tmp_path, EARLY)
    pay.do("/start pay")
    assert pay.signal("paid", 5) == []
    assert pay.signal("heard", 1) == []  # nothing here ever waits for that
    assert pay.state.signals == {"paid": 5}
    assert pay.do("/set note=x") == ["Paid 5."]
    assert (pay.state.signals, len(pay.state.timers)) == ({}, 1)  # once
    assert pay.signal("paid", 6) == ["And then 6."]


def test_the_last_of_several_events_is_the_one_that_counts(tmp_path: Path) -> None:
    pay = talk(tmp_path, EARLY)
    pay.do("/start pay")
    pay.signal("paid", 5)
    pay.signal("paid", 6)
    assert pay.do("/set note=x") == ["Paid 6."]


def test_an_event_of_former_times_ends_no_pause(tmp_path: Path) -> None:
    pay = talk(tmp_path, EARLY)
    pay.signal("paid", 4)  # nothing is in progress
    pay.do("/start pay")
    pay.signal("paid", 5)
    pay.do("/cancel")
    assert pay.state.signals == {}
    pay.do("/start pay")
    assert pay.do("/set note=x") == []


def test_a_pause_until_a_moment(flows: Talk) -> None:
    flows.do("/start remind moment=2026-03-02T12:00:00+00:00")
    assert flows.state.timers == (Timer(1, "wait_1", "wait", datetime.fromisoformat("2026-03-02T12:00:00+00:00")),)
    assert flows.later(2 * HOUR) == ["It is time."]


def test_a_pause_until_no_moment_ends_the_flow_as_failed(flows: Talk) -> None:
    assert flows.do("/start remind moment=soonish") == ["Something went wrong on our side. I am sorry."]
    assert flows.last is not None
    assert flows.last.handoff is not None
    assert "'soonish' is no time to wait until" in flows.last.handoff.note


def test_other_flows_run_while_one_pauses(flows: Talk) -> None:
    flows.do("/start parcel")
    assert flows.do("/start buy") == ["Which size?"]
    assert flows.later(3 * DAY)[-1] == "It is late."
    assert outcomes(flows) == ["cancelled", "late"]


def test_a_flow_that_begins_to_pause_gives_way_to_the_one_it_interrupted(flows: Talk) -> None:
    flows.do("/start buy")
    assert flows.do("/start parcel") == ["I will tell you.", "Which size?"]
    assert flows.at == [("parcel", ""), ("buy", "size")]
    assert flows.do("/set size=L") == ["Which colour?"]


def test_a_pause_that_ends_interrupts_and_leads_back_to_the_question(flows: Talk) -> None:
    flows.do("/start buy size=L")
    flows.do("/start parcel")
    assert flows.signal("arrived", {"place": "home"}) == ["It is at home.", "Which colour?"]
    assert flows.at == [("buy", "colour")]


def test_what_waits_begins_when_a_flow_pauses(flows: Talk) -> None:
    assert flows.do("/start parcel", "/start buy") == ["I will tell you.", "Which size?"]


def test_time_that_passed_unseen_is_made_up_for_in_order(flows: Talk) -> None:
    flows.do("/start parcel")
    flows.do("/start buy")
    flows.now = NOW + 4 * DAY
    lines = flows.later(timedelta(0))
    assert [line.split()[0] for line in lines] == ["Still", "I", "It"]


def test_a_cancelled_pause_rings_no_more(flows: Talk) -> None:
    flows.do("/start parcel")
    flows.do("/cancel")
    assert (flows.state.timers, flows.later(5 * DAY)) == ((), [])


ORDERS = ["/start buy", "/start parcel", "/start remind moment=2026-03-02T12:00", "/start hours", "/set size=L"]
ORDERS += ["/set colour=red", "/cancel", "/chat", "/resume parcel", "/restart", "/unset size", "/repeat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return talk(tmp_path_factory.mktemp("project"), FLOWS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(st.one_of(st.sampled_from(ORDERS), st.integers(1, 5000)), max_size=15))
def test_timers_are_those_of_the_pending_question_and_of_the_pauses(folder: Talk, lines: list[str | int]) -> None:
    """Of the question's, those that have not fired since the customer was last heard."""
    flows = Talk(folder.book)
    for line in lines:
        if isinstance(line, int):
            flows.later(line * MINUTE)
        else:
            flows.do(line)
        pending = flows.book.pending(flows.state)
        quiet = {(t.frame, t.step) for t in flows.state.timers if t.name == "quiet"}
        waits = [t.frame for t in flows.state.timers if t.name == "wait"]
        assert quiet <= ({(pending.frame.id, pending.ask.id)} if pending else set())
        if isinstance(line, str) and pending:
            assert sum(t.name == "quiet" for t in flows.state.timers) == len(pending.ask.quiet)
        assert sorted(waits) == sorted(frame.id for frame in flows.state.stack if pauses(flows, frame.flow, frame.step))


def pauses(flows: Talk, flow: str, step: str) -> bool:
    return isinstance(flows.book.flows[flow].steps.get(step), s.Wait)
