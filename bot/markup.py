"""Markdown to spans, once, before anything is said; every channel then renders the same spans. Pure.

The subset: bold, italic, strike, code, link, fence, quote, list, heading, table. HTML, entities, reference links, rules
and indented code are plain characters. What is no markup stays as it was written, but for white space at the ends of
lines, blank lines beyond one between two blocks, and NUL, which becomes U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from bot.model import Mark, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

ORDER: tuple[Mark, ...] = ("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")
"""The order of a span's marks."""

_DEEPEST = 60  # blocks within blocks; the parser drops what lies deeper
_MARKUP = re.compile(r"[\\`*_~\[<|]|https?:|^[ \t]*(?:[>#]|[-+](?:[ \t]|$)|[0-9]{1,9}[.)](?:[ \t]|$))", re.MULTILINE)
_SPECIAL = re.compile(r"[\\`*_~\[\]<>#|]|(?<=http):|(?<=https):")
_ITEM = re.compile(r"^([^\S\n]*)(?:([-+])|([0-9]{1,9})([.)]))", re.MULTILINE)
_SAFE = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>\x00-\x20\x7f]+", re.IGNORECASE)
_BARE = re.compile(r"""(?<![\w/])https?://[^\s<>"*`]*[\w/=&#%~-]""")
_MENTION = re.compile(r"(?<![\w.+-])[@\uff20](?=\w)|<(?=[@!#&])")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HALF_LINK = re.compile(r"!?\[([^\[\]\n]*)(?:\](?:\([^()\s]*)?)?\Z")
_MARKER = re.compile(r"(?<!\\)(?:`+|\*{1,3}|_{1,3}|~{1,2})")
_JUST_OPENED = re.compile(r"(?<![\\\w*_~`.,;:!?)])(?:`+|\*+|_+|~+)\Z")
_INLINE: dict[str, Mark] = {"strong": "bold", "em": "italic", "s": "strike"}


def parse(markdown: str) -> tuple[Span, ...]:
    """Total. Blocks are parted by an empty line, list items by a line break; nothing but white space gives ().

    A list item begins with "• ", or with its number and ". ". An image is its words and its address in brackets, a
    table is aligned text marked `fence`. Links other than http, https, mailto and tel are plain characters.
    """
    source = _without_stray_space(markdown)
    if not _MARKUP.search(source):
        tidy = _tidy(source)
        return (Span(tidy),) if tidy else ()
    tokens = _parser().parse(source)
    if any(token.level >= _DEEPEST for token in tokens):
        return merge([Span(_tidy(source))])
    return _Walk().through(tokens)


def escape(text: str) -> str:
    """Markdown that shows exactly these characters: `parse(escape(text))` is one plain span.

    What cannot be written in markdown is lost: white space at the ends of lines, more than one blank line on end,
    blank lines at both ends, and NUL. Not for use inside backticks or fences, where a backslash is a character.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ITEM.sub(_escape_item, _SPECIAL.sub(r"\\\g<0>", text))


def plain(spans: Iterable[Span]) -> str:
    """The characters alone; a link as `label (address)`, unless the label is its address."""
    pieces: list[str] = []
    link, label = "", 0
    for span in spans:
        if span.link != link and span.text:
            pieces += _address(link, "".join(pieces[label:]))
            link, label = span.link, len(pieces)
        pieces.append(span.text)
    pieces += _address(link, "".join(pieces[label:]))
    return "".join(pieces)


def healed(draft: str) -> str:
    """Markdown that is still being written, so that no half of a mark is seen: what is open is closed.

    Of a link that is not whole its label is shown, and of a table only whole rows. For drafts alone: what was said is
    parsed as it is.
    """
    if fence := _open_fence(draft):
        return f"{draft.rstrip('`~') if draft.endswith(fence[0]) else draft}\n{fence}"
    whole, blank, last = draft.rpartition("\n\n")
    return whole + blank + _closed(_HALF_LINK.sub(r"\g<1>", _whole_rows(last)))


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same characters in as few spans as there are changes of look; marks in `ORDER`."""
    merged: list[Span] = []
    texts: list[str] = []
    for span in spans:
        if not span.text:
            continue
        marks = tuple(mark for mark in ORDER if mark in span.marks)
        if not merged or (merged[-1].marks, merged[-1].link) != (marks, span.link):
            if merged:
                merged[-1] = Span("".join(texts), merged[-1].marks, merged[-1].link)
                texts.clear()
            merged.append(Span("", marks, span.link))
        texts.append(span.text)
    if merged:
        merged[-1] = Span("".join(texts), merged[-1].marks, merged[-1].link)
    return tuple(merged)


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Lines with columns as wide as their widest cell, `right` set to the right, and a rule under the first."""
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        gaps = [" " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            gap + cell if at in right else cell + gap for at, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        yield " | ".join(cells).rstrip()
        if number == 0:
            yield "-+-".join("-" * width for width in widths)


def columns(text: str) -> int:
    """Cells of a terminal: wide characters take two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def inert(text: str) -> str:
    """The same to a reader, and a mention to no platform: nobody is called by what a model or a customer wrote.

    An invisible word joiner follows the `@` of a name and the `<` of `<@U1>`, `<!here>` and `<#C1>`. A mail address
    stays as it is. Doing it again changes nothing.
    """
    return _MENTION.sub("\\g<0>\u2060", text)


