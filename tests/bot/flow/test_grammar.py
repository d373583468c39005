"""The language as data agrees with itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from bot.flow import grammar, source
from bot.flow.grammar import Shape
from bot.flow.read import read
from tests.bot.flow.script import ACTIONS, project

SHAPES = [*grammar.VERBS.values(), *grammar.SHAPES.values()]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_an_example_has_the_keys_it_must_have_and_no_others(shape: Shape) -> None:
    (node,) = source.parse(shape.example, "example")
    required = {key.name for key in shape.keys if key.required}
    assert required <= set(node.pairs) <= set(shape.names)
    assert [group for group in shape.one_of if len(set(group) & set(node.pairs)) != 1] == []


@pytest.mark.parametrize("verb", grammar.VERBS)
def test_a_step_is_known_by_its_verb(verb: str) -> None:
    (node,) = source.parse(grammar.VERBS[verb].example, "example")
    assert grammar.verb_of(node.pairs) == verb


def test_what_keys_are_made_of_is_described_itself() -> None:
    made_of = {key.of for shape in SHAPES for key in shape.keys if key.kind in ("shape", "shapes")}
    assert made_of - grammar.SHAPES.keys() == set()


FLOWS = """
flow: all
about: Every verb.
slots:
  order: {type: text}
  reason: {type: choice, of: [damaged, changed_mind]}
  plan: {type: text}
  photo: {type: text}
steps:
  - {do: find_return_window, with: {order: order}, into: window}
  - {ask: order}
  - when: order == "never"
    then: [{end: stopped}]
STEP
---
flow: verify
slots: {order: {type: text}}
steps: [{say: Hi.}]
---
flow: complaint
slots: {order: {type: text}}
steps: [{say: Hi.}]
"""
TEXTS = "not_an_order: No.\nask_order: Which?\nask_photo: A photo?\nclosed_now: Closed."
MORE_ACTIONS = """

@action(effect="read")
async def find_return_window(order: str) -> dict[str, str]:
    return {}


@action(effect="read")
async def price_of(item: str) -> int:
    return 1


@action(effect="write")
async def open_return(order: str) -> str:
    return "R-1"
"""


@pytest.mark.parametrize("verb", grammar.VERBS)
def test_the_reader_takes_the_example_of_each_verb(tmp_path: Path, verb: str) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "return_policy.md").write_text("# Returns")
    step = "  - " + indent(grammar.VERBS[verb].example.strip(), "    ").strip()
    texts = {"en": TEXTS}
    assert read(project(tmp_path, FLOWS.replace("STEP", step), texts=texts, actions=ACTIONS + MORE_ACTIONS)).flows
