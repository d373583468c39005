"""A conversation test as it was read: what is given, what is done, what is expected. Frozen data without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.flow.source import Mark
from bot.model import Command, How, Json


@dataclass(frozen=True, slots=True)
class Fails:
    """What a stubbed action, or a model, gives instead of an answer."""

    why: str


@dataclass(frozen=True, slots=True)
class Cites:
    """The model names a document."""

    document: str


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model says and wants when it is asked next, in order."""

    items: tuple[str | Command | Cites | Fails, ...]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How things stand when the conversation begins."""

    flow: str = ""
    """In progress; empty: none."""
    step: str = ""
    """Where it stands; empty: at its beginning."""
    slots: Mapping[str, Json] = field(default_factory=dict)
    results: Mapping[str, Json] = field(default_factory=dict)
    actions: Mapping[str, tuple[Json | Fails, ...]] = field(default_factory=dict)
    """Stubs: what the first call gives, the second, ...; the last answer is that of all further calls."""
    customer: Mapping[str, Json] = field(default_factory=dict)
    """What conditions know of the customer, over what the program knows."""
    now: datetime | None = None
    channel: str = "web"
    language: str = ""
    model: tuple[ModelAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Says:
    """The customer writes; several lines are a burst, and one turn."""

    lines: tuple[str, ...]
    language: str
    model: tuple[ModelAnswer, ...]
    """What the model answers, if it is asked: it must be."""
    mark: Mark


@dataclass(frozen=True, slots=True)
class Presses:
    label: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Opens:
    """The customer opens the conversation, by a link that may carry something."""

    payload: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Passes:
    """Time."""

    span: timedelta
    mark: Mark


BareAct = Literal["takes_over", "hands_back", "approves", "refuses", "resolves"]
AgentAct = Literal[BareAct, "says", "notes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDoes:
    act: AgentAct
    name: str
    words: str = ""
    how: How = "resume"
    step: str = ""
    """Where to, for `how` step."""
    mark: Mark


@dataclass(frozen=True, slots=True)
class Signals:
    """Something happens outside."""

    name: str
    value: Json
    mark: Mark


@dataclass(frozen=True, slots=True)
class Restarts:
    """The process ends without notice, and another begins on the same store."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that is expected: its key in the test file, and what stands there."""

    key: str
    value: Any
    mark: Mark


@dataclass(frozen=True, slots=True)
class Expects:
    """Of everything that happened since the last one."""

    wanted: tuple[Wanted, ...]
    mark: Mark


Doing = Says | Presses | Opens | Passes | AgentDoes | Signals | Restarts
Entry = Doing | Expects


@dataclass(frozen=True, slots=True)
class Talk:
    name: str
    given: Given
    entries: tuple[Entry, ...]
    mark: Mark
