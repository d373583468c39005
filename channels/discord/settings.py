"""What can be set for one account on Discord."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

REAL = "https://discord.com"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CommandChoice(_Section):
    name: str
    value: str
    names: dict[str, str] = {}


class CommandOption(_Section):
    """What is given with a command."""

    name: str
    about: str
    required: bool = False
    choices: tuple[CommandChoice, ...] = ()
    """More than 25 are offered while the person types."""
    names: dict[str, str] = {}
    """By locale, as Discord writes it: `fr`, `es-ES`, `pt-BR`."""
    abouts: dict[str, str] = {}


class SlashCommand(_Section):
    """One command of the list that opens with `/`; what it says reaches the flows as words of the customer."""

    about: str
    says: str = ""
    """`Where is {number}?`: options by name; empty: the command's name and what was given."""
    options: tuple[CommandOption, ...] = ()
    commands: dict[str, SlashCommand] = {}
    """It is a group of these."""
    names: dict[str, str] = {}
    abouts: dict[str, str] = {}


class Settings(_Section):
    """An account of `frontdesk.yaml` with `channel: discord`."""

    token: SecretStr
    """The bot's, from the developer portal."""
    public_key: str = ""
    """Of the application, in hexadecimal; only needed where interactions come over HTTP."""
    interactions: Literal["gateway", "http"] = "gateway"
    """How presses and commands come; Discord knows one way at a time."""
    content: bool = True
    """Ask for what is said in servers without a mention; needs a switch in the portal."""
    channels: tuple[str, ...] = ()
    """Ids of channels and forums in which every message is for the bot; elsewhere it wants a mention or a reply."""
    roles: tuple[str, ...] = ()
    """Ids of roles whose mention is a mention of the bot."""
    threads: bool = False
    """Answer a question in a channel in a thread of its own."""
    blocked: tuple[str, ...] = ()
    """Ids of people who are not heard."""
    account_age: timedelta = timedelta(0)
    """People whose Discord account is younger are not heard."""
    commands: dict[str, SlashCommand] = {}
    shard: int = Field(default=0, ge=0)
    """Which of the `shards` this account's process is."""
    shards: int = Field(default=1, ge=1)
    api: str = ""
    """Address of a sandbox; empty: Discord."""

    @field_validator("api")
    @classmethod
    def _address(cls, given: str) -> str:
        return given.rstrip("/")

    @property
    def rest(self) -> str:
        return f"{self.api or REAL}/api/v10"

    @property
    def gateway(self) -> str:
        return self.api.replace("http", "ws", 1) + "/gateway" if self.api else "wss://gateway.discord.gg/"
