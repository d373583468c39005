"""A flow's graph as an SVG picture: a shape for each verb, readable in light and dark, told to screen readers.

It stands alone (no script, no font, no other file), and the same graph gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from bot.flow.drawing.layout import Box, Line, Route, lay_out
from bot.flow.drawing.words import broken, shortened, width
from bot.flow.graph import START, Arrow, Graph, Kind, Place

TITLE, NOTE, LABEL = 13.0, 11.5, 11.5
"""Letter heights."""
WIDEST = 210.0
"""Of the words in a box."""
MARGIN, HEAD = 24.0, 58.0

_COLOURS = {  # light, dark: line of the shape, its filling
    "start": (("#5b6472", "#f1f3f6"), ("#9aa5b4", "#20262f")),
    "say": (("#3467c9", "#eaf1fe"), ("#7aa7f5", "#17233a")),
    "ask": (("#7b49c4", "#f3ecfd"), ("#b594f0", "#271c3c")),
    "do": (("#0f7a5a", "#e5f6f0"), ("#4fc79f", "#0f2c24")),
    "set": (("#5b6472", "#f1f3f6"), ("#9aa5b4", "#20262f")),
    "when": (("#9a6a00", "#fdf4dd"), ("#e0b24a", "#33290f")),
    "call": (("#0b7285", "#e3f5f8"), ("#54c1d4", "#0e2b31")),
    "become": (("#0b7285", "#e3f5f8"), ("#54c1d4", "#0e2b31")),
    "agent": (("#b0267e", "#fdeaf6"), ("#ea82c4", "#37152b")),
    "wait": (("#5b6472", "#f1f3f6"), ("#9aa5b4", "#20262f")),
    "handoff": (("#c2410c", "#fdeee5"), ("#f59a68", "#3a2015")),
    "end": (("#5b6472", "#e3e7ed"), ("#9aa5b4", "#2b333f")),
}
_PADDING: dict[Kind, tuple[float, float]] = {
    "ask": (24.0, 9.0),
    "when": (30.0, 9.0),
    "handoff": (24.0, 9.0),
    "call": (22.0, 9.0),
    "become": (22.0, 9.0),
    "end": (18.0, 7.0),
    "start": (18.0, 8.0),
}
_USUAL_PADDING = (14.0, 9.0)


@dataclass(frozen=True, slots=True)
class _Card:
    """A place with its words broken into lines."""

    place: Place
    verb: str
    title: list[str]
    note: list[str]
    box: Box


def svg(graph: Graph) -> str:
    cards = [_card(place) for place in graph.places]
    at = {place.id: number for number, place in enumerate(graph.places)}
    lines = [
        Line(at[arrow.source], at[arrow.target], _label_box(arrow), straight=arrow.way == "main")
        for arrow in graph.arrows
    ]
    layout = lay_out([card.box for card in cards], lines)
    heading = shortened(f"{graph.title} · {graph.flow}, version {graph.version}", 90)
    wide = max(layout.width, width(heading, 15), width(shortened(graph.about, 110), NOTE)) + 2 * MARGIN
    shift = (wide - layout.width) / 2
    high = layout.height + HEAD + 2 * MARGIN
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" '
        f'viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide)}" height="{_n(high)}">',
        f'<title id="title">{escape(f"Flow {graph.title}")}</title>',
        f'<desc id="desc">{escape(describe(graph))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto" markerUnits="userSpaceOnUse"><path class="tip" d="M0 .5 7.5 4 0 7.5z"/></marker></defs>',
        f'<text class="heading" x="{_n(MARGIN)}" y="{_n(MARGIN + 12)}">{escape(heading)}</text>',
        f'<text class="about" x="{_n(MARGIN)}" y="{_n(MARGIN + 32)}">{escape(shortened(graph.about, 110))}</text>',
        f'<g transform="translate({_n(shift)} {_n(MARGIN + HEAD)})">',
        *(_line(arrow, route) for arrow, route in zip(graph.arrows, layout.routes, strict=True)),
        *(_drawn(card, x, y) for card, (x, y) in zip(cards, layout.boxes, strict=True)),
        *filter(None, (_label(arrow, route) for arrow, route in zip(graph.arrows, layout.routes, strict=True))),
        "</g>",
        "</svg>",
    ]
    return "\n".join(body) + "\n"


def describe(graph: Graph) -> str:
    """The graph in words, step by step."""
    names = {place.id: _name(place) for place in graph.places}
    sentences = [graph.about] if graph.about else []
    for place in graph.places:
        ways = [
            f"{f'{arrow.label}: ' if arrow.label else ''}{names[arrow.target]}"
            for arrow in graph.arrows
            if arrow.source == place.id
        ]
        sentences.append(f"{names[place.id]}; then {'; '.join(ways)}." if ways else f"{names[place.id]}.")
    return " ".join(sentences)


def _name(place: Place) -> str:
    if place.id == START:
        return "Start"
    words = shortened(place.title, 60)
    return f"{place.kind} {words}".strip()


# Boxes


def _card(place: Place) -> _Card:
    across, down = _PADDING.get(place.kind, _USUAL_PADDING)
    verb: str = "" if place.kind in ("start", "say", "when", "end") else place.kind
    if place.effect in ("write", "money"):
        verb += f" · {place.effect}"
    most = 3 if place.kind in ("say", "when") else 1
    title = [line for part in place.title.splitlines() for line in broken(part, TITLE, WIDEST, most)][:6]
    note = broken(place.note, NOTE, WIDEST, 2)
    widths = [width(verb, LABEL) + 6, *(width(line, TITLE) for line in title), *(width(line, NOTE) for line in note)]
    high = 14.0 * bool(verb) + 17.0 * len(title) + 15.0 * len(note)
    return _Card(place, verb, title, note, Box(max(54.0, max(widths) + 2 * across), max(24.0, high + 2 * down)))


def _drawn(card: _Card, x: float, y: float) -> str:
    place, box = card.place, card.box
    down = _PADDING.get(place.kind, _USUAL_PADDING)[1]
    top = y - box.height / 2 + down
    texts = []
    for look, step, lines in (
        ("verb", 14.0, [card.verb] if card.verb else []),
        ("words" if place.kind != "when" else "words code", 17.0, card.title),
        ("note", 15.0, card.note),
    ):
        for line in lines:
            top += step
            texts.append(f'<text class="{look}" x="{_n(x)}" y="{_n(top - 4)}">{escape(line)}</text>')
    whole = "\n".join(filter(None, [f"{place.kind} {place.title}", place.note]))
    return (
        f'<g class="place {place.kind}" data-step={quoteattr(place.id)}><title>{escape(whole)}</title>'
        f"{_shape(place.kind, x, y, box)}{''.join(texts)}</g>"
    )


def _shape(kind: Kind, x: float, y: float, box: Box) -> str:
    left, right, top, bottom = x - box.width / 2, x + box.width / 2, y - box.height / 2, y + box.height / 2
    match kind:
        case "ask":
            return _polygon((left + 12, top), (right, top), (right - 12, bottom), (left, bottom))
        case "when":
            return _polygon(
                (left, y), (left + 16, top), (right - 16, top), (right, y), (right - 16, bottom), (left + 16, bottom)
            )
        case "handoff":
            return _polygon((left, top), (right, top), (right - 14, bottom), (left + 14, bottom))
        case "set":
            cut = 9
            return _polygon(
                (left + cut, top),
                (right, top),
                (right, bottom - cut),
                (right - cut, bottom),
                (left, bottom),
                (left, top + cut),
            )
        case "call" | "become":
            bars = "".join(f'<path d="M{_n(bar)} {_n(top)}V{_n(bottom)}"/>' for bar in (left + 7, right - 7))
            return _rectangle(left, top, box, 0) + bars
        case "do" | "agent":
            return _rectangle(left, top, box, 0)
        case "say":
            tail = f'<path d="M{_n(left + 1)} {_n(bottom - 12)}V{_n(bottom + 5)}L{_n(left + 14)} {_n(bottom)}"/>'
            return _rectangle(left, top, box, 10) + tail
        case _:
            return _rectangle(left, top, box, box.height / 2)


def _rectangle(left: float, top: float, box: Box, round_by: float) -> str:
    corner = f' rx="{_n(round_by)}"' if round_by else ""
    return f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(box.width)}" height="{_n(box.height)}"{corner}/>'


def _polygon(*points: tuple[float, float]) -> str:
    return f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in points)}"/>'


# Lines


def _label_box(arrow: Arrow) -> Box | None:
    return Box(width(shortened(arrow.label, 30), LABEL) + 10, 18.0) if arrow.label else None


def _line(arrow: Arrow, route: Route) -> str:
    kind = f"line {arrow.way}{' back' if route.back else ''}"
    return f'<path class="{kind}" d="{_curve(route.points)}" marker-end="url(#tip)"/>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    x, y = points[0]
    drawn = [f"M{_n(x)} {_n(y)}"]
    for next_x, next_y in points[1:]:
        if (next_x, next_y) == (x, y):
            continue
        if next_y == y or abs(next_x - x) < 0.5:
            drawn.append(f"L{_n(next_x)} {_n(next_y)}")
        else:
            half = (y + next_y) / 2
            drawn.append(f"C{_n(x)} {_n(half)} {_n(next_x)} {_n(half)} {_n(next_x)} {_n(next_y)}")
        x, y = next_x, next_y
    return "".join(drawn)


def _label(arrow: Arrow, route: Route) -> str:
    if not arrow.label or route.label is None:
        return ""
    x, y = route.label
    words = shortened(arrow.label, 30)
    wide = width(words, LABEL) + 8
    return (
        f'<g class="label {arrow.way}">'
        f'<rect x="{_n(x - wide / 2)}" y="{_n(y - 8)}" width="{_n(wide)}" height="16" rx="4"/>'
        f'<text x="{_n(x)}" y="{_n(y + 4)}">{escape(words)}</text></g>'
    )


# Looks


def _style() -> str:
    light = "".join(f"--{kind}:{line};--{kind}-in:{fill};" for kind, ((line, fill), _) in _COLOURS.items())
    dark = "".join(f"--{kind}:{line};--{kind}-in:{fill};" for kind, (_, (line, fill)) in _COLOURS.items())
    return "\n".join(
        [
            f"svg{{--paper:#fff;--ink:#1c2330;--soft:#5b6472;--line:#7c8796;--trouble:#b42318;{light}}}",
            "@media (prefers-color-scheme:dark){svg{--paper:#11151b;--ink:#e8ecf2;--soft:#a3adba;--line:#7f8b9b;"
            f"--trouble:#f08a80;{dark}}}}}",
            "text{font:13px system-ui,sans-serif;fill:var(--ink);text-anchor:middle}",
            ".paper{fill:var(--paper)}.tip{fill:var(--line)}",
            ".heading{font-size:15px;font-weight:600;text-anchor:start}",
            ".about{font-size:11.5px;fill:var(--soft);text-anchor:start}",
            ".line{fill:none;stroke:var(--line);stroke-width:1.4}",
            ".line.trouble{stroke:var(--trouble);stroke-dasharray:5 4}",
            ".line.back{stroke-dasharray:2 3}",
            ".place rect,.place polygon,.place path{stroke-width:1.4}",
            ".verb{font-size:10.5px;letter-spacing:.04em;fill:var(--soft)}.note{font-size:11.5px;fill:var(--soft)}",
            ".words{font-weight:500}.code{font-family:ui-monospace,monospace;font-size:12px}",
            ".label rect{fill:var(--paper)}.label text{font-size:11.5px;fill:var(--soft)}",
            ".label.trouble text{fill:var(--trouble)}",
            *(
                f".{kind} rect,.{kind} polygon,.{kind} path{{stroke:var(--{kind});fill:var(--{kind}-in)}}"
                for kind in _COLOURS
            ),
        ]
    )


def _n(number: float) -> str:
    """Without needless digits, so that equal drawings are equal bytes."""
    return f"{round(number, 1):g}" if abs(number) < 100_000 else f"{round(number)}"
