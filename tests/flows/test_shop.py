"""The example shop: whole conversations through its own files and its own actions, without a model."""

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


def test_an_order_is_tracked_from_the_first_click(shop: Shop) -> None:
    assert shop.take(Pressed("greeting.0")) == [WHICH]
    assert shop.hear("A-17") == [
        "Order A-17 is on its way, but later than promised.",
        "Order A-17 / Drumlin 2 tent, Ember head torch / Expected March 4, 2026 · Hollin Parcels",
        "The carrier says: Held at the depot by a storm. I am sorry about the wait.",
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


def test_an_order_that_is_named_in_the_request_is_not_asked_for(shop: Shop) -> None:
    lines = shop.hear("what is the status of A-20?")
    assert lines is not None
    assert lines[0] == "Order A-20 is on its way."


def test_an_unknown_order_is_asked_for_again(shop: Shop) -> None:
    shop.do("/start track_order")
    assert shop.hear("A-99") == ["I find no order A-99. Please look once more.", WHICH]


def test_a_return_is_opened_with_a_digression_and_a_correction(shop: Shop) -> None:
    shop.hear("I want to return something")
    assert shop.hear("it's a17") == [
        "Why do you want to return it?",
        "[It is damaged|Wrong size|I changed my mind]",
    ]
    assert shop.hear("changed my mind") == [
        "You have 30 days left to return order A-17.\n\nWhat would you like for it?",
        "[Money back|Exchange|Voucher]",
    ]
    assert shop.hear("opening hours") == [
        "Tarnfell Outdoor / Monday to Friday 9:00 to 18:30, Saturday 9:00 to 17:00. Closed on Sunday. / "
        "4 Millrace Lane, Brackenford",
        "What would you like for it?",
        "[Money back|Exchange|Voucher]",
    ]
    assert shop.do("/set order=A-18") == [
        "All right, I have changed that.",
        "You have 24 days left to return order A-18.\n\nWhat would you like for it?",
        "[Money back|Exchange|Voucher]",
    ]
    assert shop.press("Money back") == [
        "So I open this return:\n\n• Order A-18\n• Reason: I changed my mind\n• You get: Money back\n\n"
        "Shall I go ahead?",
        "[Yes|No]",
    ]
    assert shop.hear("yes please") == [
        "Done. Your return number is R-1001.\n\n"
        "Please write it on the parcel. The label is in the box your order came in.",
    ]


def test_a_return_after_its_time_offers_a_person(shop: Shop) -> None:
    shop.do("/start return_item order=B-12")
    assert [offer.value for offer in shop.state.offers] == ["/human"]


def test_only_what_is_still_packed_changes_its_address(shop: Shop) -> None:
    assert shop.do("/start change_address order=A-17")[0].startswith("Order A-17 has already left our shop")
    shop.do("/start change_address order=A-19")
    assert shop.hear("here") == [
        "That looks too short for an address.",
        "Where should it go? Please write street, postcode and town.",
    ]
    shop.hear("12 **Long** Street, 1234 {{ town }}")
    assert shop.hear("yes") == ["Done. Order A-19 goes to the new address."]


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
