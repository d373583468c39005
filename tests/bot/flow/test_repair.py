"""What a conversation does that does not follow its script, rule by rule, by slash commands alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bot.flow.interpreter.given import Back
from bot.model import Did, HandoffRequest, Json, Popped, Queued, Refused, Spoke
from tests.bot.flow.books import opened
from tests.bot.flow.script import HEADER, Talk, book, talk

CHANGED = "All right, I have changed that."
STOPPED = "All right, I have stopped."
ROOM = "/start book_room city=lisbon nights=2 guests=2"
KINDS = "[Single|Double|Suite]"
CONFIRM = "[Yes|No]"


@pytest.fixture
def hotel(tmp_path: Path) -> Talk:
    return opened(tmp_path, "hotel")


@pytest.fixture
def bank(tmp_path: Path) -> Talk:
    return opened(tmp_path, "bank")


@pytest.fixture
def router(tmp_path: Path) -> Talk:
    return opened(tmp_path, "router")


def whys(talk: Talk) -> list[str]:
    return [move.why for move in talk.of(Refused) if isinstance(move, Refused)]


def outcomes(talk: Talk) -> list[str]:
    return [move.outcome for move in talk.of(Popped) if isinstance(move, Popped)]


def handoff(talk: Talk) -> HandoffRequest | None:
    """What the last turn asked for."""
    return talk.last.handoff if talk.last else None


def done(talk: Talk) -> list[str]:
    return [act.action for act in talk.acts]


# Fill-ahead


def test_what_is_said_ahead_is_not_asked_for(hotel: Talk) -> None:
    hotel.do(ROOM)
    hotel.do("/set mail=a@b.de", "/set wishes=quiet", "/set breakfast=yes")
    assert hotel.do("/set room=double") == ["Double in Lisbon, 2 nights, 240 euros. Shall I book it?", CONFIRM]
    assert hotel.do("/set agreed=yes") == ["Company on invoice B-1?", "[Skip]"]


def test_a_flow_below_takes_its_values_as_well(hotel: Talk) -> None:
    hotel.do(ROOM)
    hotel.do("/start parking")
    assert hotel.do("/set room=suite") == ["Number plate?"]
    hotel.do("/set plate=X", "/set stay=1")
    assert hotel.at == [("book_room", "breakfast")]


def test_a_value_said_ahead_that_a_check_refuses_is_asked_for(hotel: Talk) -> None:
    assert hotel.do("/start book_room city=porto nights=40") == ["At most 28 nights.", "How many nights?"]


def test_consent_is_never_given_ahead(hotel: Talk) -> None:
    hotel.do(ROOM, "/set agreed=yes", "/set room=single", "/set breakfast=no", "/set wishes=x")
    assert (hotel.at, whys(hotel)) == (
        [("book_room", "agreed")],
        ["slot 'agreed' is only set while it is asked for"],
    )


def test_an_answer_goes_to_the_question_and_a_request_beside_it_comes_next(hotel: Talk) -> None:
    hotel.do("/start parking")
    assert hotel.do("/set plate=X", "/start weather") == ["Weather where?", "[Lisbon|Porto|Faro]"]
    assert hotel.slots("parking") == {"plate": "X"}


# Interruption


def test_who_was_asked_nothing_hears_the_question_again(bank: Talk) -> None:
    bank.do("/start transfer")
    assert bank.do("/start rates") == ["One to one.", "From which account?"]


def test_who_was_asked_something_hears_what_it_goes_back_to(bank: Talk) -> None:
    bank.do("/start transfer")
    bank.do("/start block_card")
    bank.do("/set card=debit")
    assert bank.do("/set at_once=no") == ["Debit blocked.", "Back to: Transfer.", "From which account?"]


def test_two_flows_interrupt_each_other_twice_and_lose_nothing(hotel: Talk) -> None:
    for line in ("/start book_room city=porto", "/start parking", "/set plate=X", "/start book_room", "/set nights=2"):
        hotel.do(line)
    assert hotel.at == [("parking", "stay"), ("book_room", "guests")]
    assert hotel.do("/start parking") == ["For how many hours?"]
    assert hotel.do("/start book_room") == ["How many guests?"]
    assert hotel.do("/start parking", "/set stay=3")[:2] == ["Parked X for 3 hours.", "Back to: Book a room."]
    assert hotel.slots("book_room") == {"nights": 2}


THREE = ("/start no_internet", "/start bill", "/start cancel_visit")


def test_where_several_wait_the_customer_chooses(router: Talk) -> None:
    for line in THREE:
        router.do(line)
    assert router.do("/set reason=x") == [
        "Called off.",
        "What shall we go on with?",
        "[Your bill|No internet|None of these]",
    ]
    assert router.press("No internet") == ["Your customer number?"]
    assert router.do("/set customer_no=A-1") == ["Your year of birth?"]


def test_what_is_typed_instead_of_pressed_chooses_too(router: Talk) -> None:
    for line in (*THREE, "/set reason=x"):
        router.do(line)
    assert router.hear("your bill!") == ["Which month?", "[May|June]"]
    assert router.do("/set month=may") == ["Here is May.", "Back to: No internet.", "Your customer number?"]


def test_while_the_customer_chooses_no_question_waits(router: Talk) -> None:
    for line in (*THREE, "/set reason=x"):
        router.do(line)
    assert router.book.pending(router.state) is None


def test_none_of_these_ends_them_all(router: Talk) -> None:
    for line in (*THREE, "/set reason=x"):
        router.do(line)
    assert (router.press("None of these"), router.at) == ([STOPPED], [])


def test_who_does_not_choose_goes_on_with_the_last(router: Talk) -> None:
    for line in (*THREE, "/set reason=x"):
        router.do(line)
    assert router.miss()[-2:] == ["Which month?", "[May|June]"]


def test_a_sixth_flow_has_to_wait(tmp_path: Path) -> None:
    flows = "\n---\n".join(
        f"flow: f{n}\nabout: x\nslots: {{s{n}: {{type: text}}}}\nsteps: [{{ask: s{n}, say: s{n}?}}]" for n in range(6)
    )
    deep = talk(tmp_path, flows)
    for n in range(5):
        deep.do(f"/start f{n}")
    assert deep.do("/start f5") == ["Let us finish what we have begun first.", "s4?"]
    assert whys(deep) == ["5 flows are in progress already"]


def test_what_the_engine_asks_by_itself_does_not_count_as_a_flow(tmp_path: Path) -> None:
    asking = "pattern: correct\nslots: {fine: {type: yes_no}}\nsteps: [{ask: fine, say: Is that fine?}]"
    flows = "\n---\n".join(
        f"flow: f{n}\nabout: x\nslots: {{s{n}: {{type: text}}, t{n}: {{type: text}}}}\n"
        f"steps: [{{ask: s{n}, say: s{n}?}}, {{ask: t{n}, say: t{n}?}}]"
        for n in range(5)
    )
    deep = talk(tmp_path, f"{flows}\n---\n{asking}")
    for n in range(4):
        deep.do(f"/start f{n}")
    deep.do("/set s3=a")
    assert deep.do("/set s3=b") == ["Is that fine?", "[Yes|No]"]
    assert deep.do("/start f4") == ["s4?"]


# Digression


@pytest.mark.parametrize("digression", ["/lookup how long?", "/chat"])
def test_a_digression_ends_in_the_question_s_last_paragraph(hotel: Talk, digression: str) -> None:
    hotel.do(ROOM)
    assert (hotel.do(digression, source="model"), len(hotel.state.stack)) == (["Which kind?", KINDS], 1)


def test_what_nobody_could_answer_is_said_so_and_costs_no_try(hotel: Talk) -> None:
    hotel.do(ROOM)
    unanswered = "I do not know that. A person can help you further."
    assert hotel.do("/lookup why?") == [unanswered, "[Talk to a person]", "Which kind?", KINDS]
    assert hotel.state.stack[-1].tries == 0


def test_a_typed_lookup_is_left_to_the_knowledge(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert hotel.hear("/lookup how long is breakfast served?") is None


def test_repeat_says_the_whole_question(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert hotel.do("/repeat") == ["3 rooms in Lisbon.\n\nWhich kind?", KINDS]


def test_repeat_without_a_question_says_what_can_be_asked(bank: Talk) -> None:
    assert bank.do("/repeat") == [
        "This is what I can help with:",
        "[Transfer|Block a card|Rates|Talk to a person]",
    ]


# Correction


def test_what_nothing_has_read_is_changed_and_confirmed(hotel: Talk) -> None:
    hotel.do(ROOM, "/set mail=a@b.de")
    assert hotel.do("/set mail=c@d.de") == [CHANGED, "Which kind?", KINDS]
    assert done(hotel) == ["find_rooms"]


def test_what_was_read_is_decided_again_from_its_first_reader(hotel: Talk) -> None:
    hotel.do(ROOM, "/set room=suite", "/set breakfast=no", "/set wishes=sea")
    assert hotel.do("/set room=single") == [
        CHANGED,
        "Single in Lisbon, 2 nights, 240 euros. Shall I book it?",
        CONFIRM,
    ]
    assert done(hotel) == ["find_rooms", "price_of", "price_of"]
    assert (hotel.slots("book_room")["wishes"], hotel.slots("book_room")["breakfast"]) == ("sea", False)


def test_the_same_value_again_changes_nothing(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert (hotel.do("/set nights=2"), len(hotel.acts)) == (["Which kind?", KINDS], 1)


def test_a_correction_that_a_check_refuses_leaves_everything_as_it_was(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert hotel.do("/set nights=29") == ["At most 28 nights.", "Which kind?", KINDS]
    assert hotel.slots("book_room")["nights"] == 2


def test_a_correction_during_the_confirmation_asks_for_it_again(bank: Talk) -> None:
    bank.do("/start transfer from_account=K-1 to_account=K-2 amount=50 purpose=rent")
    assert bank.do("/set amount=60") == [CHANGED, "60 from K-1 to K-2?", CONFIRM]


def test_a_correction_after_the_confirmation_takes_the_consent_back(bank: Talk) -> None:
    bank.do("/start transfer from_account=K-1 to_account=K-2 amount=50 purpose=rent")
    bank.do("/set sure=yes")
    assert bank.do("/set to_account=K-3") == [CHANGED, "50 from K-1 to K-3?", CONFIRM]
    assert "sure" not in bank.slots("transfer")
    assert done(bank) == ["balance_of"]


def test_a_correction_of_the_caller_from_a_called_flow_calls_it_again(tmp_path: Path) -> None:
    flows = """
    flow: outer
    about: x
    slots: {name: {type: text}, more: {type: text}}
    steps:
      - {ask: name, say: Name?}
      - {call: inner, with: {who: name}}
      - {ask: more, say: More?}
    ---
    flow: inner
    slots: {who: {type: text}, code: {type: integer}}
    steps: [{ask: code, say: "Code, {{ who }}?"}]
    """
    calling = talk(tmp_path, flows)
    calling.do("/start outer name=Ann")
    assert calling.do("/set name=Bea") == [CHANGED, "Code, Bea?"]


def test_a_slot_of_the_conversation_is_corrected_in_every_flow_that_used_it(tmp_path: Path) -> None:
    flows = """
    flow: first
    about: x
    slots: {city: {type: text, scope: conversation}, a: {type: text}}
    steps:
      - {ask: city, say: City?}
      - {say: "First in {{ city }}."}
      - {ask: a, say: A?}
    ---
    flow: second
    about: y
    slots: {city: {type: text, scope: conversation}, b: {type: text}}
    steps:
      - {say: "Second in {{ city }}."}
      - {ask: b, say: B?}
    """
    both = talk(tmp_path, flows)
    both.do("/start first city=Rome")
    both.do("/start second")
    assert both.do("/set city=Oslo") == [CHANGED, "Second in Oslo.", "B?"]
    assert both.do("/set b=x") == ["First in Oslo.", "A?"]
    assert both.state.slots == {"city": "Oslo"}


# Too late


LATE = "/start transfer from_account=K-1 to_account=K-2 amount=50 purpose=rent"
UNDO = (
    "This has already been done: 50 sent to K-2. Shall I undo it and then change that? A person can look into it too."
)


def sent(bank: Talk) -> Talk:
    for line in (LATE, "/set sure=yes", "/set code=12"):
        bank.do(line)
    return bank


def test_what_was_done_is_undone_once_and_then_the_correction_goes_through(bank: Talk) -> None:
    sent(bank)
    assert bank.do("/set amount=60") == [UNDO, CONFIRM]
    assert bank.do("/set undo_it=yes") == [CHANGED, "60 from K-1 to K-2?", CONFIRM]
    assert [(act.action, act.args) for act in bank.acts[1:]] == [
        ("send_money", {"source": "K-1", "target": "K-2", "amount": 50}),
        ("recall", {"sent": "T-1", "amount": 50}),
    ]
    assert (bank.state.stack[-1].effects, len({act.key for act in bank.acts})) == ((), 3)
    assert [bank.do(f"/set {line}") for line in ("sure=yes", "code=13")][-1] == ["Where do we send the receipt?"]
    assert bank.acts[-1].args == {"source": "K-1", "target": "K-2", "amount": 60}


@pytest.mark.parametrize("line", ["/set undo_it=no", "/cancel"])
def test_who_does_not_want_it_undone_keeps_what_was_done(bank: Talk, line: str) -> None:
    sent(bank)
    bank.do("/set amount=60")
    assert bank.do(line)[-1:] == ["Where do we send the receipt?"]
    assert (done(bank), bank.slots("transfer")["amount"]) == (["balance_of", "send_money"], 50)


def test_an_undo_that_fails_goes_to_a_human_and_nothing_else_is_changed(tmp_path: Path) -> None:
    bank = sent(opened(tmp_path, "bank", {"recall": "!gone"}))
    bank.do("/set amount=60")
    assert bank.do("/set undo_it=yes") == ["Something went wrong on our side. I am sorry."]
    assert handoff(bank) == HandoffRequest(reason="action_failed", queue="service", note="recall: !gone")
    assert bank.slots("transfer")["amount"] == 50
    assert bank.of(Did)[-1] == Did(2, "do_send_money", "recall", "money", ok=False)


def test_an_undo_whose_outcome_nobody_knows_goes_to_a_human(tmp_path: Path) -> None:
    bank = sent(opened(tmp_path, "bank", {"recall": "?interrupted"}))
    bank.do("/set amount=60")
    bank.do("/set undo_it=yes")
    assert bank.last is not None
    assert bank.last.handoff is not None
    assert bank.slots("transfer")["amount"] == 50


def test_the_value_is_taken_back_after_the_undo(bank: Talk) -> None:
    sent(bank)
    assert bank.do("/unset to_account") == [UNDO, CONFIRM]
    assert bank.do("/set undo_it=yes") == ["To which account?"]


def test_what_cannot_be_undone_is_offered_to_a_person(router: Talk) -> None:
    for line in ("/start no_internet", "/set customer_no=A-1", "/set birth_year=1980", "/set lights=green"):
        router.do(line)
    router.do("/set restarted=yes")
    router.do("/set works_now=no")
    router.do("/set visit=monday")
    late = "That can no longer be changed here: something has already been done with it. A person can look into it."
    assert router.do("/set visit=tuesday")[:2] == [late, "[Talk to a person]"]
    assert whys(router) == ["an action with an effect has used the old value"]


CALLS = """
flow: outer
about: x
title: Outer
slots: {n: {type: integer}, more: {type: text}}
steps:
  - {ask: n, say: N?}
  - {call: inner, with: {n: n}}
  - {ask: more, say: More?}
