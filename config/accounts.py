"""Console accounts from the command line, on the database itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import typer

from bot.errors import SettingsError
from bot.ports import Store
from bot.store import open_store
from bot.units import Agents
from config.machine import SystemClock, SystemRandom
from config.settings import read_settings


async def add(email: str, *, name: str, role: str, password: str) -> None:
    from channels.console.accounts import Role, add_agent

    if role not in ("agent", "admin"):
        raise SettingsError(f"--role is {role!r}; expected agent or admin")
    async with _store() as store:
        await add_agent(
            store, SystemClock(), SystemRandom(), email=email, name=name, role=cast(Role, role), password=password
        )
    typer.echo(f"{email} may sign in")


async def listing() -> None:
    async with _store() as store:
        for agent in await store.read(Agents()):
            typer.echo(f"{agent.email}\t{agent.name}\t{agent.role}\t{'disabled' if agent.disabled else 'active'}")


async def disable(email: str) -> None:
    from channels.console.accounts import disable_agent

    async with _store() as store:
        agent = await disable_agent(store, email)
    typer.echo(f"{agent.email} is disabled")


@asynccontextmanager
async def _store() -> AsyncIterator[Store]:
    settings = read_settings()
    settings.make_data()
    store = open_store(settings.database, SystemClock())
    try:
        yield store
    finally:
        await store.close()
