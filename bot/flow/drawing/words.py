"""How wide words are and where they break, without a font at hand: estimates that rather leave room."""

from __future__ import annotations

import unicodedata

_NARROW, _BROAD = frozenset("iljtfrI.,:;'|![](){} "), frozenset("mwMW@%")


def width(words: str, size: float) -> float:
    return sum(map(_share, words)) * size


def _share(character: str) -> float:
    """Of the letter's height."""
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in _NARROW:
        return 0.34
    if character in _BROAD:
        return 0.92
    return 0.68 if character.isupper() else 0.58


def shortened(words: str, most: int) -> str:
    words = " ".join(words.split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def broken(words: str, size: float, widest: float, most: int) -> list[str]:
    """Lines of at most that width; the last ends in `…` when there is more."""
    lines: list[str] = []
    rest = words.split()
    while rest and len(lines) < most:
        line = rest.pop(0)
        while rest and width(f"{line} {rest[0]}", size) <= widest:
            line += f" {rest.pop(0)}"
        if len(lines) == most - 1 and rest:
            line += " …"
        lines.append(_cut(line, size, widest))
    return lines


def _cut(line: str, size: float, widest: float) -> str:
    if width(line, size) <= widest:
        return line
    line = line.removesuffix(" …")
    while line and width(f"{line}…", size) > widest:
        line = line[:-1]
    return f"{line.rstrip()}…"
