"""What Slack tells us, as arrivals. Pure and total: what cannot be read says why, and nothing raises.

One function reads all that comes: events, what people press and fill in, slash commands; as JSON, as the forms Slack
posts over HTTP, and as the payloads of Socket Mode's envelopes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw, Struct

from bot.model import (
    Address,
    Deleted,
    Edited,
    Incoming,
    Json,
    Media,
    Message,
    Opened,
    Part,
    Pressed,
    Reachable,
    Reacted,
    Said,
    Submitted,
    Text,
)
from bot.ports import Arrival
from channels.slack import mrkdwn
from channels.slack.emoji import shown_as

Listen = Literal["mention", "thread", "all"]
LARGEST = 1024 * 1024
"""Bytes. What Slack sends is far smaller."""
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_SPOKEN = frozenset(("", "file_share", "me_message", "thread_broadcast"))
_OF_NO_INTEREST = re.compile(
    r"(?:app|assistant|bot|call|channel|dnd|email_domain|emoji|entity|file|function|grid|group|im|invite|link|member"
    r"|message_metadata|pin|resources|scope|shared_channel_invite|star|subteam|team|user|workflow)_\w+"
)
"""The families of Slack's other events."""


class Heard(Struct, frozen=True, kw_only=True):
    """An arrival, and what the answer to Slack needs."""

    arrival: Arrival
    kind: Literal["event", "press", "form", "closed", "command", "shortcut", "challenge", "alarm", "other"] = "other"
    opens: bool = True
    """False: of interest only where we speak already."""
    team: str = ""
    user: str = ""
    trigger: str = ""
    response_url: str = ""
    challenge: str = ""
    what: str = ""
    """The name of the event, for those who look after the account."""


class Unreadable(Exception):
    pass


def parse(raw: bytes, account: str, *, listen: Listen = "thread") -> Arrival:
    """Total."""
    return hear(raw, account, listen=listen).arrival


def hear(raw: bytes, account: str, *, listen: Listen = "thread", said_by: Mapping[str, str] | None = None) -> Heard:
    """`said_by`: words that a slash command begins with."""
    try:
        if len(raw) > LARGEST:
            raise Unreadable(f"{len(raw)} bytes are more than Slack sends")
        return _hear(_decoded(raw), raw, account, listen, said_by or {})
    except (Unreadable, msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError, OverflowError) as error:
        return Heard(arrival=_unreadable(raw, account, f"{error}" or type(error).__name__))


def place(address: str) -> tuple[str, str]:
    """(workspace, channel) of an address's `chat`; a channel alone belongs to the only workspace."""
    team, _, channel = address.rpartition("/")
    return team, channel


# The shapes, as far as they matter


class _Authorization(Struct, frozen=True):
    team_id: str | None = None
    enterprise_id: str | None = None
    user_id: str | None = None
    is_enterprise_install: bool | None = False


class _Envelope(Struct, frozen=True):
    type: str
    event: Raw = Raw(b"{}")
    event_id: str = ""
    team_id: str = ""
    event_time: int = 0
    authorizations: list[_Authorization] | None = None
    challenge: str = ""


class _Named(Struct, frozen=True):
    type: str
    event_ts: str = ""


class _File(Struct, frozen=True):
    id: str
    name: str | None = ""
    title: str | None = ""
    mimetype: str | None = ""
    size: int | None = 0
    subtype: str | None = ""
    alt_txt: str | None = ""


class _Message(Struct, frozen=True):
    ts: str
    user: str | None = ""
    text: str | None = ""
    subtype: str | None = ""
    thread_ts: str | None = ""
    bot_id: str | None = None
    parent_user_id: str | None = None
    files: list[_File] | None = None


class _MessageEvent(_Message, frozen=True):
    channel: str = msgspec.field(default="")
    channel_type: str | None = ""
    message: _Message | None = None
    previous_message: _Message | None = None
    deleted_ts: str | None = ""
    event_ts: str | None = ""


class _Item(Struct, frozen=True):
    type: str
    channel: str = ""
    ts: str = ""


class _Reaction(Struct, frozen=True):
    type: str
    user: str
    reaction: str
    item: _Item
    event_ts: str


