"""Reads a flow again as it was published, to be finished beside a newer version of itself."""

from __future__ import annotations

from bot.flow import source
from bot.flow.book import PATTERN, Book, Flow, FlowSource
from bot.flow.fields import Problems
from bot.flow.own_files import OwnFiles, as_published
from bot.flow.read import shipped_words
from bot.flow.read_content import Project
from bot.flow.read_flow import FlowReader
from bot.flow.source import BadFile, Mark, Node
from bot.flow.texts import BadText, Texts, Wording, compile_text
from bot.flow.wording import WordingReader


def reread(name: str, written: FlowSource, book: Book) -> Flow | str:
    """With the actions, types and queues of the project as it is now; or why it can no longer be read."""
    problems = Problems()
    try:
        nodes = [node for node in source.parse(written.yaml, written.path) if _declares(node, name)]
        texts = _texts(written)
    except (BadFile, BadText) as error:
        return str(error)
    if not nodes:
        return f"{written.path} declares no flow {name!r}"
    names: dict[str, Node] = {flow.name: _head(flow) for flow in book.flows.values()}
    if not name.startswith(PATTERN):
        names[name] = nodes[0]
    project = Project(
        wording=WordingReader(texts, written.languages, problems),
        actions=book.actions,
        types=book.slot_types,
        queues=book.assistant.queues,
        flows=names,
        starters=frozenset(),
        files={written.path: written.yaml},
        own=OwnFiles(as_published({file.path: file for file in written.files})),
    )
    flow = FlowReader(project, problems).read(nodes[0])
    if flow is None or problems.found:
        return str(problems.found[0]) if problems.found else "it is no flow"
    return flow


def _declares(node: Node, name: str) -> bool:
    key = "pattern" if name.startswith(PATTERN) else "flow"
    own = node.get(key) if node.kind == "mapping" else None
    return own is not None and own.scalar == name.removeprefix(PATTERN)


def _texts(written: FlowSource) -> Texts:
    """Its own, over those that come with the program."""
    default = written.languages[0]
    by_key = {
        key: {tag: compile_text(words, tag) for tag, words in by_language.items()}
        for key, by_language in written.texts.items()
    }
    shipped = shipped_words(written.languages)
    return Texts({key: Wording(key, words, default) for key, words in {**shipped, **by_key}.items()}, default)


def _head(flow: Flow) -> Node:
    """As much of another flow as a `call` is checked by."""
    mark = Mark(flow.source.path, 1, 1)
    slots = Node(
        mark, "mapping", pairs={name: (Node(mark, "text", name), Node(mark, "nothing")) for name in flow.slots}
    )
    return Node(mark, "mapping", pairs={"slots": (Node(mark, "text", "slots"), slots)})
