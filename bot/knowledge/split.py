"""A markdown document into passages that can be found and quoted by themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.errors import SettingsError

LEAST, MOST = 60, 180
"""Words of a passage: short paragraphs of one heading stand together, a long one is taken apart at its sentences."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MARKS = re.compile(r"[*_`]")
_ITEM = re.compile(r"\s*(?:[-*+>|]|\d+[.)])(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    """Headings it stands under, joined by " › ", without the document's title; may be empty."""
    text: str
    """Markdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    title: str
    """From the front matter, else the first heading of level 1, else empty."""
    language: str
    """From the front matter, else empty."""
    address: str
    """A public page, from the front matter; else empty."""
    sections: tuple[Section, ...]


def split(markdown: str) -> Split:
    """Raises `SettingsError` for front matter that is not `name: value` lines, or an address that is no page."""
    front, body = _front_matter(markdown.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    headed = list(_under_headings(_COMMENT.sub("", body).split("\n")))
    titles = [path[0] for path, _ in headed if path and path[0]]
    title = front.get("title", "") or (titles[0] if titles else "")
    return Split(
        title=title,
        language=front.get("language", ""),
        address=front.get("address", ""),
        sections=tuple(
            Section(" › ".join(name for name in path if name and name != title), passage)
            for path, lines in headed
            for passage in _passages(lines)
        ),
    )


def _front_matter(markdown: str) -> tuple[Mapping[str, str], str]:
    found = _FRONT.match(markdown)
    if not found:
        return {}, markdown
    front = {}
    for line in filter(str.strip, found[1].split("\n")):
        name, colon, value = line.partition(":")
        if not colon or line[0] in "# \t-":
            raise SettingsError(f"front matter of a document: expected `name: value`, found {line!r}")
        front[name.strip()] = value.strip().strip("\"'")
    if not re.match(r"(?:https?://\S+)?\Z", front.get("address", "")):
        raise SettingsError(f"front matter of a document: address {front['address']!r} is no http or https page")
    return front, markdown[found.end() :]


def _under_headings(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """(headings by level, the lines below them); the first pair has no heading."""
    path: tuple[str, ...] = ()
    below: list[str] = []
    fence = ""
    for line in lines:
        marker = _FENCE.match(line)
        heading = None if fence else _HEADING.match(line)
        if fence:
            fence = "" if marker and marker[1].startswith(fence) else fence
        elif marker:
            fence = marker[1]
        if heading:
            yield path, below
            level = len(heading[1])
            path = (*path[: level - 1], *("" for _ in range(level - 1 - len(path))), _MARKS.sub("", heading[2]))
            below = []
        else:
            below.append(line)
    yield path, below


def _passages(lines: list[str]) -> Iterator[str]:
    """Paragraphs gathered until there are `LEAST` words, never beyond `MOST`."""
    gathered: list[str] = []
    words = 0
    for block in _blocks(lines):
        size = _size(block)
        if gathered and (words >= LEAST or words + size > MOST):
            yield "\n\n".join(gathered)
            gathered, words = [], 0
        if size > MOST:
            yield from _taken_apart(block)
        else:
            gathered.append(block)
            words += size
    if gathered:
        yield "\n\n".join(gathered)


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Runs of lines between empty ones; a fence is one run."""
    run: list[str] = []
    fence = ""
    for line in lines:
        marker = _FENCE.match(line)
        if marker:
            fence = (fence or marker[1]) if not fence or not marker[1].startswith(fence) else ""
        if line.strip() or fence:
            run.append(line.rstrip())
        elif run:
            yield _unwrapped(run)
            run = []
    if run:
        yield _unwrapped(run)


def _unwrapped(run: list[str]) -> str:
    """A file's line ends mean nothing within a paragraph or an item of a list; in code and tables they do."""
    if any(map(_FENCE.match, run)) or run[0].startswith(("|", "    ", "\t")):
        return "\n".join(run)
    lines = [run[0]]
    for line in run[1:]:
        if _ITEM.match(line):
            lines.append(line)
        else:
            lines[-1] += f" {line.strip()}"
    return "\n".join(lines)


def _taken_apart(block: str) -> Iterator[str]:
    """A paragraph at its sentences, a list or code at its lines; what has neither stays whole."""
    is_lines = "\n" in block
    pieces, joint = (block.split("\n"), "\n") if is_lines else (_SENTENCE.split(block), " ")
    gathered: list[str] = []
    words = 0
    for piece in filter(None, pieces):
        size = _size(piece)
        if gathered and words + size > MOST:
            yield joint.join(gathered)
            gathered, words = [], 0
        gathered.append(piece)
        words += size
    if gathered:
        yield joint.join(gathered)


def _size(text: str) -> int:
    """Words; where there are no spaces, two characters count as one."""
    wide = sum(1 for character in text if "\u3040" <= character <= "\u9fff")
    return len(text.split()) + wide // 2
