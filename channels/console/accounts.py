"""The agents' accounts: what `frontdesk user` and the demo do."""

from __future__ import annotations

from typing import Literal

import msgspec

from bot.clean import clean
from bot.errors import SettingsError
from bot.model import AgentId
from bot.ports import Clock, Random, Store
from bot.units import Agent, DropSignIns, FindAgent, PutAgent
from channels.console.passwords import Passwords

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024

Role = Literal["agent", "admin"]


async def add_agent(
    store: Store,
    clock: Clock,
    random: Random,
    email: str,
    name: str,
    password: str,
    role: Role = "agent",
    *,
    passwords: Passwords | None = None,
) -> Agent:
    """Make an account. Raises `SettingsError` when there is one for this address, or something is unfit."""
    agent = Agent(
        id=AgentId(random.id()),
        email=plain_email(email),
        name=_fit_name(name),
        role=role,
        password=await (passwords or Passwords()).hash(_fit_password(password)),
        disabled=False,
        created_at=clock.now(),
    )
    if not await store.write(PutAgent(agent)):
        raise SettingsError(f"there is an account for {agent.email!r} already; `frontdesk user list` names them")
    return agent


async def set_agent(
    store: Store,
    clock: Clock,
    random: Random,
    email: str,
    name: str,
    password: str,
    role: Role = "agent",
    *,
    passwords: Passwords | None = None,
) -> Agent:
    """Make the account, or bring the one of this address to these values and end its sign-ins."""
    passwords = passwords or Passwords()
    agent = await store.read(FindAgent(email=plain_email(email)))
    if agent is None:
        return await add_agent(store, clock, random, email, name, password, role, passwords=passwords)
    hashed = await passwords.hash(_fit_password(password))
    agent = msgspec.structs.replace(agent, name=_fit_name(name), role=role, password=hashed, disabled=False)
    await store.write(PutAgent(agent))
    await store.write(DropSignIns(agent=agent.id))
    return agent


async def disable_agent(store: Store, email: str) -> Agent:
    """Close the account and end its sign-ins. Raises `SettingsError` when there is none."""
    agent = await store.read(FindAgent(email=plain_email(email)))
    if agent is None:
        raise SettingsError(f"there is no account for {email!r}; `frontdesk user list` names them")
    disabled = msgspec.structs.replace(agent, disabled=True)
    await store.write(PutAgent(disabled))
    await store.write(DropSignIns(agent=agent.id))
    return disabled


def plain_email(email: str) -> str:
    """The form in which an address is kept and compared. Raises `SettingsError`."""
    address = email.strip().casefold()
    before, _, after = address.partition("@")
    if not (before and after) or "@" in after or len(address) > 254 or not address.isprintable() or " " in address:
        raise SettingsError(f"{email!r} is no e-mail address")
    return address


def _fit_name(name: str) -> str:
    shown = " ".join(clean(name).split())
    if not 1 <= len(shown) <= 80:
        raise SettingsError(f"the name {name!r} must have 1 to 80 characters")
    return shown


def _fit_password(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise SettingsError(f"a password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password