---
flow: inner
title: Inner
slots: {n: {type: integer}, code: {type: integer}, last: {type: text}}
steps:
  - {ask: code, say: Code?}
  - {do: book_it, with: {order: '"A"'}}
  - {ask: last, say: Last?}
"""


@pytest.mark.parametrize("last", [[], ["/set last=x"]], ids=["while it is called", "after it has ended"])
def test_what_a_called_flow_has_done_is_never_done_twice_by_a_correction_above_it(
    tmp_path: Path, last: list[str]
) -> None:
    calling = talk(tmp_path, CALLS)
    calling.do("/start outer n=1")
    for line in ("/set code=1", *last):
        calling.do(line)
    calling.do("/set n=2")
    assert (whys(calling), done(calling)) == (["an action with an effect has used the old value"], ["book_it"])
    assert calling.slots("outer")["n"] == 1


def test_what_a_flow_was_called_with_is_corrected_where_it_was_said(tmp_path: Path) -> None:
    calling = talk(tmp_path, CALLS)
    calling.do("/start outer n=1")
    assert calling.do("/set n=2") == [CHANGED, "Code?"]
    assert [frame.slots for frame in calling.state.stack] == [{"n": 2}, {"n": 2}]


@pytest.mark.parametrize("last", [[], ["/set last=x"]], ids=["while it is called", "after it has ended"])
def test_who_stops_hears_what_a_called_flow_has_done(tmp_path: Path, last: list[str]) -> None:
    calling = talk(tmp_path, CALLS)
    calling.do("/start outer n=1")
    for line in ("/set code=1", *last):
        calling.do(line)
    assert calling.do("/cancel")[0] == (
        f"{STOPPED} This has been done already and stays so: Inner. A person can look into it."
    )


# Negation


def test_a_value_that_was_used_is_asked_for_again(hotel: Talk) -> None:
    hotel.do(ROOM, "/set room=suite", "/set breakfast=no", "/set wishes=sea")
    assert hotel.do("/unset room") == ["3 rooms in Lisbon.\n\nWhich kind?", KINDS]
    assert hotel.slots("book_room")["wishes"] == "sea"


def test_a_value_that_was_not_used_is_forgotten(hotel: Talk) -> None:
    hotel.do(ROOM, "/set mail=a@b.de")
    assert hotel.do("/unset mail") == [CHANGED, "Which kind?", KINDS]
    assert "mail" not in hotel.slots("book_room")


def test_taking_back_what_is_asked_for_asks_again(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert hotel.do("/unset room") == ["Which kind?", KINDS]


# Cancelling


def test_stopping_a_called_flow_stops_its_caller(router: Talk) -> None:
    router.do("/start no_internet")
    assert (router.do("/cancel"), router.at, outcomes(router)) == ([STOPPED], [], ["cancelled", "cancelled"])


def test_stopping_one_leaves_the_others_and_drops_its_slots(hotel: Talk) -> None:
    hotel.do(ROOM)
    hotel.do("/start parking", "/set plate=X")
    assert hotel.do("/cancel") == [STOPPED, "Back to: Book a room.", "Which kind?", KINDS]
    assert hotel.do("/start parking") == ["Number plate?"]


def test_stopping_everything_forgets_what_was_to_come(bank: Talk) -> None:
    bank.do("/start transfer", "/start block_card", "/start rates")
    assert (bank.do("/cancel all"), bank.at, bank.state.queue) == ([STOPPED], [], ())


def test_no_longer_waiting_for_a_human_leaves_the_flow(bank: Talk) -> None:
    bank.do("/start transfer")
    bank.do("/cancel handoff")
    assert bank.last is not None
    assert (bank.last.gives_up_waiting, bank.at) == (True, [("transfer", "from_account")])


def test_who_stops_after_an_effect_hears_what_stays(bank: Talk) -> None:
    sent(bank)
    stays = f"{STOPPED} This has been done already and stays so: 50 sent to K-2. A person can look into it."
    assert bank.do("/cancel") == [stays, "[Talk to a person]"]


def test_what_was_undone_is_not_said_to_stay(bank: Talk) -> None:
    sent(bank)
    bank.do("/set amount=60")
    bank.do("/set undo_it=yes")
    assert bank.do("/cancel") == [STOPPED]


def test_where_there_is_nothing_to_stop_it_is_fine(bank: Talk) -> None:
    assert (bank.do("/cancel"), bank.do("/cancel all")) == (["All right."], ["All right."])


# Skipping


def test_an_optional_question_is_left_out(hotel: Talk) -> None:
    hotel.do(ROOM, "/set room=single")
    hotel.do("/set breakfast=yes")
    assert hotel.do("/skip")[0].startswith("Single in Lisbon")
    assert hotel.slots("book_room")["wishes"] is None


def test_a_default_takes_the_place_of_what_is_left_out(hotel: Talk) -> None:
    hotel.do(ROOM, "/set room=single")
    hotel.do("/skip")
    assert hotel.slots("book_room")["breakfast"] is False


def test_what_must_be_answered_is_not_left_out(hotel: Talk) -> None:
    hotel.do(ROOM)
    assert hotel.do("/skip") == ["I need an answer to this before I can go on.", "Which kind?", KINDS]
    assert whys(hotel) == ["slot 'room' is not optional"]


# Clarifying


CHOICES = "[Transfer|Block a card|Rates|Talk to a person]"
PERSON = (
    "I do not understand what you need, and I do not want to keep you waiting. Shall I ask a person to join?",
    CONFIRM,
)


def test_close_requests_are_a_question(bank: Talk) -> None:
    assert bank.do("/clarify transfer rates") == ["What is it about?", "[Transfer|Rates|Talk to a person]"]


def test_after_two_unclear_answers_a_person_is_offered_and_then_asked_for(bank: Talk) -> None:
    assert [bank.do("/clarify"), bank.do("/clarify"), bank.do("/clarify")] == [
        ["This is what I can help with:", CHOICES],
        ["I am still not sure what you mean. Is it one of these?", CHOICES],
        [*PERSON],
    ]
    bank.miss()
    assert handoff(bank) == HandoffRequest(reason="stuck", queue="service")
    assert bank.at == []


@pytest.mark.parametrize(
    ("answer", "said", "reason"), [("yes", [], "stuck"), ("no", ["All right, no person will be called."], None)]
)
def test_whether_a_person_joins_is_the_customer_s_choice(
    bank: Talk, answer: str, said: list[str], reason: str | None
) -> None:
    for _ in range(3):
        bank.do("/clarify")
    assert bank.do(f"/set person_wanted={answer}") == said
    assert bank.last is not None
    assert (bank.last.handoff and bank.last.handoff.reason, bank.at) == (reason, [])


def test_who_wants_no_person_is_asked_again_what_was_asked(bank: Talk) -> None:
    question = bank.do("/start transfer")
    for _ in range(3):
        bank.do("/clarify")
    assert bank.do("/set person_wanted=no") == ["All right, no person will be called.", *question]


def test_unclear_answers_are_counted_in_a_row_only(bank: Talk) -> None:
    bank.do("/clarify")
    bank.do("/clarify")
    bank.do("/start rates")
    assert bank.do("/clarify") == ["This is what I can help with:", CHOICES]


# Several requests


def test_requests_are_done_in_order_and_each_once(bank: Talk) -> None:
    bank.do("/start transfer", "/start block_card", "/start rates", "/start block_card")
    assert [start.flow for start in bank.state.queue] == ["block_card", "rates"]
    bank.do("/cancel")
    assert bank.at == [("block_card", "card")]
    assert bank.do("/set card=debit", "/set at_once=yes") == ["Debit blocked.", "One to one."]


def test_requests_outlive_a_handoff(bank: Talk) -> None:
    bank.do("/start rates", "/human", "/start block_card")
    assert len(bank.of(Queued)) == 1
    assert bank.give(Back("resume")) == ["One to one.", "Which card?", "[Debit|Credit]"]


def test_a_failed_flow_leaves_the_next_request_for_after_the_human(tmp_path: Path) -> None:
    bank = opened(tmp_path, "bank", {"balance_of": "!down"})
    bank.do("/start transfer from_account=K-1", "/start rates")
    assert bank.give(Back("resume")) == ["One to one."]


def test_the_guard_is_checked_when_a_request_begins(tmp_path: Path) -> None:
    flows = """
    flow: first
    about: x
    slots: {member: {type: yes_no, scope: conversation}}
    steps: [{ask: member, say: Member?}]
    ---
    flow: second
    about: y
    when: member
    needs: first
    slots: {member: {type: yes_no, scope: conversation}}
    steps: [{say: Welcome.}]
    """
    asked = talk(tmp_path, flows)
    asked.do("/start first", "/start second")
    assert (asked.do("/set member=no"), whys(asked)) == (["I cannot do that here."], ["its guard does not hold"])


UNSET = """
flow: f
about: x
slots:
  size: {type: text}
  price: {type: integer}
  member: {type: yes_no, scope: customer}
  agreed: {type: yes_no}
