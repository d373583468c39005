"""What can be pressed, chosen and filled in, as Discord wants it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from bot.model import Field, Form, Option
from channels.discord.parse import SELECT

Json = dict[str, Any]

FIELDS = 5
"""Most of one modal."""
OPTIONS = 25
"""Most of one list."""
MOST_RADIOS = 5
"""Answers that are all in sight; more are easier to find in a list."""

ROW, BUTTON, LIST, INPUT = 1, 2, 3, 4
SECTION, WORDS, GALLERY, FILE, CONTAINER, LABEL, RADIOS, CHECKBOX = 9, 10, 12, 13, 17, 18, 21, 23
_LISTS = (LIST, 5, 6, 7, 8)
"""Of words, people, roles, both, channels."""
_STYLES = {"primary": 1, "secondary": 2}
_LINK = 5
YES, NO = "true", "false"


def rows_of(options: Sequence[Option], *, listed: bool, about: str) -> list[Json]:
    if not options:
        return []
    if listed and len(options) <= OPTIONS:
        return [row([select(options, about)])]
    made = [button(option.label, option.token, "secondary") for option in options]
    return [row(made[at : at + 5]) for at in range(0, len(made), 5)]


def row(components: Sequence[Json]) -> Json:
    return {"type": ROW, "components": list(components)}


def button(label: str, token: str, style: Literal["primary", "secondary"]) -> Json:
    return {"type": BUTTON, "style": _STYLES[style], "label": label[:80] or "…", "custom_id": token}


def select(options: Sequence[Option], about: str) -> Json:
    listed = [{"label": option.label[:100] or "…", "value": option.token} for option in options]
    hint = {"placeholder": about.strip()[:150]} if about.strip() else {}
    return {"type": LIST, "custom_id": f"{SELECT}{options[0].token}"[:100], "options": listed} | hint


def used(components: Sequence[Json], chosen: Collection[str]) -> list[Json]:
    """The same components after a choice: nothing can be pressed any more, and what was chosen is seen."""
    made = list[Json]()
    for one in components:
        shown = dict(one)
        if "components" in one:
            shown["components"] = used(one["components"] or [], chosen)
        if isinstance(one.get("accessory"), dict):
            [shown["accessory"]] = used([one["accessory"]], chosen)
        match one.get("type"):
            case 2 if one.get("style") != _LINK:
                shown |= {"disabled": True} | ({"style": 1} if one.get("custom_id") in chosen else {})
            case 3:
                options = [option | {"default": option.get("value") in chosen} for option in one.get("options") or []]
                shown |= {"disabled": True, "options": options}
            case 5 | 6 | 7 | 8:
                shown["disabled"] = True
            case 12:
                shown["items"] = [item | {"media": _address(item["media"])} for item in one["items"]]
            case 11:
                shown["media"] = _address(one["media"])
            case 13 if one.get("name"):
                shown = {"type": FILE, "file": {"url": f"attachment://{one['name']}"}}
        made.append(shown)
    return made


def _address(media: Mapping[str, Any]) -> Json:
    """What else Discord tells of a picture it does not take back."""
    return {"url": media["url"]}


# Windows


def modal(
    form: Form, fields: Sequence[Field], values: Mapping[str, Any], wrong: Mapping[str, str], yes_no: tuple[str, str]
) -> Json:
    """The window of at most five fields, with what is known already. `yes_no`: what these two are called."""
    shown = [_field(each, values.get(each.name, each.value), wrong.get(each.name, ""), yes_no) for each in fields]
    title = form.title.strip() or form.submit.strip() or fields[0].label
    return {"title": _cut(title, 45) or "…", "custom_id": form.token, "components": shown[:FIELDS]}


def _field(field: Field, value: Any, wrong: str, yes_no: tuple[str, str]) -> Json:
    about = wrong or field.hint or (field.label if len(field.label) > 45 else "")
    label: Json = {"type": LABEL, "label": _cut(field.label, 45) or "…"}
    label |= {"description": _cut(about, 100)} if about.strip() else {}
    return label | {"component": {"custom_id": field.name[:100]} | _control(field, value, yes_no)}


def _control(field: Field, value: Any, yes_no: tuple[str, str]) -> Json:
    given = _written(value)
    options = field.options if field.type == "choice" else ()
    if field.type == "yes_no" and not field.required:
        return {"type": CHECKBOX, "default": given == YES}
    if field.type == "yes_no":
        options = tuple(Option(label, value) for label, value in zip(yes_no, (YES, NO), strict=True))
    if not 0 < len(options) <= OPTIONS:
        made = {"type": INPUT, "style": 2 if field.type == "long_text" else 1, "required": field.required}
        return made | {"max_length": 4000} | ({"value": given[:4000]} if given else {})
    listed = [
        {"label": _cut(one.label, 100) or "…", "value": (one.value or one.label)[:100]}
        | ({"default": True} if given and given in (one.value, one.label) else {})
        for one in options
    ]
    if 2 <= len(listed) <= MOST_RADIOS:
        return {"type": RADIOS, "options": listed, "required": field.required}
    return {"type": LIST, "options": listed, "required": field.required} | ({} if field.required else {"min_values": 0})


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return str(value or "")


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
