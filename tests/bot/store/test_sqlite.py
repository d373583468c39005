"""What a single file promises: durable when told, one process, one writer, one hop and one commit for what waits."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVarTuple

import pytest

from bot.errors import SettingsError, StoreDown
from bot.store import backup, open_store
from bot.store.sqlite import BUSY_MILLISECONDS, FileStore, MemoryStore, open_for_writing
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import LEASE, Scene, spoken
from bot.units import Kept, Lease


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[FileStore]:
    opened = FileStore(path, SettableClock())
    yield opened
    await opened.close()


@pytest.fixture
def scene(store: FileStore) -> Scene:
    return Scene(store, SettableClock(), SeededRandom())


def test_a_connection_that_writes_is_as_durable_as_it_says(path: Path) -> None:
    with contextlib.closing(open_for_writing(path)) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 1500,
    }


def test_a_database_that_cannot_be_that_durable_is_refused() -> None:
    with pytest.raises(SettingsError, match="journal_mode"):
        open_for_writing(Path(":memory:"))


# One process


async def test_a_second_store_on_the_file_is_refused(store: FileStore, path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"in use by process {os.getpid()}: stop that process .* postgresql://"):
        FileStore(path, SettableClock())


async def test_a_second_process_on_the_file_is_refused(store: FileStore, path: Path) -> None:
    program = f"""
        from pathlib import Path
        from bot.store import open_store
        from bot.testing.clock import SettableClock
        open_store({str(path)!r}, SettableClock())
    """
    ended = await asyncio.to_thread(_python, program)
    assert ended.returncode == 1
    assert f"SettingsError: the database {str(path)!r} is in use by process {os.getpid()}" in ended.stderr


async def test_the_file_is_free_after_its_store_closed(path: Path) -> None:
    for _ in range(2):
        await FileStore(path, SettableClock()).close()


def test_the_file_is_free_after_its_process_was_killed(path: Path) -> None:
    program = f"""
        import os, signal
        from bot.store import open_store
        from bot.testing.clock import SettableClock
        store = open_store({str(path)!r}, SettableClock())
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert _python(program).returncode == -9
    asyncio.run(FileStore(path, SettableClock()).close())


def test_a_folder_that_is_not_there_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        open_store(f"sqlite:///{tmp_path}/nowhere/store.db", SettableClock())


def test_a_file_that_is_no_database_is_said_so(path: Path) -> None:
    path.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(StoreDown, match="not a database"):
        open_store(str(path), SettableClock())
    with pytest.raises(StoreDown, match="not a database"):  # and the lock was let go
        open_store(str(path), SettableClock())


def _python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, capture_output=True, text=True, timeout=60
    )


# Batches


async def test_what_waits_is_committed_together(store: FileStore, scene: Scene) -> None:
    before = store.commits
    claims = await asyncio.gather(*(scene.says("hello", chat=str(chat), lease=LEASE) for chat in range(200)))
    await asyncio.gather(*(store.write(scene.commit(kept.claimed, "hi")) for kept in claims if kept.claimed))
    assert store.commits - before <= 4


async def test_an_undisturbed_turn_is_two_commits(store: FileStore, scene: Scene) -> None:
    before = store.commits
    await scene.exchange("hello")
    assert store.commits - before == 2


Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    hops = 0

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.hops += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def test_results_come_back_in_one_hop_per_batch(path: Path) -> None:
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CountingLoop)

        async def hops() -> tuple[int, int]:
            store = FileStore(path, SettableClock())
            scene = Scene(store, SettableClock(), SeededRandom())
            commits, before = store.commits, loop.hops
            await asyncio.gather(*(scene.says("hello", chat=str(chat)) for chat in range(500)))
            counted = store.commits - commits, loop.hops - before
            await store.close()
            return counted

        commits, hops_made = runner.run(hops())
    assert hops_made == commits <= 4


async def test_a_batch_that_raises_is_run_again_unit_by_unit(store: FileStore, scene: Scene) -> None:
    before = store.commits
    units = [scene.accept("bad \ud800" if chat == 3 else "good", chat=str(chat), digest=b"") for chat in range(6)]
    done = await asyncio.gather(*map(store.write, units), return_exceptions=True)
    assert [type(one) for one in done] == [Kept, Kept, Kept, UnicodeEncodeError, Kept, Kept]
    assert store.commits - before == 5


