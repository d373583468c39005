"""Log lines: JSON for machines, coloured for people.

A line of JSON never holds what anybody wrote. Field values are numbers and short words of ours; an error is told by its
kinds, codes and the places in the source it came through, never by its text, which may quote a message, a slot, a
token or a parameter of a statement. So log calls are given errors as they are, not as text, and a test reads them.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import sqlite3
import sys
import threading
import warnings
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from bot.errors import SettingsError, StoreDown

MOST_FRAMES = 30
MOST_CAUSES = 5
LONGEST = 200
"""Characters of a field."""

_WORDS_OF_OURS = (StoreDown, SettingsError)
"""Raised with words of ours; but where another error is the cause, they quote it."""
_TEMPLATES = ("uvicorn",)
"""Libraries whose lines without arguments quote nothing."""


def set_up_logs(*, screen: bool, to: TextIO = sys.stderr) -> None:
    """`screen`: for the person who has just started it, errors whole. Else for machines, with everything that this
    process would write there by itself: the lines of libraries, warnings, errors that nobody caught."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if screen:
        shared += [
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=to.isatty(), timestamp_key="time"),
        ]
    else:
        shared.append(_as_json)
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if screen else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Unbreakable(to))),
        cache_logger_on_first_use=True,
    )
    if not screen:
        _take_what_others_write()


def watch_loop() -> None:
    """Errors of the running loop that nobody awaits become lines as well."""
    asyncio.get_running_loop().set_exception_handler(_of_loop)


class _Unbreakable:
    """A log that cannot be written (a full disk, a reader that went away) must stop nothing else."""

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def write(self, line: str) -> None:
        try:
            self._to.write(line)
        except (OSError, ValueError):
            pass

    def flush(self) -> None:
        try:
            self._to.flush()
        except (OSError, ValueError):
            pass


# One line


def _as_json(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    fields = dict(line)
    told: dict[str, Any] = {name: _short(fields.pop(name, "")) for name in ("time", "level", "event")}
    error = _error_of(fields.pop("exc_info", None))
    told |= {name: _value(value) for name, value in fields.items()}
    if error:
        told["error"] = _told(error)
    return json.dumps(told)


def _value(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _short(value)
        case BaseException():
            return _told(value)
        case _:
            return f"<{type(value).__name__}>"


def _short(value: Any) -> str:
    return str(value)[:LONGEST]


def _error_of(given: Any) -> BaseException | None:
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case None | False:
            return None
        case _:
            return sys.exc_info()[1]


def _told(error: BaseException, depth: int = MOST_CAUSES) -> dict[str, Any]:
    """Kind, code, words where they are ours, the places it came through (innermost last), and what caused it."""
    told: dict[str, Any] = {"kind": type(error).__qualname__}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if code := _code(error):
        told["code"] = code
    if isinstance(error, _WORDS_OF_OURS) and cause is None:
        told["why"] = _short(error)
    if places := _places(error.__traceback__):
        told["at"] = places
    if isinstance(error, BaseExceptionGroup) and depth:
        told["of"] = [_told(one, depth - 1) for one in error.exceptions[:MOST_CAUSES]]
    if cause is not None and depth:
        told["because"] = _told(cause, depth - 1)
    return told


def _code(error: BaseException) -> str | int | None:
    """What a database, the system or a server calls it."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", None)
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0)
    code = getattr(error, "sqlstate", None) or getattr(error, "status_code", None)
    return code if isinstance(code, int) or (isinstance(code, str) and code.isalnum() and len(code) <= 5) else None


def _places(traceback: TracebackType | None) -> list[str]:
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-3:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-MOST_FRAMES:]


# What others write


def _take_what_others_write() -> None:
    logging.root.handlers = [_Handler(logging.WARNING)]
    sys.excepthook = lambda kind, error, traceback: _crashed("process.crashed", error)
    threading.excepthook = lambda told: _crashed("thread.crashed", told.exc_value)
    sys.unraisablehook = lambda told: _crashed("process.unraisable", told.exc_value)
    warnings.showwarning = _of_warning


class _Handler(logging.Handler):
    """A line of a library. What has arguments is told without them; a line made by the library alone may hold anything
    and is told by its place."""

    def emit(self, record: logging.LogRecord) -> None:
        template = isinstance(record.msg, str) and (record.args or record.name.split(".")[0] in _TEMPLATES)
        fields = {"says": record.msg.strip()} if template else {}
        structlog.get_logger().log(
            record.levelno,
            "library.said",
            library=record.name,
            at=f"{record.filename}:{record.lineno}",
            exc_info=record.exc_info,
            **fields,
        )


def _crashed(event: str, error: BaseException | None) -> None:
    structlog.get_logger().critical(event, exc_info=error)


def _of_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    structlog.get_logger().warning(
        "python.warned", kind=category.__name__, at=f"{filename.rpartition('/')[2]}:{lineno}"
    )


def _of_loop(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    # The message about a callback quotes its arguments; the others are fixed words.
    says = "" if "handle" in context else context.get("message", "")
    structlog.get_logger().error("loop.failed", says=says, exc_info=context.get("exception"))
