"""A flow is published anew while a customer stands in it: what becomes of the conversation."""

import dataclasses
from pathlib import Path

import pytest

from bot.flow.book import Book
from bot.flow.read import read
from bot.model import Emptied, Filled, Moved, Popped, Rewound, State
from bot.shelf import kept_of, published
from tests.bot.flow.script import ACTIONS, HEADER, Talk, project, talk

FIRST = """
flow: send_back
about: The customer sends something back.
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, wrong_size]}
  sure: {type: yes_no}
steps:
  - {say: Let us see.}
  - {ask: order, say: Which order?}
  - {say: Thank you.}
  - {ask: reason, say: Why?}
  - when: reason == "damaged"
    then: [{say: I am sorry.}]
  - {ask: sure, say: Shall I?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Done: {{ number }}"}
"""
NEXT = FIRST.replace("about:", "version: 2\nabout:", 1)
"""The same under another number."""


def changed(*pairs: tuple[str, str], head: str = "") -> str:
    """The next version, with some of its lines replaced."""
    flow = NEXT
    for old, new in pairs:
        assert old in flow, old
        flow = flow.replace(old, new)
    return flow.replace("slots:", f"{head}\nslots:", 1)


def publish(talk: Talk, folder: Path, flows: str, *, header: str = HEADER, actions: str = ACTIONS) -> Book:
    """The talk goes on with what the shelf would give it: the newest, and those before it."""
    newest = read(project(folder, flows, header=header, actions=actions))
    kept = {(flow.name, flow.version): kept_of(published(flow), newest) for flow in talk.book.flows.values()}
    talk.book = dataclasses.replace(newest, kept={**talk.book.kept, **kept})
    return newest


def at(talk: Talk) -> tuple[str, str, str]:
    """Number of the version, step and pending question of the topmost flow."""
    frame = talk.state.stack[-1]
    return frame.version.partition(".")[0], frame.step, frame.asking


@pytest.fixture
def asked(tmp_path: Path) -> Talk:
    """Until the reason is asked for."""
    talking = talk(tmp_path, FIRST, {"book_it": "R-1"})
    talking.do("/start send_back", "/set order=A-17")
    assert at(talking) == ("1", "ask_reason", "reason")
    return talking


SOONER = (
    ("  - {say: Let us see.}\n", '  - {when: channel == "sms", then: [{say: Hi.}]}\n  - {say: Let us see.}\n'),
    ("say: Which order?", "say: 'Which order, please?'"),
)
"""A step is put before all others, so that the names which nobody gave are others now."""


def test_who_stands_where_nothing_changed_from_there_on_goes_on_in_the_new_version(asked: Talk, tmp_path: Path) -> None:
    asked.do("/set reason=damaged")
    newest = publish(asked, tmp_path, changed(*SOONER))
    assert asked.do("/set sure=yes") == ["Done: R-1"]
    version = newest.flows["send_back"].version
    assert asked.of(Moved) == [Moved(1, version, "ask_sure", {"when_1": "when_2"})]


def test_only_words_changed_and_they_are_said_at_once(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(("say: Why?", "say: What is wrong?"), ("say: Shall I?", "say: Really?")))
    assert asked.give() == ["What is wrong?", "[Damaged|Wrong size]"]
    assert asked.do("/set reason=wrong_size") == ["Really?", "[Yes|No]"]


def test_the_question_s_buttons_still_answer_it(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*SOONER))
    assert asked.press("Damaged") == ["I am sorry.", "Shall I?", "[Yes|No]"]


def test_a_correction_goes_back_in_the_new_version(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*SOONER))
    asked.do("/set reason=damaged")
    assert asked.do("/set reason=wrong_size")[-2:] == ["Shall I?", "[Yes|No]"]
    assert asked.of(Rewound) == [Rewound(1, "when_2", 4)]


def test_who_stands_where_something_changed_finishes_in_the_old_words(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(("say: Shall I?", "say: Really?, tries: 5")))
    assert asked.do("/set reason=wrong_size") == ["Shall I?", "[Yes|No]"]
    assert asked.do("/set sure=yes") == ["Done: R-1"]
    assert (asked.of(Moved), asked.of(Popped)) == ([], [Popped(1, "done", reopens=True)])


def test_who_begins_now_takes_the_newest(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(("ask: sure, say: Shall I?", "ask: sure, say: Really?, tries: 5")))
    asked.do("/cancel")
    asked.do("/start send_back", "/set order=A-17")
    assert asked.do("/set reason=wrong_size") == ["Really?", "[Yes|No]"]


def test_what_was_kept_moves_as_soon_as_it_is_past_the_change(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(("ask: reason, say: Why?", "ask: reason, say: Why?, tries: 5")))
    asked.do("/set reason=wrong_size")
    assert at(asked) == ("1", "ask_sure", "sure")
    asked.give()
    assert at(asked) == ("2", "ask_sure", "sure")


GONE = (
    ("  - {ask: reason, say: Why?}", "  - {ask: why, say: What happened?}"),
    (
        "  reason: {type: choice, of: [damaged, wrong_size]}",
        "  why: {type: text}",
    ),
    ('reason == "damaged"', 'why == "damaged"'),
)


def test_the_new_version_says_where_they_go_on(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*GONE, head="migrate: {ask_reason: ask_why}"))
    assert asked.give() == ["What happened?"]
    assert at(asked) == ("2", "ask_why", "why")
    assert asked.state.offers == ()
    assert asked.do("/set why=no idea") == ["Shall I?", "[Yes|No]"]