async def test_nobody_is_told_before_the_commit(store: FileStore, scene: Scene, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        for number in range(1, 20):
            await scene.says("hello")
            assert other.execute("SELECT count(*) FROM event").fetchone() == (number,)


async def test_who_waits_no_longer_disturbs_nobody(store: FileStore, scene: Scene) -> None:
    waiting = [asyncio.ensure_future(scene.says(f"line {number}")) for number in range(10)]
    await asyncio.sleep(0)
    waiting[4].cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in done].count(Kept) == 9
    last = await scene.says("last")
    assert [seq + 1 for seq in range(last.seq)] == [event.seq for event in await scene.log(last.conversation)]


async def test_a_full_queue_is_a_store_that_is_down(path: Path) -> None:
    store = FileStore(path, SettableClock(), most_waiting=10)
    scene = Scene(store, SettableClock(), SeededRandom())
    done = await asyncio.gather(*(scene.says("hello") for _ in range(15)), return_exceptions=True)
    assert [type(one) for one in done] == [Kept] * 10 + [StoreDown] * 5
    assert (await scene.says("hello")).fresh
    await store.close()


async def test_closing_finishes_what_was_accepted(path: Path) -> None:
    store = FileStore(path, SettableClock())
    scene = Scene(store, SettableClock(), SeededRandom())
    waiting = [asyncio.ensure_future(scene.says("hello", chat=str(chat))) for chat in range(300)]
    await asyncio.sleep(0)
    await store.close()
    assert all(kept.fresh for kept in await asyncio.gather(*waiting))
    await store.close()
    for late in (scene.says("late"), scene.log(waiting[0].result().conversation)):
        with pytest.raises(StoreDown, match="closed"):
            await late


# When the disk or somebody else is in the way


async def test_a_closed_store_is_one_file(store: FileStore, scene: Scene, path: Path) -> None:
    for _ in range(3):
        await asyncio.gather(*(scene.says("hello", chat=str(chat)) for chat in range(20)))
        await scene.found((await scene.says("hello")).conversation)
    await store.close()
    assert {each.name for each in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


async def test_while_an_intruder_has_the_file_the_store_is_down(store: FileStore, scene: Scene, path: Path) -> None:
    await scene.says("before")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.ensure_future(scene.says("now")) for _ in range(5)]
        done = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
        assert {type(one) for one in done} == {StoreDown}
        intruder.execute("ROLLBACK")
    assert (await scene.says("after")).seq == 2


async def test_while_an_intruder_has_the_file_nobody_waits_behind_others_that_wait(
    store: FileStore, scene: Scene, path: Path
) -> None:
    """A door has two seconds to say that the store is down, whoever came before."""
    await scene.says("before")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        first = asyncio.ensure_future(scene.says("now"))
        await asyncio.wait([first], timeout=BUSY_MILLISECONDS / 10_000)
        second = asyncio.ensure_future(scene.says("a little later"))
        await asyncio.wait([first])
        assert await asyncio.wait([second], timeout=BUSY_MILLISECONDS / 2_000) == ({second}, set())
        assert {type(one.exception()) for one in (first, second)} == {StoreDown}
        intruder.execute("ROLLBACK")
    assert (await scene.says("after")).seq == 2


async def test_a_file_that_was_moved_away_takes_nothing_in(store: FileStore, scene: Scene, path: Path) -> None:
    await scene.says("before")
    aside = path.with_name("aside.db")
    os.rename(path, aside)
    with pytest.raises(StoreDown, match="cannot be written"):
        await scene.says("lost")
    os.close(os.open(path, os.O_CREAT))
    with pytest.raises(StoreDown, match="replaced"):
        await scene.says("lost")
    os.replace(aside, path)
    assert (await scene.says("after")).seq == 2


async def test_rows_that_somebody_else_changed_are_read_again(store: FileStore, scene: Scene, path: Path) -> None:
    kept = await scene.says("hello")
    with contextlib.closing(sqlite3.connect(path)) as intruder, intruder:
        intruder.execute("UPDATE conversation SET last_seq = 41, language = 'da'")
    assert (await scene.says("more")).seq == 42
    assert (await scene.found(kept.conversation)).conversation.language == "da"


