"""What a channel cannot show becomes something it can, and nothing gets lost on the way."""

from typing import Literal

import pytest
import regex
from hypothesis import assume, given
from hypothesis import strategies as st

from bot import markup
from bot.clean import clean
from bot.fit import Fitted, Loss, fit, plain, words
from bot.model import (
    Card,
    Choices,
    Location,
    Mark,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Source,
    Sources,
    Span,
    Text,
    text,
)
from bot.ports import Buttons, Capabilities, Limit

ALL: frozenset[Mark] = frozenset(markup.ORDER)
PARTS: frozenset[type[Part]] = frozenset((Text, Choices, Card, Sources, Notice, Media, Location, Rating))


Unit = Literal["char", "utf16", "byte"]


def channel(
    most: int = 4096,
    unit: Unit = "char",
    marks: frozenset[Mark] = ALL,
    parts: frozenset[type[Part]] = PARTS,
    buttons: Buttons | None = Buttons(rows=5, per_row=2, label=20),  # noqa: B008 - frozen
) -> Capabilities:
    return Capabilities(text=Limit(most, unit), marks=marks, parts=parts, buttons=buttons)


TERMINAL = channel(marks=frozenset(), parts=frozenset((Text,)), buttons=None)


def options(*labels: str) -> tuple[Option, ...]:
    return tuple(Option(label, f"value of {label}") for label in labels)


def said(fitted: Fitted) -> list[str]:
    return [words(piece) for piece in fitted.pieces]


# What is shown


def test_what_a_channel_can_show_is_left_as_it_is() -> None:
    parts = (
        Notice("joined", "Ada joined"),
        Text((Span("bold", ("bold",)), Span(" link", (), "https://a.example"))),
        Card("Title", "Body", "Meta"),
        Sources((Source("Returns", "Within 30 days."),)),
        Choices(options("Yes", "No"), "Sure?"),
    )
    message = Message(parts, "en", reply_to=3, strict=True)
    assert fit(message, channel()) == Fitted((message,), ())


def test_a_terminal_gets_characters_and_numbered_lists() -> None:
    message = Message(
        (
            Text((Span("See "), Span("our page", ("bold",), "https://a.example"))),
            Card("Lamp", "A lamp.", "19 €", options("Buy")),
            Sources((Source("Returns", "…"), Source("Fees", "…", "https://a.example/fees"))),
            Notice("closed", "We are closed."),
            Choices(options("Yes", "No"), "Sure?"),
        )
    )
    fitted = fit(message, TERMINAL)
    assert said(fitted) == [
        "See our page (https://a.example)\n\nLamp\nA lamp.\n19 €\n\n1. Buy\n\n"
        "1. Returns\n2. Fees (https://a.example/fees)\n\nWe are closed.\n\nSure?\n1. Yes\n2. No"
    ]
    assert fitted.losses == (
        Loss("text", "mark", "bold"),
        Loss("text", "link"),
        Loss("card", "part"),
        Loss("card", "buttons"),
        Loss("sources", "part"),
        Loss("notice", "part"),
        Loss("choices", "buttons"),
    )


def test_what_a_channel_cannot_show_is_described() -> None:
    message = Message(
        (
            Media("image", "f-1", "shoe.jpg", alt="a shoe", caption="The sole."),
            Media("voice", "f-2", transcript="It is broken."),
            Location(48.8566, 2.3522, "Paris"),
            Rating("How was it?"),
            Rating("Did it help?", scale=2),
        )
    )
    fitted = fit(message, TERMINAL)
    assert said(fitted) == [
        "[image] a shoe\nThe sole.\n\n[voice]\nIt is broken.\n\n"
        "Paris\nhttps://www.openstreetmap.org/?mlat=48.856600&mlon=2.352200\n\n"
        "How was it?\n1-5\n\nDid it help?\n👍 / 👎"
    ]
    assert fitted.losses == (Loss("media", "part"), Loss("location", "part"), Loss("rating", "part"))


def test_a_caption_that_is_too_long_stands_below_its_picture() -> None:
    picture = Media("image", "f-1", "a.jpg", caption="one two three")
    fitted = fit(Message((picture,)), channel(15))
    assert [piece.parts for piece in fitted.pieces] == [
        (Media("image", "f-1", "a.jpg"),),
        (Text((Span("one two three"),)),),
    ]
    assert fitted.losses == ()


