"""Text as Telegram counts and marks it: offsets in UTF-16 units, entities checked, parse modes read, marks found. Pure.

https://core.telegram.org/bots/api#formatting-options
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from channels.sandbox.telegram.arguments import Refused, named

Entity = dict[str, Any]

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024

_TYPES = named(
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler blockquote "
    "expandable_blockquote code pre text_link text_mention custom_emoji date_time"
)
_NEEDS = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
_FOUND = (
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?")),
    ("url", re.compile(r"https?://[^\s<>\"]*[\w/=&#%-]")),
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("mention", re.compile(r"(?<![\w/@.])@\w{4,32}")),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
    ("phone_number", re.compile(r"(?<!\w)\+\d[\d ]{7,16}\d")),
)
_MARKS = {
    "bold": "bold",
    "italic": "italic",
    "strikethrough": "strike",
    "underline": "underline",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "fence",
    "blockquote": "quote",
    "expandable_blockquote": "quote",
    "mention": "mention",
    "text_mention": "mention",
}


def units(text: str) -> int:
    """Its length as Telegram counts: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, offset: int, length: int) -> str:
    wide = text.encode("utf-16-le", "surrogatepass")
    return wide[offset * 2 : (offset + length) * 2].decode("utf-16-le", "surrogatepass")


def formatted(text: str, entities: Any, mode: str | None) -> tuple[str, list[Entity]]:
    """What becomes of a text that a bot sends. Raises `Refused`."""
    if mode:
        text, marked = _parsed(text, mode)
    else:
        marked = checked(text, entities or [])
    text, marked = _trimmed(text, marked)
    return text, sorted([*marked, *_detected(text, marked)], key=lambda entity: (entity["offset"], -entity["length"]))


def checked(text: str, entities: Any) -> list[Entity]:
    if not isinstance(entities, list):
        raise Refused("can't parse entities: expected an Array")
    end = units(text)
    return [_checked(entity, text, end) for entity in entities]


def _checked(entity: Any, text: str, end: int) -> Entity:
    if not isinstance(entity, Mapping):
        raise Refused("can't parse MessageEntity: expected an Object")
    kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
    if kind not in _TYPES:
        raise Refused("can't parse MessageEntity: unsupported type specified")
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset <= 1_000_000:
        raise Refused("receive an entity with incorrect offset")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 < length <= 1_000_000:
        raise Refused("receive an entity with incorrect length")
    if offset + length > end:
        raise Refused(
            f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
        )
    for at, word in ((offset, "begins"), (offset + length, "ends")):
        if not _is_whole(text, at):
            raise Refused(f"entity {word} in a middle of a UTF-16 symbol at UTF-16 offset {at}")
    if (needed := _NEEDS.get(str(kind))) and not entity.get(needed):
        raise Refused(f"can't parse MessageEntity: can't find field {needed!r}")
    return dict(entity)


def _is_whole(text: str, at: int) -> bool:
    wide = text.encode("utf-16-le", "surrogatepass")
    return not (0 < at * 2 < len(wide) and 0xDC <= wide[at * 2 + 1] <= 0xDF)