def test_a_full_disk_loses_nothing_that_was_promised(path: Path) -> None:
    program = f"""
        import asyncio, resource, signal
        from bot.errors import StoreDown
        from bot.store import open_store
        from bot.testing.chance import SeededRandom
        from bot.testing.clock import SettableClock
        from bot.testing.store import Scene

        async def main():
            store = open_store({str(path)!r}, SettableClock())
            scene = Scene(store, SettableClock(), SeededRandom())
            kept, down = [], []
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
            for round in range(40):
                said = [scene.says("x" * 2000, chat=str(chat)) for chat in range(round * 10, round * 10 + 10)]
                for one in await asyncio.gather(*said, return_exceptions=True):
                    (down if isinstance(one, StoreDown) else kept).append(one)
            assert down and kept, (len(down), len(kept))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert (await scene.says("there is room again", chat="new")).fresh
            for one in kept:
                assert len(await scene.log(one.conversation)) == 1
            await store.close()

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        asyncio.run(main())
    """
    ended = _python(program)
    assert ended.returncode == 0, ended.stderr
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Leases and time


async def test_a_start_ends_the_leases_of_the_dead(path: Path) -> None:
    store = FileStore(path, SettableClock())
    scene = Scene(store, SettableClock(), SeededRandom())
    await scene.exchange("deliver", chat="2", deliver=True)
    claimed, (sending,) = await scene.asks("hello"), await scene.sends()
    await store.close()
    store = FileStore(path, SettableClock())
    scene = Scene(store, SettableClock(), SeededRandom(2))
    (again,) = await scene.claims()
    assert again.conversation.id == claimed.conversation.id
    assert (again.conversation.fence, again.conversation.attempts) == (2, 2)
    (repeated,) = await scene.sends()
    assert (repeated.id, repeated.attempt, repeated.again) == (sending.id, 2, True)
    await store.close()


class TwoClocks(SettableClock):
    """Its wall clock can be set apart from the time that passes."""

    wrong = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.wrong


@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1), timedelta(hours=1)], ids=str)
async def test_no_step_of_the_wall_clock_ends_a_lease_or_holds_anything_back(wrong: timedelta) -> None:
    clock = TwoClocks()
    scene = Scene(MemoryStore(clock), clock, SeededRandom())
    await scene.says("hello", lease=Lease("worker-1", timedelta(seconds=15)))
    clock.wrong = wrong
    await clock.advance(14)
    assert await scene.claims() == ()
    await clock.advance(1)
    assert len(await scene.claims()) == 1
    await scene.says("hello", chat="2")
    assert len(await scene.claims()) == 1


async def test_a_pause_passes(path: Path) -> None:
    clock = SettableClock()
    scene = Scene(MemoryStore(clock), clock, SeededRandom())
    await scene.exchange("hello", deliver=True)
    (delivery,) = await scene.sends()
    await scene.store.write(scene.failed(delivery, pause=timedelta(seconds=30)))
    await clock.advance(29)
    assert await scene.sends() == ()
    await clock.advance(1)
    assert len(await scene.sends()) == 1


async def test_a_wall_clock_that_was_wrong_does_not_hold_the_next_start_back(path: Path) -> None:
    year_ahead = SettableClock(datetime(2030, 1, 1, tzinfo=UTC))
    store = FileStore(path, year_ahead)
    scene = Scene(store, year_ahead, SeededRandom())
    await scene.says("hello")
    await scene.exchange("deliver", chat="2", deliver=True)
    await store.close()
    clock = SettableClock(datetime(2026, 1, 1, tzinfo=UTC))
    store = FileStore(path, clock)
    scene = Scene(store, clock, SeededRandom(2))
    assert len(await scene.claims()) == 1
    await clock.advance(timedelta(days=1).total_seconds())
    assert len(await scene.sends()) == 1
    await store.close()


# Copies


async def test_a_copy_taken_while_in_use_is_whole(store: FileStore, scene: Scene, path: Path, tmp_path: Path) -> None:
    kept = await scene.says("before")
    writing = asyncio.ensure_future(asyncio.gather(*(scene.says("meanwhile", chat=str(n)) for n in range(2, 300))))
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    target.write_bytes(b"an older copy")
    await asyncio.to_thread(backup, path, target, replace=True)
    await writing
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    copied = open_store(str(target), SettableClock())
    assert spoken(await Scene(copied, SettableClock(), SeededRandom()).log(kept.conversation)) == [
        ("customer", "before")
    ]
    await copied.close()


