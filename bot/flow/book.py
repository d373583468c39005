"""A project as it was read: flows, texts, actions, slot types, and who the assistant is. Frozen, checked, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from bot.flow import rules
from bot.flow.actions import Action
from bot.flow.conditions import Expression
from bot.flow.examples import Examples
from bot.flow.hours import ALWAYS, Hours
from bot.flow.own_files import FlowFile
from bot.flow.rules import Rules
from bot.flow.slots import Labelled, SlotType
from bot.flow.source import Mark
from bot.flow.steps import END, Agent, Ask, Content, LabelledOption, Say, Step
from bot.flow.structure import Structure
from bot.flow.texts import Texts, Wording, chain
from bot.flow.words import Phrase
from bot.model import Frame, Json, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    name: str
    type: SlotType
    of: tuple[LabelledOption, ...] = ()
    """The answers of a `choice`, `multi_choice`, `rating` or `yes_no`."""
    optional: bool = False
    pii: bool = False
    always_ask: bool = False
    region: str = ""
    """Whose phone numbers and money are meant where nothing is said, ISO 3166."""
    currency: str = ""
    """ISO 4217; empty: the region's."""
    scale: int = 5
    """The best grade of a `rating`."""
    scope: Literal["turn", "flow", "conversation", "customer"] = "flow"

    def options(self, language: str) -> tuple[Labelled, ...]:
        return labelled(self.of, language)


def labelled(options: tuple[LabelledOption, ...], language: str) -> tuple[Labelled, ...]:
    return tuple([Labelled(option.value, option.label.plain(language, {})) for option in options]) if options else ()