def _open_fence(draft: str) -> str:
    """The mark that would end the code at the end of the draft; empty: there is none."""
    fence = ""
    for line in draft.split("\n"):
        found = _FENCE.match(line)
        if fence and found and found[1].startswith(fence) and not found[2].strip():
            fence = ""
        elif not fence and found and "`" not in found[2]:
            fence = found[1]
    return fence


def _whole_rows(paragraph: str) -> str:
    """Without the row at its end that is not whole, and without a head that has no whole rule yet."""
    lines = paragraph.rstrip("\n").split("\n")
    first = len(lines)
    while first and lines[first - 1].lstrip().startswith("|"):
        first -= 1
    rows = lines[first:]
    if not rows:
        return paragraph
    if not rows[-1].rstrip().endswith("|"):
        rows.pop()
    if len(rows) < 2 or rows[1].count("|") < rows[0].count("|"):
        rows = []
    return "\n".join([*lines[:first], *rows])


def _closed(paragraph: str) -> str:
    """With every mark closed that was opened; one that has nothing in it yet is left away."""
    paragraph = _JUST_OPENED.sub("", paragraph)
    opened: list[str] = []
    for found in _MARKER.finditer(paragraph):
        mark = found[0]
        before, after = paragraph[: found.start()][-1:], paragraph[found.end() :][:1]
        if opened and opened[-1].startswith("`"):
            if mark == opened[-1]:
                opened.pop()
        elif mark in opened and before.strip() and not (mark[0] == "_" and after.isalnum()):
            del opened[opened.index(mark) :]
        elif len(mark) < 3 and after.strip() and not (mark[0] == "_" and before.isalnum()) and mark != "~":
            opened.append(mark)
        elif opened and not after and opened[-1].startswith(mark):  # half of what closes it
            paragraph = paragraph[: found.start()]
    return paragraph.rstrip() + "".join(reversed(opened)) if opened else paragraph


def _address(link: str, label: str) -> list[str]:
    if not link or link in (label, f"mailto:{label}", f"tel:{label}"):
        return []
    return [f" ({link})"]


def _escape_item(found: re.Match[str]) -> str:
    indent, bullet, number, dot = found.groups()
    return f"{indent}\\{bullet}" if bullet else f"{indent}{number}\\{dot}"


def _without_stray_space(markdown: str) -> str:
    """Line ends as "\\n", nothing invisible after the last character of a line, only blanks and tabs before the first.

    So nothing depends on what a version of the parser takes for white space.
    """
    text = markdown.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(_blanks_first(line.rstrip()) for line in text.split("\n"))


def _blanks_first(line: str) -> str:
    if not line[:1].isspace():
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return "".join(c for c in indent if c in " \t") + line[len(indent) :]


