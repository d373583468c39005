"""Reads one flow: its head, its slots and, with the readers beside this one, its steps and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from bot.flow import grammar
from bot.flow import steps as s
from bot.flow.book import Flow, FlowSource, Slot
from bot.flow.conditions import FACTS, Expression, hint
from bot.flow.fields import Fields, Problems, check_name, known
from bot.flow.patterns import PATTERNS
from bot.flow.read_content import ONLY_WITH, ContentReader, Making, Project, scalar
from bot.flow.read_steps import StepReader
from bot.flow.source import Node
from bot.flow.structure import structure_of
from bot.flow.texts import Wording, compile_text

SHARED = ("conversation", "customer")
"""Scopes of slots that are one thing, whichever flow declares them."""


class FlowReader:
    def __init__(self, project: Project, problems: Problems) -> None:
        self._project, self._problems = project, problems
        self._making = Making()
        self._words = ContentReader(project, self._making, problems)
        self._steps = StepReader(project, self._making, self._words, problems)

    def read(self, node: Node) -> Flow | None:
        """None when it is so far from a flow that nothing more can be said of it."""
        if node.kind == "mapping" and "pattern" in node:
            return self._pattern(node)
        if node.kind != "mapping" or "flow" not in node:
            self._problems.add(node, f"a flow is a mapping that begins with 'flow: NAME', not {node.named}")
            return None
        fields = Fields(node, "the flow", self._problems)
        fields.only(grammar.FLOW.names)
        name = fields.name("flow", "flow", required=True)
        self._read_slots(fields)
        self._steps.survey(fields.items("steps", required=True))
        first = self._steps.branch_of(fields.items("steps"), s.END, "main")
        if "steps" in node and node["steps"].kind == "list" and not node["steps"].items:
            self._problems.add(node["steps"], f"flow {name!r} has no steps")
        self._steps.finish()
        title_node = fields.node_of("title")
        wording = self._project.wording
        about, examples = fields.text("about"), self._examples(fields)
        title = wording.read(title_node) if title_node else wording.label(f"flow_{name}", name, node["flow"])
        number = fields.count("version", 1, least=1, most=1_000_000)
        structure = structure_of(first, self._making.slots, self._making.steps)
        return Flow(
            name=name,
            version=f"{number}.{structure.digest}",
            number=number,
            structure=structure,
            migrate=self._migrate(fields) if "migrate" in node else None,
            source=self._source(node),
            title=title,
            about=about,
            examples=examples,
            guard=self._guard(fields),
            needs=self._words.flow_named(fields, "needs"),
            slots=self._making.slots,
            steps=self._making.steps,
            asks=_asks(self._making.steps.values()),
            first=first,
            is_open=bool(about or examples or name in self._project.starters),
            places={step: at.mark for step, at in self._making.places.items()},
        )

    def _pattern(self, node: Node) -> Flow:
        """It may be empty: then the engine says nothing there."""
        fields = Fields(node, "the pattern", self._problems)
        fields.only(grammar.PATTERN.names)
        name = fields.text("pattern", "start", required=True)
        if not known(name, PATTERNS, node["pattern"], "this replaces pattern", self._problems):
            name = "start"
        self._making.results.update(PATTERNS[name])
        self._read_slots(fields)
        self._steps.survey(fields.items("steps", required=True))
        first = self._steps.branch_of(fields.items("steps"), s.END, "main")
        self._steps.finish()
        language = self._project.wording.languages[0]
        title = Wording("", {language: compile_text(name.replace("_", " ").capitalize(), language)}, language)
        number = fields.count("version", 1, least=1, most=1_000_000)
        structure = structure_of(first, self._making.slots, self._making.steps)
        flow = Flow(
            name=name,
            version=f"{number}.{structure.digest}",
            number=number,
            structure=structure,
            source=self._source(node),
            title=title,
            slots=self._making.slots,
            steps=self._making.steps,
            asks=_asks(self._making.steps.values()),
            first=first,
            is_open=False,
            is_pattern=True,
        )
        if name == "start":
            self._greets(flow, node)
        return flow

    def _greets(self, flow: Flow, node: Node) -> None:
        step = flow.steps.get(flow.first)
        said = step.variants[0].content if isinstance(step, s.Say) and len(step.variants) == 1 else None
        more = said and (said.card or said.image or said.file or said.listed or said.args)
        if said is None or said.text is None or more or said.text.reads:
            self._problems.add(
                node["pattern"],
                "pattern 'start' begins with a 'say' of a text without values, and options if you like: it is shown"
                " before anything is known of the customer",
            )

    # The head

    def _migrate(self, fields: Fields) -> dict[str, str]:
        """Old step to new; the old ones are checked where the old version is known."""
        steps = self._making.places
        found: dict[str, str] = {}
        for old, _, node in fields.pairs("migrate"):
            new = scalar(node) or ""
            if new not in steps:
                self._problems.add(
                    node, f"'migrate' leads to step {new!r}, which this flow does not have{hint(new, steps)}"
                )
            found[old] = new
        return found

    def _source(self, node: Node) -> FlowSource:
        wording = self._project.wording
        texts = {key: wording.texts.wording(key).by_language for key in sorted(wording.used)}
        return FlowSource(
            path=node.mark.path,
            yaml=self._project.files.get(node.mark.path, ""),
            languages=wording.languages,
            texts={key: {tag: words.source for tag, words in written.items()} for key, written in texts.items()},
            files=tuple(self._project.own.used.values()),
        )

    def _examples(self, fields: Fields) -> dict[str, tuple[str, ...]]:
        """A list in the project's own language, or one list for each language."""
        node = fields.node_of("examples")
        languages = self._project.wording.languages
        if node is None:
            return {}
        if node.kind != "mapping":
            return {languages[0]: tuple(fields.texts("examples"))}
        inner = Fields(node, "examples", self._problems)
        for tag, (at, _) in node.pairs.items():
            known(tag, languages, at, "examples are written in", self._problems)
        return {tag: tuple(inner.texts(tag)) for tag in node.pairs}

    def _guard(self, fields: Fields) -> Expression | None:
        node = fields.node_of("when")
        shared = {name for name, slot in self._making.slots.items() if slot.scope in SHARED}
        return None if node is None else self._words.expression(node, {*shared, *FACTS})

    # Slots

    def _read_slots(self, fields: Fields) -> None:
        for name, at, node in fields.pairs("slots"):
            if not check_name(name, at, self._problems):
                continue
            if name in FACTS:
                self._problems.add(
                    at, f"slot {name!r} would hide what conditions know as {name!r}; choose another name"
                )
            if node.kind != "mapping":
                self._problems.add(node, f"slot {name!r} is a mapping like {{type: text}}, not {node.named}")
                continue
            self._making.slots[name] = self._slot(name, at, node)

    def _slot(self, name: str, at: Node, node: Node) -> Slot:
        fields = Fields(node, f"slot {name!r}", self._problems)
        fields.only(grammar.SLOT.names)
        kind = fields.text("type", "text", required=True)
        types = self._project.types
        if "type" in node and not known(kind, types, node["type"], f"slot {name!r} has type", self._problems):
            kind = "text"
        for key, kinds in ONLY_WITH.items():
            if key in node and kind not in kinds:
                self._problems.add(node[key], f"{key!r} goes with type {' or '.join(kinds)} only")
        of = [self._words.answer(name, item) for item in fields.items("of")] if kind in ONLY_WITH["of"] else []
        for n, (option, item) in enumerate(zip(of, fields.items("of"), strict=False)):
            if option.value in [earlier.value for earlier in of[:n]]:
                self._problems.add(item, f"answer {option.value!r} stands here twice")
        scale = fields.count("scale", 5, least=2, most=10)
        if kind == "rating":
            grades = [str(grade) for grade in range(1, scale + 1)]
            of = [s.LabelledOption(self._project.wording.figure(grade), grade) for grade in grades]
        if kind == "yes_no":
            words = self._project.wording
            of = [s.LabelledOption(words.keyed("yes", at), "true"), s.LabelledOption(words.keyed("no", at), "false")]
        return Slot(
            name=name,
            type=types.get(kind) or types["text"],
            of=tuple(of),
            optional=fields.truth("optional"),
            pii=fields.truth("pii"),
            always_ask=fields.truth("always_ask"),
            region=self._code(fields, "region", 2),
            currency=self._code(fields, "currency", 3),
            scale=scale,
            scope=cast(Any, fields.one_of("scope", grammar.SLOT.key("scope").allowed, "flow")),
        )

    def _code(self, fields: Fields, key: str, length: int) -> str:
        code = fields.text(key)
        if code and not (len(code) == length and code.isascii() and code.isalpha() and code.isupper()):
            example = {"region": "GB", "currency": "EUR"}[key]
            self._problems.add(fields.node[key], f"{code!r} is no {key}: it looks like {example!r}")
            return ""
        return code


def _asks(steps: Iterable[s.Step]) -> dict[str, tuple[s.Ask, ...]]:
    found: dict[str, tuple[s.Ask, ...]] = {}
    for step in steps:
        if isinstance(step, s.Ask):
            found[step.slot] = (*found.get(step.slot, ()), step)
    return found