class FlowSource(Struct, frozen=True, kw_only=True):
    """All that is needed to read a flow again when the project's files say something else."""

    path: str
    """For messages."""
    yaml: str
    """The whole file; it may hold other flows too."""
    languages: tuple[str, ...]
    texts: dict[str, dict[str, str]]
    """The texts that it names: key, then language."""
    files: tuple[FlowFile, ...] = ()
    """The files that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    name: str
    version: str
    """The author's number and the digest of the structure: two structures never share it."""
    number: int
    """What the author calls the version."""
    structure: Structure
    migrate: Mapping[str, str] | None = None
    """Where conversations go on that stand in an older version: old step to new. None: they finish what they are in."""
    source: FlowSource
    """What it was read from."""
    title: Wording
    """What customers see it called."""
    about: str = ""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By language."""
    guard: Expression | None = None
    needs: str = ""
    slots: Mapping[str, Slot]
    steps: Mapping[str, Step]
    asks: Mapping[str, tuple[Ask, ...]]
    """The steps that ask for a slot, by its name."""
    first: str
    is_open: bool
    """A customer may ask for it; else only other flows call it."""
    is_pattern: bool = False
    places: Mapping[str, Mark] = field(default_factory=dict)
    """Where each step stands that its author wrote."""


PATTERN = "pattern."


def pin_name(flow: str, is_pattern: bool) -> str:
    """What a flow or a pattern is called among the published ones: there may be one of each of that name."""
    return f"{PATTERN}{flow}" if is_pattern else flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a desk must grant before the project runs there."""

    scopes: tuple[str, ...] = ()
    """Of its actions."""
    settings: tuple[str, ...] = ()
    """Environment variables that its actions read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """The persona, as `assistant.yaml` tells."""

    name: str
    brand: str = ""
    languages: tuple[str, ...]
    """The first is the project's own."""
    instructions: str = ""
    """For the model: tone and limits."""
    greeting: Wording
    starters: tuple[LabelledOption, ...] = ()
    queues: tuple[str, ...] = ()
    """Where a person is found; the first is asked when nobody says which."""
    needs: Needs = Needs()
    hours: Hours = ALWAYS
    broken: Literal["error", "restart", "handoff"] = "error"
    """What becomes of a customer whose flow was changed so that it cannot go on."""

    @property
    def language(self) -> str:
        return self.languages[0]

    @property
    def queue(self) -> str:
        return self.queues[0] if self.queues else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An older version of a flow, as it was published."""

    structure: Structure
    flow: Flow | None
    """None: it can no longer be read."""
    why: str = ""
    """It cannot: the first mistake."""
    is_newer: bool = False
    """Another process published it after this book: it is not older at all."""


class Pending(Struct, frozen=True):
    """The question the conversation waits on."""

    frame: Frame
    flow: Flow
    ask: Ask
    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    assistant: Assistant
    flows: Mapping[str, Flow]
    texts: Texts
    actions: Mapping[str, Action]
    slot_types: Mapping[str, SlotType]
    rules: Mapping[str, Rules]
    """By language."""
    examples: Examples
    patterns: Mapping[str, Flow] = field(default_factory=dict)
    """The flows that the engine starts by itself."""
    kept: Mapping[tuple[str, str], Kept] = field(default_factory=dict)
    """Older versions by their name among the published and version: those that the conversation at hand stands in."""
    files: tuple[FlowFile, ...] = ()
    """All that its flows name, to be kept before it is in force."""

    def newest(self, flow: str) -> Flow | None:
        """The version that new conversations take."""
        return self.flows.get(flow)

    def newest_of(self, frame: Frame) -> Flow | None:
        return self.patterns.get(frame.flow) if frame.pattern else self.flows.get(frame.flow)

    def flow_of(self, frame: Frame) -> Flow | None:
        """The flow that a frame is in, in its version; None: it is no longer there."""
        flow = self.patterns.get(frame.flow) if frame.pattern else self.flows.get(frame.flow)  # asked all the time
        if flow is not None and flow.version == frame.version:
            return flow
        kept = self.kept.get((pin_name(frame.flow, frame.pattern), frame.version))
        return kept.flow if kept else None

    def pending(self, state: State) -> Pending | None:
        """Of the topmost flow; those below wait for their turn."""
        if not state.stack or not state.stack[-1].asking:
            return None
        frame = state.stack[-1]
        flow = self.flow_of(frame)
        ask = flow.steps.get(frame.step) if flow else None
        if flow is None or not isinstance(ask, Ask) or ask.slot != frame.asking:
            return None
        return Pending(frame, flow, ask, flow.slots[ask.slot])

    def led(self, state: State) -> tuple[Frame, Agent] | None:
        """Where the model leads: the topmost flow stands at a step `agent`."""
        if not state.stack or state.stack[-1].asking:
            return None
        frame = state.stack[-1]
        flow = self.flow_of(frame)
        step = flow.steps.get(frame.step) if flow else None
        return (frame, step) if isinstance(step, Agent) else None

    def home(self, state: State, slot: str) -> tuple[Frame, Slot] | None:
        """Where a slot lives: the topmost flow on the stack that declares it."""
        for frame in reversed(state.stack):
            flow = self.flow_of(frame)
            if flow and slot in flow.slots:
                return frame, flow.slots[slot]
        return None

    def ended(self, state: State, slot: str) -> tuple[Frame, Slot] | None:
        """A slot of the flow that ended last, where it has not changed since."""
        frame = state.ended
        flow = self.flow_of(frame) if frame else None
        return (frame, flow.slots[slot]) if frame and flow and slot in flow.slots else None

    def title(self, frame: Frame, language: str) -> str:
        """What customers see a flow called."""
        flow = self.flow_of(frame)
        return flow.title.plain(language, {}) if flow else ""

    @property
    def greeting(self) -> Content:
        """What opens a conversation: the first that the pattern `start` says."""
        first = self.patterns["start"].steps[self.patterns["start"].first]
        assert isinstance(first, Say), "the reader refuses another"
        return first.variants[0].content

    def welcomes(self, state: State) -> bool:
        """Whether the pattern `start` has more to do than to greet, and has not done it yet."""
        start = self.patterns["start"]
        return state.frames == 0 and start.steps[start.first].next != END

    def language(self, state: State, facts: Mapping[str, Json]) -> str:
        """What to speak: as the state says, else what is known of the conversation, else the project's own."""
        known = facts.get("language")
        return state.language or (known if isinstance(known, str) else "") or self.assistant.language

    def hearing_order(self, language: str) -> tuple[str, ...]:
        """As which languages words are heard: the conversation's, then the project's others."""
        return _hearing_order(language, self.assistant.languages)

    def spoken(self, said: Phrase) -> str:
        """Which of the assistant's languages the words are clearly in; empty: none, or it speaks only one."""
        ways: dict[str, Rules] = {}
        for tag in self.assistant.languages:
            base = tag.partition("-")[0]
            if base in self.rules and all(base != other.partition("-")[0] for other in ways):
                ways[tag] = self.rules[base]
        return rules.spoken(said, ways) if len(ways) > 1 else ""

    def rules_for(self, language: str) -> tuple[Rules, ...]:
        """In hearing order."""
        return tuple([self.rules[tag] for tag in self.hearing_order(language) if tag in self.rules])


@lru_cache(maxsize=1_000)
def _hearing_order(language: str, own: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*chain(language, own[0]), *own)))