class _Thread(Struct, frozen=True):
    user_id: str
    channel_id: str
    thread_ts: str


class _Started(Struct, frozen=True):
    assistant_thread: _Thread
    event_ts: str = ""


class _Member(Struct, frozen=True):
    user: str = ""
    channel: str = ""
    event_ts: str = ""


class _Home(Struct, frozen=True):
    user: str
    channel: str = ""
    tab: str = ""
    event_ts: str = ""


class _Id(Struct, frozen=True):
    id: str
    name: str | None = ""
    username: str | None = ""
    team_id: str | None = ""


class _Words(Struct, frozen=True):
    text: str


class _Option(Struct, frozen=True):
    value: str
    text: _Words | None = None


class _Action(Struct, frozen=True):
    type: str
    block_id: str = ""
    value: str | None = None
    text: _Words | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None
    action_ts: str = ""


class _Container(Struct, frozen=True):
    type: str = ""
    message_ts: str | None = ""
    thread_ts: str | None = ""
    channel_id: str | None = ""


class _Entered(Struct, frozen=True):
    type: str = ""
    value: str | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None
    selected_date: str | None = None
    selected_time: str | None = None


class _State(Struct, frozen=True):
    values: dict[str, dict[str, _Entered]] = {}


class _View(Struct, frozen=True):
    id: str
    callback_id: str = ""
    private_metadata: str = ""
    state: _State | None = None


class _Interaction(Struct, frozen=True):
    type: str
    user: _Id
    team: _Id | None = None
    enterprise: _Id | None = None
    is_enterprise_install: bool | None = False
    trigger_id: str | None = ""
    response_url: str | None = ""
    actions: list[_Action] | None = None
    container: _Container | None = None
    channel: _Id | None = None
    message: _Message | None = None
    view: _View | None = None
    callback_id: str = ""
    action_ts: str | None = ""


class _Command(Struct, frozen=True):
    command: str
    user_id: str
    channel_id: str
    team_id: str = ""
    text: str = ""
    user_name: str = ""
    trigger_id: str = ""
    response_url: str = ""
    is_enterprise_install: str = "false"
    enterprise_id: str = ""


class _Shape(Struct, frozen=True):
    """Enough to know what it is."""

    type: str = ""
    command: str = ""
    challenge: str | None = None
    event: Raw = Raw()


_SHAPE = msgspec.json.Decoder(_Shape)
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_NAMED = msgspec.json.Decoder(_Named)
_MESSAGE = msgspec.json.Decoder(_MessageEvent)
_INTERACTION = msgspec.json.Decoder(_Interaction)


def _decoded(raw: bytes) -> bytes | dict[str, str]:
    """JSON as it came, or the fields of a form; a form with a `payload` is that payload."""
    if raw.lstrip()[:1] == b"{":
        return raw
    fields = dict(parse_qsl(raw.decode(), strict_parsing=True, max_num_fields=100))
    return fields["payload"].encode() if "payload" in fields else fields


def _hear(given: bytes | dict[str, str], raw: bytes, account: str, listen: Listen, said_by: Mapping[str, str]) -> Heard:
    if isinstance(given, dict):
        return _command(msgspec.convert(given, _Command), raw, account, said_by)
    shape = _SHAPE.decode(given)
    if shape.command and not shape.type:  # a slash command over Socket Mode
        return _command(msgspec.json.decode(given, type=_Command), raw, account, said_by)
    if bytes(shape.event) or shape.challenge is not None or shape.type == "app_rate_limited":
        return _event(_ENVELOPE.decode(given), raw, account, listen)
    return _interaction(_INTERACTION.decode(given), raw, account)


# Events


