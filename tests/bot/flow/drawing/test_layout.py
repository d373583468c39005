"""Where things stand in a drawing: nothing lies on anything else, whatever the graph."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flow.drawing.layout import Box, Layout, Line, lay_out
from tests.faults.scale import PROPERTY_EXAMPLES

BOXES = st.builds(Box, st.floats(20, 240), st.floats(20, 90))
LABELS = st.none() | st.builds(Box, st.floats(20, 120), st.just(18.0))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Line]]:
    """Each box can be reached from the first, as each step of a flow can."""
    boxes = draw(st.lists(BOXES, min_size=1, max_size=20))
    lines = [Line(draw(st.integers(0, at - 1)), at, draw(LABELS), draw(st.booleans())) for at in range(1, len(boxes))]
    ends = st.integers(0, len(boxes) - 1)
    return boxes, lines + draw(st.lists(st.builds(Line, ends, ends, LABELS), max_size=15))


@settings(max_examples=PROPERTY_EXAMPLES, deadline=None)
@given(graphs())
def test_no_box_and_no_label_lies_on_another(graph: tuple[list[Box], list[Line]]) -> None:
    boxes, lines = graph
    made = lay_out(boxes, lines)
    labels = [
        (route.label, line.label)
        for line, route in zip(lines, made.routes, strict=True)
        if route.label is not None and line.label is not None
    ]
    placed = [*zip(made.boxes, boxes, strict=True), *labels]
    assert [pair for pair in combinations(placed, 2) if overlap(*pair)] == []


@settings(max_examples=PROPERTY_EXAMPLES, deadline=None)
@given(graphs())
def test_every_line_joins_its_boxes_and_stays_in_the_picture(graph: tuple[list[Box], list[Line]]) -> None:
    boxes, lines = graph
    made = lay_out(boxes, lines)
    for line, route in zip(lines, made.routes, strict=True):
        for end, point in ((line.source, route.points[0]), (line.target, route.points[-1])):
            assert touches(made, boxes, end, point)
        if line.source != line.target:
            assert all(0 <= x <= made.width + 0.01 and 0 <= y <= made.height + 0.01 for x, y in route.points)
        assert (route.label is None) == (line.label is None or line.source == line.target)


@given(graphs())
def test_the_same_graph_is_drawn_the_same(graph: tuple[list[Box], list[Line]]) -> None:
    assert lay_out(*graph) == lay_out(*graph)


def test_what_follows_stands_straight_below() -> None:
    boxes = [Box(100, 30), Box(60, 40), Box(80, 30)]
    made = lay_out(boxes, [Line(0, 1, straight=True), Line(1, 2, straight=True)])
    assert [x for x, _ in made.boxes] == [50.0, 50.0, 50.0]
    assert made.boxes[0][1] < made.boxes[1][1] < made.boxes[2][1]


def overlap(one: tuple[tuple[float, float], Box], other: tuple[tuple[float, float], Box]) -> bool:
    ((x, y), box), ((other_x, other_y), other_box) = one, other
    return (
        abs(x - other_x) < (box.width + other_box.width) / 2 - 0.01
        and abs(y - other_y) < (box.height + other_box.height) / 2 - 0.01
    )


def touches(made: Layout, boxes: list[Box], box: int, point: tuple[float, float]) -> bool:
    (x, y), size = made.boxes[box], boxes[box]
    return abs(point[0] - x) <= size.width / 2 + 0.01 and abs(point[1] - y) <= size.height / 2 + 0.01
