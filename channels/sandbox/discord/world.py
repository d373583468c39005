"""What there is on this Discord: people, one bot, one server with its channels, what was said; and how each is written
on the wire.

Knows no socket and decides nothing about delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from bot.ports import Clock

Wire = dict[str, Any]

EPOCH_MS: Final = 1_420_070_400_000  # the first second of 2015
TEXT, DM, VOICE, FORUM, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 2, 15, 11, 12
THREADS = (PUBLIC_THREAD, PRIVATE_THREAD)
ALL_PERMISSIONS = "2248473465835073"
_BOTS_ROLE = "Frontdesk"
_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(slots=True)
class Person:
    id: int
    name: str
    is_bot: bool = False
    blocks: bool = False
    """Takes no direct messages of the bot."""
    roles: set[int] = field(default_factory=set)
    member: bool = True


@dataclass(slots=True)
class File:
    id: int
    name: str
    type: str
    content: bytes
    about: str = ""
    seconds: float = 0


@dataclass(slots=True)
class Line:
    """One message."""

    id: int
    at: datetime
    by: Person
    place: int
    text: str = ""
    kind: int = 0
    """0: said; 6: pinned something; 18: a thread began; 19: a reply; 20: answer to a slash command."""
    embeds: list[Wire] = field(default_factory=list)
    components: list[Wire] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    stickers: list[Wire] = field(default_factory=list)
    flags: int = 0
    nonce: Any = None
    mentions: list[int] = field(default_factory=list)
    """People who are pinged by it."""
    roles: list[int] = field(default_factory=list)
    everyone: bool = False
    reply_to: int = 0
    forwarded: Line | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    reactions: dict[str, set[int]] = field(default_factory=dict)
    only_for: int = 0
    """Ephemeral: seen by this person alone."""
    waiting: bool = False
    """ "Frontdesk is thinking…": an answer that was deferred."""
    interaction: Wire | None = None


@dataclass(slots=True)
class Place:
    """A channel, a thread or a direct conversation."""

    id: int
    kind: int
    name: str = ""
    parent: int = 0
    people: list[int] = field(default_factory=list)
    """Of a direct conversation: the person; of a thread: who joined."""
    hidden: bool = False
    """The bot cannot see it."""
    archived: bool = False
    locked: bool = False
    owner: int = 0
    began_at: datetime | None = None
    lines: dict[int, Line] = field(default_factory=dict)
    typing: dict[int, datetime] = field(default_factory=dict)
    """By person, until when."""

    @property
    def title(self) -> str:
        return self.name

    def said(self) -> Iterator[Line]:
        """What everybody there can read, oldest first."""
        return (line for line in self.lines.values() if not (line.deleted or line.only_for or line.waiting))


class World:
    def __init__(self, clock: Clock, *, guild: str, bot: str, person: str) -> None:
        self.clock = clock
        self._last = 0
        self.base = ""
        """Our address, as the last caller wrote it."""
        self.people: dict[int, Person] = {}
        self.places: dict[int, Place] = {}
        self.guild, self.guild_name = self.snowflake(), guild
        self.roles: dict[int, str] = {self.guild: "@everyone"}
        self.given = list[File]()
        """Files that were put into windows."""
        self.bot = self.person(bot, is_bot=True)
        self.bot_role = self.role(_BOTS_ROLE)
        self.bot.roles.add(self.bot_role)
        self.owner = self.person(person)

    def snowflake(self) -> int:
        """Rises with time, as theirs."""
        now = int(self.clock.now().timestamp() * 1000) - EPOCH_MS
        self._last = max(self._last + 1, now << 22)
        return self._last

    # Making things

    def person(self, name: str, *, is_bot: bool = False) -> Person:
        made = Person(self.snowflake(), name, is_bot)
        self.people[made.id] = made
        return made

    def role(self, name: str) -> int:
        made = self.snowflake()
        self.roles[made] = name
        return made

    def place(self, kind: int, name: str = "", **more: Any) -> Place:
        made = Place(self.snowflake(), kind, name, began_at=self.clock.now(), **more)
        self.places[made.id] = made
        return made

    def thread(self, parent: Place, name: str, by: Person, *, kind: int = PUBLIC_THREAD, id: int = 0) -> Place:
        made = Place(id or self.snowflake(), kind, name, parent.id, [by.id], parent.hidden, owner=by.id)
        made.began_at = self.clock.now()
        self.places[made.id] = made
        return made

    def direct(self, person: Person) -> Place:
        for place in self.places.values():
            if place.kind == DM and place.people == [person.id]:
                return place
        return self.place(DM, person.name, people=[person.id])

    def line(self, place: Place, by: Person, text: str, **more: Any) -> Line:
        made = Line(self.snowflake(), self.clock.now(), by, place.id, text, **more)
        place.lines[made.id] = made
        place.typing.pop(by.id, None)
        if by is self.bot and place.archived and not made.only_for:
            place.archived = False
        return made

    def ping(self, line: Line, allowed: Mapping[str, Any] | None) -> None:
        """Whom the words mention and, of those, whom the sender allowed to be told."""
        named = [int(one) for one in _MENTION.findall(line.text) if int(one) in self.people]
        roles = [int(one) for one in _ROLE_MENTION.findall(line.text) if int(one) in self.roles]
        if line.reply_to and (answered := self.places[line.place].lines.get(line.reply_to)):
            replied = allowed is None or bool(allowed.get("replied_user"))
            named += [answered.by.id] if replied else []
        if allowed is None:
            line.mentions, line.roles = named, roles
            line.everyone = _EVERYONE.search(line.text) is not None
            return
        parse = allowed.get("parse") or ()
        users, listed = _ids(allowed.get("users")), _ids(allowed.get("roles"))
        line.mentions = [one for one in named if "users" in parse or one in users or one == _author(self, line)]
        line.roles = [one for one in roles if "roles" in parse or one in listed]
        line.everyone = "everyone" in parse and _EVERYONE.search(line.text) is not None

    def file(self, name: str, type: str, content: bytes, about: str = "", seconds: float = 0) -> File:
        return File(self.snowflake(), re.sub(r"[^\w.\-]", "_", name) or "file", type, content, about, seconds)

    def files(self) -> Iterable[File]:
        """Of messages, and those that were given in windows."""
        said = (file for place in self.places.values() for line in place.lines.values() for file in line.files)
        return (*said, *self.given)

    # What can be chosen beside words

    def offered(self, kind: int) -> Iterator[tuple[int, str]]:
        """By id, with its name: people (5), roles (6), both (7), channels (8)."""
        if kind in (5, 7):
            yield from ((one.id, one.name) for one in self.people.values() if one.member)
        if kind in (6, 7):
            yield from ((id, f"@{name}") for id, name in self.roles.items() if id != self.guild)
        if kind == 8:
            seen = (one for one in self.places.values() if one.kind != DM and not one.hidden)
            yield from ((one.id, f"#{one.name}") for one in seen)

    def resolved(self, ids: Iterable[str], place: Place) -> Wire:
        """What they stand for, as an interaction tells it; empty where they are words."""
        told: Wire = {}
        for id in ids:
            number = int(id) if id.isdigit() else 0
            if person := self.people.get(number):
                told.setdefault("users", {})[id] = self.user(person)
                if place.kind != DM:
                    told.setdefault("members", {})[id] = self.member(person) | {"permissions": "0"}
            elif number in self.roles:
                told.setdefault("roles", {})[id] = self.role_wire(number)
            elif there := self.places.get(number):
                told.setdefault("channels", {})[id] = self.channel(there) | {"permissions": "0"}
            elif file := next((one for one in self.given if one.id == number), None):
                told.setdefault("attachments", {})[id] = self.attachment(place, file) | {"ephemeral": True}
        return told

    # On the wire

    def user(self, person: Person) -> Wire:
        told: Wire = {"id": str(person.id), "username": person.name.lower().replace(" ", "_"), "discriminator": "0"}
        told |= {"global_name": None if person.is_bot else person.name, "avatar": None, "public_flags": 0}
        return told | ({"bot": True, "flags": 0} if person.is_bot else {})

    def member(self, person: Person) -> Wire:
        told: Wire = {"roles": [str(role) for role in sorted(person.roles)], "joined_at": _at(_STARTED), "flags": 0}
        return told | {"deaf": False, "mute": False, "nick": None, "avatar": None, "premium_since": None}

    def channel(self, place: Place) -> Wire:
        last = max(place.lines, default=0)
        told: Wire = {"id": str(place.id), "type": place.kind, "last_message_id": str(last) if last else None}
        if place.kind == DM:
            return told | {"recipients": [self.user(self.people[one]) for one in place.people], "flags": 0}
        told |= {"guild_id": str(self.guild), "name": place.name, "rate_limit_per_user": 0, "flags": 0}
        if place.kind in THREADS:
            meta: Wire = {"archived": place.archived, "locked": place.locked, "auto_archive_duration": 1440}
            meta |= {"archive_timestamp": _at(place.began_at), "create_timestamp": _at(place.began_at)}
            told |= {"parent_id": str(place.parent), "owner_id": str(place.owner), "thread_metadata": meta}
            count = len(place.lines)
            told |= {"message_count": count, "member_count": len(place.people), "total_message_sent": count}
            if self.bot.id in place.people:
                joined = {"join_timestamp": _at(place.began_at), "flags": 0}
                told["member"] = joined | {"id": str(place.id), "user_id": str(self.bot.id)}
            return told
        overwrites = [{"id": str(self.guild), "type": 0, "allow": "0", "deny": "1024"}] if place.hidden else []
        told |= {"position": 0, "permission_overwrites": overwrites, "parent_id": None, "nsfw": False, "topic": None}
        return told | ({"available_tags": [], "default_reaction_emoji": None} if place.kind == FORUM else {})

    def guild_whole(self) -> Wire:
        """As GUILD_CREATE has it."""
        seen = [place for place in self.places.values() if place.kind != DM and not place.hidden]
        roles = [self.role_wire(role) for role in self.roles]
        members = [{"user": self.user(one)} | self.member(one) for one in self.people.values() if one.member]
        told: Wire = {"id": str(self.guild), "name": self.guild_name, "owner_id": str(self.owner.id), "roles": roles}
        told |= {"channels": [self.channel(place) for place in seen if place.kind not in THREADS]}
        told |= {"threads": [self.channel(one) for one in seen if one.kind in THREADS and not one.archived]}
        told |= {"members": members, "member_count": len(members), "joined_at": _at(_STARTED)}
        told |= dict.fromkeys(("large", "unavailable", "nsfw", "premium_progress_bar_enabled"), False)
        told |= {"verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0}
        told |= {"mfa_level": 0, "nsfw_level": 0, "premium_tier": 0, "system_channel_flags": 0, "afk_timeout": 300}
        told |= dict.fromkeys(("icon", "splash", "discovery_splash", "afk_channel_id", "application_id", "banner"))
        told |= dict.fromkeys(("system_channel_id", "rules_channel_id", "public_updates_channel_id", "description"))
        told |= {"vanity_url_code": None, "preferred_locale": "en-US", "premium_subscription_count": 0}
        empty = "emojis features stickers voice_states presences stage_instances guild_scheduled_events"
        return told | {name: [] for name in (*empty.split(), "soundboard_sounds")}

    def role_wire(self, role: int) -> Wire:
        told: Wire = {"id": str(role), "name": self.roles[role], "permissions": ALL_PERMISSIONS, "position": 0}
        told |= {"color": 0, "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}}
        return told | {"hoist": False, "managed": False, "mentionable": True, "flags": 0}

    def message(self, line: Line, *, event: bool = False) -> Wire:
        """`event`: as a gateway event has it, with the server and the author's membership."""
        place = self.places[line.place]
        told: Wire = {"id": str(line.id), "type": line.kind, "content": line.text, "channel_id": str(line.place)}
        told |= {"author": self.user(line.by), "timestamp": _at(line.at), "edited_timestamp": _at(line.edited_at)}
        told |= {"tts": False, "pinned": False, "mention_everyone": line.everyone, "flags": line.flags}
        told |= {"mentions": [self.user(self.people[one]) for one in dict.fromkeys(line.mentions)]}
        told |= {"mention_roles": [str(role) for role in line.roles], "embeds": line.embeds}
        told |= {"attachments": self.attachments(line), "components": line.components}
        if line.stickers:
            told["sticker_items"] = line.stickers
        if line.nonce is not None:
            told["nonce"] = line.nonce
        if line.reactions:
            told["reactions"] = [self._reaction(emoji, by) for emoji, by in line.reactions.items()]
        if line.interaction:
            told["interaction_metadata"] = line.interaction
        if line.forwarded:
            snapshot = self.message(line.forwarded)
            kept = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags", "mentions")
            told["message_snapshots"] = [{"message": {name: snapshot[name] for name in kept}}]
            told["message_reference"] = self._reference(place, line.forwarded.id) | {"type": 1}
        elif line.reply_to:
            told["message_reference"] = self._reference(place, line.reply_to)
            answered = place.lines.get(line.reply_to)
            told["referenced_message"] = self.message(answered) if answered and not answered.deleted else None
        if event and place.kind != DM:
            told |= {"guild_id": str(self.guild), "member": self.member(line.by)}
        return told

    def attachments(self, line: Line) -> list[Wire]:
        return [self.attachment(self.places[line.place], file) for file in line.files]

    def attachment(self, place: Place, file: File) -> Wire:
        url = f"{self.base}/attachments/{place.id}/{file.id}/{file.name}"
        told: Wire = {"id": str(file.id), "filename": file.name, "size": len(file.content), "url": url}
        told |= {"proxy_url": url, "content_type": file.type, "ephemeral": False}
        if file.about:
            told["description"] = file.about
        if file.seconds:
            told |= {"duration_secs": file.seconds, "waveform": "AAAA"}
        return told

    def _reference(self, place: Place, message: int) -> Wire:
        told: Wire = {"type": 0, "message_id": str(message), "channel_id": str(place.id)}
        return told if place.kind == DM else told | {"guild_id": str(self.guild)}

    def _reaction(self, emoji: str, by: set[int]) -> Wire:
        told: Wire = {"count": len(by), "me": self.bot.id in by, "emoji": {"id": None, "name": emoji}}
        details = {"burst": 0, "normal": len(by)}
        return told | {"count_details": details, "me_burst": False, "burst_colors": []}

    # Looking things up

    def parent_of(self, place: Place) -> Place:
        return self.places[place.parent] if place.parent else place

    def typing_now(self, place: Place) -> list[Person]:
        now = self.clock.now()
        return [self.people[one] for one, until in place.typing.items() if until > now]

    def types(self, place: Place, person: Person) -> None:
        place.typing[person.id] = self.clock.now() + timedelta(seconds=10)


def scope_of(place: Place) -> Literal["guild", "direct"]:
    return "direct" if place.kind == DM else "guild"


def snowflake_at(at: datetime) -> int:
    return (int(at.timestamp() * 1000) - EPOCH_MS) << 22


_STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def _at(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _ids(given: Any) -> set[int]:
    return {int(one) for one in given or ()}


def _author(world: World, line: Line) -> int:
    answered = world.places[line.place].lines.get(line.reply_to)
    return answered.by.id if answered else 0
