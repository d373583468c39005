"""What a flow is made of once it is read: steps with ids, each naming the one after it. Data without behaviour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from bot.flow.conditions import Expression
from bot.flow.own_files import FlowFile
from bot.flow.texts import Wording
from bot.model import Mode

END, END_FAILED, END_STUCK = "(end)", "(failed)", "(stuck)"
"""Ids of the steps that a flow ends with where its author wrote none."""


@dataclass(frozen=True, slots=True)
class LabelledOption:
    label: Wording
    value: str
    """An answer, or a command in its slash form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWords:
    title: Wording
    body: Wording | None = None
    meta: Wording | None = None
    image: Wording | None = None
    options: tuple[LabelledOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWords:
    title: Wording | None = None
    columns: tuple[Wording, ...]
    rows: Expression
    """A list of lists, or of mappings."""


@dataclass(frozen=True, slots=True)
class FileWords:
    """A file of the project's own."""

    refs: Wording
    """Its `ref`, in the languages that have one of their own."""
    by_ref: Mapping[str, FlowFile]


@dataclass(frozen=True, slots=True)
class ImageWords:
    address: Wording | None
    """None: it is the project's own."""
    alt: Wording
    own: FileWords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a step shows: at least one of its parts."""

    text: Wording | None = None
    options: tuple[LabelledOption, ...] = ()
    look: Literal["buttons", "quick", "list"] = "quick"
    card: CardWords | None = None
    image: ImageWords | None = None
    file: FileWords | None = None
    carousel: tuple[CardWords, ...] = ()
    cards: Expression | None = None
    """More of these, known only when it is said: a list of `{title, body, meta, image, options}`."""
    table: TableWords | None = None
    form: tuple[str, ...] = ()
    """Slots to be filled in at once; steps that ask for them one by one follow."""
    listed: Expression | None = None
    """Options that are known only when it is said: a list of `{label, command}`."""
    args: Mapping[str, Expression] = field(default_factory=dict)
    """`with`: names of the text's own."""


@dataclass(frozen=True, slots=True)
class Check:
    """When `refused_if` holds, an answer is not taken and `say` tells why."""

    refused_if: Expression
    say: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of saying something. A way that needs something goes before those that always do."""

    content: Content
    channel: str = ""
    """Only there; empty: everywhere."""
    condition: Expression | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """What happens when a question has no answer for so long: at most one of the three, else the pattern `silent`."""

    after: timedelta
    say: Content | None = None
    cancel: bool = False
    handoff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Only with a person's agreement, where `needed_if` holds; asked for at the queue `by`."""

    needed_if: Expression
    by: str = ""
    within: timedelta = timedelta()
    """After it nobody agrees any more; zero: there is no such time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    id: str
    next: str
    reads: tuple[str, ...] = ()
    """Names it uses, of whatever kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(_Step):
    variants: tuple[Variant, ...]
    mode: Mode = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(_Step):
    slot: str
    say: Content
    checks: tuple[Check, ...] = ()
    always: bool = False
    tries: int = 3
    stuck: str = END_STUCK
    options: tuple[LabelledOption, ...] | Expression = ()
    default: Expression | None = None
    quiet: tuple[Quiet, ...] = ()
    interrupt: Literal["allow", "queue", "refuse"] = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(_Step):
    action: str
    args: Mapping[str, Expression]
    effect: Literal["read", "write", "money"]
    timeout: timedelta
    into: str = ""
    retry: int = 0
    fails: str = END_FAILED
    approve: Approve | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(_Step):
    """The verb `set`."""

    values: Mapping[str, Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class When(_Step):
    """With `cases`, the branch named like the value; `next` when no other is."""

    condition: Expression
    then: str = ""
    cases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goto(_Step):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Step):
    flow: str
    args: Mapping[str, Expression] = field(default_factory=dict)
    into: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Become(_Step):
    flow: str
    args: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(_Step):
    """The model leads until the slots are filled, `until` holds or its turns are used up."""

    task: str
    tools: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()
    """Names of documents; empty: all."""
    fills: tuple[str, ...] = ()
    until: Expression | None = None
    turns: int = 10
    stuck: str = END_STUCK
    alone: str = END_STUCK
    """Where it goes on when there is no model: questions for the slots, one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(_Step):
    """A pause that ends with the first of these."""

    span: timedelta | None = None
    until: Expression | None = None
    event: str = ""
    into: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff(_Step):
    queue: str
    note: Wording | None = None
    priority: int = 0
    nobody: str = ""
    """Where it goes on outside of business hours; empty: a person is asked for all the same."""
    after: Literal["continue", "ask", "end"] = "continue"
    reason: Literal["rule", "stuck", "action_failed"] = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class End(_Step):
    outcome: str


Step = Say | Ask | Do | Assign | When | Goto | Call | Become | Agent | Handoff | Wait | End


def successors(step: Step) -> tuple[str, ...]:
    """Where a flow can go on after a step."""
    match step:
        case Ask():
            return step.next, step.stuck
        case Agent():
            return step.next, step.stuck, step.alone
        case Handoff(nobody=nobody) if nobody:
            return step.next, nobody
        case Do():
            return step.next, step.fails
        case When():
            return tuple(filter(None, (step.next, step.then, *step.cases.values())))
        case End() | Become():
            return ()
        case _:
            return (step.next,)


def ends(step: Step) -> bool:
    return isinstance(step, End | Become)


def writes(step: Step | None) -> tuple[str, ...]:
    """Names that a step gives values to."""
    match step:
        case Ask(slot=slot):
            return (slot,)
        case Do(into=into) | Call(into=into) | Wait(into=into) if into:
            return (into,)
        case Agent(fills=fills):
            return fills
        case Assign(values=values):
            return tuple(values)
        case _:
            return ()


def wordings(content: Content) -> Iterator[Wording]:
    """All that it says."""
    if content.text:
        yield content.text
    for card in (content.card, *content.carousel):
        if card:
            yield from filter(None, (card.title, card.body, card.meta, card.image))
    if image := content.image:
        yield from filter(None, (image.address, image.alt))
    if table := content.table:
        yield from filter(None, (table.title, *table.columns))
