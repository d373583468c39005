"""Keeps the accounts of channels connected: each by itself, so that what is wrong with one is no trouble for another.

A platform of which several processes share an account is connected by one of them at a time, the one that holds the
account's lease; all of them send, and all of them may be called.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.errors import SettingsError, StoreDown
from bot.ports import ASGI, Accepted, Arrival, Channel, Clock, Random, Receive, Routes, Store
from bot.units import Hold, Lease, LetGo, Unsent

log = structlog.get_logger()

State = Literal["starting", "standby", "connected", "restarting", "stopped"]
"""`standby`: another process has the connection. `stopped`: for good, as its settings are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    worker: str
    single: bool = True
    """Other processes may have these accounts, too."""
    lease: timedelta = timedelta(seconds=30)
    renew_every: timedelta = timedelta(seconds=10)
    shortest: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=5)
    """Between two attempts to connect."""
    told_every: timedelta = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Health:
    """How an account fares in this process."""

    channel: str
    account: str
    state: State = "starting"
    heard: int = 0
    """What it received since the start."""
    last_event: datetime | None = None
    last_error: Exception | None = None
    """Whatever its text quotes: the log tells its kind."""
    last_error_at: datetime | None = None
    restarts: int = 0

    def silent_for(self, now: datetime) -> float | None:
        """Seconds since the last event; None: there was none."""
        return None if self.last_event is None else max(0.0, (now - self.last_event).total_seconds())


class Watched:
    """Implements `Receive`: what an account hears is noted on its way in."""

    def __init__(self, receive: Receive, health: Health, clock: Clock) -> None:
        self._receive, self._health, self._clock = receive, health, clock

    async def __call__(self, arrival: Arrival, /) -> Accepted:
        accepted = await self._receive(arrival)
        self._note(1)
        return accepted

    async def many(self, arrivals: Sequence[Arrival], /) -> Sequence[Accepted]:
        accepted = await self._receive.many(arrivals)
        self._note(len(arrivals))
        return accepted

    def _note(self, number: int) -> None:
        if number:
            self._health.heard += number
            self._health.last_event = self._clock.now()


class Connections:
    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        receive: Receive,
        store: Store,
        clock: Clock,
        random: Random,
        settings: ConnectionSettings,
    ) -> None:
        self._channels, self._store, self._clock, self._random = tuple(channels), store, clock, random
        self._settings, self._lease = settings, Lease(settings.worker, settings.lease)
        self.health = tuple(Health(channel=channel.name, account=channel.account) for channel in self._channels)
        self._receives = tuple(Watched(receive, health, clock) for health in self.health)

    async def run(self) -> None:
        """Until cancelled: then every connection has ended, and another process may have it at once."""
        async with asyncio.TaskGroup() as group:
            for channel, health, receive in zip(self._channels, self.health, self._receives, strict=True):
                group.create_task(self._keep(channel, health, receive))
            if self._channels:
                group.create_task(self._tell())

    def routes(self) -> Mapping[str, ASGI]:
        """Where platforms call, by path. Raises `SettingsError` when two accounts want the same."""
        found: dict[str, ASGI] = {}
        for channel, receive in zip(self._channels, self._receives, strict=True):
            for path, answer in channel.routes(receive).items() if isinstance(channel, Routes) else ():
                if path in found:
                    raise SettingsError(f"account {channel.account!r} wants {path}, which another account has")
                found[path] = answer
        return found

    async def unsent(self, health: Health) -> int:
        return await self._store.read(Unsent(health.channel, health.account))

    async def _keep(self, channel: Channel, health: Health, receive: Receive) -> None:
        error: Exception
        failures, about = 0, {"channel": channel.name, "account": channel.account}
        while True:
            began = self._clock.monotonic()
            try:
                await self._connect(channel, health, receive)
            except SettingsError as wrong:
                self._note(health, wrong, "stopped")
                log.error("account.stopped", why=wrong, **about)
                return
            except Exception as failed:
                error = failed
                self._note(health, error, "restarting")
                health.restarts += 1
            if self._clock.monotonic() - began > self._settings.longest.total_seconds():
                failures = 0
            span = min(self._settings.longest, self._settings.shortest * 2 ** min(failures, 20)).total_seconds()
            pause, failures = self._random.between(span / 2, span), failures + 1
            log.error("account.failed", exc_info=error, again_in=round(pause, 1), **about)
            await self._clock.sleep(pause)

    async def _connect(self, channel: Channel, health: Health, receive: Receive) -> None:
        """As long as it lasts; raises what ended it."""
        name = f"{channel.name}/{channel.account}"
        began = await self._hold(name, health) if self._settings.single else 0.0
        health.state = "connected"
        log.info("account.connected", channel=channel.name, account=channel.account)
        tasks = [asyncio.create_task(channel.run(receive))]
        if self._settings.single:
            tasks.append(asyncio.create_task(self._renew(name, began)))
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if self._settings.single:
                with contextlib.suppress(StoreDown):  # it ends by itself
                    await self._store.write(LetGo(name=name, worker=self._settings.worker))
        for task in ended:
            if task.cancelled():  # by a library of the channel, not by us
                raise RuntimeError("it was cancelled from within")
            task.result()
        raise RuntimeError("it ended by itself")

    async def _hold(self, name: str, health: Health) -> float:
        """Waits until it is ours; gives since when, on the monotonic clock."""
        while True:
            began = self._clock.monotonic()
            if await self._store.write(Hold(name=name, lease=self._lease)) is not None:
                return began
            health.state = "standby"
            await self._clock.sleep(self._settings.renew_every.total_seconds())

    async def _renew(self, name: str, renewed: float) -> None:
        """Ends, by raising, before somebody else may have it."""
        sure = self._settings.lease - self._settings.renew_every / 2
        while True:
            await self._clock.sleep(self._settings.renew_every.total_seconds())
            began = self._clock.monotonic()
            try:
                if await self._store.write(Hold(name=name, lease=self._lease)) is None:
                    raise ConnectionError("another process has the connection")
                renewed = began
            except ConnectionError:
                raise
            except Exception as error:
                if self._clock.monotonic() - renewed >= sure.total_seconds():
                    raise ConnectionError(f"the lease of the connection could not be renewed: {error}") from error

    def _note(self, health: Health, error: Exception, state: State) -> None:
        health.state, health.last_error, health.last_error_at = state, error, self._clock.now()

    async def _tell(self) -> None:
        """Now and then, how every account fares."""
        while True:
            await self._clock.sleep(self._settings.told_every.total_seconds())
            for health in self.health:
                try:
                    unsent = await self.unsent(health)
                except Exception as error:
                    log.error("account.not_told", channel=health.channel, account=health.account, why=error)
                    continue
                log.info(
                    "account.health",
                    channel=health.channel,
                    account=health.account,
                    state=health.state,
                    heard=health.heard,
                    silent_seconds=health.silent_for(self._clock.now()),
                    last_error=health.last_error,
                    unsent=unsent,
                )
