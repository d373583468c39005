"""Takes YAML nodes apart and notes every mistake with its place, so that one reading finds them all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.errors import FlowProblem
from bot.flow.conditions import hint
from bot.flow.source import Mark, Node

T = TypeVar("T")

_RESERVED = {
    *("and", "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "is", "let"),
    *("loop", "namespace", "none", "not", "null", "or", "package", "return", "self", "true", "var", "void", "while"),
}


@dataclass(slots=True)
class Problems:
    found: list[FlowProblem] = field(default_factory=list)

    def add(self, at: Node | Mark, message: str) -> None:
        mark = at.mark if isinstance(at, Node) else at
        problem = FlowProblem(mark.path, mark.line, mark.column, message)
        if problem not in self.found:
            self.found.append(problem)


@dataclass(slots=True)
class Fields:
    """The keys of one mapping. A field that is missing or of the wrong kind is noted and read as its default."""

    node: Node
    what: str
    """What the mapping is, for messages: `step 'ask'`."""
    problems: Problems

    def only(self, allowed: Sequence[str]) -> None:
        for key, (at, _) in self.node.pairs.items():
            if key not in allowed:
                self.problems.add(at, f"{self.what} has no key {key!r}{hint(key, allowed)}")

    def has(self, key: str) -> bool:
        return key in self.node

    def node_of(self, key: str) -> Node | None:
        return self.node.get(key)

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        node = self._given(key, required=required)
        if node is None:
            return default
        if node.kind == "text" and str(node.scalar).strip():
            return str(node.scalar)
        return self._wrong(node, key, "a text", default)

    def name(self, key: str, default: str = "", *, required: bool = False) -> str:
        text = self.text(key, default, required=required)
        if text and text != default:
            check_name(text, self.node[key], self.problems)
        return text

    def truth(self, key: str, default: bool = False) -> bool:
        node = self._given(key)
        if node is None:
            return default
        if node.kind == "truth":
            return bool(node.scalar)
        return self._wrong(node, key, "true or false", default)

    def count(self, key: str, default: int, *, least: int, most: int) -> int:
        node = self._given(key)
        if node is None:
            return default
        if isinstance(node.scalar, int) and node.kind == "number" and least <= node.scalar <= most:
            return node.scalar
        return self._wrong(node, key, f"a whole number from {least} to {most}", default)

    def one_of(self, key: str, allowed: Sequence[str], default: str) -> str:
        node = self._given(key)
        if node is None:
            return default
        if node.kind == "text" and node.scalar in allowed:
            return str(node.scalar)
        return self._wrong(node, key, " or ".join(map(repr, allowed)), default)

    def items(self, key: str, *, required: bool = False) -> list[Node]:
        node = self._given(key, required=required)
        if node is None:
            return []
        if node.kind == "list":
            return node.items
        return self._wrong(node, key, "a list", [])

    def texts(self, key: str, *, required: bool = False) -> list[str]:
        return [str(node.scalar) for node in self.items(key, required=required) if self._is_text(node, key)]

    def pairs(self, key: str) -> Iterator[tuple[str, Node, Node]]:
        """Key, its node, the value's node, of a mapping."""
        node = self._given(key)
        if node is None:
            return
        if node.kind != "mapping":
            self._wrong(node, key, "a mapping", None)
            return
        for name, (at, value) in node.pairs.items():
            yield name, at, value

    def _is_text(self, node: Node, key: str) -> bool:
        if node.kind == "text" and str(node.scalar).strip():
            return True
        self.problems.add(node, f"{self.what}: {key!r} lists texts, here stands {node.named}")
        return False

    def _given(self, key: str, *, required: bool = False) -> Node | None:
        node = self.node.get(key)
        if required and node is None:
            self.problems.add(self.node, f"{self.what} lacks {key!r}")
        return node

    def _wrong(self, node: Node, key: str, expected: str, default: T) -> T:
        self.problems.add(node, f"{self.what}: {key!r} must be {expected}, not {node.named}")
        return default


def check_name(name: str, at: Node, problems: Problems) -> bool:
    """Names of flows, slots, steps, results: what expressions and texts can say."""
    good = name.isascii() and name.isidentifier() and name == name.lower() and name[0] != "_" and len(name) <= 60
    if not good:
        problems.add(at, f"{name!r} is no name: a name is small letters, digits and '_', and begins with a letter")
    elif name in _RESERVED:
        problems.add(at, f"{name!r} cannot be a name: conditions and texts use the word themselves")
    return good and name not in _RESERVED


def known(name: str, names: Collection[str], at: Node, what: str, problems: Problems) -> bool:
    if name in names:
        return True
    problems.add(at, f"{what} {name!r}, which is not declared{hint(name, names)}")
    return False
