"""The program outlives its log."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator

import pytest
import structlog

from config.logs import set_up_logs


class Full(io.StringIO):
    """A file on a disk that takes nothing more."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_log_that_takes_nothing_stops_nobody() -> None:
    set_up_logs(screen=False, to=Full())
    structlog.get_logger().error("engine.store_down", why="the disk is full")


def test_a_line_is_written_whole() -> None:
    stream = io.StringIO()
    set_up_logs(screen=False, to=stream)
    structlog.get_logger().error("engine.store_down")
    assert stream.getvalue().startswith('{"event": "engine.store_down", "level": "error"')
