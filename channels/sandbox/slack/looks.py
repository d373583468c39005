"""What a person reads: mrkdwn and blocks as spans, cards and rows of the chat page. Pure.

Written without a look at the channel, so that each can be judged by the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot import markup

Span = dict[str, Any]

_TOKEN = re.compile(
    r"```(?P<fence>.+?)```|`(?P<code>[^`\n]+)`|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])",
    re.DOTALL,
)
_LINKS = ("http://", "https://", "mailto:", "tel:")


def mrkdwn(text: str, name_of: Callable[[str], str], marks: Sequence[str] = ()) -> list[Span]:
    """As Slack shows it; `name_of` gives the name of a user or channel id."""
    spans: list[Span] = []
    at = 0
    for found in _TOKEN.finditer(text):
        spans += _plain(text[at : found.start()], marks)
        at = found.end()
        kind = str(found.lastgroup)
        inner = found[kind]
        if kind == "angle":
            spans.append(_angle(inner, name_of, marks))
        elif kind in ("fence", "code"):
            spans += _plain(inner.strip("\n") if kind == "fence" else inner, (*marks, kind))
        else:
            spans += mrkdwn(inner, name_of, (*marks, kind))
    return spans + _plain(text[at:], marks)


def pinged(text: str, blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whom a message notifies: users, user groups, `channel`, `here`, `everyone`."""
    found: list[str] = []
    sources = [text] if not blocks else []
    for block in blocks:
        sources += [one["text"] for one in _texts(block) if one.get("type") == "mrkdwn" or block["type"] == "markdown"]
        found += [
            str(one.get("user_id") or one.get("usergroup_id") or one.get("range"))
            for one in _pieces(block)
            if one["type"] in ("user", "usergroup", "broadcast")
        ]
    for source in sources:
        found += re.findall(r"<[@!](?:subteam\^)?(\w+)(?:\|[^<>]*)?>", source)
    return found


def said(text: str, blocks: Sequence[Mapping[str, Any]], markdown: bool, name_of: Callable[[str], str]) -> list[Span]:
    """What is read first to last: the blocks where there are any, else the text."""
    if not blocks or markdown:
        own = _markdown(text) if markdown else mrkdwn(text, name_of)
        shown = [own] if own else []
    else:
        shown = []
    shown += [spans for block in blocks if (spans := _block(block, name_of))]
    joined: list[Span] = []
    for spans in shown:
        if joined:
            joined.append(_span("\n"))
        joined += spans
    return joined


def cards(blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "title": (block.get("title") or {}).get("text", ""),
            "body": block["alt_text"],
            "image": block["image_url"],
            "fields": [],
            "color": "",
        }
        for block in blocks
        if block["type"] == "image" and "image_url" in block
    ]


def unfurled(blocks: Sequence[Mapping[str, Any]], name_of: Callable[[str], str]) -> dict[str, Any]:
    """A card below a message."""
    return {"title": "", "body": said("", blocks, False, name_of), "image": "", "fields": [], "color": "#dddddd"}


