"""A flow's graph as Mermaid source, for documents and pages that draw it themselves."""

from __future__ import annotations

from collections.abc import Iterator

from bot.flow.drawing.words import shortened
from bot.flow.graph import Graph, Place

SHAPES = {
    "start": ("([", "])"),
    "say": ("(", ")"),
    "ask": ("[/", "/]"),
    "do": ("[", "]"),
    "set": (">", "]"),
    "when": ("{", "}"),
    "call": ("[[", "]]"),
    "become": ("[/", "\\]"),
    "agent": ("{{", "}}"),
    "wait": ("((", "))"),
    "handoff": ("[\\", "/]"),
    "end": ("([", "])"),
}


def mermaid(graph: Graph) -> str:
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "---"
    yield f"title: {_quoted(f'{graph.title} ({graph.flow}, version {graph.version})')}"
    yield "---"
    yield "flowchart TD"
    names = {place.id: f"n{at}" for at, place in enumerate(graph.places)}
    for place in graph.places:
        opening, closing = SHAPES[place.kind]
        yield f"  {names[place.id]}{opening}{_quoted('<br>'.join(map(_plain, _words(place))))}{closing}"
    for arrow in graph.arrows:
        line = "-.->" if arrow.way == "trouble" else "-->"
        label = f"|{_quoted(_plain(shortened(arrow.label, 40)))}|" if arrow.label else ""
        yield f"  {names[arrow.source]} {line}{label} {names[arrow.target]}"


def _words(place: Place) -> list[str]:
    verb = "" if place.kind in ("start", "when", "say") else f"{place.kind} "
    effect = f" ({place.effect})" if place.effect not in ("", "read") else ""
    title = [shortened(line, 60) for line in place.title.splitlines() or [place.id]]
    return [f"{verb}{title[0]}{effect}", *title[1:], *filter(None, [shortened(place.note, 60)])]


def _plain(words: str) -> str:
    """What Mermaid would read as markup is written as an entity."""
    for sign, entity in (("#", "#35;"), ("&", "#amp;"), ("<", "#lt;"), (">", "#gt;"), ('"', "#quot;")):
        words = words.replace(sign, entity)
    return words.replace("`", "'")


def _quoted(words: str) -> str:
    return f'"{words}"'
