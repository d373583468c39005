"""How far behind we are: since when nobody listened, or Slack dropped events. The vault keeps it over a crash."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.ports import Clock, Vault

log = structlog.get_logger()
PATIENCE = timedelta(minutes=6)
"""So long Slack tells an event again."""
CALM = timedelta(minutes=2)
"""Slack says every minute that it drops events, as long as it does."""
FARTHEST = timedelta(hours=24)
"""Older words wait for no answer any more."""


class Behind:
    """All of it raises `StoreDown`."""

    def __init__(self, account: str, clock: Clock, vault: Vault) -> None:
        self._account, self._clock, self._vault = account, clock, vault
        self._limited_at: datetime | None = None

    async def limited(self, since: datetime) -> None:
        """Slack drops events since then."""
        self._limited_at = self._clock.now()
        await self._fall(since)

    async def beat(self) -> None:
        """Events can arrive. Before the first beat there was no run."""
        now, last = self._clock.now(), await self._kept("alive")
        if last is None:
            await self._keep("first", now)
        elif now - last > PATIENCE:
            log.error("slack.was_away", account=self._account, seconds=round((now - last).total_seconds()))
            await self._fall(last)
        await self._keep("alive", now)

    async def since(self) -> datetime | None:
        """None: we are not, or Slack still drops events."""
        now, since = self._clock.now(), await self._kept("behind")
        if since is None or (self._limited_at and now - self._limited_at < CALM):
            return None
        return max(since, now - FARTHEST, await self._kept("first") or now)

    async def caught_up(self) -> None:
        await self._vault.put("behind", None)

    async def _fall(self, since: datetime) -> None:
        before = await self._kept("behind")
        await self._keep("behind", min(since, before) if before else since)

    async def _kept(self, name: str) -> datetime | None:
        kept = await self._vault.get(name)
        return datetime.fromisoformat(kept.decode()) if kept else None

    async def _keep(self, name: str, at: datetime) -> None:
        await self._vault.put(name, at.isoformat().encode())
