"""What a bot may ask of Telegram, and what it is refused. One method of the Bot API is one method here.

https://core.telegram.org/bots/api#available-methods; refusals have the platform's own texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from channels.sandbox.telegram import keyboards, rich, text
from channels.sandbox.telegram.arguments import Refused, Upload, named
from channels.sandbox.telegram.updates import KINDS, Updates, Webhook
from channels.sandbox.telegram.world import (
    DRAFT_LIVES,
    LONGEST_DOWNLOAD,
    LONGEST_PHOTO,
    LONGEST_UPLOAD,
    TYPING_LIVES,
    Chat,
    Draft,
    File,
    Object,
    Said,
    Topic,
    World,
    media_told,
)

Arguments = dict[str, Any]

QUERY_LIVES = timedelta(seconds=60)
ACTIONS = named(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker "
    "find_location record_video_note upload_video_note"
)
REACTIONS = named(
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 "
    "🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 "
    "🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?/")
_FOLDERS = {"photo": "photos", "voice": "voice", "video": "videos", "audio": "music", "sticker": "stickers"}


class Methods:
    """The Bot API for one bot."""

    def __init__(self, world: World, updates: Updates) -> None:
        self._world, self._updates = world, updates

    async def call(self, method: str, arguments: Arguments, uploads: Mapping[str, Upload]) -> Any:
        """Do what is asked; gives its result. Raises `Refused`, and then nothing has changed."""
        name = re.sub(r"(?=[A-Z])", "_", method).lower()
        return await getattr(self, name)({**arguments, "": uploads})

    # The bot and its updates

    async def get_me(self, a: Arguments) -> Object:
        can = {
            "can_join_groups": True,
            "can_read_all_group_messages": self._world.reads_groups,
            "supports_inline_queries": False,
            "supports_guest_queries": True,
            "can_connect_to_business": True,
            "has_main_web_app": False,
        }
        return self._world.bot | can

    async def log_out(self, a: Arguments) -> bool:
        return True

    async def close(self, a: Arguments) -> bool:
        return True

    async def get_updates(self, a: Arguments) -> list[Object]:
        allowed = _kinds(a.get("allowed_updates"))
        offset, limit = a.get("offset", 0), a.get("limit", 100)
        return await self._updates.poll(offset=offset, limit=limit, wait=a.get("timeout", 0), allowed=allowed)

    async def set_webhook(self, a: Arguments) -> bool:
        url, secret = a["url"], a.get("secret_token", "")
        if not url.startswith("https://") and not _LOOPBACK.match(url):
            raise Refused("bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not _SECRET.fullmatch(secret):
            raise Refused("secret token contains unallowed characters")
        webhook = Webhook(url, secret, a.get("max_connections", 40))
        self._updates.set_webhook(
            webhook, drop=a.get("drop_pending_updates", False), allowed=_kinds(a.get("allowed_updates"))
        )
        return True

    async def delete_webhook(self, a: Arguments) -> bool:
        self._updates.set_webhook(None, drop=a.get("drop_pending_updates", False), allowed=None)
        return True

    async def get_webhook_info(self, a: Arguments) -> Object:
        webhook = self._updates.webhook
        told: Object = {
            "url": webhook.url if webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": self._updates.pending,
        }
        if webhook:
            told |= {"max_connections": webhook.most, "ip_address": "127.0.0.1"}
            if webhook.error_at:
                told |= {"last_error_date": int(webhook.error_at.timestamp()), "last_error_message": webhook.error}
        if self._updates.allowed:
            told["allowed_updates"] = self._updates.allowed
        return told

    # Saying something

    async def send_message(self, a: Arguments) -> Object:
        return self._say(a, self._text(a.get("text", ""), a.get("entities"), a.get("parse_mode")))

    async def send_rich_message(self, a: Arguments) -> Object:
        return self._say(a, {"rich_message": rich.checked(a["rich_message"])})

    async def send_message_draft(self, a: Arguments) -> bool:
        words, entities = text.formatted(a.get("text", ""), a.get("entities"), a.get("parse_mode"))
        if text.units(words) > text.LONGEST_TEXT:
            raise Refused("message is too long")
        return self._draft(a, words, entities)

    async def send_rich_message_draft(self, a: Arguments) -> bool:
        return self._draft(a, message=rich.checked(a["rich_message"], draft=True))

    async def send_photo(self, a: Arguments) -> Object:
        return self._file(a, "photo")

    async def send_audio(self, a: Arguments) -> Object:
        return self._file(a, "audio")

    async def send_document(self, a: Arguments) -> Object:
        return self._file(a, "document")

    async def send_video(self, a: Arguments) -> Object:
        return self._file(a, "video")

    async def send_animation(self, a: Arguments) -> Object:
        return self._file(a, "animation")

    async def send_voice(self, a: Arguments) -> Object:
        return self._file(a, "voice")

    async def send_video_note(self, a: Arguments) -> Object:
        return self._file(a, "video_note")

    async def send_sticker(self, a: Arguments) -> Object:
        return self._file(a, "sticker")

    async def send_media_group(self, a: Arguments) -> list[Object]:
        media = a["media"]
        if not isinstance(media, list) or any(not isinstance(item, dict) for item in media):
            raise Refused("can't parse media JSON object")
        if not 2 <= len(media) <= 10:
            raise Refused("too many messages to send as an album" if len(media) > 10 else "album must have 2-10 items")
        kinds = {str(item.get("type")) for item in media}
        if not kinds <= {"photo", "video", "audio", "document", "live_photo"}:
            raise Refused(f"can't parse InputMedia: media type {min(kinds)!r} can't be used in an album")
        if kinds & {"audio", "document"} and len(kinds) > 1:
            raise Refused("audio and documents can't be mixed with other media types in an album")
        self._chat_for(a)
        told = []
        for item in media:
            file = self._taken(str(item.get("media", "")), str(item["type"]), a[""])
            told.append(
                {str(item["type"]): media_told(str(item["type"]), file)}
                | self._caption(item.get("caption", ""), item.get("caption_entities"), item.get("parse_mode"))
            )
        self._world.albums += 1
        group = {"media_group_id": str(13_000_000_000_000_000 + self._world.albums)}
        return [self._say(a, group | item) for item in told]

    async def send_location(self, a: Arguments) -> Object:
        return self._say(a, {"location": _place(a)})

    async def send_venue(self, a: Arguments) -> Object:
        venue = {"location": _place(a), "title": a["title"], "address": a["address"]}
        return self._say(a, {"venue": venue, "location": venue["location"]})

    async def send_contact(self, a: Arguments) -> Object:
        names = ("phone_number", "first_name", "last_name", "vcard")
        return self._say(a, {"contact": {name: a[name] for name in names if a.get(name)}})

    async def send_dice(self, a: Arguments) -> Object:
        return self._say(a, {"dice": {"emoji": a.get("emoji", "🎲"), "value": self._world.chance.randint(1, 6)}})

    async def send_chat_action(self, a: Arguments) -> bool:
        if a["action"] not in ACTIONS:
            raise Refused("wrong parameter action in request")
        chat, thread, _ = self._chat_for(a)
        chat.typing[thread] = a["action"], self._world.clock.now() + TYPING_LIVES
        return True

    async def set_message_reaction(self, a: Arguments) -> bool:
        said = self._said(self._world.chat_of(a["chat_id"]), a["message_id"], "message to react not found")
        reaction = a.get("reaction") or []
        if len(reaction) > 1:
            raise Refused("REACTIONS_TOO_MANY")
        for each in reaction:
            if not isinstance(each, dict) or each.get("type") not in ("emoji", "custom_emoji"):
                raise Refused("can't parse reaction type")
            if each["type"] == "emoji" and each.get("emoji") not in REACTIONS:
                raise Refused("REACTION_INVALID")
        said.reactions[self._world.bot_id] = list(reaction)
        return True

    async def answer_callback_query(self, a: Arguments) -> bool:
        press = self._world.presses.get(a["callback_query_id"])
        if press is None or press.answered or self._world.clock.now() - press.at > QUERY_LIVES:
            raise Refused("query is too old and response timeout expired or query ID is invalid")
        if len(a.get("text", "")) > 200:
            raise Refused("MESSAGE_TOO_LONG")
        press.answered = True
        if words := a.get("text", ""):
            self._world.toast = words
        return True

    async def answer_guest_query(self, a: Arguments) -> Object:
        asked = self._world.guests.pop(a["guest_query_id"], None)
        if asked is None:
            raise Refused("query is too old and response timeout expired or query ID is invalid")
        content = a["result"].get("input_message_content") if isinstance(a["result"], dict) else None
        if not isinstance(content, dict) or not a["result"].get("id") or not a["result"].get("type"):
            raise Refused("can't parse InlineQueryResult")
        words = self._text(content.get("message_text", ""), content.get("entities"), content.get("parse_mode"))
        chat = self._world.chats[asked.told["chat"]["id"]]
        said = self._world.said(chat, self._world.bot_id, words | {"reply_to_message": _bare(asked.told)})
        return {"inline_message_id": f"guest{said.id}"}

    # Changing what was said

    async def edit_message_text(self, a: Arguments) -> Object:
        said, markup = self._own(a)
        if "text" not in said.told and "rich_message" not in said.told:
            raise Refused("there is no text in the message to edit")
        return self._edited(said, self._written(a), markup, ("text", "entities", "rich_message"))

    def _written(self, a: Arguments) -> Object:
        if (a.get("text") is None) == (a.get("rich_message") is None):
            raise Refused("message text is empty")
        if a.get("rich_message") is not None:
            return {"rich_message": rich.checked(a["rich_message"])}
        return self._text(a["text"], a.get("entities"), a.get("parse_mode"))

    async def edit_message_caption(self, a: Arguments) -> Object:
        said, markup = self._own(a)
        if not set(said.told) & {"photo", "video", "audio", "document", "voice", "animation"}:
            raise Refused("there is no caption in the message to edit")
        words = self._caption(a.get("caption", ""), a.get("caption_entities"), a.get("parse_mode"))
        return self._edited(said, words, markup, ("caption", "caption_entities"))

    async def edit_message_media(self, a: Arguments) -> Object:
        said, markup = self._own(a)
        kinds = ("photo", "video", "audio", "document", "animation")
        item = a["media"]
        if not isinstance(item, dict) or item.get("type") not in kinds:
            raise Refused("can't parse InputMedia JSON object")
        file = self._taken(str(item.get("media", "")), item["type"], a[""])
        words = {item["type"]: media_told(item["type"], file)}
        words |= self._caption(item.get("caption", ""), item.get("caption_entities"), item.get("parse_mode"))
        return self._edited(said, words, markup, (*kinds, "text", "entities", "caption", "caption_entities"))

    async def edit_message_reply_markup(self, a: Arguments) -> Object:
        said, markup = self._own(a)
        return self._edited(said, {}, markup, ())

    async def edit_ephemeral_message_text(self, a: Arguments) -> bool:
        said, markup = self._private_note(a), keyboards.checked(a.get("reply_markup"), private=False, inline_only=True)
        self._edited(said, self._written(a), markup, ("text", "entities", "rich_message"))
        return True

    async def edit_ephemeral_message_caption(self, a: Arguments) -> bool:
        said, markup = self._private_note(a), keyboards.checked(a.get("reply_markup"), private=False, inline_only=True)
        words = self._caption(a.get("caption", ""), a.get("caption_entities"), a.get("parse_mode"))
        self._edited(said, words, markup, ("caption", "caption_entities"))
        return True

    async def edit_ephemeral_message_reply_markup(self, a: Arguments) -> bool:
        markup = keyboards.checked(a.get("reply_markup"), private=False, inline_only=True)
        self._edited(self._private_note(a), {}, markup, ())
        return True

    async def delete_ephemeral_message(self, a: Arguments) -> bool:
        self._private_note(a).deleted = True
        return True

    async def delete_message(self, a: Arguments) -> bool:
        chat = self._world.chat_of(a["chat_id"])
        self._delete(chat, a["message_id"])
        return True

    async def delete_messages(self, a: Arguments) -> bool:
        chat, ids = self._world.chat_of(a["chat_id"]), a["message_ids"]
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise Refused("message identifiers are not specified")
        for each in ids:
            if each in chat.said:
                self._delete(chat, each)
        return True

    async def delete_business_messages(self, a: Arguments) -> bool:
        self._business(a["business_connection_id"], "can_delete_sent_messages")
        for (connection, _), chat in self._world.business_chats.items():
            if connection == a["business_connection_id"]:
                for said in chat.said.values():
                    said.deleted |= said.id in a["message_ids"]
        return True

    async def read_business_message(self, a: Arguments) -> bool:
        self._business(a["business_connection_id"], "can_read_messages")
        chat = self._business_chat(a["business_connection_id"], a["chat_id"])
        self._said(chat, a["message_id"], "message not found").read = True
        return True

    async def get_business_connection(self, a: Arguments) -> Object:
        told: Object = self._business(a["business_connection_id"], "").told()
        return told

    # Files, chats, commands

    async def get_file(self, a: Arguments) -> Object:
        file = self._world.files.get(a["file_id"]) or self._world.files.get(a["file_id"][:-1])
        if file is None:
            raise Refused("wrong file_id or the file is temporarily unavailable")
        if file.size > LONGEST_DOWNLOAD:
            raise Refused("file is too big")
        return {"file_id": file.id, "file_unique_id": file.id[-12:], "file_size": file.size, "file_path": file.path}

    async def get_chat(self, a: Arguments) -> Object:
        chat = self._world.chat_of(a["chat_id"])
        gifts = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), True
        )
        return chat.told() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}

    async def get_chat_member(self, a: Arguments) -> Object:
        chat = self._world.chat_of(a["chat_id"])
        if a["user_id"] != self._world.bot_id and a["user_id"] not in self._world.people:
            raise Refused("user not found")
        return self._world.member(chat, a["user_id"])

    async def get_chat_member_count(self, a: Arguments) -> int:
        chat = self._world.chat_of(a["chat_id"])
        return sum(status not in ("left", "kicked") for status in chat.members.values()) or 2

    async def get_chat_administrators(self, a: Arguments) -> list[Object]:
        chat = self._world.chat_of(a["chat_id"])
        if chat.type == "private":
            raise Refused("there are no administrators in the private chat")
        return [self._world.member(chat, who) for who, status in chat.members.items() if status == "administrator"]

    async def leave_chat(self, a: Arguments) -> bool:
        self._world.chat_of(a["chat_id"]).members[self._world.bot_id] = "left"
        return True

    async def set_my_commands(self, a: Arguments) -> bool:
        commands = a["commands"]
        if not isinstance(commands, list) or len(commands) > 100:
            raise Refused("BOT_COMMANDS_TOO_MUCH")
        for each in commands:
            if not isinstance(each, dict) or not _COMMAND.fullmatch(str(each.get("command", ""))):
                raise Refused("BOT_COMMAND_INVALID")
            if not 1 <= len(str(each.get("description", ""))) <= 256:
                raise Refused("BOT_COMMAND_DESCRIPTION_INVALID")
        self._world.commands[_scope(a)] = commands
        return True

    async def get_my_commands(self, a: Arguments) -> list[Object]:
        return self._world.commands.get(_scope(a), [])

    async def delete_my_commands(self, a: Arguments) -> bool:
        self._world.commands.pop(_scope(a), None)
        return True

    async def set_my_name(self, a: Arguments) -> bool:
        return self._profile(a, "name", 64)

    async def get_my_name(self, a: Arguments) -> Object:
        return {"name": self._world.profile.get(("name", a.get("language_code", "")), self._world.bot["first_name"])}

    async def set_my_description(self, a: Arguments) -> bool:
        return self._profile(a, "description", 512)

    async def get_my_description(self, a: Arguments) -> Object:
        return {"description": self._world.profile.get(("description", a.get("language_code", "")), "")}

    async def set_my_short_description(self, a: Arguments) -> bool:
        return self._profile(a, "short_description", 120)

    async def get_my_short_description(self, a: Arguments) -> Object:
        return {"short_description": self._world.profile.get(("short_description", a.get("language_code", "")), "")}

    async def create_forum_topic(self, a: Arguments) -> Object:
        chat = self._forum(a)
        if not 1 <= len(a["name"]) <= 128:
            raise Refused("TOPIC_TITLE_INVALID")
        said = self._world.said(chat, self._world.bot_id, {})
        topic = chat.topics[said.id] = Topic(said.id, a["name"])
        made = {"name": topic.name, "icon_color": 7322096}
        said.told |= {"message_thread_id": topic.id, "is_topic_message": True, "forum_topic_created": made}
        return {"message_thread_id": topic.id, **made}

    async def edit_forum_topic(self, a: Arguments) -> bool:
        topic = self._topic(a)
        topic.name = a.get("name") or topic.name
        return True

    async def close_forum_topic(self, a: Arguments) -> bool:
        topic = self._topic(a)
        if topic.closed:
            raise Refused("TOPIC_NOT_MODIFIED")
        topic.closed = True
        return True

    async def reopen_forum_topic(self, a: Arguments) -> bool:
        topic = self._topic(a)
        if not topic.closed:
            raise Refused("TOPIC_NOT_MODIFIED")
        topic.closed = False
        return True

    async def delete_forum_topic(self, a: Arguments) -> bool:
        chat, topic = self._forum(a), self._topic(a)
        del chat.topics[topic.id]
        for said in chat.said.values():
            said.deleted |= said.thread == topic.id
        return True

    # What they share

    def _chat_for(self, a: Arguments) -> tuple[Chat, int, int]:
        """Where to say it: the chat, the thread in it, and who alone sees it. Raises `Refused` when that may not be."""
        if connection := a.get("business_connection_id"):
            self._business(connection, "can_reply")
            return self._business_chat(connection, a["chat_id"]), 0, 0
        chat = self._world.chat_of(a["chat_id"])
        if chat.migrated_to:
            raise Refused("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
        self._may_write(chat)
        thread = a.get("message_thread_id", 0)
        if thread and thread not in chat.topics:
            raise Refused("message thread not found")
        if thread and chat.topics[thread].closed:
            raise Refused("TOPIC_CLOSED")
        note = a.get("ephemeral_message_parameters") or {}
        to = int(note.get("receiver_user_id", 0)) or a.get("receiver_user_id", 0)
        if to and chat.type not in ("group", "supergroup"):
            raise Refused("ephemeral messages can be sent only to group and supergroup chats")
        if to and chat.members.get(to) not in ("member", "administrator"):
            raise Refused("PARTICIPANT_ID_INVALID")
        return chat, thread, to

    def _may_write(self, chat: Chat) -> None:
        if chat.person is not None:
            if chat.person.deactivated:
                raise Refused("user is deactivated", 403)
            if not chat.open:
                raise Refused("bot can't initiate conversation with a user", 403)
            if chat.blocked:
                raise Refused("bot was blocked by the user", 403)
            return
        status, kind = chat.members.get(self._world.bot_id, "left"), chat.type
        if status == "kicked":
            raise Refused(f"bot was kicked from the {kind} chat", 403)
        if status == "left":
            raise Refused(f"bot is not a member of the {kind} chat", 403)
        if kind == "channel" and status != "administrator":
            raise Refused("need administrator rights in the channel chat")

    def _say(self, a: Arguments, what: Object) -> Object:
        chat, thread, to = self._chat_for(a)
        markup = keyboards.checked(a.get("reply_markup"), private=chat.type == "private")
        what = dict(what)
        if (answered := self._answered(a, chat)) is not None:
            what["reply_to_message"] = _bare(answered.told)
        if markup and "inline_keyboard" in markup:
            what["reply_markup"] = markup
        said = self._world.said(chat, self._world.bot_id, what, thread=thread, to=to)
        said.fixed = bool(markup) and "inline_keyboard" not in (markup or {})
        if markup and "keyboard" in markup:
            rows = markup["keyboard"]
            chat.keyboard = [
                [{"text": button} if isinstance(button, str) else button for button in row] for row in rows
            ]
            chat.keyboard_once = bool(markup.get("one_time_keyboard"))
        elif markup and "remove_keyboard" in markup:
            chat.keyboard = None
        chat.typing.pop(thread, None)
        if chat.draft is not None and chat.draft.thread == thread:
            chat.draft = None
        return said.told

    def _answered(self, a: Arguments, chat: Chat) -> Said | None:
        given = a.get("reply_parameters") or {}
        if not isinstance(given, dict):
            raise Refused("can't parse reply parameters JSON object")
        number = given.get("message_id") or a.get("reply_to_message_id")
        if not number:
            return None
        said = chat.said.get(number)
        if said is None or said.deleted:
            if given.get("allow_sending_without_reply") or a.get("allow_sending_without_reply"):
                return None
            raise Refused("message to be replied not found")
        return said

    def _text(self, words: Any, entities: Any, mode: str | None) -> Object:
        shown, marked = text.formatted(str(words), entities, mode)
        if not shown:
            raise Refused("message text is empty")
        if text.units(shown) > text.LONGEST_TEXT:
            raise Refused("message is too long")
        return {"text": shown} | ({"entities": marked} if marked else {})

    def _caption(self, words: Any, entities: Any, mode: str | None) -> Object:
        shown, marked = text.formatted(str(words or ""), entities, mode)
        if text.units(shown) > text.LONGEST_CAPTION:
            raise Refused("message caption is too long")
        return ({"caption": shown} if shown else {}) | ({"caption_entities": marked} if marked else {})

    def _file(self, a: Arguments, kind: str) -> Object:
        self._chat_for(a)
        words = self._caption(a.get("caption"), a.get("caption_entities"), a.get("parse_mode"))
        file = self._taken(a[kind], kind, a[""])
        told = {kind: media_told(kind, file, duration=a.get("duration", 0))}
        if kind == "animation":
            told["document"] = media_told("document", file)
        return self._say(a, told | words)

    def _taken(self, given: str, kind: str, uploads: Mapping[str, Upload]) -> File:
        """A file that was uploaded, named by its id or by its address."""
        folder = _FOLDERS.get(kind, "documents")
        if given.startswith("attach://"):
            upload = uploads.get(given.removeprefix("attach://"))
            if upload is None:
                raise Refused(f"wrong file identifier/HTTP URL specified: no part {given!r}")
            if not upload.content:
                raise Refused("file must be non-empty")
            if len(upload.content) > LONGEST_UPLOAD:
                raise Refused("Request Entity Too Large", 413)
            file = self._world.keep(upload, folder)
            if kind == "photo":
                _is_photo(file)
            return file
        if given.startswith(("http://", "https://")):
            return self._world.linked(given, folder)
        known = self._world.files.get(given) or self._world.files.get(given[:-1])
        if known is None:
            raise Refused("wrong file identifier/HTTP URL specified")
        return known

    def _draft(
        self, a: Arguments, words: str = "", entities: Sequence[Object] = (), *, message: Object | None = None
    ) -> bool:
        chat, thread, _ = self._chat_for(a)
        if chat.type != "private" or chat.business:
            raise Refused("message drafts can be sent only to private chats")
        if not a["draft_id"]:
            raise Refused("draft identifier must be non-zero")
        until = self._world.clock.now() + DRAFT_LIVES
        can_stop, stays = a.get("can_stop", False), a.get("keep_on_stop", False)
        chat.draft = Draft(a["draft_id"], thread, words, list(entities), until, can_stop, stays, message)
        return True

    def _own(self, a: Arguments) -> tuple[Said, Object | None]:
        """The bot's own message that is to be changed, and its new keyboard."""
        if a.get("inline_message_id"):
            raise Refused("MESSAGE_ID_INVALID")
        if a.get("chat_id") is None or a.get("message_id") is None:
            raise Refused("message identifier is not specified")
        if connection := a.get("business_connection_id"):
            self._business(connection, "can_reply")
            chat = self._business_chat(connection, a["chat_id"])
        else:
            chat = self._world.chat_of(a["chat_id"])
            self._may_write(chat)
        said = self._said(chat, a["message_id"], "message to edit not found")
        if said.by != self._world.bot_id or said.fixed:
            raise Refused("message can't be edited")
        return said, keyboards.checked(a.get("reply_markup"), private=True, inline_only=True)

    def _edited(self, said: Said, words: Object, markup: Object | None, takes: tuple[str, ...]) -> Object:
        told = {name: value for name, value in said.told.items() if name not in (*takes, "reply_markup")} | words
        if markup:
            told["reply_markup"] = markup
        if told == said.told:
            raise Refused(
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message"
            )
        said.told = told | ({"edit_date": self._world.now()} if words else {})
        return said.told

    def _said(self, chat: Chat, number: int, missing: str) -> Said:
        said = chat.said.get(number)
        if said is None or said.deleted:
            raise Refused(missing)
        return said

    def _private_note(self, a: Arguments) -> Said:
        said = self._world.chat_of(a["chat_id"]).ephemeral.get((a["receiver_user_id"], a["ephemeral_message_id"]))
        if said is None or said.deleted:
            raise Refused("message to edit not found")
        return said

    def _delete(self, chat: Chat, number: int) -> None:
        said = self._said(chat, number, "message to delete not found")
        old = self._world.now() - said.told["date"] > 48 * 3600
        theirs = chat.type != "private" and chat.members.get(self._world.bot_id) != "administrator"
        if old or (said.by != self._world.bot_id and theirs):
            raise Refused("message can't be deleted")
        said.deleted = True

    def _business(self, connection: str, right: str) -> Any:
        business = self._world.businesses.get(connection)
        if business is None:
            raise Refused("BUSINESS_CONNECTION_INVALID")
        if right and not business.enabled:
            raise Refused("BUSINESS_CONNECTION_NOT_ALLOWED", 403)
        if right and not business.rights.get(right):
            raise Refused("BOT_ACCESS_FORBIDDEN", 403)
        return business

    def _business_chat(self, connection: str, chat_id: int) -> Chat:
        chats = self._world.business_chats
        if (connection, chat_id) not in chats:
            raise Refused("BUSINESS_PEER_INVALID")
        return chats[connection, chat_id]

    def _forum(self, a: Arguments) -> Chat:
        chat = self._world.chat_of(a["chat_id"])
        if not chat.forum:
            raise Refused("the chat is not a forum")
        if chat.members.get(self._world.bot_id) != "administrator":
            raise Refused("not enough rights to create a topic")
        return chat

    def _topic(self, a: Arguments) -> Topic:
        topic = self._forum(a).topics.get(a["message_thread_id"])
        if topic is None:
            raise Refused("message thread not found")
        return topic

    def _profile(self, a: Arguments, name: str, longest: int) -> bool:
        if len(a.get(name, "")) > longest:
            raise Refused(f"{name.replace('_', ' ')} is too long")
        self._world.profile[name, a.get("language_code", "")] = a.get(name, "")
        return True


def _kinds(given: Any) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise Refused("can't parse allowed updates JSON array")
    if unknown := [kind for kind in given if kind not in KINDS]:
        raise Refused(f"unknown type of update {unknown[0]!r}")
    return given


def _scope(a: Arguments) -> str:
    scope = a.get("scope") or {"type": "default"}
    return msgspec.json.encode([scope, a.get("language_code", "")], order="deterministic").decode()


def _place(a: Arguments) -> Object:
    if not -90 <= a["latitude"] <= 90 or not -180 <= a["longitude"] <= 180:
        raise Refused("wrong latitude or longitude")
    return {"latitude": a["latitude"], "longitude": a["longitude"]}


def _is_photo(file: File) -> None:
    width, height = file.shape
    if file.size > LONGEST_PHOTO:
        raise Refused("file is too big for a photo; the maximum size is 10 MB")
    if not width:
        raise Refused("IMAGE_PROCESS_FAILED")
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise Refused("PHOTO_INVALID_DIMENSIONS")


def _bare(told: Object) -> Object:
    return {name: value for name, value in told.items() if name not in ("reply_to_message", "reply_markup")}
