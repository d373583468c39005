"""Bears workers: a process that has imported everything and runs nothing, so that it may fork.

It has no loop, no thread and no connection. One line of JSON in, one line out; when nobody asks any more, it ends what
it has borne.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import msgspec
import pydantic  # noqa: F401  (what is imported late, each worker would import anew)
import sqlalchemy.dialects.postgresql.asyncpg  # noqa: F401

import bot.store.postgres  # noqa: F401
from bot.flow.read import read
from bot.knowledge.terms import terms
from tests.faults import worker
from tests.faults.worker import Spec


class Bear(msgspec.Struct, frozen=True, tag=True):
    """A worker; gives its pid. `anew`: through the command line, with an interpreter of its own."""

    spec: Spec
    anew: bool = False


class Look(msgspec.Struct, frozen=True, tag=True):
    """Gives how the worker ended, as `os.waitstatus_to_exitcode` has it; null: it lives."""

    pid: int


_decode = msgspec.json.Decoder(Bear | Look).decode


def main() -> None:
    read(worker.SHOP)
    terms("boots", "en")
    gc.freeze()
    alive = set[int]()
    try:
        for line in sys.stdin.buffer:
            match _decode(line):
                case Bear(spec, anew):
                    pid = _bear(spec, anew=anew)
                    alive.add(pid)
                    _answer(pid)
                case Look(pid):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        alive.discard(pid)
                    _answer(os.waitstatus_to_exitcode(status) if ended else None)
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)


def _bear(spec: Spec, *, anew: bool) -> int:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"a process with {threads} threads must not fork")
    if pid := os.fork():
        return pid
    code = 1
    try:
        _let_go(Path(spec.folder) / f"worker-{spec.name}.err")
        if anew:
            os.execv(sys.executable, [sys.executable, "-m", worker.__name__, msgspec.json.encode(spec).decode()])
        worker.main(spec)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _let_go(errors: Path) -> None:
    """The child's ends of the pipes are not its own."""
    nothing = os.open(os.devnull, os.O_RDWR)
    told = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for fd, to in ((nothing, 0), (nothing, 1), (told, 2)):
        os.dup2(fd, to)


def _answer(value: int | None) -> None:
    os.write(1, msgspec.json.encode(value) + b"\n")


if __name__ == "__main__":
    main()
