"""`/metrics`: what this process has done and what waits, in the text format of Prometheus.

No ids, no addresses and nothing that anybody wrote: labels are names of channels, responders and doors, or fixed words.
Importing this brings `prometheus_client`, so it is imported when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from bot.counts import Committing, EngineCounts, InboxCounts, OutboxCounts, TimerCounts
from bot.errors import StoreDown
from bot.ports import Store
from bot.units import Backlog, BacklogFound
from config.app import STORE_SECONDS, Connections
from config.wiring import Parts


async def page(parts: Parts, connections: Connections) -> Response:
    """It is given also while the store is down: then without what only the store knows."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    found = (*_of_parts(parts, connections), *_of_store(await _backlog(parts.store), parts))
    registry.register(_Found((*found, *await _of_accounts(parts))))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def _backlog(store: Store) -> BacklogFound | None:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await store.read(Backlog())
    except (StoreDown, TimeoutError):
        return None


def _of_store(found: BacklogFound | None, parts: Parts) -> Iterator[Metric]:
    yield _gauge("store_up", "Whether the store answered just now.", found is not None)
    if found is None:
        return

    def age(since: datetime | None) -> float:
        return max(0.0, (parts.clock.now() - since).total_seconds()) if since else 0.0

    yield _gauge("unheard_conversations", "Conversations with something unheard, counted to 1,000.", found.unheard)
    yield _gauge("unheard_oldest_seconds", "Age of the oldest unheard input.", age(found.unheard_since))
    yield _gauge("waiting_customers", "Customers who wait for a human, counted to 1,000.", found.waiting)
    yield _gauge("waiting_oldest_seconds", "For how long the first of them has waited.", age(found.waiting_since))
    yield _gauge("unsent_deliveries", "Deliveries that have not ended, counted to 1,000.", found.unsent)
    yield _gauge("unsent_oldest_seconds", "Age of the oldest message of these.", age(found.unsent_since))
    yield _gauge("dead_deliveries", "Deliveries that were given up, counted to 1,000.", found.dead)
    yield _gauge("unreadable_arrivals", "Arrivals kept as dead letters, counted to 1,000.", found.unreadable)


def _of_parts(parts: Parts, connections: Connections) -> Iterator[Metric]:
    engine, inbox, outbox = parts.engine.counts, parts.inbox.counts, parts.outbox.counts
    yield _gauge("turns_running", "Conversations in which a turn is being taken.", parts.engine.turns)
    yield _gauge("drafts_showing", "Of these, those whose customer sees an answer stream.", parts.engine.drafts)
    yield _gauge("deliveries_sending", "Deliveries that are being sent.", parts.outbox.flying)
    yield _counter(
        "turns", "Turns, by the responder that spoke or how else they ended.", ("outcome",), engine.turns.items()
    )
    yield _counter("leases_lost", "Leases lost while a turn was taken.", ("how",), engine.leases_lost.items())
    yield _total("lease_renewals_failed", "Renewals that the store did not answer.", engine.renewals_failed)
    yield _counter("arrivals", "What came in, by what became of it.", ("channel", "outcome"), inbox.arrivals.items())
    yield _counter(
        "deliveries", "Attempts to send, by how they ended.", ("channel", "outcome"), outbox.deliveries.items()
    )
    timers = parts.timers.counts
    yield _total("timers_rung", "Timers that were due and became inputs of their conversations.", timers.rung)
    yield _total("timers_late_seconds", "How late they rang, all together.", timers.seconds_late)
    down = {part: counts.store_down for part, counts in _writing(parts).items()}
    yield _counter("store_down", "How often the store did not answer a part.", ("part",), down.items())
    if isinstance(parts.store, Committing):
        yield _total("store_commits", "Transactions of the store.", parts.store.commits)
        yield _total("store_units", "Units of work committed with them.", parts.store.units)
    open_now = GaugeMetricFamily("frontdesk_connections", "Connections being served.", labels=("door", "kind"))
    for labels, number in connections.items():
        open_now.add_metric(labels, number)
    yield open_now


async def _of_accounts(parts: Parts) -> list[Metric]:
    """How every account fares in this process; what waits to be sent is the same in all of them."""
    now, labels = parts.clock.now(), ("channel", "account")
    connected = GaugeMetricFamily("frontdesk_account_connected", "1: its connection is ours and works.", labels=labels)
    silent = GaugeMetricFamily("frontdesk_account_silent_seconds", "Since it was last heard.", labels=labels)
    failed = GaugeMetricFamily("frontdesk_account_failed_seconds", "Since it last failed.", labels=labels)
    unsent = GaugeMetricFamily("frontdesk_account_unsent", "Its messages that have not ended.", labels=labels)
    restarts = CounterMetricFamily("frontdesk_account_restarts", "How often it was connected anew.", labels=labels)
    for health in parts.connections.health:
        account = (health.channel, health.account)
        connected.add_metric(account, health.state == "connected")
        restarts.add_metric(account, health.restarts)
        if (seconds := health.silent_for(now)) is not None:
            silent.add_metric(account, seconds)
        if health.last_error_at:
            failed.add_metric(account, max(0.0, (now - health.last_error_at).total_seconds()))
        try:
            async with asyncio.timeout(STORE_SECONDS):
                unsent.add_metric(account, await parts.connections.unsent(health))
        except (StoreDown, TimeoutError):
            pass
    return [connected, silent, failed, unsent, restarts]


def _writing(parts: Parts) -> dict[str, EngineCounts | InboxCounts | OutboxCounts | TimerCounts]:
    return {
        "engine": parts.engine.counts,
        "inbox": parts.inbox.counts,
        "outbox": parts.outbox.counts,
        "timers": parts.timers.counts,
    }


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"frontdesk_{name}", about, value=value)


def _total(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"frontdesk_{name}", about, value=value)


def _counter(
    name: str, about: str, labels: Sequence[str], counted: Iterable[tuple[str | Sequence[str], int]]
) -> Metric:
    family = CounterMetricFamily(f"frontdesk_{name}", about, labels=labels)
    for key, number in counted:
        family.add_metric((key,) if isinstance(key, str) else key, number)
    return family
