"""YAML 1.2 as plain values that remember where they stand.

Built from parser events, so that size, depth and repetition are bounded while reading, whatever the file holds:
nothing is constructed but texts, numbers, true, false, null, lists and mappings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

LARGEST = 256 * 1024
"""Bytes of one file."""
DEEPEST = 32
MOST = 20_000
"""Values of one file, those repeated by aliases counted each time."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Mark:
    path: str
    line: int
    column: int


class BadFile(ValueError):
    """The file cannot be read at all."""

    def __init__(self, mark: Mark, why: str) -> None:
        super().__init__(why)
        self.mark = mark


@dataclass(slots=True)
class Node:
    """One value. Exactly one of `scalar`, `items`, `pairs` means something, as `kind` tells."""

    mark: Mark
    kind: str
    """`text`, `number`, `truth`, `nothing`, `list` or `mapping`."""
    scalar: Scalar = None
    items: list[Node] = field(default_factory=list)
    pairs: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    """Key to the nodes of key and value, in order."""
    size: int = 1
    """Values in it, itself included."""

    def __getitem__(self, key: str) -> Node:
        return self.pairs[key][1]

    def __contains__(self, key: str) -> bool:
        return key in self.pairs

    def get(self, key: str) -> Node | None:
        pair = self.pairs.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Node:
        return self.pairs[key][0]

    @property
    def plain(self) -> Any:
        """Without positions."""
        match self.kind:
            case "list":
                return [item.plain for item in self.items]
            case "mapping":
                return {key: value.plain for key, (_, value) in self.pairs.items()}
            case _:
                return self.scalar

    @property
    def named(self) -> str:
        """What kind of value it is, for messages."""
        names = {"text": "a text", "number": "a number", "truth": "true or false", "nothing": "nothing"}
        return names.get(self.kind, f"a {self.kind}")


def load(path: Path, shown: str) -> list[Node]:
    """The documents of a file; `shown` is its name in messages. Raises `BadFile`."""
    return list(parse(text_of(path, shown), shown))