def test_only_marks_that_are_missing_are_lost() -> None:
    message = Message((Text((Span("a", ("bold", "item")), Span("b", ("italic",), "https://a.example"))),))
    fitted = fit(message, channel(marks=frozenset(("bold",))))
    assert fitted.pieces[0].parts == (Text((Span("a", ("bold",)), Span("b", (), "https://a.example"))),)
    assert fitted.losses == (Loss("text", "mark", "item"), Loss("text", "mark", "italic"))


def test_a_card_without_a_native_form_keeps_its_buttons() -> None:
    fitted = fit(Message((Card("Lamp", "A lamp.", "", options("Buy")),)), channel(parts=PARTS - {Card}))
    assert fitted.pieces[0].parts == (
        Text((Span("Lamp", ("bold",)), Span("\nA lamp."))),
        Choices(options("Buy")),
    )


@pytest.mark.parametrize(
    ("labels", "lost"),
    [
        pytest.param([str(n) for n in range(11)], ["10"], id="too many"),
        pytest.param(["short", "a label beyond twenty"], ["a label beyond twenty"], id="too long"),
    ],
)
def test_choices_that_do_not_fit_on_buttons_become_a_numbered_list(labels: list[str], lost: list[str]) -> None:
    fitted = fit(Message((Choices(options(*labels), "Which?"),)), channel())
    assert said(fitted) == ["\n".join(["Which?", *(f"{n}. {label}" for n, label in enumerate(labels, 1))])]
    assert fitted.losses == tuple(Loss("choices", "buttons", label) for label in lost)


# In pieces


def test_buttons_stand_at_the_end_of_the_last_piece() -> None:
    ask = Choices(options("Yes", "No"))
    message = Message((Text((Span("One. Two."),)), ask, Text((Span("Three."),))), reply_to=7)
    assert fit(message, channel(6)).pieces == (
        Message((Text((Span("One."),)),), reply_to=7),
        Message((Text((Span("Two."),)),)),
        Message((Text((Span("Three."),)), ask)),
    )


def test_two_sets_of_buttons_are_two_pieces() -> None:
    one, two = Choices(options("A"), "First?"), Choices(options("B"), "Second?")
    assert [piece.parts for piece in fit(Message((one, two)), channel()).pieces] == [(one,), (two,)]


def test_a_prompt_beyond_the_limit_is_split_and_keeps_its_buttons() -> None:
    fitted = fit(Message((Choices(options("Yes"), "One two three"),)), channel(7))
    assert [piece.parts for piece in fitted.pieces] == [
        (Text((Span("One two"),)),),
        (Text((Span("three"),)), Choices(options("Yes"))),
    ]


@pytest.mark.parametrize(
    ("characters", "pieces"),
    [
        pytest.param("aa\n\nbb\ncc. dd", ["aa", "bb", "cc. dd"], id="paragraph, then line"),
        pytest.param("Aa bb. Cc dd", ["Aa bb.", "Cc dd"], id="sentence"),
        pytest.param("aaa bbb ccc", ["aaa", "bbb", "ccc"], id="word"),
        pytest.param("aaaaaaaaaa", ["aaaaaa", "aaaa"], id="grapheme"),
        pytest.param("好的。谢谢你们", ["好的。", "谢谢你们"], id="sentence without a space"),
        pytest.param("aaa 👨‍👩‍👧👨‍👩‍👧", ["aaa", "👨‍👩‍👧", "👨‍👩‍👧"], id="never within a grapheme"),
        pytest.param("e" + "\u0301" * 8, ["e" + "\u0301" * 5, "\u0301" * 3], id="unless it alone is too long"),
        pytest.param(" \n\n      \n a", ["   \n a"], id="no piece is blank"),
        pytest.param(" \n ", [], id="nothing to show"),
    ],
)
def test_long_text_is_split_at_the_largest_break(characters: str, pieces: list[str]) -> None:
    assert said(fit(text(characters), channel(6))) == pieces


@pytest.mark.parametrize(
    ("unit", "pieces"),
    [("char", ["😀😀😀é"]), ("utf16", ["😀😀", "😀é"]), ("byte", ["😀", "😀", "😀", "é"])],
)
def test_the_limit_counts_as_the_channel_does(unit: Unit, pieces: list[str]) -> None:
    assert said(fit(text("😀😀😀é"), channel(4, unit))) == pieces


def test_marks_and_links_go_on_after_a_cut() -> None:
    message = Message((Text((Span("aa bb", ("fence",)), Span(" cc dd", (), "https://a.example"))),))
    assert [piece.parts for piece in fit(message, channel(4)).pieces] == [
        (Text((Span("aa", ("fence",)),)),),
        (Text((Span("bb", ("fence",)),)),),
        (Text((Span("cc", (), "https://a.example"),)),),
        (Text((Span("dd", (), "https://a.example"),)),),
    ]


