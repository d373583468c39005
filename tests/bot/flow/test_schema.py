"""The JSON Schema for editors agrees with the reader: what it refuses, the reader refuses as well."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot.errors import FlowErrors
from bot.flow import grammar, source
from bot.flow.grammar import Shape
from bot.flow.read import read
from bot.flow.schema import FILES, Names, schema
from tests.bot.flow.script import project
from tests.faults.scale import PROPERTY_EXAMPLES

ROOT = Path(__file__).parents[3]
SHAPES = [*grammar.VERBS.values(), *grammar.SHAPES.values()]
FLOWS = Draft202012Validator(schema("flow"))


def documents(path: Path) -> list[Any]:
    return [node.plain for node in source.load(path, str(path)) if node.kind != "nothing"]


def shipped(pattern: str) -> list[Path]:
    return [path for folder in ("flows", "bench/desk/flows") for path in sorted((ROOT / folder).glob(pattern))]


@pytest.mark.parametrize("file", FILES)
def test_a_schema_is_a_schema(file: Any) -> None:
    Draft202012Validator.check_schema(schema(file))


@pytest.mark.parametrize("path", shipped("*.yaml"), ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_shipped_flow_is_valid(path: Path) -> None:
    validator = Draft202012Validator(schema("assistant" if path.stem == "assistant" else "flow"))
    assert [error.message for document in documents(path) for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("path", shipped("texts/*.yaml"), ids=lambda path: f"{path.parents[2].name}-{path.stem}")
def test_every_shipped_text_is_valid(path: Path) -> None:
    validator = Draft202012Validator(schema("texts"))
    assert [error.message for document in documents(path) for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("path", shipped("tests/*.yaml"), ids=lambda path: path.stem)
def test_every_shipped_conversation_test_is_valid(path: Path) -> None:
    validator = Draft202012Validator(schema("test"))
    assert [error.message for document in documents(path) for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_example_of_the_grammar_is_valid(shape: Shape) -> None:
    (node,) = source.parse(shape.example, "example")
    whole = schema("test" if shape.name in ("test", "line", "expect", "given") else "flow")
    if shape.name in ("assistant", "needs"):
        whole = schema("assistant")
    name = "step" if grammar.VERBS.get(shape.name) is shape else shape.name
    part = {"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]}
    assert [error.message for error in Draft202012Validator(part).iter_errors(node.plain)] == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_key_is_explained_to_who_writes_it(shape: Shape) -> None:
    found = {**schema("assistant")["$defs"], **schema("test")["$defs"], **schema("flow")["$defs"]}
    steps = {step["title"]: step for step in found["step"]["anyOf"]}
    made = steps[shape.name] if grammar.VERBS.get(shape.name) is shape else found[shape.name]
    assert {
        name: key.means in made["properties"][name]["description"] for key in shape.keys for name in [key.name]
    } == {key.name: True for key in shape.keys}


def test_names_of_a_project_are_proposed_and_others_not_refused() -> None:
    names = Names({"queue": ("returns", "service")})
    made = schema("flow", names)
    (handoff,) = (step for step in made["$defs"]["step"]["anyOf"] if step["title"] == "handoff")
    assert handoff["properties"]["handoff"]["anyOf"][0] == {"enum": ["returns", "service"]}
    assert Draft202012Validator(made).is_valid({"flow": "f", "steps": [{"handoff": "new_queue"}]})


# What is refused by both

BASE = """\
flow: f
version: 2
title: F
about: x
examples: [I want f]
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, {label: Other, value: other}], optional: true}
steps:
  - ask: order
    say: {text: Which?, quick: [{label: Help, command: /human}]}
    tries: 2
    always_ask: true
    check: [{if: order == "A-1", say: Not that.}]
    stuck: {handoff: returns, note: Stuck., priority: 2, after: end}
  - do: find
    with: {order: order}
    into: window
    retry: 1
    timeout: 10s
    fails: [{say: Oh.}]
  - ask: reason
    say: Why?
    default: '"other"'
  - when: reason
    switch: {damaged: [{say: {card: {title: Sorry, options: [{label: Go, start: f}]}}}], other: say_thanks}
    else: [{set: {reason: null}}]
  - {say: Thanks., id: say_thanks}
  - when: order == "A-1"
    then: [{goto: say_thanks}]
  - call: f
    with: {order: order}
    into: again
  - end: done
