"""What a bot may call, with which arguments, and how they are read from the wire.

They come in the query, urlencoded, as multipart or as a JSON object; nested values are JSON strings, uploads are parts
that a value names as `attach://PART` (https://core.telegram.org/bots/api#making-requests).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request


class Refused(Exception):
    """Refused as the platform refuses: `description` is its own text, without the prefix that the code gives it."""

    def __init__(self, description: str, code: int = 400, **parameters: Any) -> None:
        super().__init__(description)
        prefix = {400: "Bad Request: ", 403: "Forbidden: ", 409: "Conflict: "}.get(code, "")
        self.description, self.code, self.parameters = prefix + description, code, parameters

    def body(self) -> dict[str, Any]:
        told = {"ok": False, "error_code": self.code, "description": self.description}
        return told | ({"parameters": self.parameters} if self.parameters else {})


def named(words: str) -> frozenset[str]:
    """The words of a text, as a set of names."""
    return frozenset(words.split())


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    type: str
    content: bytes


_TO = "business_connection_id:str message_thread_id:int direct_messages_topic_id:int "
_HOW = (
    "disable_notification:bool protect_content:bool allow_paid_broadcast:bool message_effect_id:str "
    "reply_parameters:json suggested_post_parameters:json reply_to_message_id:int allow_sending_without_reply:bool "
)
_SEND = (
    "chat_id:chat! "
    + _TO
    + _HOW
    + "reply_markup:json ephemeral_message_parameters:json receiver_user_id:int callback_query_id:str "
)
_CAPTION = "caption:str parse_mode:str caption_entities:json show_caption_above_media:bool has_spoiler:bool "
_EDIT = "business_connection_id:str chat_id:chat message_id:int inline_message_id:str reply_markup:json "
_EPHEMERAL = "chat_id:chat! receiver_user_id:int! ephemeral_message_id:int! "
_TEXT = "parse_mode:str entities:json link_preview_options:json disable_web_page_preview:bool "
_COMMANDS = "scope:json language_code:str "
_TOPIC = "chat_id:chat! message_thread_id:int! "

_TABLE = {
    "getMe": "",
    "logOut": "",
    "close": "",
    "getUpdates": "offset:int limit:int timeout:int allowed_updates:json",
    "setWebhook": "url:str! certificate:file ip_address:str max_connections:int allowed_updates:json "
    "drop_pending_updates:bool secret_token:str",
    "deleteWebhook": "drop_pending_updates:bool",
    "getWebhookInfo": "",
    "sendMessage": _SEND + "text:str! " + _TEXT,
    "sendMessageDraft": "chat_id:int! draft_id:int! message_thread_id:int text:str parse_mode:str entities:json "
    "can_stop:bool keep_on_stop:bool",
    "sendRichMessage": _SEND + "rich_message:json!",
    "sendRichMessageDraft": "chat_id:int! draft_id:int! message_thread_id:int rich_message:json! can_stop:bool "
    "keep_on_stop:bool",
    "sendPhoto": _SEND + _CAPTION + "photo:file!",
    "sendAudio": _SEND + _CAPTION + "audio:file! duration:int performer:str title:str thumbnail:file",
    "sendDocument": _SEND + _CAPTION + "document:file! thumbnail:file disable_content_type_detection:bool",
    "sendVideo": _SEND
    + _CAPTION
    + "video:file! duration:int width:int height:int thumbnail:file cover:file start_timestamp:int "
    "supports_streaming:bool",
    "sendAnimation": _SEND + _CAPTION + "animation:file! duration:int width:int height:int thumbnail:file",
    "sendVoice": _SEND + _CAPTION + "voice:file! duration:int",
    "sendVideoNote": _SEND + "video_note:file! duration:int length:int thumbnail:file",
    "sendSticker": _SEND + "sticker:file! emoji:str",
    "sendMediaGroup": "chat_id:chat! " + _TO + _HOW + "media:json!",
    "sendLocation": _SEND + "latitude:float! longitude:float! horizontal_accuracy:float live_period:int heading:int "
    "proximity_alert_radius:int",
    "sendVenue": _SEND + "latitude:float! longitude:float! title:str! address:str! foursquare_id:str "
    "foursquare_type:str google_place_id:str google_place_type:str",
    "sendContact": _SEND + "phone_number:str! first_name:str! last_name:str vcard:str",
    "sendDice": _SEND + "emoji:str",
    "sendChatAction": "chat_id:chat! business_connection_id:str message_thread_id:int action:str!",
    "setMessageReaction": "chat_id:chat! message_id:int! reaction:json is_big:bool",
    "answerCallbackQuery": "callback_query_id:str! text:str show_alert:bool url:str cache_time:int",
    "answerGuestQuery": "guest_query_id:str! result:json!",
    "editMessageText": _EDIT + "text:str rich_message:json " + _TEXT,
    "editMessageCaption": _EDIT + "caption:str parse_mode:str caption_entities:json show_caption_above_media:bool",
    "editMessageMedia": _EDIT + "media:json!",
    "editMessageReplyMarkup": _EDIT,
    "editEphemeralMessageText": _EPHEMERAL + "text:str rich_message:json reply_markup:json " + _TEXT,
    "editEphemeralMessageCaption": _EPHEMERAL + "caption:str parse_mode:str caption_entities:json "
    "show_caption_above_media:bool reply_markup:json",
    "editEphemeralMessageReplyMarkup": _EPHEMERAL + "reply_markup:json",
    "deleteEphemeralMessage": _EPHEMERAL,
    "deleteMessage": "chat_id:chat! message_id:int!",
    "deleteMessages": "chat_id:chat! message_ids:json!",
    "deleteBusinessMessages": "business_connection_id:str! message_ids:json!",
    "readBusinessMessage": "business_connection_id:str! chat_id:int! message_id:int!",
    "getBusinessConnection": "business_connection_id:str!",
    "getFile": "file_id:str!",
    "getChat": "chat_id:chat!",
    "getChatMember": "chat_id:chat! user_id:int!",
    "getChatMemberCount": "chat_id:chat!",
    "getChatAdministrators": "chat_id:chat! return_bots:bool",
    "leaveChat": "chat_id:chat!",
    "setMyCommands": "commands:json! " + _COMMANDS,
    "getMyCommands": _COMMANDS,
    "deleteMyCommands": _COMMANDS,
    "setMyName": "name:str language_code:str",
    "getMyName": "language_code:str",
    "setMyDescription": "description:str language_code:str",
    "getMyDescription": "language_code:str",
    "setMyShortDescription": "short_description:str language_code:str",
    "getMyShortDescription": "language_code:str",
    "createForumTopic": "chat_id:chat! name:str! icon_color:int icon_custom_emoji_id:str",
    "editForumTopic": _TOPIC + "name:str icon_custom_emoji_id:str",
    "closeForumTopic": _TOPIC,
    "reopenForumTopic": _TOPIC,
    "deleteForumTopic": _TOPIC,
}

METHODS: Mapping[str, Mapping[str, tuple[str, bool]]] = {
    method: {
        name: (kind.removesuffix("!"), kind.endswith("!"))
        for name, kind in (parameter.split(":") for parameter in parameters.split())
    }
    for method, parameters in _TABLE.items()
}
"""Method to parameter to (type, whether it must be there)."""

_BY_LOWER = {method.lower(): method for method in METHODS}


def method_named(name: str) -> str:
    """As the documentation spells it; the platform does not mind how it is spelled."""
    if name.lower() not in _BY_LOWER:
        raise Refused("Not Found: method not found", 404)
    return _BY_LOWER[name.lower()]


async def read(request: Request, method: str) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Arguments by name, each of its type, and uploads by the name of their part."""
    given: dict[str, Any] = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    if "application/json" in request.headers.get("content-type", ""):
        try:
            given |= msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise Refused("can't parse JSON object") from error
    else:
        async with request.form(max_part_size=64 * 1024 * 1024) as form:
            for name, value in form.items():
                if isinstance(value, str):
                    given[name] = value
                else:
                    kind = value.content_type or "application/octet-stream"
                    uploads[name] = Upload(value.filename or name, kind, await value.read())
    parameters = METHODS[method]
    arguments = {}
    for name, value in given.items():
        if name not in parameters:
            raise Refused(f"method {method!r} has no parameter {name!r}")
        arguments[name] = _typed(name, value, parameters[name][0])
    for name, (kind, needed) in parameters.items():
        if name in uploads and kind == "file":
            arguments[name] = f"attach://{name}"
        elif needed and arguments.get(name) in (None, ""):
            raise Refused(_missing(name))
    return arguments, uploads


def _typed(name: str, value: Any, kind: str) -> Any:
    try:
        match kind:
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "bool":
                return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")
            case "json":
                return msgspec.json.decode(value) if isinstance(value, str) else value
            case "chat":
                return value if str(value).startswith("@") else int(value)
            case _:
                return str(value)
    except (ValueError, TypeError) as error:
        if kind == "chat":
            raise Refused("chat not found") from error
        if kind == "json":
            raise Refused(f"can't parse {name.replace('_', ' ')} JSON object") from error
        raise Refused(f"parameter {name!r} must be of type {kind}") from error


def _missing(name: str) -> str:
    return {
        "chat_id": "chat_id is empty",
        "text": "message text is empty",
        "photo": "there is no photo in the request",
        "document": "there is no document in the request",
        "voice": "there is no voice in the request",
        "message_id": "message identifier is not specified",
        "action": "wrong parameter action in request",
    }.get(name, f"parameter {name!r} is required")
