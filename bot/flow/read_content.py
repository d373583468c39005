"""Reads what a flow says: texts, parts, answers, and the expressions in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from bot.commands import parse_slash
from bot.flow import grammar
from bot.flow import steps as s
from bot.flow.actions import Action, span
from bot.flow.book import Slot
from bot.flow.conditions import FACTS, BadExpression, Expression, compile_expression, constant
from bot.flow.fields import Fields, Problems, check_name, known
from bot.flow.own_files import BadFlowFile, FlowFile, OwnFiles
from bot.flow.patterns import CALLABLE
from bot.flow.slots import SlotType
from bot.flow.source import Node
from bot.flow.texts import Wording, compile_text
from bot.flow.wording import WordingReader
from bot.model import Set, Start

ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "of": ("choice", "multi_choice"),
    "currency": ("money",),
    "region": ("money", "phone", "date", "time", "datetime"),
    "scale": ("rating",),
}
"""Keys of a slot that mean something for some types only."""


_PARTS = ("card", "carousel", "cards", "table", "image", "file", "form")
_CARD = ("title", "body", "meta", "image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a flow may refer to."""

    wording: WordingReader
    actions: Mapping[str, Action]
    types: Mapping[str, SlotType]
    queues: tuple[str, ...]
    flows: Mapping[str, Node]
    """Name to the document that declares it."""
    starters: frozenset[str]
    files: Mapping[str, str]
    """Path to what stands in the file."""
    own: OwnFiles
    """What the flow may show."""
    documents: frozenset[str] = frozenset()
    """Names of the files in knowledge/, without their endings."""


