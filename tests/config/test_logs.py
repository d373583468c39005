"""What a log line holds: one JSON object, and nothing that anybody wrote."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import logging
import sqlite3
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog

from bot.errors import ActionFailed, StoreDown, Unreachable
from config.logs import set_up_logs, watch_loop

ROOT = Path(__file__).parents[2]
CANARY = "canary-4711"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a `serve` writes; everything it takes over is given back."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.root.handlers
    to = io.StringIO()
    set_up_logs(screen=False, to=to)
    yield to
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.root.handlers = hooks
    structlog.reset_defaults()


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def fails(with_cause: bool = True) -> None:
    secret = CANARY  # a value that a frame holds
    try:
        raise ValueError(f"no such order: {secret}")
    except ValueError as error:
        raise ActionFailed(f"look_up: {error}") from (error if with_cause else None)


def test_a_line_is_one_object_of_time_level_event_and_fields(written: io.StringIO) -> None:
    structlog.get_logger().info("a.thing", conversation="c1", attempt=2, dead=False, channel=None)
    (line,) = lines(written)
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "info",
        "event": "a.thing",
        "conversation": "c1",
        "attempt": 2,
        "dead": False,
        "channel": None,
    }


def test_no_line_can_be_broken_or_forged(written: io.StringIO) -> None:
    structlog.get_logger().info("a.thing", name='x\n{"event": "forged"}\r\u2028\x00\ud800')
    structlog.get_logger().info("a.thing", name="x" * 100_000)
    first, second = written.getvalue().splitlines()
    assert json.loads(first)["name"].startswith("x\n")
    assert len(second) < 500


def test_an_exception_is_told_by_kinds_and_places_and_not_by_texts_or_values(written: io.StringIO) -> None:
    try:
        fails()
    except ActionFailed:
        structlog.get_logger().exception("turn.failed", turn=7)
    (line,) = lines(written)
    error = line["error"]
    assert (error["kind"], error["because"]["kind"]) == ("ActionFailed", "ValueError")
    assert [place.split(" ")[1] for place in error["at"]] == [
        "test_an_exception_is_told_by_kinds_and_places_and_not_by_texts_or_values",
        "fails",
    ]
    assert "config/test_logs.py:" in error["at"][0]
    assert CANARY not in written.getvalue()


def test_an_error_that_is_a_field_is_told_in_the_same_way(written: io.StringIO) -> None:
    structlog.get_logger().warning("not.sent", why=Unreachable(f"the server said {CANARY}"))
    assert lines(written)[0]["why"] == {"kind": "Unreachable"}
    assert CANARY not in written.getvalue()


def test_a_store_that_is_down_says_why_in_our_words_or_in_the_codes_of_its_cause(written: io.StringIO) -> None:
    structlog.get_logger().error("store.down", why=StoreDown("the store is closed"))
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a TEXT CHECK (a = ''))")
        try:
            connection.execute("INSERT INTO t VALUES (?)", (CANARY,))
        except sqlite3.Error as error:
            down = StoreDown(f"quoted: {CANARY}")
            down.__cause__ = error
    connection.close()
    structlog.get_logger().error("store.down", why=down)
    first, second = (line["why"] for line in lines(written))
    assert first == {"kind": "StoreDown", "why": "the store is closed"}
    assert second["kind"] == "StoreDown"
    assert (second["because"]["kind"], second["because"]["code"]) == ("IntegrityError", "SQLITE_CONSTRAINT_CHECK")
    assert CANARY not in written.getvalue()


async def test_a_server_that_quotes_a_parameter_is_told_by_its_code(
    written: io.StringIO, postgres_database: str
) -> None:
    connection = await asyncpg.connect(postgres_database)
    with pytest.raises(asyncpg.exceptions.InvalidTextRepresentationError, match=CANARY) as refused:
        await connection.fetch("SELECT $1::text::bigint", CANARY)
    await connection.close()
    structlog.get_logger().error("store.down", why=refused.value)
    why = lines(written)[0]["why"]
    assert (why["kind"], why["code"]) == ("InvalidTextRepresentationError", "22P02")
    assert CANARY not in written.getvalue()


def test_a_full_disk_has_its_name(written: io.StringIO) -> None:
    structlog.get_logger().error("a.thing", why=OSError(28, "No space left on device", CANARY))
    assert lines(written)[0]["why"] == {"kind": "OSError", "code": "ENOSPC"}


def test_what_is_neither_number_nor_word_is_told_by_its_type(written: io.StringIO) -> None:
    structlog.get_logger().info("a.thing", slots={"name": CANARY}, raw=CANARY.encode(), many=[CANARY])
    line = lines(written)[0]
    assert (line["slots"], line["raw"], line["many"]) == ("<dict>", "<bytes>", "<list>")


def test_every_error_of_a_group_is_told(written: io.StringIO) -> None:
    group = ExceptionGroup(CANARY, [ValueError(CANARY), KeyError(CANARY)])
    structlog.get_logger().error("a.thing", exc_info=group)
    assert [one["kind"] for one in lines(written)[0]["error"]["of"]] == ["ValueError", "KeyError"]
    assert CANARY not in written.getvalue()


def test_an_error_that_causes_itself_is_told_once(written: io.StringIO) -> None:
    first, second = ValueError(CANARY), KeyError(CANARY)
    first.__cause__, second.__cause__ = second, first
    structlog.get_logger().error("a.thing", why=first)
    assert len(written.getvalue()) < 1000


def test_libraries_write_the_same_lines_without_their_arguments(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("cannot read %r", CANARY)
    logging.getLogger("some.library").warning(f"made by itself: {CANARY}")
    try:
        fails()
    except ActionFailed:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    logging.getLogger("some.library").info("not worth a line")
    first, second, third = lines(written)
    assert (first["event"], first["library"], first["says"]) == ("library.said", "some.library", "cannot read %r")
    assert "says" not in second
    assert second["at"].startswith("test_logs.py:")
    assert (third["level"], third["says"]) == ("error", "Exception in ASGI application")
    assert third["error"]["kind"] == "ActionFailed"
    assert CANARY not in written.getvalue()


async def test_errors_that_nobody_awaits_are_lines(written: io.StringIO) -> None:
    async def breaks() -> None:
        raise ValueError(CANARY)

    def breaks_too(words: str) -> None:
        raise KeyError(words)

    watch_loop()
    loop = asyncio.get_running_loop()
    loop.call_soon(breaks_too, CANARY)
    task = asyncio.create_task(breaks())
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0)
    called, awaited = lines(written)
    assert (called["event"], called["says"], called["error"]["kind"]) == ("loop.failed", "", "KeyError")
    assert (awaited["says"], awaited["error"]["kind"]) == ("Task exception was never retrieved", "ValueError")
    assert CANARY not in written.getvalue()


def test_what_ends_a_thread_or_the_process_is_a_line_and_so_is_a_warning(written: io.StringIO) -> None:
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    try:
        fails()
    except ActionFailed as error:
        sys.excepthook(ActionFailed, error, error.__traceback__)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning(CANARY), UserWarning, "/somewhere/file.py", 12)
    assert [line["event"] for line in lines(written)] == ["thread.crashed", "process.crashed", "python.warned"]
    assert CANARY not in written.getvalue()


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    class Full(io.StringIO):
        def write(self, line: str) -> int:
            raise OSError(28, "No space left on device")

    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.root.handlers
    set_up_logs(screen=False, to=Full())
    structlog.get_logger().error("a.thing")
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning, logging.root.handlers = hooks
    structlog.reset_defaults()


def test_the_person_at_the_screen_sees_errors_whole() -> None:
    to = io.StringIO()
    set_up_logs(screen=True, to=to)
    try:
        fails()
    except ActionFailed:
        structlog.get_logger().exception("turn.failed")
    structlog.reset_defaults()
    assert f"no such order: {CANARY}" in to.getvalue()


# What the program hands to its log


def calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in ("bot", "channels", "config"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("debug", "info", "warning", "error", "exception", "critical")
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "log"
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_no_log_call_makes_text_of_an_error_or_of_anything_else() -> None:
    """As text it could not be told from a word of ours."""
    made = [
        f"{place} {given.arg}"
        for place, call in calls()
        for given in call.keywords
        if isinstance(given.value, ast.JoinedStr | ast.BinOp)
        or (isinstance(given.value, ast.Call) and ast.unparse(given.value.func) in ("str", "repr", "format", "vars"))
    ]
    assert made == []
    assert len(list(calls())) > 20


def test_every_event_is_named_by_a_word_of_ours() -> None:
    named = {place: call.args[0].value if isinstance(call.args[0], ast.Constant) else None for place, call in calls()}
    assert [
        place for place, name in named.items() if not (isinstance(name, str) and "." in name and " " not in name)
    ] == []
