"""Reading a project: what is refused, and where the author is told to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from _pytest.mark import ParameterSet

from bot.errors import FlowErrors
from bot.flow.read import SHIPPED, read
from bot.flow.read_steps import MOST_STEPS
from bot.flow.steps import Ask, Do, Handoff, When
from tests.bot.flow.script import ACTIONS, HEADER, book, project

FLOW = """
flow: f
about: x
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, other]}
steps:
"""


def problems(folder: Path, flows: str, **of_project: str) -> list[str]:
    with pytest.raises(FlowErrors) as refused:
        read(project(folder, flows, **of_project))  # type: ignore[arg-type]  # texts are given by other tests
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def steps(*lines: str) -> str:
    return FLOW + "\n".join(f"  {line}" for line in lines)


WRONG_STEPS = """
unknown slot
- {ask: §oder, say: Which?}
step 'ask' names slot 'oder', which is not declared; did you mean 'order'?

unknown key
- {say: Hi, §wiht: {}}
step 'say' has no key 'wiht'; did you mean 'with'?

unknown verb
- §{sya: Hi}
a step has one of the verbs say, ask, do, set, when, goto, call, become, agent, handoff, wait, end; did you mean 'say'?

flow to become
- {become: §g}
step 'become' names flow 'g', which is not declared

slot of the flow to become
- {become: f, with: {§ordr: order}}
flow 'f' is given slot 'ordr', which is not declared; did you mean 'order'?

after the flow has become another
- {become: f}
- §{say: Hi}
step 'say_1' can never be reached

nothing to wait for
- {wait: §{}}
'wait' says what it waits for: 'for', 'until' or 'event'

no span to wait
- {wait: §soon}
'soon' is no span of time; it looks like 10s, 5m, 2h or 1d

no moment to wait for
- {wait: {until: §tomorow}}
'tomorow' names 'tomorow', which is neither a slot nor a result

wait without an event
- {wait: 5m, into: §word}
only an event brings something 'into' a name

key of a pause
- {wait: {for: 5m, §untill: now}}
'wait' has no key 'untill'; did you mean 'until'?

quiet with two deeds
- {ask: order, say: Which?, quiet: [§{after: 5m, cancel: true, say: Hm}]}
'quiet' has only one of 'say', 'cancel', not several

quiet without a span
- {ask: order, say: Which?, quiet: [§{cancel: true}]}
'quiet' lacks 'after'

quiet queue
- {ask: order, say: Which?, quiet: [{after: 5m, handoff: §retruns}]}
'quiet' names queue 'retruns', which is not declared; did you mean 'returns'?

interrupt
- {ask: order, say: Which?, interrupt: §never}
step 'ask': 'interrupt' must be 'allow' or 'queue' or 'refuse', not a text

approve
- {do: book_it, with: {order: order}, approve: §true}
'approve' is a mapping like {if: condition, by: queue}, not true or false

approve within nothing
- {do: book_it, with: {order: order}, approve: {within: §soon}}
'soon' is no span of time

approve by nobody
- {do: book_it, with: {order: order}, approve: {by: §retruns}}
'approve' names queue 'retruns', which is not declared; did you mean 'returns'?

tool that writes
- {agent: Help., fills: [order], tools: [§book_it]}
'book_it' has effect 'write': the model may only call what reads; give it a 'do' of its own

unknown tool
- {agent: Help., fills: [order], tools: [§fnd]}
step 'agent' names action 'fnd', which is not declared; did you mean 'find'?

unknown slot to fill
- {agent: Help., fills: [§ordr]}
step 'agent' fills slot 'ordr', which is not declared; did you mean 'order'?

unknown document
- {agent: Help., fills: [order], knows: [§refunds]}
step 'agent' knows document 'refunds', which is not in knowledge/

agent without an end
- §{agent: Help.}
step 'agent' never ends: give the slots it 'fills', or 'until'

mode
- {say: Hi, mode: §loose}
step 'say': 'mode' must be 'exact' or 'rephrase' or 'free', not a text

key of a variant
- {say: Hi, variants: [{text: Ho, §chanel: web}]}
the variant has no key 'chanel'; did you mean 'channel'?

