"""What Slack tells us, as arrivals. Pure and total: what cannot be read says why, and nothing raises.

One function reads all that comes: events, what people press and fill in, slash commands; as JSON, as the forms Slack
posts over HTTP, and as the payloads of Socket Mode's envelopes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.model import (
    Address,
    Deleted,
    Edited,
    Incoming,
    Media,
    Message,
    Opened,
    Part,
    Reachable,
    Reacted,
    Said,
    Text,
)
from bot.ports import Arrival
from channels.slack import mrkdwn, wire
from channels.slack.emoji import shown_as
from channels.slack.heard import LONG_AGO, Heard, Unreadable, digest, instant, nothing
from channels.slack.place import thread_of
from channels.slack.presses import command, interaction

Listen = Literal["mention", "thread", "all"]
LARGEST = 1024 * 1024
"""Bytes. What Slack sends is far smaller."""
_SPOKEN = frozenset(("", "file_share", "me_message", "thread_broadcast"))
_OF_NO_INTEREST = re.compile(
    r"(?:app|assistant|bot|call|channel|dnd|email_domain|emoji|entity|file|function|grid|group|im|invite|link|member"
    r"|message_metadata|pin|resources|scope|shared_channel_invite|star|subteam|team|user|workflow)_\w+"
)
"""The families of Slack's other events."""


def parse(raw: bytes, account: str, *, listen: Listen = "thread") -> Arrival:
    """Total."""
    return hear(raw, account, listen=listen).arrival


def hear(raw: bytes, account: str, *, listen: Listen = "thread", said_by: Mapping[str, str] | None = None) -> Heard:
    """`said_by`: words that a slash command begins with."""
    try:
        if len(raw) > LARGEST:
            raise Unreadable(f"{len(raw)} bytes are more than Slack sends")
        return _hear(_decoded(raw), raw, account, listen, said_by or {})
    except (
        Unreadable,
        msgspec.MsgspecError,
        UnicodeDecodeError,
        ValueError,
        RecursionError,
        OverflowError,
        OSError,
    ) as error:
        return Heard(arrival=_unreadable(raw, account, f"{error}" or type(error).__name__))


def _decoded(raw: bytes) -> bytes | dict[str, str]:
    """JSON as it came, or the fields of a form; a form with a `payload` is that payload."""
    if raw.lstrip()[:1] == b"{":
        return raw
    fields = dict(parse_qsl(raw.decode(), strict_parsing=True, max_num_fields=100))
    return fields["payload"].encode() if "payload" in fields else fields


def _hear(given: bytes | dict[str, str], raw: bytes, account: str, listen: Listen, said_by: Mapping[str, str]) -> Heard:
    if isinstance(given, dict):
        return command(msgspec.convert(given, wire.Command), raw, account, said_by)
    shape = wire.SHAPE.decode(given)
    if shape.command and not shape.type:  # a slash command over Socket Mode
        return command(msgspec.json.decode(given, type=wire.Command), raw, account, said_by)
    if bytes(shape.event) or shape.challenge is not None or shape.type == "app_rate_limited":
        return _event(wire.ENVELOPE.decode(given), raw, account, listen)
    return interaction(wire.INTERACTION.decode(given), raw, account, said_by)


# Events