steps:
  - {ask: size, say: Size?}
  - {set: {price: '3'}}
  - {ask: agreed, say: Agreed?}
"""


def test_what_is_empty_and_never_asked_for_is_not_emptied(tmp_path: Path) -> None:
    asked = talk(tmp_path, UNSET)
    asked.do("/start f")
    assert (asked.do("/unset price")[0], whys(asked)) == (
        "I cannot do that here.",
        ["slot 'price' is empty, and nothing asks for it"],
    )
    asked.do("/set size=M")
    asked.do("/unset price")
    assert len(whys(asked)) == 1
    assert "price" not in asked.slots("f")


def test_what_is_known_of_a_customer_is_not_theirs_to_empty(tmp_path: Path) -> None:
    asked = talk(tmp_path, UNSET)
    asked.state = msgspec.structs.replace(asked.state, customer={"member": True})
    asked.do("/start f", "/unset member")
    assert (whys(asked), asked.state.customer) == (["slot 'member' is only set by the flow"], {"member": True})


# Stuck and silent


def test_each_miss_says_more_and_the_last_asks_for_a_person(hotel: Talk) -> None:
    hotel.do(ROOM)
    error = "Please choose one of these."
    assert [hotel.miss(), hotel.miss()] == [
        [error, "Which kind?", KINDS],
        [f"{error} If you would rather talk to a person, write “agent”.", "Which kind?", KINDS],
    ]
    assert hotel.miss() == ["I do not seem to get any further by myself."]
    assert (hotel.at, outcomes(hotel)) == ([], ["stuck"])


def test_a_good_answer_forgets_the_misses(hotel: Talk) -> None:
    hotel.do("/start book_room city=faro")
    hotel.miss()
    hotel.do("/set nights=2")
    hotel.miss()
    assert hotel.state.stack[-1].tries == 1


def test_a_project_says_something_else_at_each_try(tmp_path: Path) -> None:
    pattern = """