def table(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    for block in blocks:
        if block["type"] == "table":
            first, *rows = [[_cell(cell) for cell in row] for row in block["rows"]]
            return {"columns": first, "rows": rows}
    return None


def rows(blocks: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Buttons and selects, one row a block; `id` is `block_id/action_id`."""
    shown = []
    for block in blocks:
        elements = block.get("elements", ()) if block["type"] in ("actions", "context_actions") else ()
        row = [one for element in elements for one in _control(block, element)]
        if block.get("accessory"):
            row += _control(block, block["accessory"])
        if row:
            shown.append(row)
    return shown


def _control(block: Mapping[str, Any], element: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    id = f"{block.get('block_id', '')}/{element.get('action_id', '')}"
    match element["type"]:
        case "button":
            yield {
                "kind": "button",
                "id": id,
                "label": element["text"]["text"],
                "style": element.get("style", ""),
                "link": element.get("url", ""),
                "disabled": False,
            }
        case "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                yield {
                    "kind": "button",
                    "id": f"{id}/{name}",
                    "label": element[name]["text"]["text"],
                    "style": "",
                    "link": "",
                    "disabled": False,
                }
        case "external_select" | "multi_external_select":
            yield {
                "kind": "search",
                "id": id,
                "placeholder": (element.get("placeholder") or {}).get("text", ""),
                "least": int(element.get("min_query_length", 3)),
            }
        case "datepicker" | "timepicker" | "datetimepicker":
            yield {
                "kind": element["type"].removesuffix("picker"),
                "id": id,
                "placeholder": (element.get("placeholder") or {}).get("text", ""),
                "value": element.get("initial_date") or element.get("initial_time") or "",
            }
        case "static_select" | "multi_static_select" | "overflow" | "radio_buttons" | "checkboxes":
            yield {
                "kind": "select",
                "id": id,
                "placeholder": (element.get("placeholder") or {}).get("text", ""),
                "many": element["type"] in ("multi_static_select", "checkboxes"),
                "options": options(element),
            }


def options(element: Mapping[str, Any]) -> list[dict[str, str]]:
    groups = element.get("option_groups") or [{"options": element.get("options", ())}]
    return [{"id": option["value"], "label": option["text"]["text"]} for group in groups for option in group["options"]]


# Blocks


def _block(block: Mapping[str, Any], name_of: Callable[[str], str]) -> list[Span]:
    match block["type"]:
        case "header":
            return [_span(block["text"]["text"], ("bold",))]
        case "markdown":
            return _markdown(block["text"])
        case "rich_text":
            spans: list[Span] = []
            for element in block["elements"]:
                if spans and not spans[-1]["text"].endswith("\n"):
                    spans.append(_span("\n"))
                spans += _rich(element, name_of)
            return spans
        case "section" | "context":
            joined: list[Span] = []
            for one in _texts(block):
                if joined:
                    joined.append(_span("\n" if block["type"] == "section" else " "))
                joined += mrkdwn(one["text"], name_of) if one["type"] == "mrkdwn" else [_span(one["text"])]
            return joined
        case _:
            return []


def _rich(element: Mapping[str, Any], name_of: Callable[[str], str]) -> list[Span]:
    kind = element["type"]
    if kind == "rich_text_list":
        spans: list[Span] = []
        offset = int(element.get("offset", 0))
        for n, item in enumerate(element["elements"], 1 + offset):
            bullet = f"{n}. " if element["style"] == "ordered" else "• "
            indent = "    " * int(element.get("indent", 0))
            spans += [_span(("\n" if spans else "") + indent + bullet), *_rich(item, name_of)]
        return spans
    mark = {"rich_text_quote": ("quote",), "rich_text_preformatted": ("fence",)}.get(kind, ())
    return [_piece(piece, mark, name_of) for piece in element["elements"]]


def _piece(piece: Mapping[str, Any], mark: Sequence[str], name_of: Callable[[str], str]) -> Span:
    style = tuple(name for name, on in piece.get("style", {}).items() if on)
    match piece["type"]:
        case "text":
            return _span(piece["text"], (*style, *mark))
        case "link":
            return _span(piece.get("text") or piece["url"], (*style, *mark), piece["url"])
        case "user" | "channel" | "usergroup":
            id = piece[piece["type"] + "_id"]
            return _span(f"@{name_of(id)}", ("mention", *mark))
        case "broadcast":
            return _span(f"@{piece['range']}", ("mention", *mark))
        case "emoji":
            return _span(f":{piece['name']}:", mark)
        case _:
            return _span("")


def _pieces(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in ("user", "usergroup", "broadcast", "text", "link", "emoji"):
            yield value
        for one in value.values():
            yield from _pieces(one)
    elif isinstance(value, list):
        for one in value:
            yield from _pieces(one)


def _texts(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    own = [block["text"]] if isinstance(block.get("text"), dict) else []
    if block["type"] == "markdown":
        own = [{"type": "markdown", "text": block["text"]}]
    elements = [*block.get("elements", ())] if block["type"] == "context" else []
    return [*own, *block.get("fields", ()), *(one for one in elements if one.get("type") in ("mrkdwn", "plain_text"))]


def _cell(cell: Mapping[str, Any]) -> str:
    return (
        str(cell["text"]) if cell["type"] == "raw_text" else "".join(str(one.get("text", "")) for one in _pieces(cell))
    )


def _angle(inner: str, name_of: Callable[[str], str], marks: Sequence[str]) -> Span:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        return _span(target[0] + (label or name_of(target[1:])), ("mention", *marks))
    if target.startswith("!"):
        return _span("@" + (label.lstrip("@") or target[1:].partition("^")[0]), ("mention", *marks))
    if target.startswith(_LINKS):
        return _span(
            _unescaped(label or target.removeprefix("mailto:").removeprefix("tel:")), marks, _unescaped(target)
        )
    return _span(_unescaped(f"<{inner}>"), marks)


def _plain(text: str, marks: Sequence[str]) -> list[Span]:
    """Lines that begin with `>` are quotes."""
    if not text:
        return []
    if "&gt;" not in text or "fence" in marks or "code" in marks:
        return [_span(_unescaped(text), marks)]
    spans = []
    for n, line in enumerate(text.split("\n")):
        quoted = line.startswith("&gt;")
        lead = "\n" if n else ""
        shown = line.removeprefix("&gt;").removeprefix(" ") if quoted else line
        spans.append(_span(lead + _unescaped(shown), (*marks, "quote") if quoted else marks))
    return spans


def _markdown(text: str) -> list[Span]:
    return [_span(_unescaped(span.text), span.marks, span.link) for span in markup.parse(text)]


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _span(text: str, marks: Sequence[str] = (), link: str = "") -> Span:
    return {"text": text, "marks": [*marks], "link": link}
