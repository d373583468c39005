"""What is measured: figures of the product, and the same figures of what it is put beside.

One run of a side may give several figures: they were measured on the same server in the same minutes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from bench import flow, webhook
from bench.servers import Server, echo, environment, floor, product, resident_mebibytes
from bench.sockets import Talker
from bench.talkers import Talkers, strangers, visitors

BOT_FRAMEWORK_MICROSECONDS = 77.0
"""CPU of one message through botbuilder-core 4.17 with ConversationState on MemoryStorage, the same script, measured
once on a machine of two cores with Python 3.11; it is not installed here, see docs/performance.md."""

CONNECTIONS = 500
IDLE_SOCKETS = 3000
WARM_SOCKETS = 100

Figures = Mapping[str, float]
Side = Callable[[], Coroutine[None, None, Figures]]
Opened = Callable[[], AbstractAsyncContextManager[Server]]


@dataclass(frozen=True)
class Measure:
    units: Mapping[str, str]
    """Unit of each figure by its name."""
    floor: Side
    product: Side


def all_of(seconds: float, postgres: str) -> Iterator[Measure]:
    """`postgres`: a server on which databases may be made; empty: there is none."""
    yield _turns("turns.sqlite.500", lambda: floor("sqlite"), product, seconds)
    yield Measure(
        {"turn.idle.sqlite": "ms"},
        lambda: _idle(lambda: floor("sqlite"), strangers, seconds),
        lambda: _idle(product, visitors, seconds),
    )
    if postgres:
        on_postgres = partial(product, postgres)
        yield _turns("turns.postgres.500", lambda: floor("postgres", postgres), on_postgres, seconds)
        yield _turns("turns.postgres.500.pg-turn", lambda: floor("postgres-turn", postgres), on_postgres, seconds)
    yield Measure({"flow.step": "us CPU"}, _allowed("flow.step", flow.ALLOWED), lambda: _step(seconds))
    yield Measure({"flow.fold": "ms CPU"}, _allowed("flow.fold", flow.FOLD_ALLOWED), lambda: _fold(seconds))
    yield Measure({"flow.load": "s CPU"}, _allowed("flow.load", flow.LOAD_ALLOWED), _flows_loaded)
    yield Measure({"turns.memory": "us CPU"}, _bot_framework, lambda: _core(seconds))
    yield Measure(
        {"start.answered": "s", "start.answered.cpu": "s CPU", "memory.idle": "MiB"},
        lambda: _start(echo, strangers),
        lambda: _start(product, visitors),
    )
    yield Measure({"memory.socket": "KiB"}, lambda: _sockets(echo, strangers), lambda: _sockets(product, visitors))
    yield Measure(
        {"channel.telegram": "us CPU"},
        lambda: _channel("telegram", "dispatch", seconds),
        lambda: _channel("telegram", "parse", seconds),
    )
    yield Measure(
        {"channel.slack": "us CPU"},
        lambda: _channel("slack", "bolt", seconds / 2),
        lambda: _channel("slack", "ours", seconds / 2),
    )
    yield Measure(
        {"channel.discord": "us CPU"}, lambda: _discord(seconds, ours=False), lambda: _discord(seconds, ours=True)
    )
    yield Measure({"turns.webhook.cpu": "us CPU"}, _bot_framework_over_http, lambda: _webhook(seconds))
    yield _imports("import.bot", "bot.model, bot.ports")
    yield _imports("import.core", "bot.engine, bot.inbox, bot.outbox, bot.desk")


def _turns(name: str, theirs: Opened, ours: Opened, seconds: float) -> Measure:
    return Measure(
        {name: "turns/s", f"{name}.cpu": "us CPU", f"{name}.p99": "ms"},
        lambda: _load(name, theirs, strangers, seconds),
        lambda: _load(name, ours, visitors, seconds),
    )


async def _discord(seconds: float, *, ours: bool) -> Figures:
    """A message over the core, beside the library's own dispatch of the same event."""
    from bench import discord_events

    cost = discord_events.channel_microseconds if ours else discord_events.dispatch_microseconds
    return {"channel.discord": await cost(seconds)}


def _imports(name: str, modules: str) -> Measure:
    return Measure(
        {name: "s", f"{name}.memory": "MiB", f"{name}.modules": "modules"},
        lambda: _imported(name, "asyncio, msgspec"),
        lambda: _imported(name, modules),
    )


