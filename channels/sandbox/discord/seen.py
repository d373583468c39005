"""What a person sees: chats, messages as they look, the modal that is open. Reads the world, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot import markup
from channels.sandbox.discord import forms
from channels.sandbox.discord.person import PersonsSide, flat
from channels.sandbox.discord.world import DM, FORUM, File, Line, Place, Wire, World

_KINDS = {DM: "private", FORUM: "forum", 11: "thread", 12: "thread"}
_STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium"}
_TOKEN = re.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<place>\d+)>|\|\|(?P<spoiler>(?s:.+?))\|\||^-# (?P<small>.+)$",
    re.MULTILINE,
)


def seen(world: World, side: PersonsSide) -> Wire:
    people = [{"id": str(one.id), "name": one.name} for one in world.people.values() if not one.is_bot]
    return {
        "platform": "discord",
        "bots": [{"id": str(one.id), "name": one.name} for one in world.people.values() if one.is_bot],
        "people": people,
        "chats": [_chat(world, side, place) for place in world.places.values()],
        "modal": _modal(side),
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
    v2 = bool(line.flags & forms.COMPONENTS_V2)
    parts = flat(line.components)
    words = "\n".join(part["content"] for part in parts if part["type"] == forms.WORDS) if v2 else line.text
    if line.forwarded:
        words = f"Forwarded: {line.forwarded.text}"
    if line.waiting:
        words = f"{world.bot.name} is thinking…"
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
        "files": [] if line.deleted else [*(_file(place, file) for file in line.files), *_pictures(parts)],
        "cards": [] if line.deleted else [_card(embed) for embed in line.embeds],
        "table": None,
        "location": None,
        "contact": None,
        "rows": [] if line.deleted else [_row(one) for one in parts if one["type"] == forms.ROW],
    }


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


def _pictures(parts: Sequence[Wire]) -> Iterator[Wire]:
    """Of galleries, which show what lies at an address."""
    for item in (item for part in parts if part["type"] == forms.GALLERY for item in part["items"]):
        about = item.get("description") or ""
        yield {"kind": "image", "name": about, "type": "", "size": 0, "href": item["media"]["url"], "alt": about}


def _file(place: Place, file: File) -> Wire:
    kind = file.type.partition("/")[0]
    kind = "voice" if file.seconds else kind if kind in ("image", "audio", "video") else "file"
    href = f"/attachments/{place.id}/{file.id}/{file.name}"
    told = {"kind": kind, "name": file.name, "type": file.type, "size": len(file.content), "href": href}
    return told | {"alt": file.about}


def _card(embed: Mapping[str, Any]) -> Wire:
    color = embed.get("color")
    return {
        "title": embed.get("title") or "",
        "body": embed.get("description") or "",
        "image": (embed.get("image") or embed.get("thumbnail") or {}).get("url", ""),
        "fields": [{"name": one["name"], "value": one["value"]} for one in embed.get("fields") or ()],
        "color": f"#{color:06x}" if color is not None else "",
        "footer": (embed.get("footer") or {}).get("text", ""),
    }


def _row(row: Wire) -> list[Wire]:
    return [_button(one) if one["type"] == forms.BUTTON else _select(one) for one in row["components"]]


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


def _select(one: Wire) -> Wire:
    return {
        "kind": "select",
        "id": one["custom_id"],
        "placeholder": one.get("placeholder") or "",
        "many": one.get("max_values", 1) > 1,
        "disabled": bool(one.get("disabled")),
        "options": _options(one),
    }


def _options(one: Wire) -> list[Wire]:
    return [{"id": option["value"], "label": option["label"]} for option in one.get("options") or ()]


def _modal(side: PersonsSide) -> Wire | None:
    if side.modal is None or side.modal.modal is None:
        return None
    shown = side.modal.modal
    return {
        "id": str(side.modal.id),
        "chat": str(side.modal.place.id),
        "title": shown["title"],
        "submit": "Submit",
        "fields": list(_fields(shown["components"], side.wrong)),
    }


def _fields(components: Sequence[Wire], wrong: Mapping[str, str]) -> Iterator[Wire]:
    for one in components:
        if one["type"] == forms.ROW:
            yield from (_field(inside, inside.get("label", ""), "", wrong) for inside in one["components"])
        elif one["type"] == forms.LABEL:
            yield _field(one["component"], one["label"], one.get("description") or "", wrong)


def _field(one: Wire, label: str, about: str, wrong: Mapping[str, str]) -> Wire:
    types = {forms.UPLOAD: "file", forms.CHECKBOXES: "multi_choice", forms.CHECKBOX: "yes_no"}
    typed = "long_text" if one.get("style") == 2 else "text"
    return {
        "name": one["custom_id"],
        "label": label,
        "type": typed if one["type"] == forms.INPUT else types.get(one["type"], "choice"),
        "required": one.get("required", True) and one["type"] != forms.CHECKBOX,
        "options": _options(one),
        "value": one.get("value") or "",
        "error": wrong.get(one["custom_id"], ""),
        "hint": about or one.get("placeholder") or "",
    }
