"""Reads the steps of a flow: each verb with its options, made into a graph in which each names the one after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from bot.flow import grammar
from bot.flow import steps as s
from bot.flow.actions import Action
from bot.flow.book import Slot
from bot.flow.conditions import FACTS, Expression, constant, hint
from bot.flow.fields import Fields, Problems, check_name, known
from bot.flow.read_content import ONLY_WITH, ContentReader, Making, Project, reads_of
from bot.flow.source import Node

MOST_STEPS = 500

Branch = Literal["main", "stuck", "fails"]

_GIVING = ("do", "call", "wait")
"""Verbs with `into`."""
_BRANCHES = ("then", "else", "stuck", "fails", "nobody")


class StepReader:
    def __init__(self, project: Project, making: Making, words: ContentReader, problems: Problems) -> None:
        self._project, self._making, self._words, self._problems = project, making, words, problems

    def survey(self, nodes: Sequence[Node]) -> None:
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

    def _branch(self, node: Node | None, after: str, branch: Branch) -> str:
        """The id where a branch begins: of a step named by its id, or of steps written in place."""
        if node is None:
            return after
        if node.kind == "text":
            self._making.references.append((str(node.scalar), node))
            return str(node.scalar)
        if node.kind in ("mapping", "list"):
            return self.branch_of([node] if node.kind == "mapping" else node.items, after, branch)
        self._problems.add(node, f"a branch is a list of steps or a step's id, not {node.named}")
        return after

    def branch_of(self, nodes: Sequence[Node], after: str, branch: Branch) -> str:
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
        args, node = self._words.given(fields), fields.node["say"]
        said = s.Variant(content=self._words.content(node, args, may_ask=True))
        if node.kind == "mapping" and "form" in node:
            about["next"] = self._form(Fields(node, "what is said", self._problems), about)
        variants = (said, *(self._variant(item, args) for item in fields.items("variants")))
        reads = {name for each in variants for name in (*self._words.reads(each.content), *reads_of([each.condition]))}
        mode = cast(Any, fields.one_of("mode", grammar.VERBS["say"].key("mode").allowed, "exact"))
        return s.Say(**about, variants=variants, mode=mode, reads=tuple(sorted(reads)))

    def _form(self, fields: Fields, about: Mapping[str, Any]) -> str:
        """Questions for its slots, one by one."""
        names = fields.texts("form")
        for name, at in zip(names, fields.items("form"), strict=False):
            if known(name, self._making.slots, at, "the form names slot", self._problems):
                self._words.text_of(f"@ask_{name}", at, {})
        return self._questions(
            about, [name for name in names if name in self._making.slots], fields.node, about["next"]
        )

    def _variant(self, node: Node, args: Mapping[str, Expression]) -> s.Variant:
        if node.kind != "mapping" or "text" not in node:
            return s.Variant(content=self._words.content(node, args))
        fields = Fields(node, "the variant", self._problems)
        fields.only(grammar.VARIANT.names)
        condition = fields.node_of("if")
        return s.Variant(
            content=self._words.content(node["text"], args),
            channel=fields.text("channel"),
            condition=self._words.expression(condition) if condition else None,
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
        args = self._words.given(fields)
        say = node.get("say")
        if say is not None:
            content = self._words.content(say, args)
        else:
            key = f"ask_{name}"
            if key not in self._project.wording.texts:
                self._problems.add(node["ask"], f"what is asked? Give 'say', or write text {key!r}")
                content = s.Content()
            else:
                content = s.Content(text=self._words.text_of(f"@{key}", node["ask"], args), args=args)
        checks = tuple(self._check(item) for item in fields.items("check"))
        options = self._answers(fields, slot)
        default = fields.node_of("default")
        if isinstance(options, tuple) and not options and slot.type.name in ONLY_WITH["of"] and not slot.of:
            kind = slot.type.name.replace("_", " ")
            self._problems.add(node, f"slot {name!r} is a {kind} without 'of': this step must give its 'options'")
        reads = {*self._words.reads(content), *(options.reads if isinstance(options, Expression) else ())}
        for check in checks:
            reads |= {*check.refused_if.reads, *self._words.reads(check.say)}
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
            default=self._words.expression(default) if default else None,
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
            say=self._words.content(node["say"], {}) if "say" in node else None,
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
        return self._words.span(text, fields.node[key]) if text else timedelta()

    def _check(self, node: Node) -> s.Check:
        fields = Fields(node, "the check", self._problems)
        if node.kind != "mapping" or "if" not in node or "say" not in node:
            self._problems.add(node, "a check is a mapping with 'if' and 'say'")
            return s.Check(constant(False), s.Content())
        fields.only(grammar.CHECK.names)
        return s.Check(self._words.expression(node["if"]), self._words.content(node["say"], {}))

    def _answers(self, fields: Fields, slot: Slot) -> tuple[s.LabelledOption, ...] | Expression:
        node = fields.node_of("options")
        if node is None:
            return ()
        if node.kind == "text":
            return self._words.expression(node)
        options = tuple(self._words.answer(slot.name, item) for item in fields.items("options"))
        values = [option.value for option in slot.of]
        for option in options:
            if values and option.value not in values:
                self._problems.add(
                    node, f"{option.value!r} is no answer of slot {slot.name!r}{hint(option.value, values)}"
                )
        return options

    def _do(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node, name = fields.node, fields.text("do")
        args = self._words.given(fields)
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
        reads = {*reads_of(args.values()), *reads_of([approve.needed_if if approve else None])}
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
        needed_if = self._words.expression(condition) if condition else constant(True)
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
                values[name] = self._words.expression(node)
        return s.Assign(**about, values=values, reads=reads_of(values.values()))

    def _when(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        node = fields.node
        condition = self._words.expression(node["when"])
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
        return s.Call(**about, flow=name, args=args, into=fields.text("into"), reads=reads_of(args.values()))

    def _become(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        name, args = self._flow_with(fields, "become")
        return s.Become(**{**about, "next": ""}, flow=name, args=args, reads=reads_of(args.values()))

    def _flow_with(self, fields: Fields, verb: str) -> tuple[str, dict[str, Expression]]:
        """A flow and the slots it is given."""
        name, args = self._words.flow_named(fields, verb), self._words.given(fields)
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
        condition = self._words.expression(until) if until else None
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
            content = s.Content(text=self._words.text_of(f"@ask_{name}", at, {}))
            reads = self._words.reads(content)
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
            return s.Wait(**about, span=self._words.span(str(node.scalar), node), into=into)
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
            reads=reads_of([moment]),
        )

    def _moment(self, node: Node) -> Expression:
        """A date with time as it is written, or an expression."""
        if node.kind == "text":
            try:
                datetime.fromisoformat(str(node.scalar))
                return constant(str(node.scalar))
            except ValueError:
                pass
        return self._words.expression(node)

    def _handoff(self, fields: Fields, about: dict[str, Any], branch: Branch) -> s.Step:
        queue = fields.text("handoff")
        if queue:
            known(queue, self._project.queues, fields.node["handoff"], "the handoff goes to queue", self._problems)
        nobody = fields.node_of("nobody")
        note = fields.node_of("note")
        wording = self._project.wording.read(note, self._words.names, to_customers=False) if note else None
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

    # The graph

    def finish(self) -> None:
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
