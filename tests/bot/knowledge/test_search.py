"""What is asked is found where it stands, and nothing is found that does not speak of it."""

from pathlib import Path

import pytest

from bot.knowledge.index import index
from bot.knowledge.search import Search, question, rank
from bot.ports import Store
from bot.testing.clock import SettableClock
from bot.units import CandidatesFound

SHOP = Path(__file__).parent / "shop"


async def shop(store: Store) -> Search:
    await index(SHOP, store, SettableClock(), language="en")
    return Search(store, languages=("en", "fr"))


@pytest.fixture
async def search(store: Store) -> Search:
    return await shop(store)


ANSWERED = [
    ("en", "how do I return something?", "returns.md", "How to return an item"),
    ("en", "how long does a refund take?", "returns.md", "How long a refund takes"),
    ("en", "when do I get my money back", "returns.md", "How long a refund takes"),
    ("en", "do you ship to Switzerland?", "delivery.md", "Where we deliver"),
    ("en", "how much is shipping", "delivery.md", "What delivery costs"),
    ("en", "my parcel arrived broken, what now?", "returns.md", "Damaged or wrong items"),
    (
        "en",
        "The lamp I ordered last week arrived damaged and I am really upset, can I get a new one?",
        "returns.md",
        "Damaged or wrong items",
    ),
    ("en", "can I pay with paypal", "payment.md", ""),
    ("en", "where can I find my invoice", "payment.md", "Invoices"),
    ("en", "I forgot my password", "account.md", "Changing your password"),
    ("en", "how do I change the address of my order", "account.md", "Changing an address"),
    ("en", "what are your opening hours", "hours.md", ""),
    ("en", "where is your shop", "hours.md", "The shop in Lyon"),
    ("en", "can I exchange for a bigger size", "sizes.md", "Exchanging for another size"),
    ("en", "my payment failed but money was taken", "payment.md", "When a payment fails"),
    ("en", "track my package", "delivery.md", "Following a parcel"),
    ("en", "can I return earrings", "returns.md", "What cannot be returned"),
    ("en", "nobody was home when the courier came", "delivery.md", "When nobody is at home"),
    ("fr", "combien de temps prend un remboursement ?", "returns.fr.md", "Délai de remboursement"),
    ("fr", "quel est le prix de la livraison", "livraison.fr.md", "Prix"),
    ("fr", "mon article est arrivé cassé", "returns.fr.md", "Articles endommagés"),
    ("fr", "où se trouve votre boutique à Lyon", "hours.md", "The shop in Lyon"),
    ("en", "délai de remboursement", "returns.fr.md", "Délai de remboursement"),
]

UNANSWERED = [
    "what is the weather in Paris",
    "hello",
    "thanks a lot!",
    "can you write a poem about the sea",
    "do you sell bicycles",
    "do you have vegan leather jackets in stock",
    "what's 2+2",
    "my dog ate my homework",
    "what is your CEO's name",
    "A-17",
    "the blue one",
    "how tall is the Eiffel tower",
    "",
    "😀",
]


@pytest.mark.parametrize(("language", "words", "document", "heading"), ANSWERED)
async def test_what_the_documents_answer_is_found_first(
    search: Search, language: str, words: str, document: str, heading: str
) -> None:
    found = await search.search(words, language=language)
    assert (found[0].document, found[0].heading) == (document, heading)


@pytest.mark.parametrize("words", UNANSWERED)
async def test_what_they_do_not_speak_of_finds_nothing(search: Search, words: str) -> None:
    assert await search.search(words, language="en") == ()


async def test_the_language_asked_in_comes_alone_where_it_has_an_answer(search: Search) -> None:
    found = await search.search("livraison standard", language="fr")
    assert {passage.document for passage in found} == {"livraison.fr.md"}


async def test_passages_come_best_first_and_no_more_than_asked_for(search: Search) -> None:
    every = await search.search("return a damaged parcel", language="en", most=10)
    assert [passage.score for passage in every] == sorted((passage.score for passage in every), reverse=True)
    assert await search.search("return a damaged parcel", language="en", most=2) == every[:2]


def test_no_candidates_rank_to_nothing() -> None:
    assert rank(CandidatesFound((), 0, 0.0, {}), question("refund", ["en"]), "en") == ()


async def test_both_databases_rank_alike(search: Search, postgres_store: Store) -> None:
    other = await shop(postgres_store)
    for language, words, *_ in ANSWERED:
        assert await search.search(words, language=language) == await other.search(words, language=language)
    assert [await other.search(words, language="en") for words in UNANSWERED] == [()] * len(UNANSWERED)
