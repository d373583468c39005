"""Reads one flow: its slots, and its steps made into a graph in which each names the one after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from bot.commands import parse_slash
from bot.flow import grammar
from bot.flow import steps as s
from bot.flow.actions import Action, span
from bot.flow.book import Flow, FlowSource, Slot
from bot.flow.conditions import FACTS, BadExpression, Expression, compile_expression, constant, hint
from bot.flow.fields import Fields, Problems, check_name, known
from bot.flow.patterns import CALLABLE, PATTERNS
from bot.flow.slots import SlotType
from bot.flow.source import Node
from bot.flow.structure import structure_of
from bot.flow.texts import Wording, compile_text
from bot.flow.wording import WordingReader
from bot.model import Set, Start

MOST_STEPS = 500

Branch = Literal["main", "stuck", "fails"]

SHARED = ("conversation", "customer")
"""Scopes of slots that are one thing, whichever flow declares them."""
_GIVING = ("do", "call", "wait")
"""Verbs with `into`."""
_BRANCHES = ("then", "else", "stuck", "fails", "nobody")
_ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "of": ("choice", "multi_choice"),
    "currency": ("money",),
    "region": ("money", "phone", "date", "time", "datetime"),
    "scale": ("rating",),
}
"""Keys of a slot that mean something for some types only."""


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
    documents: frozenset[str] = frozenset()
    """Names of the files in knowledge/, without their endings."""


@dataclass(slots=True)
class _Making:
    """What grows while the steps of one flow are read."""

    slots: dict[str, Slot] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)
    steps: dict[str, s.Step] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Written by the author, so that made ones keep away from them."""
    references: list[tuple[str, Node]] = field(default_factory=list)


