"""What Block Kit allows: the faults of blocks, attachments of text and views, told as Slack tells them. Pure.

https://docs.slack.dev/reference/block-kit: its limits and its required fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

MOST_IN_MESSAGE = 50
MOST_IN_VIEW = 100
LONGEST_MARKDOWN = 12_000
LONGEST_OF_ALL = 12_000
"""Characters of all blocks of a message together."""

Faults = Iterator[str]


class Refused(Exception):
    """`error` is Slack's code, `messages` what it adds for people."""

    def __init__(self, error: str, messages: Sequence[str] = (), **more: Any) -> None:
        super().__init__(error)
        self.error, self.messages, self.more = error, tuple(messages), more


def check_blocks(blocks: Any, *, where: str = "message") -> list[dict[str, Any]]:
    """The blocks, once they are known to be right. Raises `Refused`."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks_format", ["[ERROR] must provide an array of objects"])
    faults = [*_all(blocks, where)]
    if faults:
        raise Refused("invalid_blocks", [f"[ERROR] {fault}" for fault in faults])
    if where == "message" and sum(map(_characters, blocks)) > LONGEST_OF_ALL:
        raise Refused("msg_blocks_too_long")
    return blocks


def check_view(view: Any) -> dict[str, Any]:
    """The view, once it is known to be right. Raises `Refused`."""
    if not isinstance(view, dict):
        raise Refused("invalid_arguments", ["[ERROR] view must be an object"])
    kind = view.get("type")
    if kind not in ("modal", "home"):
        raise Refused("invalid_arguments", ["[ERROR] must be a valid enum value [json-pointer:/view/type]"])
    allowed = _VIEW if kind == "modal" else _HOME
    faults = [f"invalid additional property: {name} [json-pointer:/view]" for name in view if name not in allowed]
    if kind == "modal":
        faults += _plain(view.get("title"), "/view/title", 24)
        for name in ("submit", "close"):
            if view.get(name) is not None:
                faults += _plain(view[name], f"/view/{name}", 24)
        has_inputs = any(isinstance(one, dict) and one.get("type") == "input" for one in view.get("blocks") or ())
        if has_inputs and not view.get("submit"):
            faults.append("submit is required when an input block is within the blocks array [json-pointer:/view]")
    for name, most in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        faults += _string(view.get(name, ""), f"/view/{name}", most)
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        faults.append("missing required field: blocks [json-pointer:/view]")
    if faults:
        raise Refused("invalid_arguments", [f"[ERROR] {fault}" for fault in faults])
    check_blocks(blocks, where=str(kind))
    return view


def interactive(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(block_id, element) of everything a person can use, in order."""
    for block in blocks:
        elements = [*block.get("elements", ())] if block["type"] in ("actions", "context_actions") else []
        elements += [block["accessory"]] if block.get("accessory") else []
        elements += [block["element"]] if block["type"] == "input" else []
        for element in elements:
            if element.get("type") in _ELEMENTS and element["type"] != "image":
                yield block.get("block_id", ""), element


def option_faults(options: Any) -> list[str]:
    """Of what an app answers when it is asked for the options of a list."""
    return [*_list(options, "/options", 0, 100, _option)]


_VIEW = frozenset(
    [
        "type",
        "title",
        "blocks",
        "close",
        "submit",
        "private_metadata",
        "callback_id",
        "clear_on_close",
        "notify_on_close",
        "external_id",
        "submit_disabled",
    ]
)
_HOME = frozenset(["type", "blocks", "private_metadata", "callback_id", "external_id"])


def _all(blocks: Sequence[Mapping[str, Any]], where: str) -> Faults:
    most = MOST_IN_MESSAGE if where == "message" else MOST_IN_VIEW
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(map(str, ids))):
        yield "block_id must be unique within a message [json-pointer:/blocks]"
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield "only one table is allowed [json-pointer:/blocks]"
    markdown = sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")
    if markdown > LONGEST_MARKDOWN:
        yield f"must be less than {LONGEST_MARKDOWN + 1} characters in all [json-pointer:/blocks]"
    for n, block in enumerate(blocks):
        yield from _block(block, f"/blocks/{n}", where)


