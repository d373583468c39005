"""The language as data agrees with itself."""

from __future__ import annotations

import pytest

from bot.flow import grammar, source
from bot.flow.grammar import Shape

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