form of unknown slots
- {say: {text: Hi, form: [§ordr]}}
the form names slot 'ordr', which is not declared; did you mean 'order'?

form without a question
- {say: {text: Hi, form: [§order]}}
text 'ask_order' stands nowhere

form in a question
- {ask: order, say: {text: Hi, §form: [order]}}
what is said has no key 'form'

image without words
- {say: {image: §{address: "https://x.example/a.png"}}}
an image is a mapping with 'file' or 'address', and with 'alt', what it shows in words

image at no address
- {say: {image: {address: §a.png, alt: A map}}}
the address of an image begins with https://

options twice
- {say: §{text: Hi, options: order, quick: [{label: Go, command: /human}]}}
give either 'options' or 'quick'

no step
- §hello
a step is a mapping like {say: hello}, not a text

unknown action
- {do: §fnd}
step 'do' names action 'fnd', which is not declared; did you mean 'find'?

input missing
- {do: §find}
action 'find' needs input 'order': give it in 'with'

input unknown
- {do: find, with: {order: order, §ordr: order}}
action 'find' has no input 'ordr'; did you mean 'order'?

retry of an effect
- {do: book_it, with: {order: order}, retry: §1}
'book_it' has effect 'write': only what reads may be retried

span of time
- {do: find, with: {order: order}, timeout: §soon}
'soon' is no span of time; it looks like 10s, 5m, 2h or 1d

unknown name
- {when: §ordr, then: [{say: Hi}]}
'ordr' names 'ordr', which is neither a slot nor a result; did you mean 'order'?

bad condition
- {when: §order ==, then: [{say: Hi}]}
condition 'order ==' cannot be read:

costly condition
- {when: §'[1].map(x, x) == [1]', then: [{say: Hi}]}
'map' is not allowed in conditions: its cost has no bound

nested macro
- {when: §'[1].all(x, [2].exists(y, y == x))', then: [{say: Hi}]}
'exists' stands inside another macro: its cost has no bound

unknown function
- {when: §siz(order) > 2, then: [{say: Hi}]}
there is no function 'siz'; did you mean 'size'?

then and switch
- §{when: order}
step 'when' has either 'then' or 'switch'

goto nowhere
- {id: here, say: Hi}
- {goto: §her}
there is no step 'her' in this flow; did you mean 'here'?

duplicate id
- {id: a, say: Hi}
- {id: §a, say: Ho}
step id 'a' is given twice

unreachable
- {end: done}
- §{say: Hi}
step 'say_1' can never be reached

dead end
- §{id: a, say: Hi}
- {goto: a}
step 'a' is a dead end: from here the flow never ends

unknown queue
- {handoff: §retruns}
the handoff goes to queue 'retruns', which is not declared; did you mean 'returns'?

unknown flow
- {call: §g}
step 'call' names flow 'g', which is not declared

argument of a flow
- {call: f, with: {§ordre: order}}
flow 'f' is given slot 'ordre', which is not declared; did you mean 'order'?

unknown text
- {say: §'@gret'}
text 'gret' stands nowhere; did you mean 'greeting'?; write it in texts/en.yaml

no text
- {say: §{}}
here stands a text or a '@key', not a mapping

name in a text
- {say: §'Hi {{ nmae }}'}
this text names 'nmae', which is not declared

syntax of a text
- {say: §'Hi {{ order'}
line 1 of the text cannot be read:

costly text
- {say: §"{{ 'a' * 9 }}"}
texts may not use mul: only values, filters, if and one level of for

what is asked
- {ask: §order}
what is asked? Give 'say', or write text 'ask_order'

tries
- {ask: order, say: O?, tries: §many}
step 'ask': 'tries' must be a whole number from 1 to 20, not a text

urgency
- {handoff: returns, priority: §10}
step 'handoff': 'priority' must be a whole number from 0 to 9, not a number

check
- {ask: order, say: O?, check: [§{if: order}]}
a check is a mapping with 'if' and 'say'

option
- {ask: reason, say: Why?, options: §[damagd]}
'damagd' is no answer of slot 'reason'; did you mean 'damaged'?

starting option
- {say: {text: Hi, quick: [{label: Go, start: §g}]}}
the option names flow 'g', which is not declared

