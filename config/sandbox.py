"""`frontdesk sandbox`: one stand-in server, for people who build bots."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from bot.errors import SettingsError
from bot.ports import Clock
from channels.sandbox.point import how
from channels.sandbox.server import Sandbox, serving, told
from config.machine import SystemClock
from config.serving import asked_by_signal

NAMES = ("telegram", "slack", "discord", "openai")
APPS = {"telegram": "Telegram", "slack": "Slack", "discord": "Discord", "openai": "OpenAI"}


def made(name: str, clock: Clock, *, seed: int = 0, script: Path | None = None, hook: str = "") -> Sandbox:
    """Raises `SettingsError`. None needs the platform's library."""
    if script is not None and name != "openai":
        raise SettingsError("--script is for the OpenAI sandbox: elsewhere the other side is a person")
    if hook and name != "slack":
        raise SettingsError("--hook is for the Slack sandbox: elsewhere the client itself says where its hook is")
    match name:
        case "telegram":
            from channels.sandbox.telegram.sandbox import TelegramSandbox

            return TelegramSandbox(clock, seed=seed, people=("Ada", "Ben"))
        case "slack":
            from channels.sandbox.slack.sandbox import SlackSandbox

            return SlackSandbox(clock, seed=seed, hook=hook)
        case "discord":
            from channels.sandbox.discord.sandbox import DiscordSandbox

            return DiscordSandbox(clock, seed=seed)
        case "openai":
            from channels.sandbox.openai.script import read
            from channels.sandbox.openai.server import OpenAISandbox

            return OpenAISandbox(clock, seed=seed, script=read(script) if script else (), person=script is None)
        case _:
            raise SettingsError(f"there is no sandbox {name!r}; there are {', '.join(NAMES)}")


async def run(
    name: str, *, host: str = "127.0.0.1", port: int = 0, seed: int = 0, script: Path | None = None, hook: str = ""
) -> None:
    """Until a signal."""
    sandbox = made(name, SystemClock(), seed=seed, script=script, hook=hook)
    stopping = asyncio.Event()
    try:
        async with serving(sandbox, host=host, port=port) as address:
            with asked_by_signal(stopping.set):
                _tell(sandbox, address)
                await stopping.wait()
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port} ({error.strerror}); name another with --port") from error


def _tell(sandbox: Sandbox, address: str) -> None:
    known = told(sandbox, address)
    screen = Screen(highlight=False, soft_wrap=True)
    whose = "play the model" if sandbox.name == "openai" else "play the customer"
    screen.print(f"\n[bold]{APPS[sandbox.name]}[/], a stand-in. Ctrl-C ends it.\n")
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Chat page[/]", f"{address}/", f"open it and {whose}")
    for key, value in known.items():
        table.add_row(escape(key), escape(value))
    screen.print(table)
    for label, text in how(sandbox.name, known, address).items():
        screen.print(f"\n[bold]{label}[/]")
        screen.print(escape("\n".join(f"  {line}" for line in text.splitlines())))
    screen.print()
