"""A flow as a graph for people: what each step does in a few words, and where it can go on. Pure data.

Drawn by `bot.flow.drawing`. A `goto` is an arrow rather than a place, and what an author left to the language (a
question that nobody can answer ends as `stuck`, an action that fails as `failed`) is not drawn for each step again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from bot.flow import steps as s
from bot.flow.book import Book, Flow
from bot.flow.conditions import Expression
from bot.flow.texts import Wording

Kind = Literal["start", "say", "ask", "do", "set", "when", "call", "become", "agent", "handoff", "wait", "end"]
Way = Literal["main", "branch", "trouble"]
"""`trouble`: taken when something went wrong."""

START = "(start)"
_MADE = (s.END_FAILED, s.END_STUCK)
_CONSTANTS = {"None": "null", "True": "true", "False": "false"}


@dataclass(frozen=True, slots=True)
class Place:
    id: str
    """The step's, or `START`."""
    kind: Kind
    title: str
    note: str = ""
    """What is said or given, in a few words more; may be long."""
    effect: Literal["", "read", "write", "money"] = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    source: str
    target: str
    label: str = ""
    way: Way = "main"


@dataclass(frozen=True, slots=True)
class Graph:
    """`places` in the order in which the flow reaches them; each is reached, and each arrow joins two of them."""

    flow: str
    version: int
    title: str
    about: str
    places: tuple[Place, ...]
    arrows: tuple[Arrow, ...]


def graph(book: Book, flow: Flow) -> Graph:
    language = book.assistant.language
    reached: dict[str, Place] = {START: Place(START, "start", flow.title.plain(language, {}))}
    arrows = [Arrow(START, _landing(flow, flow.first))]
    todo = [arrows[0].target]
    while todo:
        name = todo.pop(0)
        if name in reached:
            continue
        step = flow.steps[name]
        reached[name] = _place(step, language)
        onward = [
            Arrow(name, _landing(flow, target), label, way) for target, label, way in _ways(step) if target not in _MADE
        ]
        arrows += onward
        todo += [arrow.target for arrow in onward]
    return Graph(
        flow=flow.name,
        version=flow.number,
        title=reached[START].title,
        about=flow.about,
        places=tuple(reached.values()),
        arrows=tuple(arrows),
    )


def _landing(flow: Flow, name: str) -> str:
    """Where one stands after all `goto`s."""
    while isinstance(step := flow.steps[name], s.Goto):  # a circle of them is a dead end, which no book has
        name = step.next
    return name


def _ways(step: s.Step) -> Iterator[tuple[str, str, Way]]:
    match step:
        case s.Ask(next=after, stuck=stuck, tries=tries):
            yield after, "", "main"
            yield stuck, f"after {tries} tries" if tries > 1 else "after 1 try", "trouble"
        case s.Do(next=after, fails=fails):
            yield after, "", "main"
            yield fails, "fails", "trouble"
        case s.When(next=otherwise, then=then, cases=cases):
            for target, labels in _by_target(cases).items():
                yield target, labels, "branch"
            if then:
                yield then, "yes", "branch"
            yield otherwise, "else" if cases else "no", "branch"
        case s.Agent(next=after, stuck=stuck, alone=alone):
            yield after, "", "main"
            yield stuck, "stuck", "trouble"
            yield alone, "without a model", "branch"
        case s.Handoff(next=after, nobody=nobody) if nobody:
            yield after, "", "main"
            yield nobody, "nobody", "branch"
        case s.End() | s.Become():
            return
        case _:
            yield step.next, "", "main"


def _by_target(cases: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for case, target in cases.items():
        found.setdefault(target, []).append(case)
    return {target: ", ".join(labels) for target, labels in found.items()}


def _place(step: s.Step, language: str) -> Place:
    match step:
        case s.Say(variants=variants):
            return Place(step.id, "say", _said(variants[0].content, language))
        case s.Ask(slot=slot, say=say):
            return Place(step.id, "ask", slot, _said(say, language))
        case s.Do(action=action, into=into, effect=effect):
            return Place(step.id, "do", action, f"gives {into}" if into else "", effect)
        case s.Assign(values=values):
            return Place(step.id, "set", "\n".join(f"{name} = {_source(value)}" for name, value in values.items()))
        case s.When(condition=condition):
            return Place(step.id, "when", _source(condition))
        case s.Goto():
            raise AssertionError("arrows lead past it")
        case s.Call(flow=flow, into=into):
            return Place(step.id, "call", flow, f"gives {into}" if into else "")
        case s.Become(flow=flow):
            return Place(step.id, "become", flow)
        case s.Agent(task=task, fills=fills):
            return Place(step.id, "agent", task, f"fills {', '.join(fills)}" if fills else "")
        case s.Wait(event=event):
            return Place(step.id, "wait", f"for {event}" if event else "a while")
        case s.Handoff(queue=queue, note=note):
            return Place(step.id, "handoff", queue or "a person", _plain(note, language) if note else "")
        case s.End(outcome=outcome):
            return Place(step.id, "end", outcome)
        case _:
            assert_never(step)


def _said(content: s.Content, language: str) -> str:
    card = content.card
    wordings: Sequence[Wording | None] = (content.text, card.title if card else None)
    return next((_plain(wording, language) for wording in wordings if wording), "")


def _plain(wording: Wording, language: str) -> str:
    """The text as its author wrote it, with `{name}` where a value comes in."""
    source = re.sub(r"\{%.*?%\}", "", wording.words(language).source, flags=re.DOTALL)
    source = re.sub(r"\{\{\s*([^}|]*?)\s*(\|[^}]*)?\}\}", r"{\1}", source)
    return " ".join(re.sub(r"\*\*|__|`", "", source).split())


def _source(expression: Expression) -> str:
    return _CONSTANTS.get(expression.source, expression.source)
