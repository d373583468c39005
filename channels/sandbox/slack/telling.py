"""What the app is told of what happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.sandbox.slack.world import Chat, Person, Post, Team

if TYPE_CHECKING:
    from channels.sandbox.slack.sandbox import SlackSandbox

_CHANNEL_TYPE = {"im": "im", "mpim": "mpim", "channel": "channel", "group": "group"}


class Telling:
    def __init__(self, box: SlackSandbox) -> None:
        self._box = box

    def said(self, chat: Chat, post: Post) -> None:
        box, team = self._box, self._box.teams[chat.team]
        if team.bot not in chat.members and f"<@{team.bot}>" not in post.text:
            return
        event = box.shown(post) | {"channel": chat.id, "event_ts": post.ts}
        if post.thread:
            event["parent_user_id"] = chat.posts[post.thread].by
        by = box.people[post.by]
        if by.team != chat.team:
            event |= {"user_team": by.team, "source_team": by.team}
        if team.bot in chat.members:
            self.tell(chat, event | {"channel_type": _CHANNEL_TYPE[chat.kind]})
        self._links(chat, post)
        if chat.kind != "im" and not post.is_bot and f"<@{team.bot}>" in post.text:
            self.tell(chat, {**event, "type": "app_mention"})

    def _links(self, chat: Chat, post: Post) -> None:
        """Addresses that people write, where the app has asked for their domain."""
        addresses = re.findall(r"<(https?://[^<>|]+)", post.text) if not post.is_bot else []
        links = [
            {"domain": domain, "url": address}
            for address in addresses
            for domain in self._box.domains
            if address.partition("://")[2].partition("/")[0] in (domain, f"www.{domain}")
        ]
        if links:
            event = {"type": "link_shared", "user": post.by, "channel": chat.id, "message_ts": post.ts, "links": links}
            self.tell(chat, event | {"source": "conversations_history", "event_ts": self._box.ts()})

    def changed(self, chat: Chat, post: Post, before: Mapping[str, Any]) -> None:
        self.tell(chat, self._change(chat, "message_changed", message=self._box.shown(post), previous_message=before))

    def deleted(self, chat: Chat, post: Post, before: Mapping[str, Any]) -> None:
        if any(one.thread == post.ts and not one.deleted for one in chat.posts.values()):
            gone: dict[str, Any] = {
                "type": "message",
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
            }
            gone |= {"hidden": True, "ts": post.ts, "thread_ts": post.ts}
            self.tell(chat, self._change(chat, "message_changed", message=gone, previous_message=before))
        else:
            self.tell(chat, self._change(chat, "message_deleted", deleted_ts=post.ts, previous_message=before))

    def _change(self, chat: Chat, subtype: str, **more: Any) -> dict[str, Any]:
        ts = self._box.ts()
        change = {"type": "message", "subtype": subtype, "channel": chat.id, "hidden": True, "ts": ts, "event_ts": ts}
        return change | {"channel_type": _CHANNEL_TYPE[chat.kind]} | more

    def uninstalled(self, team: Team) -> None:
        self._tell_team(team, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot]}})
        self._tell_team(team, {"type": "app_uninstalled"})

    def tell(self, chat: Chat, event: Mapping[str, Any]) -> None:
        team = self._box.teams[chat.team]
        if team.bot in chat.members or event["type"] == "app_mention":
            outside = any(self._box.people[id].team != chat.team for id in chat.members)
            self._tell_team(team, event, shared=outside)

    def _tell_team(self, team: Team, event: Mapping[str, Any], *, shared: bool = False) -> None:
        box = self._box
        if not team.installed and event["type"] not in ("tokens_revoked", "app_uninstalled"):
            return
        envelope = {
            "token": "verification",
            "team_id": team.id,
            "context_team_id": team.id,
            "api_app_id": box.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": box.new_id("Ev"),
            "event_time": int(box.clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team.id,
                    "user_id": team.bot,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": shared,
        }
        name = str(event["type"])
        box.delivery.event(name, envelope)

    def interaction(self, kind: str, person: Person) -> dict[str, Any]:
        team = self._box.teams[person.team]
        return {
            "type": kind,
            "team": {"id": team.id, "domain": team.name.lower()},
            "user": {"id": person.id, "username": person.name.lower(), "name": person.name, "team_id": team.id},
            "api_app_id": self._box.app_id,
            "token": "verification",
            "trigger_id": self._box.new_trigger(person),
            "enterprise": None,
            "is_enterprise_install": False,
        }
