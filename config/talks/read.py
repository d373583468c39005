"""Reads the conversation tests of a project, or tells every mistake in them with file, line and column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast, get_args

from bot.commands import parse_slash
from bot.errors import FlowErrors, SettingsError
from bot.flow import grammar, source
from bot.flow.actions import span
from bot.flow.book import Book
from bot.flow.conditions import hint
from bot.flow.fields import Fields, Problems, known
from bot.flow.source import BadFile, Mark, Node
from bot.model import Command, How, Json
from config.talks.expect import KEYS
from config.talks.talk import (
    AgentAct,
    AgentDoes,
    BareAct,
    Cites,
    Entry,
    Expects,
    Fails,
    Given,
    ModelAnswer,
    Opens,
    Passes,
    Presses,
    Restarts,
    Says,
    Signals,
    Talk,
    Wanted,
)

DOINGS: Mapping[str, tuple[str, ...]] = {
    "customer": ("language", "model"),
    "expect": (),
    "advance": (),
    "agent": ("name",),
    "event": ("value",),
    "restart": (),
}
"""Each entry of a talk with the keys that may stand beside it."""


def flow_folder(path: Path) -> Path:
    """The project that a folder or file of tests belongs to. Raises `SettingsError`."""
    for folder in (path, *path.resolve().parents):
        if (folder / "assistant.yaml").is_file():
            return folder
    raise SettingsError(f"{path}: belongs to no flow folder: neither it nor a folder above it holds an assistant.yaml")


def files(path: Path) -> list[Path]:
    """Those of one file, of a folder of tests, or of a whole flow folder."""
    if path.is_file():
        return [path]
    folder = path / "tests" if (path / "assistant.yaml").is_file() else path
    return sorted(folder.rglob("*.yaml"))


def read(paths: Sequence[Path], book: Book) -> tuple[Talk, ...]:
    """In the order of the files. Raises `FlowErrors` with all mistakes, in order of their place."""
    reading = _Reading(book)
    talks = tuple(talk for path in paths for talk in reading.file(path))
    if reading.problems.found:
        raise FlowErrors(sorted(reading.problems.found))
    return talks


@dataclass(slots=True)
class _Reading:
    book: Book
    problems: Problems = field(default_factory=Problems)
    _names: dict[str, Mark] = field(default_factory=dict)
    """Of the tests of one file."""

    def file(self, path: Path) -> Iterator[Talk]:
        self._names.clear()
        try:
            nodes = source.load(path, str(path))
        except BadFile as error:
            self.problems.add(error.mark, str(error))
            return
        for node in nodes:
            if node.kind == "mapping" and "test" in node:
                yield self._talk(node)
            elif node.kind != "nothing":
                self.problems.add(
                    node, f"a conversation test is a mapping that begins with 'test: NAME', not {node.named}"
                )

    def _talk(self, node: Node) -> Talk:
        fields = Fields(node, "the test", self.problems)
        fields.only(grammar.TEST.names)
        name = fields.text("test", required=True)
        first = self._names.setdefault(name, node.mark)
        if first is not node.mark:
            self.problems.add(node["test"], f"test {name!r} stands here twice; first in line {first.line}")
        given = node.get("given")
        entries = [entry for item in fields.items("talk", required=True) for entry in self._entry(item)]
        if "talk" in node and not any(isinstance(entry, Expects) for entry in entries):
            self.problems.add(node["talk"], f"test {name!r} expects nothing: it cannot fail")
        return Talk(name, self._given(given) if given else Given(), tuple(entries), node.mark)

    # What is given

    def _given(self, node: Node) -> Given:
        fields = Fields(node, "'given'", self.problems)
        if node.kind != "mapping":
            self.problems.add(node, f"'given' is a mapping, not {node.named}")
        fields.only(grammar.GIVEN.names)
        flow, step = fields.text("flow"), fields.text("step")
        if flow:
            self._known(flow, self.book.flows, node["flow"], "'given' names flow")
        if step and not flow:
            self.problems.add(node["step"], "a step belongs to a flow: give 'flow' as well")
        elif step and flow in self.book.flows:
            steps = [name for name in self.book.flows[flow].steps if not name.startswith("(")]
            self._known(step, steps, node["step"], f"flow {flow!r} has no step")
        for name, at, _ in fields.pairs("slots"):
            self._known(name, self._slots(flow), at, "'given' fills slot")
        actions = {name: self._stub(name, at, value) for name, at, value in fields.pairs("actions")}
        return Given(
            flow=flow,
            step=step,
            slots={name: value.plain for name, _, value in fields.pairs("slots")},
            results={name: value.plain for name, _, value in fields.pairs("results")},
            actions=actions,
            customer={name: value.plain for name, _, value in fields.pairs("customer")},
            now=self._instant(fields, "now"),
            channel=fields.text("channel", "web"),
            language=fields.text("language"),
            model=self._answers(node.get("model")),
        )

    def _slots(self, flow: str) -> set[str]:
        flows = [self.book.flows[flow]] if flow in self.book.flows else list(self.book.flows.values())
        shared = {
            slot.name
            for each in self.book.flows.values()
            for slot in each.slots.values()
            if slot.scope in ("conversation", "customer")
        }
        return shared | ({name for each in flows for name in each.slots} if flow else set())

    def _stub(self, name: str, at: Node, value: Node) -> tuple[Json | Fails, ...]:
        self._known(name, self.book.actions, at, "'given' stubs action")
        answers = value.items if value.kind == "list" else [value]
        if not answers:
            self.problems.add(
                value, f"stub of {name!r}: an empty list gives no answer; a list as answer is written [[]]"
            )
        return tuple(self._fails(item) or cast(Json, item.plain) for item in answers)

    def _fails(self, node: Node) -> Fails | None:
        if node.kind == "mapping" and set(node.pairs) == {"error"} and node["error"].kind == "text":
            return Fails(str(node["error"].scalar))
        return None

    def _instant(self, fields: Fields, key: str) -> datetime | None:
        text = fields.text(key)
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            self.problems.add(fields.node[key], f"{text!r} is no moment; it looks like 2026-03-02T10:00Z")
            return None
        return at.astimezone(UTC) if at and at.tzinfo else at and at.replace(tzinfo=UTC)

    # What is done

    def _entry(self, node: Node) -> Iterator[Entry]:
        doing = next((key for key in DOINGS if key in node), "") if node.kind == "mapping" else ""
        if not doing:
            first = next(iter(node.pairs), "") if node.kind == "mapping" else ""
            self.problems.add(node, f"an entry of a talk has one of {', '.join(DOINGS)}{hint(first, DOINGS)}")
            return
        fields = Fields(node, f"entry {doing!r}", self.problems)
        fields.only((doing, *DOINGS[doing]))
        match doing:
            case "customer":
                if entry := self._customer(node["customer"], fields):
                    yield entry
            case "expect":
                yield self._expects(node["expect"])
            case "advance":
                yield Passes(self._span(fields), node.mark)
            case "agent":
                if entry := self._agent(node["agent"], fields):
                    yield entry
            case "event":
                yield Signals(fields.name("event"), node["value"].plain if "value" in node else None, node.mark)
            case "restart":
                if fields.truth("restart", True):
                    yield Restarts(node.mark)

    def _customer(self, node: Node, fields: Fields) -> Entry | None:
        language, model = fields.text("language"), self._answers(fields.node_of("model"))
        if node.kind in ("text", "number", "truth"):
            return Says((_spelled(node),), language, model, node.mark)
        if node.kind == "list" and node.items and all(item.kind in ("text", "number", "truth") for item in node.items):
            return Says(tuple(map(_spelled, node.items)), language, model, node.mark)
        if node.kind == "mapping" and len(node.pairs) == 1:
            inner = Fields(node, "what the customer does", self.problems)
            inner.only(("press", "open"))
            if "press" in node:
                return Presses(inner.text("press", required=True), node.mark)
            if "open" in node:
                return Opens("" if node["open"].kind == "nothing" else inner.text("open"), node.mark)
            return None
        self.problems.add(
            node, "a customer says a text, several at once as a list, or does {press: LABEL} or {open: PAYLOAD}"
        )
        return None

    def _agent(self, node: Node, fields: Fields) -> Entry | None:
        name = fields.text("name", "Mia")
        if node.kind == "text":
            act = str(node.scalar)
            if self._known(act, get_args(BareAct), node, "an agent's act is"):
                return AgentDoes(act=cast(AgentAct, act), name=name, mark=node.mark)
            return None
        inner = Fields(node, "what the agent does", self.problems)
        inner.only((*get_args(AgentAct), "instruction", "step"))
        acts = [act for act in get_args(AgentAct) if act in node] if node.kind == "mapping" else []
        if len(acts) != 1:
            self.problems.add(node, f"an agent does one of {', '.join(get_args(AgentAct))}")
            return None
        (act,) = acts
        match act:
            case "says" | "notes":
                return AgentDoes(act=act, name=name, words=inner.text(act, required=True), mark=node.mark)
            case "hands_back":
                how = cast(How, inner.one_of(act, get_args(How), "resume"))
                words, step = inner.text("instruction"), inner.text("step", required=how == "step")
                return AgentDoes(act=act, name=name, words=words, how=how, step=step, mark=node.mark)
            case _:
                return AgentDoes(act=act, name=name, mark=node.mark)

    def _span(self, fields: Fields) -> timedelta:
        try:
            return span(fields.text("advance"))
        except ValueError as error:
            self.problems.add(fields.node["advance"], str(error))
            return timedelta()

    # What the model answers

    def _answers(self, node: Node | None) -> tuple[ModelAnswer, ...]:
        """One answer, or a list of what one answer is made of; a list of lists is several answers."""
        if node is None:
            return ()
        if node.kind == "list" and node.items and all(item.kind == "list" for item in node.items):
            return tuple(answer for item in node.items for answer in self._answers(item))
        items = [self._said_by_model(item) for item in (node.items if node.kind == "list" else [node])]
        return (ModelAnswer(tuple(item for item in items if item is not None), node.mark),)

    def _said_by_model(self, node: Node) -> str | Command | Cites | Fails | None:
        if fails := self._fails(node):
            return fails
        if node.kind == "mapping" and set(node.pairs) == {"cite"}:
            return Cites(str(node["cite"].scalar))
        if node.kind != "text":
            self.problems.add(node, "a model says texts, /commands, {cite: DOCUMENT} or {error: WHY}")
            return None
        text = str(node.scalar)
        if not text.startswith("/"):
            return text
        command = parse_slash(text)
        if command is None:
            self.problems.add(node, f"{text!r} is no command; it looks like /start flow, /set slot=value or /human")
        return command

    # What is expected

    def _expects(self, node: Node) -> Expects:
        fields = Fields(node, "'expect'", self.problems)
        if node.kind != "mapping" or not node.pairs:
            self.problems.add(node, f"'expect' is a mapping like {{ask: order}}, not {node.named}")
            return Expects((), node.mark)
        fields.only(grammar.EXPECT.names)
        wanted = []
        for key, (_, value) in node.pairs.items():
            if key in KEYS:
                self._wanted(key, value)
                wanted.append(Wanted(key, value.plain, value.mark))
        return Expects(tuple(wanted), node.mark)

    def _wanted(self, key: str, value: Node) -> None:
        """Names that no project has can never be what happens."""
        if value.kind not in KEYS[key].kinds:
            self.problems.add(value, f"'expect': {key!r} {KEYS[key].means}, not {value.named}")
            return
        match key:
            case "ask":
                slots = {name for flow in self.book.flows.values() for name in flow.slots}
                self._all_known(value, slots, "'expect' names slot")
            case "did":
                self._all_known(value, self.book.actions, "'expect' names action")
            case "slots":
                slots = {name for flow in self.book.flows.values() for name in flow.slots}
                for name, (at, _) in value.pairs.items():
                    self._known(name, slots, at, "'expect' names slot")
            case "said":
                for item in value.items or [value]:
                    text = str(item.scalar)
                    if text.startswith("@"):
                        self._known(text[1:], self.book.texts.by_key, item, "'expect' names text")
            case "flow":
                self._all_known(value, self.book.flows, "'expect' names flow")

    def _all_known(self, value: Node, names: Collection[str], what: str) -> None:
        for item in value.items or [value]:
            if item.kind == "text":
                self._known(str(item.scalar), names, item, what)
        for name, (at, _) in value.pairs.items():
            self._known(name, names, at, what)

    def _known(self, name: str, names: Collection[str], at: Node, what: str) -> bool:
        return known(name, names, at, what, self.problems)


def _spelled(node: Node) -> str:
    """What a customer typed, though YAML reads it as something else than a text."""
    value: Any = node.scalar
    return str(value).lower() if isinstance(value, bool) else str(value)
