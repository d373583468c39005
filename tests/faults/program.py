"""The real program in its own process, always at the same address: started, asked to stop, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.bot.flow.script import project

ROOT = Path(__file__).parents[2]
STUCK = 120.0
"""Seconds after which what was waited for will never come."""
ORIGIN = "https://shop.example.org"

DESK_FILE = f"""
flows: flows
quiet_ms: 20
web:
  account: shop
  origins: [{ORIGIN}]
  limits:
    messages_per_minute: 100000
    messages_per_address: 100000
    reads_per_address: 100000
    tokens_per_address: 100000
    frames_per_second: 100000
    connections_per_address: 10000
    connections_per_visitor: 10000
"""
FLOWS = """
flow: hours
about: Says when we are open.
examples: [when are you open]
steps:
  - {say: Always.}
"""
KNOWLEDGE = "# Orders and parcels\n\nThe parcel of an order is looked into by a person.\n"


@dataclass
class Program:
    folder: Path
    port: int
    environment: Mapping[str, str]
    process: asyncio.subprocess.Process | None = None
    starts: int = field(default=0)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    async def start(self) -> None:
        """Returns when it is ready."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
        own = {
            "FRONTDESK_CONFIG": str(self.folder / "frontdesk.yaml"),
            "FRONTDESK_DATA": str(self.folder / "data"),
            "FRONTDESK_SECRET_KEY": "of the fault tests, and of nothing else",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "config.main", "serve", "--port", str(self.port)),
                cwd=ROOT,
                env={**kept, **own, **self.environment},
                stdout=log,
                stderr=log,
            )
        self.starts += 1
        async with httpx2.AsyncClient(base_url=self.address, trust_env=False) as http:
            await self.until_ready(http)

    async def until_ready(self, http: httpx2.AsyncClient, *, ready: bool = True) -> None:
        """Until `/readyz` says so, or says no longer so."""
        assert self.process is not None
        async with asyncio.timeout(STUCK):
            while await _is_ready(http) != ready:
                assert self.process.returncode is None, self.log
                await asyncio.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within: float = STUCK) -> int:
        """Its exit code; negative: the signal it died of."""
        assert self.process is not None
        async with asyncio.timeout(within):
            return await self.process.wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return await self.ended()


async def _is_ready(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


@asynccontextmanager
async def program(folder: Path, *, accounts: str = "", port: int = 0, **environment: str) -> AsyncIterator[Program]:
    """With a project whose every answer comes from the model, and started. It must stop well in the end.

    `accounts`: what stands below `accounts:` in its file. `port`: 0 is any that is free.
    """
    (folder / "flows" / "knowledge").mkdir(parents=True)
    project(folder / "flows", FLOWS)
    (folder / "flows" / "knowledge" / "orders.md").write_text(KNOWLEDGE)
    (folder / "frontdesk.yaml").write_text(DESK_FILE + (f"accounts:\n{accounts}" if accounts else ""))
    made = Program(folder, port or free_port(), {"OPENAI_API_KEY": "sk-test", **environment})
    try:
        await made.start()
        yield made
        if made.process and made.process.returncode is None:
            assert await made.end() == 0, made.log
    finally:
        if made.process and made.process.returncode is None:
            made.process.kill()
            await made.process.wait()
    assert "Traceback" not in made.log, made.log


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