def _trimmed(text: str, entities: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """Telegram takes white space off both ends; what was marked goes with its characters."""
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    end = units(text)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        stop = min(entity["offset"] - lead + entity["length"], end)
        if stop > start:
            kept.append({**entity, "offset": start, "length": stop - start})
    return text, kept


def detected(text: str) -> list[Entity]:
    """What Telegram marks by itself in what people write."""
    return _detected(text, ())


def _detected(text: str, marked: Sequence[Entity]) -> list[Entity]:
    taken = [(e["offset"], e["offset"] + e["length"]) for e in marked if e["type"] in ("code", "pre", "text_link")]
    found = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            offset, length = units(text[: match.start()]), units(match[0])
            if all(offset + length <= start or offset >= stop for start, stop in taken):
                taken.append((offset, offset + length))
                found.append({"type": kind, "offset": offset, "length": length})
    return sorted(found, key=lambda entity: int(entity["offset"]))


def spans(text: str, entities: Sequence[Entity]) -> list[dict[str, Any]]:
    """Runs of characters that look alike, for whoever draws them."""
    edges = {0, units(text)}
    for entity in entities:
        edges |= {entity["offset"], entity["offset"] + entity["length"]}
    runs = []
    ordered = sorted(edges)
    for start, stop in pairwise(ordered):
        over = [e for e in entities if e["offset"] <= start and stop <= e["offset"] + e["length"]]
        piece = cut(text, start, stop - start)
        link = next((str(e["url"]) for e in over if e["type"] == "text_link"), "")
        link = link or next((piece for e in over if e["type"] == "url"), "")
        marks = sorted({_MARKS[e["type"]] for e in over if e["type"] in _MARKS})
        runs.append({"text": piece, "marks": marks, "link": link})
    return runs


# Parse modes


def _parsed(text: str, mode: str) -> tuple[str, list[Entity]]:
    match mode.lower():
        case "html":
            reader = _Html()
            reader.feed(text)
            reader.close()
            return reader.done()
        case "markdownv2":
            return _Markdown(text).read()
        case "markdown":
            raise Refused("the sandbox reads parse_mode HTML and MarkdownV2, not the legacy Markdown")
    raise Refused("unsupported parse_mode")


@dataclass
class _Writing:
    """Plain text that grows, with marks that open and close."""

    text: str = ""
    entities: list[Entity] = field(default_factory=list)

    def here(self) -> int:
        return units(self.text)

    def mark(self, kind: str, start: int, extra: Mapping[str, Any]) -> None:
        if length := self.here() - start:
            self.entities.append({"type": kind, "offset": start, "length": length, **extra})


_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out = _Writing()
        self._open: list[tuple[str, str, int, dict[str, Any]]] = []

    def handle_data(self, data: str) -> None:
        self._out.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given, extra = dict(attrs), dict[str, Any]()
        kind = _TAGS.get(tag)
        if kind is None or (tag == "span" and given.get("class") != "tg-spoiler"):
            raise Refused(f"can't parse entities: unsupported start tag {tag!r} at byte offset {self.getpos()[1]}")
        if tag == "a":
            extra["url"] = given.get("href") or ""
        elif tag == "tg-emoji":
            extra["custom_emoji_id"] = given.get("emoji-id") or ""
        elif tag == "blockquote" and "expandable" in given:
            kind = "expandable_blockquote"
        self._open.append((tag, kind, self._out.here(), extra))

    def handle_endtag(self, tag: str) -> None:
        if not self._open:
            raise Refused(f"can't parse entities: unexpected end tag at byte offset {self.getpos()[1]}")
        expected, kind, start, extra = self._open.pop()
        if expected != tag:
            raise Refused(
                f"can't parse entities: unmatched end tag at byte offset {self.getpos()[1]}, "
                f'expected "</{expected}>", found "</{tag}>"'
            )
        self._out.mark(kind, start, extra)

    def done(self) -> tuple[str, list[Entity]]:
        if self._open:
            raise Refused(f"can't parse entities: can't find end tag corresponding to start tag {self._open[-1][0]!r}")
        return self._out.text, self._out.entities


_SIGNS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}
_RESERVED = set("_*[]()~`>#+-=|{}.!")


class _Markdown:
    """https://core.telegram.org/bots/api#markdownv2-style, without quotations."""

    def __init__(self, source: str) -> None:
        self._source, self._at, self._out = source, 0, _Writing()
        self._open: list[tuple[str, int]] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            self._one()
        if self._open:
            raise Refused(
                f"can't parse entities: can't find end of {_SIGNS.get(self._open[-1][0], 'link').capitalize()} entity "
                f"at byte offset {self._open[-1][1]}"
            )
        return self._out.text, self._out.entities

    def _one(self) -> None:
        rest = self._source[self._at :]
        if rest[0] == "\\" and rest[1:2] in _RESERVED | {"\\"}:
            self._out.text += rest[1:2]
            self._at += 2
        elif fence := re.match(r"```(?:(\w+)\n)?(.*?)```|`([^`]+)`", rest, re.DOTALL):
            start = self._out.here()
            self._out.text += re.sub(r"\\([`\\])", r"\1", fence[3] if fence[3] is not None else fence[2])
            self._out.mark("code" if fence[3] is not None else "pre", start, {"language": fence[1]} if fence[1] else {})
            self._at += fence.end()
        elif link := re.match(r"\[((?:\\.|[^\]\\])+)\]\(((?:\\.|[^)\\])+)\)", rest):
            start = self._out.here()
            self._out.text += re.sub(r"\\(.)", r"\1", link[1])
            self._out.mark("text_link", start, {"url": re.sub(r"\\(.)", r"\1", link[2])})
            self._at += link.end()
        elif sign := next((sign for sign in ("__", "||", "*", "_", "~") if rest.startswith(sign)), None):
            if self._open and self._open[-1][0] == sign:
                self._out.mark(_SIGNS[sign], self._open.pop()[1], {})
            else:
                self._open.append((sign, self._out.here()))
            self._at += len(sign)
        elif rest[0] in _RESERVED:
            raise Refused(
                f"can't parse entities: character {rest[0]!r} is reserved and must be escaped with the preceding '\\'"
            )
        else:
            self._out.text += rest[0]
            self._at += 1
