"""Plays patterns: the flows that the engine starts by itself. Each is a frame like any other, above all the rest."""

from __future__ import annotations

from collections.abc import Iterator

from bot.flow import frames
from bot.flow import steps as s
from bot.flow.book import Flow
from bot.flow.conditions import Unevaluated
from bot.flow.interpreter import stack, verbs
from bot.flow.interpreter.run import Broken, Run
from bot.flow.patterns import PERSON
from bot.flow.texts import Unsayable
from bot.model import Emptied, Entered, Filled, Frame, HandoffReason, Json, Move, Popped, Pushed

LONGEST = 50
"""Steps of a pattern that are played at once; it goes on with the flows, when its turn comes."""

_AT_ONCE = (s.Say, s.Ask, s.When, s.Assign, s.Goto, s.Call, s.End)


def play(run: Run, name: str, **args: Json) -> bool:
    """Say what the pattern says; whether it has ended. One that asks or acts stays above the flows until it does.

    One that only speaks leaves no other trace.
    """
    flow = run.book.patterns.get(name)
    if flow is None or flow.first == s.END:
        run.outcome = "done"
        return True
    frame = Frame(id=run.state.frames + 1, flow=name, version=flow.version, results=args, pattern=True)
    before, known = run.state, len(run.moves)
    run.move(Pushed(frame))
    if not goes_through(run, frame):
        return False
    if run.outcome != "failed" and all(_is_of(move, frame) for move in run.moves[known:]):
        del run.moves[known:]
        run.state = before
        run.due.pop(frame.id, None)
    return True


def welcome(run: Run) -> None:
    """What `start` does after its greeting, which is shown before anything is stored.

    It leaves a trace, and is done once. Where it asks something, a request beside it comes next.
    """
    flow = run.book.patterns["start"]
    frame = Frame(id=run.state.frames + 1, flow=flow.name, version=flow.version, pattern=True)
    run.move(Pushed(frame))
    run.due[frame.id] = flow.steps[flow.first].next
    if not goes_through(run, frame):
        run.started = run.book.pending(run.state) is not None


def _is_of(move: Move, frame: Frame) -> bool:
    """Whether it concerns nothing but that frame."""
    match move:
        case Pushed(frame=pushed):
            return pushed.id == frame.id
        case Entered(frame=at) | Filled(frame=at) | Emptied(frame=at) | Popped(frame=at):
            return at == frame.id
        case _:
            return False


def play_wanted(run: Run) -> None:
    """What the steps so far wanted to be played."""
    while run.wanted:
        name, args = run.wanted.pop(0)
        play(run, name, **args)


def goes_through(run: Run, frame: Frame) -> bool:
    """Whether a pattern came to its end at once. What waits behind it is not its matter."""
    ended = run.ended
    try:
        for top in _standing(run, frame):
            verbs.execute(run, top)
    except (Broken, Unevaluated, Unsayable) as error:
        stack.drop(run, run.group(frame), "failed")
        run.outcome = "failed"
        run.hand_off("error", note=f"pattern {frame.flow!r}: {error}")
    if frames.of_id(run.state.stack, frame.id):
        return False
    run.ended = ended
    if run.outcome == PERSON:
        run.hand_off(reason_of(frame))
    return True


def reason_of(frame: Frame) -> HandoffReason:
    """Why a pattern asks for a human."""
    match frame.flow:
        case "clarify" | "stuck":
            return "stuck"
        case "error" | "lookup":
            return "no_evidence" if frame.flow == "lookup" or frame.results.get("reason") == "no_evidence" else "error"
        case _:
            return "asked"


def _standing(run: Run, frame: Frame) -> Iterator[Frame]:
    """The frame to execute next, as long as that is the pattern's, or of a flow it calls, and takes no time."""
    for _ in range(LONGEST):
        top = run.top
        if top is None or frames.of_id(run.state.stack, frame.id) is None or run.book.pending(run.state):
            return
        step = _next(run, run.flow_of(top), top)
        if not isinstance(step, _AT_ONCE) or (isinstance(step, s.End) and step.id == top.step):
            return
        yield top


def _next(run: Run, flow: Flow, frame: Frame) -> s.Step | None:
    return flow.steps.get(run.due.get(frame.id, "") or frame.step or flow.first)