def test_an_old_button_is_refused_politely_and_the_new_question_asked(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*GONE, head="migrate: {ask_reason: ask_why}"))
    assert asked.press("Damaged") == ["That choice is no longer open.", "What happened?"]


def test_an_answer_to_the_question_as_it_was_is_taken_where_the_slot_is_still_there(
    asked: Talk, tmp_path: Path
) -> None:
    later = (
        "  - {ask: reason, say: Why?}",
        "  - {ask: sure, id: first, say: Sure?}\n  - {ask: reason, say: Why?, tries: 5}",
    )
    publish(asked, tmp_path, changed(later, head="migrate: {ask_reason: first}"))
    assert asked.hear("damaged") == ["Sure?", "[Yes|No]"]
    assert asked.slots("send_back") == {"order": "A-17", "reason": "damaged"}


def test_with_an_empty_migrate_who_stands_at_a_step_that_is_still_there_moves(asked: Talk, tmp_path: Path) -> None:
    another = ("  - {ask: sure, say: Shall I?}", "  - {say: So.}\n  - {ask: sure, say: Really?}")
    publish(asked, tmp_path, changed(another, head="migrate: {}"))
    assert asked.do("/set reason=wrong_size") == ["So.", "Really?", "[Yes|No]"]


RETYPED = ("order: {type: order_id}", "order: {type: yes_no}")


def test_an_answer_that_is_none_any_more_is_asked_for_again(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(RETYPED, head="migrate: {}"))
    assert asked.give() == ["Which order?", "[Yes|No]"]
    assert asked.of(Emptied, Rewound) == [Emptied("order", 1), Rewound(1, "ask_order", 1)]


def test_an_answer_is_read_again_as_what_it_is_now(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(("order: {type: order_id}", "order: {type: text}"), head="migrate: {}"))
    asked.give()
    assert at(asked) == ("2", "ask_reason", "reason")
    assert asked.of(Filled)[-1] == Filled("order", "A-17", 1)


BROKEN = ACTIONS.replace("async def book_it(order: str)", "async def book_it(number: int)")
NOW_BY_NUMBER = (RETYPED, ("with: {order: order}", "with: {number: order}"))
APOLOGY = "What we were doing has changed in the meantime, so we have to begin it again. I am sorry."


def test_who_can_neither_move_nor_stay_is_told_so(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*NOW_BY_NUMBER), actions=BROKEN)
    assert asked.give() == [APOLOGY]
    assert (asked.at, asked.of(Popped)) == ([], [Popped(1, "changed")])


def test_the_flow_that_waits_below_a_broken_one_goes_on(asked: Talk, tmp_path: Path) -> None:
    other = "---\nflow: hours\nabout: x\nslots: {day: {type: text}}\nsteps: [{ask: day, say: Which day?}]"
    asked.state = State()
    asked.book = read(project(tmp_path, FIRST + other))
    asked.do("/start hours")
    asked.do("/start send_back")
    publish(asked, tmp_path, changed(*NOW_BY_NUMBER) + other, actions=BROKEN)
    assert asked.give() == [APOLOGY, "Back to: Hours.", "Which day?"]


def test_a_project_may_begin_anew_instead(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*NOW_BY_NUMBER), actions=BROKEN, header=HEADER + "broken: restart")
    assert asked.give() == [
        "This has changed since we began, so let us start again.",
        "Let us see.",
        "Which order?",
        "[Yes|No]",
    ]
    assert at(asked) == ("2", "ask_order", "order")


def test_or_hand_over_to_a_person(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*NOW_BY_NUMBER), actions=BROKEN, header=HEADER + "broken: handoff")
    assert asked.give() == []
    assert asked.last is not None
    assert asked.last.handoff is not None
    assert (asked.last.handoff.reason, asked.at) == ("error", [])
    assert "action 'book_it' has no input 'order'" in asked.last.handoff.note


def test_a_flow_that_is_gone_is_finished(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, "flow: hours\nabout: x\nsteps: [{say: Nine to five.}]")
    asked.do("/set reason=wrong_size")
    assert asked.do("/set sure=yes") == ["Done: R-1"]


def test_an_action_that_ran_stays_known_whatever_became_of_its_step(asked: Talk, tmp_path: Path) -> None:
    """So that a correction is still too late."""
    after = FIRST + "  - {ask: again, say: Again?}"
    flow = after.replace("sure:", "again: {type: yes_no}\n  sure:", 1)
    asked.book = read(project(tmp_path, flow))
    asked.state = State()
    asked.do("/start send_back", "/set order=A-17", "/set reason=damaged", "/set sure=yes")
    assert at(asked)[2] == "again"
    shorter = flow.replace(
        '  - {do: book_it, with: {order: order}, into: number}\n  - {say: "Done: {{ number }}"}\n', ""
    )
    publish(asked, tmp_path, shorter.replace("about:", "version: 2\nabout:", 1))
    assert asked.do("/set order=A-18")[0].startswith("That can no longer be changed here")
    assert at(asked)[0] == "2"


def test_two_publishes_in_a_row_are_one_move(asked: Talk, tmp_path: Path) -> None:
    publish(asked, tmp_path, changed(*SOONER))
    publish(asked, tmp_path, NEXT.replace("version: 2", "version: 3"))
    asked.give()
    assert [at(asked), len(asked.of(Moved))] == [("3", "ask_reason", "reason"), 1]
