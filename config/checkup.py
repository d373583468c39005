"""Asks a platform whether an account is set up rightly, and sets up what can be set from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import typer

from bot.errors import NotSent, SettingsError
from bot.ports import Finding, Store, Vault
from bot.store import open_store
from bot.vault import StoredVault
from channels import channel_module
from config.machine import SystemClock, SystemRandom
from config.settings import Settings, read_settings

Ask = Callable[..., Awaitable[Sequence[Finding]]]


async def check(name: str) -> bool:
    """Print what is right and what to change. False: something is to be changed."""
    return _told(name, await _asked(name, "check"))


async def setup(name: str) -> bool:
    """Set the webhook, commands and the like, and print what was done. False: something is left to be done."""
    return _told(name, await _asked(name, "setup"))


async def _asked(name: str, what: str) -> Sequence[Finding]:
    settings = read_settings()
    accounts = {account.name: account for account in settings.accounts()}
    if name not in accounts:
        known = ", ".join(sorted(accounts)) or "none: add one under `accounts`"
        raise SettingsError(f"{settings.config} has no account {name!r}; there are {known}")
    account = accounts[name]
    ask: Ask | None = getattr(channel_module(account.channel), what, None)
    if ask is None:
        raise SettingsError(f"channel {account.channel!r} has no `{what}`: look at its page in docs/how-to")
    kept = _Kept(name, settings)
    try:
        return await ask(name, account.settings, vault=kept)
    except NotSent as error:
        return (Finding(False, f"the platform cannot be asked: {error}", "look at the network and at `api`"),)
    finally:
        await kept.close()


class _Kept:
    """The account's vault, opened when it is first asked: most checks need none, and may run beside the program."""

    def __init__(self, account: str, settings: Settings) -> None:
        self._account, self._settings = account, settings
        self._store: Store | None = None

    async def get(self, name: str) -> bytes | None:
        return await self._vault().get(name)

    async def put(self, name: str, value: bytes | None) -> None:
        await self._vault().put(name, value)

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return await self._vault().names(prefix)

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()

    def _vault(self) -> Vault:
        clock = SystemClock()
        if self._store is None:
            self._settings.make_data()
            self._store = open_store(self._settings.database, clock)
        secret = self._settings.secret()
        return StoredVault(self._account, secret, store=self._store, clock=clock, random=SystemRandom())


def _told(name: str, findings: Sequence[Finding]) -> bool:
    for finding in findings:
        typer.echo(f"{'ok ' if finding.ok else '-- '} {finding.what}")
        for line in finding.do.splitlines():
            typer.echo(f"     {line}")
    wrong = sum(not finding.ok for finding in findings)
    typer.echo(f"{name}: {f'{wrong} to change' if wrong else 'nothing to change'}")
    return not wrong