pattern: stuck
steps:
  - {say: "Miss {{ tries }}, {{ left }} left."}
"""
    hotel = opened(tmp_path, "hotel", more=pattern)
    hotel.do(ROOM)
    assert [hotel.miss()[0] for _ in range(3)] == ["Miss 1, 2 left.", "Miss 2, 1 left.", "Miss 3, 0 left."]


# Beginning again, resuming, handing back


def test_restart_begins_the_flow_below_what_the_engine_asks(bank: Talk) -> None:
    sent(bank)
    bank.do("/set amount=60")
    assert bank.do("/restart") == ["Let us start again.", "From which account?"]
    assert bank.at == [("transfer", "from_account")]


def test_a_waiting_flow_is_resumed_by_name_and_the_other_waits(bank: Talk) -> None:
    bank.do("/start transfer")
    bank.do("/start block_card")
    assert bank.do("/resume transfer") == ["From which account?"]
    assert bank.at == [("block_card", "card"), ("transfer", "from_account")]


def test_what_does_not_wait_is_not_resumed(bank: Talk) -> None:
    assert (bank.do("/resume transfer"), whys(bank)) == (
        ["I cannot do that here."],
        ["flow 'transfer' is not in progress"],
    )


@pytest.mark.parametrize(
    ("how", "lines", "at"),
    [
        (Back("resume"), ["Your year of birth?"], [("no_internet", ""), ("identify", "birth_year")]),
        (Back("restart"), ["Your customer number?"], [("no_internet", ""), ("identify", "customer_no")]),
        (Back("free"), [], []),
        (
            Back("step", step="ask_lights"),
            ["What colour is the light?", "[Green|Red|Dark]"],
            [("no_internet", "lights")],
        ),
        (Back("step", step="ask_customer_no"), ["Your customer number?"], None),
        (Back("step", step="nowhere"), ["Your year of birth?"], None),
    ],
    ids=["resume", "restart", "free", "a step of the caller", "a step of the called", "no step"],
)
def test_a_human_hands_back_inside_a_called_flow(
    router: Talk, how: Back, lines: list[str], at: list[tuple[str, str]] | None
) -> None:
    router.do("/start no_internet")
    router.do("/set customer_no=A-1")
    router.do("/human")
    assert router.give(how) == lines
    assert at is None or router.at == at


def test_a_step_that_a_human_jumps_to_is_asked_though_it_was_answered(hotel: Talk) -> None:
    hotel.do(ROOM)
    hotel.do("/human")
    assert hotel.give(Back("step", step="ask_guests")) == ["How many guests?"]


# Language


def spoken(tmp_path: Path) -> Talk:
    flows = """
    flow: f
    about: x
    title: {en: Things, fr: Choses}
    slots: {n: {type: integer}}
    steps: [{ask: n, say: {en: How many?, fr: Combien ?}}]
    """
    header = HEADER.replace("[en]", "[en, fr]")
    return Talk(book(tmp_path, flows, header=header, texts={"fr": "not_an_order: Non."}), language="en")


@pytest.mark.parametrize("line", ["/set language=fr", "/set language=fr-BE", "/set language=FR"])
def test_the_language_is_changed_on_request_and_stays(tmp_path: Path, line: str) -> None:
    talking = spoken(tmp_path)
    talking.do("/start f")
    assert talking.do(line) == ["Très bien, continuons en français.", "Combien ?"]
    assert (talking.of(Spoke)[-1], talking.do("/repeat")) == (Spoke("fr"), ["Combien ?"])


@pytest.mark.parametrize("words", ["In French please", "parlez-vous français ?", "auf Französisch"])
def test_the_language_is_asked_for_in_words(tmp_path: Path, words: str) -> None:
    talking = spoken(tmp_path)
    talking.do("/start f")
    assert talking.hear(words) == ["Très bien, continuons en français.", "Combien ?"]


def test_a_language_that_the_project_does_not_speak_is_refused(tmp_path: Path) -> None:
    talking = spoken(tmp_path)
    talking.do("/set language=it")
    assert whys(talking) == ["'it' is not among the languages en, fr"]


# In words


@pytest.mark.parametrize(
    ("words", "slots"),
    [
        ("sorry, I meant Porto", {"city": "porto"}),
        ("actually Faro", {"city": "faro"}),
        ("no, not Lisbon", {}),
        ("Porto is nice too", {"city": "lisbon"}),
    ],
)
def test_what_was_wrong_is_corrected_in_words(hotel: Talk, words: str, slots: dict[str, Json]) -> None:
    hotel.do(ROOM, "/set room=single", "/set breakfast=no", "/set wishes=x")
    hotel.hear(words)
    assert hotel.state.slots == slots


def test_a_choice_is_corrected_while_another_is_asked_for(tmp_path: Path) -> None:
    """As long as the words are no answer to what is asked."""
    talking = talk(
        tmp_path,
        """
