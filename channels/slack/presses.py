"""What people press, choose, fill in, and command, as arrivals. Pure; raises `Unreadable`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.model import Address, Incoming, Json, Message, Opened, Pressed, Said, Submitted, Text
from bot.ports import Arrival
from channels.slack import mrkdwn, wire
from channels.slack.heard import LONG_AGO, Heard, Kind, Unreadable, digest, instant
from channels.slack.place import block_place, form_place, place, thread_of

_OURS = re.compile(r"press\.\d+|choose|rate|form")
"""Ids of what we render to be pressed. Whatever else there is came in a `Raw` part: what is chosen there is said."""
SAYS = "say."
"""Begins the ids of buttons whose value is what they say."""


def interaction(given: wire.Interaction, raw: bytes, account: str, said_by: Mapping[str, str]) -> Heard:
    installed = given.enterprise if given.is_enterprise_install else given.team
    team = installed.id if installed else given.user.team_id or ""
    if not team:
        raise Unreadable("it names no workspace")
    here = _Here(raw, account, team, given)
    match given.type:
        case "block_actions":
            actions = given.actions or []
            ref = (given.container.message_ts if given.container else "") or ""
            bodies = [body for action in actions for body in _picks(action, ref)]
            return here.heard("press", _pressed_at(here), *bodies, ts=actions[0].action_ts if actions else "")
        case "view_submission" | "view_closed":
            if given.view is None:
                raise Unreadable("it has no view")
            values = _values(given.view, team) if given.type == "view_submission" else {}
            to = form_place(given.view.callback_id, account)
            body = Submitted(given.view.private_metadata, values, given.view.id)
            if given.type == "view_closed":
                return here.heard("closed", to, body, key=f"view_closed:{given.view.id}")
            return here.heard("form", to, body)
        case "shortcut":
            words = said_by.get(given.callback_id, "")
            opened: Incoming = _words(words) if words else Opened(given.callback_id)
            return here.heard("shortcut", here.alone(), opened, ts=given.action_ts or "")
        case "message_action":
            if given.message is None or given.channel is None:
                raise Unreadable("a shortcut of no message")
            thread = thread_of(given.message, given.channel.id.startswith("D"))
            to = Address("slack", account, f"{team}/{given.channel.id}", thread)
            return here.heard("shortcut", to, _about(given, said_by), ts=given.action_ts or "")
        case "block_suggestion":
            heard = here.heard("options", Address("slack", account, f"{team}/"))
            return replace(heard, block=given.block_id or "", typed=given.value or "")
        case "interactive_message" | "dialog_submission":
            return here.heard("other", Address("slack", account, f"{team}/"))
        case other:
            raise Unreadable(f"an interaction {other!r} is not known")


class _Here(Struct, frozen=True):
    raw: bytes
    account: str
    team: str
    given: wire.Interaction

    def alone(self) -> Address:
        """With that person: Slack takes somebody's id for the direct messages with them."""
        return Address("slack", self.account, f"{self.team}/{self.given.user.id}")

    def heard(self, kind: Kind, to: Address, *bodies: Incoming, ts: str = "", key: str = "") -> Heard:
        given = self.given
        team = place(to.chat)[0]  # of a person from outside Slack names theirs, and the app is not installed there
        arrival = Arrival(
            account=self.account,
            key=key or f"{given.type}:{given.trigger_id or digest(self.raw)}",
            raw=self.raw,
            to=to,
            by=f"{team}/{given.user.id}",
            at=instant(ts),
            bodies=bodies,
            name=given.user.name or given.user.username or "",
        )
        return Heard(
            arrival=arrival,
            kind=kind,
            team=team,
            user=given.user.id,
            trigger=given.trigger_id or "",
            response_url=given.response_url or "",
        )


