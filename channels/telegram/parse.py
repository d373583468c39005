"""Updates to arrivals: pure and total. What cannot be read arrives as unreadable, with its bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.model import (
    Address,
    Closed,
    Deleted,
    Echoed,
    Edited,
    Halted,
    Incoming,
    Location,
    Media,
    Message,
    Migrated,
    Noted,
    Opened,
    Part,
    Pressed,
    Raw,
    Reachable,
    Reacted,
    Said,
    Text,
    VCard,
)
from bot.ports import Arrival
from channels.telegram import wire
from channels.telegram.entities import Entity, User, cut, spans_of
from channels.telegram.place import Place
from channels.telegram.render import MEGABYTE

LONGEST_QUOTE = 200
_NUMBER = re.compile(rb'"update_id"\s*:\s*([0-9]{1,20})')
_KEPT = 4096
"""Bytes of what is too large."""
_UPDATE = msgspec.json.Decoder(wire.Update)
_FILES: tuple[tuple[str, Literal["image", "audio", "voice", "video", "sticker", "file"]], ...] = (
    ("animation", "video"),  # before the document it comes with
    ("video", "video"),
    ("video_note", "video"),
    ("voice", "voice"),
    ("audio", "audio"),
    ("sticker", "sticker"),
    ("document", "file"),
)


class Me(Struct, frozen=True):
    """Who we are there, and what we are to hear in groups."""

    id: int = 0
    username: str = ""
    groups: Literal["member", "chat"] = "member"
    hears: Literal["mention", "all"] = "mention"
    largest: int = 20 * MEGABYTE
    """Bytes of a file that can be fetched; 0: of any."""


_NOBODY = Me()


def parse(
    raw: bytes, account: str, me: Me = _NOBODY, *, albums: Callable[[str], bool] = lambda album: False
) -> Arrival:
    """`albums`: whether something of this album was heard, so that the rest of it is, too. Never raises."""
    try:
        return arrival(_UPDATE.decode(raw), raw, account, me, albums=albums)
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError, RecursionError) as error:
        return _unreadable(raw, account, f"{type(error).__name__}: {error}")


def query_of(raw: bytes) -> str:
    """The callback query that waits for an answer; empty: none. Never raises."""
    try:
        update = _UPDATE.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _loose_query(raw)
    return update.callback_query.id if update.callback_query else ""


def arrival(
    update: wire.Update, raw: bytes, account: str, me: Me, *, albums: Callable[[str], bool] = lambda album: False
) -> Arrival:
    """Raises `ValueError` for what is of no kind that is understood."""
    read = _Reading(update.update_id, raw, account, me, albums)
    match update:
        case wire.Update(callback_query=wire.Query() as query):
            return read.press(query)
        case wire.Update(message_reaction=wire.Reaction() as reaction):
            return read.reaction(reaction)
        case wire.Update(my_chat_member=wire.MemberChanged() as changed):
            return read.member(changed)
        case wire.Update(business_connection=wire.Connection() as connection):
            to = Place(connection.user.id).address(account)
            return read.arrival(to, connection.user, connection.date, ())
        case wire.Update(deleted_business_messages=wire.Gone() as gone):
            to = Place(gone.chat.id, business=gone.business_connection_id).address(account)
            bodies = tuple(Deleted(str(each)) for each in gone.message_ids)
            return read.arrival(to, str(gone.chat.id), 0, bodies)
        case wire.Update(stopped_message_generation=wire.Stopped() as stopped):
            to = Place(stopped.chat.id, topic=stopped.message_thread_id).address(account)
            return read.arrival(to, str(stopped.chat.id), 0, (Halted(),))
    edited = update.edited_message or update.edited_business_message
    message = update.message or update.business_message or update.guest_message or edited
    if message is None:
        if not _names(raw).isdisjoint(wire.OF_NO_INTEREST):
            return read.arrival(Place(0).address(account), "0", 0, ())
        raise ValueError(f"no kind of update that is understood: {', '.join(sorted(_names(raw)))}")
    return read.message(message, edited=edited is not None)


class _Reading(Struct, frozen=True):
    update_id: int
    raw: bytes
    account: str
    me: Me
    albums: Callable[[str], bool]

    def arrival(
        self, to: Address, by: User | str, date: int, bodies: tuple[Incoming, ...], twin: str | None = None
    ) -> Arrival:
        who, name, language = by, "", ""
        if isinstance(by, User):
            who, name, language = str(by.id), wire.full_name(by), by.language_code
        return Arrival(
            account=self.account,
            key=str(self.update_id),
            twin=twin,
            raw=self.raw,
            to=to,
            by=str(who),
            at=datetime.fromtimestamp(date, UTC),
            bodies=bodies,
            name=name,
            language=language,
        )

    def press(self, query: wire.Query) -> Arrival:
        message = query.message
        place = Place(query.from_.id) if message is None else self._place(message, query.from_.id)
        label, ref = "", ""
        if message is not None:
            ref = message.ref
            rows = message.reply_markup.inline_keyboard if message.reply_markup else []
            label = next((b.text for row in rows for b in row if b.callback_data == query.data), "")
        bodies = (Pressed(query.data, label, ref),) if query.data and not query.from_.is_bot else ()
        at = message.date if message is not None else 0
        return self.arrival(place.address(self.account), query.from_, at, bodies, f"press {query.id}")

    def reaction(self, reaction: wire.Reaction) -> Arrival:
        old, new = map(_emojis, (reaction.old_reaction, reaction.new_reaction))
        ref = str(reaction.message_id)
        bodies = (
            *(Reacted(emoji, False, ref) for emoji in old if emoji not in new),
            *(Reacted(emoji, True, ref) for emoji in new if emoji not in old),
        )
        user = reaction.user
        place = Place(reaction.chat.id, member=self._member(reaction.chat, user.id if user else 0))
        if user is None or user.is_bot:
            return self.arrival(place.address(self.account), str(reaction.chat.id), reaction.date, ())
        return self.arrival(place.address(self.account), user, reaction.date, bodies)

    def member(self, changed: wire.MemberChanged) -> Arrival:
        to = Place(changed.chat.id).address(self.account)
        reachable = changed.new_chat_member.status not in ("left", "kicked")
        bodies = (Reachable(reachable),) if changed.chat.type != "channel" else ()
        return self.arrival(to, changed.from_, changed.date, bodies)

    def message(self, message: wire.Message, *, edited: bool) -> Arrival:
        sender, chat = message.from_, message.chat
        by: User | str
        if message.sender_chat is not None and message.sender_chat.id == chat.id:  # an administrator without a name
            by = str(chat.id)
        else:
            by = sender if sender is not None else str(chat.id)
        place = self._place(message, sender.id if sender and isinstance(by, User) else 0)
        if message.migrate_to_chat_id:
            moved = Migrated(Place(message.migrate_to_chat_id).address(self.account))
            return self.arrival(Place(chat.id).address(self.account), by, message.date, (moved,))
        to, date = place.address(self.account), message.edit_date or message.date
        twin = f"{'edit' if edited else 'said'} {chat.id}.{message.message_id}"
        if message.business_connection_id:
            twin += f" {message.business_connection_id}"
        if edited:
            twin += f".{message.edit_date}"
        bodies = self._bodies(message, sender, edited=edited) if self._concerns_us(message, by) else ()
        if bodies and isinstance(bodies[0], Echoed):
            by = str(chat.id)  # the conversation is the customer's
        return self.arrival(to, by, date, bodies, twin)

    def _concerns_us(self, message: wire.Message, by: User | str) -> bool:
        if isinstance(by, User) and by.is_bot:
            return False
        if message.sender_business_bot is not None:
            return False
        if message.chat.type == "channel":
            return False
        command = self._command(message)
        if command is not None and command[1] not in ("", self.me.username.lower()):
            return False
        is_group = message.chat.type in ("group", "supergroup") and not message.guest_query_id
        return not is_group or self.me.hears == "all" or self._is_meant(message, command is not None)

    def _is_meant(self, message: wire.Message, is_command: bool) -> bool:
        if is_command or (message.media_group_id and self.albums(message.media_group_id)):
            return True
        answered = message.reply_to_message
        if answered is not None and answered.forum_topic_created is None and answered.by == self.me.id:
            return True
        words, entities = message.text or message.caption, message.entities or message.caption_entities
        name = f"@{self.me.username}".lower()
        return any(
            (each.type == "mention" and cut(words, each).lower() == name)
            or (each.type == "text_mention" and each.user is not None and each.user.id == self.me.id)
            for each in entities
        )

    def _bodies(self, message: wire.Message, sender: User | None, *, edited: bool) -> tuple[Incoming, ...]:
        ref, command = message.ref, self._command(message)
        if command is not None and command[0] == "start" and not edited and not message.business_connection_id:
            return (Opened(command[2], ref),)
        if message.forum_topic_closed is not None:
            return (Closed(),)
        said = self._said(message, command)
        if said is None:
            return ()
        if message.business_connection_id and sender is not None and sender.id != message.chat.id:
            return () if edited else (Echoed(said, ref, str(sender.id), wire.full_name(sender)),)
        if edited:
            return (Edited(said, ref),)
        return Said(said, ref, message.media_group_id), *self._too_large(said)

    def _too_large(self, said: Message) -> Iterator[Noted]:
        """What nobody can open here is told to whoever looks at the conversation."""
        for part in said.parts:
            if isinstance(part, Media) and 0 < self.me.largest < part.size:
                named = f"{part.name!r} ({part.size // MEGABYTE} MB)" if part.name else f"of {part.size // MEGABYTE} MB"
                yield Noted(
                    f"A file {named} was sent that cannot be opened here: Telegram lets bots fetch up to "
                    f"{self.me.largest // MEGABYTE} MB. Ask for a smaller one, or for a link."
                )

    def _command(self, message: wire.Message) -> tuple[str, str, str] | None:
        """Its name, whose it is (empty: anybody's), and the words after it."""
        first = next((each for each in message.entities if each.type == "bot_command" and each.offset == 0), None)
        if first is None:
            return None
        whole = cut(message.text, first)
        name, _, whose = whole.removeprefix("/").partition("@")
        return name, whose.lower(), message.text[len(whole) :].strip()

    def _said(self, message: wire.Message, command: tuple[str, str, str] | None) -> Message | None:
        if command is not None:
            parts: list[Part] = [*_text(f"/{command[0]} {command[2]}".strip(), [])]
        else:
            parts = list(self._parts(message))
        if not parts:
            return None
        return Message((*parts, *_about(message)))

    def _parts(self, message: wire.Message) -> Iterator[Part]:
        if message.text:
            yield from _text(*self._without_name(message.text, message.entities))
        if message.photo:
            largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size))
            yield Media("image", largest.file_id, type="image/jpeg", size=largest.file_size, caption=message.caption)
        for name, kind in _FILES:
            file: wire.File | None = getattr(message, name)
            if file is not None:
                yield Media(
                    kind,
                    file.file_id,
                    file.file_name,
                    file.mime_type,
                    file.file_size,
                    message.caption,
                    file.emoji,
                )
                break
        if message.venue is not None:
            at, label = message.venue.location, ", ".join(filter(None, (message.venue.title, message.venue.address)))
            yield Location(at.latitude, at.longitude, label)
        elif message.location is not None:
            yield Location(message.location.latitude, message.location.longitude)
        if (card := message.contact) is not None:
            yield VCard(f"{card.first_name} {card.last_name}".strip(), card.phone_number)
        if (poll := message.poll) is not None:
            options = [option.text for option in poll.options]
            plain = "\n".join([f"[poll] {poll.question}", *(f"{n}. {text}" for n, text in enumerate(options, 1))])
            yield Raw("telegram", {"poll": {"question": poll.question, "options": options}}, plain)
        if (dice := message.dice) is not None:
            yield Raw("telegram", {"dice": {"emoji": dice.emoji, "value": dice.value}}, f"{dice.emoji} {dice.value}")

    def _without_name(self, text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
        """What begins by calling us goes on without."""
        first = entities[0] if entities else None
        if first is None or first.offset != 0 or first.type != "mention":
            return text, entities
        called = cut(text, first)
        rest = text[len(called) :].lstrip(" ,:\n")
        if called.lower() != f"@{self.me.username}".lower() or not rest:
            return text, entities
        gone = len(text) - len(rest)
        return rest, [msgspec.structs.replace(each, offset=each.offset - gone) for each in entities[1:]]

    def _place(self, message: wire.Message, by: int) -> Place:
        chat = message.chat.id
        if message.business_connection_id:
            return Place(chat, business=message.business_connection_id)
        if message.guest_query_id:
            return Place(chat, guest=message.guest_query_id)
        if message.direct_messages_topic is not None:
            return Place(chat, direct=message.direct_messages_topic.topic_id)
        if message.is_topic_message and message.message_thread_id:
            return Place(chat, topic=message.message_thread_id)
        return Place(chat, member=self._member(message.chat, by))

    def _member(self, chat: wire.Chat, by: int) -> int:
        return by if chat.type in ("group", "supergroup") and self.me.groups == "member" else 0


def _text(words: str, entities: list[Entity]) -> Iterator[Part]:
    if words:
        yield Text(spans_of(words, entities))


def _about(message: wire.Message) -> Iterator[Part]:
    """What it answers and whom it repeats, for whoever reads it; flows read the customer's own words alone."""
    answered = message.reply_to_message
    if answered is not None and answered.message_id and answered.forum_topic_created is None:
        words = (message.quote.text if message.quote else "") or answered.text or answered.caption
        short = words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1] + "…"
        payload = {"reply_to": str(answered.message_id), "quote": message.quote.text if message.quote else ""}
        yield Raw("telegram", payload, f"↩ {short or answered.message_id}")
    if message.forward_origin is not None:
        name = message.forward_origin.name
        yield Raw("telegram", {"forwarded_from": name}, f"⤳ {name}".strip())


