"""What several processes on one database promise each other, and what happens when the server goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.errors import SettingsError, StoreDown
from bot.model import BOT
from bot.store import open_store
from bot.store.postgres import PostgresStore, make_engine
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import LEASE, Scene, seqs
from bot.units import Agents, Amended, Claim, Committed, Lease, Lost, SendClaim, Settle

PROCESSES = 2


async def opened(address: str) -> PostgresStore:
    store = await asyncio.to_thread(open_store, address, SettableClock())
    assert isinstance(store, PostgresStore)
    return store


@pytest.fixture
async def scenes(postgres_database: str) -> AsyncIterator[list[Scene]]:
    """As many stores on one database, each with ids of its own."""
    stores = [await opened(postgres_database) for _ in range(PROCESSES)]
    yield [Scene(store, SettableClock(), SeededRandom(number)) for number, store in enumerate(stores)]
    for store in stores:
        await store.close()


@pytest.fixture
async def server(postgres_database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_database)
    yield connection
    await connection.close()


# Two at once


async def test_the_same_message_at_two_processes_is_kept_once(scenes: list[Scene]) -> None:
    for round in range(20):
        units = [scene.accept("hello", key=f"key {round}", chat="1") for scene in scenes]
        kept = await asyncio.gather(*(scene.store.write(unit) for scene, unit in zip(scenes, units, strict=True)))
        assert sorted(one.fresh for one in kept) == [False, True]
        assert len({(one.conversation, one.seq) for one in kept}) == 1


async def test_a_repeat_under_another_address_is_kept_once(scenes: list[Scene]) -> None:
    for round in range(20):
        units = [scene.accept("hello", key=f"key {round}", chat=f"{chat}") for chat, scene in enumerate(scenes)]
        kept = await asyncio.gather(*(scene.store.write(unit) for scene, unit in zip(scenes, units, strict=True)))
        assert sorted(one.fresh for one in kept) == [False, True]


async def test_a_new_customer_at_two_processes_is_one_contact_with_one_conversation(scenes: list[Scene]) -> None:
    for chat in range(20):
        units = [replace(scene.accept("hello", chat=str(chat)), key=f"{chat} {n}") for n, scene in enumerate(scenes)]
        kept = await asyncio.gather(*(scene.store.write(unit) for scene, unit in zip(scenes, units, strict=True)))
        assert [one.fresh for one in kept] == [True, True]
        assert len({one.conversation for one in kept}) == 1
        assert sorted(one.seq for one in kept) == [1, 2]


async def test_batches_of_two_processes_that_cross_all_succeed(scenes: list[Scene]) -> None:
    chats = [str(chat) for chat in range(60)]
    writes = []
    for number, scene in enumerate(scenes):
        for chat in chats if number % 2 else reversed(chats):
            writes.append(scene.store.write(replace(scene.accept("hello", chat=chat), key=f"{chat} {number}")))
    kept = await asyncio.gather(*writes)
    assert all(one.fresh for one in kept)
    assert len({one.conversation for one in kept}) == 60
    assert sorted(one.seq for one in kept) == [1] * 60 + [2] * 60


async def test_two_processes_never_claim_the_same_conversation(scenes: list[Scene]) -> None:
    for chat in range(100):
        await scenes[0].says("hello", chat=str(chat))
    claims = await asyncio.gather(*(scene.claims(most=30) for scene in scenes for _ in range(3)))
    ids = [claimed.conversation.id for one in claims for claimed in one]
    assert len(ids) == len(set(ids)) == 100


async def test_two_processes_never_send_the_same_message(scenes: list[Scene]) -> None:
    for chat in range(40):
        await scenes[0].exchange("hello", chat=str(chat), deliver=True)
    sent = await asyncio.gather(*(scene.sends(most=25) for scene in scenes for _ in range(3)))
    ids = [delivery.id for one in sent for delivery in one]
    assert len(ids) == len(set(ids)) == 40


# One after another, in the order in which they came to the row


OPEN_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


class Held:
    """Holds a conversation's row, so that what is written queues up behind it in a known order."""

    def __init__(self, connection: Any, conversation: str) -> None:
        self._connection, self._conversation = connection, conversation
        self._writing: list[asyncio.Future[Any]] = []

    async def __aenter__(self) -> "Held":
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        await self._connection.execute("SELECT 1 FROM conversation WHERE id = $1 FOR UPDATE", self._conversation)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transaction.rollback()

    async def queue(self, write: Awaitable[Any]) -> asyncio.Future[Any]:
        """Begin it, and return when it waits for the row."""
        self._writing.append(asyncio.ensure_future(write))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        for _ in range(1000):
            if await self._connection.fetchval(waiting) == len(self._writing):
                return self._writing[-1]
            await asyncio.sleep(0.005)
        raise AssertionError(f"{len(self._writing)} units should wait for the row")


