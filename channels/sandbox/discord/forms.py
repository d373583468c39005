"""Which bodies Discord accepts. Pure: a body in, a `Refused` that names every wrong field out.

Limits are those of its documentation. Stricter than the real one in a single point: a field that it does not know is
refused, where the real one ignores it, because here it is always a slip of the pen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from channels.sandbox.discord.refusals import Problems, refused

Path = tuple[str | int, ...]
Check = Callable[[Any, Path, Problems], None]

LONGEST_MESSAGE = 2000
EPHEMERAL, SUPPRESS_EMBEDS, SILENT, COMPONENTS_V2 = 1 << 6, 1 << 2, 1 << 12, 1 << 15
_EUROPE = "bg cs da de el en-GB en-US es-ES fi fr hr hu it lt nl no pl ro ru sv-SE tr uk"
LOCALES = frozenset((*_EUROPE.split(), "es-419", "hi", "id", "ja", "ko", "pt-BR", "th", "vi", "zh-CN", "zh-TW"))
_COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")


# What a value may be


def text(most: int, least: int = 0) -> Check:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        elif least and not least <= len(value) <= most:
            problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            problems.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    return check


def whole(low: int, high: int) -> Check:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < low:
            problems.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}.")
        elif value > high:
            problems.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")

    return check


def flag(value: Any, path: Path, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


def snowflake(value: Any, path: Path, problems: Problems) -> None:
    if not re.fullmatch(r"\d{1,20}", str(value)) or isinstance(value, bool):
        problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


def address(value: Any, path: Path, problems: Problems) -> None:
    text(2048)(value, path, problems)
    if isinstance(value, str) and not re.match(r"https?://[^\s/]+|attachment://\S+", value):
        schemes = "('http', 'https', 'attachment')"
        problems.add(path, "URL_TYPE_INVALID_SCHEME", f'Scheme "{value.partition(":")[0]}" must be one of {schemes}.')


def one_of(*words: Any) -> Check:
    def check(value: Any, path: Path, problems: Problems) -> None:
        if value not in words or (isinstance(value, bool) and True not in words):
            told = ", ".join(map(str, words))
            problems.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{told}}}.")

    return check


def anything(value: Any, path: Path, problems: Problems) -> None:
    pass


def every(check: Check, most: int, least: int = 0) -> Check:
    def check_all(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if least and not least <= len(value) <= most:
            problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            problems.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        for at, item in enumerate(value):
            check(item, (*path, at), problems)

    return check_all


def shape(fields: Mapping[str, Check], needs: Sequence[str] = ()) -> Check:
    """A mapping with these fields; null counts as absent."""

    def check(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        for name in needs:
            if value.get(name) is None:
                problems.add((*path, name), "BASE_TYPE_REQUIRED", "This field is required")
        for name, item in value.items():
            if name not in fields:
                problems.add((*path, name), "UNKNOWN_FIELD", f"Discord knows no field {name!r} here.")
            elif item is not None:
                fields[name](item, (*path, name), problems)

    return check


# Messages

_EMOJI = shape({"id": snowflake, "name": text(64), "animated": flag})
_MEDIA_ITEM = shape({"url": address, "height": anything, "width": anything, "proxy_url": anything}, ["url"])
_EMBED = shape(
    {
        "title": text(256),
        "type": one_of("rich"),
        "description": text(4096),
        "url": address,
        "timestamp": text(64),
        "color": whole(0, 0xFFFFFF),
        "footer": shape({"text": text(2048, 1), "icon_url": address}, ["text"]),
        "image": _MEDIA_ITEM,
        "thumbnail": _MEDIA_ITEM,
        "author": shape({"name": text(256, 1), "url": address, "icon_url": address}, ["name"]),
        "fields": every(shape({"name": text(256, 1), "value": text(1024, 1), "inline": flag}, ["name", "value"]), 25),
        "flags": anything,
    }
)
_MENTIONS = shape(
    {
        "parse": every(one_of("users", "roles", "everyone"), 3),
        "users": every(snowflake, 100),
        "roles": every(snowflake, 100),
        "replied_user": flag,
    }
)
_REFERENCE = shape(
    {
        "type": whole(0, 1),
        "message_id": snowflake,
        "channel_id": snowflake,
        "guild_id": snowflake,
        "fail_if_not_exists": flag,
    }
)
_ATTACHMENT = shape(
    {
        "id": anything,
        "filename": text(1024),
        "description": text(1024),
        "title": text(1024),
        "duration_secs": anything,
        "waveform": text(400),
        "is_spoiler": flag,
    }
    | dict.fromkeys(("size", "url", "proxy_url", "content_type", "height", "width", "content_scan_version"), anything),
    ["id"],
)


def _nonce(value: Any, path: Path, problems: Problems) -> None:
    if not isinstance(value, bool) and isinstance(value, int):
        return
    text(25)(value, path, problems)


_WRITTEN: dict[str, Check] = {
    "content": text(LONGEST_MESSAGE),
    "embeds": every(_EMBED, 10),
    "allowed_mentions": _MENTIONS,
    "components": anything,
    "attachments": every(_ATTACHMENT, 10),
    "flags": whole(0, (1 << 31) - 1),
}
_POSTED = _WRITTEN | {
    "tts": flag,
    "nonce": _nonce,
    "enforce_nonce": flag,
    "message_reference": _REFERENCE,
    "sticker_ids": every(snowflake, 3),
    "poll": anything,
}
_CREATE = shape(_POSTED)
_EDIT = shape(_WRITTEN | {"tts": flag})
_FOLLOW_UP = shape(_POSTED | {"username": text(80), "avatar_url": address, "thread_name": text(100)})


def created(body: Any, files: Collection[str], *, follow_up: bool = False) -> None:
    """A message to be posted, with files of these names."""
    problems = Problems()
    (_FOLLOW_UP if follow_up else _CREATE)(body, (), problems)
    problems.raise_any()
    _message(body, files, problems)
    shows = any(body.get(name) for name in ("content", "embeds", "components", "sticker_ids", "poll"))
    forwards = (body.get("message_reference") or {}).get("type") == 1
    if not (shows or files or forwards) or _is_blank(body, files):
        raise refused("empty_message")


def edited(body: Any, files: Collection[str], flags: int = 0) -> None:
    """`files`: those that come with it and those that are there; `flags`: of the message, which stays what it is."""
    problems = Problems()
    _EDIT(body, (), problems)
    problems.raise_any()
    _message(body | {"flags": (body.get("flags") or 0) | flags}, files, problems)


def _is_blank(body: Mapping[str, Any], files: Collection[str]) -> bool:
    others = any(body.get(name) for name in ("embeds", "components", "sticker_ids", "poll", "message_reference"))
    return not (files or others or str(body.get("content") or "").strip())


def _message(body: Mapping[str, Any], files: Collection[str], problems: Problems) -> None:
    if len(files) > 10:
        problems.add(("attachments",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    v2 = bool((body.get("flags") or 0) & COMPONENTS_V2)
    if v2:
        for name in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(name):
                why = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                problems.add((name,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", why)
    _embeds(body.get("embeds") or (), problems)
    _mentions(body.get("allowed_mentions") or {}, problems)
    components(body.get("components") or [], problems, v2=v2, files=files)
    problems.raise_any()


def _embeds(embeds: Sequence[Mapping[str, Any]], problems: Problems) -> None:
    size = 0
    for at, embed in enumerate(embeds):
        fields = embed.get("fields") or ()
        footer, author = embed.get("footer") or {}, embed.get("author") or {}
        words = [embed.get("title"), embed.get("description"), footer.get("text"), author.get("name")]
        words += [field[part] for field in fields for part in ("name", "value")]
        size += sum(len(word.strip()) for word in words if word)
        if not (any(words) or embed.get("image") or embed.get("thumbnail") or embed.get("url")):
            problems.add(("embeds", at), "BASE_TYPE_REQUIRED", "This field is required")
        if size > 6000:
            problems.add(("embeds", at), "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _mentions(mentions: Mapping[str, Any], problems: Problems) -> None:
    for kind in ("users", "roles"):
        if kind in (mentions.get("parse") or ()) and mentions.get(kind):
            why = f'"parse" cannot contain "{kind}" if "{kind}" is also provided.'
            problems.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", why)


# Components

ROW, BUTTON, SELECT, INPUT = 1, 2, 3, 4
SECTION, WORDS, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
SELECTS = (3, 5, 6, 7, 8)
"""String, user, role, mentionable, channel."""
UPLOAD, RADIOS, CHECKBOXES, CHECKBOX = 19, 21, 22, 23

_CHOICE: dict[str, Check] = {
    "label": text(100, 1),
    "value": text(100, 1),
    "description": text(100),
    "default": flag,
}
_SELECT: dict[str, Check] = {
    "custom_id": text(100, 1),
    "placeholder": text(150),
    "min_values": whole(0, 25),
    "max_values": whole(1, 25),
    "disabled": flag,
    "required": flag,
    "default_values": every(shape({"id": snowflake, "type": one_of("user", "role", "channel")}), 25),
}
_UNFURLED = shape({"url": address} | dict.fromkeys(("proxy_url", "height", "width", "content_type"), anything), ["url"])
_FIELDS: dict[int, tuple[dict[str, Check], list[str]]] = {
    ROW: ({"components": every(anything, 5, 1)}, ["components"]),
    BUTTON: (
        {
            "style": whole(1, 6),
            "label": text(80),
            "emoji": _EMOJI,
            "custom_id": text(100, 1),
            "url": address,
            "sku_id": snowflake,
            "disabled": flag,
        },
        ["style"],
    ),
    SELECT: (_SELECT | {"options": every(shape(_CHOICE | {"emoji": _EMOJI}, ["label", "value"]), 25, 1)}, ["options"]),
    INPUT: (
        {
            "custom_id": text(100, 1),
            "style": whole(1, 2),
            "label": text(45, 1),
            "min_length": whole(0, 4000),
            "max_length": whole(1, 4000),
            "required": flag,
            "value": text(4000),
            "placeholder": text(100),
        },
        ["custom_id", "style"],
    ),
    SECTION: ({"components": every(anything, 3, 1), "accessory": anything}, ["components", "accessory"]),
    WORDS: ({"content": text(4000, 1)}, ["content"]),
    THUMBNAIL: ({"media": _UNFURLED, "description": text(1024), "spoiler": flag}, ["media"]),
    GALLERY: (
        {"items": every(shape({"media": _UNFURLED, "description": text(1024), "spoiler": flag}, ["media"]), 10, 1)},
        ["items"],
    ),
    FILE: ({"file": _UNFURLED, "spoiler": flag, "name": anything, "size": anything}, ["file"]),
    SEPARATOR: ({"divider": flag, "spacing": whole(1, 2)}, []),
    CONTAINER: (
        {"components": every(anything, 40, 1), "accent_color": whole(0, 0xFFFFFF), "spoiler": flag},
        ["components"],
    ),
    LABEL: ({"label": text(45, 1), "description": text(100), "component": anything}, ["label", "component"]),
    UPLOAD: (
        {
            "custom_id": text(100, 1),
            "min_values": whole(0, 10),
            "max_values": whole(1, 10),
            "required": flag,
        },
        ["custom_id"],
    ),
    RADIOS: (
        {
            "custom_id": text(100, 1),
            "options": every(shape(_CHOICE, ["label", "value"]), 10, 2),
            "required": flag,
        },
        ["custom_id", "options"],
    ),
    CHECKBOXES: (
        {
            "custom_id": text(100, 1),
            "options": every(shape(_CHOICE, ["label", "value"]), 10, 1),
            "min_values": whole(0, 10),
            "max_values": whole(1, 10),
            "required": flag,
        },
        ["custom_id", "options"],
    ),
    CHECKBOX: ({"custom_id": text(100, 1), "default": flag}, ["custom_id"]),
}
for _kind in (5, 6, 7, 8):
    _FIELDS[_kind] = (_SELECT | {"channel_types": anything}, ["custom_id"])
_WITHIN: dict[int, frozenset[int]] = {
    ROW: frozenset((BUTTON, *SELECTS)),
    SECTION: frozenset((WORDS,)),
    CONTAINER: frozenset((ROW, SECTION, WORDS, GALLERY, FILE, SEPARATOR)),
    LABEL: frozenset((INPUT, *SELECTS, UPLOAD, RADIOS, CHECKBOXES, CHECKBOX)),
}
_V2_TOP = _WITHIN[CONTAINER] | {CONTAINER}


class _Walk:
    """One body's components: ids are unique in it, and texts and parts are counted."""

    def __init__(self, problems: Problems, files: Collection[str] = ()) -> None:
        self.problems, self.ids, self.count, self.letters = problems, set[str](), 0, 0
        self.files = files

    def all(self, components: Any, path: Path, allowed: frozenset[int]) -> None:
        for at, component in enumerate(components if isinstance(components, list) else ()):
            self.one(component, (*path, at), allowed)

    def one(self, component: Any, path: Path, allowed: frozenset[int]) -> None:
        kind = component.get("type") if isinstance(component, dict) else None
        if kind not in allowed or not isinstance(kind, int):
            told = ", ".join(map(str, sorted(allowed)))
            self.problems.add((*path, "type"), "BASE_TYPE_CHOICES", f'Value of field "type" must be one of ({told},).')
            return
        self.count += 1
        fields, needs = _FIELDS[kind]
        shape(fields | {"type": anything, "id": anything}, needs)(component, path, self.problems)
        self._id(component, kind, path)
        if isinstance(words := component.get("content"), str):
            self.letters += len(words)
        within = component.get("components")
        match kind:
            case 1:
                self._row(within, path)
            case 9:
                self.all(within, (*path, "components"), _WITHIN[SECTION])
                self.one(component.get("accessory"), (*path, "accessory"), frozenset((BUTTON, THUMBNAIL)))
            case 17:
                self.all(within, (*path, "components"), _WITHIN[CONTAINER])
            case 18:
                self.one(component.get("component"), (*path, "component"), _WITHIN[LABEL])
            case 2:
                self._button(component, path)
            case 3:
                self._options(component, path)
            case 11:
                self._media(component.get("media"), (*path, "media"))
            case 12:
                for at, item in enumerate(component.get("items") or ()):
                    self._media(item.get("media"), (*path, "items", at, "media"))
            case 13:
                self._media(component.get("file"), (*path, "file"), only_ours=True)

    def _media(self, media: Any, path: Path, *, only_ours: bool = False) -> None:
        """What comes with the message is named by `attachment://`; a file may come from nowhere else."""
        url = str(media.get("url")) if isinstance(media, dict) else ""
        name = url.removeprefix("attachment://")
        if name == url and only_ours:
            why = "The file component takes attachment:// only"
            self.problems.add((*path, "url"), "UNFURLED_MEDIA_ITEM_URL_INVALID", why)
        elif name != url and name not in self.files:
            why = f"The referenced attachment with file name {name} was not found"
            self.problems.add(path, "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", why)

    def _row(self, within: Any, path: Path) -> None:
        if not isinstance(within, list):
            return
        kinds = [one.get("type") for one in within if isinstance(one, dict)]
        if any(kind in SELECTS or kind == INPUT for kind in kinds) and len(kinds) > 1:
            why = "The action row may hold one select or up to five buttons"
            self.problems.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", why)
        allowed = frozenset((INPUT,)) if INPUT in kinds and INPUT in self.rows_may_hold else _WITHIN[ROW]
        self.all(within, (*path, "components"), allowed)

    rows_may_hold: frozenset[int] = frozenset()

    def _id(self, component: Mapping[str, Any], kind: int, path: Path) -> None:
        given = component.get("custom_id")
        if isinstance(given, str):
            if given in self.ids:
                why = "Component custom id cannot be duplicated"
                self.problems.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", why)
            self.ids.add(given)
        elif kind in SELECTS:
            self.problems.add((*path, "custom_id"), "BASE_TYPE_REQUIRED", "This field is required")

    def _button(self, button: Mapping[str, Any], path: Path) -> None:
        if button.get("style") == 5:
            if not button.get("url"):
                self.problems.add((*path, "url"), "BASE_TYPE_REQUIRED", "A url is required")
            if button.get("custom_id"):
                why = "A custom id and url cannot both be specified"
                self.problems.add((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", why)
        elif button.get("style") != 6 and not button.get("custom_id"):
            self.problems.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
        if button.get("style") != 6 and not (button.get("label") or button.get("emoji")):
            why = "A label or emoji is required"
            self.problems.add((*path, "label"), "BUTTON_COMPONENT_INVALID_LABEL_OR_EMOJI", why)

    def _options(self, select: Mapping[str, Any], path: Path) -> None:
        options = [one for one in select.get("options") or () if isinstance(one, dict)]
        seen: set[Any] = set()
        for at, option in enumerate(options):
            value = str(option.get("value"))
            if value in seen:
                why = "The specified option value is already used"
                where = (*path, "options", at, "value")
                self.problems.add(where, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", why)
            seen.add(value)
        if isinstance(most := select.get("max_values"), int) and options and most > len(options):
            why = f"Value must be less than or equal to the number of options ({len(options)})."
            self.problems.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_EXCEEDED", why)


def components(given: Any, problems: Problems, *, v2: bool = False, files: Collection[str] = ()) -> None:
    """Of a message, with files of these names."""
    every(anything, 40 if v2 else 5)(given, ("components",), problems)
    walk = _Walk(problems, files)
    walk.all(given, ("components",), _V2_TOP if v2 else frozenset((ROW,)))
    if v2 and walk.count > 40:
        problems.add(
            ("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The maximum number of components is 40"
        )
    if v2 and walk.letters > 4000:
        why = "The maximum of all text displays together is 4000 characters"
        problems.add(("components",), "COMPONENT_MAX_TOTAL_TEXT_EXCEEDED", why)


def modal(data: Any) -> None:
    problems = Problems()
    fields = {"title": text(45, 1), "custom_id": text(100, 1), "components": every(anything, 5, 1)}
    shape(fields, ["title", "custom_id", "components"])(data, ("data",), problems)
    problems.raise_any()
    walk = _Walk(problems)
    walk.rows_may_hold = frozenset((INPUT,))
    walk.all(data["components"], ("data", "components"), frozenset((ROW, LABEL, WORDS)))
    for at, row in enumerate(data["components"]):
        inside = row.get("components") if isinstance(row, dict) else None
        for field in inside if isinstance(inside, list) else ():
            if isinstance(field, dict) and field.get("type") == INPUT and not field.get("label"):
                where = ("data", "components", at, "components", 0, "label")
                problems.add(where, "BASE_TYPE_REQUIRED", "This field is required")
    problems.raise_any()


# Application commands


def _locales(check: Check) -> Check:
    def check_all(value: Any, path: Path, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        for locale, words in value.items():
            if locale not in LOCALES:
                problems.add((*path, locale), "INVALID_LOCALE", "Locale is not supported")
            check(words, (*path, locale), problems)

    return check_all


def _name(value: Any, path: Path, problems: Problems) -> None:
    text(32, 1)(value, path, problems)
    if isinstance(value, str) and (not _COMMAND_NAME.fullmatch(value) or value != value.lower()):
        problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


_COMMAND: dict[str, Check] = {
    "name": _name,
    "name_localizations": _locales(_name),
    "description": text(100),
    "description_localizations": _locales(text(100, 1)),
    "type": one_of(1, 2, 3),
    "options": every(anything, 25),
    "default_member_permissions": anything,
    "dm_permission": flag,
    "default_permission": flag,
    "nsfw": flag,
    "integration_types": every(one_of(0, 1), 2),
    "contexts": every(one_of(0, 1, 2), 3),
    "id": snowflake,
}
_OPTION: dict[str, Check] = {
    "type": whole(1, 11),
    "name": _name,
    "name_localizations": _locales(_name),
    "description": text(100, 1),
    "description_localizations": _locales(text(100, 1)),
    "required": flag,
    "choices": every(
        shape(
            {"name": text(100, 1), "name_localizations": _locales(text(100, 1)), "value": anything}, ["name", "value"]
        ),
        25,
    ),
    "options": every(anything, 25),
    "autocomplete": flag,
    "channel_types": every(whole(0, 16), 25),
    "min_value": anything,
    "max_value": anything,
    "min_length": whole(0, 6000),
    "max_length": whole(1, 6000),
}


def commands(body: Any) -> None:
    problems = Problems()
    if not isinstance(body, list):
        problems.add((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        problems.raise_any()
    seen: set[tuple[Any, str]] = set()
    for at, command in enumerate(body):
        _command(command, (at,), problems)
        if isinstance(command, dict):
            key = (command.get("type", 1), str(command.get("name")))
            if key in seen:
                why = "Application command names must be unique"
                problems.add((at,), "APPLICATION_COMMANDS_DUPLICATE_NAME", why)
            seen.add(key)
    problems.raise_any()


def _command(command: Any, path: Path, problems: Problems) -> None:
    menu = isinstance(command, dict) and command.get("type") in (2, 3)
    fields = _COMMAND | {"name": text(32, 1)} if menu else _COMMAND
    shape(fields, ["name"] if menu else ["name", "description"])(command, path, problems)
    if isinstance(command, dict) and not menu:
        if command.get("description") == "":
            problems.add((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
        _options(command.get("options"), (*path, "options"), problems)


def _options(options: Any, path: Path, problems: Problems) -> None:
    optional = False
    for at, option in enumerate(options if isinstance(options, list) else ()):
        shape(_OPTION, ["type", "name", "description"])(option, (*path, at), problems)
        if not isinstance(option, dict):
            continue
        if option.get("required") and optional:
            why = "Required options must be placed before non-required options"
            problems.add((*path, at), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", why)
        optional |= option.get("type") not in (1, 2) and not option.get("required")
        if option.get("autocomplete") and option.get("choices"):
            why = "Autocomplete options cannot have choices"
            problems.add((*path, at), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_WITH_CHOICES", why)
        _options(option.get("options"), (*path, at, "options"), problems)