"""

MISTAKES = {
    "unknown key of the flow": ("about: x", "abuot: x"),
    "unknown key of a slot": ("optional: true", "optinal: true"),
    "unknown key of a step": ("tries: 2", "tires: 2"),
    "unknown key of an option": ("command: /human}", "comand: /human}"),
    "unknown key of a card": ("title: Sorry", "titel: Sorry"),
    "unknown key of a check": ('check: [{if: order == "A-1", say: Not that.}]', "check: [{if: true, sya: No.}]"),
    "unknown verb": ("- end: done", "- edn: done"),
    "two verbs": ("- end: done", "- {end: done, goto: ask_order}"),
    "no name": ("flow: f\n", ""),
    "no steps": (BASE[BASE.index("steps:") :], ""),
    "steps that are none": (BASE[BASE.index("steps:") :], "steps: hello\n"),
    "a step that is a text": ("- end: done", "- done"),
    "a version that is a text": ("version: 2", "version: two"),
    "a version out of bounds": ("version: 2", "version: 0"),
    "tries out of bounds": ("tries: 2", "tries: 21"),
    "tries that are a fraction": ("tries: 2", "tries: 1.5"),
    "truth that is a text": ("always_ask: true", "always_ask: 'yes'"),
    "a word that is not allowed": ("after: end", "after: later"),
    "a span that is none": ("timeout: 10s", "timeout: soon"),
    "slots that are a list": ("slots:\n  order: {type: order_id}", "slots: [order]\nx:\n  order: {type: order_id}"),
    "a slot that is a text": ("order: {type: order_id}", "order: order_id"),
    "a slot without type": ("order: {type: order_id}", "order: {pii: true}"),
    "a with that is a list": ("with: {order: order}\n    into: window", "with: [order]\n    into: window"),
    "a text that is a number": ("title: F", "title: 5"),
    "a text that is empty": ("say: Why?", "say: ''"),
    "examples that are one": ("examples: [I want f]", "examples: I want f"),
    "neither start nor command": ("{label: Go, start: f}", "{label: Go}"),
    "start and command": ("{label: Go, start: f}", "{label: Go, start: f, command: /human}"),
    "an option without label": ("{label: Go, start: f}", "{start: f}"),
    "then and switch": ("    else: [{set: {reason: null}}]", "    then: [{set: {reason: null}}]"),
    "a handoff to nobody": ("stuck: {handoff: returns, ", "stuck: {"),
}


def test_the_flow_to_be_spoilt_is_right(tmp_path: Path) -> None:
    (node,) = source.parse(BASE, "f")
    assert [error.message for error in FLOWS.iter_errors(node.plain)] == []
    read(project(tmp_path, BASE))


@pytest.mark.parametrize(("right", "wrong"), MISTAKES.values(), ids=MISTAKES.keys())
def test_schema_and_reader_refuse_the_same_mistakes(tmp_path: Path, right: str, wrong: str) -> None:
    assert BASE.count(right) == 1
    spoilt = BASE.replace(right, wrong)
    (node,) = source.parse(spoilt, "f")
    assert not FLOWS.is_valid(node.plain)
    with pytest.raises(FlowErrors):
        read(project(tmp_path, spoilt))


VALUES: list[Any] = [None, True, 7, -1, 2.5, "", "word", "10s", [], ["x"], {}, {"say": "x"}, {"en": "x"}, [[]], "yes"]


@pytest.mark.timeout(60 + PROPERTY_EXAMPLES)
@settings(max_examples=PROPERTY_EXAMPLES, deadline=None)
@given(st.data())
def test_what_the_schema_refuses_the_reader_refuses(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """So that nobody sees a red line in the editor under what would run."""
    (node,) = source.parse(BASE, "f")
    spoilt = copy.deepcopy(node.plain)
    holder, key = data.draw(st.sampled_from(list(places(spoilt))))
    match data.draw(st.sampled_from(["rename", "replace", "remove"])):
        case "rename" if isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["unheard_of", "say", "ask", "then"]))] = holder.pop(key)
        case "remove":
            del holder[key]
        case _:
            holder[key] = data.draw(st.sampled_from(VALUES))
    refused_by_schema = [error.message for error in FLOWS.iter_errors(spoilt)]
    folder = project(tmp_path_factory.mktemp("spoilt"), "flow: f\nsteps: [{say: x}]")
    (folder / "flows.yaml").write_text(written(spoilt))
    try:
        read(folder)
    except FlowErrors:
        return
    assert refused_by_schema == [], written(spoilt)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


def written(value: Any) -> str:
    return json.dumps(value)  # which is YAML as well
