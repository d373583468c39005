"""Log lines: JSON for machines, coloured for people. Never the text of a message."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog


class Lossy:
    """A stream that drops what it cannot take: a full disk or a reader that has gone must not stop the program."""

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._to.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._to.flush()


def set_up_logs(*, screen: bool, to: TextIO = sys.stderr) -> None:
    renderer: structlog.typing.Processor
    renderer = structlog.dev.ConsoleRenderer(colors=to.isatty()) if screen else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if screen else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Lossy(to))),  # it writes and flushes, no more
        cache_logger_on_first_use=True,
    )
