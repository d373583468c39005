"""Slack's text markup and ours: what people wrote as spans, what we write as rich text. Pure and total.

What we write stands in `rich_text` blocks, whose texts are characters and nothing else: no `<!channel>` in them pings
anybody. https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot import markup
from bot.model import Mark, Span

LONGEST_ADDRESS = 3_000
_STYLES: tuple[Mark, ...] = ("bold", "italic", "strike", "code")
_INLINE = re.compile(
    r"```(?P<fence>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])",
    re.DOTALL,
)
_SAFE = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)
_QUOTE = re.compile(r"^&gt; ?", re.MULTILINE)
_DEEPEST = 4  # marks within marks


def parse(text: str, name_of: Callable[[str], str] = lambda id: id) -> tuple[Span, ...]:
    """What a person wrote; `name_of`: what a user's or channel's id is called where Slack does not say it."""
    return markup.merge(_inline(text, (), name_of, _DEEPEST))


def escape(text: str) -> str:
    """Characters that Slack shows as they are: no mention, no link, nothing with angle brackets."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def inert(markdown: str) -> str:
    """Markdown in which nothing notifies anybody: an invisible character parts what Slack would take for a mention."""
    return re.sub(r"<(?=[@!#])", "<\u2060", markdown)


def rich(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """The elements of a `rich_text` block; empty when there is nothing to be seen."""
    elements: list[dict[str, Any]] = []
    for kind, run in _runs(spans):
        pieces = [piece for span in _trimmed(run) for piece in _piece(span, plain=kind == "rich_text_preformatted")]
        if pieces:
            elements.append({"type": kind, "elements": pieces})
    return elements


def _runs(spans: Iterable[Span]) -> Iterable[tuple[str, list[Span]]]:
    """Neighbours that stand in one box; white space between two boxes belongs to none."""
    runs: list[tuple[str, list[Span]]] = []
    for span in spans:
        kind = "rich_text_section"
        if "fence" in span.marks:
            kind = "rich_text_preformatted"
        elif "quote" in span.marks:
            kind = "rich_text_quote"
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(span)
        else:
            runs.append((kind, [span]))
    return runs


def _trimmed(run: Sequence[Span]) -> Sequence[Span]:
    """Without the line breaks at both ends: a box begins and ends on a line of its own."""
    spans = [*run]
    while spans and not spans[0].text.lstrip("\n"):
        spans.pop(0)
    while spans and not spans[-1].text.rstrip("\n"):
        spans.pop()
    if spans:
        first = spans[0]
        spans[0] = Span(first.text.lstrip("\n"), first.marks, first.link)
        last = spans[-1]
        spans[-1] = Span(last.text.rstrip("\n"), last.marks, last.link)
    return spans


def _piece(span: Span, *, plain: bool) -> Iterable[dict[str, Any]]:
    style = {mark: True for mark in _STYLES if mark in span.marks} if not plain else {}
    if "heading" in span.marks and not plain:
        style["bold"] = True
    styled: dict[str, Any] = {"style": style} if style else {}
    if span.link and len(span.link) <= LONGEST_ADDRESS and span.text.strip():
        yield {"type": "link", "url": span.link, "text": span.text, **styled}
    elif span.text:
        yield {"type": "text", "text": span.text, **styled}


# What people wrote


def _inline(text: str, marks: tuple[Mark, ...], name_of: Callable[[str], str], depth: int) -> Iterable[Span]:
    at = 0
    for found in _INLINE.finditer(text) if depth else ():
        yield from _characters(text[at : found.start()], marks)
        at = found.end()
        match found.lastgroup:
            case "angle":
                yield _angle(found["angle"], marks, name_of)
            case "fence":
                yield Span(unescape(_bare(found["fence"]).strip("\n")), (*marks, "fence"))
            case "code":
                yield Span(unescape(_bare(found["code"])), (*marks, "code"))
            case "bold":
                yield from _inline(found["bold"], (*marks, "bold"), name_of, depth - 1)
            case "italic":
                yield from _inline(found["italic"], (*marks, "italic"), name_of, depth - 1)
            case _:
                yield from _inline(found["strike"], (*marks, "strike"), name_of, depth - 1)
    yield from _characters(text[at:], marks)


def _bare(code: str) -> str:
    """Slack marks addresses within code as well."""
    return re.sub(r"<([^<>|\n]+)(?:\|[^<>\n]*)?>", r"\1", code)


def _angle(inner: str, marks: tuple[Mark, ...], name_of: Callable[[str], str]) -> Span:
    target, _, label = inner.partition("|")
    label = unescape(label)
    if target.startswith(("@", "#")):
        return Span(target[0] + (label.lstrip("@#") or name_of(target[1:])), marks)
    if target.startswith("!"):
        word = target[1:].partition("^")[0]
        return Span(label or f"@{word}", marks)
    address = unescape(target)
    if not _SAFE.fullmatch(address):
        return Span(label or f"<{address}>", marks)
    return Span(label or re.sub(r"^(?:mailto|tel):", "", address), marks, address)


def _characters(text: str, marks: tuple[Mark, ...]) -> Iterable[Span]:
    """Lines that begin with `>` are quotes."""
    if "&gt;" not in text:
        if text:
            yield Span(unescape(text), marks)
        return
    for n, line in enumerate(text.split("\n")):
        quoted = _QUOTE.match(line) is not None
        if n:
            yield Span("\n", marks)
        yield Span(unescape(_QUOTE.sub("", line, 1)), (*marks, "quote") if quoted else marks)
