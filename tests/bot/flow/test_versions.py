"""Two versions of a flow compared: where a conversation that stands in one goes on in the other."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.flow import steps as s
from bot.flow.book import Flow, Kept
from bot.flow.read import read
from bot.flow.structure import StepStructure, Structure
from bot.flow.versions import Place, place
from bot.model import Frame, Moved
from tests.bot.flow.script import book

SHOP = Path(__file__).parents[3] / "flows"
NAMES = tuple("abcdefgh")


@cache
def some_flow() -> Flow:
    return read(SHOP).flows["return_item"]


def flow_of(structure: Structure, migrate: dict[str, str] | None = None) -> Flow:
    return dataclasses.replace(
        some_flow(), name="f", version=f"2.{structure.digest}", structure=structure, migrate=migrate
    )


def step(verb: str = "say", subject: str = "", rest: str = "", **links: str) -> StepStructure:
    reads = (subject,) if verb == "do" else ()
    return StepStructure(verb=verb, subject=subject, rest=rest, reads=reads, writes=(), links=links)


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    """Lines of steps that lead on, or back."""
    names = NAMES[: draw(st.integers(2, len(NAMES)))]
    steps: dict[str, StepStructure] = {}
    for at, name in enumerate(names[:-1]):
        links = {"next": names[at + 1]}
        verb = draw(st.sampled_from(["ask", "say", "when", "do", "call", "handoff"]))
        if verb == "when":
            links["then"] = draw(st.sampled_from(names))
        steps[name] = step(
            verb,
            draw(st.sampled_from(["x", "y"])) if verb in ("ask", "do", "call") else "",
            draw(st.sampled_from(["", "1"])),
            **links,
        )
    steps[names[-1]] = step("end")
    types = {name: draw(st.sampled_from(["text", "date"])) for name in ("x", "y")}
    return Structure(first=names[0], slots=types, types=types, steps=steps)


@st.composite
def frames(draw: st.DrawFn, structure: Structure) -> Frame:
    """What has passed some of the steps, in any order."""
    passed = draw(st.lists(st.sampled_from(sorted(structure.steps)), min_size=1, max_size=6))
    done = [name for name in passed if structure.steps[name].verb == "do"]
    effects = tuple(draw(st.lists(st.sampled_from(done), max_size=2))) if done else ()
    slots = dict.fromkeys(draw(st.lists(st.sampled_from(["x", "y"]), max_size=2)), "1")
    read = tuple((name, structure.steps[name].reads) for name in passed)
    return Frame(1, "f", "1.old", step=passed[-1], read=read, effects=effects, slots=dict(slots))


def kept_as(structure: Structure, *, is_newer: bool = False, can_be_read: bool = True) -> Kept:
    flow = flow_of(structure) if can_be_read else None
    return Kept(structure=structure, flow=flow, why="" if can_be_read else "no more", is_newer=is_newer)


def renamed(structure: Structure, names: dict[str, str]) -> Structure:
    steps = {
        names[name]: replace(each, links={way: names[to] for way, to in each.links.items()})
        for name, each in structure.steps.items()
    }
    return replace(structure, first=names[structure.first], steps=steps)


@given(st.data(), structures())
def test_where_nothing_changed_everybody_moves_and_nothing_is_renamed(data: st.DataObject, was: Structure) -> None:
    frame, flow = data.draw(frames(was)), flow_of(was)
    assert place(frame, kept_as(was), flow) == Place(kind="same", move=Moved(1, flow.version, frame.step))


@given(st.data(), structures())
def test_other_names_alone_are_no_change(data: st.DataObject, was: Structure) -> None:
    frame = data.draw(frames(was))
    order = data.draw(st.permutations(sorted(was.steps)))
    new = renamed(was, {name: f"{n}_new" for n, name in enumerate(order)})
    found = place(frame, kept_as(was), flow_of(new))
    assert found.kind == "same"
    assert found.move is not None
    assert onward(new, found.move.step) == onward(was, frame.step)


@given(st.data(), structures(), structures())
def test_who_moves_has_before_it_what_it_had_before(data: st.DataObject, was: Structure, new: Structure) -> None:
    """And stands, like all that it remembers, at steps of the new version; an action that ran is never forgotten."""
    frame = data.draw(frames(was))
    migrate = data.draw(st.none() | st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(new.steps))))
    found = place(frame, kept_as(was), flow_of(new, migrate), has_called=data.draw(st.booleans()))
    assert found.kind in ("same", "mapped", "kept")
    assert found.kind != "mapped" or migrate is not None
    if found.move is None:
        assert found.why
        return
    move = found.move
    assert move.step in new.steps
    if found.kind == "same":
        assert onward(new, move.step) == onward(was, frame.step)
    assert all(move.steps.get(name, name) for name in frame.effects)
    remembered = {move.steps.get(name, name) for name, _ in frame.read if name not in frame.effects} - {""}
    assert remembered <= new.steps.keys()


@given(st.data(), structures(), structures())
def test_what_cannot_be_read_any_more_is_never_kept(data: st.DataObject, was: Structure, new: Structure) -> None:
    frame = data.draw(frames(was))
    readable = place(frame, kept_as(was), flow_of(new))
    found = place(frame, kept_as(was, can_be_read=False), flow_of(new))
    assert (found.kind == "broken") == (readable.kind == "kept")
    assert found.kind == readable.kind or found.why.endswith("its old version can no longer be read: no more")


@given(st.data(), structures(), structures())
def test_nobody_goes_back_to_what_another_process_has_replaced(
    data: st.DataObject, was: Structure, new: Structure
) -> None:
    frame = data.draw(frames(was))
    assert place(frame, kept_as(was, is_newer=True), flow_of(new, {})).kind == "kept"


def onward(structure: Structure, start: str) -> list[tuple[str, str, str, tuple[tuple[str, int], ...]]]:
    """All that can come from a step on, with the steps numbered as they are met."""
    order = {start: 0}
    todo = [start]
    found: list[tuple[str, str, str, tuple[tuple[str, int], ...]]] = []
    for name in todo:
        here = structure.steps[name]
        for target in here.links.values():
            if target not in order:
                order[target] = len(order)
                todo.append(target)
        found.append((here.verb, here.subject, here.rest, tuple((way, order[to]) for way, to in here.links.items())))
    return found


def test_what_was_never_published_is_broken() -> None:
    assert place(Frame(1, "f", "1.gone"), None, some_flow()).kind == "broken"


EVERYTHING = """
flow: f
about: x
slots: {order: {type: order_id, pii: true}, kind: {type: choice, of: [a, b]}}
steps:
  - {ask: order, say: Which?, stuck: {handoff: returns}}
  - {ask: kind, say: "@not_an_order", check: [{if: kind == "b", say: No.}]}
  - when: kind
    switch: {a: [{say: A.}], b: [{goto: last}]}
  - {do: book_it, with: {order: order}, fails: [{end: sorry}]}
  - {call: g, with: {size: 3}, into: sized}
  - {set: {kind: '"a"'}}
  - {agent: Find out., fills: [kind], stuck: last}
  - {handoff: returns, nobody: last}
  - {wait: {for: 1h}}
  - {id: last, say: {text: Bye., quick: [{label: Again, start: f}]}}