class FlowReader:
    def __init__(self, project: Project, problems: Problems) -> None:
        self._project, self._problems = project, problems
        self._making = _Making()

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
        self._survey(fields.items("steps", required=True))
        first = self._branch_of(fields.items("steps"), s.END, "main")
        if "steps" in node and node["steps"].kind == "list" and not node["steps"].items:
            self._problems.add(node["steps"], f"flow {name!r} has no steps")
        self._finish()
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
            needs=self._flow_named(fields, "needs"),
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
        self._survey(fields.items("steps", required=True))
        first = self._branch_of(fields.items("steps"), s.END, "main")
        self._finish()
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
        if said is None or said.text is None or said.card or said.image or said.listed or said.args or said.text.reads:
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
            new = _scalar(node) or ""
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
        return None if node is None else self._expression(node, {*shared, *FACTS})

    def _flow_named(self, fields: Fields, key: str) -> str:
        name = fields.text(key)
        flows = [*self._project.flows, *(CALLABLE if key == "call" else ())]
        if name and not known(name, flows, fields.node[key], f"{fields.what} names flow", self._problems):
            return ""
        return name

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
        for key, kinds in _ONLY_WITH.items():
            if key in node and kind not in kinds:
                self._problems.add(node[key], f"{key!r} goes with type {' or '.join(kinds)} only")
        of = [self._answer(name, item) for item in fields.items("of")] if kind in _ONLY_WITH["of"] else []
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

    def _answer(self, slot: str, node: Node) -> s.LabelledOption:
        """A value whose label is the text `slot_value`, or `{label, value}`."""
        if node.kind == "mapping":
            fields = Fields(node, "the answer", self._problems)
            fields.only(grammar.ANSWER.names)
            value = _scalar(node.get("value"))
            if value is None:
                self._problems.add(node, "an answer is a value, or {label: words, value: value}")
            label = node.get("label")
            words = self._project.wording
            return s.LabelledOption(
                words.read(label) if label else words.label(f"{slot}_{value}", str(value), node), value or ""
            )
        value = _scalar(node)
        if value is None or not value.strip() or "\n" in value:
            self._problems.add(node, f"an answer is a value or a mapping, not {node.named}")
            value = "-"
        return s.LabelledOption(self._project.wording.label(f"{slot}_{_key(value)}", value, node), value)

    # Steps

    def _survey(self, nodes: Sequence[Node]) -> None:
        """Ids and names of results, before anything refers to them."""
        for node in _every_step(nodes):
            if (own := node.get("id")) and own.kind == "text":
                name = str(own.scalar)
                check_name(name, own, self._problems)
                if name in self._making.ids:
                    self._problems.add(own, f"step id {name!r} is given twice")
                self._making.ids.add(name)
            into = node.get("into")
            if into is not None and into.kind == "text" and grammar.verb_of(node.pairs) in _GIVING:
                name = str(into.scalar)
                check_name(name, into, self._problems)
                if name in self._making.slots or name in FACTS:
                    self._problems.add(
                        into, f"result {name!r} has the name of a slot or of what conditions know already"
                    )
                self._making.results.add(name)

    @property
    def _names(self) -> set[str]:
        return {*self._making.slots, *self._making.results, *FACTS}

    def _branch(self, node: Node | None, after: str, branch: Branch) -> str:
        """The id where a branch begins: of a step named by its id, or of steps written in place."""
        if node is None:
            return after
        if node.kind == "text":
            self._making.references.append((str(node.scalar), node))
            return str(node.scalar)
        if node.kind in ("mapping", "list"):
            return self._branch_of([node] if node.kind == "mapping" else node.items, after, branch)
        self._problems.add(node, f"a branch is a list of steps or a step's id, not {node.named}")
        return after

    def _branch_of(self, nodes: Sequence[Node], after: str, branch: Branch) -> str:
        steps = [(node, verb, self._id(node, verb)) for node in nodes if (verb := self._verb(node))]
        for place, (node, verb, name) in enumerate(steps):
            following = steps[place + 1][2] if place + 1 < len(steps) else after
            if len(self._making.places) <= MOST_STEPS:
                self._making.steps[name] = self._step(node, verb, name, following, branch)
        return steps[0][2] if steps else after

    def _verb(self, node: Node) -> str:
        if node.kind != "mapping":
            self._problems.add(node, f"a step is a mapping like {{say: hello}}, not {node.named}")
            return ""
        verb = grammar.verb_of(node.pairs)
        if verb:
            Fields(node, f"step {verb!r}", self._problems).only(grammar.VERBS[verb].names)
            return verb
        first, verbs = next(iter(node.pairs), ""), grammar.VERBS
        self._problems.add(node, f"a step has one of the verbs {', '.join(verbs)}{hint(first, verbs)}")
        return ""

    def _id(self, node: Node, verb: str) -> str:
        own = node.get("id")
        if own is not None and own.kind == "text":
            self._making.places.setdefault(str(own.scalar), node)
            return str(own.scalar)
        target = node[verb]
        stem = f"{verb}_{target.scalar}" if verb in ("ask", "do", "call") and target.kind == "text" else verb
        taken = self._making.ids | self._making.places.keys()
        name, number = (stem, 1) if stem != verb else (f"{stem}_1", 1)
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        self._making.places[name] = node
        return name

    def _step(self, node: Node, verb: str, name: str, following: str, branch: Branch) -> s.Step:
        make: Mapping[str, Callable[[Fields, dict[str, Any], Branch], s.Step]] = {
            "say": self._say,
            "ask": self._ask,
            "do": self._do,
            "set": self._set,
            "when": self._when,
            "goto": self._goto,
            "call": self._call,
            "become": self._become,
            "agent": self._agent,
            "handoff": self._handoff,
            "wait": self._wait,
            "end": self._end,
        }
        fields = Fields(node, f"step {verb!r}", self._problems)
        return make[verb](fields, {"id": name, "next": following}, branch)

    def _say(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        args, node = self._with(fields), fields.node["say"]
        said = s.Variant(content=self._content(node, args, may_ask=True))
        if node.kind == "mapping" and "form" in node:
            about["next"] = self._form(Fields(node, "what is said", self._problems), about)
        variants = (said, *(self._variant(item, args) for item in fields.items("variants")))
        reads = {name for each in variants for name in (*self._reads(each.content), *_reads_of([each.condition]))}
        mode = cast(Any, fields.one_of("mode", grammar.VERBS["say"].key("mode").allowed, "exact"))
        return s.Say(**about, variants=variants, mode=mode, reads=tuple(sorted(reads)))

    def _form(self, fields: Fields, about: Mapping[str, Any]) -> str:
        """Questions for its slots, one by one."""
        names = fields.texts("form")
        for name, at in zip(names, fields.items("form"), strict=False):
            if known(name, self._making.slots, at, "the form names slot", self._problems):
                self._text_of(f"@ask_{name}", at, {})
        return self._questions(
            about, [name for name in names if name in self._making.slots], fields.node, about["next"]
        )

    def _variant(self, node: Node, args: Mapping[str, Expression]) -> s.Variant:
        if node.kind != "mapping" or "text" not in node:
            return s.Variant(content=self._content(node, args))
        fields = Fields(node, "the variant", self._problems)
        fields.only(grammar.VARIANT.names)
        condition = fields.node_of("if")
        return s.Variant(
            content=self._content(node["text"], args),
            channel=fields.text("channel"),
            condition=self._expression(condition) if condition else None,
            weight=fields.count("weight", 1, least=1, most=100),
        )

    def _ask(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node = fields.node
        name = fields.text("ask")
        slot = self._making.slots.get(name)
        if slot is None:
            where = f"step 'ask' names slot {name!r}, which is not declared{hint(name, self._making.slots)}"
            self._problems.add(node["ask"], where)
            slot = Slot(name=name, type=self._project.types["text"])
        args = self._with(fields)
        say = node.get("say")
        if say is not None:
            content = self._content(say, args)
        else:
            key = f"ask_{name}"
            if key not in self._project.wording.texts:
                self._problems.add(node["ask"], f"what is asked? Give 'say', or write text {key!r}")
                content = s.Content()
            else:
                content = s.Content(text=self._text_of(f"@{key}", node["ask"], args), args=args)
        checks = tuple(self._check(item) for item in fields.items("check"))
        options = self._answers(fields, slot)
        default = fields.node_of("default")
        if isinstance(options, tuple) and not options and slot.type.name in _ONLY_WITH["of"] and not slot.of:
            kind = slot.type.name.replace("_", " ")
            self._problems.add(node, f"slot {name!r} is a {kind} without 'of': this step must give its 'options'")
        reads = {*self._reads(content), *(options.reads if isinstance(options, Expression) else ())}
        for check in checks:
            reads |= {*check.refused_if.reads, *self._reads(check.say)}
        quiet = tuple(self._quiet(item) for item in fields.items("quiet"))
        about["next"] = self._branch(fields.node_of("then"), about["next"], branch)
        return s.Ask(
            **about,
            slot=name,
            say=content,
            checks=checks,
            always=fields.truth("always_ask") or slot.always_ask,
            tries=fields.count("tries", 3, least=1, most=20),
            stuck=self._branch(fields.node_of("stuck"), s.END_STUCK, "stuck"),
            options=options,
            default=self._expression(default) if default else None,
            quiet=quiet,
            interrupt=cast(Any, fields.one_of("interrupt", grammar.VERBS["ask"].key("interrupt").allowed, "allow")),
            reads=tuple(sorted(reads - {name})),
        )

    def _quiet(self, node: Node) -> s.Quiet:
        fields = Fields(node, "'quiet'", self._problems)
        if node.kind != "mapping":
            self._problems.add(node, f"'quiet' lists mappings like {{after: 10m, say: words}}, not {node.named}")
            return s.Quiet(after=timedelta(1))
        fields.only(grammar.QUIET.names)
        after = self._span_of(fields, "after", required=True)
        given = [key for key in ("say", "cancel", "handoff") if key in node]
        if len(given) > 1:
            self._problems.add(node, f"'quiet' has only one of {', '.join(map(repr, given))}, not several")
            return s.Quiet(after=after)
        if "cancel" in node and not fields.truth("cancel"):
            self._problems.add(node["cancel"], "'cancel' can only be true here; else leave the line out")
        return s.Quiet(
            after=after,
            say=self._content(node["say"], {}) if "say" in node else None,
            cancel="cancel" in node,
            handoff=self._queue(fields, "handoff"),
        )

    def _one_of(self, fields: Fields, shape: grammar.Shape) -> bool:
        """Whether exactly one key of each group stands there."""
        for group in shape.one_of:
            if sum(key in fields.node for key in group) != 1:
                names = ", ".join(repr(key) for key in group[:-1])
                self._problems.add(fields.node, f"{fields.what} has exactly one of {names} and {group[-1]!r}")
                return False
        return True

    def _queue(self, fields: Fields, key: str) -> str:
        queue = fields.text(key)
        if queue:
            known(queue, self._project.queues, fields.node[key], f"{fields.what} names queue", self._problems)
        return queue

    def _span_of(self, fields: Fields, key: str, *, required: bool = False) -> timedelta:
        """Zero where it does not stand."""
        text = fields.text(key, required=required)
        return self._span(text, fields.node[key]) if text else timedelta()

    def _check(self, node: Node) -> s.Check:
        fields = Fields(node, "the check", self._problems)
        if node.kind != "mapping" or "if" not in node or "say" not in node:
            self._problems.add(node, "a check is a mapping with 'if' and 'say'")
            return s.Check(constant(False), s.Content())
        fields.only(grammar.CHECK.names)
        return s.Check(self._expression(node["if"]), self._content(node["say"], {}))

    def _answers(self, fields: Fields, slot: Slot) -> tuple[s.LabelledOption, ...] | Expression:
        node = fields.node_of("options")
        if node is None:
            return ()
        if node.kind == "text":
            return self._expression(node)
        options = tuple(self._answer(slot.name, item) for item in fields.items("options"))
        values = [option.value for option in slot.of]
        for option in options:
            if values and option.value not in values:
                self._problems.add(
                    node, f"{option.value!r} is no answer of slot {slot.name!r}{hint(option.value, values)}"
                )
        return options

    def _do(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node, name = fields.node, fields.text("do")
        args = self._with(fields)
        known(name, self._project.actions, node["do"], "step 'do' names action", self._problems)
        action = self._project.actions.get(name)
        retry = fields.count("retry", 0, least=0, most=5)
        if action is not None:
            self._check_inputs(action, args, fields)
            if retry and action.effect != "read":
                self._problems.add(
                    node["retry"], f"{name!r} has effect {action.effect!r}: only what reads may be retried"
                )
        approve = self._approve(fields)
        reads = {*_reads_of(args.values()), *_reads_of([approve.needed_if if approve else None])}
        return s.Do(
            **about,
            action=name,
            args=args,
            effect=action.effect if action else "read",
            timeout=self._span_of(fields, "timeout") or (action.timeout if action else timedelta()),
            into=fields.text("into"),
            retry=retry,
            fails=self._branch(fields.node_of("fails"), s.END_FAILED, "fails"),
            approve=approve,
            reads=tuple(sorted(reads)),
        )

    def _approve(self, fields: Fields) -> s.Approve | None:
        node = fields.node_of("approve")
        if node is None:
            return None
        if node.kind != "mapping":
            self._problems.add(node, f"'approve' is a mapping like {{if: condition, by: queue}}, not {node.named}")
            return None
        inner = Fields(node, "'approve'", self._problems)
        inner.only(grammar.APPROVE.names)
        condition = inner.node_of("if")
        needed_if = self._expression(condition) if condition else constant(True)
        within = self._span_of(inner, "within")
        return s.Approve(needed_if=needed_if, by=self._queue(inner, "by"), within=within)

    def _check_inputs(self, action: Action, args: Mapping[str, Expression], fields: Fields) -> None:
        for name in args:
            if name not in action.inputs:
                at = fields.node["with"].key(name)
                self._problems.add(at, f"action {action.name!r} has no input {name!r}{hint(name, action.inputs)}")
        for name in sorted(action.required - args.keys()):
            self._problems.add(fields.node["do"], f"action {action.name!r} needs input {name!r}: give it in 'with'")

    def _set(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        values: dict[str, Expression] = {}
        for name, at, node in fields.pairs("set"):
            if known(name, self._making.slots, at, "step 'set' names slot", self._problems):
                values[name] = self._expression(node)
        return s.Assign(**about, values=values, reads=_reads_of(values.values()))

    def _when(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node = fields.node
        condition = self._expression(node["when"])
        after = about["next"]
        about["next"] = self._branch(fields.node_of("else"), after, branch)
        cases = {name: self._branch(value, after, branch) for name, _, value in fields.pairs("switch")}
        if ("then" in node) == ("switch" in node):
            self._problems.add(node, "step 'when' has either 'then' or 'switch'")
        then = "" if cases else self._branch(fields.node_of("then"), after, branch)
        return s.When(**about, condition=condition, then=then, cases=cases, reads=condition.reads)

    def _goto(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        target = fields.text("goto")
        self._making.references.append((target, fields.node["goto"]))
        return s.Goto(**{**about, "next": target})

    def _call(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        name, args = self._flow_with(fields, "call")
        return s.Call(**about, flow=name, args=args, into=fields.text("into"), reads=_reads_of(args.values()))

    def _become(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        name, args = self._flow_with(fields, "become")
        return s.Become(**{**about, "next": ""}, flow=name, args=args, reads=_reads_of(args.values()))

    def _flow_with(self, fields: Fields, verb: str) -> tuple[str, dict[str, Expression]]:
        """A flow and the slots it is given."""
        name, args = self._flow_named(fields, verb), self._with(fields)
        document = self._project.flows.get(name)
        slots = document.get("slots") if document is not None else None
        declared = slots.pairs if slots is not None else {}
        for arg in args if document is not None else ():
            at = fields.node["with"].key(arg)
            known(arg, declared, at, f"flow {name!r} is given slot", self._problems)
        return name, args

    def _agent(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node, until = fields.node, fields.node_of("until")
        tools, fills = self._tools(fields), self._fills(fields)
        for item in fields.items("knows"):
            name = str(item.scalar)
            if item.kind != "text" or name not in self._project.documents:
                near = hint(name, self._project.documents)
                self._problems.add(item, f"step 'agent' knows document {name!r}, which is not in knowledge/{near}")
        if "fills" not in node and not until:
            self._problems.add(node, "step 'agent' never ends: give the slots it 'fills', or 'until'")
        condition = self._expression(until) if until else None
        stuck = self._branch(fields.node_of("stuck"), s.END_STUCK, "stuck")
        return s.Agent(
            **about,
            task=fields.text("agent", required=True),
            tools=tools,
            knows=tuple(str(item.scalar) for item in fields.items("knows")),
            fills=fills,
            until=condition,
            turns=fields.count("turns", 10, least=1, most=50),
            stuck=stuck,
            alone=stuck if until else self._questions(about, fills, node, stuck),
            reads=tuple(sorted(set(condition.reads if condition else ()) - set(fills))),
        )

    def _tools(self, fields: Fields) -> tuple[str, ...]:
        names = fields.texts("tools")
        for name, at in zip(names, fields.items("tools"), strict=False):
            known(name, self._project.actions, at, "step 'agent' names action", self._problems)
            action = self._project.actions.get(name)
            if action is not None and action.effect != "read":
                why = f"{name!r} has effect {action.effect!r}: the model may only call what reads"
                self._problems.add(at, f"{why}; give it a 'do' of its own")
        return tuple(names)

    def _fills(self, fields: Fields) -> tuple[str, ...]:
        names = fields.texts("fills")
        for name, at in zip(names, fields.items("fills"), strict=False):
            known(name, self._making.slots, at, "step 'agent' fills slot", self._problems)
        return tuple(name for name in names if name in self._making.slots)

    def _questions(self, about: Mapping[str, Any], names: Sequence[str], at: Node, otherwise: str) -> str:
        """Steps that ask for the slots one by one, where there is a text for each of them."""
        texts = self._project.wording.texts
        if not names or any(f"ask_{name}" not in texts for name in names):
            return otherwise
        ids = [f"{about['id']}.{name}" for name in names]
        for name, own, following in zip(names, ids, (*ids[1:], about["next"]), strict=True):
            content = s.Content(text=self._text_of(f"@ask_{name}", at, {}))
            reads = self._reads(content)
            slot, reads = self._making.slots[name], tuple(sorted({*reads} - {name}))
            self._making.steps[own] = s.Ask(
                id=own, next=following, slot=name, say=content, always=slot.always_ask, reads=reads
            )
        return ids[0]

    def _wait(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node, into = fields.node["wait"], fields.text("into")
        if into and (node.kind != "mapping" or "event" not in node):
            self._problems.add(fields.node["into"], "only an event brings something 'into' a name")
        if node.kind == "text":
            return s.Wait(**about, span=self._span(str(node.scalar), node), into=into)
        if node.kind != "mapping":
            self._problems.add(node, f"'wait' is a mapping like {{for: 2h}}, not {node.named}")
            return s.Wait(**about)
        inner = Fields(node, "'wait'", self._problems)
        inner.only(grammar.WAIT.names)
        if not node.pairs.keys() & set(grammar.WAIT.names):
            self._problems.add(node, "'wait' says what it waits for: 'for', 'until' or 'event'")
        until = inner.node_of("until")
        moment = self._moment(until) if until else None
        return s.Wait(
            **about,
            span=self._span_of(inner, "for") if "for" in node else None,
            until=moment,
            event=inner.name("event"),
            into=into,
            reads=_reads_of([moment]),
        )

    def _moment(self, node: Node) -> Expression:
        """A date with time as it is written, or an expression."""
        if node.kind == "text":
            try:
                datetime.fromisoformat(str(node.scalar))
                return constant(str(node.scalar))
            except ValueError:
                pass
        return self._expression(node)

    def _handoff(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        queue = fields.text("handoff")
        if queue:
            known(queue, self._project.queues, fields.node["handoff"], "the handoff goes to queue", self._problems)
        nobody = fields.node_of("nobody")
        note = fields.node_of("note")
        wording = self._project.wording.read(note, self._names, to_customers=False) if note else None
        usual = "ask" if branch == "stuck" else "continue"
        return s.Handoff(
            **about,
            queue=queue,
            note=wording,
            priority=fields.count("priority", 0, least=0, most=9),
            nobody=self._branch(nobody, about["next"], branch) if nobody else "",
            after=cast(Any, fields.one_of("after", grammar.VERBS["handoff"].key("after").allowed, usual)),
            reason=cast(Any, {"main": "rule", "stuck": "stuck", "fails": "action_failed"}[branch]),
            reads=tuple(sorted(wording.reads)) if wording else (),
        )

    def _end(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        return s.End(**{**about, "next": ""}, outcome=fields.name("end", "done"))

    # What steps are made of

    def _with(self, fields: Fields) -> dict[str, Expression]:
        args: dict[str, Expression] = {}
        for name, at, node in fields.pairs("with"):
            check_name(name, at, self._problems)
            args[name] = self._expression(node)
        return args

    def _expression(self, node: Node, names: Collection[str] | None = None) -> Expression:
        if node.kind != "text":
            return constant(node.plain)
        instants = [name for name, slot in self._making.slots.items() if slot.type.is_instant]
        try:
            return compile_expression(str(node.scalar), self._names if names is None else names, instants)
        except BadExpression as error:
            self._problems.add(node, str(error))
            return constant(None)

    def _content(self, node: Node, args: Mapping[str, Expression], *, may_ask: bool = False) -> s.Content:
        """A text, or a mapping of parts; a form among them where it `may_ask`."""
        if node.kind != "mapping" or all(tag in self._project.wording.languages for tag in node.pairs):
            return s.Content(text=self._project.wording.read(node, {*self._names, *args}), args=args)
        fields = Fields(node, "what is said", self._problems)
        fields.only([name for name in grammar.CONTENT.names if name != "form" or may_ask])
        looks = [look for look in ("choices", "quick", "list") if look in node]
        if len(looks) > 1:
            self._problems.add(node, f"give only one of {', '.join(map(repr, looks))}")
        text = node.get("text")
        if text is None and "card" not in node and "image" not in node:
            self._problems.add(node, "options alone say nothing: give a 'text', a 'card' or an 'image' as well")
        look = {"choices": "buttons", "quick": "quick", "list": "list"}[looks[0]] if looks else "quick"
        if "options" in node and looks:
            self._problems.add(node, f"give either 'options' or {looks[0]!r}")
        return s.Content(
            text=self._project.wording.read(text, {*self._names, *args}) if text else None,
            listed=self._expression(node["options"], {*self._names, *args}) if "options" in node else None,
            image=self._image(node["image"], args) if "image" in node else None,
            options=tuple(self.option(item) for item in fields.items(looks[0])) if looks else (),
            look=cast(Any, look),
            card=self._card(node["card"], args) if "card" in node else None,
            args=args,
        )

    def _card(self, node: Node, args: Mapping[str, Expression]) -> s.CardWords:
        fields = Fields(node, "the card", self._problems)
        fields.only(grammar.CARD.names)
        names = {*self._names, *args}
        read = {key: self._project.wording.read(node[key], names) for key in ("title", "body", "meta") if key in node}
        if "title" not in read:
            self._problems.add(node, "the card lacks 'title'")
            read["title"] = self._project.wording.texts.wording("greeting")
        options = tuple(self.option(item) for item in fields.items("options"))
        return s.CardWords(title=read["title"], body=read.get("body"), meta=read.get("meta"), options=options)

    def _image(self, node: Node, args: Mapping[str, Expression]) -> s.ImageWords | None:
        fields = Fields(node, "the image", self._problems)
        if node.kind != "mapping" or "address" not in node or "alt" not in node:
            self._problems.add(node, "an image is a mapping with 'address' and 'alt', what it shows in words")
            return None
        fields.only(grammar.IMAGE.names)
        names = {*self._names, *args}
        address, alt = (self._project.wording.read(node[key], names) for key in ("address", "alt"))
        if not str(node["address"].scalar).startswith(("https://", "@", "{{")):
            self._problems.add(node["address"], "the address of an image begins with https://")
        return s.ImageWords(address, alt)

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
            return s.LabelledOption(wording, f"/start {self._flow_named(fields, 'start')}")
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

    def _text_of(self, key: str, at: Node, args: Mapping[str, Expression]) -> Wording:
        return self._project.wording.keyed(key.removeprefix("@"), at, {*self._names, *args})

    def _span(self, text: str, at: Node) -> timedelta:
        try:
            return span(text)
        except ValueError as error:
            self._problems.add(at, str(error))
            return timedelta(seconds=1)

    def _reads(self, content: s.Content) -> tuple[str, ...]:
        card, image = content.card, content.image
        wordings = (
            content.text,
            *((card.title, card.body, card.meta) if card else ()),
            *((image.address, image.alt) if image else ()),
        )
        names = {name for wording in wordings if wording for name in wording.reads}
        names |= set(_reads_of([content.listed]))
        return tuple(sorted((names - content.args.keys()) | set(_reads_of(content.args.values()))))

    # The graph

    def _finish(self) -> None:
        making = self._making
        for name, at in making.references:
            if name not in making.places:
                self._problems.add(at, f"there is no step {name!r} in this flow{hint(name, making.places)}")
        for name, outcome in ((s.END, "done"), (s.END_FAILED, "failed"), (s.END_STUCK, "stuck")):
            making.steps.setdefault(name, s.End(id=name, next="", outcome=outcome))
        if len(making.places) > MOST_STEPS:
            self._problems.add(next(iter(making.places.values())), f"a flow has at most {MOST_STEPS} steps")
            return
        self._check_reach()

    def _check_reach(self) -> None:
        making = self._making
        if not making.places or any(name not in making.places for name, _ in making.references):
            return
        onward = {name: s.successors(step) for name, step in making.steps.items()}
        reached = _closure({next(iter(making.places))}, onward)
        for name, node in making.places.items():
            if name not in reached:
                self._problems.add(node, f"step {name!r} can never be reached")
        backward: dict[str, list[str]] = {}
        for name, targets in onward.items():
            for target in targets:
                backward.setdefault(target, []).append(name)
        ending = _closure({name for name, step in making.steps.items() if s.ends(step)}, backward)
        for name, node in making.places.items():
            if name in reached and name not in ending:
                self._problems.add(node, f"step {name!r} is a dead end: from here the flow never ends")
                return


def _closure(start: Collection[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    found, todo = set(start), list(start)
    while todo:
        for target in edges.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def _every_step(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.kind != "mapping":
            continue
        yield node
        for key in _BRANCHES:
            yield from _nested(node.get(key))
        cases = node.get("switch")
        if cases is not None and cases.kind == "mapping":
            for _, value in cases.pairs.values():
                yield from _nested(value)


def _nested(node: Node | None) -> Iterator[Node]:
    if node is not None and node.kind in ("mapping", "list"):
        yield from _every_step([node] if node.kind == "mapping" else node.items)


def _asks(steps: Iterable[s.Step]) -> dict[str, tuple[s.Ask, ...]]:
    found: dict[str, tuple[s.Ask, ...]] = {}
    for step in steps:
        if isinstance(step, s.Ask):
            found[step.slot] = (*found.get(step.slot, ()), step)
    return found


def _reads_of(expressions: Collection[Expression | None]) -> tuple[str, ...]:
    return tuple(sorted({name for expression in expressions if expression for name in expression.reads}))


def _scalar(node: Node | None) -> str | None:
    match node:
        case Node(kind="text" | "number"):
            return str(node.scalar)
        case Node(kind="truth"):
            return "true" if node.scalar else "false"
        case _:
            return None


def _key(value: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in value.lower())