def _event(envelope: _Envelope, raw: bytes, account: str, listen: Listen) -> Heard:
    match envelope.type:
        case "url_verification":
            return Heard(arrival=_nothing(raw, account, "challenge"), kind="challenge", challenge=envelope.challenge)
        case "app_rate_limited":
            heard = _nothing(raw, account, f"limited:{envelope.team_id}:{_digest(raw)}")
            return Heard(arrival=heard, kind="alarm", team=envelope.team_id, what="app_rate_limited")
        case "event_callback":
            pass
        case other:
            raise Unreadable(f"an event of type {other!r} is not known")
    if not envelope.event_id:
        raise Unreadable("it has no `event_id`")
    granted = (envelope.authorizations or [_Authorization()])[0]
    team = (granted.enterprise_id if granted.is_enterprise_install else granted.team_id) or envelope.team_id
    if not team:
        raise Unreadable("it names no workspace")
    here = _Here(raw, account, team, granted.user_id or "", envelope.event_id, listen)
    event = bytes(envelope.event)
    named = _NAMED.decode(event)
    match named.type:
        case "message" | "app_mention":
            return _message(here, named.type, _MESSAGE.decode(event))
        case "reaction_added" | "reaction_removed":
            return _reaction(here, msgspec.json.decode(event, type=_Reaction))
        case "assistant_thread_started":
            thread = msgspec.json.decode(event, type=_Started).assistant_thread
            to = here.address(thread.channel_id, thread.thread_ts)
            return here.heard(to, thread.user_id, named.event_ts, Opened(), what=named.type)
        case "app_home_opened":
            home = msgspec.json.decode(event, type=_Home)
            return here.heard(here.address(home.channel), home.user, named.event_ts, what=f"home:{home.tab}")
        case "member_joined_channel" | "member_left_channel" | "channel_left" | "group_left":
            return _membership(here, named.type, msgspec.json.decode(event, type=_Member))
        case "channel_archive" | "group_archive" | "channel_deleted" | "group_deleted":
            gone = msgspec.json.decode(event, type=_Member)
            return here.heard(here.address(gone.channel), gone.user, named.event_ts, Reachable(False))
        case "app_uninstalled" | "tokens_revoked":
            return here.heard(here.address(""), "", named.event_ts, kind="alarm", what=_alarm(named.type, event))
        case name if _OF_NO_INTEREST.fullmatch(name):
            return here.heard(here.address(""), "", named.event_ts)
        case name:
            raise Unreadable(f"an event {name!r} is not known")


class _Revoked(Struct, frozen=True):
    bot: list[str] | None = None


class _Tokens(Struct, frozen=True):
    tokens: _Revoked = _Revoked()


def _alarm(name: str, event: bytes) -> str:
    """Users may take back their own tokens, which we have none of."""
    if name == "tokens_revoked" and not msgspec.json.decode(event, type=_Tokens).tokens.bot:
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


def _message(here: _Here, kind: str, event: _MessageEvent) -> Heard:
    if not event.channel:
        raise Unreadable("a message without a channel")
    direct = event.channel_type == "im" or (not event.channel_type and event.channel.startswith("D"))
    subtype = event.subtype or ""
    if subtype in ("message_changed", "message_deleted"):
        return _change(here, event, direct)
    to = here.address(event.channel, _thread(event, direct))
    if subtype not in _SPOKEN or event.bot_id or not event.user or event.user in (here.bot, "USLACKBOT"):
        return here.heard(to, event.user or "", event.ts)
    mentioned = kind == "app_mention" or is_mentioned(event.text or "", here.bot)
    ours = direct or mentioned or here.listen == "all" or (bool(here.bot) and event.parent_user_id == here.bot)
    follows = here.listen == "thread" and bool(event.thread_ts)
    if not ours and not follows:
        return here.heard(to, event.user, event.ts)
    said = Said(_said(here, event), event.ts)
    return here.heard(to, event.user, event.ts, said, twin=f"{to.chat}/{event.ts}", opens=ours)


def _thread(message: _Message, direct: bool) -> str:
    """Direct messages are one conversation, but for threads in them; in a channel every thread is one."""
    return message.thread_ts or ("" if direct else message.ts)


def _change(here: _Here, event: _MessageEvent, direct: bool) -> Heard:
    """What people do with what they have said; our own, and what Slack adds to a message, is of no interest."""
    before, after = event.previous_message, event.message
    known = after or before
    if known is None:
        raise Unreadable("a change that says nothing of the message")
    by = (before or known).user or ""
    to, ts = here.address(event.channel, _thread(before or known, direct)), event.event_ts or event.ts
    if (before or known).bot_id or by == here.bot or not by:
        return here.heard(to, by, ts)
    if event.subtype == "message_deleted" or known.subtype == "tombstone":
        return here.heard(to, by, ts, Deleted(event.deleted_ts or known.ts), opens=direct)
    if after is None or (before is not None and (before.text or "") == (after.text or "")):
        return here.heard(to, by, ts)
    return here.heard(to, by, ts, Edited(_said(here, after), after.ts), opens=direct)


