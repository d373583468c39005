"""What opens beside the messages: modals for forms, the app's home, what a link shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from bot.model import Address, Field, Form
from channels.slack.place import form_id
from channels.slack.presses import SAYS
from channels.slack.render import LONGEST_LABEL, MOST_OPTIONS, label, paragraph, short

MOST_FIELDS = 100
LONGEST_TITLE = 24
MOST_PROMPTS = 4


_INPUTS: dict[str, dict[str, Any]] = {
    "number": {"type": "number_input", "is_decimal_allowed": True},
    "email": {"type": "email_text_input"},
    "date": {"type": "datepicker"},
    "time": {"type": "timepicker"},
    "long_text": {"type": "plain_text_input", "multiline": True},
}
_INITIAL = {"datepicker": "initial_date", "timepicker": "initial_time"}


class FormWords(Struct, frozen=True):
    """What stands on a modal beside the form's own words."""

    submit: str = "Send"
    yes: str = "Yes"
    no: str = "No"


def modal(to: Address, form: Form, words: FormWords) -> dict[str, Any]:
    """It carries the form's token; its id of the callback is the address."""
    submit = form.submit or words.submit
    return {
        "type": "modal",
        "callback_id": form_id(to),
        "private_metadata": form.token,
        "title": {"type": "plain_text", "text": short(form.title or submit, 24)},
        "submit": {"type": "plain_text", "text": short(submit, 24)},
        "notify_on_close": True,
        "blocks": [_input(field, words) for field in form.fields[:MOST_FIELDS]],
    }


def _input(field: Field, words: FormWords) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "input",
        "block_id": field.name,
        "label": {"type": "plain_text", "text": short(field.label, 2_000)},
        "optional": not field.required,
        "element": _element(field, words) | {"action_id": "value"},
    }
    if field.hint:
        block["hint"] = {"type": "plain_text", "text": short(field.hint, 2_000)}
    return block


def _element(field: Field, words: FormWords) -> dict[str, Any]:
    options = [(option.label, option.value) for option in field.options]
    if field.type == "yes_no":
        options = [(words.yes, "yes"), (words.no, "no")]
    if options:
        listed = [
            {"text": {"type": "plain_text", "text": short(label, LONGEST_LABEL)}, "value": value}
            for label, value in options[:MOST_OPTIONS]
        ]
        kind = "radio_buttons" if len(listed) <= 5 else "static_select"
        chosen = [option for option in listed if option["value"] == field.value]
        return {"type": kind, "options": listed} | ({"initial_option": chosen[0]} if chosen else {})
    element: dict[str, Any] = {**_INPUTS.get(field.type, {"type": "plain_text_input"})}
    if field.value:
        element[_INITIAL.get(element["type"], "initial_value")] = field.value
    return element


# The home tab, and links


def home(text: str, prompts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Its buttons say what they stand for."""
    blocks = [paragraph(text)]
    if prompts:
        buttons = [
            {"type": "button", "action_id": f"{SAYS}{n}", "text": label(title), "value": short(says, 2_000)}
            for n, (title, says) in enumerate(prompts)
        ]
        blocks.append({"type": "actions", "elements": buttons})
    return {"type": "home", "blocks": blocks}


def preview(title: str, text: str, link: str) -> dict[str, Any]:
    said = [{"type": "link", "url": link, "text": title, "style": {"bold": True}}]
    if text:
        said.append({"type": "text", "text": f"\n{text}"})
    return {"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": said}]}]}
