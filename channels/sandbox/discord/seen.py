"""What a person sees: chats, messages as they look, the modal that is open. Reads the world, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot import markup
from channels.sandbox.discord import forms
from channels.sandbox.discord.person import PersonsSide
from channels.sandbox.discord.world import DM, FORUM, File, Line, Place, Wire, World

_KINDS = {DM: "private", FORUM: "forum", 11: "thread", 12: "thread"}
_STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium"}
_TOKEN = re.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<place>\d+)>|\|\|(?P<spoiler>(?s:.+?))\|\||^-# (?P<small>.+)$",
    re.MULTILINE,
)


def seen(world: World, side: PersonsSide, *, absent: bool) -> Wire:
    """`absent`: no bot has come yet."""
    people = [{"id": str(one.id), "name": one.name} for one in world.people.values() if not one.is_bot]
    return {
        "platform": "discord",
        "bots": [{"id": str(one.id), "name": one.name} for one in world.people.values() if one.is_bot],
        "people": people,
        "absent": absent,
        "chats": [_chat(world, side, place) for place in world.places.values()],
        "modal": _modal(world, side),
        "toast": side.toast,
    }


def _chat(world: World, side: PersonsSide, place: Place) -> Wire:
    typing = [person.name for person in world.typing_now(place) if person is world.bot]
    return {
        "id": str(place.id),
        "title": place.title,
        "kind": _KINDS.get(place.kind, "channel"),
        "parent": str(place.parent) if place.parent else None,
        "blocked": any(world.people[one].blocks for one in place.people) if place.kind == DM else False,
        "archived": place.archived,
        "typing": f"{typing[0]} is typing…" if typing else "",
        "messages": [_message(world, place, line) for line in place.lines.values()],
        "keyboard": None,
        "commands": [{"name": name, "about": about} for one in side.commands(place) for name, about in _commands(one)],
        "can": [] if place.kind == FORUM else ["say", "upload", "edit", "delete", "react", "block", "voice"],
    }


def _commands(command: Wire) -> Iterator[tuple[str, str]]:
    """With its sub-commands written out."""
    groups = [option for option in command.get("options") or () if option["type"] in (1, 2)]
    if not groups:
        yield command["name"], command.get("description", "")
    for group in groups:
        for name, about in _commands(group):
            yield f"{command['name']} {name}", about


def _message(world: World, place: Place, line: Line) -> Wire:
    laid_out = _Layout(world, line.components) if line.flags & forms.COMPONENTS_V2 else None
    words = "\n".join(laid_out.words) if laid_out else line.text
    if line.forwarded:
        words = f"Forwarded: {line.forwarded.text}"
    if line.waiting:
        words = f"{world.bot.name} is thinking…"
    if laid_out:
        files, cards, rows = laid_out.files, laid_out.cards, laid_out.rows
    else:
        drawn = {
            (embed.get(name) or {}).get("attachment_id") for embed in line.embeds for name in ("image", "thumbnail")
        }
        files = [_file(place, file) for file in line.files if str(file.id) not in drawn]
        cards = [_card(world, embed) for embed in line.embeds]
        rows = [_row(world, one) for one in line.components]
    return {
        "id": str(line.id),
        "by": "bot" if line.by.is_bot else "person",
        "name": line.by.name,
        "at": line.at.isoformat(),
        "reply_to": str(line.reply_to) if line.reply_to else None,
        "spans": [] if line.deleted else spans(world, words),
        "edited": line.edited_at is not None,
        "deleted": line.deleted,
        "draft": line.waiting,
        "ephemeral": bool(line.only_for),
        "to": str(line.only_for) if line.only_for else None,
        "pings": sorted({str(one) for one in (*line.mentions, *line.roles)}) + (["everyone"] if line.everyone else []),
        "reactions": [{"emoji": emoji, "count": len(by)} for emoji, by in line.reactions.items()],
        "files": [] if line.deleted else files,
        "cards": [] if line.deleted else cards,
        "table": None,
        "location": None,
        "contact": None,
        "rows": [] if line.deleted else rows,
    }


class _Layout:
    """A message, or a frame in one, in Components v2: each kind in its order."""

    def __init__(self, world: World, components: Sequence[Wire]) -> None:
        self._world = world
        self.words, self.files, self.cards, self.rows = list[str](), list[Wire](), list[Wire](), list[list[Wire]]()
        for one in components:
            self._add(one)

    def _add(self, one: Wire) -> None:
        match one["type"]:
            case forms.WORDS:
                self.words.append(one["content"])
            case forms.SECTION:
                self.words += (each["content"] for each in one["components"])
                self._add(one["accessory"])
            case forms.THUMBNAIL:
                self.files.append(self._picture(one))
            case forms.GALLERY:
                self.files += map(self._picture, one["items"])
            case forms.FILE:
                told = {"kind": "file", "name": one.get("name", ""), "type": one["file"].get("content_type", "")}
                self.files.append(
                    told | {"size": one.get("size", 0), "href": href(self._world, one["file"]), "alt": ""}
                )
            case forms.CONTAINER:
                self.cards.append(self._frame(one))
            case forms.ROW:
                self.rows.append(_row(self._world, one))
            case forms.BUTTON:
                self.rows.append([_button(one)])

    def _picture(self, item: Wire) -> Wire:
        about, kind = item.get("description") or "", item["media"].get("content_type", "").partition("/")[0]
        told = {"kind": "video" if kind == "video" else "image", "name": about, "type": "", "size": 0}
        return told | {"href": href(self._world, item["media"]), "alt": about}

    def _frame(self, container: Wire) -> Wire:
        inside, color = _Layout(self._world, container["components"]), container.get("accent_color")
        return {
            "title": "",
            "body": spans(self._world, "\n".join(inside.words)),
            "image": "",
            "fields": [],
            "color": f"#{color:06x}" if color is not None else "",
            "footer": "",
            "files": inside.files,
            "rows": inside.rows,
        }


def href(world: World, media: Wire) -> str:
    """Our own files by path: the page may have been opened under another name of ours."""
    url: str = media["url"]
    return url.removeprefix(world.base) if world.base else url


def spans(world: World, words: str) -> list[Wire]:
    """Discord's markdown: mentions by name, spoilers, and what it shares with every other."""
    made: list[Wire] = []
    at = 0
    for met in _TOKEN.finditer(words):
        made += _plain(words[at : met.start()])
        at = met.end()
        if mark := next((mark for mark in ("spoiler", "small") if met[mark]), ""):
            made += [one | {"marks": [*one["marks"], mark]} for one in _plain(met[mark])]
        else:
            made.append({"text": _named(world, met), "marks": ["mention"], "link": ""})
    return made + _plain(words[at:])


