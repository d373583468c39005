"""What Discord tells us, as arrivals. Pure and total: whatever the bytes are, the answer is an `Arrival`.

Every place is a channel there: a thread has an id of its own and comes without its parent's, which is why what is known
of threads is handed in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from bot import markup
from bot.model import (
    Address,
    Deleted,
    Edited,
    Incoming,
    Json,
    Media,
    Message,
    Part,
    Pressed,
    Reacted,
    Said,
    Submitted,
    Text,
)
from bot.ports import Arrival
from channels.discord import wire
from channels.discord.settings import SlashCommand

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
MEMBER = "@"
"""In the thread of an address in a server's channel: one conversation for each member there."""
AGAIN = "again:"
"""Before a form's token: on the button that opens it once more."""
SELECT = "choose:"
"""Before a list's id, which is that of its first option: what is chosen there are tokens."""

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
_REPLY, _FORWARDED, _VOICE = 19, 1, 1 << 13
_SAID = (0, _REPLY)
_LONGEST = 1 << 20
_ROOM = {2: 50 << 20, 3: 100 << 20}
"""By level of boost."""
_MENTION = re.compile(r"<@(!|&)?(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_SEARCH_ID = re.compile(rb'"id"\s*:\s*"(\d{5,20})"')


@dataclass(slots=True)
class Known:
    """What reading an event depends on beside its bytes."""

    account: str
    bot: str = ""
    """Our user's id; empty before the first login."""
    channels: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    account_age: timedelta = timedelta(0)
    threads: bool = False
    commands: Mapping[str, SlashCommand] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    """Threads: id to that of the channel they are in."""
    ours: set[str] = field(default_factory=set)
    """Threads in which every message is for us."""
    authors: dict[str, str] = field(default_factory=dict)
    """Who said which message, as far back as is remembered."""
    people: dict[str, str] = field(default_factory=dict)
    """Who spoke last, by channel: in them we are in conversation."""

    room: dict[str, int] = field(default_factory=dict)
    """Bytes that one file may have, by channel: of servers that were boosted for it."""

    def learn(self, event: str, raw: bytes | msgspec.Raw) -> None:
        """Where threads are. What cannot be read is not learnt."""
        try:
            if event == "GUILD_CREATE":
                self._server(wire.guild_of(raw))
            elif event == "THREAD_LIST_SYNC":
                for thread in wire.synced_of(raw).threads:
                    self._thread(thread)
            elif event in ("THREAD_CREATE", "THREAD_UPDATE"):
                self._thread(wire.place_of(raw))
            elif event in ("THREAD_DELETE", "CHANNEL_DELETE"):
                gone = wire.place_of(raw).id
                self.parents.pop(gone, None)
                self.ours.discard(gone)
        except (ValueError, RecursionError):
            return

    def _server(self, server: wire.GuildEvent) -> None:
        for thread in server.threads:
            self._thread(thread)
        for place in server.channels:
            self.room.pop(place.id, None)
            if room := _ROOM.get(server.premium_tier):
                self.room[place.id] = room

    def _thread(self, thread: wire.Place) -> None:
        if thread.parent_id:
            self.parents[thread.id] = thread.parent_id
            if thread.owner_id == self.bot or thread.parent_id in self.channels:
                self.ours.add(thread.id)


def parse(raw: bytes, known: Known) -> Arrival:
    """An event of the gateway as it came."""

    def read() -> Arrival:
        frame = wire.frame_of(raw)
        return _event(frame.t or "", frame.d, raw, known)

    return _total(read, raw, known)


def parsed(frame: wire.Frame, raw: bytes, known: Known) -> Arrival:
    """The same, of which the frame was looked at."""
    return _total(lambda: _event(frame.t or "", frame.d, raw, known), raw, known)


def swept(frame: wire.Frame, raw: bytes, known: Known) -> list[Arrival]:
    """Messages that a moderator deleted at once were said by several people: each is an event of its own."""
    try:
        event = wire.swept_of(frame.d)
    except (ValueError, RecursionError):
        return [_dead(raw, known, "its messages cannot be read")]
    gone = [wire.DeletedEvent(id, event.channel_id, event.guild_id) for id in event.ids]

    def deleted(one: wire.DeletedEvent) -> Arrival:
        told = msgspec.json.encode({"op": 0, "t": "MESSAGE_DELETE", "d": one})
        return _total(lambda: _deleted(one, told, known), told, known)

    return [deleted(one) for one in gone]


def posted(raw: bytes, known: Known) -> Arrival:
    """An interaction as it comes over HTTP."""
    return _total(lambda: _interaction(raw, raw, known), raw, known)


def backfilled(raw: bytes, known: Known, guild: str | None) -> Arrival:
    """A message out of a channel's history, where its server is not said."""

    def read() -> Arrival:
        message = wire.message_of(raw)
        message.guild_id = guild
        return _message(message, raw, known, edit=False)

    return _total(read, raw, known)


def _total(read: Callable[[], Arrival], raw: bytes, known: Known) -> Arrival:
    if len(raw) > _LONGEST:
        return _dead(raw, known, f"it has {len(raw)} bytes")
    try:
        return read()
    except (msgspec.MsgspecError, RecursionError, LookupError, ValueError, TypeError, AttributeError) as error:
        return _dead(raw, known, str(error) or type(error).__name__)


def _event(name: str, data: msgspec.Raw, raw: bytes, known: Known) -> Arrival:
    match name:
        case "MESSAGE_CREATE":
            return _message(wire.message_of(data), raw, known, edit=False)
        case "MESSAGE_UPDATE":
            return _message(wire.message_of(data), raw, known, edit=True)
        case "MESSAGE_DELETE":
            return _deleted(wire.deleted_of(data), raw, known)
        case "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE":
            return _reaction(wire.reaction_of(data), raw, known, added=name.endswith("ADD"))
        case "INTERACTION_CREATE":
            return _interaction(data, raw, known)
        case _ if name and wire.is_documented(name):
            return _arrival(raw, known, name, Address("discord", known.account, ""), "", EPOCH, ())
        case _:
            return _dead(raw, known, f"there is no event {name!r}")


# Messages


def _message(event: wire.MessageEvent, raw: bytes, known: Known, *, edit: bool) -> Arrival:
    by, at = event.author, said_at(event.id)
    name = (event.member.nick if event.member else None) or by.shown
    to, bodies = _where(event, known), tuple[Incoming, ...]()
    key = f"{event.id}.{event.edited_timestamp}" if edit else event.id
    if (not edit or event.edited_timestamp) and _is_for_us(event, known):
        said = _said(event, known)
        if said.parts:
            bodies = (Edited(said, event.id),) if edit else (Said(said, event.id),)
            at = _instant(event.edited_timestamp) if edit else at
    return _arrival(raw, known, key, to, by.id, at, bodies, name=name)


def _is_for_us(event: wire.MessageEvent, known: Known) -> bool:
    by = event.author
    if by.bot or event.webhook_id or by.id in (known.bot, *known.blocked) or event.type not in _SAID:
        return False
    if known.account_age and said_at(event.id) - said_at(by.id) < known.account_age:
        return False
    if event.guild_id is None or event.channel_id in known.ours:
        return True
    place = known.parents.get(event.channel_id, event.channel_id)
    replied = event.referenced_message.author if event.referenced_message else None
    return (
        place in known.channels
        or event.channel_id in known.channels
        or any(user.id == known.bot for user in event.mentions)
        or not known.roles.isdisjoint(event.mention_roles)
        or (replied is not None and replied.id == known.bot)
    )


def _where(event: wire.MessageEvent, known: Known) -> Address:
    if event.guild_id is None:
        return Address("discord", known.account, event.channel_id)
    if parent := known.parents.get(event.channel_id):
        return Address("discord", known.account, parent, event.channel_id)
    thread = event.id if known.threads else f"{MEMBER}{event.author.id}"
    return Address("discord", known.account, event.channel_id, thread)


def _said(event: wire.MessageEvent, known: Known) -> Message:
    parts = list[Part]()
    if text := _text(event.content, event.mentions, known):
        parts.append(text)
    voice = bool(event.flags & _VOICE)
    parts += (_media(file, voice=voice) for file in event.attachments)
    parts += (_sticker(sticker) for sticker in event.sticker_items)
    for forwarded in event.message_snapshots:
        snapshot = forwarded.message
        shown = [each for embed in snapshot.embeds for each in (embed.title, embed.description) if each]
        if text := _text(snapshot.content or "\n\n".join(shown), (), known):
            parts.append(text)
        parts += (_media(file, voice=False) for file in snapshot.attachments)
        parts += (_sticker(sticker) for sticker in snapshot.sticker_items)
    return Message(tuple(parts))


def _text(content: str, mentions: Sequence[wire.User], known: Known) -> Text | None:
    """As it was read there: names for mentions, and nothing for the mention that called us."""
    if "<" in content:
        names = {user.id: user.shown for user in mentions}

        def named(met: re.Match[str]) -> str:
            if met[2] == known.bot or (met[1] == "&" and met[2] in known.roles):
                return ""
            return f"@{names[met[2]]}" if met[2] in names else met[0]

        content = _EMOJI.sub(r"\1", _MENTION.sub(named, content)).strip()
    spans = markup.parse(content)
    return Text(spans) if spans else None


def _media(file: wire.Attachment, *, voice: bool) -> Media:
    kind: Literal["image", "audio", "voice", "video", "file"] = "file"
    match (file.content_type or "").partition("/")[0]:
        case "image":
            kind = "image"
        case "video":
            kind = "video"
        case "audio":
            kind = "voice" if voice or file.duration_secs is not None else "audio"
    type = (file.content_type or "").partition(";")[0]
    return Media(kind, file.url, file.filename, type, max(file.size, 0), alt=file.description or "")


def _sticker(sticker: wire.Sticker) -> Media:
    address = f"https://media.discordapp.net/stickers/{sticker.id}.png"
    return Media("sticker", address, sticker.name, "image/png", alt=sticker.name)


def _deleted(event: wire.DeletedEvent, raw: bytes, known: Known) -> Arrival:
    """Whose it was is not said: where we talk with one person it was theirs."""
    parent = known.parents.get(event.channel_id)
    alone = event.guild_id is None or parent is not None
    by = known.authors.get(event.id) or (known.people.get(event.channel_id, "") if alone else "")
    bodies: tuple[Incoming, ...] = (Deleted(event.id),) if by else ()
    if parent:
        to = Address("discord", known.account, parent, event.channel_id)
    elif event.guild_id is None:
        to = Address("discord", known.account, event.channel_id)
    else:
        to = Address("discord", known.account, event.channel_id, f"{MEMBER}{by}")
        bodies = () if known.threads else bodies
    return _arrival(raw, known, f"{event.id}.deleted", to, by, said_at(event.id), bodies)


def _reaction(event: wire.ReactionEvent, raw: bytes, known: Known, *, added: bool) -> Arrival:
    """To a message of ours; in a direct conversation to any."""
    name, parent = event.emoji.name or "", known.parents.get(event.channel_id)
    if event.guild_id is None:
        to = Address("discord", known.account, event.channel_id)
    elif parent:
        to = Address("discord", known.account, parent, event.channel_id)
    else:
        to = Address("discord", known.account, event.channel_id, f"{MEMBER}{event.user_id}")
    ours = event.guild_id is None or (event.message_author_id == known.bot and not (known.threads and not parent))
    heard = ours and name and event.user_id not in (known.bot, *known.blocked)
    bodies: tuple[Incoming, ...] = (Reacted(name, added, event.message_id),) if heard else ()
    digest = hashlib.blake2b(raw, digest_size=12).hexdigest()
    who = (event.member.nick or "") if event.member else ""
    key = f"reaction.{event.message_id}.{digest}"
    return _arrival(raw, known, key, to, event.user_id, said_at(event.message_id), bodies, name=who)


# Interactions


def _interaction(data: bytes | msgspec.Raw, raw: bytes, known: Known) -> Arrival:
    event = wire.interaction_of(data)
    by = event.by
    if event.type not in (COMMAND, COMPONENT, AUTOCOMPLETE, MODAL) or by is None or not event.channel_id:
        return _dead(raw, known, f"an interaction of type {event.type}, or by nobody")
    to = where(event, known)
    bodies: tuple[Incoming, ...] = ()
    if by.id not in known.blocked:
        match event.type:
            case 2:
                bodies = (Said(Message((_typed(event.data, known),)), f"interaction.{event.id}"),)
            case 3:
                bodies = (_chosen(event),)
            case 5:
                bodies = (Submitted(_form_token(str(event.data["custom_id"])), values_of(event.data), event.id),)
    name = (event.member.nick if event.member else None) or by.shown
    at = said_at(event.id)
    return _arrival(raw, known, event.id, to, by.id, at, bodies, name=name, language=event.locale)


def where(event: wire.InteractionEvent, known: Known) -> Address:
    """The conversation an interaction belongs to."""
    place, by = event.channel_id or "", event.by.id if event.by else ""
    if event.guild_id is None:
        return Address("discord", known.account, place)
    parent = known.parents.get(place)
    if event.channel and event.channel.type in (10, 11, 12) and event.channel.parent_id:
        parent = event.channel.parent_id
    if parent:
        return Address("discord", known.account, parent, place)
    return Address("discord", known.account, place, f"{MEMBER}{by}")


def _chosen(event: wire.InteractionEvent) -> Pressed | Said:
    """In a list that a flow made itself (a `Raw`) people, roles or channels are chosen: that is an answer."""
    custom_id, values = str(event.data["custom_id"]), event.data.get("values")
    if values is not None and not custom_id.startswith(SELECT):
        resolved = event.data.get("resolved") or {}
        named = ", ".join(_name_of(str(one), resolved) or label_of(event, str(one)) or str(one) for one in values)
        return Said(Message((Text(markup.parse(markup.escape(named))),)), f"interaction.{event.id}")
    token = str(values[0]) if values else _form_token(custom_id)
    return Pressed(token, label_of(event, token), event.message.id if event.message else "")


def _name_of(id: str, resolved: Mapping[str, Any]) -> str:
    """As it was read where it was chosen: what an id stands for comes with the event. Empty: it stands for nothing."""

    def known(kind: str) -> Mapping[str, Any]:
        return (resolved.get(kind) or {}).get(id) or {}

    member, user = known("members"), known("users")
    if person := member.get("nick") or user.get("global_name") or user.get("username"):
        return f"@{person}"
    for kind, sign, name in (("roles", "@", "name"), ("channels", "#", "name"), ("attachments", "", "filename")):
        if named := known(kind).get(name):
            return f"{sign}{named}"
    return ""


def _form_token(custom_id: str) -> str:
    return custom_id.removeprefix(AGAIN)


def label_of(event: wire.InteractionEvent, token: str) -> str:
    """What the button or the line of a list showed."""
    for one in _shown(event.message.components if event.message else ()):
        if token in (one.get("custom_id"), one.get("value")):
            return str(one.get("label") or "")
    return ""


def _shown(components: Any) -> Iterator[Mapping[str, Any]]:
    """Every component and every option, however deep."""
    for one in components if isinstance(components, list | tuple) else ():
        if isinstance(one, dict):
            yield one
            yield from _shown([*_listed(one.get("components")), *_listed(one.get("options")), one.get("accessory")])


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def values_of(data: Mapping[str, Any]) -> dict[str, Json]:
    """By field, of a submitted modal: what was written or chosen, a box as true or false, files and people by name."""
    values: dict[str, Json] = {}
    resolved = data.get("resolved") or {}
    for row in data.get("components") or ():
        for one in row.get("components") or (row.get("component"),):
            if isinstance(one, dict) and isinstance(one.get("custom_id"), str):
                values[one["custom_id"]] = _filled(one, resolved)
    return values


def _filled(field: Mapping[str, Any], resolved: Mapping[str, Any]) -> Json:
    if "values" not in field:
        return _plain(field.get("value"))
    return ", ".join(_name_of(str(one), resolved) or str(one) for one in field["values"] or ())


def _plain(value: Any) -> Json:
    return value if isinstance(value, bool) else "" if value is None else str(value)


def _typed(data: Mapping[str, Any], known: Known) -> Text:
    """What a command says, in the words its settings give it."""
    path, options = [str(data["name"])], data.get("options") or []
    while options and options[0].get("type") in (1, 2):
        path.append(str(options[0]["name"]))
        options = options[0].get("options") or []
    given = {str(one["name"]): str(one["value"]) for one in options}
    command = command_at(path, known.commands)
    if command and command.says:
        says = re.sub(r"\{(\w+)\}", lambda met: given.get(met[1], ""), command.says).strip()
        return Text(markup.parse(markup.escape(says)))
    return Text(markup.parse(markup.escape(" ".join((*path, *given.values())))))


def command_at(path: Sequence[str], commands: Mapping[str, SlashCommand]) -> SlashCommand | None:
    found: SlashCommand | None = None
    for name in path:
        found = commands.get(name)
        if found is None:
            return None
        commands = found.commands
    return found


# Both


def _arrival(
    raw: bytes,
    known: Known,
    key: str,
    to: Address,
    by: str,
    at: datetime,
    bodies: tuple[Incoming, ...],
    *,
    name: str = "",
    language: str = "",
) -> Arrival:
    return Arrival(
        account=known.account,
        key=key,
        raw=raw,
        to=to,
        by=by,
        at=at,
        bodies=bodies,
        name=name,
        language=language,
    )


def _dead(raw: bytes, known: Known, why: str) -> Arrival:
    """Kept under what it calls itself, else under a digest of it."""
    met = _SEARCH_ID.search(raw[:_LONGEST])
    digest = hashlib.blake2b(raw, digest_size=12).hexdigest()
    key = f"{met[1].decode()}.{digest}" if met else digest
    return Arrival(
        account=known.account,
        key=f"unreadable.{key}",
        raw=raw,
        to=Address("discord", known.account, ""),
        by="",
        at=EPOCH,
        bodies=(),
        unreadable=why[:500],
    )


def said_at(snowflake: str) -> datetime:
    """Raises `ValueError` when it is none."""
    number = int(snowflake)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{snowflake!r} is no snowflake")
    return EPOCH + timedelta(milliseconds=number >> 22)


def _instant(written: str | None) -> datetime:
    at = datetime.fromisoformat(written or "")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