async def test_a_commit_behind_a_takeover_is_lost(scenes: list[Scene], server: Any) -> None:
    claimed = await scenes[0].asks("hello")
    async with Held(server, claimed.conversation.id) as row:
        taken = await row.queue(scenes[1].store.write(scenes[1].controls(claimed.conversation, "human")))
        commit = await row.queue(scenes[0].store.write(scenes[0].commit(claimed, "hi")))
    assert isinstance(await taken, Amended)
    assert await commit == Lost("epoch", (await taken).conversation.control)


async def test_a_takeover_behind_a_commit_silences_what_comes_later(scenes: list[Scene], server: Any) -> None:
    claimed = await scenes[0].asks("hello")
    async with Held(server, claimed.conversation.id) as row:
        commit = await row.queue(scenes[0].store.write(scenes[0].commit(claimed, "hi", deliver=True)))
        taken = await row.queue(scenes[1].store.write(scenes[1].controls(claimed.conversation, "human")))
    assert isinstance(await commit, Committed)
    assert seqs((await taken).events) == [3]
    assert await scenes[0].sends() == ()


async def test_a_send_behind_a_takeover_is_not_made(scenes: list[Scene], server: Any) -> None:
    now = await scenes[0].exchange("hello", deliver=True)
    async with Held(server, now.id) as row:
        taken = await row.queue(scenes[1].store.write(scenes[1].controls(now, "human")))
        sends = await row.queue(scenes[0].sends())
    assert (await taken).in_flight is None
    assert await sends == ()


async def test_a_takeover_behind_a_send_names_it(scenes: list[Scene], server: Any) -> None:
    now = await scenes[0].exchange("hello", deliver=True)
    async with Held(server, now.id) as row:
        sends = await row.queue(scenes[0].sends())
        taken = await row.queue(scenes[1].store.write(scenes[1].controls(now, "human")))
    (delivery,) = await sends
    assert (await taken).in_flight == delivery.id


async def test_a_message_behind_a_commit_is_a_turn_of_its_own(scenes: list[Scene], server: Any) -> None:
    claimed = await scenes[0].asks("hello")
    async with Held(server, claimed.conversation.id) as row:
        commit = await row.queue(scenes[0].store.write(scenes[0].commit(claimed, "hi")))
        says = await row.queue(scenes[1].says("more", lease=LEASE))
    assert (await commit).conversation.input_seq == 1
    assert (await says).claimed.conversation.fence == 2


async def test_a_commit_behind_a_message_keeps_the_lease(scenes: list[Scene], server: Any) -> None:
    claimed = await scenes[0].asks("hello")
    async with Held(server, claimed.conversation.id) as row:
        says = await row.queue(scenes[1].says("more", lease=LEASE))
        commit = await row.queue(scenes[0].store.write(scenes[0].commit(claimed, "hi", heard=1)))
    assert (await says).claimed is None
    assert ((await commit).conversation.heard, (await commit).conversation.input_seq) == (1, 2)
    assert await scenes[1].claims() == ()


async def test_a_claim_passes_by_a_row_that_is_busy(scenes: list[Scene], server: Any) -> None:
    busy, free = [(await scenes[0].says("hello", chat=chat)).conversation for chat in ("1", "2")]
    async with Held(server, busy):
        (claimed,) = await asyncio.wait_for(scenes[1].claims(), 5)
    assert claimed.conversation.id == free


Make = Callable[[Scene, Any], Any]
_PAIR: dict[str, Make] = {
    "accept": lambda scene, claimed: scene.accept("more", lease=Lease("worker-2", LEASE.span)),
    "claim": lambda scene, claimed: Claim(lease=LEASE, most=5),
    "commit": lambda scene, claimed: scene.commit(claimed, "hi", heard=claimed.conversation.input_seq, deliver=True),
    "send": lambda scene, claimed: SendClaim(lease=LEASE, most=5, channels=frozenset({("memory", "shop")})),
    "settle": lambda scene, claimed: Settle(
        delivery=f"{claimed.conversation.id}-2",  # type: ignore[arg-type]
        attempt=1,
        state="sent",
        done=1,
        refs=("r",),
        at=scene.clock.now(),
    ),
    "takeover": lambda scene, claimed: scene.controls(claimed.conversation, "human"),
}