flow: f
about: x
slots:
  reason: {type: choice, of: [damaged, wrong_size]}
  plan: {type: choice, of: [refund, exchange]}
steps: [{ask: reason, say: Why?}, {ask: plan, say: What then?}]
""",
    )
    talking.do("/start f", "/set reason=damaged")
    talking.hear("no, I meant wrong size")
    assert talking.state.stack[-1].slots == {"reason": "wrong_size"}
    talking.hear("sorry, refund")
    assert talking.state.stack == ()


@pytest.mark.parametrize(
    ("words", "accounts"),
    [
        ("K-7", ("K-1", "K-7")),
        ("no, K-7", ("K-1", "K-7")),
        ("not K-1 but K-7", ("K-7", "K-2")),
        ("no, not K-1", (None, "K-2")),
        ("is K-7 mine?", ("K-1", "K-2")),
        ("the shop in K-7 street told me to do so yesterday", ("K-1", "K-2")),
    ],
)
def test_a_value_of_a_kind_of_its_own_is_heard_as_a_correction(
    bank: Talk, words: str, accounts: tuple[str | None, str]
) -> None:
    """Of two it is the one said last; the confirmation that is asked again shows which."""
    bank.do("/start transfer from_account=K-1 amount=5 to_account=K-2")
    bank.do("/skip")
    bank.hear(words)
    slots = bank.slots("transfer")
    assert (slots.get("from_account"), slots.get("to_account")) == accounts


def test_a_value_that_another_slot_holds_corrects_nothing(bank: Talk) -> None:
    bank.do("/start transfer from_account=K-1 amount=5 to_account=K-2")
    bank.do("/skip")
    assert bank.hear("K-2") is None


# Patterns of a project


def test_a_pattern_that_only_speaks_leaves_no_trace(hotel: Talk) -> None:
    hotel.do(ROOM, "/set mail=a@b.de")
    before = len(hotel.moves)
    hotel.do("/set mail=c@d.de")
    assert [type(move).__name__ for move in hotel.moves[before:]] == ["Applied", "Filled", "Offered"]


def test_a_pattern_may_ask_and_its_answer_decides(tmp_path: Path) -> None:
    pattern = """