def _reaction(here: _Here, event: _Reaction) -> Heard:
    """Slack does not say in which thread; the channel knows it of its own messages."""
    if event.item.type != "message" or event.user == here.bot:
        return here.heard(here.address(event.item.channel), event.user, event.event_ts)
    body = Reacted(shown_as(event.reaction), event.type.endswith("added"), event.item.ts)
    direct = event.item.channel.startswith("D")
    to = here.address(event.item.channel, "" if direct else event.item.ts)
    return here.heard(to, event.user, event.event_ts, body, opens=direct)


def _membership(here: _Here, name: str, event: _Member) -> Heard:
    ours = event.user == here.bot or name in ("channel_left", "group_left")
    bodies = (Reachable(name == "member_joined_channel"),) if ours else ()
    return here.heard(here.address(event.channel), event.user, event.event_ts, *bodies)


def is_mentioned(text: str, bot: str) -> bool:
    return bool(bot) and (f"<@{bot}>" in text or f"<@{bot}|" in text)


def _said(here: _Here, message: _Message) -> Message:
    """The words, without the app's own name in them."""
    text = message.text or ""
    if is_mentioned(text, here.bot):
        text = re.sub(rf"[ \t]*<@{re.escape(here.bot)}(?:\|[^<>]*)?>[,:]?", "", text).strip()
    spans = mrkdwn.parse(text)
    files = [_media(here, file) for file in message.files or ()]
    parts: tuple[Part, ...] = (Text(spans),) if spans or not files else ()
    return Message((*parts, *files))


def _media(here: _Here, file: _File) -> Media:
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


# What people press, fill in, and command


def _interaction(given: _Interaction, raw: bytes, account: str) -> Heard:
    installed = given.enterprise if given.is_enterprise_install else given.team
    team = installed.id if installed else given.user.team_id or ""
    if not team:
        raise Unreadable("it names no workspace")
    name = given.user.name or given.user.username or ""
    key = f"{given.type}:{given.trigger_id or _digest(raw)}"

    def heard(kind: Any, to: Address, *bodies: Incoming, ts: str = "", key: str = key) -> Heard:
        arrival = Arrival(
            account=account,
            key=key,
            raw=raw,
            to=to,
            by=f"{team}/{given.user.id}",
            at=instant(ts),
            bodies=bodies,
            name=name,
        )
        return Heard(
            arrival=arrival,
            kind=kind,
            team=team,
            user=given.user.id,
            trigger=given.trigger_id or "",
            response_url=given.response_url or "",
        )

    match given.type:
        case "block_actions":
            to = _pressed_at(given, account, team)
            ref = (given.container.message_ts if given.container else "") or ""
            bodies = tuple(body for action in given.actions or () for body in _presses(action, ref))
            ts = given.actions[0].action_ts if given.actions else ""
            return heard("press", to, *(bodies if to.chat != f"{team}/" else ()), ts=ts)
        case "view_submission" | "view_closed":
            if given.view is None:
                raise Unreadable("it has no view")
            values = _values(given.view) if given.type == "view_submission" else {}
            to = form_place(given.view.callback_id, account)
            body = Submitted(given.view.private_metadata, values, given.view.id)
            if given.type == "view_closed":
                return heard("closed", to, body, key=f"view_closed:{given.view.id}")
            return heard("form", to, body)
        case "shortcut":
            to = Address("slack", account, f"{team}/{given.user.id}")
            return heard("shortcut", to, Opened(given.callback_id), ts=given.action_ts or "")
        case "message_action":
            if given.message is None or given.channel is None:
                raise Unreadable("a shortcut of no message")
            thread = _thread(given.message, given.channel.id.startswith("D"))
            to = Address("slack", account, f"{team}/{given.channel.id}", thread)
            return heard("shortcut", to, Opened(given.callback_id, given.message.ts), ts=given.action_ts or "")
        case "block_suggestion" | "interactive_message" | "dialog_submission":
            return heard("other", Address("slack", account, f"{team}/"))
        case other:
            raise Unreadable(f"an interaction {other!r} is not known")


