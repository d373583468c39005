"""What we say, as Slack's methods take it. Pure: one fitted piece, one call.

All words stand in `rich_text` blocks, where characters are characters; what a notification shows is the escaped text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from bot.errors import Unshowable
from bot.fit import options_of, plain, words
from bot.model import (
    Address,
    Card,
    Carousel,
    Choices,
    Form,
    Location,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Raw,
    Sources,
    Span,
    Table,
    Text,
    VCard,
)
from bot.ports import KEPT
from channels.slack import mrkdwn
from channels.slack.place import block_id, place

EVENT_TYPE = "frontdesk_piece"
"""Of the metadata by which a piece is found again."""
LONGEST_TEXT = 8_000
"""Characters of a message. Slack refuses somewhere above 10,000 for all blocks together, and does not say where."""
MOST_BLOCKS = 50
MOST_BUTTONS = 10
"""Beyond it a list is easier to read."""
LONGEST_LABEL = 75
MOST_OPTIONS = 100
"""Of a list that stands in the message. Of a longer one Slack asks for those that begin as somebody types."""
LONGEST_LIST = 1_000
MOST_FIELDS = 100
ROWS, COLUMNS = 100, 20
LONGEST_CELLS = 9_000
LONGEST_NOTIFICATION = 3_000


class Call(Struct, frozen=True):
    method: str
    payload: dict[str, Any]
    files: tuple[Media, ...] = ()
    """Files of ours, to be uploaded before: their ids stand in the payload then."""


def posts(message: Message, *, whole: bool = False) -> tuple[Message, ...]:
    """What one piece becomes: files of ours are shared apart, with the words before them, and Slack shows no more than
    50 blocks in a message. `whole`: files are not shared, but named."""
    made: list[list[Part]] = [[]]
    room = MOST_BLOCKS
    for part in message.parts:
        ours, size = is_ours(part) and not whole, len([*_blocks(part)])
        last = made[-1]
        if ours:
            apart = any(not is_ours(each) and not isinstance(each, Text) for each in last)
        else:
            apart = size > room or (not whole and any(map(is_ours, last)))
        if apart and last:
            made.append([])
            room = MOST_BLOCKS
        made[-1].append(part)
        room -= size
    return tuple(replace(message, parts=tuple(parts)) for parts in made)


def is_ours(part: Part) -> bool:
    """A file that this deployment keeps."""
    return isinstance(part, Media) and part.ref.startswith(KEPT)


def render(to: Address, message: Message, *, key: str) -> Call:
    """One of `posts`. Raises `Unshowable` for what Slack has no room for."""
    for_one = message.only_for or to.thread.startswith("@")
    if not for_one and any(map(is_ours, message.parts)):
        return _share(to, message, key)
    _, channel = place(to.chat)
    said = words(message)
    blocks = blocks_of(to, message, key=key)
    payload: dict[str, Any] = {"channel": channel, "text": notified(said) if blocks else mrkdwn.escape(said)}
    if blocks:
        payload["blocks"] = blocks
    if to.thread and not to.thread.startswith("@"):
        payload["thread_ts"] = to.thread
    if for_one:
        user = place(message.only_for)[1] if message.only_for else to.thread[1:]
        return Call("chat.postEphemeral", payload | {"user": user})
    payload |= {"unfurl_links": False, "unfurl_media": False, "metadata": metadata(key)}
    if not blocks:
        payload["mrkdwn"] = False
    return Call("chat.postMessage", payload)


def _share(to: Address, message: Message, key: str) -> Call:
    """Files, and what is said with them. Slack takes rich text beside files, and nothing that can be pressed."""
    files = tuple(part for part in message.parts if isinstance(part, Media))
    said = tuple(part for part in message.parts if not isinstance(part, Media))
    captions = tuple(Text((Span(file.caption),)) for file in files if file.caption)
    payload: dict[str, Any] = {"channel_id": place(to.chat)[1]}
    if blocks := [block for part in (*said, *captions) for block in _blocks(part)]:
        payload["blocks"] = [{**block, "block_id": block_id(to, key, n)} for n, block in enumerate(blocks)]
    if to.thread:
        payload["thread_ts"] = to.thread
    return Call("files.completeUploadExternal", payload, files=files)


def asked_for(message: Message, blocks: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Option, ...]]:
    """Options that Slack asks for when somebody opens the list, by id of the block."""
    long = (options for part in message.parts if len(options := options_of(part)) > MOST_OPTIONS)
    lists = (block["block_id"] for block in blocks if _is_searched(block))
    return dict(zip(lists, long, strict=False))


def _is_searched(block: Mapping[str, Any]) -> bool:
    elements = block.get("elements", ()) if block["type"] == "actions" else ()
    return any(one["type"] == "external_select" and one["action_id"] == "choose" for one in elements)


def anew(to: Address, message: Message, key: str) -> dict[str, Any]:
    """What an edit says. It has blocks always: those that were there would stay."""
    said = words(message)
    blocks = blocks_of(to, message, key=key) or [characters(said)]
    return {"text": notified(said), "blocks": blocks, "metadata": metadata(key)}


def notified(text: str) -> str:
    """What a notification shows of it."""
    return mrkdwn.escape(text[:LONGEST_NOTIFICATION])


def paragraph(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn.escape(text)[:3_000]}}


def characters(text: str) -> dict[str, Any]:
    """A block that shows exactly these."""
    return {"type": "rich_text", "elements": mrkdwn.rich((Span(text or " "),))}


def metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def blocks_of(to: Address, message: Message, *, key: str) -> list[dict[str, Any]]:
    """Empty: there is nothing but plain characters. Raises `Unshowable`."""
    if all(isinstance(part, Text) and _is_plain(part) for part in message.parts):
        return []
    blocks = [block for part in message.parts for block in _blocks(part)]
    if len(blocks) > MOST_BLOCKS:
        raise Unshowable(f"it would be {len(blocks)} blocks, and Slack shows {MOST_BLOCKS} in one message")
    return [{**block, "block_id": block_id(to, key, n)} for n, block in enumerate(blocks)]


def _is_plain(part: Text) -> bool:
    return not any(span.marks or span.link for span in part.spans)


def _blocks(part: Any) -> Iterator[dict[str, Any]]:
    match part:
        case Text(spans):
            yield from _rich(spans)
        case Choices():
            yield from _rich((Span(part.prompt),))
            yield from _chosen(part.options, as_list=part.look == "list")
        case Card():
            yield from _card(part)
        case Carousel(cards):
            for n, card in enumerate(cards):
                if n:
                    yield {"type": "divider"}
                yield from _card(card)
        case Table():
            yield from _table(part)
        case Sources(sources):
            numbered = [(Span(f"{n}. "), Span(one.title, (), one.address)) for n, one in enumerate(sources, 1)]
            yield from _rich([span for n, line in enumerate(numbered) for span in (Span("\n" if n else ""), *line)])
        case Notice(text=text):
            yield from _rich((Span(text, ("italic",)),))
        case Media():
            yield from _media(part)
        case Form():
            yield from _rich((Span(part.title, ("bold",)),))
            button = {"type": "button", "action_id": "form", "value": part.token, "style": "primary"}
            yield {"type": "actions", "elements": [button | {"text": label(part.submit or part.title or "…")}]}
        case Raw(channel="slack", payload=payload):
            yield from payload.get("blocks", ())
        case Rating(options=options) if options:
            yield from _rich((Span(part.prompt),))
            yield from _graded(options)
        case Location() | VCard() | Rating() | Raw():
            yield from _rich((Span(plain(part)),))
        case _:
            assert_never(part)


def _rich(spans: Sequence[Span]) -> Iterator[dict[str, Any]]:
    if elements := mrkdwn.rich(spans):
        yield {"type": "rich_text", "elements": elements}


def _card(card: Card) -> Iterator[dict[str, Any]]:
    lines = [Span(card.title, ("bold",)), Span(card.body), Span(card.meta, ("italic",))]
    shown = [line for line in lines if line.text]
    yield from _rich([span for n, line in enumerate(shown) for span in (Span("\n" if n else ""), line)])
    if card.image:
        yield {"type": "image", "image_url": card.image, "alt_text": short(card.title, 2_000) or "…"}
    yield from _chosen(card.options, as_list=False)


def _chosen(options: Sequence[Option], *, as_list: bool) -> Iterator[dict[str, Any]]:
    """Buttons, or a list to choose from, of which Slack asks for the options when there are many."""
    if not options:
        return
    if len(options) > MOST_OPTIONS:
        search = {"type": "external_select", "action_id": "choose", "min_query_length": 0}
        yield {"type": "actions", "elements": [search]}
        return
    if not as_list and len(options) <= MOST_BUTTONS:
        elements = [
            {"type": "button", "action_id": f"press.{n}", "value": option.token, "text": label(option.label)}
            for n, option in enumerate(options)
        ]
        yield {"type": "actions", "elements": elements}
        return
    chosen = {"type": "static_select", "action_id": "choose", "options": listed(options)}
    yield {"type": "actions", "elements": [chosen]}


def listed(options: Iterable[Option]) -> list[dict[str, Any]]:
    return [{"text": label(option.label), "value": option.token} for option in options]


def _graded(grades: Sequence[Option]) -> Iterator[dict[str, Any]]:
    """Thumbs as Slack draws them below an assistant's answers; more grades as buttons."""
    if len(grades) != 2:
        yield from _chosen(grades, as_list=False)
        return
    down, up = ({"text": label(grade.label), "value": grade.token} for grade in grades)
    element = {"type": "feedback_buttons", "action_id": "rate", "positive_button": up, "negative_button": down}
    yield {"type": "context_actions", "elements": [element]}


def _table(table: Table) -> Iterator[dict[str, Any]]:
    rows = (table.columns, *table.rows)
    yield from _rich((Span(table.title, ("bold",)),))
    if (
        len(rows) <= ROWS
        and len(table.columns) <= COLUMNS
        and sum(len(cell) for row in rows for cell in row) <= (LONGEST_CELLS)
    ):
        shown = [[{"type": "raw_text", "text": cell or " "} for cell in row] for row in rows]
        yield {"type": "table", "rows": shown}
    else:
        yield from _rich((Span("\n".join(" | ".join(row) for row in rows), ("fence",)),))


def _media(media: Media) -> Iterator[dict[str, Any]]:
    if media.kind == "image" and media.ref.startswith("https://"):
        yield {
            "type": "image",
            "image_url": media.ref,
            "alt_text": short(media.alt or media.caption or media.name, 2_000) or "…",
        }
        yield from _rich((Span(media.caption),))
    else:
        address = media.ref if media.ref.startswith("https://") else ""
        yield from _rich((Span(plain(media), (), address),))


def label(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": short(text, LONGEST_LABEL) or "…"}


def short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
