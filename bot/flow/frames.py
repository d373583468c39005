"""What the stack tells by itself: which flows belong together, what each has passed, read and done. Pure."""

from __future__ import annotations

from bot.model import Frame

Stack = tuple[Frame, ...]


def of_id(stack: Stack, at: int) -> Frame | None:
    return next((frame for frame in stack if frame.id == at), None)


def running(stack: Stack, flow: str) -> Frame | None:
    """The topmost frame of a flow in progress."""
    return next((frame for frame in reversed(stack) if frame.flow == flow and not frame.pattern), None)


def depth(stack: Stack) -> int:
    """How many flows are in progress; what the engine starts by itself does not count."""
    return sum(not frame.pattern for frame in stack)


def group(stack: Stack, frame: Frame) -> Stack:
    """The flow as the customer sees it: with those that called it and those it called, lowest first."""
    root = frame
    while root.caller and (caller := of_id(stack, root.caller)):
        root = caller
    return (root, *called_by(stack, root))


def called_by(stack: Stack, caller: Frame) -> Stack:
    """Also through others; lowest first."""
    callers = {caller.id}
    called: list[Frame] = []
    for frame in stack:
        if frame.caller in callers:
            callers.add(frame.id)
            called.append(frame)
    return tuple(called)


def first_reader(frame: Frame, name: str) -> int | None:
    """Which of the steps it passed was the first to use a name."""
    return next((at for at, (_, reads) in enumerate(frame.read) if name in reads), None)


def is_at(frame: Frame, step: str) -> bool:
    """It has entered the step; else it stands before it: a correction or a new version of the flow led there."""
    return bool(frame.read) and frame.read[-1][0] == step


def effects_since(frame: Frame, since: int) -> tuple[str, ...]:
    """The steps whose action has had an effect since one of the steps it passed, first one first."""
    later = {step for step, _ in frame.read[since:]}
    return tuple([step for step in frame.effects if step in later])


def times_entered(frame: Frame, step: str) -> int:
    """How often on end."""
    count = 0
    for name, _ in reversed(frame.read):
        if name != step:
            break
        count += 1
    return count
