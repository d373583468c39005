"""The book that is in force, and the older versions of flows that conversations still stand in.

A turn is taken by one edition from its beginning to its end, whatever is published meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import structlog

from bot.flow.book import PATTERN, Book, Flow, FlowSource, Kept, pin_name
from bot.flow.reread import reread
from bot.flow.steps import Wait
from bot.flow.structure import Structure
from bot.model import Facts, State, Turn
from bot.ports import Clock, Leader, Responder, Store
from bot.units import Publication, Publish, PublishedFlow

log = structlog.get_logger()

MOST_KEPT = 500
"""Older versions that are held in memory; the one that was wanted least lately is read anew when it is wanted."""

Pin = tuple[str, str]
"""A flow's name and its version."""


@dataclass(frozen=True)
class Edition:
    """What a turn is taken by: a book, and those who read it."""

    book: Book
    responders: tuple[Responder, ...]
    facts_of: Callable[[Turn], Facts]
    leader: Leader | None = None
    """Speaks where a flow lets the model lead; without one such a flow asks its questions itself."""

    @cached_property
    def asks_of_customers(self) -> bool:
        """Whether a flow wants to know what is known of the customer in all conversations."""
        flows = (*self.book.flows.values(), *(kept.flow for kept in self.book.kept.values() if kept.flow))
        return any(slot.scope == "customer" for flow in flows for slot in flow.slots.values())

    @cached_property
    def tells_time(self) -> bool:
        """Whether a flow wants to know what time it is for the customer."""
        flows = (*self.book.flows.values(), *(kept.flow for kept in self.book.kept.values() if kept.flow))
        return any(_tells_time(flow) for flow in flows)


def _tells_time(flow: Flow) -> bool:
    of_time = ("date", "time", "datetime")
    return any(slot.type.name in of_time for slot in flow.slots.values()) or any(
        not {"now", "hours"}.isdisjoint(step.reads) or isinstance(step, Wait) for step in flow.steps.values()
    )


class Shelf:
    def __init__(
        self, book: Book, edited: Callable[[Book], Edition], *, store: Store, clock: Clock, within: str | None = None
    ) -> None:
        """`edited`: those who read a book, made anew for each. `within`: what the names of its flows and documents
        begin with in the store, where other shelves keep theirs as well; None: there is no other."""
        self.within = within
        self._edited, self._store, self._clock = edited, store, clock
        self._newest = edited(book)
        self._published_at = clock.now()
        self._kept: dict[Pin, Kept] = {}

    @property
    def book(self) -> Book:
        """The one that new conversations take."""
        return self._newest.book

    async def publish(self, book: Book) -> tuple[str, ...]:
        """Put a book in force: for every turn that begins from now on.

        Its flows are stored first, so that whoever stands in them can finish. Gives the flows whose steps changed
        though their version did not, by name.
        """
        flows = tuple(map(published, (*book.flows.values(), *book.patterns.values())))
        within = self.within or ""
        if within:
            flows = tuple(msgspec.structs.replace(flow, flow=within + flow.flow) for flow in flows)
        issued = await self._store.write(Publish(flows=flows, at=self._clock.now()))
        self._published_at = issued.at
        self._kept.clear()  # they are read with the actions and types of the project as it is now
        self._newest = self._edited(book)
        return unnumbered(named_within(issued.before, within), book.flows.values())

    async def edition_of(self, state: State, versions: Mapping[str, str] | None = None) -> Edition:
        """With the versions that the conversation stands in; `versions`: those that an earlier attempt followed."""
        newest = self._newest
        began = tuple((versions or {}).items())
        stands = ((pin_name(frame.flow, frame.pattern), frame.version) for frame in state.stack)
        wanted = [pin for pin in (*began, *stands) if not _is_newest(newest.book, pin)]
        if not wanted:
            return newest
        kept = {pin: found for pin in wanted if (found := await self._read(newest.book, pin)) is not None}
        again = {name: found.flow for name, pin in began if (found := kept.get((name, pin))) and found.flow}
        return self._edited(replace(newest.book, kept=kept, flows={**newest.book.flows, **again}))

    async def steps_of(self, state: State) -> frozenset[str]:
        """Of all flows in progress, each in the version that the conversation stands in."""
        book = (await self.edition_of(state)).book
        flows = filter(None, map(book.flow_of, state.stack))
        return frozenset(step for flow in flows for step in flow.steps)

    async def _read(self, book: Book, pin: Pin) -> Kept | None:
        kept = self._kept.pop(pin, None)
        if kept is None:
            found = await self._store.read(Publication((self.within or "") + pin[0], pin[1]))
            if found is None:
                log.error("flow.unknown_version", flow=pin[0], version=pin[1])
                return None
            found = msgspec.structs.replace(found, flow=pin[0])
            kept = kept_of(found, book, is_newer=found.at > self._published_at)
            if kept.flow is None:
                log.warning("flow.cannot_be_kept", flow=pin[0], version=pin[1], why=kept.why)
        if book is self.book:  # nothing was published meanwhile
            self._kept[pin] = kept  # now the one that was wanted last
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return kept


def published(flow: Flow) -> PublishedFlow:
    """As it is stored; the store fills in when."""
    return PublishedFlow(
        flow=pin_name(flow.name, flow.is_pattern),
        version=flow.version,
        structure=msgspec.json.encode(flow.structure),
        source=msgspec.json.encode(flow.source),
    )


def kept_of(found: PublishedFlow, book: Book, *, is_newer: bool = False) -> Kept:
    """An older version, read with the actions and types of a book."""
    flow = reread(found.flow, msgspec.json.decode(found.source, type=FlowSource), book)
    if isinstance(flow, str):
        structure = msgspec.json.decode(found.structure, type=Structure)
        return Kept(structure=structure, flow=None, why=flow, is_newer=is_newer)
    # Its name stays the one it was published under, also where this program would give it another.
    return Kept(structure=flow.structure, flow=replace(flow, version=found.version), is_newer=is_newer)


def shelf_prefix(name: str) -> str:
    """What names of flows and documents begin with in the store, when they lie on a shelf beside the desk's own."""
    return f"//{name}//"


def named_within(pins: Iterable[Pin], within: str) -> tuple[Pin, ...]:
    """Those of one shelf; empty: of the desk's own."""
    return tuple(
        (flow.removeprefix(within), version)
        for flow, version in pins
        if (flow.startswith(within) if within else not flow.startswith("/"))
    )


def unnumbered(before: Sequence[Pin], flows: Iterable[Flow]) -> tuple[str, ...]:
    """Flows whose structure is another than the one published last, under the same number; by name."""
    last = dict(before)
    return tuple(
        sorted(
            flow.name
            for flow in flows
            if (was := last.get(flow.name, flow.version)) != flow.version and was.partition(".")[0] == str(flow.number)
        )
    )


def _is_newest(book: Book, pin: Pin) -> bool:
    name = pin[0]
    flow = book.patterns.get(name.removeprefix(PATTERN)) if name.startswith(PATTERN) else book.newest(name)
    return flow is not None and flow.version == pin[1]
