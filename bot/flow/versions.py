"""What becomes of the frames that live conversations have when a flow is published anew. Pure.

`same`: from its step on nothing changed, it moves. `mapped`: the new version says where it goes on. `kept`: it finishes
in its own version. `broken`: its own version can no longer be read, and the new one has no place for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from bot.flow.book import Flow, Kept
from bot.flow.structure import StepStructure, Structure
from bot.model import Frame, Moved

_BOUND = ("do", "handoff")
"""Who stands there waits for somebody else's word on exactly that."""


class Place(Struct, frozen=True, kw_only=True):
    """Where one frame goes on."""

    kind: Literal["same", "mapped", "kept", "broken"]
    why: str = ""
    """For people: of what is kept or broken."""
    move: Moved | None = None
    """Of what is same or mapped."""
    is_at: bool = True
    """It stands at its step as before: a pending question stays pending. Else before it."""


def place(frame: Frame, kept: Kept | None, flow: Flow | None, *, has_called: bool = False) -> Place:
    """Of a frame in another version than `flow`, the newest; `has_called`: it waits for a flow that it called.

    `kept` is the frame's own version as it was published. Versions that another process published later are never left
    for an older one.
    """
    if kept is None:
        return Place(kind="broken", why=f"version {frame.version} of flow {frame.flow!r} was never published here")
    if flow is None:
        return _stays(kept, f"flow {frame.flow!r} is gone")
    if kept.is_newer:
        return _stays(kept, "a newer version than this one was published")
    if same := _same(frame, kept.structure, flow):
        return same
    mapped = _mapped(frame, kept.structure, flow, has_called)
    return _stays(kept, mapped) if isinstance(mapped, str) else mapped


def _stays(kept: Kept, why: str) -> Place:
    if kept.flow is None:
        return Place(kind="broken", why=f"{why}; its old version can no longer be read: {kept.why}")
    return Place(kind="kept", why=why)


def _same(frame: Frame, old: Structure, flow: Flow) -> Place | None:
    new = flow.structure
    here = frame.step or old.first
    for there in _candidates(here, old, new) if frame.step else (new.first,):
        if onward := _onward(old, new, here, there):
            steps = _passed(frame, old, flow, onward)
            return Place(kind="same", move=Moved(frame.id, flow.version, there if frame.step else "", steps))
    return None


def _candidates(here: str, old: Structure, new: Structure) -> Iterator[str]:
    """The step of that name first: names that nobody gave change when a step is put before them."""
    step = old.steps.get(here)
    if step is not None:
        yield from (here,) if here in new.steps else ()
        yield from (name for name, other in new.steps.items() if name != here and other.is_like(step))


def _onward(old: Structure, new: Structure, here: str, there: str) -> dict[str, str] | None:
    """Step to step, when all that can come from here on is the same; None: something is not."""
    found, todo = dict[str, str](), [(here, there)]
    while todo:
        a, b = todo.pop()
        if found.get(a, b) != b or a not in old.steps or b not in new.steps:
            return None
        if a in found:
            continue
        found[a] = b
        before, after = old.steps[a], new.steps[b]
        if not _does_the_same(before, after) or not _declared_alike(old, new, before):
            return None
        todo += [(before.links[way], after.links[way]) for way in before.links]
    return found if len(set(found.values())) == len(found) else None


def _does_the_same(before: StepStructure, after: StepStructure) -> bool:
    """What is said may name less than before, but nothing that need not be known yet."""
    alike = before.is_like(after) and before.rest == after.rest and before.links.keys() == after.links.keys()
    return alike and set(after.reads) <= set(before.reads)


def _declared_alike(old: Structure, new: Structure, step: StepStructure) -> bool:
    return all(old.slots.get(name) == new.slots.get(name) for name in (*step.reads, *step.writes))


def _mapped(frame: Frame, old: Structure, flow: Flow, has_called: bool) -> Place | str:
    """Why not, where it is not."""
    new, here = flow.structure, frame.step
    if flow.migrate is None:
        return f"the steps from {(here or old.first)!r} on are others now, and the flow has no 'migrate'"
    if not here:
        return Place(kind="mapped", move=Moved(frame.id, flow.version, ""))
    step = old.steps.get(here)
    there = flow.migrate.get(here, here)
    other = new.steps.get(there)
    is_at = step is not None and other is not None and step.is_like(other)
    if other is None or not (is_at or here in flow.migrate):
        return f"step {here!r} is gone, and 'migrate' does not name it"
    if not is_at and (has_called or (step is not None and step.verb in _BOUND)):
        return f"it waits at step {here!r}, and {there!r} is not the same"
    if step is not None and step.verb in _BOUND and other.rest != step.rest:
        return f"somebody was asked about step {here!r} as it was"
    if too_late := _used(frame, old, new):
        return f"slot {too_late!r} has another type now, and an action has used its value"
    steps = _passed(frame, old, flow, {})
    steps = {name: to for name, to in steps.items() if name != here}
    if not is_at:
        steps[here] = ""
    elif there != here:
        steps[here] = there
    return Place(kind="mapped", is_at=is_at, move=Moved(frame.id, flow.version, there, steps))


def retyped(frame: Frame, old: Structure, new: Structure) -> tuple[str, ...]:
    """Its slots whose values must be read again."""
    return tuple(name for name in frame.slots if name in new.types and old.types.get(name) != new.types[name])


def _used(frame: Frame, old: Structure, new: Structure) -> str:
    """A slot that cannot be asked for again: an action with an effect has run since it was answered."""
    for name in retyped(frame, old, new):
        passed = [step for step, _ in frame.read]
        asked = next((at for at, step in enumerate(passed) if _asks(old.steps.get(step), name)), 0)
        if any(step in frame.effects for step in passed[asked:]):
            return name
    return ""


def _asks(step: StepStructure | None, slot: str) -> bool:
    return step is not None and (step.verb, step.subject) == ("ask", slot)


def _passed(frame: Frame, old: Structure, flow: Flow, onward: dict[str, str]) -> dict[str, str]:
    """New names of the steps it passed, where they are others; an action that ran stays known, whatever came of it."""
    names: dict[str, str] = {}
    for name in dict.fromkeys((*(step for step, _ in frame.read), *frame.effects, frame.step)):
        to = onward.get(name) or _counterpart(name, old, flow)
        if to != name and not (to == "" and name in frame.effects):
            names[name] = to
    return names


def _counterpart(name: str, old: Structure, flow: Flow) -> str:
    """Empty: there is none."""
    new, step = flow.structure, old.steps.get(name)
    if flow.migrate and name in flow.migrate:
        return flow.migrate[name]
    if step is None:
        return ""
    if name in new.steps and (new.steps[name].is_like(step) if step.subject else _is_twin(new.steps[name], step)):
        return name
    twins = [each for each in old.steps.values() if _is_twin(each, step)]
    matches = [other for other, each in new.steps.items() if _is_twin(each, step)]
    return matches[0] if len(twins) == len(matches) == 1 else ""


def _is_twin(one: StepStructure, other: StepStructure) -> bool:
    return one.is_like(other) and (one.rest, one.reads) == (other.rest, other.reads)