def _event(envelope: wire.Envelope, raw: bytes, account: str, listen: Listen) -> Heard:
    match envelope.type:
        case "url_verification":
            return Heard(arrival=nothing(raw, account, "challenge"), kind="challenge", challenge=envelope.challenge)
        case "app_rate_limited":
            ts = str(envelope.minute_rate_limited)
            limited = nothing(raw, account, f"limited:{envelope.team_id}:{digest(raw)}")
            return Heard(arrival=limited, kind="alarm", team=envelope.team_id, what="app_rate_limited", ts=ts)
        case "event_callback":
            pass
        case other:
            raise Unreadable(f"an event of type {other!r} is not known")
    if not envelope.event_id:
        raise Unreadable("it has no `event_id`")
    granted = (envelope.authorizations or [wire.Authorization()])[0]
    team = (granted.enterprise_id if granted.is_enterprise_install else granted.team_id) or envelope.team_id
    if not team:
        raise Unreadable("it names no workspace")
    shared = bool(envelope.is_ext_shared_channel)
    here = _Here(raw, account, team, granted.user_id or "", envelope.event_id, listen, shared)
    event = bytes(envelope.event)
    named = wire.TOLD.decode(event)
    match named.type:
        case "message" | "app_mention":
            return _message(here, named.type, wire.MESSAGE.decode(event))
        case "reaction_added" | "reaction_removed":
            return _reaction(here, msgspec.json.decode(event, type=wire.Reaction))
        case "assistant_thread_started":
            thread = msgspec.json.decode(event, type=wire.Started).assistant_thread
            to = here.address(thread.channel_id, thread.thread_ts)
            return here.heard(to, thread.user_id, named.event_ts, Opened(), what=named.type)
        case "link_shared":
            seen = msgspec.json.decode(event, type=wire.LinkShared)
            heard = here.heard(here.address(seen.channel), seen.user, named.event_ts, what=named.type)
            return replace(heard, links=tuple([link.url for link in seen.links]), ts=seen.message_ts)
        case "app_home_opened":
            home = msgspec.json.decode(event, type=wire.Home)
            return here.heard(here.address(home.channel), home.user, named.event_ts, what=f"home:{home.tab}")
        case "member_joined_channel" | "member_left_channel" | "channel_left" | "group_left":
            return _membership(here, named.type, msgspec.json.decode(event, type=wire.Member))
        case "channel_archive" | "group_archive" | "channel_deleted" | "group_deleted":
            gone = msgspec.json.decode(event, type=wire.Member)
            return here.heard(here.address(gone.channel), gone.user, named.event_ts, Reachable(False))
        case "app_uninstalled" | "tokens_revoked":
            return here.heard(here.address(""), "", named.event_ts, kind="alarm", what=_alarm(named.type, event))
        case name if _OF_NO_INTEREST.fullmatch(name):
            return here.heard(here.address(""), "", named.event_ts)
        case name:
            raise Unreadable(f"an event {name!r} is not known")


def _alarm(name: str, event: bytes) -> str:
    """Users may take back their own tokens, which we have none of."""
    if name == "tokens_revoked" and not msgspec.json.decode(event, type=wire.Tokens).tokens.bot:
        return ""
    return name


class _Here(Struct, frozen=True):
    raw: bytes
    account: str
    team: str
    bot: str
    """The app's user id in this workspace; empty: not told."""
    key: str
    listen: Listen
    shared: bool
    """With another organisation (Slack Connect)."""

    def outside(self, message: wire.MessageEvent) -> str:
        """The workspace of whoever wrote it, where that is not ours."""
        theirs = message.user_team or message.source_team or message.team or ""
        return theirs if self.shared and theirs != self.team else ""

    def address(self, channel: str, thread: str = "") -> Address:
        return Address("slack", self.account, f"{self.team}/{channel}", thread)

    def heard(
        self,
        to: Address,
        user: str,
        ts: str,
        *bodies: Incoming,
        twin: str | None = None,
        opens: bool = True,
        kind: Literal["event", "alarm"] = "event",
        what: str = "",
    ) -> Heard:
        arrival = Arrival(
            account=self.account,
            key=self.key,
            twin=twin,
            raw=self.raw,
            to=to,
            by=f"{self.team}/{user}",
            at=instant(ts),
            bodies=bodies,
        )
        return Heard(arrival=arrival, kind=kind, opens=opens, team=self.team, user=user, what=what)


def _message(here: _Here, kind: str, event: wire.MessageEvent) -> Heard:
    if not event.channel:
        raise Unreadable("a message without a channel")
    direct = event.channel_type == "im" or (not event.channel_type and event.channel.startswith("D"))
    subtype = event.subtype or ""
    if subtype in ("message_changed", "message_deleted"):
        return _change(here, event, direct)
    to = here.address(event.channel, thread_of(event, direct))
    if subtype not in _SPOKEN or event.bot_id or not event.user or event.user in (here.bot, "USLACKBOT"):
        return here.heard(to, event.user or "", event.ts)
    mentioned = kind == "app_mention" or is_mentioned(event.text or "", here.bot)
    ours = direct or mentioned or here.listen == "all" or (bool(here.bot) and event.parent_user_id == here.bot)
    follows = here.listen == "thread" and bool(event.thread_ts)
    if not ours and not follows:
        return here.heard(to, event.user, event.ts)
    said = Said(_said(here, event), event.ts)
    heard = here.heard(to, event.user, event.ts, said, twin=f"{to.chat}/{event.ts}", opens=ours)
    return replace(heard, outside=outside) if (outside := here.outside(event)) else heard