def test_the_indent_of_code_survives_a_cut() -> None:
    assert said(fit(Message((Text((Span("if x:\n    y", ("fence",)),)),)), channel(6))) == ["if x:", "    y"]


# Laws

SOME_TEXT = st.text(st.sampled_from("ab. \n!。👨\u200d👩\u0301é𝒳-"), max_size=40) | st.text(max_size=10).map(clean)
LABELS = SOME_TEXT.map("a{}".format)
MARKS = st.lists(st.sampled_from(markup.ORDER), unique=True, max_size=2).map(lambda marks: tuple(sorted(marks)))
SPANS = st.builds(Span, SOME_TEXT, MARKS) | st.builds(Span, LABELS, MARKS, st.just("https://a.example"))
OPTIONS = st.lists(st.builds(Option, LABELS, st.just("v")), max_size=4).map(tuple)
PART: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, st.lists(SPANS, max_size=4).map(tuple)),
    st.builds(Choices, OPTIONS, SOME_TEXT),
    st.builds(Card, SOME_TEXT, SOME_TEXT, SOME_TEXT, OPTIONS),
    st.builds(Sources, st.lists(st.builds(Source, SOME_TEXT, SOME_TEXT), max_size=3).map(tuple)),
    st.builds(Notice, st.just("key"), SOME_TEXT),
    st.builds(Media, st.sampled_from(["image", "file"]), st.just("r"), SOME_TEXT, caption=SOME_TEXT, alt=SOME_TEXT),
    st.builds(Location, st.floats(-90, 90), st.floats(-180, 180), SOME_TEXT),
    st.builds(Rating, SOME_TEXT, st.integers(2, 10)),
)
MESSAGE = st.builds(Message, st.lists(PART, max_size=4).map(tuple), reply_to=st.none() | st.integers(1, 9))
CHANNEL = st.builds(
    channel,
    st.integers(1, 40),
    st.sampled_from(["char", "utf16", "byte"]),
    st.frozensets(st.sampled_from(markup.ORDER)),
    st.frozensets(st.sampled_from(sorted(PARTS, key=str))),
    st.none() | st.builds(Buttons, rows=st.integers(1, 3), per_row=st.integers(1, 2), label=st.integers(1, 9)),
)


@given(MESSAGE, CHANNEL)
def test_fitting_a_piece_changes_nothing(message: Message, to: Capabilities) -> None:
    for piece in fit(message, to).pieces:
        assert fit(piece, to) == Fitted((piece,), ())


@given(MESSAGE, CHANNEL)
def test_every_character_arrives(message: Message, to: Capabilities) -> None:
    pieces = fit(message, to).pieces
    shown = [_seen(piece, with_links=bool(to.marks)) for piece in pieces]
    assert _dense("".join(shown)) == _dense(
        _seen(_with_the_last_choices_at_the_end(message), with_links=bool(to.marks))
    )
    assert all(map(_dense, shown))


@given(st.text(st.sampled_from("ab. \n。👨\u200d👩\u0301\u0903é𝒳🇫🇷\u0600"), max_size=60), st.integers(12, 20))
def test_no_grapheme_is_split(characters: str, most: int) -> None:
    graphemes = [found for found in regex.findall(r"\X", characters) if not found.isspace()]
    assume(all(len(found) <= 12 for found in graphemes))
    shown = [found for piece in said(fit(text(characters), channel(most))) for found in regex.findall(r"\X", piece)]
    assert [found.strip() for found in shown if not found.isspace()] == [found.strip() for found in graphemes]


@given(MESSAGE)
def test_plain_text_is_total(message: Message) -> None:
    assert all(isinstance(plain(part), str) for part in message.parts)


def _dense(characters: str) -> str:
    return "".join(characters.split())


def _seen(message: Message, *, with_links: bool) -> str:
    """What a reader sees: where a channel shows links, an address is behind its label."""
    return "\n".join(
        "".join(span.text for span in part.spans) if isinstance(part, Text) and with_links else plain(part)
        for part in message.parts
    )


def _with_the_last_choices_at_the_end(message: Message) -> Message:
    parts = list(message.parts)
    at = max((at for at, part in enumerate(parts) if isinstance(part, Choices)), default=None)
    if at is not None:
        parts.append(parts.pop(at))
    return Message(tuple(parts))
