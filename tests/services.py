"""Throwaway PostgreSQL and Redis: the real servers, unprivileged, on free loopback ports, in folders that go away.

The fixtures of `conftest.py` are the door to this; nothing here knows pytest.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

STUCK_SECONDS = 20.0  # a server that did not answer by then never will

# Fast, because a test's data may be lost with the machine; small, because every test worker starts its own.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")
KEEPING = ("fsync=off", "synchronous_commit=on", "full_page_writes=off", "shared_buffers=32MB")
"""What was committed is still there when the server is stopped at once, though not when the machine is."""


class Missing(Exception):
    """A server's program is not on this machine; the text says which."""


class Account(TypedDict, total=False):
    """The part of `subprocess.Popen`'s options that says who runs the program. Empty: whoever runs the tests."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, and how to see that it answers."""

    command: Sequence[str]
    home: Path
    answers: Callable[[], bool]
    account: Account
    stop: signal.Signals


class Server:
    """A running program that can be stopped and started again where it was."""

    def __init__(self, program: Program, address: str) -> None:
        self.address = address
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = self._program
        with (program.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                program.command,
                cwd=program.home,
                env=_environment(program.home),
                stdout=log,
                stderr=log,
                **program.account,
            )
        _wait(program, self._process)

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(self._program.stop)
        try:
            process.wait(STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def postgres(settings: Sequence[str] = FAST) -> Iterator[str]:
    """The address of a new server, as `postgresql://`. Raises `Missing`."""
    with postgres_server(settings) as server:
        yield server.address


@contextlib.contextmanager
def postgres_server(settings: Sequence[str]) -> Iterator[Server]:
    """Raises `Missing`."""
    initdb, server, isready = (_program(name) for name in ("initdb", "postgres", "pg_isready"))
    account = _unprivileged()
    with _folder("frontdesk-pg-", account) as home:
        data, port = home / "data", _free_port()
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            check=True,
            cwd=home,
            env=_environment(home),
            stdout=subprocess.DEVNULL,
            **account,
        )
        loopback = ("listen_addresses=127.0.0.1", "max_connections=60")
        options = [word for setting in (*loopback, *settings) for word in ("-c", setting)]
        ready = [isready, "-q", "-h", "127.0.0.1", "-p", str(port)]
        program = Program(
            command=[server, "-D", str(data), "-k", str(home), "-p", str(port), *options],
            home=home,
            answers=lambda: subprocess.run(ready, check=False).returncode == 0,
            account=account,
            stop=signal.SIGINT,  # PostgreSQL's fast shutdown
        )
        with _running(program, f"postgresql://postgres@127.0.0.1:{port}/postgres") as running:
            yield running


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The address of a new server, as `redis://`. Raises `Missing`."""
    server = _program("redis-server", "valkey-server")
    with _folder("frontdesk-redis-", {}) as home:
        port = _free_port()
        keeps_nothing = ["--save", "", "--appendonly", "no"]
        program = Program(
            command=[server, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(home), *keeps_nothing],
            home=home,
            answers=lambda: _listens(port),
            account={},
            stop=signal.SIGTERM,
        )
        with _running(program, f"redis://127.0.0.1:{port}/0") as running:
            yield running.address


@contextlib.contextmanager
def database(dsn: str, name: str, *, template: str = "template0") -> Iterator[str]:
    """The address of a new database on the server of `dsn`, dropped at the end whoever is still connected."""
    _execute(dsn, f"create database {name} template {template}")
    try:
        yield f"{dsn.rpartition('/')[0]}/{name}"
    finally:
        _execute(dsn, f"drop database {name} with (force)")


def _execute(dsn: str, statement: str) -> None:
    import asyncpg

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@contextlib.contextmanager
def _running(program: Program, address: str) -> Iterator[Server]:
    server = Server(program, address)
    try:  # a start that fails must not orphan the program
        server.start()
        yield server
    finally:
        server.stop()


def _wait(program: Program, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STUCK_SECONDS
    while not program.answers():
        if process.poll() is not None or time.monotonic() > end:
            log = (program.home / "log").read_text(errors="replace")
            raise RuntimeError(f"{program.command[0]!r} did not come up; its log says:\n{log}")
        time.sleep(0.02)


def _program(*names: str) -> str:
    # Debian keeps PostgreSQL's servers off PATH, one folder for each version; the newest wins.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, versions)])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise Missing(f"{' or '.join(names)} is not installed")


def _unprivileged() -> Account:
    """PostgreSQL refuses to run as root: root starts it as `postgres`, else as `nobody`."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _folder(prefix: str, account: Account) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if account:
            os.chown(path, account["user"], account["group"])
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
