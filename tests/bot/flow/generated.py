"""Random projects that the reader accepts, and random things to do in them: what the properties are held against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, get_args

from hypothesis import strategies as st

from bot.commands import parse_slash
from bot.flow.book import Book
from bot.flow.interpreter.given import Back, Given, Missed, Ordered, Rang, Signal
from bot.model import Set, Start, State, Verdict

FLOWS = ("a", "b", "c")
TYPES: dict[str, tuple[str, ...]] = {
    "text": ("words", "x"),
    "integer": ("1", "7", "many"),
    "yes_no": ("yes", "no", "perhaps"),
    "choice": ("red", "blue", "green"),
    "multi_choice": ("+red", "blue", "-red", "+blue", "green"),
    "order_id": ("A-1", "A-2", "none"),
}
SHARED = "known"
"""A slot of the conversation that every flow declares; flow `guarded` wants it to be `x`."""

Steps = list[dict[str, Any]]


@st.composite
def projects(draw: st.DrawFn) -> str:
    """Flow files: `a`, `b` and `c` at random, `guarded`, and `opens`, which can make its guard true."""
    flows: list[dict[str, Any]] = [draw(flow(name)) for name in FLOWS]
    shared = {SHARED: {"type": "text", "scope": "conversation"}}
    flows += [
        {
            "flow": "guarded",
            "about": "guarded",
            "when": f'{SHARED} == "x"',
            **({"needs": "opens"} if draw(st.booleans()) else {}),
            "slots": shared,
            "steps": [{"say": "Inside."}],
        },
        {
            "flow": "opens",
            "about": "opens",
            "slots": shared,
            "steps": [{"ask": SHARED, "say": "The word?", "always_ask": True}],
        },
    ]
    return "\n---\n".join(json.dumps(each) for each in flows)


@st.composite
def flow(draw: st.DrawFn, name: str) -> dict[str, Any]:
    slots: dict[str, Any] = {SHARED: {"type": "text", "scope": "conversation"}}
    for n in range(3):
        kind = draw(st.sampled_from(sorted(TYPES)))
        slots[f"s{n}"] = {
            "type": kind,
            **({"of": ["red", "blue"]} if kind in ("choice", "multi_choice") else {}),
            "optional": draw(st.booleans()),
            "always_ask": draw(st.booleans()),
            "scope": draw(st.sampled_from(["flow", "flow", "turn"])),
        }
    named = [f"{name}_{n}" for n in range(draw(st.integers(1, 3)))]
    body = [{"ask": "s0", "say": "First?", "id": f"{name}_first"}]
    for step_id in named:
        body += draw(st.lists(step(name, 2), min_size=1, max_size=3))
        body.append({"say": "Here.", "id": step_id})
    return {"flow": name, "about": name, "slots": slots, "steps": body}


@st.composite
def step(draw: st.DrawFn, name: str, depth: int) -> dict[str, Any]:
    """Without `end` and `goto`, which stand last in branches only: all steps can be reached, none is a dead end."""
    kinds = ["say", "ask", "do", "write", "set", "call", "wait", "become", "handoff", "agent"]
    kind = draw(st.sampled_from([*kinds, *(["when", "switch"] * 3 if depth else [])]))
    slot = f"s{draw(st.integers(0, 2))}"
    match kind:
        case "say":
            return {"say": "Said."}
        case "ask":
            return {"ask": slot, "say": "What?", **draw(asking(name))}
        case "do":
            return {"do": "find", "with": {"order": slot}, "into": "found", "retry": draw(st.integers(0, 2))}
        case "write":
            approve = draw(st.sampled_from([{}, {"approve": {"by": "returns"}}, {"approve": {"within": "1h"}}]))
            fails = {"fails": [{"say": "Failed."}]} if draw(st.booleans()) else {}
            return {"do": "book_it", "with": {"order": slot}, "into": "booked", **approve, **fails}
        case "set":
            return {"set": {slot: draw(st.sampled_from([None, '"A-1"', "1", SHARED]))}}
        case "call":
            return {"call": draw(st.sampled_from(FLOWS)), "into": "called"}
        case "wait":
            return {"wait": draw(st.sampled_from(["10m", {"event": "sign"}, {"event": "sign", "for": "1h"}]))}
        case "handoff":
            return {"handoff": "returns", "after": draw(st.sampled_from(["continue", "ask", "end"]))}
        case "agent":
            return {"agent": "Talk.", "fills": [slot], "turns": 2}
        case "become":
            return {"when": condition(slot), "then": [{"become": draw(st.sampled_from(FLOWS))}]}
        case "when":
            return {"when": condition(slot), "then": draw(branch(name, depth - 1))}
        case _:
            cases = draw(st.dictionaries(st.sampled_from(["red", "1", "true"]), branch(name, depth - 1), min_size=1))
            return {"when": slot, "switch": cases}


@st.composite
def branch(draw: st.DrawFn, name: str, depth: int) -> Steps:
    body: Steps = draw(st.lists(step(name, depth), max_size=2))
    last = draw(st.sampled_from([None, {"end": "done"}, {"goto": f"{name}_first"}, {"goto": f"{name}_0"}]))
    body += [last] if last else []
    return body or [{"say": "Nothing."}]


@st.composite
def asking(draw: st.DrawFn, name: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "tries": draw(st.integers(1, 3)),
        "always_ask": draw(st.booleans()),
        "interrupt": draw(st.sampled_from(["allow", "queue", "refuse"])),
    }
    if draw(st.booleans()):
        options["stuck"] = draw(st.sampled_from([{"handoff": "returns"}, [{"say": "Stuck."}], f"{name}_0"]))
    if draw(st.booleans()):
        options["quiet"] = [{"after": "5m", "say": "There?"}, {"after": "1h", "cancel": True}]
    return options


def condition(slot: str) -> str:
    return f"{slot} != null"


VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_VALUES = sorted({value for values in TYPES.values() for value in values})
_SLOTS = ("s0", "s1", "s2", SHARED, "unknown")
_ALL_FLOWS = (*FLOWS, "guarded", "opens", "unknown")
lines = st.one_of(
    st.builds("/start {}".format, st.sampled_from(_ALL_FLOWS)),
    st.builds("/start {} {}={}".format, st.sampled_from(_ALL_FLOWS), st.sampled_from(_SLOTS), st.sampled_from(_VALUES)),
    st.builds("/set {}={}".format, st.sampled_from(_SLOTS), st.sampled_from(_VALUES)),
    st.builds("/unset {}".format, st.sampled_from(_SLOTS)),
    st.builds("/resume {}".format, st.sampled_from(_ALL_FLOWS)),
    st.builds("/clarify {} {}".format, st.sampled_from(_ALL_FLOWS), st.sampled_from(_ALL_FLOWS)),
    st.sampled_from(["/cancel", "/cancel all", "/cancel handoff", "/resume", "/skip", "/repeat", "/chat", "/human"]),
    st.sampled_from(["/restart", "/lookup what", "/refuse void", "/refuse other"]),
)
sources = st.sampled_from(("slash", "button", "model", "answer", "console", "rule", "example", "api", "timer"))


def _ordered(line: str, source: Any) -> Given:
    command = parse_slash(line)
    assert command is not None, line
    return Ordered(command, source)


@dataclass(frozen=True)
class Answer:
    """To whatever is asked then; where nothing is, a flow is asked for. So talks get somewhere."""

    n: int

    def given(self, book: Book, state: State) -> Given:
        pending = book.pending(state)
        if pending is None:
            return Ordered(Start((*FLOWS, "guarded")[self.n % 4]), "slash")
        values = TYPES[pending.slot.type.name]
        return Ordered(Set(pending.slot.name, "x" if pending.slot.name == SHARED else values[self.n % 2]), "answer")


things: st.SearchStrategy[Given] = st.one_of(
    st.builds(_ordered, lines, sources),
    st.just(Missed()),
    st.just(Rang()),
    st.builds(Signal, st.sampled_from(["sign", "other"]), st.sampled_from([None, 1, "x"])),
    st.builds(Back, st.sampled_from(["resume", "restart", "free"]), verdict=st.sampled_from(VERDICTS)),
)
answers = st.lists(st.builds(Answer, st.integers(0, 7)), min_size=1, max_size=1)
talks = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 6, 90]), st.one_of(answers, answers, st.lists(things, min_size=1, max_size=3))),
    min_size=8,
    max_size=25,
)
"""Minutes that pass, and what is then given in one turn."""
outcomes = st.fixed_dictionaries(
    {
        "find": st.sampled_from([{"days": 9}, {}, "!down", None]),
        "book_it": st.sampled_from(["R-1", "R-2", "!down", "?unknown"]),
    }
)
