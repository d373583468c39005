"""One text, said in several ways: by channel, condition and weight, and by chance that can be repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import FlowErrors
from bot.flow.read import read
from tests.bot.flow.script import Talk, project, talk

FLOWS = """
flow: f
about: x
slots: {name: {type: text, optional: true}, more: {type: text}}
steps:
  - say: "@hello"
  - ask: more
    say: "@which"
"""
TEXTS = """
not_an_order: No order.
hello:
  - Hello.
  - Good day.
  - {text: "Hello {{ name }}.", if: name != null}
  - {text: Hi there., channel: telegram}
which: [Which one?, What is it?]
later: [After this., {text: After this one., channel: telegram}]
"""


@pytest.fixture
def hello(tmp_path: Path) -> Talk:
    return talk(tmp_path, FLOWS, texts={"en": TEXTS})


def test_the_way_for_just_this_case_is_taken(hello: Talk) -> None:
    assert hello.do("/start f name=Ann")[0] == "Hello Ann."
    assert Talk(hello.book, channel="telegram").do("/start f")[0] == "Hi there."


def test_the_others_are_shared_out_and_a_question_that_is_repeated_stays_as_it_was(hello: Talk) -> None:
    heard = set()
    for person in map(str, range(40)):
        one = Talk(hello.book, person=person)
        first, question = one.do("/start f")
        assert one.do("/chat") == [question]
        heard.add((first, question))
    assert {first for first, _ in heard} == {"Hello.", "Good day."}
    assert {question for _, question in heard} == {"Which one?", "What is it?"}


def test_what_the_program_says_has_ways_as_well(hello: Talk) -> None:
    hello.channel = "telegram"
    hello.do("/start f")
    flow = hello.book.texts.wording("later").words("en")
    assert [way.channel for way in flow.ways] == ["", "telegram"]


WRONG = {
    "no way that always fits": (
        "hello: [{text: Hi., channel: web}]",
        "texts/en.yaml:2:8: text 'hello' has no way that always fits: one without 'if' and 'channel'",
    ),
    "unknown key": ("hello: [{text: Hi., chanel: web}]", "texts/en.yaml:2:21: the variant has no key 'chanel'"),
    "no text": ("hello: [{channel: web}]", "texts/en.yaml:2:9: the variant lacks 'text'"),
    "condition": ("hello: [Hi., {text: Ho., if: 'name =='}]", "texts/en.yaml:2:30: condition 'name ==' cannot be read"),
    "weight": ("hello: [{text: Ho., weight: 0}]", "texts/en.yaml:2:29: the variant: 'weight' must be a whole number"),
    "unknown name in a condition": (
        "hello: [Hi., {text: Ho., if: nme != null}]",
        "flows.yaml:5:10: text 'hello' names 'nme', which is not declared; did you mean 'name'?",
    ),
    "name the program does not give": (
        "hello: Hi.\nlater: [Later., {text: Ho., if: name != null}]",
        "texts/en.yaml:3:33: 'name != null' names 'name', which is neither a slot nor a result",
    ),
    "no text but a list": ("hello: [[Hi.]]", "texts/en.yaml:2:9: text 'hello' must be a text, not a list"),
}


@pytest.mark.parametrize(("lines", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_way_is_refused_at_its_place(tmp_path: Path, lines: str, message: str) -> None:
    texts = {"en": f"not_an_order: No.\n{lines}\nwhich: Which?"}
    with pytest.raises(FlowErrors) as refused:
        read(project(tmp_path, FLOWS, texts=texts))
    found = [str(problem).removeprefix(f"{tmp_path}/") for problem in refused.value.problems]
    assert any(problem.startswith(message) for problem in found), found


def test_a_way_is_looked_for_in_the_nearest_language(tmp_path: Path) -> None:
    flows = "flow: f\nabout: x\ntitle: '@hi'\nsteps: [{say: '@hi'}]"
    texts = {"en": "not_an_order: No.\nhi: Hi", "fr": "not_an_order: Non.\nhi: Salut"}
    header = "assistant: Ada\nlanguages: [en, fr]\nqueues: [service]"
    book = read(project(tmp_path, flows, texts=texts, header=header))
    said = {tag: Talk(book, language=tag).do("/start f") for tag in ("fr-CA", "fr", "de", "en-GB")}
    assert said == {"fr-CA": ["Salut"], "fr": ["Salut"], "de": ["Hi"], "en-GB": ["Hi"]}
