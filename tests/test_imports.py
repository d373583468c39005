"""Who may import whom: `config → channels → bot ← flows`, and nobody the other way.

The source is read, not imported, so that an import inside a function counts as well.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "bot": {"bot"},
    "channels": {"channels", "bot"},
    "flows": {"flows", "bot"},
    "config": {"config", "channels", "bot", "flows"},
}
# A library of a platform, and the adapter that may name it at the top of its file.
PLATFORMS = {
    "aiogram": ("channels.telegram",),
    "slack_bolt": ("channels.slack",),
    "slack_sdk": ("channels.slack",),
    "discord": ("channels.discord",),
    "openai": ("bot.llm.openai",),
}
WEB_FRAMEWORKS = ("fastapi", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Import:
    importer: str  # the importing module, dotted
    imported: str  # what it names, dotted; of `from bot import model` it is `bot.model`
    line: int
    at_start: bool  # when the module itself is imported, not when a function is called

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def test_the_folders_import_in_one_direction() -> None:
    def wrong(found: Import) -> bool:
        folder, target = _top(found.importer), _top(found.imported)
        return target in MAY_IMPORT and target not in MAY_IMPORT[folder]

    assert _those(wrong) == []


def test_no_channel_imports_another() -> None:
    def wrong(found: Import) -> bool:
        other = _channel(found.imported)
        return _top(found.importer) == "channels" and other is not None and other != _channel(found.importer)

    assert _those(wrong) == []


def test_the_core_knows_no_web_framework() -> None:
    assert _those(lambda found: _top(found.importer) == "bot" and _top(found.imported) in WEB_FRAMEWORKS) == []


def test_the_engine_is_handed_its_responders() -> None:
    assert _those(lambda found: found.importer == "bot.engine" and _within(found.imported, "bot.responders")) == []


def test_responders_import_neither_a_store_nor_a_client() -> None:
    def wrong(found: Import) -> bool:
        forbidden = _within(found.imported, "bot.store") or _within(found.imported, "bot.llm")
        return forbidden and _within(found.importer, "bot.responders")

    assert _those(wrong) == []


def test_platform_libraries_are_imported_by_their_own_adapter_or_when_needed() -> None:
    def wrong(found: Import) -> bool:
        adapters = PLATFORMS.get(_top(found.imported))
        return adapters is not None and found.at_start and not found.importer.startswith(adapters)

    assert _those(wrong) == []


# What a run cannot repeat: the time and chance of the machine, and threads. The core is handed `Clock` and `Random`.
NOT_REPEATABLE = ("time", "random", "secrets", "uuid", "threading", "concurrent.futures", "multiprocessing")
NOT_TO_CALL = ("now", "utcnow", "today", "time", "sleep", "call_later", "call_at", "timeout", "wait_for", "Thread")
OWN_CLOCKS = ("clock", "_clock", "self._clock", "self.clock")
# A loop may do it at once instead: the simulation's does.
MAY_LEAVE_THE_LOOP = {(module, "to_thread") for module in ("bot.knowledge.index", "bot.llm.openai", "bot.uploads")}
# They are the clock and the chance of tests; and the suite of channels waits for sockets.
TESTING = ("bot.testing.clock", "bot.testing.chance", "bot.testing.channel")


def test_the_core_takes_time_and_chance_from_its_ports_only() -> None:
    imported = [
        str(found)
        for found in _imports()
        if _within(found.importer, "bot")
        and not _may_be_unrepeatable(found.importer)
        and any(_within(found.imported, name) for name in NOT_REPEATABLE)
    ]
    called = [call for path in sorted((ROOT / "bot").rglob("*.py")) for call in _unrepeatable_calls(path)]
    assert imported + called == []


def _may_be_unrepeatable(module: str) -> bool:
    return _within(module, "bot.store") or module == "bot.files" or module in TESTING


def _unrepeatable_calls(path: Path) -> Iterator[str]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if _may_be_unrepeatable(module):
        return
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of, name = ast.unparse(node.func.value), node.func.attr
            leaves = name in ("to_thread", "run_in_executor") and (module, name) not in MAY_LEAVE_THE_LOOP
            if leaves or (name in NOT_TO_CALL and of not in OWN_CLOCKS):
                yield f"{module}:{node.lineno} calls {of}.{name}"


def _those(wrong: Callable[[Import], bool]) -> list[str]:
    return [str(found) for found in _imports() if wrong(found)]


def _top(module: str) -> str:
    return module.partition(".")[0]


def _within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _channel(module: str) -> str | None:
    """The channel a module belongs to: a package is one channel, whatever stands in it."""
    folder, _, rest = module.partition(".")
    return rest.partition(".")[0] if folder == "channels" and rest else None


@cache
def _imports() -> tuple[Import, ...]:
    return tuple(
        found for folder in MAY_IMPORT for path in sorted((ROOT / folder).rglob("*.py")) for found in _of(path)
    )


def _of(path: Path) -> Iterator[Import]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_bytes(), path)
    at_start = set(map(id, _at_start(tree)))
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(source), level=0):
                names = [f"{source}.{alias.name}" for alias in node.names]
            case ast.ImportFrom():
                raise AssertionError(f"{path}:{node.lineno}: a relative import; write the whole name")
            case _:
                continue
        for name in names:
            yield Import(module, name, line=node.lineno, at_start=id(node) in at_start)


def _at_start(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: neither the bodies of functions nor what only the type checker reads."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                pass
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for other in child.orelse:
                    yield other
                    yield from _at_start(other)
            case _:
                yield child
                yield from _at_start(child)
