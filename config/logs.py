"""Log lines: JSON for machines, coloured for people. Never the text of a message."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


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
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=True,
    )