def _pressed_at(given: _Interaction, account: str, team: str) -> Address:
    """Our blocks carry the address they were shown at; of others it is where the message stands."""
    for action in given.actions or ():
        if to := block_place(action.block_id, account):
            return to
    container = given.container or _Container()
    channel = (given.channel.id if given.channel else "") or container.channel_id or ""
    thread = container.thread_ts or (given.message.thread_ts if given.message else "") or ""
    return Address("slack", account, f"{team}/{channel}", thread)


def _presses(action: _Action, ref: str) -> tuple[Pressed, ...]:
    """Links are buttons without a value."""
    label = action.text.text if action.text else ""
    if action.value:
        return (Pressed(action.value, label, ref),)
    chosen = action.selected_options or ([action.selected_option] if action.selected_option else [])
    return tuple(Pressed(one.value, one.text.text if one.text else "", ref) for one in chosen)


def _values(view: _View) -> dict[str, Json]:
    return {
        name: value
        for name, entered in (view.state.values if view.state else {}).items()
        for one in entered.values()
        if (value := _value(one)) is not None
    }


def _value(one: _Entered) -> Json:
    if one.selected_options is not None:
        chosen: list[Any] = [option.value for option in one.selected_options]
        return chosen or None
    if one.selected_option is not None:
        return one.selected_option.value
    return one.value or one.selected_date or one.selected_time or None


def _command(given: _Command, raw: bytes, account: str, said_by: Mapping[str, str]) -> Heard:
    team = given.enterprise_id if given.is_enterprise_install == "true" else given.team_id
    if not team:
        raise Unreadable("it names no workspace")
    words = " ".join(filter(None, (said_by.get(given.command, ""), given.text.strip())))
    body: Incoming = Said(Message((Text(mrkdwn.parse(words)),))) if words else Opened(given.command.lstrip("/"))
    # What is commanded in a channel is between the app and that person.
    thread = "" if given.channel_id.startswith("D") else f"@{given.user_id}"
    arrival = Arrival(
        account=account,
        key=f"command:{given.trigger_id or _digest(raw)}",
        raw=raw,
        to=Address("slack", account, f"{team}/{given.channel_id}", thread),
        by=f"{team}/{given.user_id}",
        at=_LONG_AGO,
        bodies=(body,),
        name=given.user_name,
    )
    return Heard(
        arrival=arrival,
        kind="command",
        team=team,
        user=given.user_id,
        trigger=given.trigger_id,
        response_url=given.response_url,
    )


# Addresses within what we show


def block_id(to: Address, key: str, n: int) -> str:
    """Says where the block is shown, and differs from all others of its message."""
    return f"{to.chat}|{to.thread}|{key[-40:]}.{n}"


def form_id(to: Address) -> str:
    return f"{to.chat}|{to.thread}"


def block_place(id: str, account: str) -> Address | None:
    chat, *rest = id.split("|")
    return Address("slack", account, chat, rest[0]) if "/" in chat and len(rest) == 2 else None


def form_place(id: str, account: str) -> Address:
    chat, bar, thread = id.partition("|")
    if not bar or "/" not in chat:
        raise Unreadable("it is no form of ours")
    return Address("slack", account, chat, thread)


# Small things


def instant(ts: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC) if ts else _LONG_AGO
    except (ValueError, OverflowError, OSError):
        return _LONG_AGO


def _digest(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _nothing(raw: bytes, account: str, key: str) -> Arrival:
    to = Address("slack", account, "")
    return Arrival(account=account, key=key, raw=raw, to=to, by="", at=_LONG_AGO, bodies=())


def _unreadable(raw: bytes, account: str, why: str) -> Arrival:
    """Its key is the event's where that can be read."""
    key = _digest(raw)
    try:
        key = msgspec.json.decode(raw, type=_Keyed).event_id or key
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    to = Address("slack", account, "")
    return Arrival(
        account=account, key=key, raw=raw, to=to, by="", at=_LONG_AGO, bodies=(), unreadable=why or "it cannot be read"
    )


class _Keyed(Struct, frozen=True):
    event_id: str = ""
