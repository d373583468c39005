"""The structure of a flow as plain data: what two versions of it are compared by. Words are no part of it.

It can be stored, and compared, when the flow itself can no longer be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from bot.flow.conditions import Expression
from bot.flow.slots import SlotType
from bot.flow.steps import Step, writes
from bot.flow.texts import Wording

LINKS = frozenset({"next", "then", "cases", "stuck", "fails", "nobody", "alone"})
"""Fields of steps that name other steps."""
_SUBJECTS = ("slot", "action", "flow")
_WORDS = ("task",)
_ELSEWHERE = {*LINKS, *_SUBJECTS, *_WORDS, "id", "reads"}


class StepStructure(Struct, frozen=True):
    verb: str
    subject: str
    """The slot it asks for, the action it runs, the flow it calls; empty: none of these."""
    rest: str
    """All else that is no words, as JSON."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    links: dict[str, str]
    """Way out of the step, to the step it leads to."""

    def is_like(self, other: StepStructure) -> bool:
        """Does the same to the same."""
        return (self.verb, self.subject) == (other.verb, other.subject)


class Structure(Struct, frozen=True):
    first: str
    slots: dict[str, str]
    """Name to the declaration as JSON."""
    types: dict[str, str]
    """Slot to the name of its type."""
    steps: dict[str, StepStructure]

    @property
    def digest(self) -> str:
        return hashlib.blake2b(_ENCODE(self), digest_size=4).hexdigest()


_ENCODE = msgspec.json.Encoder(order="sorted").encode


def structure_of(first: str, slots: Mapping[str, Any], steps: Mapping[str, Step]) -> Structure:
    return Structure(
        first=first,
        slots={name: _json({**_plain(slot), "pii": None}) for name, slot in slots.items()},
        types={name: slot.type.name for name, slot in slots.items()},
        steps={name: _step(step) for name, step in steps.items()},
    )


def _step(step: Step) -> StepStructure:
    here = {each.name: getattr(step, each.name) for each in fields(step)}
    return StepStructure(
        verb=type(step).__name__.lower(),
        subject=next((here[name] for name in _SUBJECTS if name in here), ""),
        rest=_json(
            {name: plain for name, value in here.items() if name not in _ELSEWHERE and (plain := _plain(value))}
        ),
        reads=step.reads,
        writes=writes(step),
        links=dict(_links(here)),
    )


def _links(here: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in sorted(LINKS & here.keys()):
        value = here[name]
        pairs = (
            {f"{name} {case}": target for case, target in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
        found += [(way, target) for way, target in pairs.items() if target]
    return found


def _plain(value: Any) -> Any:
    """Without words: they may change at any time."""
    match value:
        case Wording():
            return None
        case Expression(source=source):
            return source
        case SlotType(name=name):
            return name
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            # What says nothing is left out: a key that the language learns later is then no change of older flows.
            found = ((each.name, _plain(getattr(value, each.name))) for each in fields(value))
            return {name: plain for name, plain in found if plain}
        case _:
            return value


def _json(value: Any) -> str:
    return _ENCODE(value).decode()