def _block(block: Mapping[str, Any], at: str, where: str) -> Faults:
    kind = block.get("type")
    check = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None or (where == "message" and kind == "input") or (where != "message" and kind == "table"):
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _unexpected(block, {"type", "block_id", *_FIELDS[str(kind)]}, at)
    yield from _string(block.get("block_id", ""), f"{at}/block_id", 255)
    yield from check(block, at)


def _unexpected(thing: Mapping[str, Any], allowed: set[str] | frozenset[str], at: str) -> Faults:
    yield from (f"invalid additional property: {name} [json-pointer:{at}]" for name in thing if name not in allowed)


def _string(value: Any, at: str, most: int, least: int = 0) -> Faults:
    if not isinstance(value, str):
        yield f"should be a string [json-pointer:{at}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"
    elif len(value) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{at}]"


def _plain(value: Any, at: str, most: int) -> Faults:
    if not isinstance(value, dict) or value.get("type") != "plain_text":
        yield f"must be a plain_text object [json-pointer:{at}]"
        return
    yield from _unexpected(value, {"type", "text", "emoji"}, at)
    yield from _string(value.get("text"), f"{at}/text", most, 1)


def _text(value: Any, at: str, most: int) -> Faults:
    if not isinstance(value, dict) or value.get("type") not in ("plain_text", "mrkdwn"):
        yield f"must be a text object [json-pointer:{at}]"
        return
    yield from _unexpected(value, {"type", "text", "emoji", "verbatim"}, at)
    yield from _string(value.get("text"), f"{at}/text", most, 1)


def _list(value: Any, at: str, least: int, most: int, check: Callable[[Any, str], Faults]) -> Faults:
    if not isinstance(value, list):
        yield f"should be an array [json-pointer:{at}]"
        return
    if len(value) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    if len(value) < least:
        yield f"no fewer than {least} items allowed [json-pointer:{at}]"
    for n, one in enumerate(value):
        yield from check(one, f"{at}/{n}")


def _section(block: Mapping[str, Any], at: str) -> Faults:
    if not block.get("text") and not block.get("fields"):
        yield f"missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3_000)
    if "fields" in block:
        yield from _list(block["fields"], f"{at}/fields", 1, 10, lambda one, here: _text(one, here, 2_000))
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _actions(block: Mapping[str, Any], at: str) -> Faults:
    yield from _list(block.get("elements"), f"{at}/elements", 1, 25, _element)
    ids = [one.get("action_id") for one in block.get("elements") or () if isinstance(one, dict)]
    given = [one for one in ids if one]
    if len(given) != len(set(map(str, given))):
        yield f"action_id must be unique within a block [json-pointer:{at}/elements]"


def _context(block: Mapping[str, Any], at: str) -> Faults:
    def one(element: Any, here: str) -> Faults:
        if isinstance(element, dict) and element.get("type") == "image":
            return _image(element, here)
        return _text(element, here, 3_000)

    yield from _list(block.get("elements"), f"{at}/elements", 1, 10, one)


def _context_actions(block: Mapping[str, Any], at: str) -> Faults:
    def one(element: Any, here: str) -> Faults:
        if not isinstance(element, dict) or element.get("type") not in ("feedback_buttons", "icon_button"):
            return iter((f"unsupported type [json-pointer:{here}]",))
        return _element(element, here)

    yield from _list(block.get("elements"), f"{at}/elements", 1, 5, one)


def _header(block: Mapping[str, Any], at: str) -> Faults:
    yield from _plain(block.get("text"), f"{at}/text", 150)


def _image(block: Mapping[str, Any], at: str) -> Faults:
    yield from _string(block.get("alt_text"), f"{at}/alt_text", 2_000, 1)
    if "image_url" in block:
        yield from _string(block["image_url"], f"{at}/image_url", 3_000, 1)
    elif not isinstance(block.get("slack_file"), dict):
        yield f"missing required field: image_url [json-pointer:{at}]"
    if block.get("title") is not None:
        yield from _plain(block["title"], f"{at}/title", 2_000)


def _markdown(block: Mapping[str, Any], at: str) -> Faults:
    yield from _string(block.get("text"), f"{at}/text", LONGEST_MARKDOWN, 1)


