"""What people press, choose, fill in, and command, as arrivals. Pure; raises `Unreadable`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.model import Address, Incoming, Json, Message, Opened, Pressed, Said, Submitted, Text
from bot.ports import Arrival
from channels.slack import mrkdwn, wire
from channels.slack.heard import LONG_AGO, Heard, Unreadable, digest, instant
from channels.slack.place import block_place, form_place, thread_of


def interaction(given: wire.Interaction, raw: bytes, account: str) -> Heard:
    installed = given.enterprise if given.is_enterprise_install else given.team
    team = installed.id if installed else given.user.team_id or ""
    if not team:
        raise Unreadable("it names no workspace")
    name = given.user.name or given.user.username or ""
    key = f"{given.type}:{given.trigger_id or digest(raw)}"

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
            thread = thread_of(given.message, given.channel.id.startswith("D"))
            to = Address("slack", account, f"{team}/{given.channel.id}", thread)
            return heard("shortcut", to, Opened(given.callback_id, given.message.ts), ts=given.action_ts or "")
        case "block_suggestion" | "interactive_message" | "dialog_submission":
            return heard("other", Address("slack", account, f"{team}/"))
        case other:
            raise Unreadable(f"an interaction {other!r} is not known")


def _pressed_at(given: wire.Interaction, account: str, team: str) -> Address:
    """Our blocks carry the address they were shown at; of others it is where the message stands."""
    for action in given.actions or ():
        if to := block_place(action.block_id, account):
            return to
    container = given.container or wire.Container()
    channel = (given.channel.id if given.channel else "") or container.channel_id or ""
    thread = container.thread_ts or (given.message.thread_ts if given.message else "") or ""
    return Address("slack", account, f"{team}/{channel}", thread)


def _presses(action: wire.Action, ref: str) -> tuple[Pressed, ...]:
    """Links are buttons without a value."""
    label = action.text.text if action.text else ""
    if action.value:
        return (Pressed(action.value, label, ref),)
    chosen = action.selected_options or ([action.selected_option] if action.selected_option else [])
    return tuple(Pressed(one.value, one.text.text if one.text else "", ref) for one in chosen)


def _values(view: wire.View) -> dict[str, Json]:
    return {
        name: value
        for name, entered in (view.state.values if view.state else {}).items()
        for one in entered.values()
        if (value := _value(one)) is not None
    }


def _value(one: wire.Entered) -> Json:
    if one.selected_options is not None:
        chosen: list[Any] = [option.value for option in one.selected_options]
        return chosen or None
    if one.selected_option is not None:
        return one.selected_option.value
    return one.value or one.selected_date or one.selected_time or None


def command(given: wire.Command, raw: bytes, account: str, said_by: Mapping[str, str]) -> Heard:
    team = given.enterprise_id if given.is_enterprise_install == "true" else given.team_id
    if not team:
        raise Unreadable("it names no workspace")
    words = " ".join(filter(None, (said_by.get(given.command, ""), given.text.strip())))
    body: Incoming = Said(Message((Text(mrkdwn.parse(words)),))) if words else Opened(given.command.lstrip("/"))
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