def _named(world: World, met: re.Match[str]) -> str:
    if met["user"]:
        person = world.people.get(int(met["user"]))
        return f"@{person.name if person else 'unknown-user'}"
    if met["role"]:
        return f"@{world.roles.get(int(met['role']), 'unknown-role')}"
    place = world.places.get(int(met["place"]))
    return f"#{place.name if place else 'unknown'}"


def _plain(words: str) -> list[Wire]:
    if not words.strip():
        return _blank(words)
    lead, trail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    made = [{"text": one.text, "marks": list(one.marks), "link": one.link} for one in markup.parse(words)]
    return [*_blank(lead), *made, *_blank(trail)]


def _blank(words: str) -> list[Wire]:
    """White space, which counts between what stands beside it."""
    return [{"text": words, "marks": [], "link": ""}] if words else []


def _file(place: Place, file: File) -> Wire:
    kind = file.type.partition("/")[0]
    kind = "voice" if file.seconds else kind if kind in ("image", "audio", "video") else "file"
    href = f"/attachments/{place.id}/{file.id}/{file.name}"
    told = {"kind": kind, "name": file.name, "type": file.type, "size": len(file.content), "href": href}
    return told | {"alt": file.about}


def _card(world: World, embed: Mapping[str, Any]) -> Wire:
    color, picture = embed.get("color"), embed.get("image") or embed.get("thumbnail")
    return {
        "title": "".join(span["text"] for span in spans(world, embed.get("title") or "")),
        "body": spans(world, embed.get("description") or ""),
        "image": href(world, picture) if picture else "",
        "fields": [{"name": one["name"], "value": one["value"]} for one in embed.get("fields") or ()],
        "color": f"#{color:06x}" if color is not None else "",
        "footer": (embed.get("footer") or {}).get("text", ""),
    }