def text_of(path: Path, shown: str) -> str:
    """Raises `BadFile`."""
    start = Mark(shown, 1, 1)
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise BadFile(start, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > LARGEST:
        raise BadFile(start, f"is larger than {LARGEST // 1024} kB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile(Mark(shown, line, 1), "is not UTF-8") from error


def parse(text: str, shown: str) -> Iterator[Node]:
    """Raises `BadFile`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner, yaml.Parser = _quick()
    try:
        yield from _Builder(shown, yaml.resolver).build(yaml.parse(text))
    except MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(shown, at.line + 1, at.column + 1) if at else Mark(shown, 1, 1)
        raise BadFile(mark, _without_advice(error.problem or error.context or str(error))) from error
    except (YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(Mark(shown, 1, 1), str(error).splitlines()[0]) from error


def _without_advice(why: str) -> str:
    return why.strip().splitlines()[0]


@cache
def _quick() -> tuple[type, type]:
    """The library's scanner and parser, without what they do again and again: that was half of their time."""
    from ruamel.yaml.parser import Parser
    from ruamel.yaml.scanner import Scanner

    class QuickScanner(Scanner):
        enough_at = -1
        """How many tokens were taken when there were last enough: until the next is taken, there are."""

        def need_more_tokens(self) -> bool:
            if self.enough_at == self.tokens_taken:
                return False
            needed = super().need_more_tokens()
            self.enough_at = -1 if needed else self.tokens_taken
            return needed

        def check_token(self, *choices: type) -> bool:
            if self.enough_at != self.tokens_taken:
                while self.need_more_tokens():
                    self.fetch_more_tokens()
            return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

        @cached_property
        def reader(self) -> Any:
            return super().reader

    class QuickParser(Parser):
        @cached_property
        def scanner(self) -> Any:
            return super().scanner

    return QuickScanner, QuickParser


class _Builder:
    def __init__(self, shown: str, resolver: Any) -> None:
        self._shown, self._resolver = shown, resolver
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Node, Node | None, str]] = []  # container, key waiting for its value, anchor
        self._count = 0
        self._done: list[Node] = []

    def build(self, events: Iterator[Any]) -> Iterator[Node]:
        from ruamel.yaml.events import (
            AliasEvent,
            DocumentEndEvent,
            DocumentStartEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
        )

        for event in events:
            match event:
                case ScalarEvent():
                    self._add(self._scalar(event), event.anchor)
                case SequenceStartEvent() | MappingStartEvent():
                    self._begin(event, "list" if isinstance(event, SequenceStartEvent) else "mapping")
                case SequenceEndEvent() | MappingEndEvent():
                    node, _, anchor = self._open.pop()
                    self._add(node, anchor)
                case AliasEvent():
                    self._add(self._repeated(event), None)
                case DocumentStartEvent(version=version):
                    if version and tuple(version) != (1, 2):
                        raise BadFile(self._mark(event), "only YAML 1.2 is read: leave the %YAML line out")
                    self._anchors.clear()
                    self._done.clear()
                case DocumentEndEvent():
                    yield from self._done

    def _mark(self, event: Any) -> Mark:
        return Mark(self._shown, event.start_mark.line + 1, event.start_mark.column + 1)

    def _begin(self, event: Any, kind: str) -> None:
        mark = self._mark(event)
        if event.tag is not None:
            raise BadFile(mark, f"tags like {event.tag!s} are not allowed")
        if len(self._open) >= DEEPEST:
            raise BadFile(mark, f"is nested deeper than {DEEPEST}")
        self._open.append((Node(mark, kind), None, event.anchor or ""))

    def _scalar(self, event: Any) -> Node:
        from ruamel.yaml.nodes import ScalarNode

        mark, text = self._mark(event), str(event.value)
        if event.tag is not None and str(event.tag) != "!":
            raise BadFile(mark, f"tags like {event.tag!s} are not allowed")
        tag = str(self._resolver.resolve(ScalarNode, text, event.implicit)).rpartition(":")[2]
        return _resolved(mark, text, tag)

    def _repeated(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise BadFile(self._mark(event), f"there is no anchor {str(event.anchor)!r} before this")
        self._count_in(node.size - 1, self._mark(event))
        return node

    def _count_in(self, size: int, mark: Mark) -> None:
        self._count += size
        if self._count > MOST:
            raise BadFile(mark, f"holds more than {MOST} values, repeated ones counted each time")

    def _add(self, node: Node, anchor: str | None) -> None:
        self._count_in(1, node.mark)
        if anchor:
            self._anchors[str(anchor)] = node
        if not self._open:
            self._done.append(node)
            return
        owner, key, owner_anchor = self._open[-1]
        if owner.kind == "list":
            owner.items.append(node)
            owner.size += node.size
        elif key is None:
            self._open[-1] = owner, self._key(owner, node), owner_anchor
        else:
            owner.pairs[str(key.scalar)] = key, node
            owner.size += node.size
            self._open[-1] = owner, None, owner_anchor

    def _key(self, owner: Node, node: Node) -> Node:
        if node.kind in ("list", "mapping"):
            raise BadFile(node.mark, f"a key must be a text, not {node.named}")
        if node.kind != "text":
            node = Node(node.mark, "text", _spelled(node.scalar))
        if str(node.scalar) in owner.pairs:
            first = owner.pairs[str(node.scalar)][0].mark
            raise BadFile(node.mark, f"key {node.scalar!r} stands here twice; first in line {first.line}")
        return node


def _spelled(scalar: Scalar) -> str:
    match scalar:
        case bool():
            return "true" if scalar else "false"
        case None:
            return "null"
        case _:
            return str(scalar)


def _resolved(mark: Mark, text: str, tag: str) -> Node:
    match tag:
        case "null":
            return Node(mark, "nothing", None)
        case "bool":
            return Node(mark, "truth", text.lower() == "true")
        case "int" if len(text) < 20:
            plain = text.replace("_", "")
            return Node(mark, "number", int(plain, 0) if plain[1:2] in ("x", "o") else int(plain))
        case "float" if len(text) < 40:
            number = float(text.replace("_", "")) if text.lstrip("+-")[:1].isdigit() else math.inf
            return Node(mark, "number", number) if math.isfinite(number) else Node(mark, "text", text)
        case _:
            return Node(mark, "text", text)
