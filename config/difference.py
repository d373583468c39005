"""`frontdesk diff`: what publishing a folder's flows does to the conversations that are under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bot.flow import frames
from bot.flow.book import PATTERN, Book, Flow, FlowSource, Kept
from bot.flow.read import read
from bot.flow.structure import StepStructure, Structure
from bot.flow.versions import place
from bot.model import ConversationId, Frame, State
from bot.shelf import kept_of, named_within, unnumbered
from bot.store.reading import Reader, reading
from bot.units import Publication, Published, PublishedFlow, Standing
from config.machine import SystemClock

KINDS = ("same", "mapped", "kept", "broken")
PAGE = 500


@dataclass(slots=True)
class Difference:
    """Of one flow."""

    flow: str
    versions: str
    """`3`, `3 → 4`, `3, new`, `gone`."""
    lines: list[str] = field(default_factory=list)
    """Steps, slots and texts that come and go."""
    counts: Counter[str] = field(default_factory=Counter)
    """Conversations by what becomes of them."""
    why: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(what becomes of it, step, why), of those that are kept or broken."""
    mistakes: list[str] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        """It changes for nobody."""
        return not (self.lines or self.mistakes or self.counts) and self.versions.isdecimal()

    @property
    def fails(self) -> bool:
        return bool(self.mistakes or self.counts["broken"])


async def difference(
    folder: Path, database: str, besides: frozenset[tuple[str, str]] = frozenset()
) -> list[Difference]:
    """In the order of the flows' names. Reads the database while a server runs, and writes nothing.

    `besides`: accounts (channel and name) that other flows are for.
    """
    book = read(folder)
    async with reading(database, SystemClock()) as store:
        if store is None:
            return []
        known = named_within(await store.read(Published()), "")
        last = [pin for pin in known if not pin[0].startswith(PATTERN)]
        before = {name: await _published(store, name, version) for name, version in last}
        numbered_twice = unnumbered(last, book.flows.values())
        found = {
            name: _changes(name, before.get(name), book.flows.get(name), twice=name in numbered_twice)
            for name in sorted({*before, *book.flows})
        }
        await _count(store, book, found, besides)
    return list(found.values())


async def _published(store: Reader, flow: str, version: str) -> PublishedFlow:
    found = await store.read(Publication(flow, version))
    assert found is not None, "it was listed"
    return found


def _changes(name: str, was: PublishedFlow | None, flow: Flow | None, *, twice: bool) -> Difference:
    if was is None or flow is None:
        return Difference(name, "gone" if flow is None else f"{flow.number}, new")
    number = was.version.partition(".")[0]
    versions = number if number == str(flow.number) else f"{number} → {flow.number}"
    made = Difference(name, versions)
    old = msgspec.json.decode(was.structure, type=Structure)
    texts = msgspec.json.decode(was.source, type=FlowSource).texts
    made.lines += _lines("steps", _without_links(old), _without_links(flow.structure))
    made.lines += _lines("slots", old.slots, flow.structure.slots)
    made.lines += _lines("texts", texts, flow.source.texts)
    if twice:
        made.mistakes.append(
            f"its steps changed, and it is still version {flow.number}: write 'version: {flow.number + 1}'"
        )
    for step in flow.migrate or ():
        if step not in old.steps:
            made.mistakes.append(f"'migrate' names step {step!r}, which version {number} does not have")
    return made


def _without_links(structure: Structure) -> dict[str, StepStructure]:
    """A step that leads to one of another name is not changed for that."""
    return {name: msgspec.structs.replace(step, links={}) for name, step in structure.steps.items()}


def _lines(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    signs = (
        *(f"+ {name}" for name in new if name not in old),
        *(f"- {name}" for name in old if name not in new),
        *(f"~ {name}" for name in new if name in old and new[name] != old[name]),
    )
    if signs:
        yield f"{what}: {', '.join(signs)}"


async def _count(store: Reader, book: Book, found: dict[str, Difference], besides: frozenset[tuple[str, str]]) -> None:
    """Page after page, with each version read once."""
    kept: dict[tuple[str, str], Kept | None] = {}
    after = ConversationId("")
    while page := await store.read(Standing(after=after, most=PAGE, besides=besides)):
        for _, state in page:
            for frame in (each for each in state.stack if not each.pattern):
                pin = frame.flow, frame.version
                if pin not in kept:
                    stored = await store.read(Publication(*pin))
                    kept[pin] = kept_of(stored, book) if stored else None
                _note(state, frame, kept[pin], book, found)
        after = page[-1][0]


def _note(state: State, frame: Frame, kept: Kept | None, book: Book, found: dict[str, Difference]) -> None:
    flow = book.newest(frame.flow)
    made = found.setdefault(frame.flow, Difference(frame.flow, "gone"))
    if flow is not None and flow.version == frame.version:
        made.counts["same"] += 1
        return
    where = place(frame, kept, flow, has_called=bool(frames.called_by(state.stack, frame)))
    made.counts[where.kind] += 1
    if where.why:
        made.why[where.kind, frame.step, where.why] += 1


def told(found: Iterable[Difference]) -> Iterator[str]:
    """Lines for a terminal: flows that change, and those that somebody stands in."""
    loud = [each for each in found if not each.is_quiet]
    for each in loud:
        yield f"{each.flow}  gone" if each.versions == "gone" else f"{each.flow}  version {each.versions}"
        yield from (f"  error: {mistake}" for mistake in each.mistakes)
        yield from (f"  {line}" for line in each.lines)
        if each.counts:
            numbers = ", ".join(f"{each.counts[kind]} {kind}" for kind in KINDS if each.counts[kind])
            yield f"  conversations: {numbers}"
        for (kind, step, why), count in sorted(each.why.items()):
            yield f"    {kind}: {count} at {step or 'its beginning'}: {why}"
    if not loud:
        yield "nothing changes"
