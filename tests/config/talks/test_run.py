"""What conversation tests can do and expect, and how they tell what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.talks.project import FLOWS, played, told

WHOLE = """
test: a return from the first word to the last
given:
  actions: {find: {days: 9}, book_it: R-7}
  now: 2026-03-02T10:00Z
talk:
  - customer: I want to return something
  - expect: {ask: order, flow: return_item, said: "@which", command: start, did: null}
  - customer: blue
  - expect: {said: ["@not_an_order", "@which"], ask: order, not_said: R-7}
  - customer: A-17
  - expect: {did: {find: {order: A-17}}, ask: reason, options: [Damaged, Wrong size]}
  - customer: how long does a refund take?
  - expect: {cited: refunds.md, said: [five working days, Why?], ask: reason}
  - customer: {press: Damaged}
  - expect: {said: "@sure", slots: {reason: damaged, order: A-17}, command: /set reason=damaged}
  - customer: /set order=A-18
  - expect: {did: [find], slots: {order: A-18, reason: damaged}, ask: agreed, said: "Return A-18, shall I?"}
  - customer: /set agreed=perhaps
  - expect: {refused: that is no yes_no, ask: agreed}
  - customer: "yes"
  - expect:
      did: book_it
      said: Your number is R-7.
      outcome: {return_item: done}
      ask: null
      flow: null
      control: bot
      handoff: null