def _change(here: _Here, event: wire.MessageEvent, direct: bool) -> Heard:
    """What people do with what they have said; our own, and what Slack adds to a message, is of no interest."""
    before, after = event.previous_message, event.message
    known = after or before
    if known is None:
        raise Unreadable("a change that says nothing of the message")
    by = (before or known).user or ""
    to, ts = here.address(event.channel, thread_of(before or known, direct)), event.event_ts or event.ts
    if (before or known).bot_id or by == here.bot or not by:
        return here.heard(to, by, ts)
    if event.subtype == "message_deleted" or known.subtype == "tombstone":
        return here.heard(to, by, ts, Deleted(event.deleted_ts or known.ts), opens=direct)
    if after is None or (before is not None and (before.text or "") == (after.text or "")):
        return here.heard(to, by, ts)
    return here.heard(to, by, ts, Edited(_said(here, after), after.ts), opens=direct)


def _reaction(here: _Here, event: wire.Reaction) -> Heard:
    """Slack does not say in which thread; the channel knows it of its own messages."""
    if event.item.type != "message" or event.user == here.bot:
        return here.heard(here.address(event.item.channel), event.user, event.event_ts)
    body = Reacted(shown_as(event.reaction), event.type.endswith("added"), event.item.ts)
    direct = event.item.channel.startswith("D")
    to = here.address(event.item.channel, "" if direct else event.item.ts)
    return here.heard(to, event.user, event.event_ts, body, opens=direct)


def _membership(here: _Here, name: str, event: wire.Member) -> Heard:
    ours = event.user == here.bot or name in ("channel_left", "group_left")
    bodies = (Reachable(name == "member_joined_channel"),) if ours else ()
    return here.heard(here.address(event.channel), event.user, event.event_ts, *bodies)


def is_mentioned(text: str, bot: str) -> bool:
    return bool(bot) and (f"<@{bot}>" in text or f"<@{bot}|" in text)


def _said(here: _Here, message: wire.Spoken) -> Message:
    """The words, without the app's own name in them."""
    text = message.text or ""
    if is_mentioned(text, here.bot):
        text = re.sub(rf"[ \t]*<@{re.escape(here.bot)}(?:\|[^<>]*)?>[,:]?", "", text).strip()
    spans = mrkdwn.parse(text)
    files = [_media(here, file) for file in message.files or ()]
    parts: tuple[Part, ...] = (Text(spans),) if spans or not files else ()
    return Message((*parts, *files))


def _media(here: _Here, file: wire.Shared) -> Media:
    type = file.mimetype or ""
    kind: Literal["image", "audio", "voice", "video", "sticker", "file"] = "file"
    if file.subtype == "slack_audio":
        kind = "voice"
    elif type.startswith("image/"):
        kind = "image"
    elif type.startswith("audio/"):
        kind = "audio"
    elif type.startswith("video/"):
        kind = "video"
    name = file.name or file.title or ""
    return Media(kind, f"{here.team}/{file.id}", name, type, max(file.size or 0, 0), alt=file.alt_txt or "")


def _unreadable(raw: bytes, account: str, why: str) -> Arrival:
    """Its key is the event's where that can be read."""
    key = digest(raw)
    try:
        key = msgspec.json.decode(raw, type=_Keyed).event_id or key
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    to = Address("slack", account, "")
    return Arrival(
        account=account, key=key, raw=raw, to=to, by="", at=LONG_AGO, bodies=(), unreadable=why or "it cannot be read"
    )


class _Keyed(Struct, frozen=True):
    event_id: str = ""