pattern: handoff
slots: {topic: {type: text}}
steps:
  - {ask: topic, say: What shall I tell them?}
  - when: topic == "nothing"
    then: [{end: declined}]
"""
    bank = opened(tmp_path, "bank", more=pattern)
    bank.do("/start transfer")
    assert bank.do("/human it is urgent") == ["What shall I tell them?"]
    assert handoff(bank) is None
    bank.do("/set topic=all of it")
    assert handoff(bank) == HandoffRequest(reason="asked", queue="service", note="it is urgent")
    assert bank.give(Back("resume")) == ["From which account?"]
    bank.do("/human")
    assert bank.do("/set topic=nothing") == ["From which account?"]


def test_a_pattern_may_act(tmp_path: Path) -> None:
    pattern = """
pattern: cancel
steps:
  - {do: block, with: {card: '"debit"'}}
  - {say: "Stopped: {{ flow }}."}
"""
    bank = opened(tmp_path, "bank", more=pattern)
    bank.do("/start transfer")
    assert (bank.do("/cancel", "/start rates"), done(bank), bank.at) == (
        ["One to one.", "Stopped: Transfer."],
        ["block"],
        [],
    )


def test_a_pattern_that_breaks_goes_to_a_human_and_the_flow_waits(tmp_path: Path) -> None:
    hotel = opened(tmp_path, "hotel", more="pattern: correct\nsteps: [{say: '{{ value.euros }}'}]")
    hotel.do(ROOM, "/set mail=a@b.de")
    hotel.do("/set mail=c@d.de")
    assert hotel.last is not None
    assert hotel.last.handoff is not None
    assert hotel.last.handoff.reason == "error"
    assert hotel.at == [("book_room", "room")]


def test_the_last_flow_s_end_is_told_to_the_pattern_end(tmp_path: Path) -> None:
    pattern = "pattern: end\nsteps: [{say: '{{ flow }} is {{ outcome }}. Anything else?'}]"
    bank = opened(tmp_path, "bank", more=pattern)
    assert bank.do("/start rates") == ["One to one.", "Rates is done. Anything else?"]
    bank.do("/start transfer")
    assert bank.do("/start rates") == ["One to one.", "From which account?"]
    assert bank.do("/cancel") == [STOPPED, "Transfer is cancelled. Anything else?"]


def test_an_opinion_is_asked_for_where_a_flow_calls_for_it(tmp_path: Path) -> None:
    flows = """
flow: goodbye
about: Bye.
steps:
  - {call: rate, into: opinion}
  - {say: "{{ opinion.score | default('none') }} {{ opinion.outcome }}"}
"""
    bank = opened(tmp_path, "bank", more=flows)
    assert bank.do("/start goodbye") == [
        "How satisfied were you?",
        "[1|2|3|4|5|Skip]",
    ]
    assert bank.press("2") == ["What could we have done better?", "[Skip]"]
    assert bank.do("/skip") == ["Thank you for telling us.", "2 rated"]
    bank.do("/start goodbye")
    assert bank.do("/skip") == ["none unrated"]


def test_a_frame_of_a_pattern_is_no_flow_of_that_name(tmp_path: Path) -> None:
    flows = "flow: clarify\nabout: Explains.\nslots: {t: {type: text}}\nsteps: [{ask: t, say: T?}]"
    bank = opened(tmp_path, "bank", more=flows)
    for _ in range(3):
        bank.do("/clarify")
    assert bank.do("/resume clarify")[:1] == ["I cannot do that here."]
    assert bank.do("/start clarify") == ["T?"]
    assert [frame.pattern for frame in bank.state.stack] == [True, False]