def _tidy(source: str) -> str:
    """What the parser makes of white space where there is no markup."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in source.split("\n"))).strip("\n")


# The parser


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Parser(MarkdownIt):
        """Takes addresses as they are written, and only those a link may be made of."""

        def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
            return _SAFE.fullmatch(url) is not None

        def normalizeLink(self, url: str) -> str:  # noqa: N802
            return url

        def normalizeLinkText(self, link: str) -> str:  # noqa: N802
            return link

    parser = Parser("zero", {"maxNesting": _DEEPEST + 1})
    parser.enable(["blockquote", "fence", "heading", "list", "table"])
    parser.enable(["newline", "escape", "backticks", "strikethrough", "emphasis", "link", "image", "autolink"])
    parser.inline.ruler.after("text", "bare_address", _bare_address)
    return parser


def _bare_address(state: StateInline, silent: bool) -> bool:
    """`https://…` standing in a text is a link to itself. The parser stops at each colon."""
    if silent or state.linkLevel or state.src[state.pos] != ":":
        return False
    scheme = next((scheme for scheme in ("https", "http") if state.pending.endswith(scheme)), None)
    found = scheme and _BARE.match(state.src, state.pos - len(scheme), state.posMax)
    if not scheme or not found:
        return False
    state.pending = state.pending[: -len(scheme)]
    state.push("link_open", "a", 1).attrs = {"href": found[0]}
    state.push("text", "", 0).content = found[0]
    state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


# From its tokens to spans


@dataclass(eq=False, slots=True)
class _Box:
    """A quote or a list item that is open."""

    mark: Mark
    bullet: str = ""
    """Still to be written."""


@dataclass(slots=True)
class _Walk:
    spans: list[Span] = field(default_factory=list)
    path: list[_Box] = field(default_factory=list)
    """Quotes and items around the present token, outermost first."""
    last: list[_Box] | None = None
    """Those around what was written last."""
    rows: list[list[str]] | None = None
    """Cells of the table that is open."""
    right: set[int] = field(default_factory=set)
    """Its columns that are aligned to the right."""

    def through(self, tokens: Sequence[Token]) -> tuple[Span, ...]:
        heading = ""
        for token in tokens:
            match token.type:
                case "blockquote_open":
                    self.path.append(_Box("quote"))
                case "list_item_open":
                    self.path.append(_Box("item", f"{token.info}. " if token.info else "• "))
                case "blockquote_close" | "list_item_close":
                    if self.path[-1].bullet:  # an item without words
                        self.path[-1].bullet = self.path[-1].bullet.rstrip()
                        self._begin()
                    self.path.pop()
                case "heading_open":
                    heading = token.markup
                case "heading_close":
                    heading = ""
                case "fence":
                    self._lines(token.content.removesuffix("\n"))
                case "table_open":
                    self.rows = []
                    self.right = set()
                case "tr_open" if self.rows is not None:
                    self.rows.append([])
                case "th_open" if self.rows and "right" in str(token.attrs.get("style", "")):
                    self.right.add(len(self.rows[-1]))
                case "table_close" if self.rows is not None:
                    self._lines("\n".join(aligned(self.rows, self.right)))
                    self.rows = None
                case "inline" if self.rows is not None:
                    self.rows[-1].append(plain(merge(_inline(token.children or [], ()))).replace("\n", " "))
                case "inline" if token.content:
                    self._begin()
                    self.spans += _inline(
                        token.children or [], (*self._marks(), "heading") if heading else self._marks()
                    )
                case "inline":  # a heading without words is its own characters
                    self._begin()
                    self.spans.append(Span(heading, self._marks()))
        return merge(self.spans)

    def _lines(self, text: str) -> None:
        if text:
            self._begin()
            self.spans.append(Span(text, ("fence", *self._marks())))

    def _marks(self) -> tuple[Mark, ...]:
        return tuple(box.mark for box in self.path)

    def _begin(self) -> None:
        """Part the block that begins from the one before, and write the bullets it begins with."""
        if self.last is not None:
            shared = [one for one, other in zip(self.last, self.path, strict=False) if one is other]
            within: tuple[Mark, ...]
            if any(box.mark == "item" for box in self.path[len(shared) :]):
                within = tuple(box.mark for box in shared if box.mark != "item")
                follows = any(box.mark == "item" for box in self.last)
            else:
                within = tuple(box.mark for box in shared)
                follows = "item" in within
            self.spans.append(Span("\n" if follows else "\n\n", within))
        for depth, box in enumerate(self.path, 1):
            self.spans.append(Span(box.bullet, tuple(outer.mark for outer in self.path[:depth])))
            box.bullet = ""
        self.last = list(self.path)


def _inline(tokens: Sequence[Token], around: tuple[Mark, ...]) -> list[Span]:
    spans: list[Span] = []
    marks = list(around)
    link, no_link = "", None
    for at, token in enumerate(tokens):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in _INLINE and token.nesting == 1:
            marks.append(_INLINE[kind])
        elif kind in _INLINE:
            marks.remove(_INLINE[kind])
        elif token.type == "link_open":
            link = str(token.attrs["href"])
            if no_link := _no_link(token, tokens[at + 1]):
                link = ""
                spans.append(Span(no_link[0], tuple(marks)))
        elif token.type == "link_close":
            if no_link:
                spans.append(Span(no_link[1], tuple(marks)))
            link, no_link = "", None
        else:
            spans.append(Span(_characters(token), (*marks, "code") if kind == "code_inline" else tuple(marks), link))
    return spans


def _no_link(opening: Token, label: Token) -> tuple[str, str] | None:
    """The characters around the label of what the parser takes for a link and we do not."""
    if not opening.attrs["href"]:
        return "[", "]()"
    is_mail = opening.markup == "autolink" and label.content != opening.attrs["href"]
    return ("<", ">") if is_mail else None


def _characters(token: Token) -> str:
    match token.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            words, address = "".join(map(_characters, token.children or ())), str(token.attrs["src"])
            return f"{words} ({address})" if words else address
        case _:
            return token.content