async def _load(name: str, server: Opened, talkers: Talkers, seconds: float) -> Figures:
    """Closed loop for the rate and the CPU of the server's process; then open loop at half that rate for the p99."""
    async with server() as site:
        people = await talkers(site, CONNECTIONS)
        for person in people:
            person.start()
        await asyncio.sleep(min(1.0, seconds / 3))
        before, since = (_turns_of(people), site.cpu_seconds()), time.perf_counter()
        await asyncio.sleep(seconds)
        turns, spent = _turns_of(people) - before[0], site.cpu_seconds() - before[1]
        rate = turns / (time.perf_counter() - since)
        await _silent(people)

        gap, since = CONNECTIONS / (rate / 2), time.perf_counter() + 0.1
        for number, person in enumerate(people):
            person.turns.clear()
            person.start_at(since + gap * number / CONNECTIONS, gap)
        await asyncio.sleep(seconds)
        await _silent(people)
        spans = sorted(span for person in people for span in person.turns)
    return {name: rate, f"{name}.cpu": spent / turns * 1e6, f"{name}.p99": spans[len(spans) * 99 // 100] * 1000}


async def _idle(server: Opened, talkers: Talkers, seconds: float) -> Figures:
    """Median of one turn at a time, nothing else going on."""
    async with server() as site:
        (person,) = await talkers(site, 1)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            await person.turn()
            await asyncio.sleep(0.005)
        person.socket.close()
    return {"turn.idle.sqlite": statistics.median(person.turns[10:]) * 1000}


async def _start(server: Opened, talkers: Talkers) -> Figures:
    """From nothing, with an empty data folder, to the first answer; and what is resident a second later."""
    async with server():
        pass  # the modules are compiled now, as those of an installed program are
    async with server() as site:
        (person,) = await talkers(site, 1)
        await person.turn()
        answered, spent = time.perf_counter() - site.since, site.cpu_seconds()
        await asyncio.sleep(1)
        resident = site.resident_mebibytes()
        person.socket.close()
    return {"start.answered": answered, "start.answered.cpu": spent, "memory.idle": resident}


async def _sockets(server: Opened, talkers: Talkers) -> Figures:
    """Each has said and heard one thing, and now stays."""

    async def come(count: int) -> float:
        for _ in range(count // WARM_SOCKETS):
            people.extend(arrived := await talkers(site, WARM_SOCKETS))
            await asyncio.gather(*(person.turn() for person in arrived))
        await asyncio.sleep(1)
        return site.resident_mebibytes()

    people: list[Talker] = []
    async with server() as site:
        warm = await come(WARM_SOCKETS)
        full = await come(IDLE_SOCKETS)
    return {"memory.socket": (full - warm) * 1024 / IDLE_SOCKETS}


async def _core(seconds: float) -> Figures:
    return {"turns.memory": float(await _said_by(["-m", "bench.core", str(seconds)]))}


async def _channel(name: str, side: str, seconds: float) -> Figures:
    """One event heard: its library's bare dispatch, or our channel without the core behind it."""
    return {f"channel.{name}": float(await _said_by(["-m", f"bench.{name}", side, str(seconds)]))}


async def _bot_framework() -> Figures:
    return {"turns.memory": BOT_FRAMEWORK_MICROSECONDS}


async def _webhook(seconds: float) -> Figures:
    _, spent = await webhook.measured(seconds)
    return {"turns.webhook.cpu": spent}


async def _bot_framework_over_http() -> Figures:
    return {"turns.webhook.cpu": webhook.BOT_FRAMEWORK_MICROSECONDS}


async def _step(seconds: float) -> Figures:
    return {"flow.step": await flow.step(seconds)}


async def _fold(seconds: float) -> Figures:
    return {"flow.fold": await flow.fold(seconds)}


async def _flows_loaded() -> Figures:
    return {"flow.load": float(await _said_by(["-m", "bench.flow"]))}


def _allowed(name: str, most: float) -> Side:
    """What it may cost: a constant."""

    async def side() -> Figures:
        return {name: most}

    return side


async def _imported(name: str, modules: str) -> Figures:
    """In a fresh interpreter."""
    program = (
        f"import sys, time; since = time.perf_counter(); import {modules}; spent = time.perf_counter() - since; "
        "print(spent, len(sys.modules)); print(open('/proc/self/status').read())"
    )
    await _said_by(["-c", program])  # the modules are compiled now, as those of an installed program are
    figures, _, status = (await _said_by(["-c", program])).partition("\n")
    spent, loaded = figures.split()
    return {name: float(spent), f"{name}.memory": resident_mebibytes(status), f"{name}.modules": float(loaded)}


async def _said_by(arguments: Sequence[str]) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {child.returncode}")
    return said.decode()


async def _silent(people: Sequence[Talker]) -> None:
    answered = sum(await asyncio.gather(*(person.silent() for person in people)))
    if answered < len(people):
        cut = sum(person.socket.closed for person in people)
        told = f"{len(people) - answered} of {len(people)} were not answered, {cut} of them were cut off"
        print(told, file=sys.stderr, flush=True)


def _turns_of(people: Sequence[Talker]) -> int:
    return sum(len(person.turns) for person in people)