---
flow: g
slots: {size: {type: integer}}
steps: [{ask: size, say: How large?}]
"""


def test_the_links_of_a_step_are_all_that_it_can_lead_to(tmp_path: Path) -> None:
    flows = [*read(SHOP).flows.values(), *book(tmp_path, EVERYTHING).flows.values()]
    for flow in flows:
        for name, each in flow.steps.items():
            assert {*flow.structure.steps[name].links.values()} == {*s.successors(each)}, name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("say: Which?", "say: Which one?"),
        ("pii: true", "pii: false"),
        ("label: Again", "label: Once more"),
        ("about: x", "about: y"),
        ("say: No.", "say: Never."),
        ("agent: Find out.", "agent: Ask kindly."),
    ],
)
def test_words_are_no_structure(tmp_path: Path, old: str, new: str) -> None:
    before = book(tmp_path, EVERYTHING).flows["f"]
    assert book(tmp_path, EVERYTHING.replace(old, new)).flows["f"].version == before.version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("of: [a, b]", "of: [a, b, c]"),
        ('if: kind == "b"', 'if: kind == "a"'),
        ("handoff: returns", "handoff: service"),
        ("say: A.", "say: 'A {{ order }}'"),
        ("end: sorry", "end: gone"),
        ("size: 3", "size: 4"),
        ("start: f", "start: g"),
        ("order_id,", "text,"),
        ("stuck: {handoff: returns}", "tries: 2"),
    ],
)
def test_all_else_is(tmp_path: Path, old: str, new: str) -> None:
    before = book(tmp_path, EVERYTHING).flows["f"]
    after = book(tmp_path, EVERYTHING.replace(old, new)).flows["f"]
    assert (after.version == before.version, after.number) == (False, before.number)