command of an option
- {say: {text: Hi, quick: [{label: Go, command: §go}]}}
'go' is no command; it looks like /human, /cancel or /set slot=value

options alone
- {say: §{quick: [{label: Go, command: /human}]}}
options alone say nothing: give a 'text', a 'card' or an 'image' as well

result hides a slot
- {do: find, with: {order: order}, into: §order}
result 'order' has the name of a slot or of what conditions know already

no name
- {id: §Ä-1, say: Hi}
'Ä-1' is no name: a name is small letters, digits and '_', and begins with a letter

set of nothing
- {set: {§ordr: 1}}
step 'set' names slot 'ordr', which is not declared; did you mean 'order'?

quiet that does not cancel
- {ask: order, say: Which?, quiet: [{after: 5m, cancel: §false}]}
'cancel' can only be true here; else leave the line out

quiet entry
- {ask: order, say: Which?, quiet: [§soon]}
'quiet' lists mappings like {after: 10m, say: words}, not a text

wait for a list
- {wait: §[2h]}
'wait' is a mapping like {for: 2h}, not a list

branch
- {when: order, then: §5}
a branch is a list of steps or a step's id, not a number

branch to nowhere
- {id: here, say: Hi}
- {when: order, then: §her}
there is no step 'her' in this flow; did you mean 'here'?

case to nowhere
- {when: reason, switch: {damaged: §nowhere}}
there is no step 'nowhere' in this flow

step of a branch
- {when: order, then: [§{sya: Hi}]}
a step has one of the verbs say, ask, do, set, when, goto, call, become, agent, handoff, wait, end; did you mean 'say'?

condition of a check
- {ask: order, say: O?, check: [{if: §ordr, say: No.}]}
'ordr' names 'ordr', which is neither a slot nor a result; did you mean 'order'?

key of a check
- {ask: order, say: O?, check: [{if: order, say: No., §sya: x}]}
the check has no key 'sya'; did you mean 'say'?

option that is none
- {say: {text: Hi, quick: [§Go]}}
an option is {label: words, start: flow} or {label: words, command: /slash}

option to set nothing
- {say: {text: Hi, quick: [{label: Go, command: §/set ordr=A-1}]}}
the option sets slot 'ordr', which is not declared; did you mean 'order'?

answer of a question
- {ask: order, say: Which?, options: [§[A-1]]}
an answer is a value or a mapping, not a list

two looks
- {say: §{text: Hi, quick: [{label: Go, command: /human}], choices: [{label: Go, command: /human}]}}
give only one of 'choices', 'quick'

card without a title
- {say: {card: §{body: Hi}}}
the card lacks 'title'

language of a text
- {say: {text: {§nl: Hoi}}}
'nl' is no language of this project
"""
WRONG_FLOWS = """
no flow
§- say: Hi
a flow is a mapping that begins with 'flow: NAME', not a list

no steps
§flow: f
the flow lacks 'steps'

empty steps
flow: f
steps: §[]
flow 'f' has no steps

unknown key
flow: f
§abuot: x
steps: [{say: Hi}]
the flow has no key 'abuot'; did you mean 'about'?

duplicate flow
flow: f
steps: [{say: Hi}]
---
flow: §f
steps: [{say: Hi}]
flow 'f' is declared twice; first in FOLDER/flows.yaml:1

duplicate key
flow: f
§flow: g
key 'flow' stands here twice; first in line 1

slot type
flow: f
slots: {a: {type: §textt}}
steps: [{say: Hi}]
slot 'a' has type 'textt', which is not declared; did you mean 'text'?

slot hides a fact
flow: f
slots: {§now: {type: text}}
steps: [{say: Hi}]
slot 'now' would hide what conditions know as 'now'; choose another name

reserved name
flow: f
slots: {§package: {type: text}}
steps: [{say: Hi}]
'package' cannot be a name: conditions and texts use the word themselves

answers
flow: f
slots: {a: {type: text, of: §[x]}}
steps: [{say: Hi}]
'of' goes with type choice or multi_choice only

answers of a multi choice
flow: f
slots: {a: {type: multi_choice}}
steps: [§{ask: a, say: Which?}]
slot 'a' is a multi choice without 'of': this step must give its 'options'

