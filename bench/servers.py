"""The processes that are measured: started, listening, and ended again; what they cost is read from `/proc`."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server

DESK = Path(__file__).parent / "desk" / "frontdesk.yaml"
COMPILED = Path(__file__).parent / "out" / "compiled"

STUCK_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    port: int
    pid: int
    since: float
    """When it was started, as `time.perf_counter` counts."""

    def cpu_seconds(self) -> float:
        _, _, fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def resident_mebibytes(self) -> float:
        return resident_mebibytes(Path(f"/proc/{self.pid}/status").read_text())


def resident_mebibytes(status: str) -> float:
    _, _, rest = status.partition("VmRSS:")
    return int(rest.split()[0]) / 1024


def environment(**variables: str) -> dict[str, str]:
    """Ours, with a place for compiled modules whatever it says about them."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "PYTHONPYCACHEPREFIX": str(COMPILED), **variables}


@asynccontextmanager
async def floor(kind: str, postgres: str = "") -> AsyncIterator[Server]:
    async with (
        _home(postgres) as (home, database),
        _process(["bench.floor", kind], BENCH_DATABASE=database or f"{home}/floor.db") as server,
    ):
        yield server


@asynccontextmanager
async def product(postgres: str = "", *, config: Path = DESK, **variables: str) -> AsyncIterator[Server]:
    """`frontdesk serve` with the desk of measuring, or another one, and nothing stored yet."""
    async with _home(postgres) as (home, database):
        if database:
            from bot.store.migrate import upgrade

            await asyncio.to_thread(upgrade, database)
        async with _process(
            ["config.main", "serve", "--port"],
            FRONTDESK_DATA=home,
            FRONTDESK_CONFIG=str(config),
            FRONTDESK_SECRET_KEY="0123456789abcdef" * 4,
            FRONTDESK_DATABASE_URL=database,
            **variables,
        ) as server:
            yield server


@asynccontextmanager
async def echo() -> AsyncIterator[Server]:
    async with _process(["bench.echo"]) as server:
        yield server


@asynccontextmanager
async def _home(postgres: str) -> AsyncIterator[tuple[str, str]]:
    """A folder, and the address of an empty database where there is a server for it."""
    with tempfile.TemporaryDirectory() as home:
        if not postgres:
            yield home, ""
            return
        name = f"bench_{uuid.uuid4().hex}"
        await _execute(postgres, f"create database {name} template template0")
        try:
            yield home, f"{postgres.rpartition('/')[0]}/{name}"
        finally:
            await _execute(postgres, f"drop database {name} with (force)")


async def _execute(postgres: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def _process(module: Sequence[str], **variables: str) -> AsyncIterator[Server]:
    """The module's last argument is the port."""
    port = _free_port()
    command = [sys.executable, "-m", *module, str(port)]
    since = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment(**variables), stdout=log, stderr=log)
        try:
            while not await _listens(port):
                if process.returncode is not None or time.perf_counter() - since > STUCK_SECONDS:
                    raise RuntimeError(f"{' '.join(command)} did not start")
                await asyncio.sleep(0.002)
            yield Server(port, process.pid, since)
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read().decode())
            raise
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), STUCK_SECONDS)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# A child takes it over: thousands of connections need as many descriptors on both sides.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
