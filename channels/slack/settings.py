"""What an account on Slack is told; its secrets come from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

NEEDED_SCOPES = (
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
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
)
"""Of the bot's token, whatever the settings."""


class Prompt(BaseModel):
    """Offered in a new thread of the assistant's pane, and in the home tab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    message: str


class Shortcut(BaseModel):
    """In Slack's menus: beside the message box, or of any message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    about: str = ""
    on: Literal["global", "message"] = "global"
    says: str = ""
    """Words that it stands for; of a message, what that says follows. Empty: it opens what is named as its id is."""


class Preview(BaseModel):
    """What a link to us shows where somebody writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    text: str = ""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: Literal["socket", "http"] = "socket"
    """`socket`: this program calls Slack, and needs no public address; `http`: Slack calls `/hooks/slack/NAME`."""
    listen: Literal["mention", "thread", "all"] = "thread"
    """What counts in channels: each message that mentions the app; a mention and all that follows in its thread; or
    everything that is said."""
    stream: bool = True
    """Show answers while they are written."""
    typing: str = "is typing…"
    """The status line, after the app's name."""
    submit: str = "Send"
    yes: str = "Yes"
    no: str = "No"
    """On forms that bring no words of their own."""
    prompts: tuple[Prompt, ...] = Field(default=(), max_length=4)
    home: str = ""
    """What the app's home tab says, above the prompts; empty: there is none."""
    commands: dict[str, str] = {}
    """Slash commands that begin with words of their own: `/track` with `Where is my order`."""
    email: bool = False
    """Tell colleagues the e-mail address of whoever writes: needs the scope `users:read.email`."""
    shortcuts: dict[str, Shortcut] = {}
    """By id: a flow's name, where it has no words of its own."""
    previews: dict[str, Preview] = {}
    """By the beginning of addresses, without `https://`: `shop.example/returns`; the longest counts."""
    workspaces: tuple[str, ...] = ()
    """Ids of those that may install it; empty: any."""
    public: str = ""
    """Where Slack reaches this server, `https://desk.example`: for the manifest and for installing."""
    largest_file: int = Field(default=20 * 1024 * 1024, gt=0)
    """Bytes of a file that is taken in."""
    api: str = ""
    """Base address of the Web API, `http://127.0.0.1:8090/api/`; empty: Slack's own."""

    token: SecretStr = SecretStr("")
    """`xoxb-…`, of one workspace. Without it workspaces install the app by themselves."""
    app_token: SecretStr = SecretStr("")
    """`xapp-…` with `connections:write`, for `connection: socket`."""
    signing_secret: SecretStr = SecretStr("")
    """For `connection: http`."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")

    @property
    def scopes(self) -> tuple[str, ...]:
        """Of the bot's token."""
        wanted = {"users:read.email": self.email, "links:read": self.previews, "links:write": self.previews}
        return (*NEEDED_SCOPES, *(scope for scope, is_wanted in wanted.items() if is_wanted))

    @property
    def said_by(self) -> dict[str, str]:
        """Words of commands and shortcuts."""
        return self.commands | {id: shortcut.says for id, shortcut in self.shortcuts.items() if shortcut.says}

    @property
    def base(self) -> str:
        return self.api or "https://slack.com/api/"
