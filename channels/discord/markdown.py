"""A text as Discord's markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.model import Mark, Span

_ESCAPED = re.compile(r"()([\\*_~`|<>\[\]])|^([ \t]*)([#+-])", re.MULTILINE)
_ADDRESS = re.compile(r"(https?://[^\s<>]+)")
_SEAM = "\u200b"
"""Between two runs of another look: their signs would be read as one."""
_AROUND: dict[Mark, str] = {"bold": "**", "italic": "*", "strike": "~~"}


def escaped(text: str) -> str:
    """Characters that show as themselves; addresses stay whole."""
    parts = _ADDRESS.split(text)
    return "".join(part if number % 2 else _ESCAPED.sub(_escape, part) for number, part in enumerate(parts))


def _escape(met: re.Match[str]) -> str:
    return f"{met[1] or met[3] or ''}\\{met[2] or met[4]}"


def written(spans: Iterable[Span]) -> str:
    """Discord's markdown of it. What spans several lines is marked on each, and a fence stands on lines of its own."""
    made = list[str]()
    fence = list[str]()
    around = ""
    for line in _lines(spans):
        marks = _marks(line)
        if "fence" not in marks and fence:
            made += _fenced(fence, around)
            fence.clear()
        if "fence" in marks:
            around = "> " if "quote" in marks else ""
            fence.append("".join(span.text for span in line))
            continue
        before = ("> " if "quote" in marks else "") + ("## " if "heading" in marks else "")
        made.append(before + _inline(line))
    return "\n".join((*made, *(_fenced(fence, around) if fence else ())))


def _lines(spans: Iterable[Span]) -> list[list[Span]]:
    made: list[list[Span]] = [[]]
    for span in spans:
        first, *others = span.text.split("\n")
        made[-1].append(Span(first, span.marks, span.link))
        made += [[Span(line, span.marks, span.link)] for line in others]
    return made


def _marks(line: Sequence[Span]) -> set[Mark]:
    """Of its characters; of a line without any, of the spans that it is part of."""
    shown = [span for span in line if span.text] or line
    return {mark for span in shown for mark in span.marks}


def _fenced(lines: Sequence[str], around: str) -> list[str]:
    inside = [line.replace("```", f"``{_SEAM}`") for line in lines]
    return [around + line for line in ("```", *inside, "```")]


def _inline(line: Sequence[Span]) -> str:
    made = ""
    for span in line:
        words = span.text.strip()
        if not words:
            made += span.text
            continue
        shown = _looking(words, span)
        lead, trail = span.text[: len(span.text) - len(span.text.lstrip())], span.text[len(span.text.rstrip()) :]
        seam = _SEAM if not lead and made[-1:] in ("*", "~", "`") and shown[:1] in ("*", "~", "`") else ""
        made += lead + seam + shown + trail
    return made


def _looking(words: str, span: Span) -> str:
    if "code" in span.marks:
        shown = f"`` {words} ``" if "`" in words else f"`{words}`"
    elif span.link and span.link != words:
        shown = f"[{escaped(words)}](<{span.link}>)"
    elif span.link:
        shown = words
    else:
        shown = escaped(words)
    for mark, sign in _AROUND.items():
        if mark in span.marks:
            shown = f"{sign}{shown}{sign}"
    return shown
