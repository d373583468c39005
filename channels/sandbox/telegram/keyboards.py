"""Which keyboards Telegram takes. Pure. https://core.telegram.org/bots/api#inlinekeyboardmarkup"""

from __future__ import annotations

import re
from typing import Any

from channels.sandbox.telegram.arguments import Refused, named

MOST_BUTTONS, MOST_IN_A_ROW, LONGEST_DATA, LONGEST_COPY = 100, 8, 64, 256

_ACTIONS = named(
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat "
    "switch_inline_query_chosen_chat copy_text callback_game pay disabled"
)
_LOOKS = frozenset(("text", "icon_custom_emoji_id", "style"))
_ASKS = named("request_users request_chat request_managed_bot request_contact request_location request_poll web_app")
_URL = re.compile(r"(?:https?://[^\s/]+|tg://|mailto:|tel:)\S*", re.IGNORECASE)


def checked(markup: Any, *, private: bool, inline_only: bool = False) -> dict[str, Any] | None:
    """The markup as it was given; None: there is none. Raises `Refused`."""
    if markup is None or markup == "":
        return None
    if not isinstance(markup, dict):
        raise Refused("object expected as reply markup")
    if "inline_keyboard" in markup:
        _inline(markup["inline_keyboard"])
        return markup if any(markup["inline_keyboard"]) else None
    if inline_only:
        raise Refused("inline keyboard expected")
    if "keyboard" in markup:
        _reply(markup["keyboard"], private)
    elif not (markup.get("remove_keyboard") is True or markup.get("force_reply") is True):
        raise Refused("can't parse reply keyboard markup JSON object")
    return markup


def _rows(rows: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or any(not isinstance(row, list) for row in rows):
        raise Refused(f"field {what!r} of the {what.replace('_', ' ')} must be an Array of Arrays")
    buttons = [{"text": button} if isinstance(button, str) else button for row in rows for button in row]
    if any(not isinstance(button, dict) for button in buttons):
        raise Refused(f"can't parse {what.replace('_', ' ')} button: expected an Object")
    if len(buttons) > MOST_BUTTONS or any(len(row) > MOST_IN_A_ROW for row in rows):
        raise Refused("reply markup is too long")
    for button in buttons:
        if not isinstance(button.get("text"), str) or not button["text"].strip():
            raise Refused(f"can't parse {what.replace('_', ' ')} button: button text must be non-empty")
    return buttons


def _inline(rows: Any) -> None:
    for button in _rows(rows, "inline_keyboard"):
        if unknown := set(button) - _ACTIONS - _LOOKS:
            raise Refused(f"can't parse inline keyboard button: unknown field {min(unknown)!r}")
        if len(set(button) & _ACTIONS) != 1:
            raise Refused("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
        if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= LONGEST_DATA:
            raise Refused("BUTTON_DATA_INVALID")
        if "url" in button and not _URL.fullmatch(str(button["url"])):
            raise Refused(f"inline keyboard button URL {button['url']!r} is invalid: Wrong HTTP URL")
        if "web_app" in button and not str(button["web_app"].get("url", "")).startswith("https://"):
            raise Refused(
                f"inline keyboard button Web App URL {button['web_app'].get('url')!r} is invalid: "
                "Only HTTPS links are allowed"
            )
        if "copy_text" in button and not 1 <= len(str(button["copy_text"].get("text", ""))) <= LONGEST_COPY:
            raise Refused("BUTTON_COPY_TEXT_INVALID")


def _reply(rows: Any, private: bool) -> None:
    for button in _rows(rows, "keyboard"):
        if unknown := set(button) - _ASKS - _LOOKS:
            raise Refused(f"can't parse keyboard button: unknown field {min(unknown)!r}")
        if not private and button.get("request_contact"):
            raise Refused("phone number can be requested in private chats only")
        if not private and button.get("request_location"):
            raise Refused("location can be requested in private chats only")