def _row(world: World, row: Wire) -> list[Wire]:
    return [_button(one) if one["type"] == forms.BUTTON else _select(world, one) for one in row["components"]]


def _button(one: Wire) -> Wire:
    emoji = (one.get("emoji") or {}).get("name") or ""
    return {
        "kind": "button",
        "id": one.get("custom_id") or "",
        "label": " ".join(filter(None, (emoji, one.get("label") or ""))),
        "style": _STYLES[one["style"]],
        "link": one.get("url") or "",
        "disabled": bool(one.get("disabled")),
    }


def _select(world: World, one: Wire) -> Wire:
    return {
        "kind": "select",
        "id": one["custom_id"],
        "placeholder": one.get("placeholder") or "",
        "many": (one.get("max_values") or 1) > 1,
        "disabled": bool(one.get("disabled")),
        "chosen": _given(one),
        "options": _options(world, one),
    }


def _options(world: World, one: Wire) -> list[Wire]:
    if one["type"] in (5, 6, 7, 8):
        return [{"id": str(id), "label": name} for id, name in world.offered(one["type"])]
    return [{"id": option["value"], "label": option["label"]} for option in one.get("options") or ()]


def _given(one: Wire) -> list[str]:
    """What stands there before anything is chosen."""
    people = [str(each["id"]) for each in one.get("default_values") or ()]
    return [*people, *(option["value"] for option in one.get("options") or () if option.get("default"))]


def _modal(world: World, side: PersonsSide) -> Wire | None:
    if side.modal is None or side.modal.modal is None:
        return None
    shown = side.modal.modal
    return {
        "id": str(side.modal.id),
        "chat": str(side.modal.place.id),
        "title": shown["title"],
        "submit": "Submit",
        "fields": list(_fields(world, shown["components"], side.wrong)),
    }


def _fields(world: World, components: Sequence[Wire], wrong: Mapping[str, str]) -> Iterator[Wire]:
    for one in components:
        if one["type"] == forms.ROW:
            yield from (_field(world, inside, inside.get("label", ""), "", wrong) for inside in one["components"])
        elif one["type"] == forms.LABEL:
            yield _field(world, one["component"], one["label"], one.get("description") or "", wrong)


_TYPES = {forms.UPLOAD: "file", forms.CHECKBOXES: "multi_choice", forms.CHECKBOX: "checkbox", forms.RADIOS: "radio"}


def _field(world: World, one: Wire, label: str, about: str, wrong: Mapping[str, str]) -> Wire:
    typed = "long_text" if one.get("style") == 2 else "text"
    many, given = (one.get("max_values") or 1) > 1 or one["type"] == forms.CHECKBOXES, _given(one)
    chosen = "multi_choice" if many else "choice"
    value = one.get("default", False) if one["type"] == forms.CHECKBOX else one.get("value") or ""
    return {
        "name": one["custom_id"],
        "label": label,
        "type": typed if one["type"] == forms.INPUT else _TYPES.get(one["type"], chosen),
        "required": one.get("required", True) and one["type"] != forms.CHECKBOX,
        "options": _options(world, one),
        "value": given if many else given[0] if given else value,
        "error": wrong.get(one["custom_id"], ""),
        "hint": about or one.get("placeholder") or "",
    }
