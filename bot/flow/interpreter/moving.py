"""Brings a conversation to the flows as they were published last, before anything else is done with it."""

from __future__ import annotations

from bot.commands import read_value
from bot.flow import frames
from bot.flow.book import Flow, Kept, pin_name
from bot.flow.interpreter import patterns, repair, stack
from bot.flow.interpreter.run import Run
from bot.flow.question import hearing_of
from bot.flow.steps import Ask
from bot.flow.versions import Place, place, retyped
from bot.model import Asked, Emptied, Filled, Frame, Start


def bring_up_to_date(run: Run) -> None:
    """Each frame of an older version moves, stays in its own, or ends. Lowest first."""
    for at in [frame.id for frame in run.state.stack]:
        frame = frames.of_id(run.state.stack, at)
        flow = run.book.newest_of(frame) if frame else None
        if frame is None or (flow is not None and flow.version == frame.version):
            continue
        kept = run.book.kept.get((pin_name(frame.flow, frame.pattern), frame.version))
        called = bool(frames.called_by(run.state.stack, frame))
        where = place(frame, kept, flow, has_called=called)
        if where.kind == "broken" and frame.pattern:  # what it asked is not asked that way any more
            stack.drop(run, run.group(frame), "changed")
        elif where.kind == "broken":
            break_off(run, frame, where.why)
        elif where.move is not None and kept is not None and flow is not None:
            move(run, frame, where, kept, flow)


def move(run: Run, frame: Frame, where: Place, kept: Kept, flow: Flow) -> None:
    assert where.move is not None
    run.move(where.move)
    if (frame.asking or frame.tries) and not where.is_at:
        run.void_answers(frame.asking)
        run.move(Asked(frame.id, ""))
    for name in retyped(frame, kept.structure, flow.structure):
        read_again(run, frame.id, flow, name)


def read_again(run: Run, at: int, flow: Flow, name: str) -> None:
    """A slot has another type: what it holds is a value of that type as well, or is asked for again."""
    frame, slot = frames.of_id(run.state.stack, at), flow.slots[name]
    if frame is None or frame.slots.get(name) is None:
        return
    value = read_value(slot, frame.slots[name], "flow", hearing_of(run.book, run.state, slot, run.facts))
    if value is not None:
        run.move(Filled(name, value, at))
        return
    run.move(Emptied(name, at))
    asked = [n for n, (step, _) in enumerate(frame.read) if _asks(flow, step, name)]
    if asked and frame.asking != name:
        repair.rewind(run, frame, asked[0], name)


def _asks(flow: Flow, step: str, slot: str) -> bool:
    ask = flow.steps.get(step)
    return isinstance(ask, Ask) and ask.slot == slot


def break_off(run: Run, frame: Frame, why: str) -> None:
    """The flow cannot go on: as the assistant's policy says."""
    group = run.group(frame)
    stack.drop(run, group, "changed")
    policy, root = run.book.assistant.broken, group[0].flow
    if policy == "handoff":
        run.hand_off("error", note=f"flow {frame.flow!r}: {why}")
    elif policy == "restart" and run.book.newest(root) is not None:
        run.say("changed_restart")
        stack.push(run, Start(root))
    else:
        patterns.play(run, "error", reason="changed")
        run.ended = group[-1]