"""


def test_a_whole_conversation_is_played_by_the_real_core(tmp_path: Path) -> None:
    assert told(tmp_path, WHOLE) == ""


def test_several_messages_at_once_are_one_turn(tmp_path: Path) -> None:
    test = """
    test: a burst
    talk:
      - customer: [I want to return something, A-17]
      - expect: {ask: reason, did: find}
    """
    assert told(tmp_path, test) == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{flow: return_item}", "{ask: order, said: '@which'}"),
        ("{flow: return_item, slots: {order: a-17}}", "{ask: reason, slots: {order: A-17}}"),
        ("{flow: return_item, step: ask_agreed, slots: {order: A-17, reason: damaged}}", "{ask: agreed, did: null}"),
        ("{flow: return_item, step: when_1, slots: {order: A-1}, results: {found: {days: -1}}}", "{outcome: refused}"),
    ],
)
def test_a_conversation_can_begin_inside_a_flow(tmp_path: Path, given: str, expected: str) -> None:
    assert told(tmp_path, f"test: t\ngiven: {given}\ntalk:\n  - expect: {expected}\n") == ""


def test_a_stub_answers_call_by_call_and_fails_on_demand(tmp_path: Path) -> None:
    test = """
    test: late, then in time
    given: {actions: {find: [{days: -3}, {days: 3}], book_it: {error: the office is closed}}}
    talk:
      - customer: /start return_item order=A-1
      - expect: {outcome: refused, said: Order A-1 is too late.}
      - customer: /start return_item order=A-2 reason=damaged
      - customer: "yes"
      - expect: {control: queued, handoff: {reason: action_failed, note: office is closed}, outcome: failed}
    """
    assert told(tmp_path, test) == ""


def test_a_stubbed_action_never_runs_and_another_runs_the_project_s_own_code(tmp_path: Path) -> None:
    test = """
    test: own code
    given: {actions: {find: {days: 9}}}
    talk:
      - customer: /start return_item order=A-2 reason=damaged
      - customer: "yes"
      - expect: {said: R-1}
    """
    assert told(tmp_path, test) == ""


def test_humans_take_over_and_hand_back(tmp_path: Path) -> None:
    test = """
    test: a person helps
    talk:
      - customer: I want to return something
      - customer: I want a human
      - expect: {control: queued, handoff: service}
      - agent: takes_over
        name: Jo
      - customer: are you there?
      - expect: {control: human, ask: order, said: "@handoff_joined"}
      - agent: {says: "I am. It is A-3."}
        name: Jo
      - agent: {notes: knows the order}
      - agent: {hands_back: resume, instruction: ask for the order}
        name: Jo
      - expect: {control: bot, said: "@which", ask: order}
    """
    assert told(tmp_path / "one", test) == ""
    assert "ControlMoved: control is 'human'" in told(tmp_path / "two", test.replace("name: Jo", "name: Mia", 1))


def test_a_human_hands_back_to_a_step(tmp_path: Path) -> None:
    test = """
    test: a person sends them back
    talk:
      - customer: I want to return something
      - customer: A-17
      - agent: takes_over
      - agent: {hands_back: step, step: ask_order}
      - expect: {control: bot, ask: order}
    """
    assert told(tmp_path, test) == ""


def test_the_model_says_exactly_what_the_test_says(tmp_path: Path) -> None:
    test = """
    test: a model
    given: {customer: {name: Ann}, channel: telegram, language: en}
    talk:
      - customer: my shoe broke and I am sad about the refund
        model: [I am sorry., {cite: refunds.md}]
      - expect: {said: I am sorry., cited: refunds.md, command: lookup}
      - customer: can something be done about a refund perhaps
        model: /start return_item
      - expect: {ask: order, command: start return_item}
      - customer: what about the refund then, how long will that be
        model: {error: no answer}
      - expect: {ask: order}
    """
    assert told(tmp_path, test) == ""


def test_a_process_that_is_killed_goes_on_from_the_store(tmp_path: Path) -> None:
    test = """
    test: killed
    talk:
      - customer: I want to return something
      - restart: true
      - customer: A-17
      - expect: {ask: reason}
    """
    assert told(tmp_path, test) == ""


def test_time_passes_for_what_is_asked_later(tmp_path: Path) -> None:
    flows = """
    flow: when_is_it
    about: The customer asks when it is.
    examples: [when is it]
    steps:
      - say: "{{ now | date }}"
    """
    test = """
    test: the day after
    given: {now: "2026-03-02T23:00Z"}
    talk:
      - customer: when is it
      - expect: {said: March 2}
      - advance: 2h
      - customer: when is it
      - expect: {said: March 3}
    """
    assert told(tmp_path, test, flows=flows) == ""


# What fails, and how it is told


@pytest.mark.parametrize(
    ("expected", "happened"),
    [
        ("{said: Which parcel is it?}", "  happened    'Why? 1. Damaged 2. Wrong size'\n"),
        ("{said: '@which'}", "  happened    'Why? 1. Damaged 2. Wrong size'\n"),
        ("{not_said: Why?}", "  happened    'Why?"),
        ("{nothing_said: true}", "  happened    'Why?"),
        ("{options: [Damaged]}", "  happened    ['Damaged', 'Wrong size']\n"),
        ("{options: damagd}", "did you mean 'Damaged'?"),
        ("{ask: order}", "  happened    asks 'reason' of flow 'return_item'\n"),
        ("{ask: null}", "  happened    asks 'reason' of flow 'return_item'\n"),
        ("{flow: null}", "  happened    return_item\n"),
        ("{did: book_it}", "  happened    find {order: A-17}\n"),
        ("{did: {find: {order: A-18}}}", "  happened    find {order: A-17}\n"),
        ("{did: null}", "  happened    find {order: A-17}\n"),
        ("{slots: {order: A-18}}", "  happened    {order: A-17}\n"),
        ("{slots: {order: null}}", "  happened    {order: A-17}\n"),
        ("{command: /set order=A-18}", "did you mean '/set order=A-17'?"),
        ("{refused: true}", "  happened    nothing was refused\n"),
        ("{outcome: done}", "  happened    no flow ended\n"),
        ("{control: human}", "  happened    bot\n"),
        ("{handoff: returns}", "  happened    no human was asked for\n"),
        ("{cited: refunds.md}", "  happened    nothing\n"),
        ("{language: fr}", "  happened    en\n"),
    ],
)
def test_what_is_not_as_expected_is_told_with_its_place(tmp_path: Path, expected: str, happened: str) -> None:
    test = f"""
    test: wrong
    talk:
      - customer: /start return_item
      - expect: {{ask: order}}
      - customer: A-17
      - expect: {expected}
    """
    failure = told(tmp_path, test)
    assert failure.startswith("tests/1.yaml:6:")
    assert happened in failure


def test_a_failure_tells_the_whole_stretch(tmp_path: Path) -> None:
    test = """
    test: wrong
    talk:
      - customer: /start return_item
      - expect: {ask: order}
      - customer: A-17
      - expect: {ask: agreed, did: book_it}
    """
    assert told(tmp_path, test) == (
        "tests/1.yaml:6:19: wrong\n"
        "  expected    ask: agreed\n"
        "  happened    asks 'reason' of flow 'return_item'\n"
        "tests/1.yaml:6:32: wrong\n"
        "  expected    did: book_it\n"
        "  happened    find {order: A-17}\n"
        "\n"
        "    customer    A-17\n"
        "                in_flow takes the turn\n"
        "                answer: /set order=A-17\n"
        '                order = "A-17"\n'
        "                step do_find, reads order\n"
        "                did find {order: A-17} -> {days: 9}\n"
        '                found = {"days":9} (result)\n'
        "                step when_1, reads found\n"
        "                step ask_reason\n"
        "                asks reason\n"
        "    bot         Why?  [Damaged | Wrong size]\n"
        "    now         return_item, step ask_reason, {order: A-17, found: {days: 9}}"
    )


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("- customer: {press: Refund}\n  - expect: {ask: order}", "shown were 'Damaged', 'Wrong size'"),
        ("- agent: hands_back\n    name: Jo\n  - agent: {says: hello}\n  - expect: {ask: reason}", "ControlMoved"),
        ("- customer: damaged\n    model: I see.\n  - expect: {ask: agreed}", "it was not asked"),
        ("- customer: hello refund\n    model: {cite: rules.md}\n  - expect: {ask: reason}", "cannot cite 'rules.md'"),
    ],
)
def test_what_cannot_be_done_fails_the_test(tmp_path: Path, entries: str, words: str) -> None:
    head = "test: t\ngiven: {flow: return_item, slots: {order: A-1}}\ntalk:\n  - expect: {ask: reason}\n"
    failure = told(tmp_path, f"{head}  {entries}\n")
    assert words in failure


def test_a_turn_that_raises_fails_the_test_whatever_it_expects(tmp_path: Path) -> None:
    flows = """
    flow: f
    about: It breaks.
    examples: [break it]
    slots: {word: {type: odd}}
    steps:
      - ask: word
        say: Word?
    """
    test = """
    test: broken type
    talk:
      - customer: break it
      - expect: {ask: word}
    """
    python = """
    @slot_type("odd", error="@not_an_order")
    def odd(words: str) -> str | None:
        raise KeyError(words)
    """
    assert "the turn raised KeyError: 'break it'" in told(tmp_path, test, flows=flows, python=python)


def test_no_test_reaches_a_network(tmp_path: Path) -> None:
    python = """
    import socket

    @action(effect="read")
    async def ask_the_web(order: str) -> bool:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
        return True
    """
    test = """
    test: no network
    given: {flow: return_item}
    talk:
      - customer: A-1
      - expect: {handoff: returns, said: nothing}
    """
    flows = FLOWS.replace("do: find", "do: ask_the_web").replace("found.days < 0", "found == false")
    failure = told(tmp_path, test, flows=flows, python=python)
    assert "a conversation test reaches no network (socket.getaddrinfo): stub the action" in failure


def test_each_test_has_a_data_folder_of_its_own(tmp_path: Path) -> None:
    python = """
    import os
    from pathlib import Path

    @action(effect="read")
    async def count(order: str) -> int:
        file = Path(os.environ["FRONTDESK_DATA"]) / "calls"
        file.write_text((file.read_text() if file.exists() else "") + ".")
        return len(file.read_text())
    """
    test = """
    test: {name}
    given: {{flow: return_item}}
    talk:
      - customer: A-1
      - expect: {{ask: reason}}
    """
    flows = FLOWS.replace("do: find", "do: count").replace("found.days < 0", "found > 1")
    results = played(tmp_path, test.format(name="first"), test.format(name="second"), flows=flows, python=python)
    assert [result.failures for result in results] == [(), ()]
