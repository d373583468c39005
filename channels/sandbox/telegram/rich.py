"""Rich messages: what Telegram takes for one, and what is seen of it. Pure.

https://core.telegram.org/bots/api#inputrichmessage. Formulas, maps and files inside of them the sandbox does not show,
and refuses; of `markdown` and `html` it shows the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from channels.sandbox.telegram import keyboards
from channels.sandbox.telegram.arguments import Refused, named

Object = dict[str, Any]

LONGEST, MOST_BLOCKS, DEEPEST, MOST_COLUMNS = 32_768, 500, 16, 20

_FIELDS = named("html markdown is_rtl skip_entity_detection blocks media")
_BLOCKS: Mapping[str, tuple[str, frozenset[str]]] = {
    "paragraph": ("text", frozenset()),
    "heading": ("text size", frozenset()),
    "pre": ("text", named("language")),
    "footer": ("text", frozenset()),
    "divider": ("", frozenset()),
    "anchor": ("name", frozenset()),
    "list": ("items", frozenset()),
    "blockquote": ("blocks", named("credit")),
    "expandable_blockquote": ("text", named("credit")),
    "pullquote": ("text", named("credit")),
    "table": ("cells", named("is_bordered is_striped is_compact caption")),
    "details": ("summary blocks", named("is_open")),
    "buttons": ("buttons", named("align")),
    "thinking": ("text", frozenset()),
}
"""What a block must have beside its type, and what it may."""
_NOT_SHOWN = named("mathematical_expression map collage slideshow photo video audio document animation voice_note")
_MARKS = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strikethrough": "strike",
    "spoiler": "spoiler",
    "code": "code",
    "mention": "mention",
    "text_mention": "mention",
    "marked": "",
    "subscript": "small",
    "superscript": "small",
    "date_time": "",
    "url": "",
    "email_address": "",
    "phone_number": "",
    "bank_card_number": "",
    "hashtag": "",
    "cashtag": "",
    "bot_command": "",
    "anchor_link": "",
    "reference": "",
    "reference_link": "",
}
"""How a run of characters looks, by the type of what is around it."""
_NEEDS = {
    "url": "url",
    "email_address": "email_address",
    "phone_number": "phone_number",
    "bank_card_number": "bank_card_number",
    "mention": "username",
    "text_mention": "user",
    "hashtag": "hashtag",
    "cashtag": "cashtag",
    "bot_command": "bot_command",
    "date_time": "unix_time",
    "anchor_link": "anchor_name",
    "reference": "name",
    "reference_link": "reference_name",
}
"""What such a text needs beside its characters."""


def checked(given: Any, *, draft: bool = False) -> Object:
    """The message as the platform then tells it. Raises `Refused`."""
    if not isinstance(given, Mapping) or set(given) - _FIELDS:
        raise Refused("can't parse rich message: unknown field")
    if len([name for name in ("html", "markdown", "blocks") if given.get(name) is not None]) != 1:
        raise Refused("exactly one of the fields html, markdown, or blocks must be used in a rich message")
    source = given.get("markdown") or given.get("html")
    blocks = given.get("blocks") if source is None else [{"type": "paragraph", "text": str(source)}]
    told = _Checking(draft).blocks(blocks, 1)
    message: Object = {"blocks": told} | ({"is_rtl": True} if given.get("is_rtl") else {})
    characters = text(message)
    if not characters.strip():
        raise Refused("message text is empty")
    if len(characters) > LONGEST:
        raise Refused("message is too long")
    return message


class _Checking:
    def __init__(self, draft: bool) -> None:
        self._draft, self._number = draft, 0

    def blocks(self, given: Any, depth: int) -> list[Object]:
        if not isinstance(given, list) or not given:
            raise Refused("can't parse rich message: expected a non-empty Array of blocks")
        return [self._block(each, depth) for each in given]

    def _count(self, depth: int) -> None:
        self._number += 1
        if self._number > MOST_BLOCKS:
            raise Refused("RICH_MESSAGE_TOO_MANY_BLOCKS")
        if depth > DEEPEST:
            raise Refused("RICH_MESSAGE_TOO_DEEP")

    def _block(self, given: Any, depth: int) -> Object:
        kind = str(given.get("type")) if isinstance(given, Mapping) else ""
        if kind in _NOT_SHOWN:
            raise Refused(f"the sandbox shows no block of type {kind!r} in a rich message")
        if kind not in _BLOCKS or (kind == "thinking" and not self._draft):
            raise Refused(f"can't parse rich message: unsupported block {kind!r}")
        self._count(depth)
        needed, optional = _BLOCKS[kind]
        fields = {name: value for name, value in given.items() if name != "type"}
        _complete(fields, named(needed), optional, f"block {kind!r}")
        told: Object = {"type": kind, **fields}
        for name in ("text", "summary", "credit", "caption"):
            if name in fields:
                _text(fields[name], depth)
        if "blocks" in fields:
            told["blocks"] = self.blocks(fields["blocks"], depth + 1)
        match kind:
            case "heading" if fields["size"] not in range(1, 7):
                raise Refused("can't parse rich message: heading size must be 1-6")
            case "list":
                told["items"] = self._items(fields["items"], depth)
            case "table":
                self._table(fields["cells"], depth)
            case "buttons":
                keyboards.checked({"inline_keyboard": [fields["buttons"]]}, private=True, inline_only=True)
        return told

    def _items(self, given: Any, depth: int) -> list[Object]:
        if not isinstance(given, list) or not given:
            raise Refused("can't parse rich message: a list has items")
        told = []
        for number, item in enumerate(given, 1):
            self._count(depth + 1)
            item = item if isinstance(item, Mapping) else {}
            _complete(item, named("blocks"), named("has_checkbox is_checked value type"), "list item")
            blocks = self.blocks(item["blocks"], depth + 2)
            label = f"{item.get('value', number)}." if "type" in item or "value" in item else "•"
            told.append({**item, "label": label, "blocks": blocks})
        return told

    def _table(self, rows: Any, depth: int) -> None:
        if not isinstance(rows, list) or not rows or any(not isinstance(row, list) for row in rows):
            raise Refused("can't parse rich message: cells of a table must be an Array of Arrays")
        for row in rows:
            self._count(depth + 1)
            width = 0
            for cell in row:
                cell = cell if isinstance(cell, Mapping) else {}
                optional = named("text is_header colspan rowspan")
                _complete(cell, named("align valign"), optional, "table cell")
                if cell["align"] not in ("left", "center", "right") or cell["valign"] not in (
                    "top",
                    "middle",
                    "bottom",
                ):
                    raise Refused("can't parse rich message: wrong alignment of a table cell")
                if "text" in cell:
                    _text(cell["text"], depth + 2)
                width += int(cell.get("colspan", 1))
            if width > MOST_COLUMNS:
                raise Refused("RICH_MESSAGE_TABLE_TOO_WIDE")


def _complete(given: Mapping[str, Any], needed: frozenset[str], optional: frozenset[str], what: str) -> None:
    if missing := sorted(name for name in needed if given.get(name) is None):
        raise Refused(f"can't parse rich message: {what} has no field {missing[0]!r}")
    if unknown := sorted(set(given) - needed - optional):
        raise Refused(f"can't parse rich message: {what} has no field {unknown[0]!r} to be set")


def _text(given: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise Refused("RICH_MESSAGE_TOO_DEEP")
    match given:
        case str():
            return
        case list():
            for each in given:
                _text(each, depth + 1)
        case {"type": "custom_emoji", "custom_emoji_id": str(), "alternative_text": str()}:
            return
        case {"type": "mathematical_expression", "expression": str()} | {"type": "anchor", "name": str()}:
            return
        case {"type": str(kind), "text": inner} if kind in _MARKS:
            if (needed := _NEEDS.get(kind)) and not given.get(needed):
                raise Refused(f"can't parse rich text: {kind!r} has no field {needed!r}")
            _text(inner, depth + 1)
        case _:
            raise Refused("can't parse rich text")


# What is seen of it


def text(message: Mapping[str, Any]) -> str:
    """Its characters, a block to a line."""
    return "\n".join("".join(span["text"] for span in spans) for spans in map(_spans_of, _flat(message["blocks"])))


def shown(message: Mapping[str, Any]) -> list[Object]:
    """Blocks as the page draws them, from above: a run of `spans`, or a `table`."""
    drawn: list[Object] = []
    for block in _flat(message["blocks"]):
        if block["type"] == "table":
            columns, *rows = [[_plain(cell.get("text", "")) for cell in row] for row in block["cells"]]
            if not all(cell.get("is_header") for cell in block["cells"][0]):
                columns, rows = [""] * len(columns), [columns, *rows]
            right = [n for n, cell in enumerate(block["cells"][-1]) if cell["align"] == "right"]
            title = _plain(block.get("caption", ""))
            drawn.append({"table": {"columns": columns, "rows": rows, "title": title, "right": right}})
        elif spans := _spans_of(block):
            drawn.append({"spans": spans})
    return drawn


def spans(message: Mapping[str, Any]) -> list[Object]:
    """All of it as one text, for who reads no blocks."""
    found: list[Object] = []
    for block in _flat(message["blocks"]):
        found += ([_span("\n", (), "")] if found else []) + _spans_of(block)
    return found


def _flat(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Blocks that hold no others, in order; what is around them is told by their look."""
    for block in blocks:
        match block["type"]:
            case "blockquote":
                yield from ({**inner, "looks": ("quote",)} for inner in _flat(block["blocks"]))
            case "details":
                yield {"type": "paragraph", "text": {"type": "bold", "text": block["summary"]}}
                yield from _flat(block["blocks"])
            case "list":
                for item in block["items"]:
                    first, *rest = _flat(item["blocks"])
                    yield {**first, "label": f"{item['label']} "}
                    yield from rest
            case _:
                yield block


