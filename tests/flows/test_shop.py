"""The example shop: what its flows are found by, and what its actions promise. Its conversations: flows/tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.flow import say
from bot.flow.book import Book
from bot.flow.interpreter.given import Act, ActionResult, Back
from bot.flow.read import read
from bot.flow.words import tokens
from bot.model import HandoffRequest, Pressed
from tests.bot.flow.script import Talk

SHOP = Path(__file__).parents[2] / "flows"


class Shop(Talk):
    """Runs the shop's own actions."""

    def result(self, act: Act) -> ActionResult:
        result = asyncio.run(self.book.actions[act.action].call(act.args, f"c:{act.key}"))
        return ActionResult(act.key, result)


@pytest.fixture(scope="module")
def book() -> Book:
    return read(SHOP)


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_DATA", str(tmp_path))


@pytest.fixture
def shop(book: Book) -> Shop:
    return Shop(book)


WHICH = "Which order is it? Its number looks like A-17 and stands in your confirmation."


def test_the_greeting_offers_what_the_shop_does(book: Book) -> None:
    assert Talk(book).shown(say.greeting(book, "en")) == [
        "Hello, I am Robin from Tarnfell Outdoor.\n\nWhat can I do for you?",
        "[Track my order|Return something|Change my address|Opening hours]",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "how long does a refund take?",
        "How long does a refund take",
        "What does delivery cost?",
        "can I pay with a credit card?",
        "how do I wash my jacket?",
        "do you repair zips?",
    ],
)
def test_questions_are_left_to_the_knowledge_and_the_question_waits(shop: Shop, question: str) -> None:
    assert shop.hear(question) is None
    shop.take(Pressed("greeting.0"))
    assert shop.hear(question) is None
    assert shop.give() == [WHICH]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "I want a human"),
        ("en", "I want to talk to a person"),
        ("en", "can I please speak to someone"),
        ("fr", "Je veux parler à une personne"),
        ("fr", "je voudrais un conseiller s'il vous plaît"),
    ],
)
def test_a_person_is_asked_for_in_the_middle_and_the_flow_goes_on_afterwards(
    book: Book, language: str, words: str
) -> None:
    shop = Shop(book, language=language)
    shop.take(Pressed("greeting.0"))
    assert shop.hear(words) == []
    assert shop.last is not None
    assert shop.last.handoff == HandoffRequest(reason="asked", queue="service")
    assert len(shop.back(Back("resume"))) == 1
    assert shop.at == [("track_order", "order")]


@pytest.mark.parametrize(
    ("language", "words", "flow"),
    [
        ("en", "where is my parcel", "track_order"),
        ("en", "my order hasn't arrived", "track_order"),
        ("en", "I want to send back my boots", "return_item"),
        ("en", "return something", "return_item"),
        ("en", "I moved, please change my adress", "change_address"),
        ("en", "are you open on sunday?", "opening_hours"),
        ("fr", "où est mon colis", "track_order"),
        ("fr", "je veux retourner mes chaussures", "return_item"),
        ("fr", "changer d'adresse", "change_address"),
        ("fr", "quels sont vos horaires", "opening_hours"),
        ("fr", "where is my order?", "track_order"),
    ],
)
def test_flows_are_found_by_what_customers_say(book: Book, language: str, words: str, flow: str) -> None:
    shop = Shop(book, language=language)
    assert [match.flow for match in book.examples.match(tokens(words), (language, "en"))][:1] == [flow]
    assert shop.hear(words)


def test_what_a_customer_writes_comes_back_as_they_wrote_it(shop: Shop) -> None:
    shop.do("/start change_address order=A-19")
    said = shop.hear("12 **Long** Street, {{ 7*7 }} [x](https://evil.example)")
    assert said is not None
    assert said[0] == (
        "Order A-19 goes to:\n\n12 **Long** Street, {{ 7*7 }} [x](https://evil.example)\n\nIs that right?"
    )


def test_a_repeated_call_under_one_key_opens_one_return(book: Book) -> None:
    action = book.actions["open_return"]
    args = {"order": "A-18", "reason": "damaged", "plan": "refund"}
    first, again = (asyncio.run(action.call(args, "k")) for _ in range(2))
    assert action.check is not None
    assert (first, again, asyncio.run(action.check("k")), asyncio.run(action.check("other"))) == (
        "R-1001",
        "R-1001",
        "R-1001",
        None,
    )


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("A-17", "A-17"),
        ("a17", "A-17"),
        ("a 17", "A-17"),
        ("it is A-17, I think", "A-17"),
        ("ma commande est la a-17", "A-17"),
        ("17", None),
        ("A-17 or A-18", None),
        ("how long does a refund take?", None),
        ("I have a 3 day old parcel", None),
        ("", None),
    ],
)
def test_an_order_number_is_read_out_of_words(book: Book, words: str, order: str | None) -> None:
    from bot.flow.slots import Hearing

    assert book.slot_types["order_id"].parse(words, Hearing()) == order


@pytest.mark.parametrize("page", sorted((SHOP / "knowledge").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_of_knowledge_has_a_title_and_sections(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert sum(line.startswith("## ") for line in lines) >= 2


def test_the_shop_has_its_pages() -> None:
    names = {path.stem for path in (SHOP / "knowledge").glob("*.md")}
    assert names >= {"refunds", "delivery", "returns", "payment", "sizes_and_repair", "warranty"}
