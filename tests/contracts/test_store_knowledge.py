"""Documents and the passages that may answer a question: the same on every database."""

import random

import pytest

from bot.testing.store import Scene
from bot.units import (
    Candidate,
    Candidates,
    CandidatesFound,
    Document,
    Documents,
    DropDocument,
    IndexedPassage,
    PutDocument,
)


def document(scene: Scene, name: str, *passages: str) -> PutDocument:
    return PutDocument(
        name=name,
        title=name.title(),
        language="en",
        address=f"https://shop.example/{name}",
        digest=name.encode(),
        passages=tuple(
            IndexedPassage(heading=f"{name} {number}", text=words, terms=tuple(words.split()))
            for number, words in enumerate(passages)
        ),
        at=scene.clock.now(),
    )


async def texts(scene: Scene, *terms: str, most: int = 50) -> list[str]:
    found = await scene.store.read(Candidates(terms=terms, most=most))
    return [candidate.text for candidate in found.candidates]


async def test_a_passage_is_found_with_all_that_ranking_needs(scene: Scene) -> None:
    await scene.store.write(document(scene, "returns", "send it back", "back back money"))
    found = await scene.store.read(Candidates(terms=("money", "zebra", "back")))
    candidates = {candidate.text: candidate for candidate in found.candidates}
    assert candidates["back back money"] == Candidate(
        document="returns",
        title="Returns",
        language="en",
        address="https://shop.example/returns",
        heading="returns 1",
        text="back back money",
        terms=("back", "back", "money"),
    )
    assert set(candidates) == {"send it back", "back back money"}
    assert (found.passages, found.mean_terms, found.holding) == (2, 3.0, {"money": 1, "back": 2})


async def test_nothing_indexed_is_nothing_found(scene: Scene) -> None:
    assert await scene.store.read(Candidates(terms=("money",))) == CandidatesFound((), 0, 0.0, {})
    await scene.store.write(document(scene, "returns", "send it back"))
    assert await texts(scene, "money") == []
    assert await texts(scene) == []


async def test_terms_are_whole_and_exact(scene: Scene) -> None:
    await scene.store.write(document(scene, "odd", "c++ o'neil", "straße 退貨", "AND OR NOT", "it's 100%_"))
    for term, expected in (
        ("c++", "c++ o'neil"),
        ("退貨", "straße 退貨"),
        ("NOT", "AND OR NOT"),
        ("100%_", "it's 100%_"),
        ("c", None),
        ("strasse", None),
        ("100", None),
        ('"', None),
    ):
        assert await texts(scene, term) == ([expected] if expected else [])


async def test_the_better_passages_come_first_when_not_all_are_wanted(scene: Scene) -> None:
    await scene.store.write(
        document(scene, "a", *["the shop"] * 20, "the refund of the shop", "the refund", "the the the")
    )
    assert (await texts(scene, "the", "refund", most=2)) == ["the refund of the shop", "the refund"]


async def test_both_databases_choose_alike(scene: Scene) -> None:
    chance = random.Random(7)
    words = [f"w{number}" for number in range(40)]
    for name in range(30):
        passages = [" ".join(chance.choices(words, range(1, 41), k=chance.randint(3, 30))) for _ in range(5)]
        await scene.store.write(document(scene, f"d{name:02}", *passages))
    found = await scene.store.read(Candidates(terms=("w1", "w3", "w20", "w39", "w7"), most=10))
    headings = [candidate.heading for candidate in found.candidates]
    assert headings == [
        *("d20 3", "d29 4", "d25 2", "d25 0", "d01 2"),
        *("d09 3", "d17 4", "d11 0", "d11 2", "d21 1"),
    ]
    assert found.passages == 150


async def test_a_document_put_again_replaces_its_passages(scene: Scene) -> None:
    await scene.store.write(document(scene, "returns", "old words", "older words"))
    await scene.store.write(document(scene, "delivery", "three days"))
    await scene.store.write(document(scene, "returns", "new words"))
    assert await texts(scene, "old", "older", "new") == ["new words"]
    assert await scene.store.read(Documents()) == (
        Document(name="delivery", title="Delivery", language="en", digest=b"delivery", passages=1),
        Document(name="returns", title="Returns", language="en", digest=b"returns", passages=1),
    )


async def test_a_dropped_document_is_found_no_more(scene: Scene) -> None:
    await scene.store.write(document(scene, "returns", "send it back"))
    assert await scene.store.write(DropDocument("returns"))
    assert not await scene.store.write(DropDocument("returns"))
    assert await texts(scene, "back") == []
    assert await scene.store.read(Documents()) == ()


@pytest.mark.parametrize("passages", [0, 500])
async def test_a_document_may_be_empty_or_long(scene: Scene, passages: int) -> None:
    await scene.store.write(document(scene, "long", *(f"common p{number}" for number in range(passages))))
    assert [one.passages for one in await scene.store.read(Documents())] == [passages]
    assert len(await texts(scene, "common", most=7)) == min(passages, 7)


async def test_every_assistant_finds_its_own_documents_alone(scene: Scene) -> None:
    for name, words in (
        ("zoo.md", "open at nine"),
        ("+1.md", "open daily"),
        ("//../b//a.md", "open at noon"),
        ("//../bb//a.md", "open at night"),
    ):
        await scene.store.write(document(scene, name, words))

    async def found(within: str | None) -> tuple[list[str], int, dict[str, int], list[str]]:
        documents = [each.name for each in await scene.store.read(Documents(within))]
        answer = await scene.store.read(Candidates(terms=("open", "noon"), within=within))
        return sorted(each.text for each in answer.candidates), answer.passages, answer.holding, documents

    assert await found("") == (["open at nine", "open daily"], 2, {"open": 2}, ["+1.md", "zoo.md"])
    assert await found("//../b//") == (["open at noon"], 1, {"open": 1, "noon": 1}, ["//../b//a.md"])
    assert (await found("//../c//")) == ([], 0, {}, [])
    assert (await found(None))[1] == 4