def _pressed_at(here: _Here) -> Address:
    """Our blocks carry the address they were shown at; of others it is where the message stands."""
    given = here.given
    container = given.container or wire.Container()
    channel = (given.channel.id if given.channel else "") or container.channel_id or ""
    for action in given.actions or ():
        if to := block_place(action.block_id, here.account):
            team, chat = place(to.chat)
            is_alone = channel.startswith("D") and not chat.startswith("D")  # it was sent to the person's own id
            return replace(to, chat=f"{team}/{channel}") if is_alone else to
    if not channel:  # the app's home
        return here.alone()
    thread = container.thread_ts or (given.message.thread_ts if given.message else "") or ""
    return Address("slack", here.account, f"{here.team}/{channel}", thread)


def _picks(action: wire.Action, ref: str) -> Iterator[Incoming]:
    """Links are buttons without a value."""
    if not _OURS.fullmatch(action.action_id):
        if words := (action.value or "") if action.action_id.startswith(SAYS) else _spoken(action):
            yield _words(words)
        return
    if action.value:
        yield Pressed(action.value, action.text.text if action.text else "", ref)
        return
    chosen = action.selected_options or ([action.selected_option] if action.selected_option else [])
    for one in chosen:
        yield Pressed(one.value, _label(one), ref)


def _spoken(action: wire.Action) -> str:
    """What somebody would have said instead."""
    if action.value and action.text:
        return action.text.text
    chosen = action.selected_options or ([action.selected_option] if action.selected_option else [])
    if chosen:
        return ", ".join(_label(one) or one.value for one in chosen)
    value = _value(action, "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _label(option: wire.Choice) -> str:
    return option.text.text if option.text else ""


def _words(words: str) -> Said:
    return Said(Message((Text(mrkdwn.parse(words)),)))


def _about(given: wire.Interaction, said_by: Mapping[str, str]) -> Incoming:
    """A shortcut of a message, with what that message says where the shortcut has words of its own."""
    assert given.message is not None
    if words := said_by.get(given.callback_id, ""):
        return _words(f"{words}\n{given.message.text or ''}".rstrip())
    return Opened(given.callback_id, given.message.ts)


def _values(view: wire.View, team: str) -> dict[str, Json]:
    return {
        name: value
        for name, entered in (view.state.values if view.state else {}).items()
        for one in entered.values()
        if (value := _value(one, team)) is not None
    }


def _value(one: wire.Picked, team: str) -> Json:
    """A date, a time and a point in time as ISO 8601; of several a list."""
    if one.selected_options is not None:
        return [option.value for option in one.selected_options] or None
    if one.selected_option is not None:
        return one.selected_option.value
    if one.selected_date_time is not None:
        return datetime.fromtimestamp(one.selected_date_time, UTC).isoformat()
    if one.files is not None:
        return [_file(file, team) for file in one.files] or None
    several = one.selected_users or one.selected_channels or one.selected_conversations
    if several:
        return [*several]
    picked = one.selected_user or one.selected_channel or one.selected_conversation
    return one.value or one.selected_date or one.selected_time or picked or None


def _file(file: wire.Shared, team: str) -> dict[str, Json]:
    return {"ref": f"{team}/{file.id}", "name": file.name or "", "type": file.mimetype or "", "size": file.size or 0}


def command(given: wire.Command, raw: bytes, account: str, said_by: Mapping[str, str]) -> Heard:
    team = given.enterprise_id if given.is_enterprise_install == "true" else given.team_id
    if not team:
        raise Unreadable("it names no workspace")
    words = " ".join(filter(None, (said_by.get(given.command, ""), given.text.strip())))
    body: Incoming = _words(words) if words else Opened(given.command.lstrip("/"))
    # What is commanded in a channel is between the app and that person.
    thread = "" if given.channel_id.startswith("D") else f"@{given.user_id}"
    arrival = Arrival(
        account=account,
        key=f"command:{given.trigger_id or digest(raw)}",
        raw=raw,
        to=Address("slack", account, f"{team}/{given.channel_id}", thread),
        by=f"{team}/{given.user_id}",
        at=LONG_AGO,
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