def _table(block: Mapping[str, Any], at: str) -> Faults:
    def cell(value: Any, here: str) -> Faults:
        if not isinstance(value, dict) or value.get("type") not in ("raw_text", "rich_text"):
            yield f"unsupported type of cell [json-pointer:{here}]"
        elif value["type"] == "raw_text":
            yield from _string(value.get("text"), f"{here}/text", 3_000, 1)
        else:
            yield from _rich_text(value, here)

    def row(value: Any, here: str) -> Faults:
        return _list(value, here, 1, 20, cell)

    yield from _list(block.get("rows"), f"{at}/rows", 1, 100, row)
    widths = {len(one) for one in block.get("rows") or () if isinstance(one, list)}
    if len(widths) > 1:
        yield f"each row must have as many cells [json-pointer:{at}/rows]"
    if "column_settings" in block:
        yield from _list(block["column_settings"], f"{at}/column_settings", 0, 20, lambda _one, _here: iter(()))


def _rich_text(block: Mapping[str, Any], at: str) -> Faults:
    yield from _list(block.get("elements"), f"{at}/elements", 1, 1_000, _rich_element)


def _rich_element(element: Any, at: str) -> Faults:
    kind = element.get("type") if isinstance(element, dict) else None
    match kind:
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            yield from _list(element.get("elements"), f"{at}/elements", 1, 10_000, _rich_piece)
        case "rich_text_list":
            if element.get("style") not in ("bullet", "ordered"):
                yield f"must be a valid enum value [json-pointer:{at}/style]"
            yield from _list(element.get("elements"), f"{at}/elements", 1, 10_000, _rich_element)
        case _:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"


def _rich_piece(piece: Any, at: str) -> Faults:
    kind = piece.get("type") if isinstance(piece, dict) else None
    match kind:
        case "text":
            yield from _unexpected(piece, {"type", "text", "style"}, at)
            yield from _string(piece.get("text"), f"{at}/text", 40_000, 1)
        case "link":
            yield from _unexpected(piece, {"type", "url", "text", "style", "unsafe"}, at)
            yield from _string(piece.get("url"), f"{at}/url", 3_000, 1)
        case "emoji" | "user" | "channel" | "usergroup" | "broadcast" | "date" | "color" | "team":
            pass
        case _:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"
            return
    style = piece.get("style", {})
    if not isinstance(style, dict) or not set(style) <= {"bold", "italic", "strike", "code", "underline"}:
        yield f"unexpected style [json-pointer:{at}/style]"


def _input(block: Mapping[str, Any], at: str) -> Faults:
    yield from _plain(block.get("label"), f"{at}/label", 2_000)
    if block.get("hint") is not None:
        yield from _plain(block["hint"], f"{at}/hint", 2_000)
    element = block.get("element")
    if not isinstance(element, dict) or element.get("type") in ("button", "overflow", "image"):
        yield f"unsupported element [json-pointer:{at}/element]"
    else:
        yield from _element(element, f"{at}/element")


def _nothing(block: Mapping[str, Any], at: str) -> Faults:
    return iter(())


_BLOCKS: Mapping[str, Callable[[Mapping[str, Any], str], Faults]] = {
    "section": _section,
    "actions": _actions,
    "context": _context,
    "context_actions": _context_actions,
    "divider": _nothing,
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
}
_FIELDS: Mapping[str, frozenset[str]] = {
    "section": frozenset(("text", "fields", "accessory", "expand")),
    "actions": frozenset(("elements",)),
    "context": frozenset(("elements",)),
    "context_actions": frozenset(("elements",)),
    "divider": frozenset(),
    "header": frozenset(("text",)),
    "image": frozenset(("alt_text", "image_url", "slack_file", "title")),
    "input": frozenset(("label", "element", "dispatch_action", "hint", "optional")),
    "markdown": frozenset(("text",)),
    "rich_text": frozenset(("elements",)),
    "table": frozenset(("rows", "column_settings")),
}


# What a person can use


