"""Documents, their passages, and the passages that may answer a question.

The index is a plain table of terms, so both databases find the same. What comes back is a choice by a rough BM25 in
whole numbers; the ranking that counts is the caller's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.store import schema
from bot.store.rows import Values, encode, micros
from bot.store.statements import Query, found, insert
from bot.store.tx import Tx
from bot.units import Candidate, Candidates, CandidatesFound, Document, Documents, DropDocument, PutDocument

_d, _p, _t = schema.document.c, schema.passage.c, schema.passage_term.c
_decode_terms = msgspec.json.Decoder(tuple[str, ...]).decode

_ADD_DOCUMENT = insert(schema.document)
_ADD_PASSAGE = insert(schema.passage)
_ADD_TERM = insert(schema.passage_term)
_DROP_TERMS = Query(sa.delete(schema.passage_term).where(_t.document == sa.bindparam("name")))
_DROP_PASSAGES = Query(sa.delete(schema.passage).where(_p.document == sa.bindparam("name")))
_DROP_DOCUMENT = Query(sa.delete(schema.document).where(_d.name == sa.bindparam("name")).returning(_d.name))


def put_document(tx: Tx, units: Sequence[PutDocument]) -> list[None]:
    for unit in units:
        _drop(tx, unit.name)
        passages: list[Values] = []
        terms: list[Values] = []
        for number, passage in enumerate(unit.passages, 1):
            passages.append(
                (unit.name, number, passage.heading, passage.text, encode(passage.terms), len(passage.terms))
            )
            terms += ((term, unit.name, number, count) for term, count in Counter(passage.terms).items())
        tx.write(
            (
                _ADD_DOCUMENT,
                [
                    (
                        *(unit.name, unit.title, unit.language, unit.address, unit.digest),
                        *(len(passages), micros(unit.at)),
                    )
                ],
            )
        )
        tx.write((_ADD_PASSAGE, passages), (_ADD_TERM, terms))
    return [None] * len(units)


def drop_document(tx: Tx, units: Sequence[DropDocument]) -> list[bool]:
    return [_drop(tx, unit.name) for unit in units]


def _drop(tx: Tx, name: str) -> bool:
    tx.query(_DROP_TERMS, name=name)
    tx.query(_DROP_PASSAGES, name=name)
    return bool(tx.query(_DROP_DOCUMENT, name=name))


def _within(select: sa.Select[Any], name: sa.ColumnElement[str], inside: bool | None) -> Query:
    """The names of another folder's documents begin with a slash, and no other's do."""
    first: sa.BindParameter[str] = sa.bindparam("first")
    after: sa.BindParameter[str] = sa.bindparam("after")
    match inside:
        case True:
            select = select.where(name >= first, name < after)
        case False:
            select = select.where(sa.or_(name < sa.literal_column("'/'"), name >= sa.literal_column("'0'")))
    return Query(select)


def _three(select: sa.Select[Any], name: sa.ColumnElement[str]) -> dict[bool | None, Query]:
    return {inside: _within(select, name, inside) for inside in (None, False, True)}


def _ask(tx: Tx, queries: dict[bool | None, Query], within: str | None, **given: Any) -> list[Values]:
    if within:
        return tx.query(queries[True], first=within, after=within[:-1] + chr(ord(within[-1]) + 1), **given)
    return tx.query(queries[None if within is None else False], **given)


_DOCUMENTS = _three(sa.select(_d.name, _d.title, _d.language, _d.digest, _d.passages).order_by(_d.name), _d.name)


def documents(tx: Tx, asked: Documents) -> tuple[Document, ...]:
    return tuple(
        Document(name=name, title=title, language=language, digest=digest, passages=passages)
        for name, title, language, digest, passages in _ask(tx, _DOCUMENTS, asked.within)
    )


_EXTENT = _three(
    sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_p.length), 0)).select_from(schema.passage), _p.document
)
_HOLDING = _three(sa.select(sa.func.count()).where(_t.term == sa.bindparam("term")), _t.document)
_POSTINGS = _three(sa.select(_t.document, _t.number, _t.count).where(_t.term == sa.bindparam("term")), _t.document)
_PASSAGES = found(schema.passage, ("document", "number", "heading", "text", "terms"), ("document", "number"))
_TITLES = found(schema.document, ("name", "title", "language", "address"), ("name",))

_COMMON = 20_000
"""Postings read for one question, rarest terms first: a term that nearly all passages hold tells little."""


def candidates(tx: Tx, asked: Candidates) -> CandidatesFound:
    ((passages, terms),) = _ask(tx, _EXTENT, asked.within)
    wanted = dict.fromkeys(asked.terms)
    holding = {term: _ask(tx, _HOLDING, asked.within, term=term)[0][0] for term in wanted}
    holding = {term: count for term, count in holding.items() if count}
    best = _best(tx, holding, passages, asked.within)[: asked.most]
    texts = {(document, number): rest for document, number, *rest in tx.fetch(_PASSAGES, best)}
    titles = {name: rest for name, *rest in tx.fetch(_TITLES, [(name,) for name in {name for name, _ in best}])}
    return CandidatesFound(
        tuple(_candidate(document, titles[document], texts[document, number]) for document, number in best),
        passages,
        int(terms) / passages if passages else 0.0,
        holding,
    )


def _candidate(document: str, of_document: Sequence[str], of_passage: Sequence[str | bytes]) -> Candidate:
    title, language, address = of_document
    heading, text, terms = of_passage
    assert isinstance(heading, str)
    assert isinstance(text, str)
    return Candidate(
        document=document,
        title=title,
        language=language,
        address=address,
        heading=heading,
        text=text,
        terms=_decode_terms(terms),
    )


def _best(tx: Tx, holding: dict[str, int], passages: int, within: str | None) -> list[Values]:
    """Passages that hold any of the terms. Whole numbers, so that the order is the same everywhere."""
    scores: Counter[Values] = Counter()
    read = 0
    for term, count in sorted(holding.items(), key=lambda found: (found[1], found[0])):
        read += count
        if scores and read > _COMMON:
            break
        weight = round(1000 * math.log(1 + (passages - count + 0.5) / (count + 0.5)))
        for document, number, times in _ask(tx, _POSTINGS, within, term=term):
            scores[document, number] += weight * times * 22 // (times * 10 + 12)
    return sorted(scores, key=lambda passage: (-scores[passage], passage))
