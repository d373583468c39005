"""What there is on this Slack: workspaces, people, chats, what was said in them. Rules stand elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["im", "mpim", "channel", "group"]
"""`group` is a private channel: Slack's own word."""

EVERY_SCOPE = [
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "links:read",
    "links:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
    "users:read.email",
]


@dataclass(slots=True)
class Team:
    """A workspace and how the app is installed in it."""

    id: str
    name: str
    bot: str
    """User id of the app there."""
    token: str
    scopes: set[str] = field(default_factory=lambda: set(EVERY_SCOPE))
    installed: bool = True
    refresh: str = ""
    """Empty: its tokens do not expire."""
    expires_at: datetime | None = None

    @property
    def bot_id(self) -> str:
        return "B" + self.bot[1:]


@dataclass(slots=True)
class Person:
    id: str
    team: str
    name: str
    is_bot: bool = False
    locale: str = "en-US"
    tz: str = "Europe/Berlin"

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@customers.example"


@dataclass(slots=True)
class Upload:
    id: str
    name: str
    type: str
    data: bytes
    by: str
    team: str
    expected: int = 0
    title: str = ""
    alt: str = ""
    done: bool = False


@dataclass(slots=True)
class Post:
    """One message, as it stands now."""

    ts: str
    by: str
    text: str
    at: datetime
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    thread: str = ""
    """Ts of the thread's first message; empty: not in a thread."""
    is_bot: bool = False
    client_msg_id: str = ""
    edited: str = ""
    deleted: bool = False
    files: list[Upload] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    to: str = ""
    """Ephemeral: the only person who sees it."""
    streaming_since: datetime | None = None
    subtype: str = ""
    markdown: bool = False
    """Its text is markdown, not mrkdwn."""
    suggested: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Options that the app gave last, by id of the list."""
    unfurled: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Blocks below it, by the address they show."""


@dataclass(slots=True)
class Chat:
    id: str
    team: str
    kind: Kind
    name: str
    members: set[str]
    posts: dict[str, Post] = field(default_factory=dict)
    archived: bool = False
    panes: dict[str, Pane] = field(default_factory=dict)
    """By ts of the thread: threads of the assistant's pane, and whatever has a status."""

    def at_top(self) -> list[Post]:
        return [post for post in self.posts.values() if not post.thread]

    def in_thread(self, ts: str) -> list[Post]:
        """The thread's first message and its replies, oldest first."""
        return [post for post in self.posts.values() if ts in (post.ts, post.thread)]


@dataclass(slots=True)
class Pane:
    status: str = ""
    title: str = ""
    prompts: list[dict[str, str]] = field(default_factory=list)
    is_assistant: bool = False


@dataclass(slots=True)
class View:
    """A modal or a home tab that somebody has before them."""

    id: str
    team: str
    user: str
    view: dict[str, Any]
    hash: str
    root: str
    values: dict[str, Any] = field(default_factory=dict)
    """By id of the block, as a person chose or wrote."""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Trigger:
    user: str
    team: str
    until: datetime
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    chat: str
    user: str
    team: str
    thread: str
    post: str
    until: datetime
    left: int = 5