@pytest.mark.parametrize("second", _PAIR)
@pytest.mark.parametrize("first", _PAIR)
async def test_any_two_at_once_end_as_if_one_had_come_first(scenes: list[Scene], first: str, second: str) -> None:
    """Told by the log and the row: both orders are tried one after another, and then together."""

    async def outcome(chat: str, order: tuple[str, ...], *, together: bool) -> tuple[Any, ...]:
        scene = scenes[0]
        await scene.exchange("before", chat=chat, deliver=True)
        await scene.sends()
        claimed = await scene.asks("hello", chat=chat)
        units = [_PAIR[name](scenes[number], claimed) for number, name in enumerate(order)]
        units = [
            replace(unit, to=replace(unit.to, chat=chat)) if name == "accept" else unit
            for name, unit in zip(order, units, strict=True)
        ]
        if together:
            await asyncio.gather(*(scenes[number].store.write(unit) for number, unit in enumerate(units)))
        else:
            for number, unit in enumerate(units):
                await scenes[number].store.write(unit)
        found, events = await scene.found(claimed.conversation.id), await scene.log(claimed.conversation.id)
        now = found.conversation
        assert seqs(events) == list(range(1, len(events) + 1))
        return (
            [(type(event.body).__name__, event.author.kind, event.epoch, event.fence, event.prev) for event in events],
            (now.control.state, now.control.epoch, now.heard, now.input_seq, now.public_seq, now.fence, now.version),
        )

    serial = [
        await outcome("forward", (first, second), together=False),
        await outcome("backward", (second, first), together=False),
    ]
    for round in range(5):
        assert await outcome(f"round {round}", (first, second), together=True) in serial


# The server goes away


async def test_a_connection_that_was_ended_while_idle_costs_nothing(scenes: list[Scene], server: Any) -> None:
    kept = await scenes[0].says("before")
    await scenes[0].log(kept.conversation)
    await _end_others(server)
    assert (await scenes[0].says("after")).seq == 2
    assert seqs(await scenes[0].log(kept.conversation)) == [1, 2]


async def test_a_connection_that_is_ended_at_work_takes_nothing_with_it(scenes: list[Scene], server: Any) -> None:
    claimed = await scenes[0].asks("hello")
    async with Held(server, claimed.conversation.id) as row:
        commit = await row.queue(scenes[0].store.write(scenes[0].commit(claimed, "hi")))
        await _end_others(server)
        again = asyncio.gather(commit, return_exceptions=True)
        await asyncio.sleep(0.05)
    (done,) = await again
    assert isinstance(done, Committed | StoreDown)
    said = [event for event in await scenes[0].log(claimed.conversation.id) if event.author == BOT]
    assert len(said) == (1 if isinstance(done, Committed) else 0)


OPEN_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


