"""A flow as Mermaid and as SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import get_args

import pytest

from bot.flow.drawing import mermaid as as_mermaid
from bot.flow.drawing.mermaid import mermaid
from bot.flow.drawing.svg import describe, svg
from bot.flow.graph import START, Graph, Kind, graph
from bot.flow.read import read
from tests.bot.flow.script import book

FLOW = """
flow: f
title: Send <it> "back" & forth
about: A customer's wish.
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, other]}
steps:
  - ask: order
    say: "**Which** order, {{ customer.name }}?"
    stuck: {handoff: returns, note: "No order."}
  - do: find
    with: {order: order}
    into: window
    fails: [{say: Oh.}]
  - when: window.days < 0
    then: [{set: {order: null}}, {goto: ask_order}]
  - when: reason
    switch:
      damaged: [{do: book_it, with: {order: order}}]
      other: [{call: f}]
  - end: refused
"""
SVG = "{http://www.w3.org/2000/svg}"


def made(folder: Path) -> Graph:
    read_book = book(folder, FLOW)
    return graph(read_book, read_book.flows["f"])


def test_each_step_is_a_place_and_each_way_an_arrow(tmp_path: Path) -> None:
    drawn = made(tmp_path)
    assert {place.id: (place.kind, place.title, place.note) for place in drawn.places} == {
        START: ("start", 'Send <it> "back" & forth', ""),
        "ask_order": ("ask", "order", "Which order, {customer.name}?"),
        "do_find": ("do", "find", "gives window"),
        "handoff_1": ("handoff", "returns", "No order."),
        "when_1": ("when", "window.days < 0", ""),
        "say_1": ("say", "Oh.", ""),
        "set_1": ("set", "order = null", ""),
        "when_2": ("when", "reason", ""),
        "do_book_it": ("do", "book_it", ""),
        "call_f": ("call", "f", ""),
        "end_1": ("end", "refused", ""),
    }
    assert {(arrow.source, arrow.target, arrow.label, arrow.way) for arrow in drawn.arrows} == {
        (START, "ask_order", "", "main"),
        ("ask_order", "do_find", "", "main"),
        ("ask_order", "handoff_1", "after 3 tries", "trouble"),
        ("do_find", "when_1", "", "main"),
        ("do_find", "say_1", "fails", "trouble"),
        ("when_1", "set_1", "yes", "branch"),
        ("when_1", "when_2", "no", "branch"),
        ("set_1", "ask_order", "", "main"),
        ("when_2", "do_book_it", "damaged", "branch"),
        ("when_2", "call_f", "other", "branch"),
        ("when_2", "end_1", "else", "branch"),
        ("do_book_it", "end_1", "", "main"),
        ("call_f", "end_1", "", "main"),
    }


def test_mermaid_names_every_place_and_escapes_what_it_would_read(tmp_path: Path) -> None:
    drawn = made(tmp_path)
    lines = mermaid(drawn).splitlines()
    assert lines[3] == "flowchart TD"
    assert '  n0(["Send #lt;it#gt; #quot;back#quot; #amp; forth"])' in lines
    assert '  n4{"window.days #lt; 0"}' in lines
    assert '  n1 -.->|"after 3 tries"| n3' in lines
    assert len(lines) == 4 + len(drawn.places) + len(drawn.arrows)


def test_the_picture_is_well_formed_and_has_every_step(tmp_path: Path) -> None:
    drawn = made(tmp_path)
    picture = ET.fromstring(svg(drawn))
    assert [group.get("data-step") for group in picture.iter(f"{SVG}g") if group.get("data-step")] == [
        place.id for place in drawn.places
    ]
    lines = [path for path in picture.iter(f"{SVG}path") if (path.get("class") or "").startswith("line")]
    assert len(lines) == len(drawn.arrows)
    words = " ".join(element.text or "" for element in picture.iter(f"{SVG}text"))
    assert all(label in words for label in ("yes", "no", "damaged", "after 3 tries", "fails", "refused"))


def test_the_picture_tells_itself_to_those_who_do_not_see_it(tmp_path: Path) -> None:
    drawn = made(tmp_path)
    picture = ET.fromstring(svg(drawn))
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby") == "title desc"
    assert [element.get("id") for element in picture][:2] == ["title", "desc"]
    told = describe(drawn)
    assert "ask order; then do find; after 3 tries: handoff returns." in told
    assert told in (element.text for element in picture)


def test_the_picture_stands_alone_in_light_and_dark(tmp_path: Path) -> None:
    picture = svg(made(tmp_path))
    assert "@media (prefers-color-scheme:dark)" in picture
    assert re.findall(r"<script|<image|<foreignObject|@import|https?://(?!www\.w3\.org/2000/svg)", picture) == []


def test_the_same_flow_gives_the_same_bytes(tmp_path: Path) -> None:
    assert svg(made(tmp_path)) == svg(made(tmp_path))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_place_has_a_shape_of_its_own(kind: Kind) -> None:
    shapes = as_mermaid.SHAPES
    alike = [other for other, shape in shapes.items() if shape == shapes[kind] and other != kind]
    assert alike in ([], ["start"], ["end"])


@pytest.mark.parametrize("name", ["track_order", "return_item", "change_address", "opening_hours"])
def test_the_shop_s_flows_can_be_drawn(name: str) -> None:
    shop = read(Path(__file__).parents[4] / "flows")
    drawn = graph(shop, shop.flows[name])
    assert ET.fromstring(svg(drawn)).tag == f"{SVG}svg"
    reached = {arrow.target for arrow in drawn.arrows} | {START}
    assert reached == {place.id for place in drawn.places}
