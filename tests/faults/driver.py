"""Starts, kills, stops and wakes workers, waits until all is quiet, and has the history judged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.faults import nursery, scale
from tests.faults.checker import Summary, check, summary
from tests.faults.dump import dump
from tests.faults.journal import Fault, Finished, Journal, now, read
from tests.faults.nursery import Bear, Look
from tests.faults.outside import STUCK, Outside
from tests.faults.wire import post
from tests.faults.worker import Command, Spec

LEASE = 1.0
PATIENCE = LEASE + 10
"""Seconds after the last fault within which everything must have moved."""
ROOT = Path(__file__).parents[2]
ANEW_EVERY = 10
"""Of so many workers one is born through the command line."""


@dataclass(slots=True)
class Worker:
    spec: Spec
    pid: int = 0
    """0: it does not live."""


@dataclass
class Driver:
    """Of one test: a store, its workers, the outside world."""

    folder: Path
    database: str
    seed: int
    outside: Outside
    workers: tuple[Worker, ...]
    chance: random.Random
    journal: Journal
    nursery: asyncio.subprocess.Process
    births: int = 0
    ahead: float = 0
    """Seconds that the wall clocks of workers yet to be born are before the machine's."""
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    # Lives and deaths

    async def bear(self, worker: Worker, *, stage: str = "", nth: int = 1) -> None:
        """Returns as soon as the process exists; `is_open` says when it hears."""
        self.births += 1
        spec = msgspec.structs.replace(
            worker.spec, seed=self.seed + self.births, stage=stage, nth=nth, ahead=self.ahead
        )
        pid = await self._ask(Bear(spec, anew=self.births % ANEW_EVERY == 0))
        assert pid is not None
        worker.pid = pid

    async def open(self, worker: Worker) -> None:
        """Bear it, and wait until it hears."""
        await self.bear(worker)

        async def hears() -> bool:
            await self._refuse_ended(worker)
            return await self.is_open(worker)

        await until(hears)
        self.journal.write(Fault(at=now(), name="kill", phase="end", target=worker.spec.name))

    async def is_open(self, worker: Worker) -> bool:
        look = msgspec.json.encode(Command(command="look", agent="", chat="", id=""))
        try:
            status, _ = await post(self.folder / f"{worker.spec.name}.sock", "/desk", look, seconds=1)
        except OSError:
            return False
        return status == 404

    def signal(self, worker: Worker, number: signal.Signals) -> None:
        assert worker.pid, f"worker {worker.spec.name} does not live"  # pid 0 would be all of us
        os.kill(worker.pid, number)

    async def kill(self, worker: Worker) -> None:
        self.journal.write(Fault(at=now(), name="kill", phase="start", target=worker.spec.name))
        self.signal(worker, signal.SIGKILL)
        await self.ended(worker)

    async def ended(self, worker: Worker) -> int:
        """Wait for its end: its exit code, negative when a signal ended it."""

        async def look() -> bool:
            codes.append(await self.exit_code(worker))
            return codes[-1] is not None

        codes = list[int | None]()
        await until(look)
        assert codes[-1] is not None
        return codes[-1]

    async def has_died(self, worker: Worker, *, seconds: float) -> bool:
        """Of its own hand, at its stage, before it was open for so long."""
        opened = float("inf")

        async def is_decided() -> bool:
            nonlocal opened
            if (code := await self.exit_code(worker)) is not None:
                assert code == -signal.SIGKILL, self.tell(f"worker {worker.spec.name} ended with {code}")
                return True
            if opened == float("inf") and await self.is_open(worker):
                opened = time.monotonic()
            return time.monotonic() > opened + seconds

        await until(is_decided)
        return not worker.pid

    async def exit_code(self, worker: Worker) -> int | None:
        code = await self._ask(Look(worker.pid))
        if code is not None:
            worker.pid = 0
        return code

    async def stop(self) -> None:
        """Every worker stops gracefully."""
        living = [worker for worker in self.workers if worker.pid]
        for worker in living:
            self.signal(worker, signal.SIGTERM)
        codes = [await self.ended(worker) for worker in living]
        assert codes == [0] * len(living), self.tell(f"workers ended with {codes}")

    async def _refuse_ended(self, worker: Worker) -> None:
        code = await self.exit_code(worker)
        assert code is None, self.tell(f"worker {worker.spec.name} ended with {code} instead of opening its door")

    async def _ask(self, question: Bear | Look) -> int | None:
        """Whoever gives up waiting leaves no answer behind that the next one would take for its own."""
        return await asyncio.shield(asyncio.create_task(self._asked(question)))

    async def _asked(self, question: Bear | Look) -> int | None:
        assert self.nursery.stdin
        assert self.nursery.stdout
        async with self._asking:
            self.nursery.stdin.write(msgspec.json.encode(question) + b"\n")
            answer = await self.nursery.stdout.readline()
        return msgspec.json.decode(answer, type=int | None)

    @contextlib.contextmanager
    def fault(self, name: str, target: str = "") -> Iterator[None]:
        self.journal.write(Fault(at=now(), name=name, phase="start", target=target))
        try:
            yield
        finally:
            self.journal.write(Fault(at=now(), name=name, phase="end", target=target))

    @property
    def journals(self) -> list[Path]:
        return list(self.folder.glob("*.jsonl"))

    # The end

    async def quiet(self) -> None:
        """All faults have healed and the load has ended: wait until nothing is left to do, as long as is promised."""
        healed = now()
        with contextlib.suppress(TimeoutError):
            await until(self._is_quiet, seconds=PATIENCE, every=0.2)
        self.journal.write(Finished(at=now(), healed=healed, patience=round(PATIENCE * 1e9)))

    async def _is_quiet(self) -> bool:
        try:
            unheard, unsent = await left_to_do(self.database)
        except sqlite3.OperationalError:  # its files were put back a moment ago, and a process is just opening them
            return False
        return not unheard and not unsent

    async def judge(self) -> Summary:
        """All has healed and the load has ended: what the checker says of the whole history must be nothing."""
        await self.quiet()
        await self.stop()
        records = read(self.journals)
        found = await asyncio.to_thread(dump, self.database)
        broken = check(records, found)
        assert not broken, self.tell("\n".join(f"{each.invariant}: {each.why}" for each in broken[:20]))
        return summary(records, found)

    def tell(self, what: str) -> str:
        return f"{what}\nFAULTS_SEED={self.seed}; journals in {self.folder}"


