"""Puts boxes on layers, from top to bottom, so that few lines cross and most run straight. Pure and repeatable.

The usual four steps (Sugiyama): turn lines that lead back, put each box one layer below all that lead to it, order the
layers by where their neighbours stand, then give places. A line that passes a layer has a lane of its own there, as
wide as its label where it carries one: nothing is drawn over anything else.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

BETWEEN, LAYER_GAP = 28.0, 26.0
"""Between two boxes of a layer, and between two layers."""
LANE_GAP = 16.0
_SWEEPS, _PULLS = 12, 24


@dataclass(frozen=True, slots=True)
class Box:
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """From one box to another; with a label, a box for it stands on the way."""

    source: int
    target: int
    label: Box | None = None
    straight: bool = False
    """Rather straight than others."""


@dataclass(frozen=True, slots=True)
class Route:
    """Points of a line in the direction of its arrow; between two of them it bends, or runs straight down."""

    points: tuple[tuple[float, float], ...]
    label: tuple[float, float] | None
    """Its middle."""
    back: bool
    """It leads upwards."""


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    height: float
    boxes: tuple[tuple[float, float], ...]
    """Middles, in the order given."""
    routes: tuple[Route, ...]


@dataclass(slots=True)
class _Piece:
    """A box, or the place of a line in a layer."""

    width: float
    height: float
    layer: int
    is_lane: bool = False
    x: float = 0.0


@dataclass(slots=True)
class _Net:
    pieces: list[_Piece]
    above: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    below: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    """Neighbours in the next layer, each with how strongly it pulls."""

    def join(self, upper: int, lower: int, weight: float) -> None:
        self.below[upper].append((lower, weight))
        self.above[lower].append((upper, weight))


def lay_out(boxes: Sequence[Box], lines: Sequence[Line]) -> Layout:
    """The first box stands on top."""
    turned = _leading_back(len(boxes), lines)
    layers_of = _layers(len(boxes), lines, turned)
    net = _Net([_Piece(box.width, box.height, layers_of[at]) for at, box in enumerate(boxes)])
    chains = [_chain(net, line, turned=at in turned) for at, line in enumerate(lines)]
    layers: list[list[int]] = [[] for _ in range(max(piece.layer for piece in net.pieces) + 1)]
    for at, piece in enumerate(net.pieces):
        layers[piece.layer].append(at)
    layers = _ordered(net, layers)
    _place(net, layers)
    return _drawn(net, layers, len(boxes), lines, chains, turned)


def _leading_back(count: int, lines: Sequence[Line]) -> set[int]:
    """Lines that close a circle, found by walking from the first box."""
    onward: dict[int, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        onward[line.source].append(at)
    state = [0] * count  # 1: on the way, 2: done
    back = set[int]()
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        walk = [(start, iter(onward[start]))]
        while walk:
            box, rest = walk[-1]
            at = next(rest, -1)
            if at < 0:
                state[box] = 2
                walk.pop()
                continue
            target = lines[at].target
            if state[target] == 1:
                back.add(at)
            elif state[target] == 0:
                state[target] = 1
                walk.append((target, iter(onward[target])))
    return back


def _layers(count: int, lines: Sequence[Line], turned: set[int]) -> list[int]:
    """The longest way from the top; a label takes a layer of its own."""
    onward: dict[int, list[tuple[int, int]]] = defaultdict(list)
    waiting = [0] * count
    for at, line in enumerate(lines):
        if line.source == line.target:
            continue
        upper, lower = (line.target, line.source) if at in turned else (line.source, line.target)
        onward[upper].append((lower, 2 if line.label else 1))
        waiting[lower] += 1
    layer, ready = [0] * count, [box for box in range(count) if not waiting[box]]
    for box in ready:
        for lower, length in onward[box]:
            layer[lower] = max(layer[lower], layer[box] + length)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return layer


def _chain(net: _Net, line: Line, *, turned: bool) -> list[int]:
    """The line's places in the layers it passes, from upper to lower; joins them all."""
    if line.source == line.target:
        return []
    upper, lower = (line.target, line.source) if turned else (line.source, line.target)
    first, last = net.pieces[upper].layer, net.pieces[lower].layer
    at_label = last - 1 if turned else first + 1
    chain = []
    for layer in range(first + 1, last):
        label = line.label if layer == at_label else None
        net.pieces.append(_Piece(label.width if label else 2.0, label.height if label else 0.0, layer, is_lane=True))
        chain.append(len(net.pieces) - 1)
    ends = [upper, *chain, lower]
    for one, other in pairwise(ends):
        lanes = net.pieces[one].is_lane + net.pieces[other].is_lane
        net.join(one, other, (1.0, 1.0, 2.0)[lanes] * (8.0 if line.straight else 0.25 if turned else 1.0))
    return chain