def _element(element: Any, at: str) -> Faults:
    kind = element.get("type") if isinstance(element, dict) else None
    if not isinstance(kind, str) or kind not in _ELEMENTS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _unexpected(element, {"type", "action_id", *_ELEMENTS[kind]}, at)
    yield from _string(element.get("action_id", ""), f"{at}/action_id", 255)
    if "placeholder" in element:
        yield from _plain(element["placeholder"], f"{at}/placeholder", 150)
    match kind:
        case "button":
            yield from _plain(element.get("text"), f"{at}/text", 75)
            yield from _string(element.get("value", ""), f"{at}/value", 2_000)
            yield from _string(element.get("url", ""), f"{at}/url", 3_000)
            if element.get("style") not in (None, "primary", "danger"):
                yield f"must be a valid enum value [json-pointer:{at}/style]"
        case "image":
            yield from _image(element, at)
        case "overflow":
            yield from _list(element.get("options"), f"{at}/options", 1, 5, _option)
        case "radio_buttons" | "checkboxes":
            yield from _list(element.get("options"), f"{at}/options", 1, 10, _option)
        case "static_select" | "multi_static_select":
            if "option_groups" in element:
                yield from _list(element["option_groups"], f"{at}/option_groups", 1, 100, _group)
            else:
                yield from _list(element.get("options"), f"{at}/options", 1, 100, _option)
        case "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                button = element.get(name)
                if not isinstance(button, dict):
                    yield f"missing required field: {name} [json-pointer:{at}]"
                else:
                    yield from _plain(button.get("text"), f"{at}/{name}/text", 75)
                    yield from _string(button.get("value"), f"{at}/{name}/value", 2_000)
        case "number_input" if not isinstance(element.get("is_decimal_allowed"), bool):
            yield f"missing required field: is_decimal_allowed [json-pointer:{at}]"
        case "plain_text_input":
            yield from _string(element.get("initial_value", ""), f"{at}/initial_value", 3_000)


def _option(option: Any, at: str) -> Faults:
    if not isinstance(option, dict):
        yield f"should be an object [json-pointer:{at}]"
        return
    yield from _unexpected(option, {"text", "value", "description", "url"}, at)
    yield from _text(option.get("text"), f"{at}/text", 75)
    yield from _string(option.get("value"), f"{at}/value", 150, 1)


def _group(group: Any, at: str) -> Faults:
    yield from _plain(group.get("label") if isinstance(group, dict) else None, f"{at}/label", 75)
    yield from _list(group.get("options") if isinstance(group, dict) else None, f"{at}/options", 1, 100, _option)


_TYPED = frozenset(("initial_value", "placeholder", "focus_on_load", "dispatch_action_config"))
_CHOSEN = frozenset(("placeholder", "focus_on_load", "confirm"))
_ELEMENTS: Mapping[str, frozenset[str]] = {
    "button": frozenset(("text", "url", "value", "style", "confirm", "accessibility_label")),
    "image": frozenset(("alt_text", "image_url", "slack_file")),
    "overflow": frozenset(("options", "confirm")),
    "radio_buttons": _CHOSEN | {"options", "initial_option"},
    "checkboxes": _CHOSEN | {"options", "initial_options"},
    "static_select": _CHOSEN | {"options", "option_groups", "initial_option"},
    "multi_static_select": _CHOSEN | {"options", "option_groups", "initial_options", "max_selected_items"},
    "external_select": _CHOSEN | {"min_query_length", "initial_option"},
    "multi_external_select": _CHOSEN | {"min_query_length", "initial_options", "max_selected_items"},
    "users_select": _CHOSEN | {"initial_user"},
    "conversations_select": _CHOSEN | {"initial_conversation", "filter", "default_to_current_conversation"},
    "channels_select": _CHOSEN | {"initial_channel"},
    "datepicker": _CHOSEN | {"initial_date"},
    "timepicker": _CHOSEN | {"initial_time", "timezone"},
    "datetimepicker": _CHOSEN | {"initial_date_time"},
    "plain_text_input": _TYPED | {"multiline", "min_length", "max_length"},
    "email_text_input": _TYPED,
    "url_text_input": _TYPED,
    "number_input": _TYPED | {"is_decimal_allowed", "min_value", "max_value"},
    "file_input": frozenset(("filetypes", "max_files")),
    "feedback_buttons": frozenset(("positive_button", "negative_button")),
    "icon_button": frozenset(("icon", "text", "value", "confirm", "accessibility_label", "visible_to_user_ids")),
}


def _characters(value: Any) -> int:
    """All texts that a reader sees, ids and addresses left out."""
    if isinstance(value, dict):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0
