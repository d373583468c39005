"""`frontdesk db backup` on a program at work, and what its copy is worth afterwards."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from bot.flow.fold import fold_event
from bot.model import ConversationId, Event, State
from bot.store import open_store
from bot.testing.clock import SettableClock
from bot.units import Find, Log
from tests.config.serving import ROOT, STUCK, Visitor, desk, environment, serving, visiting

COPIES = 2
VISITORS = 4


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "config.main", *map(str, arguments)]


async def backs_up(target: Path, around: dict[str, str]) -> str:
    run = await asyncio.create_subprocess_exec(
        *command("db", "backup", target), cwd=ROOT, env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(STUCK):
        said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()
    return said.decode()


async def talks(visitor: Visitor, enough: asyncio.Event) -> int:
    """Asks the same thing again and again; gives how often it was answered."""
    turns = 0
    while not enough.is_set():
        assert await visitor.says("look it up") == "Which order?"
        assert await visitor.says(f"A-{turns}") == f"Found A-{turns}."
        turns += 1
    return turns


async def logs(file: Path, scratch: Path) -> dict[ConversationId, tuple[Event, ...]]:
    """Every conversation's log, after a look whether it is whole and gives the state that stands beside it."""
    place = scratch / f"{file.name}.opened"
    shutil.copyfile(file, place)
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        ids = [ConversationId(id) for (id,) in connection.execute("SELECT id FROM conversation")]
    store = open_store(f"sqlite:///{place}", SettableClock())
    found: dict[ConversationId, tuple[Event, ...]] = {}
    for id in ids:
        kept = await store.read(Find(id))
        events = await store.read(Log(conversation=id, most=100_000))
        assert kept is not None
        assert [event.seq for event in events] == list(range(1, kept.conversation.last_seq + 1))
        state = State()
        for event in events:
            state = fold_event(state, event)
        assert state == kept.state
        found[id] = events
    await store.close()
    return found


async def test_a_copy_taken_under_load_is_a_prefix_and_conversations_go_on_from_it(tmp_path: Path) -> None:
    config, data = desk(tmp_path), tmp_path / "data"
    database, around = data / "frontdesk.db", environment(data, config)
    with serving(data, config) as served:
        async with visiting(served.address) as (mona, secret):
            assert await mona.says("look it up") == "Which order?"
        async with AsyncExitStack() as stack:
            others = [(await stack.enter_async_context(visiting(served.address)))[0] for _ in range(VISITORS)]
            enough = asyncio.Event()
            load = asyncio.gather(*(talks(visitor, enough) for visitor in others))
            said = [await backs_up(tmp_path / f"copy-{number}.db", around) for number in range(COPIES)]
            enough.set()
            turns = await load
            assert min(turns) >= COPIES
            assert all("the copy is sound" in one for one in said)
        async with visiting(served.address, secret) as (mona, _):
            assert await mona.says("after the copy") == "Found after the copy."
        served.stop()

    whole = await logs(database, tmp_path)
    sizes: list[int] = []
    for number in range(COPIES):
        held = await logs(tmp_path / f"copy-{number}.db", tmp_path)
        assert held
        for id, events in held.items():
            assert events == whole[id][: len(events)]
        sizes.append(sum(map(len, held.values())))
    assert sizes == sorted(set(sizes)), "each was taken while more was said"
    assert sizes[-1] < sum(map(len, whole.values()))

    for name in ("", "-wal", "-shm"):  # as docs/operation.md has it
        database.with_name(f"{database.name}{name}").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "copy-0.db", database)
    with serving(data, config) as served:
        async with visiting(served.address, secret) as (mona, _):
            assert await mona.says("A-17") == "Found A-17."
        served.stop()


async def test_what_a_killed_program_left_can_be_copied(tmp_path: Path) -> None:
    config, data = desk(tmp_path), tmp_path / "data"
    with serving(data, config) as served:
        async with visiting(served.address) as (visitor, _):
            await visitor.says("look it up")
            served.process.kill()
            served.process.wait(STUCK)
    await backs_up(tmp_path / "copy.db", environment(data, config))
    (events,) = (await logs(tmp_path / "copy.db", tmp_path)).values()
    assert events[0].seq == 1


@pytest.mark.parametrize(
    ("database", "told"),
    [
        ("", "exists: name another file, or say --replace"),
        ("sqlite:///nowhere/else.db", "there is no database 'nowhere/else.db': FRONTDESK_DATA or"),
        ("postgresql://db.example/frontdesk", "use pg_dump"),
    ],
)
def test_what_cannot_be_copied_is_told_with_what_to_do(tmp_path: Path, database: str, told: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "frontdesk.db").write_bytes(b"")
    (tmp_path / "copy.db").write_bytes(b"an older copy")
    done = subprocess.run(
        command("db", "backup", tmp_path / "copy.db"),
        cwd=ROOT,
        env=environment(data, tmp_path / "frontdesk.yaml", FRONTDESK_DATABASE_URL=database),
        capture_output=True,
        text=True,
        timeout=STUCK,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "copy.db").read_bytes() == b"an older copy"


def test_without_room_the_older_copy_stays_and_nothing_is_left_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "frontdesk.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (zeroblob(3000000))")
        connection.commit()
    copy = tmp_path / "copy.db"
    copy.write_bytes(b"an older copy")
    done = subprocess.run(
        command("db", "backup", copy, "--replace"),
        cwd=ROOT,
        env=environment(data, tmp_path / "frontdesk.yaml"),
        # No file may grow beyond a megabyte: the nearest to a full disk that needs no disk.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
        capture_output=True,
        text=True,
        timeout=STUCK,
    )
    assert done.returncode == 1
    assert "is there room for 3.0 MB in" in done.stderr
    assert "Traceback" not in done.stderr
    assert copy.read_bytes() == b"an older copy"
    assert not list(tmp_path.glob("*.unfinished*"))
