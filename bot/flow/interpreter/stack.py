"""Which flows are on the stack, and in which order."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands import way_into
from bot.flow import frames
from bot.flow import steps as s
from bot.flow.book import Flow
from bot.flow.interpreter.run import Run, place_of
from bot.flow.patterns import UNDO
from bot.model import Filled, Frame, Json, Popped, Pushed, Queued, Raised, Start


def push(run: Run, command: Start) -> None:
    """Where its guard does not hold, the flow that can make it true goes first: begins, or comes up.

    Whoever gives the command has checked that there is a way into the flow.
    """
    first, *later = way_into(run.book, run.book.flows[command.flow], run.state, run.facts)
    for flow in later:
        if all(queued.flow != flow.name for queued in run.state.queue):
            run.move(Queued(command if flow.name == command.flow else Start(flow.name)))
    if later and (opening := frames.running(run.state.stack, first.name)):
        bring_up(run, opening)
        return
    flow, command = first, Start(first.name) if later else command
    frame = Frame(id=run.state.frames + 1, flow=flow.name, version=flow.version)
    run.move(Pushed(frame))
    fill_all(run, frame, flow, command.slots)


def fill_all(run: Run, frame: Frame, flow: Flow, slots: dict[str, Json]) -> None:
    for name, value in slots.items():
        if name in flow.slots and value is not None:
            run.move(Filled(name, value, place_of(frame, flow.slots[name])))


def drop(run: Run, frames: Iterable[Frame], outcome: str) -> None:
    for frame in reversed(tuple(frames)):
        if frame.asking:
            run.void_answers(frame.asking)
        run.move(Popped(frame.id, outcome))


def bring_up(run: Run, frame: Frame) -> None:
    group = run.group(frame)
    if run.state.stack[-len(group) :] != group:
        for member in group:
            run.move(Raised(member.id))


def pop(run: Run, frame: Frame, outcome: str, *, reopens: bool = False) -> None:
    """`reopens`: it has done all that it was to do."""
    if outcome == UNDO and frame.pattern and frame.flow == "too_late":
        return  # it stands at its end until all of it is undone
    caller = frames.of_id(run.state.stack, frame.caller) if frame.caller else None
    run.move(
        Popped(frame.id, outcome, reopens and caller is None and bool(frame.asked or frame.slots) and not frame.pattern)
    )
    run.outcome = outcome
    if caller is None:
        run.ended = frame
        return
    if frame.into:
        run.move(Filled(frame.into, {**frame.slots, "outcome": outcome}, caller.id, result=True))
    step = run.flow_of(caller).steps.get(caller.step)
    if isinstance(step, s.Call):
        run.due[caller.id] = step.next