def _ordered(net: _Net, layers: list[list[int]]) -> list[list[int]]:
    """By the middle of their neighbours, down and up in turns; the order with the fewest crossings stays."""
    best, fewest = layers, _crossings(net, layers)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        layers = [list(layer) for layer in layers]
        down = sweep % 2 == 0
        near = net.above if down else net.below
        for layer in layers[1:] if down else layers[-2::-1]:
            place = {piece: at for other in layers for at, piece in enumerate(other)}
            wish = {piece: _middle([place[n] for n, _ in near[piece]], place[piece]) for piece in layer}
            layer.sort(key=wish.__getitem__)
        crossings = _crossings(net, layers)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _middle(places: Sequence[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(net: _Net, layers: Iterable[Sequence[int]]) -> int:
    place = {piece: at for layer in layers for at, piece in enumerate(layer)}
    found = 0
    for layer in layers:
        passed: list[int] = []
        for piece in layer:
            ends = sorted(place[lower] for lower, _ in net.below[piece])
            found += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return found


def _place(net: _Net, layers: Sequence[Sequence[int]]) -> None:
    """Each as near to its neighbours as those beside it allow."""
    for layer in layers:
        _settle(net, layer, dict.fromkeys(layer, 0.0), {})
    for pull in range(_PULLS):
        last = pull >= _PULLS - 4
        for layer in layers if pull % 2 == 0 else reversed(layers):
            near = {
                piece: (net.above[piece] + net.below[piece]) if last else (net.above, net.below)[pull % 2][piece]
                for piece in layer
            }
            wishes = {
                piece: sum(net.pieces[n].x * weight for n, weight in around) / sum(weight for _, weight in around)
                for piece, around in near.items()
                if around
            }
            weights = {piece: sum(weight for _, weight in around) for piece, around in near.items() if around}
            _settle(net, layer, {piece: wishes.get(piece, net.pieces[piece].x) for piece in layer}, weights)
    _straighten(net, layers)


def _straighten(net: _Net, layers: Sequence[Sequence[int]]) -> None:
    """Pieces that belong under one another stand exactly so, as far as those beside them leave room."""
    beside = {piece: (before, after) for layer in layers for before, piece, after in _with_neighbours(layer)}
    for run in sorted(_runs(net, layers), key=len, reverse=True) * 3:
        rest = run
        while rest:
            least, most, many = -1e9, 1e9, 0
            for piece in rest:
                before, after = beside[piece]
                low = net.pieces[before].x + _distance(net.pieces[before], net.pieces[piece]) if before >= 0 else -1e9
                high = net.pieces[after].x - _distance(net.pieces[piece], net.pieces[after]) if after >= 0 else 1e9
                if max(least, low) > min(most, high):
                    break
                least, most, many = max(least, low), min(most, high), many + 1
            together, rest = rest[: max(many, 1)], rest[max(many, 1) :]
            if many:
                mean = sum(net.pieces[piece].x for piece in together) / many
                for piece in together:
                    net.pieces[piece].x = min(max(mean, least), most)


def _with_neighbours(layer: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    """-1 where there is none."""
    return zip([-1, *layer[:-1]], layer, [*layer[1:], -1], strict=True)


def _runs(net: _Net, layers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Pieces below one another, each bound to the next more strongly than to any other."""
    found: list[list[int]] = []
    taken = set[int]()
    for layer in layers:
        for piece in layer:
            if piece in taken:
                continue
            run = [piece]
            while (lower := _strongest(net.below[run[-1]])) >= 0 and _strongest(net.above[lower]) == run[-1]:
                run.append(lower)
            taken.update(run)
            if len(run) > 1:
                found.append(run)
    return found


def _strongest(near: Sequence[tuple[int, float]]) -> int:
    """-1 where none is, or two pull alike."""
    best = max((weight for _, weight in near), default=0.0)
    strong = [piece for piece, weight in near if weight == best]
    return strong[0] if len(strong) == 1 else -1


def _settle(net: _Net, layer: Sequence[int], wishes: Mapping[int, float], weights: Mapping[int, float]) -> None:
    """The places nearest to the wishes that keep order and distance: neighbours that would collide move as one."""
    offsets, at = [], 0.0
    for before, piece in zip([None, *layer], layer, strict=False):
        if before is not None:
            at += _distance(net.pieces[before], net.pieces[piece])
        offsets.append(at)
    groups: list[tuple[float, float, int]] = []  # wish, weight, pieces
    for piece, offset in zip(layer, offsets, strict=True):
        group = (wishes[piece] - offset, weights.get(piece, 0.1), 1)
        while groups and groups[-1][0] > group[0]:
            wish, weight, many = groups.pop()
            total = weight + group[1]
            group = ((wish * weight + group[0] * group[1]) / total, total, many + group[2])
        groups.append(group)
    settled = (wish for wish, _, many in groups for _ in range(many))
    for piece, offset, wish in zip(layer, offsets, settled, strict=True):
        net.pieces[piece].x = wish + offset


def _distance(one: _Piece, other: _Piece) -> float:
    gap = LANE_GAP if one.is_lane or other.is_lane else BETWEEN
    return (one.width + other.width) / 2 + gap


def _drawn(
    net: _Net,
    layers: Sequence[Sequence[int]],
    count: int,
    lines: Sequence[Line],
    chains: Sequence[Sequence[int]],
    turned: set[int],
) -> Layout:
    left = min(piece.x - piece.width / 2 for piece in net.pieces)
    right = max(piece.x + piece.width / 2 for piece in net.pieces)
    tops, heights, y = [], [], 0.0
    for layer in layers:
        height = max(net.pieces[piece].height for piece in layer)
        tops.append(y)
        heights.append(height)
        y += height + LAYER_GAP
    middles = [tops[at] + heights[at] / 2 for at in range(len(layers))]

    def edge(box: int, side: int) -> tuple[float, float]:
        piece = net.pieces[box]
        return piece.x - left, middles[piece.layer] + side * piece.height / 2

    routes = []
    for at, (line, chain) in enumerate(zip(lines, chains, strict=True)):
        if line.source == line.target:
            routes.append(_beside(edge(line.source, 0), net.pieces[line.source]))
            continue
        back = at in turned
        upper, lower = (line.target, line.source) if back else (line.source, line.target)
        aside = [_towards(net, end, near) if back else 0.0 for end, near in _ends(upper, chain, lower)]
        begin, end = _moved(edge(upper, 1), aside[0]), _moved(edge(lower, -1), aside[1])
        points = [begin, (begin[0], tops[net.pieces[upper].layer] + heights[net.pieces[upper].layer])]
        label = None
        for lane in chain:
            piece = net.pieces[lane]
            top, height = tops[piece.layer], heights[piece.layer]
            points += [(piece.x - left, top), (piece.x - left, top + height)]
            if piece.height:
                label = (piece.x - left, middles[piece.layer])
        points += [(end[0], tops[net.pieces[lower].layer]), end]
        routes.append(Route(tuple(reversed(points) if back else points), label, back))
    boxes = tuple((net.pieces[at].x - left, middles[net.pieces[at].layer]) for at in range(count))
    return Layout(right - left, y - LAYER_GAP, boxes, tuple(routes))


def _ends(upper: int, chain: Sequence[int], lower: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Each end of a line, with the piece next to it."""
    return (upper, chain[0] if chain else lower), (lower, chain[-1] if chain else upper)


def _towards(net: _Net, box: int, near: int) -> float:
    """How far from the middle a line that leads back leaves: the middle is for those that lead on."""
    room = net.pieces[box].width / 2 - 18
    return room if net.pieces[near].x >= net.pieces[box].x else -room


def _moved(point: tuple[float, float], by: float) -> tuple[float, float]:
    return point[0] + by, point[1]


def _beside(middle: tuple[float, float], piece: _Piece) -> Route:
    """From a box to itself."""
    x, y = middle[0] + piece.width / 2, middle[1]
    return Route(((x, y - 8), (x + BETWEEN / 2, y - 8), (x + BETWEEN / 2, y + 8), (x, y + 8)), None, back=True)
