"""What Discord would refuse, found before the call: every limit that what we render could run into. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.errors import Unshowable
from channels.discord.components import BUTTON, CONTAINER, GALLERY, LIST, OPTIONS, ROW, SECTION

LONGEST = 2000
"""Characters of a message's text."""
COMPONENTS_V2 = 1 << 15
MOST_COMPONENTS, LONGEST_V2 = 40, 4000
_EMBEDS, _LONGEST_EMBEDS, _FILES, _ALT = 10, 6000, 10, 1024


def checked(payload: Mapping[str, Any]) -> None:
    """Raises `Unshowable`, which names what is too much."""
    try:
        wrong = next(_wrong(payload), "")
    except (TypeError, AttributeError, RecursionError) as error:  # a flow's own payload may be of any shape
        raise Unshowable(f"Discord knows no components of this shape: {error}") from error
    if wrong:
        raise Unshowable(f"{wrong} after rendering")


def _wrong(payload: Mapping[str, Any]) -> Iterator[str]:
    v2 = bool((payload.get("flags") or 0) & COMPONENTS_V2)
    components, embeds = payload.get("components") or [], payload.get("embeds") or []
    yield from _over("characters", len(payload.get("content") or ""), LONGEST)
    yield from _over("embeds", len(embeds), _EMBEDS)
    yield from _over("characters of embeds", sum(map(_written, embeds)), _LONGEST_EMBEDS)
    files = payload.get("attachments") or []
    yield from _over("files", len(files), _FILES)
    yield from _over(
        "characters about a file", max((len(one.get("description") or "") for one in files), default=0), _ALT
    )
    if v2 and (payload.get("content") or embeds):
        yield "text or embeds beside Components v2"
    every = list(_every(components))
    yield from _over("rows", 0 if v2 else len(components), 5)
    if v2:
        yield from _over("components", len(every), MOST_COMPONENTS)
        yield from _over("characters", sum(len(one.get("content") or "") for one in every), LONGEST_V2)
    for one in every:
        yield from _wrong_in(one)
    ids = [one["custom_id"] for one in every if one.get("custom_id")]
    if len(set(ids)) < len(ids):
        yield "two components of one custom_id"


def _wrong_in(one: Mapping[str, Any]) -> Iterator[str]:
    yield from _over("characters of a custom_id", len(one.get("custom_id") or ""), 100)
    inside = one.get("components") or []
    match one.get("type"):
        case 1:
            only_buttons = all(each.get("type") == BUTTON for each in inside)
            yield from _over("buttons in a row", len(inside), 5 if only_buttons else 1)
        case 2:
            yield from _over("characters of a label", len(one.get("label") or ""), 80)
        case 3:
            yield from _over("options", len(one.get("options") or []), OPTIONS)
        case 12:
            yield from _over("pictures", len(one.get("items") or []), 10)
    if one.get("type") in (ROW, CONTAINER, SECTION) and not inside:
        yield "a component that holds nothing"
    if one.get("type") in (LIST, GALLERY) and not (one.get("options") or one.get("items")):
        yield "a list of nothing"


def _over(what: str, count: int, most: int) -> Iterator[str]:
    if count > most:
        yield f"{count} {what}, of which Discord takes {most},"


def _every(components: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in components:
        yield one
        yield from _every(one.get("components") or [])
        if accessory := one.get("accessory"):
            yield accessory


def _written(embed: Mapping[str, Any]) -> int:
    named = (embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")
    fields = [one.get(name) for one in embed.get("fields") or () for name in ("name", "value")]
    return sum(len(words) for words in (embed.get("title"), embed.get("description"), *named, *fields) if words)