async def left_to_do(database: str) -> tuple[int, int]:
    """Conversations with something unheard, messages not yet sent."""
    texts = (
        "SELECT count(*) FROM conversation WHERE input_seq > heard",
        "SELECT count(*) FROM delivery WHERE ended_at IS NULL",
    )
    if database.startswith("sqlite"):
        path = Path(database.removeprefix("sqlite:///"))
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
            first, second = (file.execute(text).fetchone()[0] for text in texts)
    else:
        import asyncpg

        connection = await asyncpg.connect(database)
        try:
            first, second = [await connection.fetchval(text) for text in texts]
        finally:
            await connection.close()
    return first, second


async def until(happened: Callable[[], Awaitable[bool] | bool], *, seconds: float = STUCK, every: float = 0.01) -> None:
    """Raises `TimeoutError` when it does not."""
    async with asyncio.timeout(seconds):
        while True:
            found = happened()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(every)


@asynccontextmanager
async def driving(folder: Path, database: str, *, deadline: float = 120, memory: int = 0) -> AsyncIterator[Driver]:
    """A store without workers yet, and the outside world before its doors."""
    seed = scale.SEED
    names = "abc"[: scale.WORKERS if database.startswith("postgresql") else 1]
    chance = random.Random(seed)
    outside = Outside(folder, [folder / f"{name}.sock" for name in names], chance)
    specs = [
        Spec(
            name=name,
            folder=str(folder),
            database=database,
            seed=seed,
            lease=LEASE,
            deadline=deadline,
            memory=memory,
        )
        for name in names
    ]
    with (folder / "nursery.err").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            nursery.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
        )
    journal = Journal(folder / "driver.jsonl")
    try:
        async with outside.open():
            yield Driver(folder, database, seed, outside, tuple(map(Worker, specs)), chance, journal, process)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
        journal.close()
