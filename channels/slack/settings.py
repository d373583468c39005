"""What an account on Slack is told; its secrets come from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

NEEDED_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:history",
    "im:write",
    "mpim:history",
    "reactions:read",
    "reactions:write",
    "users:read",
)
"""Of the bot's token. With `users:read.email` as well a customer's address is known."""


class Prompt(BaseModel):
    """Offered in a new thread of the assistant's pane."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    message: str


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
    """What the app's home tab says; empty: there is none."""
    commands: dict[str, str] = {}
    """Slash commands that begin with words of their own: `/track` with `Where is my order`."""
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
    def base(self) -> str:
        return self.api or "https://slack.com/api/"
