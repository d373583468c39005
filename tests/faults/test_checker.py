"""The checker is believed because it finds what is wrong, by its number, and leaves alone what only looks odd."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.faults import journal
from tests.faults.checker import SECOND, Summary, Violation, check, summary
from tests.faults.dump import DeadLetter
from tests.faults.story import Chat, Story

Telling = Callable[[Story], None]

_bad: list[Any] = []
_good: list[Any] = []


def breaks(invariant: str) -> Callable[[Telling], Telling]:
    def keep(tell: Telling) -> Telling:
        _bad.append(pytest.param(tell, invariant, id=f"{invariant}-{tell.__name__}"))
        return tell

    return keep


def is_legal(tell: Telling) -> Telling:
    _good.append(pytest.param(tell, id=tell.__name__))
    return tell


# I1


@breaks("I1")
def acknowledged_and_not_kept(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.sends("u1n2")
    chat.is_answered("u1n2")


@breaks("I1")
def acknowledged_in_a_chat_that_is_in_no_row(story: Story) -> None:
    chat = Chat(story, "ana")
    chat.sends("u1n1")
    chat.is_answered("u1n1", 204)


@breaks("I1")
def kept_in_somebody_elses_log(story: Story) -> None:
    ana, ben = story.chat("ana"), story.chat("ben")
    ana.says("u1n1")
    ana.answers("u1n1")
    ben.sends("u2n1")
    ana.keeps("u2n1")
    ana.answers("u2n1")
    ben.is_answered("u2n1")


@breaks("I1")
def heard_past_the_turn(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    chat.answers("here is u1n1")


@breaks("I1")
def heard_past_the_turn_and_a_human_came_much_later(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    chat.answers("here is u1n1")
    chat.says("u1n3")
    chat.answers("here is u1n3")
    chat.takes_over()


@breaks("I1")
def heard_by_a_turn_that_says_nothing(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers()


@breaks("I1")
def heard_without_any_turn(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.ends()


@breaks("I1")
def the_desk_said_that_it_was_sent(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.takes_over()
    chat.commands("send", id="s1", uid="u1n900")
    chat.decides("s1")


@breaks("I1")
def another_body_under_a_known_id_left_no_dead_letter(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1", key="k")
    chat.answers("u1n1")
    chat.sends("u1n2", key="k", same=False)
    chat.is_answered("u1n2", key="k")


# I2


@breaks("I2")
def kept_twice(story: Story) -> None:
    chat = story.chat()
    chat.sends("u1n1")
    chat.keeps("u1n1")
    chat.keeps("u1n1")
    chat.is_answered("u1n1")
    chat.answers("u1n1")


@breaks("I2")
def one_id_brought_two_bodies(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1", key="k")
    chat.sends("u1n2", key="k", same=False)
    chat.keeps("u1n2", key="k")
    chat.is_answered("u1n2", key="k")
    chat.answers("u1n1 u1n2")


@breaks("I2")
def answered_by_two_turns(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.says("u1n2")
    chat.answers("u1n1 and u1n2")


@breaks("I2")
def one_turn_committed_by_two_claims(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.answers("u1n1", turn=0)


@breaks("I2")
def carried_out_under_two_keys(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1")
    chat.acts("a2", "u1n1")
    chat.answers("u1n1")


@breaks("I2")
def carried_out_twice(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1")
    story.records.append(journal.Done(at=story.tick(), key="a1", uid="u1n1"))
    chat.answers("u1n1")


@breaks("I2")
def carried_out_without_an_intent(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    story.records.append(journal.Done(at=story.tick(), key="a1", uid="u1n1"))
    chat.answers("u1n1")


@breaks("I2")
def an_effect_has_two_results(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1")
    chat.append("acted", "bot", key="a1", result="B-2", turn=0, fence=1)
    chat.answers("u1n1")


@breaks("I2")
def an_effect_is_forgotten(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1", ends=False)
    chat.answers("u1n1")
    chat.takes_over()


@breaks("I2")
def an_agents_words_are_kept_twice(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.ends()
    chat.writes("u1n900", id="s1")
    chat.receives(chat.pushes("agent", "I say u1n900", author_id="mara"))


# I3


@breaks("I3")
def kept_in_another_order_than_acknowledged(story: Story) -> None:
    chat = story.chat()
    chat.sends("u1n1")
    chat.is_answered("u1n1")
    chat.sends("u1n2")
    chat.is_answered("u1n2")
    chat.keeps("u1n2")
    chat.keeps("u1n1")
    chat.answers("u1n2 u1n1")


@breaks("I3")
def read_in_another_order_than_said(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", "and one more thing")
    first, second = story.records[-2:]
    story.records[-2:] = [
        msgspec.structs.replace(first, at=second.at),
        msgspec.structs.replace(second, at=first.at),
    ]


@breaks("I3")
def pieces_in_another_order(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    last = story.records.pop()
    chat.receives(chat.seq, piece=1, text="the second half")
    story.records.append(msgspec.structs.replace(last, at=story.tick()))
    chat.sent(chat.seq, done=2)


@breaks("I3")
def answered_in_another_order_than_asked(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    chat.answers("u1n2", heard=1)
    chat.answers("u1n1", heard=2)


@breaks("I3")
def a_turn_speaks_after_its_successor(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.says("u1n2")
    chat.answers("u1n2")
    chat.receives(chat.pushes("bot", "one more thing", turn=0, fence=2))
    chat.bend(2, fence=2)
    chat.bend(3, fence=2)


# I4


@breaks("I4")
def the_bot_is_heard_after_a_takeover(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    late = story.records.pop()
    chat.takes_over()
    story.records.append(msgspec.structs.replace(late, at=story.tick()))
    _mark_unknown(chat, 3)


@breaks("I4")
def another_delivery_than_the_one_in_flight_is_heard(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", "u1n1 again")
    late = story.records[-2:]
    del story.records[-2:]
    chat.takes_over(in_flight=f"{chat.id}-3")
    story.records += (msgspec.structs.replace(each, at=story.tick()) for each in late)
    _mark_unknown(chat, 3, 4)


@breaks("I4")
def the_bot_speaks_while_a_human_has_the_floor(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.answers("u1n1")


@breaks("I4")
def the_bot_speaks_on_a_view_from_before_the_human(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.hands_back()
    chat.answers("u1n1")
    chat.bend(chat.seq, epoch=0)
    chat.sent(chat.seq, epoch=1)


@breaks("I4")
def an_agent_speaks_without_the_floor(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.writes("u1n900")


@breaks("I4")
def an_agent_speaks_while_a_colleague_has_the_floor(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.ends()
    chat.writes("u1n900", agent="jo")


@breaks("I4")
def two_agents_win_one_claim(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.commands("claim", agent="jo", id="c2")
    chat.takes_over(command="claim")
    chat.decides("c2")
    chat.ends()


@breaks("I4")
def a_takeover_was_answered_and_never_happened(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.commands("take_over")
    chat.decides(epoch=1)


def _mark_unknown(chat: Chat, *seqs: int) -> None:
    """On the wire when control moved: order and state are as they may be."""
    for seq in seqs:
        chat.sent(seq, state="unknown", done=0)


# I5


@breaks("I5")
def received_twice_unmarked(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.receives(chat.answers("u1n1"))


@breaks("I5")
def sent_and_never_received(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    story.records.pop()


@breaks("I5")
def half_of_it_was_received(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sent(chat.answers("u1n1"), done=2)


@breaks("I5")
def what_was_refused_is_called_sent(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    story.records.pop()
    chat.receives(chat.seq, answer="refused")


@breaks("I5")
def received_out_of_nowhere(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.receives(1, key=f"{chat.id}-99.0", text="boo")


@breaks("I5")
def received_by_somebody_else(story: Story) -> None:
    ana, ben = story.chat("ana"), story.chat("ben")
    ben.says("u2n1")
    ben.answers("u2n1")
    ana.says("u1n1")
    ana.answers("u1n1")
    story.records.append(msgspec.structs.replace(story.records.pop(), chat="ben"))


@breaks("I5")
def received_with_other_words(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    chat.answers("u1n2")
    story.records.append(msgspec.structs.replace(story.records.pop(), text="u1n1"))


@breaks("I5")
def cancelled_and_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.sent(chat.seq, state="cancelled", done=0)
    chat.takes_over()


@breaks("I5")
def cancelled_for_no_reason(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    story.records.pop()
    chat.sent(chat.seq, state="cancelled", done=0, attempt=0)


@breaks("I5")
def dead_and_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sent(chat.answers("u1n1"), state="dead", done=0)


@breaks("I5")
def read_before_anybody_tried(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sent(chat.answers("u1n1"), state="waiting", done=0, attempt=0)


@breaks("I5")
def said_and_never_put_into_the_outbox(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", "and one more thing")
    story.records.pop()
    del chat.deliveries[chat.seq]


# I7


@breaks("I7")
def unheard_in_the_end(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.says("u1n2")
    story.finish()


@breaks("I7")
def waiting_in_the_end(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    story.records.pop()
    chat.sent(chat.seq, state="waiting", done=0)
    story.finish()


@breaks("I7")
def on_the_wire_for_ever(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sent(chat.answers("u1n1"), state="sending", done=0)
    story.finish()


@breaks("I7")
def answered_long_after_all_had_healed(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    story.tick(60)
    chat.answers("u1n1")
    at = story.tick()
    story.records.append(journal.Finished(at=at, healed=20 * SECOND, patience=25 * SECOND))


# I8


@breaks("I8")
def rang_without_a_timer(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.rings()
    chat.fires(does=False)


@breaks("I8")
def rang_twice(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.fires()
    chat.rings()
    chat.fires(does=False)


@breaks("I8")
def rang_again_before_it_was_heard(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.rings()
    chat.fires()


@breaks("I8")
def rang_for_another_instant(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings("2026-03-02T10:11:00Z")
    chat.fires()


@breaks("I8")
def rang_while_a_human_had_the_floor(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.takes_over()
    chat.rings()


@breaks("I8")
def rang_and_nothing_was_done(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.fires(does=False)


@breaks("I8")
def due_and_never_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.is_due("It is time.")
    story.finish()


@breaks("I8")
def due_and_said_twice(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.is_due("It is time.")
    chat.rings()
    chat.fires()
    chat.says("u1n2")
    chat.answers("u1n2. It is time.")


@breaks("I8")
def due_and_late_without_any_fault(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.is_due("It is time.")
    story.tick(16)
    chat.rings()
    chat.fires()


@breaks("I8")
def read_before_it_was_due(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.fires()
    chat.is_due("It is time.")


# I9


@breaks("I9")
def written_under_an_older_fence(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", fence=2)
    chat.says("u1n2")
    chat.answers("u1n2", fence=1)


@breaks("I9")
def written_under_a_fence_that_nobody_was_given(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", fence=3)
    chat.bent.update(fence=2, committed=2)


@breaks("I9")
def the_row_forgets_who_committed(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", fence=3)
    chat.bent.update(committed=1)


@breaks("I9")
def control_moved_without_a_new_epoch(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.takes_over()
    chat.control["epoch"] = 0
    chat.moves({"state": "human", "holder": "jo"}, "agent", author_id="jo")


@breaks("I9")
def a_turn_is_kept_under_an_epoch_that_is_over(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.takes_over()
    chat.hands_back()
    chat.answers()
    chat.bend(chat.seq, epoch=0)


# I10


@breaks("I10")
def never_acknowledged(story: Story) -> None:
    chat = story.chat()
    chat.sends("u1n1")
    story.tick(60)
    chat.says("u1n2")
    chat.answers("u1n2")


@breaks("I10")
def acknowledged_when_the_model_has_answered(story: Story) -> None:
    chat = story.chat()
    story.records.append(journal.Fault(at=story.tick(), name="model_hangs", phase="start"))
    chat.sends("u1n1")
    chat.keeps("u1n1")
    story.tick(30)
    chat.is_answered("u1n1")
    chat.answers("u1n1")


# I11


@breaks("I11")
def a_gap_in_the_log(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    del chat.events[1]
    chat.bent.update(last_seq=3, public_seq=3)


@breaks("I11")
def a_public_event_that_names_another_before_it(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", "more")
    chat.bend(chat.seq, prev=1)


@pytest.mark.parametrize("column", ["last_seq", "public_seq", "input_seq"])
def test_a_column_that_does_not_agree_with_the_log_is_found(column: str) -> None:
    story = Story()
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bent[column] = 2
    assert [violation.invariant for violation in check(story.records, story.dump())] == ["I11"]


@breaks("I11")
def heard_up_to_something_nobody_said(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bent["heard"] = 2


@breaks("I11")
def a_payload_of_another_kind(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bend(2, kind="noted")


@breaks("I11")
def a_payload_that_cannot_be_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bend(2, payload=b"{")


@breaks("I11")
def a_slot_that_no_turn_filled(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bent["state"] = b'{"slots":{"order":"A-17"}}'


@breaks("I11")
def a_move_that_is_not_in_the_state(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    frame = {"id": 1, "flow": "book", "version": 1}
    chat.append("turned", "bot", turn=0, fence=1, responder="in_flow", moves=[{"move": "pushed", "frame": frame}])
    chat.answers("u1n1", fence=1)
    chat.bent["state"] = b"{}"


@breaks("I11")
def control_that_no_event_tells_of(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bent.update(control="human", holder="mara", epoch=1)


@breaks("I11")
def a_status_that_no_event_tells_of(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.bent["status"] = "resolved"


@breaks("I11")
def a_key_that_stands_for_nothing(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.keys[0] = msgspec.structs.replace(chat.keys[0], seq=2)


@breaks("I11")
def a_handoff_that_nobody_is_in(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.asks_for_a_human()
    chat.takes_over()
    chat.handoffs[0] = msgspec.structs.replace(chat.handoffs[0], ended_at=None)


@breaks("I11")
def an_event_of_no_conversation(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    stray = Chat(story, "ben")
    stray.keeps("u2n1")
    chat.events.append(stray.events[0])
    chat.bent.update(last_seq=3, public_seq=3, input_seq=1)


# I12


def widget(story: Story) -> Chat:
    """Two questions and answers, at a door that shows its log: seqs 1, 3, 4 and 6 are to be seen."""
    chat = story.chat()
    chat.channel = "web"
    for uid in ("u1n1", "u1n2"):
        chat.says(uid)
        chat.answers(uid)
    return chat


@breaks("I12")
def a_client_misses_an_event(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 4, 6)
    chat.catches_up()


@breaks("I12")
def a_client_misses_the_end(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3, 4)
    chat.catches_up()


@breaks("I12")
def a_client_is_not_told_that_there_is_more(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3)
    chat.catches_up(seq=3)
    story.finish()


@breaks("I12")
def a_client_sees_an_event_twice(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3)
    chat.opens(after=3)
    chat.shows(3, 4, 6)
    chat.catches_up()


@breaks("I12")
def a_client_sees_events_in_another_order(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 4, 3, 6)
    chat.catches_up()


@breaks("I12")
def a_gap_between_two_connections(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1)
    chat.opens(after=3)
    chat.shows(4, 6)
    chat.catches_up()


@breaks("I12")
def a_client_sees_other_words_than_the_log(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3, 4, 6)
    story.records.append(msgspec.structs.replace(story.records.pop(), text="u1n1"))
    chat.catches_up()


@breaks("I12")
def a_console_misses_what_only_it_may_see(story: Story) -> None:
    chat = widget(story)
    chat.opens("console")
    chat.shows(1, 2, 3, 4, 6, client="console", public_only=False)
    chat.catches_up("console")


@breaks("I12")
def a_draft_stays_beside_the_answer(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3, 4)
    chat.draws(1, "the answer to")
    chat.shows(6)
    chat.draws(1, "the answer to u1n2")
    chat.catches_up()


@breaks("I12")
def a_draft_is_never_taken_back(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3, 4, 6)
    chat.draws(4, "the answer to nothing")
    chat.catches_up()


@breaks("I12")
def two_attempts_are_seen_at_once(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1, 3, 4)
    chat.draws(1, "the first")
    chat.draws(1, "the second", attempt=2)
    chat.shows(6)
    chat.catches_up()


# I13


@breaks("I13")
def a_secret_is_received(story: Story) -> None:
    chat = story.chat()
    story.records.append(journal.Canary(at=story.tick(), text="canary-7"))
    chat.says("u1n1")
    chat.answers("u1n1 canary-7")


@breaks("I13")
def a_secret_is_asked_of_the_model(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    story.records.append(journal.Asked(at=story.tick(), text="system: canary-7 is a secret. user: u1n1"))
    chat.answers("u1n1")
    story.records.append(journal.Canary(at=story.tick(), text="canary-7"))


@breaks("I13")
def a_secret_is_drawn(story: Story) -> None:
    chat = widget(story)
    story.records.append(journal.Canary(at=story.tick(), text="canary-7"))
    chat.opens()
    chat.draws(4, "canary-7")
    chat.draws(4, reset="cancel")


@breaks("I13")
def a_note_is_asked_of_the_model(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.commands("note", uid="u1n900")
    chat.append("noted", "agent", author_id="mara", text="careful u1n900")
    chat.decides()
    story.records.append(journal.Asked(at=story.tick(), text="note: careful u1n900"))


@breaks("I13")
def a_note_is_shown_to_a_customer(story: Story) -> None:
    chat = widget(story)
    chat.append("noted", "agent", author_id="mara", text="careful")
    chat.opens()
    chat.shows(1, 3, 4, 6, 7)
    chat.catches_up()


@breaks("I13")
def a_note_is_public(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.append("noted", "agent", author_id="mara", text="careful", public=True)


@breaks("I13")
def a_note_is_in_the_outbox(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.append("noted", "agent", author_id="mara", text="careful")
    chat.deliveries[4] = msgspec.structs.replace(chat.deliveries[3], seq=4, state="waiting", attempt=0, done=0)


# I14


@breaks("I14")
def erased_and_still_in_a_table(story: Story) -> None:
    story.whole = {"contact": b"name canary-8", "event": b""}
    story.records.append(journal.Erased(at=story.tick(), canaries=("canary-8", "canary-9")))


@breaks("I14")
def erased_and_still_in_the_journal_of_the_store(story: Story) -> None:
    story.whole = {"contact": b"", "frontdesk.db-wal": b"\0\1canary-9\0"}
    story.records.append(journal.Erased(at=story.tick(), canaries=("canary-8", "canary-9")))


@breaks("I14")
def erased_and_logged_afterwards(story: Story) -> None:
    story.whole = {}
    story.records.append(journal.Log(at=story.tick(), text="canary-8 is known"))
    story.records.append(journal.Erased(at=story.tick(), canaries=("canary-8",)))
    story.records.append(journal.Log(at=story.tick(), text="canary-8 is gone"))


@pytest.mark.parametrize(("tell", "invariant"), _bad)
def test_what_is_broken_is_found_by_its_number(tell: Telling, invariant: str) -> None:
    found = _found(tell)
    assert {violation.invariant for violation in found} == {invariant}, found


# What is legal


@is_legal
def nothing_at_all(story: Story) -> None:
    story.finish()


@is_legal
def questions_and_answers(story: Story) -> None:
    for number, name in enumerate(("ana", "ben"), 1):
        chat = story.chat(name)
        for n in range(5):
            chat.says(f"u{number}n{n}")
            chat.answers(f"the answer to u{number}n{n}")
    story.finish()


@is_legal
def refused_and_never_answered_updates(story: Story) -> None:
    chat = story.chat()
    chat.sends("u1n1")
    chat.is_answered("u1n1", 503)
    chat.sends("u1n1", attempt=2)
    chat.is_answered("u1n1", 0)
    chat.keeps("u1n2")
    chat.sends("u1n2")
    chat.is_answered("u1n2", 0)
    chat.sends("u1n3")
    chat.is_answered("u1n3", 429)
    chat.answers("u1n2")


@is_legal
def an_unanswered_update_in_the_middle_of_a_fault(story: Story) -> None:
    chat = story.chat()
    chat.sends("u1n1")
    story.fault("kill", target="worker1")
    story.tick(60)
    chat.says("u1n2")
    chat.answers("u1n2")


@is_legal
def repeats_of_one_update(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sends("u1n1", attempt=2)
    chat.sends("u1n1", attempt=3)
    chat.is_answered("u1n1")
    chat.is_answered("u1n1")
    chat.answers("u1n1")


@is_legal
def another_body_under_a_known_id_is_a_dead_letter(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1", key="k")
    chat.sends("u1n2", key="k", same=False)
    chat.is_answered("u1n2", key="k")
    story.dead_letters.append(DeadLetter(key="k"))
    chat.answers("u1n1")


@is_legal
def a_doubled_message_whose_outcome_was_unknown(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    story.records.append(msgspec.structs.replace(story.records.pop(), answer="lost"))
    chat.receives(chat.seq, again=True)
    chat.sent(chat.seq, attempt=2, again=True)


@is_legal
def a_late_first_attempt_of_a_stopped_process(story: Story) -> None:
    """Its lease had ended, another sent it as a possible repeat, and went on with the next."""
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    first = story.records.pop()
    chat.receives(chat.seq, again=True)
    chat.sent(chat.seq, attempt=2, again=True)
    chat.says("u1n2")
    chat.answers("u1n2")
    story.records.append(msgspec.structs.replace(first, at=story.tick()))


@is_legal
def refused_attempts_before_one_that_is_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    last = story.records.pop()
    chat.receives(chat.seq, answer="refused")
    chat.receives(chat.seq, answer="refused")
    story.records.append(msgspec.structs.replace(last, at=story.tick()))
    chat.sent(chat.seq, attempt=3)


@is_legal
def a_dead_letter_that_may_have_arrived(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.sent(chat.answers("u1n1"), state="dead", done=0, attempt=20, again=True)
    chat.says("u1n2")
    chat.answers("u1n2")
    story.finish()


@is_legal
def a_burst_answered_as_one(story: Story) -> None:
    chat = story.chat()
    for uid in ("u1n1", "u1n2", "u1n3"):
        chat.says(uid)
    chat.answers("u1n1 u1n2 u1n3")
    for uid in ("u1n4", "u1n5"):
        chat.says(uid)
    chat.answers("only the last: u1n5")


@is_legal
def a_burst_that_two_turns_answer(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    chat.answers("u1n1", heard=1)
    chat.answers("u1n2", heard=2)


@is_legal
def fixed_words_without_a_uid(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("I did not get that.")


@is_legal
def several_messages_of_one_turn_repeat_it(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1 is on its way", "u1n1 comes tomorrow")


@is_legal
def a_press_that_moves_a_flow_and_says_nothing(story: Story) -> None:
    chat = story.chat()
    chat.append("pressed", "customer", token="t", label="Yes")
    chat.answers()


@is_legal
def a_human_takes_over_in_the_middle_of_a_turn(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.append("discarded", "bot", messages=[])
    chat.ends()
    chat.says("u1n2")
    chat.ends()
    chat.writes("u1n900")
    chat.hands_back()
    chat.answers()
    story.finish()


@is_legal
def the_one_delivery_in_flight_arrives_after_the_takeover(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1", "u1n1 as well")
    first, _ = story.records[-2:]
    del story.records[-2:]
    chat.takes_over(in_flight=f"{chat.id}-3")
    notice = story.records.pop(-2)
    story.records += (msgspec.structs.replace(each, at=story.tick()) for each in (first, notice))
    chat.sent(4, state="cancelled", attempt=0, done=0)
    story.finish()


@is_legal
def half_a_message_before_a_takeover(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.sent(chat.seq, state="cancelled", done=1)
    chat.takes_over()


@is_legal
def a_turn_set_aside_after_too_many_attempts(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.asks_for_a_human("error", fence=5)
    story.finish()


@is_legal
def an_action_of_unknown_outcome(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1", ends=False)
    chat.asks_for_a_human("action_failed")


@is_legal
def an_action_that_an_agent_cut_off_by_closing(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1", ends=False)
    chat.moves({"state": "bot"}, "agent", author_id="mara")
    chat.append("settled", "agent", author_id="mara", status="resolved")
    chat.status = "resolved"
    chat.ends()
    story.finish()


@is_legal
def a_command_of_a_burst_that_leads_nowhere(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.says("u1n2")
    turn, fence = chat.begins()
    commands = [
        {"move": "applied", "by": {"command": "set", "slot": "order", "value": "u1n1"}, "source": "answer"},
        {"move": "applied", "by": {"command": "start", "flow": "book"}, "source": "example"},
    ]
    chat.append("turned", "bot", turn=turn, fence=fence, responder="in_flow", moves=commands)
    chat.receives(chat.pushes("bot", "booked u1n1", turn=turn, fence=fence))
    chat.ends()


@is_legal
def an_action_that_was_begun_twice_and_done_once(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1", ends=False)
    story.fault("kill", target="worker1")
    chat.append("acting", "bot", turn=0, fence=2, key="a1", action="book_it", args={})
    story.records.append(journal.Done(at=story.tick(), key="a1", uid="u1n1", repeat=True))
    chat.results("a1", turn=0, fence=2)
    chat.answers("u1n1", fence=2)


@is_legal
def a_result_that_a_process_without_the_lease_records(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.acts("a1", "u1n1", ends=False)
    chat.asks_for_a_human("action_failed", fence=3)
    chat.results("a1", turn=0, fence=1, epoch=0)


@is_legal
def an_answer_that_the_customer_stopped(story: Story) -> None:
    chat = widget(story)
    chat.says("u1n3")
    chat.opens()
    chat.shows(1, 3, 4, 6, 7)
    chat.draws(4, "well, it")
    turn, fence = chat.begins()
    seq = chat.append("partial", "bot", turn=turn, fence=fence, text="well, it")
    chat.ends()
    chat.shows(seq)
    chat.catches_up()
    story.finish()


@is_legal
def a_conversation_that_was_closed_before_it_was_heard(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.moves({"state": "bot"}, "agent", author_id="mara")
    chat.append("settled", "agent", author_id="mara", status="resolved")
    chat.status = "resolved"
    chat.ends()
    story.finish()


@is_legal
def nobody_answers_while_everybody_is_paused(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.answers("u1n1")
    chat.moves({"state": "paused"}, "system")
    chat.says("u1n2")
    story.finish()


@is_legal
def the_loser_of_a_claim(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.asks_for_a_human()
    chat.commands("claim", agent="jo", id="c2")
    chat.takes_over(command="claim")
    chat.decides("c2", 409)
    story.finish()


@is_legal
def a_repeated_takeover_is_told_what_holds_now(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.takes_over()
    chat.takes_over("jo", id="c2")
    chat.commands("take_over", id="c1")
    chat.decides("c1")
    chat.ends()
    story.finish()


@is_legal
def clients_that_come_and_go(story: Story) -> None:
    chat = widget(story)
    chat.opens()
    chat.shows(1)
    chat.draws(0, "the ans")
    chat.opens(after=1)
    chat.draws(0, "the answer to")
    chat.draws(0, reset="attempt")
    chat.draws(0, "the answer", attempt=2)
    chat.shows(3, 4)
    chat.opens(after=4)
    chat.shows(6)
    chat.catches_up()
    chat.opens("console")
    chat.shows(*range(1, 7), client="console", public_only=False)
    chat.catches_up("console", seq=6)
    chat.opens("second tab", after=4)
    chat.shows(6, client="second tab")
    chat.catches_up("second tab")
    story.finish()


@is_legal
def a_newcomer_gets_the_latest_page(story: Story) -> None:
    chat = story.chat()
    chat.channel = "web"
    for n in range(60):
        chat.says(f"u1n{n}")
        chat.answers(f"u1n{n}")
    public = [event.seq for event in chat.events if event.public]
    chat.opens()
    chat.shows(*public[-100:])
    chat.catches_up()


@is_legal
def secrets_that_stay_where_they_belong(story: Story) -> None:
    chat = widget(story)
    story.records.append(journal.Canary(at=story.tick(), text="canary-7"))
    chat.commands("note", uid="u1n900")
    seq = chat.append("noted", "agent", author_id="mara", text="canary-7 u1n900")
    chat.decides()
    chat.opens("console", after=6)
    chat.shows(seq, client="console", public_only=False)
    story.records.append(journal.Asked(at=story.tick(), text="u1n1 u1n2 u900n11"))


@is_legal
def erased_and_gone(story: Story) -> None:
    story.whole = {"contact": b"somebody else"}
    story.records.append(journal.Log(at=story.tick(), text="canary-8 is known"))
    story.records.append(journal.Erased(at=story.tick(), canaries=("canary-8",)))
    story.records.append(journal.Log(at=story.tick(), text="somebody is gone"))


@is_legal
def a_timer_that_rings_and_is_read(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.is_due("It is time.")
    story.tick(10)
    chat.rings()
    chat.fires()
    story.finish()


@is_legal
def a_timer_that_is_late_because_everything_was_down(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.is_due("It is time.")
    story.tick(60)
    story.fault("kill")
    chat.rings()
    chat.fires()


@is_legal
def a_timer_that_rang_just_before_a_human_came(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.takes_over()
    chat.ends()
    chat.hands_back()
    chat.fires()


@is_legal
def a_timer_that_is_set_again_for_the_same_instant(story: Story) -> None:
    chat = story.chat()
    chat.says("u1n1")
    chat.arms()
    chat.rings()
    chat.fires()
    chat.says("u1n2")
    chat.arms(text="I will, u1n2.")
    chat.rings()
    chat.fires()


@pytest.mark.parametrize("tell", _good)
def test_what_only_looks_odd_is_left_alone(tell: Telling) -> None:
    assert _found(tell) == []


# What is told


def test_each_why_names_what_it_is_about() -> None:
    (lost,), (doubled,) = map(_found, (heard_past_the_turn, received_twice_unmarked))
    assert re.search(r"u1n2 at seq 2 .*'ana' .*conversationana", lost.why)
    assert re.search(r"'ana' .*piece 0 of seq 3", doubled.why)


def test_erasure_is_not_judged_on_half_a_dump() -> None:
    story = Story()
    story.records.append(journal.Erased(at=story.tick(), canaries=("canary-8",)))
    with pytest.raises(ValueError, match="whole=True"):
        check(story.records, story.dump())


def test_what_may_happen_is_counted() -> None:
    story = Story()
    a_doubled_message_whose_outcome_was_unknown(story)
    story.fault("kill", target="worker1")
    story.fault("store_down")
    (chat,) = story.chats
    chat.sends("u1n2")
    chat.is_answered("u1n2", 503)
    chat.says("u1n3")
    chat.asks_for_a_human("error")
    assert summary(story.records, story.dump()) == Summary(
        messages=3, accepted=2, kills=1, deliveries=2, unknown=1, doubled=1, dead=0, discarded=0, set_aside=1
    )


def test_the_order_in_which_journals_were_read_does_not_matter() -> None:
    story = Story()
    questions_and_answers(story)
    assert check(story.records[::-1], story.dump()) == []


def _found(tell: Telling) -> list[Violation]:
    story = Story()
    tell(story)
    return check(story.records, story.dump())
