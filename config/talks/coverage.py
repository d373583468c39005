"""Which steps of the flows, and which ways on from them, a set of conversations has taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.flow import steps as s
from bot.flow.book import Book, Flow
from bot.flow.fold import fold_event
from bot.flow.source import Mark
from bot.model import Entered, Event, Frame, Popped, Pressed, Pushed, Rang, Rewound, Said, State, Timer, Turned


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A step, or one way on from it."""

    flow: str
    step: str
    branch: str = ""
    """`then`, `else`, `case VALUE`, `stuck`, `fails`, `nobody`, `quiet NUMBER`; empty: the step itself."""


@dataclass(frozen=True, slots=True)
class FlowCoverage:
    flow: str
    steps: tuple[int, int]
    """Taken, of how many."""
    branches: tuple[int, int]
    missing: tuple[tuple[Mark, str], ...]
    """Place, and what was never taken there, in order of the places; of a step never taken not its ways on."""

    @property
    def percent(self) -> float:
        return _percent(self.steps[0] + self.branches[0], self.steps[1] + self.branches[1])


def coverage(book: Book, talks: Iterable[tuple[State, Sequence[Event]]]) -> tuple[FlowCoverage, ...]:
    """Of each flow, by name. `talks` are whole conversations: how things stood, and what happened."""
    taken = {spot for begun, log in talks for spot in _taken(book, begun, log)}
    return tuple(_of_flow(flow, taken) for _, flow in sorted(book.flows.items()))


def total(found: Sequence[FlowCoverage]) -> float:
    """Percent of all steps and branches."""
    taken = sum(each.steps[0] + each.branches[0] for each in found)
    return _percent(taken, sum(each.steps[1] + each.branches[1] for each in found))


def _percent(taken: int, of: int) -> float:
    return 100 * taken / of if of else 100.0


def _of_flow(flow: Flow, taken: set[Spot]) -> FlowCoverage:
    spots = list(_spots(flow))
    steps = [spot for spot in spots if not spot.branch]
    branches = [spot for spot in spots if spot.branch]
    told = (spot for spot in spots if spot not in taken and (not spot.branch or Spot(flow.name, spot.step) in taken))
    missing = sorted(((flow.places[spot.step], _named(spot)) for spot in told), key=_order)
    return FlowCoverage(
        flow.name,
        (sum(spot in taken for spot in steps), len(steps)),
        (sum(spot in taken for spot in branches), len(branches)),
        tuple(missing),
    )


def _order(missing: tuple[Mark, str]) -> tuple[str, int, int, str]:
    mark, what = missing
    return mark.path, mark.line, mark.column, what


def _named(spot: Spot) -> str:
    return (
        f"step {spot.step!r}: {spot.branch!r} is never taken" if spot.branch else f"step {spot.step!r} is never taken"
    )


def _spots(flow: Flow) -> Iterator[Spot]:
    for name in flow.places:
        yield Spot(flow.name, name)
        step = flow.steps.get(name)
        for branch in (*_branches(step), *_silences(step)):
            yield Spot(flow.name, name, branch)


def _branches(step: s.Step | None) -> Mapping[str, str]:
    """Ways on that its author wrote, each with the step it leads to. What a `switch` does for no case is no branch:
    often there is no such value."""
    match step:
        case s.When(cases=cases) if cases:
            return {f"case {value}": target for value, target in cases.items()}
        case s.When():
            return {"then": step.then, "else": step.next}
        case s.Ask(stuck=stuck) | s.Agent(stuck=stuck) if stuck != s.END_STUCK:
            return {"stuck": stuck}
        case s.Do(fails=fails) if fails != s.END_FAILED:
            return {"fails": fails}
        case s.Handoff(nobody=nobody) if nobody:
            return {"nobody": nobody}
        case _:
            return {}


def _silences(step: s.Step | None) -> list[str]:
    return [f"quiet {n}" for n, _ in enumerate(step.quiet, 1)] if isinstance(step, s.Ask) else []


@dataclass(slots=True)
class _Frames:
    """What is known of the flows on the stack while a log is read."""

    flows: dict[int, str]
    steps: dict[int, str] = field(default_factory=dict)
    """Frame to the step it entered last."""


def _taken(book: Book, begun: State, log: Sequence[Event]) -> Iterator[Spot]:
    known = (*begun.stack, *((begun.ended,) if begun.ended else ()))
    frames, state, silent = _Frames({frame.id: frame.flow for frame in known}), begun, list[Timer]()
    for event in log:
        match event.body:
            case Rang(due_at=due_at):
                silent = [timer for timer in state.timers if timer.name == "quiet" and timer.due_at <= due_at]
            case Said() | Pressed() if event.author.kind == "customer":
                silent = []
            case Turned():
                yield from (Spot(frames.flows.get(t.frame, ""), t.step, f"quiet {t.n + 1}") for t in silent)
                silent = []
        state = fold_event(state, event)
        for move in event.body.moves if isinstance(event.body, Turned) else ():
            match move:
                case Pushed(frame=Frame(id=at, flow=name)):
                    frames.flows[at] = name
                case Rewound(frame=at) | Popped(frame=at):
                    frames.steps.pop(at, None)
                case Entered(frame=at, step=step):
                    flow = book.flows.get(frames.flows.get(at, ""))
                    if flow is not None:
                        yield from _entered(flow, frames.steps.get(at, ""), step)
                    frames.steps[at] = step
                case _:
                    pass


def _entered(flow: Flow, before: str, step: str) -> Iterator[Spot]:
    yield Spot(flow.name, step)
    yield from _passed_by(flow, before, step)
    for branch, target in _branches(flow.steps.get(before)).items():
        if target == step:
            yield Spot(flow.name, before, branch)


def _passed_by(flow: Flow, before: str, step: str) -> Iterator[Spot]:
    """Handoffs for which nobody was there are not entered: they lead on at once."""
    came_from = flow.steps.get(before)
    ways = list(s.successors(came_from)) if came_from else [flow.first]
    passed: list[str] = []
    while ways and step not in ways:
        closed = {name: each.nobody for name in ways if isinstance(each := flow.steps.get(name), s.Handoff)}
        ways = [nobody for name, nobody in closed.items() if nobody and name not in passed]
        passed += closed
    if passed and step in ways:
        yield from (Spot(flow.name, name, "nobody") for name in passed)
