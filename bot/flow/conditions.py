"""Expressions of flow files: a bare name, a plain value, or CEL, compiled once when the flow is read.

CEL has no cost limit, and while it runs nothing else does. So what could become expensive is refused before it is
compiled: `map`, a macro inside a macro, and long sources; lists that come in from actions are capped elsewhere.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import ModuleType
from typing import Any

from bot.model import Json

LONGEST = 400
"""Characters of one expression."""
FACTS = ("customer", "channel", "now", "hours")
"""What every expression and text may read beside slots and results."""

_MACROS = ("all", "exists", "exists_one", "filter")
_FUNCTIONS = {
    *("size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string", "bool", "type"),
    *("timestamp", "duration", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds"),
}

Look = Callable[[str], Json]
"""Gives the value of a name; None when it has none yet."""


class BadExpression(ValueError):
    """The source cannot be used; says why in words for the author of the flow."""


class Unevaluated(Exception):
    """The expression met values it cannot work with."""


@dataclass(frozen=True, slots=True)
class Expression:
    source: str
    reads: tuple[str, ...]
    """Names it uses, sorted."""
    evaluate: Callable[[Look], Json]
    """Raises `Unevaluated`."""


def constant(value: Json) -> Expression:
    return Expression(str(value), (), lambda look: value)


def compile_expression(source: str, known: Collection[str], instants: Collection[str] = ()) -> Expression:
    """Read an expression over the known names.

    `instants` are the names whose ISO 8601 text is compared as a point in time. Raises `BadExpression`.
    """
    source = source.strip()
    if source.isidentifier() and source not in ("true", "false", "null"):
        _all_known((source,), known, source)
        return Expression(source, (source,), lambda look: look(source))
    if len(source) > LONGEST:
        raise BadExpression(f"a condition has at most {LONGEST} characters, this one has {len(source)}")
    bound = _refuse_costly(source)
    program = _compiled(source)
    reads = tuple(sorted(set(program.variables()) - bound))
    _all_known(reads, known, source)
    _all_functions_known(program.functions())
    timed = frozenset(instants) | {"now"}

    def evaluate(look: Look) -> Json:
        values = {name: _instant(look(name)) if name in timed else look(name) for name in reads}
        try:
            return _plain(program.execute(values))
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise Unevaluated(f"{source!r}: {str(error).splitlines()[0]}") from error

    return Expression(source, reads, evaluate)


@cache
def _compiler() -> Callable[[str], Any]:
    """The compiler alone: its package also loads a command line of its own, 0.4 s and 28 MB that nobody here uses."""
    command_line = "cel.cli"
    is_loaded = command_line in sys.modules
    if not is_loaded:
        sys.modules[command_line] = ModuleType(command_line)
    try:
        from cel import compile as compiler
    finally:
        if not is_loaded:
            del sys.modules[command_line]
    return compiler


def _compiled(source: str) -> Any:
    try:
        return _compiler()(source)
    except (RuntimeError, TypeError, ValueError) as error:
        lines = [line for line in str(error).splitlines() if "ERROR" in line]
        why = lines[0].partition("ERROR:")[2].strip() if lines else "nested too deep"
        raise BadExpression(f"condition {source!r} cannot be read: {why}") from error


def _all_known(reads: Collection[str], known: Collection[str], source: str) -> None:
    for name in reads:
        if name not in known:
            raise BadExpression(f"{source!r} names {name!r}, which is neither a slot nor a result{hint(name, known)}")


def _all_functions_known(names: Collection[str]) -> None:
    for name in names:
        if not name.startswith(("_", "!", "-", "@")) and name not in _FUNCTIONS:
            raise BadExpression(f"there is no function {name!r}{hint(name, _FUNCTIONS)}")


def hint(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _refuse_costly(source: str) -> set[str]:
    """The names that macros bind. CEL shows no syntax tree, so calls are looked for outside of strings."""
    bound: set[str] = set()
    open_calls: list[bool] = []  # for each open bracket, whether it belongs to a macro
    words = list(_lexemes(source))
    for at, word in enumerate(words):
        if word in "([{":
            name = words[at - 1] if at and word == "(" else ""
            is_macro = name in _MACROS and at >= 2 and words[at - 2] == "."
            if name == "map" or name == "bind":
                raise BadExpression(f"{name!r} is not allowed in conditions: its cost has no bound")
            if is_macro and any(open_calls):
                raise BadExpression(f"{name!r} stands inside another macro: its cost has no bound")
            if is_macro and at + 1 < len(words):
                bound.add(words[at + 1])
            open_calls.append(is_macro)
        elif word in ")]}" and open_calls:
            open_calls.pop()
        if len(open_calls) > 30:
            raise BadExpression("brackets are nested deeper than 30")
    return bound


def _lexemes(source: str) -> Iterator[str]:
    """Names and single signs; strings and white space are left out."""
    at = 0
    while at < len(source):
        c = source[at]
        if c in "\"'":
            at = _string_end(source, at)
        elif c.isidentifier():
            end = at
            while end < len(source) and (source[end].isidentifier() or source[end].isdigit()):
                end += 1
            # `r"..."` and `b"..."` are strings with a prefix
            if end < len(source) and source[end] in "\"'" and set(source[at:end].lower()) <= set("rb"):
                at = _string_end(source, end, raw="r" in source[at:end].lower())
                continue
            yield source[at:end]
            at = end
        else:
            if not c.isspace():
                yield c
            at += 1


def _string_end(source: str, at: int, *, raw: bool = False) -> int:
    quote = source[at]
    if source.startswith(quote * 3, at):
        raise BadExpression("use single quotes or double quotes, not three in a row")
    at += 1
    while at < len(source) and source[at] != quote:
        at += 1 if raw or source[at] != "\\" else 2
    return at + 1


def _instant(value: Json) -> object:
    if not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _plain(value: object) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be kept")
