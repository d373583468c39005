"""No model at all: quotes what the documents say, or says nothing. The default where no API key is set."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection

from bot.knowledge.terms import terms
from bot.ports import Answer, Ask, Cited, Words

MOST, ENOUGH = 90, 45
"""Words: what is quoted at most, and how much is quoted before no further paragraph is added."""

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_LISTED = re.compile(r"\s*(?:[-*+>|]|\d+[.)])\s?|\s*(?:`{3}|~{3})")


class ExtractiveModel:
    name = "extractive"

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        """Words of the best passage and the passage; nothing when there is none: it neither leads nor restyles."""
        if ask.task or ask.restyle or not ask.passages:
            return
        best = ask.passages[0]
        for piece in re.findall(r".+?(?:(?<=[.!?…])\s+|\n+|\Z)", quote(best.text, ask.words, ask.language), re.DOTALL):
            yield Words(piece)
        yield Cited(best)


def quote(passage: str, words: str, language: str) -> str:
    """What of a passage answers best, as markdown: whole paragraphs where possible, a list with the line before it."""
    asked = set(terms(words, language))
    blocks = _blocks(passage)
    if sum(map(_size, blocks)) <= MOST:
        return "\n\n".join(blocks)
    best = max(range(len(blocks)), key=lambda at: (_held(blocks[at], asked, language), -at))
    if _size(blocks[best]) > MOST:
        return _window(blocks[best], asked, language)
    quoted = [blocks[best]]
    for block in blocks[best + 1 :]:
        size = sum(map(_size, quoted))
        if size >= ENOUGH or size + _size(block) > MOST:
            break
        quoted.append(block)
    return "\n\n".join(quoted)


def _blocks(passage: str) -> list[str]:
    """Paragraphs; one that announces the next by a colon is one with it."""
    blocks: list[str] = []
    for block in passage.split("\n\n"):
        if blocks and blocks[-1].rstrip().endswith((":", "：")):
            blocks[-1] += f"\n\n{block}"
        else:
            blocks.append(block)
    return blocks


def _window(block: str, asked: Collection[str], language: str) -> str:
    """The run of sentences, or of lines of a list, around the best one."""
    listed = "\n" in block and bool(_LISTED.match(block.split("\n")[1]))
    pieces, joint = (block.split("\n"), "\n") if listed else (_SENTENCE.split(block), " ")
    held = [_held(piece, asked, language) for piece in pieces]
    first = last = max(range(len(pieces)), key=lambda at: (held[at], -at))
    while sum(map(_size, pieces[first : last + 1])) < ENOUGH and last + 1 < len(pieces):
        last += 1
    if sum(map(_size, pieces[first : last + 1])) > MOST and last > first:
        last -= 1
    return joint.join(pieces[first : last + 1])


def _held(text: str, asked: Collection[str], language: str) -> int:
    return len(set(terms(text, language)) & set(asked))


def _size(text: str) -> int:
    """Words; where there are no spaces, two characters count as one."""
    return len(text.split()) + sum("\u3040" <= character <= "\u9fff" for character in text) // 2