def _emojis(reactions: list[wire.Emoji]) -> list[str]:
    return [reaction.emoji or "★" for reaction in reactions]


# What is wrong


def _names(raw: bytes) -> set[str]:
    found = _loose(raw)
    return {str(name)[:40] for name in found if name != "update_id"} or {"nothing"}


def _unreadable(raw: bytes, account: str, why: str) -> Arrival:
    found = _loose(raw)
    number = found.get("update_id")
    known = isinstance(number, int) and not isinstance(number, bool)
    chat, by = _somebody(found)
    return Arrival(
        account=account,
        key=str(number) if known else hashlib.blake2b(raw, digest_size=16).hexdigest(),
        raw=raw,
        to=Place(chat).address(account),
        by=str(by),
        at=datetime.fromtimestamp(0, UTC),
        bodies=(),
        unreadable=why[:500],
    )


def too_large(begun: bytes, account: str) -> Arrival:
    """Of an update that is larger than any is, what it begins with. Refused, it would hold up its chat for a day."""
    found = _NUMBER.search(begun[:200])
    arrival = _unreadable(begun[:_KEPT], account, "larger than any update")
    return msgspec.structs.replace(arrival, key=found[1].decode()) if found else arrival


def _loose(raw: bytes) -> dict[str, Any]:
    """The update, if it is an object at all."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _loose_query(raw: bytes) -> str:
    query = _loose(raw).get("callback_query")
    number = query.get("id") if isinstance(query, dict) else None
    return number if isinstance(number, str) else ""


def _somebody(found: dict[str, Any]) -> tuple[int, int]:
    """Chat and person, as well as it can be told; 0: not."""
    for body in found.values():
        if isinstance(body, dict):
            message = body.get("message") if isinstance(body.get("message"), dict) else body
            return _id(message, "chat"), _id(body, "from")
    return 0, 0


def _id(body: Any, name: str) -> int:
    part = body.get(name)
    number = part.get("id") if isinstance(part, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else 0
