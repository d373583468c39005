"""What people and workspaces are called: asked after an acknowledgement, never before."""

from __future__ import annotations

from msgspec import Struct

from channels.slack.client import Workspaces


class Person(Struct, frozen=True):
    """Empty: Slack does not say."""

    name: str = ""
    language: str = ""
    email: str = ""
    """With the scope `users:read.email` alone."""
    zone: str = ""
    """IANA."""


class Names:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def of(self, team: str, user: str) -> Person:
        """Raises `NotSent`."""
        answer = await self._workspaces.call(team, "users.info", params={"user": user, "include_locale": True})
        about = answer.get("user") or {}
        profile = about.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or about.get("real_name") or ""
        return Person(
            str(name), str(about.get("locale") or ""), str(profile.get("email") or ""), str(about.get("tz") or "")
        )

    async def team(self, team: str, other: str) -> str:
        """Of a workspace with which ours shares a channel. Raises `NotSent`."""
        answer = await self._workspaces.call(team, "team.info", params={"team": other})
        return str((answer.get("team") or {}).get("name") or other)
