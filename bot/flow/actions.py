"""A project's Python: actions that flows run, slot types that flows use. Loaded by path under a name of its own."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_type_hints

from bot.errors import ActionFailed
from bot.flow.declare import ACTION, SLOT_TYPE, ActionMark, SlotTypeMark
from bot.flow.slots import Hearing, SlotType
from bot.model import Json

LARGEST_LIST = 1_000
"""Items a result may hold in one list: conditions over it stay cheap."""
LARGEST_RESULT = 64 * 1024
"""Bytes of one result as JSON."""

_KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    name: str
    effect: Literal["read", "write", "money"]
    timeout: timedelta
    inputs: frozenset[str]
    required: frozenset[str]
    undo: str = ""
    scopes: tuple[str, ...] = ()
    """What an assistant must be granted to run it."""
    call: Callable[[Mapping[str, Json], str], Coroutine[Any, Any, Json]]
    """With inputs and idempotency key. Raises `ActionFailed`, whatever the function raised."""
    schema: Callable[[], dict[str, Json]] = dict
    """JSON Schema of its inputs, for those who call it by themselves."""
    about: str = ""
    """The first line of its docstring."""
    check: Callable[[str], Coroutine[Any, Any, Json]] | None = None
    """What a call under that key gave; None: there was none. Raises `ActionFailed`."""


class BadAction(ValueError):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def load(path: Path) -> ModuleType:
    """Run the file. Raises `BadAction` whatever it raises: a project's mistake is a message, not a crash.

    Always what stands in the file: bytecode kept beside it goes by whole seconds, and may be that of a moment ago. A
    file that changed is another module, so what is still at work in the old one is left alone.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadAction(1, f"cannot be read: {error.strerror or error}") from error
    name = f"frontdesk_project_{hashlib.sha256(str(path.resolve()).encode() + source).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # annotations are looked up there
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except SyntaxError as error:
        raise BadAction(error.lineno or 1, f"is no Python: {error.msg}") from error
    except Exception as error:  # foreign code may raise anything
        raise BadAction(_line_of(error, path), f"raised {type(error).__name__}: {error}") from error
    return module


def actions_of(module: ModuleType) -> dict[str, Action]:
    """The marked functions by name. Raises `BadAction`."""
    return {
        name: _action(name, function, getattr(function, ACTION))
        for name, function in vars(module).items()
        if isinstance(getattr(function, ACTION, None), ActionMark)
    }


def slot_types_of(module: ModuleType) -> dict[str, SlotType]:
    marked = ((getattr(value, SLOT_TYPE, None), value) for value in vars(module).values())
    return {mark.name: _slot_type(mark, parser) for mark, parser in marked if isinstance(mark, SlotTypeMark)}


def span(text: str) -> timedelta:
    """`10s`, `5m`, `2h`, `1d`, `250ms`. Raises ValueError."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(number) :]
    if unit not in units or not number.isdecimal() or len(number) > 6:
        raise ValueError(f"{text!r} is no span of time; it looks like 10s, 5m, 2h or 1d")
    return timedelta(seconds=int(number) * units[unit])


def _action(name: str, function: Any, mark: ActionMark) -> Action:
    line = inspect.unwrap(function).__code__.co_firstlineno
    if not inspect.iscoroutinefunction(function):
        raise BadAction(line, f"action {name!r} must be an async function")
    if mark.effect not in ("read", "write", "money"):
        raise BadAction(line, f"action {name!r}: the effect is read, write or money, not {mark.effect!r}")
    try:
        timeout = span(mark.timeout)
    except ValueError as error:
        raise BadAction(line, f"action {name!r}: {error}") from error
    parameters = {key: value for key, value in inspect.signature(function).parameters.items() if key != _KEY}
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL, p.POSITIONAL_ONLY) for p in parameters.values()):
        raise BadAction(line, f"action {name!r} may only have named parameters")
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError) as error:
        raise BadAction(line, f"action {name!r}: its annotations cannot be read: {error}") from error
    for missing in (*(key for key in parameters if key not in hints), *(() if "return" in hints else ("its result",))):
        raise BadAction(line, f"action {name!r}: {missing} has no type")
    return Action(
        name=name,
        effect=mark.effect,
        timeout=timeout,
        undo=mark.undo,
        scopes=mark.scopes,
        inputs=frozenset(parameters),
        required=frozenset(key for key, value in parameters.items() if value.default is value.empty),
        call=_caller(name, function, hints["return"], takes_key=_KEY in inspect.signature(function).parameters),
        schema=lambda: _schema(function),
        about=(inspect.getdoc(function) or "").partition("\n")[0],
        check=_checker(name, mark.check, hints["return"]) if mark.check else None,
    )


def _caller(
    name: str, function: Callable[..., Any], result: Any, *, takes_key: bool
) -> Callable[[Mapping[str, Json], str], Coroutine[Any, Any, Json]]:
    prepared: list[tuple[Any, Any]] = []  # pydantic is imported when the first action runs

    async def call(args: Mapping[str, Json], key: str) -> Json:
        from pydantic import TypeAdapter, ValidationError, validate_call

        if not prepared:
            prepared.append((validate_call(function), TypeAdapter(result)))
        checked, adapter = prepared[0]
        try:
            given = await checked(**args, **({_KEY: key} if takes_key else {}))
            return _bounded(adapter.dump_python(adapter.validate_python(given), mode="json"))
        except ActionFailed:
            raise
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ActionFailed(f"{name}: {where or 'result'}: {first['msg']}") from error
        except Exception as error:  # foreign code may raise anything; the flow's `fails` decides
            raise ActionFailed(f"{name}: {type(error).__name__}: {error}") from error

    return call


def _schema(function: Callable[..., Any]) -> dict[str, Json]:
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(function).json_schema()
    schema.get("properties", {}).pop(_KEY, None)
    schema["required"] = [name for name in schema.get("required", ()) if name != _KEY]
    return schema


def _checker(
    name: str, check: Callable[[str], Awaitable[Any]], result: Any
) -> Callable[[str], Coroutine[Any, Any, Json]]:
    async def checked(key: str) -> Json:
        from pydantic import TypeAdapter

        try:
            found = await check(key)
            return None if found is None else _bounded(TypeAdapter(result).dump_python(found, mode="json"))
        except Exception as error:  # foreign code may raise anything
            raise ActionFailed(f"{name}: {type(error).__name__}: {error}") from error

    return checked


def _bounded(result: Any) -> Json:
    import msgspec

    if len(msgspec.json.encode(result)) > LARGEST_RESULT:
        raise ActionFailed(f"the result is larger than {LARGEST_RESULT // 1024} kB")
    if _longest_list(result) > LARGEST_LIST:
        raise ActionFailed(f"the result holds a list of more than {LARGEST_LIST} items")
    bounded: Json = result
    return bounded


def _longest_list(value: Any) -> int:
    match value:
        case dict():
            return max(map(_longest_list, value.values()), default=0)
        case list():
            return max(len(value), max(map(_longest_list, value), default=0))
        case _:
            return 0


def _slot_type(mark: SlotTypeMark, parser: Callable[[str], str | None]) -> SlotType:
    def parse(words: str, hearing: Hearing) -> Json:
        if len(words) > 1_000:
            return None
        try:
            return parser(words)
        except ValueError:
            return None

    return SlotType(name=mark.name, parse=parse, error=mark.error.removeprefix("@"), find=parse)


def _line_of(error: BaseException, path: Path) -> int:
    lines = [1]
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines[-1]
