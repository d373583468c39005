"""What an account of Telegram is told in `frontdesk.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: SecretStr
    """Of the bot, from @BotFather."""
    api: str = ""
    """Address of another Bot API server: a local one, or a sandbox; empty: Telegram's own."""
    public: str = ""
    """Public https address of this server: updates come by webhook. Empty: they are polled."""
    secret: SecretStr = SecretStr("")
    """Telegram sends it with every webhook: 1-256 characters of A-Z a-z 0-9 _ -. Needed with `public`."""
    commands: dict[str, dict[str, str]] = {}
    """What the menu of commands offers: command to its words by language; `""` is every other language."""
    group_commands: dict[str, dict[str, str]] = {}
    """What it offers in groups; empty: the same."""
    groups: Literal["member", "chat"] = "member"
    """In groups without topics: one conversation per member, or one for all."""
    hears: Literal["mention", "all"] = "mention"
    """In groups: only what mentions the bot, answers it or is a command, or everything it is told."""
    stream: Literal["native", "edit", "whole"] = "native"
    """How an answer that streams is shown in private chats; `native`: as a draft. Groups: by edits, unless `whole`."""
    local: bool = False
    """`api` is a local Bot API server: files are not limited to 20 MB."""
    connections: int = Field(default=40, ge=1, le=100)
    """How many updates Telegram may bring at once by webhook."""