currency
flow: f
slots: {a: {type: money, currency: §euro}}
steps: [{ask: a, say: How much?}]
'euro' is no currency: it looks like 'EUR'

region of a text
flow: f
slots: {a: {type: text, region: §GB}}
steps: [{ask: a, say: What?}]
'region' goes with type money or phone or date or time or datetime only

scale
flow: f
slots: {a: {type: rating, scale: §11}}
steps: [{ask: a, say: How was it?}]
slot 'a': 'scale' must be a whole number from 2 to 10, not a number

needs
flow: f
needs: §g
steps: [{say: Hi}]
the flow names flow 'g', which is not declared

guard
flow: f
when: §costumer.verified
steps: [{say: Hi}]
'costumer.verified' names 'costumer', which is neither a slot nor a result; did you mean 'customer'?

language of examples
flow: f
examples: {§nl: [Hi]}
steps: [{say: Hi}]
examples are written in 'nl', which is not declared

not closed
flow: f
steps: [§
expected the node content, but found '<stream end>'

tag
flow: §!!python/object:os.system f
tags like tag:yaml.org,2002:python/object:os.system are not allowed

shared slot
flow: f
slots: {a: {type: text, scope: conversation}}
steps: [{say: Hi}]
---
flow: g
slots: {§a: {type: integer, scope: conversation}}
steps: [{say: Hi}]
slot 'a' of the conversation is 'text' in flow 'f'

slot
flow: f
slots: {a: §text}
steps: [{say: Hi}]
slot 'a' is a mapping like {type: text}, not a text

key of a slot
flow: f
slots: {a: {type: text, §optonal: true}}
steps: [{say: Hi}]
slot 'a' has no key 'optonal'; did you mean 'optional'?

answer twice
flow: f
slots: {a: {type: choice, of: [x, §x]}}
steps: [{ask: a, say: Which?}]
answer 'x' stands here twice

examples that are no texts
flow: f
examples: [§[Hi]]
steps: [{say: Hi}]
the flow: 'examples' lists texts, here stands a list
"""


def cases(table: str) -> list[ParameterSet]:
    """A name, lines with `§` before what is wrong, and the message."""
    blocks = (block.splitlines() for block in table.strip().split("\n\n"))
    return [pytest.param("\n".join(lines), message, id=name) for name, *lines, message in blocks]


def told(found: Sequence[str], source: str, message: str) -> bool:
    """Whether exactly this is found wrong, at its mark."""
    line, column = next((n, at.index("§") + 1) for n, at in enumerate(source.splitlines(), 1) if "§" in at)
    return len(found) == 1 and found[0].startswith(f"flows.yaml:{line}:{column}: {message}")


@pytest.mark.parametrize(("lines", "message"), cases(WRONG_STEPS))
def test_a_wrong_step_is_refused_at_its_place(tmp_path: Path, lines: str, message: str) -> None:
    source = steps(*lines.splitlines()).strip()
    found = problems(tmp_path, source.replace("§", ""))
    assert told(found, source, message), found


@pytest.mark.parametrize(("source", "message"), cases(WRONG_FLOWS))
def test_a_wrong_flow_is_refused_at_its_place(tmp_path: Path, source: str, message: str) -> None:
    found = problems(tmp_path, source.replace("§", ""))
    assert told(found, source, message.replace("FOLDER", str(tmp_path))), found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("flow: " + "[" * 5000, "flows.yaml:1:38: is nested deeper than 32"),
        ("flow: f\nabout: " + "x" * 300_000, "flows.yaml:1:1: is larger than 256 kB"),
    ],
    ids=["nested brackets", "too large"],
)
def test_a_file_without_measure_is_an_error_message(tmp_path: Path, source: str, expected: str) -> None:
    assert problems(tmp_path, source) == [expected]


def test_a_text_without_measure_is_an_error_message(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, steps(f"- {{say: '{'x' * 4_001}'}}"))
    assert found.startswith("flows.yaml:7:11: a text has at most 4000 characters, this one has 4001")


def test_a_condition_without_measure_is_an_error_message(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, steps(f"- {{when: '{'1 + ' * 100}1 > 0', then: [{{say: Hi}}]}}"))
    assert found == "flows.yaml:7:12: a condition has at most 400 characters, this one has 405"


def test_more_files_than_anybody_reads_are_an_error_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.flow.read.MOST_FILES", 1)
    (tmp_path / "more.yaml").write_text("flow: g\nsteps: [{say: Hi}]")
    found = problems(tmp_path, "flow: f\nsteps: [{say: Hi}]")
    assert any(each.endswith(":1:1: holds more than 1 flow files") for each in found), found


def test_a_yaml_bomb_is_an_error_message(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (found,) = problems(tmp_path, "\n".join(lines))
    assert found.endswith("holds more than 20000 values, repeated ones counted each time")


WRONG_HEADERS = {
    "day": (HEADER + 'hours: {mo: "9:00-12:00"}', "assistant.yaml:4:9: 'mo' is no day; days are mon,"),
    "days backwards": (HEADER + 'hours: {fri-mon: "9:00-12:00"}', "assistant.yaml:4:9: 'fri-mon' runs backwards;"),
    "day twice": (
        HEADER + 'hours: {mon-fri: "9:00-12:00", fri: closed}',
        "assistant.yaml:4:32: 'fri' stands in another line as well",
    ),
    "hours": (HEADER + "hours: {mon: 9-12}", "assistant.yaml:4:14: '9-12' are no hours; they look like 09:00-12:30"),
    "hours backwards": (
        HEADER + 'hours: {mon: "22:00-02:00"}',
        "assistant.yaml:4:14: '22:00-02:00' ends before it begins;",
    ),
    "hours that overlap": (
        HEADER + 'hours: {mon: ["9:00-12:00", "11:00-13:00"]}',
        "assistant.yaml:4:29: '11:00-13:00' begins before the hours before it end",
    ),
    "holiday": (
        HEADER + "hours: {mon: closed}\nholidays: {25.12.: closed}",
        "assistant.yaml:5:12: '25.12.' is no date; it looks like 2026-12-25",
    ),
    "holidays alone": (HEADER + "holidays: {2026-12-25: closed}", "assistant.yaml:4:1: holidays go with 'hours'"),
    "time zone": (HEADER + "timezone: Paris", "assistant.yaml:4:11: 'Paris' is no time zone; it looks like"),
    "unknown key": (HEADER + "mood: warm", "assistant.yaml:4:1: the assistant has no key 'mood'"),
    "no name": ("languages: [en]\nqueues: [service, returns]", "assistant.yaml:1:1: the assistant lacks 'assistant'"),
    "no language": (
        HEADER.replace("[en]", "[english]"),
        "assistant.yaml:2:13: 'english' is no language; it looks like 'en' or 'fr-CA'",
    ),
    "starter": (
        HEADER + "starters: [{label: Go, start: g}]",
        "assistant.yaml:4:31: the option names flow 'g', which is not declared",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_HEADERS.values(), ids=WRONG_HEADERS.keys())
def test_a_wrong_header_is_refused_at_its_place(tmp_path: Path, wrong: tuple[str, str]) -> None:
    header, expected = wrong
    found = problems(tmp_path, "flow: f\nsteps: [{say: Hi}]", header=header)
    assert [problem for problem in found if problem.startswith(expected)] != [], found


def test_a_missing_header_is_a_mistake(tmp_path: Path) -> None:
    folder = project(tmp_path, "flow: f\nsteps: [{say: Hi}]")
    (folder / "assistant.yaml").unlink()
    with pytest.raises(FlowErrors, match=r"assistant\.yaml:1:1: is missing"):
        read(folder)


def test_a_folder_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FlowErrors, match=r"nowhere:1:1: is no folder"):
        read(tmp_path / "nowhere")


# Texts


def test_a_text_must_be_written_in_every_language(tmp_path: Path) -> None:
    header = HEADER.replace("[en]", "[en, fr]")
    folder = project(
        tmp_path,
        "flow: f\ntitle: {en: F, fr: F}\nsteps: [{say: '@hi'}, {say: Bye}]",
        header=header,
        texts={"en": "hi: Hi\nnot_an_order: No.", "fr": "not_an_order: Non."},
    )
    with pytest.raises(FlowErrors) as refused:
        read(folder)
    assert [(problem.line, problem.column, problem.message) for problem in refused.value.problems] == [
        (3, 15, "this text is missing in 'fr': write 'hi' in its file in texts/"),
        (3, 29, "this text is missing in 'fr': write it in texts/ and name its '@key' here"),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a-b: x", "texts/en.yaml:1:1: 'a-b' is no key: a key is letters, digits and '_'"),
        ("a: {x: y}", "texts/en.yaml:1:4: text 'a' must be a text, not a mapping"),
        ("a: '{{ x'", "texts/en.yaml:1:4: text 'a': line 1 of the text cannot be read: "),
        ("resume: '{{ flwo }}'", "texts/en.yaml:1:9: text 'resume' names 'flwo'; it is given ['flow']"),
        ("- a", "texts/en.yaml:1:1: texts are a mapping of key to text"),
    ],
)
def test_a_wrong_text_is_refused_at_its_place(tmp_path: Path, lines: str, expected: str) -> None:
    folder = project(tmp_path, "flow: f\nsteps: [{say: Hi}]", texts={"en": lines}, actions="")
    with pytest.raises(FlowErrors) as refused:
        read(folder)
    assert [str(p).startswith(f"{tmp_path}/{expected}") for p in refused.value.problems] == [True]


def test_texts_of_an_undeclared_language_are_a_mistake(tmp_path: Path) -> None:
    folder = project(tmp_path, "flow: f\nsteps: [{say: Hi}]", texts={"fr": "a: b"})
    with pytest.raises(FlowErrors, match=r"fr\.yaml:1:1: language 'fr' is not among"):
        read(folder)


def test_a_language_that_is_not_shipped_needs_all_texts(tmp_path: Path) -> None:
    folder = project(tmp_path, "flow: f\nsteps: [{say: Hi}]", header=HEADER.replace("[en]", "[nl]"), texts={})
    (folder / "texts" / "en.yaml").unlink()
    with pytest.raises(FlowErrors, match=r"nl\.yaml:1:1: language 'nl' comes with no texts; write: approval_late, "):
        read(folder)


def test_a_project_says_a_pattern_in_its_own_words(tmp_path: Path) -> None:
    made = book(tmp_path, "flow: f\nsteps: [{say: Hi}]", texts={"en": "never_mind: Fine!\nnot_an_order: No."})
    assert made.texts.plain("never_mind", "en") == "Fine!"


@pytest.mark.parametrize("language", SHIPPED)
def test_every_shipped_language_has_all_texts_and_rules(tmp_path: Path, language: str) -> None:
    folder = project(
        tmp_path, "flow: f\nsteps: [{say: Hi}]", header=HEADER.replace("[en]", f"[{language}]"), actions=""
    )
    for path in (folder / "texts").iterdir():
        path.unlink()
    made = read(folder)
    rules = made.rules[language]
    assert min(map(len, (rules.yes, rules.no, rules.ordinals, rules.numbers, rules.negations, rules.filler))) > 2
    phrases = Counter(rules.whole.values())
    assert all(phrases[rule] > 2 for rule in ("human", "cancel", "repeat", "restart", "skip"))


# Python


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("def x(:", 1, "is no Python: "),
        ("x = 1\nraise RuntimeError('no')", 2, "raised RuntimeError: no"),
        ("@action(effect='red')\nasync def f() -> int: ...", 1, "the effect is read, write or money, not 'red'"),
        ("@action(effect='read')\ndef f() -> int: ...", 1, "action 'f' must be an async function"),
        ("@action(effect='read')\nasync def f(a) -> int: ...", 1, "a has no type"),
        ("@action(effect='read')\nasync def f(): ...", 1, "its result has no type"),
        ("@action(effect='read')\nasync def f(*a: int) -> int: ...", 1, "action 'f' may only have named parameters"),
        ("@action(effect='read', timeout='x')\nasync def f() -> int: ...", 1, "'x' is no span of time; "),
        ("@action(effect='read', undo='g')\nasync def f() -> int: ...", 0, "action 'f' is undone by 'g', which is not"),
        ("@slot_type('text', error='@x')\ndef f(words: str): ...", 0, "slot type 'text' exists already; "),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_wrong_python_is_refused_at_its_place(tmp_path: Path, code: str, line: int, message: str) -> None:
    """Line 0: of the file as a whole."""
    found = problems(tmp_path, "flow: f\nsteps: [{say: Hi}]", actions=f"{ACTIONS}\n{code}")
    at = line + ACTIONS.count("\n") + 1 if line else 1
    assert [each for each in found if each.startswith(f"actions.py:{at}:1: ") and message in each], found


def test_the_project_s_python_is_no_module_others_can_import(tmp_path: Path) -> None:
    """Two projects have an `actions.py` each, and neither hides the other or anything of ours."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        project(folder, "flow: f\nsteps: [{say: Hi}]")
    (folders[1] / "actions.py").write_text(ACTIONS.replace("find", "seek"))
    assert [sorted(read(folder).actions) for folder in folders] == [["book_it", "find"], ["book_it", "seek"]]


# What is made of it


def test_steps_are_named_and_lead_to_one_another(tmp_path: Path) -> None:
    flows = dedent(FLOW).strip() + dedent("""
      - ask: order
        say: Which?
        stuck: {handoff: returns}
      - when: order == "A-1"
        then:
          - ask: order
            say: Sure?
            always_ask: true
        else: last
      - do: find
        with: {order: order}
        fails: [{say: Oh.}]
      - {id: last, say: Bye.}
    """).replace("\n", "\n  ")
    flow = book(tmp_path, flows).flows["f"]
    assert {name: step.next for name, step in flow.steps.items()} == {
        "ask_order": "when_1",
        "when_1": "last",
        "do_find": "last",
        "last": "(end)",
        "handoff_1": "(stuck)",
        "ask_order_2": "do_find",
        "say_1": "(failed)",
        "(end)": "",
        "(failed)": "",
        "(stuck)": "",
    }
    ask, when, do, handoff = (flow.steps[name] for name in ("ask_order", "when_1", "do_find", "handoff_1"))
    assert isinstance(ask, Ask)
    assert isinstance(when, When)
    assert isinstance(do, Do)
    assert isinstance(handoff, Handoff)
    assert (flow.first, ask.stuck, when.then, do.fails) == ("ask_order", "handoff_1", "ask_order_2", "say_1")
    assert (handoff.reason, handoff.after) == ("stuck", "ask")


def test_all_mistakes_are_told_at_once_in_order(tmp_path: Path) -> None:
    found = problems(tmp_path, steps("- {say: '@a'}", "- {ask: b}", "- {goto: c}"), header=HEADER + "tone: x")
    assert [line.split(": ")[0] for line in found] == [
        "assistant.yaml:4:1",
        "flows.yaml:7:11",
        "flows.yaml:8:11",
        "flows.yaml:8:11",
        "flows.yaml:9:12",
    ]


def test_a_flow_has_no_more_steps_than_its_author_can_follow(tmp_path: Path) -> None:
    found = problems(tmp_path, steps(*["- {say: Hi}"] * (MOST_STEPS + 1)))
    assert found == [f"flows.yaml:7:5: a flow has at most {MOST_STEPS} steps"]


def test_a_migration_leads_to_a_step_that_is_there(tmp_path: Path) -> None:
    flow = """
    flow: f
    about: x
    migrate: {gone: ask_order, other: ask_oder}
    slots: {order: {type: order_id}}
    steps: [{ask: order, say: Which?}]
    """
    why = "'migrate' leads to step 'ask_oder', which this flow does not have; did you mean 'ask_order'?"
    assert problems(tmp_path, flow) == [f"flows.yaml:3:35: {why}"]


def test_what_becomes_of_broken_conversations_is_one_of_three(tmp_path: Path) -> None:
    found = problems(tmp_path, steps("- {say: Hi}"), header=HEADER + "broken: forget")
    assert found == [
        "assistant.yaml:4:9: the assistant: 'broken' must be 'error' or 'restart' or 'handoff', not a text"
    ]
    assert book(tmp_path, steps("- {say: Hi}"), header=HEADER + "broken: restart").assistant.broken == "restart"