def _spans_of(block: Mapping[str, Any]) -> list[Object]:
    look = {"heading": "heading", "pre": "fence", "footer": "small", "thinking": "italic"}.get(block["type"], "")
    look = "quote" if "quote" in block["type"] else look
    marks = tuple(filter(None, (look, *block.get("looks", ()))))
    match block:
        case {"type": "table", "cells": rows}:
            lines = [" | ".join(_plain(cell.get("text", "")) for cell in row) for row in rows]
            return [_span("\n".join(filter(None, (_plain(block.get("caption", "")), *lines))), marks, "")]
        case {"type": "divider"}:
            return [_span("———", marks, "")]
        case {"type": "buttons", "buttons": buttons}:
            return [_span(" ".join(f"[{_plain(button['text'])}]" for button in buttons), marks, "")]
        case {"text": inner}:
            label = [_span(block["label"], marks, "")] if "label" in block else []
            return [*label, *_runs(inner, marks, "")]
        case _:
            return []


def _runs(given: Any, marks: tuple[str, ...], link: str) -> Iterator[Object]:
    match given:
        case str() if given:
            yield _span(given, marks, link)
        case list():
            for each in given:
                yield from _runs(each, marks, link)
        case {"alternative_text": str(words)} | {"expression": str(words)}:
            yield _span(words, marks, link)
        case {"type": str(kind), "text": inner, **more}:
            mark = _MARKS[kind]
            yield from _runs(inner, (*marks, mark) if mark else marks, str(more.get("url", link)))


def _plain(given: Any) -> str:
    return "".join(span["text"] for span in _runs(given, (), ""))


def _span(words: str, marks: Sequence[str], link: str) -> Object:
    return {"text": words, "marks": sorted(set(marks)), "link": link}