class Between:
    """Stands between a store and its server, and once `armed` keeps the answer to one BEGIN back until `let_go`."""

    def __init__(self, address: str) -> None:
        self._server = sa.make_url(address)
        self.armed, self.begun, self.let_go = False, asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def address(self) -> AsyncIterator[str]:
        listening = await asyncio.start_server(self._pass_on, "127.0.0.1")
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            yield self._server.set(port=port).render_as_string()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._server.host
        assert self._server.port
        answers, asks = await asyncio.open_connection(self._server.host, self._server.port)
        await asyncio.gather(self._copy(reader, asks), self._copy(answers, writer), return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.armed and b"BEGIN" in data:
                if data.startswith(b"Q"):
                    self.begun.set()
                else:
                    self.armed = False
                    await self.let_go.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


async def test_a_question_that_is_given_up_leaves_no_transaction_behind(postgres_database: str, server: Any) -> None:
    between = Between(postgres_database)
    async with between.address() as address:
        store = await opened(address)
        assert await store.read(Agents()) == ()
        between.armed = True
        asked = asyncio.create_task(store.read(Agents()))
        await between.begun.wait()
        asked.cancel()
        between.let_go.set()
        await asyncio.gather(asked, return_exceptions=True)
        assert await store.read(Agents()) == ()
        assert await server.fetchval(OPEN_TRANSACTIONS) == 0
        await store.close()


async def _end_others(server: Any) -> None:
    ours = "pid <> pg_backend_pid() AND application_name = 'frontdesk'"
    await server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")


async def test_a_server_that_cannot_be_reached_is_a_store_that_is_down() -> None:
    with pytest.raises(StoreDown, match="cannot be reached"):
        await opened("postgresql://nobody@127.0.0.1:1/nothing")


async def test_a_database_that_is_not_there_is_a_store_that_is_down(postgres_dsn: str) -> None:
    with pytest.raises(StoreDown, match="does not exist"):
        await opened(postgres_dsn.rpartition("/")[0] + "/nothing_here")


async def test_an_empty_database_names_the_command(postgres_dsn: str) -> None:
    with pytest.raises(SettingsError, match="frontdesk db upgrade"):
        await opened(postgres_dsn.rpartition("/")[0] + "/template1")


# Batches


async def test_what_waits_is_committed_in_few_transactions(scenes: list[Scene]) -> None:
    scene = scenes[0]
    assert isinstance(scene.store, PostgresStore)
    before = scene.store.commits
    kept = await asyncio.gather(*(scene.says("hello", chat=str(chat), lease=LEASE) for chat in range(200)))
    await asyncio.gather(*(scene.store.write(scene.commit(one.claimed, "hi")) for one in kept if one.claimed))
    assert scene.store.commits - before <= 8


async def test_an_undisturbed_turn_is_two_commits(scenes: list[Scene]) -> None:
    scene = scenes[0]
    assert isinstance(scene.store, PostgresStore)
    await scene.exchange("hello")
    before = scene.store.commits
    await scene.exchange("more")
    assert scene.store.commits - before == 2


async def test_turns_of_live_conversations_are_one_statement_for_each_batch(scenes: list[Scene]) -> None:
    """Without a transaction around it: the statement is committed by itself."""
    scene, store = scenes[0], scenes[0].store
    assert isinstance(store, PostgresStore)
    await asyncio.gather(*(scene.exchange("hello", chat=str(chat)) for chat in range(40)))
    statements = await _logged(store)
    before = store.commits
    await asyncio.gather(*(scene.exchange("more", chat=str(chat)) for chat in range(40)))
    assert len(statements) == store.commits - before <= 8


async def _logged(store: PostgresStore) -> list[str]:
    """Grows with every statement that is written from now on."""
    statements: list[str] = []
    for lane in store._lanes:
        assert lane._connection
        raw = await lane._connection.get_raw_connection()
        assert raw.driver_connection
        raw.driver_connection.add_query_logger(lambda logged: statements.append(logged.query))
    return statements


async def test_what_another_process_wrote_is_seen_and_costs_the_neighbours_nothing(scenes: list[Scene]) -> None:
    for chat in range(20):
        await scenes[0].exchange("hello", chat=str(chat))
    for chat in range(0, 20, 2):
        assert (await scenes[1].says("there", chat=str(chat), lease=LEASE)).claimed is not None
    says = (scenes[0].says("here", chat=str(chat), lease=LEASE) for chat in range(20))
    kept = await asyncio.gather(*says)
    assert [one.seq for one in kept] == [4, 3] * 10
    assert [one.claimed is None for one in kept] == [True, False] * 10


async def test_a_repeat_among_others_is_told_apart(scenes: list[Scene]) -> None:
    scene = scenes[0]
    for chat in range(20):
        await scene.exchange("hello", chat=str(chat))
    first = await scene.store.write(scene.accept("more", key="k", chat="7"))
    again = [scene.accept("more", key="k" if chat == 7 else None, chat=str(chat)) for chat in range(20)]
    kept = await asyncio.gather(*map(scene.store.write, again))
    assert [one.fresh for one in kept] == [chat != 7 for chat in range(20)]
    assert (kept[7].seq, kept[7].conversation) == (first.seq, first.conversation)


async def test_the_settings_for_a_pooler_work_without_one(postgres_database: str) -> None:
    store = await opened(f"{postgres_database}?pgbouncer=true")
    scene = Scene(store, SettableClock(), SeededRandom())
    await asyncio.gather(*(scene.says("hello", chat=str(chat)) for chat in range(20)))
    now = await scene.exchange("hello", chat="x", deliver=True)
    (delivery,) = await scene.sends()
    await store.write(scene.sent(delivery))
    assert seqs(await scene.log(now.id)) == [1, 2]
    await store.close()


async def test_what_reads_a_small_table_whole_is_not_compiled_first(postgres_database: str) -> None:
    """That would take a tenth of a second and more, each time."""
    engine = make_engine(postgres_database)
    async with engine.connect() as connection:
        plan = await connection.exec_driver_sql("EXPLAIN (ANALYZE) SELECT sum(length) FROM passage")
        assert "JIT" not in "".join(line for (line,) in plan)
    await engine.dispose()