@pytest.mark.parametrize(
    ("target", "replace", "told"),
    [
        ("older.db", False, "exists: name another file, or say --replace"),
        ("store.db", True, "is the database itself: name another file"),
        ("folder", True, "is a folder: name a file in it"),
        ("nowhere/copy.db", False, "folder of the copy .* does not exist: make it first"),
    ],
)
def test_a_place_that_cannot_hold_the_copy_is_refused_with_what_to_do(
    path: Path, tmp_path: Path, target: str, replace: bool, told: str
) -> None:
    asyncio.run(FileStore(path, SettableClock()).close())
    (tmp_path / "older.db").write_bytes(b"an older copy")
    (tmp_path / "folder").mkdir()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match=told):
        backup(path, tmp_path / target, replace=replace)
    assert (tmp_path / "older.db").read_bytes() == b"an older copy"
    assert path.read_bytes() == before


def test_of_nothing_there_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="there is no database"):
        backup(tmp_path / "nothing.db", tmp_path / "copy.db")


def test_of_a_broken_file_there_is_no_copy(tmp_path: Path) -> None:
    path, target = tmp_path / "store.db", tmp_path / "copy.db"
    asyncio.run(FileStore(path, SettableClock()).close())
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    target.write_bytes(b"an older copy")
    with pytest.raises(StoreDown):
        backup(path, target, replace=True)
    assert target.read_bytes() == b"an older copy"
    assert sorted(file.name for file in tmp_path.iterdir() if "unfinished" in file.name) == []


# The cost of a turn does not grow with what is stored


@pytest.fixture
def plans() -> Iterator[Callable[[str], str]]:
    from bot.store.schema import script

    connection = sqlite3.connect(":memory:")
    for statement in script("sqlite"):
        connection.execute(statement)

    def plan(text: str) -> str:
        values = [0] * text.count("?")
        return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values))

    yield plan
    connection.close()


def test_statements_of_a_turn_are_searches(plans: Callable[[str], str]) -> None:
    from bot.store import statements, turns
    from bot.store.statements import Batch

    hot = [batch for batch in vars(statements).values() if isinstance(batch, Batch)]
    assert len(hot) >= 10
    for batch in hot:
        row = (0,) * len(batch.record.__struct_fields__[:-1])  # the last is PostgreSQL's
        for rows in ([row], [row] * 3):
            ((text, _),) = batch.parts(rows)
            plan = plans(text)
            assert f"SCAN {batch.table}" not in plan, plan
            assert "AUTOMATIC" not in plan, plan
    assert "conversation_ready" in plans(turns.OLDEST.prepared("sqlite", {"now": 0, "most": 1})[0])


def test_lists_and_deliveries_are_searched_by_an_index(plans: Callable[[str], str]) -> None:
    from bot.store import lists, sending

    given = dict.fromkeys(("agent", "like", "only", "most", "moment", "id"), 0)
    expected = {
        ("waiting", "needs-reply"): "conversation_waiting",
        ("latest", "resolved"): "conversation_latest",
        ("latest", "all"): "conversation_latest",
        ("latest", "bot"): "conversation_latest",
        ("latest", "mine"): "conversation_holder",
        ("latest", "unassigned"): "conversation_wanted",
    }
    for (part, view), index in expected.items():
        plan = plans(lists.PAGES[part][view, False, False].prepared("sqlite", given)[0])  # type: ignore[index]
        assert index in plan, (part, view, plan)
        assert "TEMP B-TREE" not in plan, (part, view, plan)
    heads = dict.fromkeys(("channel", "account", "now", "most"), 0)
    plan = plans(sending.HEADS.prepared("sqlite", heads)[0])
    assert "delivery_due" in plan
    assert "delivery_line" in plan


@pytest.mark.parametrize(
    ("sum", "index"),
    [
        ("unheard", "conversation_ready"),
        ("waiting", "conversation_waiting"),
        ("unsent", "delivery_line"),
        ("dead", "delivery_dead"),
        ("unreadable", "SCAN dead_letter"),
    ],
)
def test_what_waits_is_counted_along_an_index(plans: Callable[[str], str], sum: str, index: str) -> None:
    from bot.store import backlog
    from bot.store.lists import COUNTED

    text, values = backlog.SUMS[sum].prepared("sqlite", {})
    plan = plans(text)
    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert COUNTED in values
