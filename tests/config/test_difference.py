"""`frontdesk diff`, as people run it: beside a server, before they publish."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from config.difference import difference, told
from tests.bot.flow.script import ACTIONS
from tests.config.test_main import run
from tests.journeys.stage import stage
from tests.journeys.test_publishing import edition


@pytest.fixture(params=["file", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"sqlite:///{tmp_path}/store.db"
    return str(request.getfixturevalue("postgres_database"))


async def lines(folder: Path, address: str) -> list[str]:
    return list(told(await difference(folder, address)))


async def test_it_counts_who_moves_and_who_stays_while_they_are_served(tmp_path: Path, address: str) -> None:
    new = tmp_path / "new"
    new.mkdir()
    edition(
        new,
        ("version: 1", "version: 2"),
        ("ask: order, say: Which order?", "ask: order, say: Its number?, tries: 5"),
        ("  - {ask: day, say: Which day?}", "  - {say: Fine.}\n  - {ask: day, say: Which day?}"),
    )
    async with stage(tmp_path, flows=edition(tmp_path), database=address) as desk:
        for chat in ("ann", "ben", "cleo"):
            await desk.say("book it", chat=chat)
        await desk.say("A-17", chat="cleo")
        assert await lines(new, address) == [
            "book  version 1 → 2",
            "  steps: + say_2, ~ ask_order, ~ say_1",
            "  conversations: 1 same, 2 kept",
            "    kept: 2 at ask_order: the steps from 'ask_order' on are others now, and the flow has no 'migrate'",
        ]
        assert await lines(tmp_path, address) == ["book  version 1", "  conversations: 3 same"]
        assert await desk.say("A-17", chat="ann") == ["Which day?"]


async def test_a_mistake_that_would_break_somebody_is_told(tmp_path: Path, address: str) -> None:
    new = tmp_path / "new"
    new.mkdir()
    changed = (
        ("slots:", "migrate: {ask_oder: ask_day}\nslots:"),
        ("  - {ask: order, say: Which order?}", "  - {id: which, ask: order, say: Which one?, tries: 7}"),
        ("with: {order: order}", "with: {number: order}"),
    )
    edition(new, *changed, actions=ACTIONS.replace("async def book_it(order: str)", "async def book_it(number: str)"))
    async with stage(tmp_path, flows=edition(tmp_path), database=address) as desk:
        await desk.say("book it")
        found = await difference(new, address)
    assert [each.fails for each in found] == [True]
    assert list(told(found)) == [
        "book  version 1",
        "  error: its steps changed, and it is still version 1: write 'version: 2'",
        "  error: 'migrate' names step 'ask_oder', which version 1 does not have",
        "  steps: + which, - ask_order, ~ do_book_it",
        "  conversations: 1 broken",
        "    broken: 1 at ask_order: step 'ask_order' is gone, and 'migrate' does not name it; its old version can no"
        f" longer be read: {tmp_path}/flows.yaml:11:26: action 'book_it' has no input 'order'",
    ]


def test_the_command_says_what_would_happen_and_fails_when_it_breaks_something(tmp_path: Path) -> None:
    """It writes nothing, and needs no database to be there."""
    path = tmp_path / "empty.db"
    done = run("diff", data=tmp_path, FRONTDESK_DATABASE_URL=f"sqlite:///{path}")
    assert (done.returncode, done.stdout.strip(), path.exists()) == (0, "nothing changes", False)


async def test_the_command_exits_with_an_error_for_a_number_used_twice(tmp_path: Path) -> None:
    address, new = f"sqlite:///{tmp_path}/store.db", tmp_path / "new"
    new.mkdir()
    edition(new, ("say: Which day?", "say: Which day?, tries: 9"))
    async with stage(tmp_path, flows=edition(tmp_path), database=address):
        done = await asyncio.to_thread(run, "diff", str(new), data=tmp_path, FRONTDESK_DATABASE_URL=address)
    assert (done.returncode, done.stderr) == (1, "")
    assert "it is still version 1: write 'version: 2'" in done.stdout