@dataclass(slots=True)
class Making:
    """What grows while the steps of one flow are read."""

    slots: dict[str, Slot] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)
    steps: dict[str, s.Step] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Written by the author, so that made ones keep away from them."""
    references: list[tuple[str, Node]] = field(default_factory=list)


class ContentReader:
    def __init__(self, project: Project, making: Making, problems: Problems) -> None:
        self._project, self._making, self._problems = project, making, problems

    @property
    def names(self) -> set[str]:
        return {*self._making.slots, *self._making.results, *FACTS}

    def flow_named(self, fields: Fields, key: str) -> str:
        name = fields.text(key)
        flows = [*self._project.flows, *(CALLABLE if key == "call" else ())]
        if name and not known(name, flows, fields.node[key], f"{fields.what} names flow", self._problems):
            return ""
        return name

    def given(self, fields: Fields) -> dict[str, Expression]:
        args: dict[str, Expression] = {}
        for name, at, node in fields.pairs("with"):
            check_name(name, at, self._problems)
            args[name] = self.expression(node)
        return args

    def expression(self, node: Node, names: Collection[str] | None = None) -> Expression:
        if node.kind != "text":
            return constant(node.plain)
        instants = [name for name, slot in self._making.slots.items() if slot.type.is_instant]
        try:
            return compile_expression(str(node.scalar), self.names if names is None else names, instants)
        except BadExpression as error:
            self._problems.add(node, str(error))
            return constant(None)

    def text_of(self, key: str, at: Node, args: Mapping[str, Expression]) -> Wording:
        return self._project.wording.keyed(key.removeprefix("@"), at, {*self.names, *args})

    def span(self, text: str, at: Node) -> timedelta:
        try:
            return span(text)
        except ValueError as error:
            self._problems.add(at, str(error))
            return timedelta(seconds=1)

    def answer(self, slot: str, node: Node) -> s.LabelledOption:
        """A value whose label is the text `slot_value`, or `{label, value}`."""
        if node.kind == "mapping":
            fields = Fields(node, "the answer", self._problems)
            fields.only(grammar.ANSWER.names)
            value = scalar(node.get("value"))
            if value is None:
                self._problems.add(node, "an answer is a value, or {label: words, value: value}")
            label = node.get("label")
            words = self._project.wording
            return s.LabelledOption(
                words.read(label) if label else words.label(f"{slot}_{value}", str(value), node), value or ""
            )
        value = scalar(node)
        if value is None or not value.strip() or "\n" in value:
            self._problems.add(node, f"an answer is a value or a mapping, not {node.named}")
            value = "-"
        return s.LabelledOption(self._project.wording.label(f"{slot}_{_key(value)}", value, node), value)

    def content(self, node: Node, args: Mapping[str, Expression], *, may_ask: bool = False) -> s.Content:
        """A text, or a mapping of parts; a form among them where it `may_ask`."""
        if node.kind != "mapping" or all(tag in self._project.wording.languages for tag in node.pairs):
            return s.Content(text=self._project.wording.read(node, {*self.names, *args}), args=args)
        fields = Fields(node, "what is said", self._problems)
        fields.only([name for name in grammar.CONTENT.names if name != "form" or may_ask])
        looks = [look for look in ("choices", "quick", "list") if look in node]
        if len(looks) > 1:
            self._problems.add(node, f"give only one of {', '.join(map(repr, looks))}")
        text = node.get("text")
        if text is None and not any(part in node for part in _PARTS):
            self._problems.add(node, "options alone say nothing: give a 'text', a 'card' or an 'image' as well")
        look = {"choices": "buttons", "quick": "quick", "list": "list"}[looks[0]] if looks else "quick"
        if "options" in node and looks:
            self._problems.add(node, f"give either 'options' or {looks[0]!r}")
        return s.Content(
            text=self._project.wording.read(text, {*self.names, *args}) if text else None,
            listed=self.expression(node["options"], {*self.names, *args}) if "options" in node else None,
            image=self._image(node["image"], args) if "image" in node else None,
            file=self._own(node["file"]) if "file" in node else None,
            options=tuple(self.option(item) for item in fields.items(looks[0])) if looks else (),
            look=cast(Any, look),
            card=self._card(node["card"], args) if "card" in node else None,
            carousel=tuple(self._card(item, args) for item in fields.items("carousel")),
            cards=self.expression(node["cards"], {*self.names, *args}) if "cards" in node else None,
            table=self._table(node["table"], args) if "table" in node else None,
            form=tuple(name for name in fields.texts("form") if name in self._making.slots),
            args=args,
        )

    def _card(self, node: Node, args: Mapping[str, Expression]) -> s.CardWords:
        fields = Fields(node, "the card", self._problems)
        fields.only(grammar.CARD.names)
        names = {*self.names, *args}
        read = {key: self._project.wording.read(node[key], names) for key in _CARD if key in node}
        if "title" not in read:
            self._problems.add(node, "the card lacks 'title'")
            read["title"] = self._project.wording.texts.wording("greeting")
        options = tuple(self.option(item) for item in fields.items("options"))
        return s.CardWords(**read, options=options)

    def _table(self, node: Node, args: Mapping[str, Expression]) -> s.TableWords | None:
        fields = Fields(node, "the table", self._problems)
        if node.kind != "mapping" or "rows" not in node or not fields.items("columns"):
            self._problems.add(node, "a table is a mapping with 'columns', a list of texts, and 'rows'")
            return None
        fields.only(grammar.TABLE.names)
        names, words = {*self.names, *args}, self._project.wording
        return s.TableWords(
            title=words.read(node["title"], names) if "title" in node else None,
            columns=tuple(words.read(item, names) for item in fields.items("columns")),
            rows=self.expression(node["rows"], names),
        )

    def _image(self, node: Node, args: Mapping[str, Expression]) -> s.ImageWords | None:
        fields = Fields(node, "the image", self._problems)
        if node.kind != "mapping" or ("file" in node) == ("address" in node) or "alt" not in node:
            why = "an image is a mapping with 'file' or 'address', and with 'alt', what it shows in words"
            self._problems.add(node, why)
            return None
        fields.only(grammar.IMAGE.names)
        names = {*self.names, *args}
        alt = self._project.wording.read(node["alt"], names)
        if "file" in node:
            own = self._own(node["file"], picture=True)
            return s.ImageWords(None, alt, own) if own else None
        if not str(node["address"].scalar).startswith(("https://", "@", "{{")):
            self._problems.add(node["address"], "the address of an image begins with https://")
        return s.ImageWords(self._project.wording.read(node["address"], names), alt)

    def _own(self, node: Node, *, picture: bool = False) -> s.FileWords | None:
        """Files are checked here, so that no customer is the first to find that one is missing."""
        languages, found = self._project.wording.languages, dict[str, FlowFile]()
        given = node.pairs.items() if node.kind == "mapping" else [(languages[0], (node, node))]
        for tag, (at, path) in given:
            known(tag, languages, at, "the file is given in language", self._problems)
            if path.kind != "text":
                self._problems.add(path, f"here stands the path of a file, as files/map.png, not {path.named}")
                continue
            try:
                found[tag] = self._project.own.find(str(path.scalar), picture=picture)
            except BadFlowFile as error:
                self._problems.add(path, str(error))
        if node.kind == "mapping" and languages[0] not in node.pairs:
            self._problems.add(node, f"the file is missing in {languages[0]!r}, the project's own language")
        refs = {tag: compile_text(file.ref, tag) for tag, file in found.items()}
        return (
            s.FileWords(Wording("", refs, languages[0]), {file.ref: file for file in found.values()}) if refs else None
        )

    def option(self, node: Node) -> s.LabelledOption:
        """`{label, start: flow}` or `{label, command: /slash}`: something to press outside of a question."""
        fields = Fields(node, "the option", self._problems)
        fields.only(grammar.OPTION.names)
        label = node.get("label")
        if node.kind != "mapping" or label is None or ("start" in node) == ("command" in node):
            self._problems.add(node, "an option is {label: words, start: flow} or {label: words, command: /slash}")
            return s.LabelledOption(self._project.wording.texts.wording("never_mind"), "/repeat")
        wording = self._project.wording.read(label)
        if "start" in node:
            return s.LabelledOption(wording, f"/start {self.flow_named(fields, 'start')}")
        value = fields.text("command")
        self._check_command(value, node["command"])
        return s.LabelledOption(wording, value)

    def _check_command(self, value: str, at: Node) -> None:
        match parse_slash(value):
            case None:
                self._problems.add(at, f"{value!r} is no command; it looks like /human, /cancel or /set slot=value")
            case Start(flow=name):
                known(name, self._project.flows, at, "the option starts flow", self._problems)
            case Set(slot=name):
                known(name, self._making.slots, at, "the option sets slot", self._problems)

    def reads(self, content: s.Content) -> tuple[str, ...]:
        names = {name for wording in s.wordings(content) for name in wording.reads}
        names |= set(reads_of([content.listed, content.cards, content.table.rows if content.table else None]))
        return tuple(sorted((names - content.args.keys()) | set(reads_of(content.args.values()))))


def reads_of(expressions: Collection[Expression | None]) -> tuple[str, ...]:
    return tuple(sorted({name for expression in expressions if expression for name in expression.reads}))


def scalar(node: Node | None) -> str | None:
    match node:
        case Node(kind="text" | "number"):
            return str(node.scalar)
        case Node(kind="truth"):
            return "true" if node.scalar else "false"
        case _:
            return None


def _key(value: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in value.lower())
