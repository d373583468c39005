"""Spans and tables to the blocks of a rich message: pure.

Only what needs them is said in blocks: a table, which no entity can mark, and a draft longer than a message may be.
https://core.telegram.org/bots/api#inputrichmessage
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from bot.model import Span, Table

LONGEST_RICH = 32_768
"""Characters."""
MOST_ROWS, MOST_COLUMNS = 480, 20
"""A message has 500 blocks, and each row is one."""

Block = dict[str, Any]

_HEADING_SIZE = 3
_GAP = re.compile(r"\n\s*\n")
_NUMBER = re.compile(r"[-+−]?[^\w\s]{0,3}\s?\d[\d\s.,:'’%/-]*\s?\D{0,4}")
_STYLES = (("bold", "bold"), ("italic", "italic"), ("strike", "strikethrough"), ("code", "code"))


def blocks_of(spans: Iterable[Span]) -> list[Block]:
    """The same words, paragraph by paragraph."""
    blocks: list[Block] = []
    for kind, group in groupby(spans, key=_kind):
        for runs in _paragraphs(list(group)) if not kind else [_trimmed(list(group))]:
            if runs:
                blocks.append(_block(kind, [_run(run) for run in runs]))
    return blocks


def table_block(table: Table) -> Block:
    """Columns of figures stand to the right."""
    aligned = ["right" if _is_figures(row[n] for row in table.rows) else "left" for n in range(len(table.columns))]
    head = [_cells(table.columns, aligned, is_header=True)] if any(map(str.strip, table.columns)) else []
    rows = [*head, *(_cells(row, aligned) for row in table.rows)]
    return {"type": "table", "cells": rows, "is_bordered": True} | ({"caption": table.title} if table.title else {})


def _cells(row: Sequence[str], aligned: Sequence[str], *, is_header: bool = False) -> list[dict[str, Any]]:
    more = {"is_header": True} if is_header else {}
    return [{"text": text, "align": at, "valign": "top", **more} for text, at in zip(row, aligned, strict=True)]


def _is_figures(column: Iterable[str]) -> bool:
    cells = [cell.strip() for cell in column if cell.strip()]
    return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _kind(span: Span) -> str:
    return next((mark for mark in ("fence", "quote", "heading") if mark in span.marks), "")


def _block(kind: str, text: list[Any]) -> Block:
    match kind:
        case "fence":
            return {"type": "pre", "text": text}
        case "quote":
            return {"type": "blockquote", "blocks": [{"type": "paragraph", "text": text}]}
        case "heading":
            return {"type": "heading", "text": text, "size": _HEADING_SIZE}
        case _:
            return {"type": "paragraph", "text": text}


def _paragraphs(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Parted where a line is empty."""
    runs: list[Span] = []
    for span in spans:
        first, *more = _GAP.split(span.text)
        runs.append(Span(first, span.marks, span.link))
        for piece in more:
            yield _trimmed(runs)
            runs = [Span(piece, span.marks, span.link)]
    yield _trimmed(runs)


def _trimmed(runs: list[Span]) -> list[Span]:
    """Without white space at both ends."""
    while runs and not runs[0].text.strip():
        runs.pop(0)
    while runs and not runs[-1].text.strip():
        runs.pop()
    if runs:
        runs[0] = Span(runs[0].text.lstrip(), runs[0].marks, runs[0].link)
        runs[-1] = Span(runs[-1].text.rstrip(), runs[-1].marks, runs[-1].link)
    return [run for run in runs if run.text]


def _run(span: Span) -> Any:
    text: Any = span.text
    for mark, kind in _STYLES:
        if mark in span.marks:
            text = {"type": kind, "text": text}
    return {"type": "url", "text": text, "url": span.link} if span.link else text
