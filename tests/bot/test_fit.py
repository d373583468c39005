"""What a channel cannot show becomes something it can, and nothing gets lost on the way."""

from typing import Literal

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import markup
from bot.clean import clean
from bot.fit import Fitted, Loss, fit, options_of, plain, words
from bot.model import (
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Location,
    Mark,
    Media,
    Message,
    Notice,
    Option,
    Part,
    Rating,
    Raw,
    Source,
    Sources,
    Span,
    Table,
    Text,
    VCard,
    text,
)
from bot.ports import Attachments, Buttons, Capabilities, Limit, Syntax
from tests.faults.scale import PROPERTY_EXAMPLES

ALL: frozenset[Mark] = frozenset(markup.ORDER)
PARTS: frozenset[type[Part]] = frozenset((Text, Choices, Card, Sources, Notice, Media, Location, Rating))


Unit = Literal["char", "utf16", "byte"]


def channel(
    most: int = 4096,
    unit: Unit = "char",
    marks: frozenset[Mark] = ALL,
    parts: frozenset[type[Part]] = PARTS,
    buttons: Buttons | None = Buttons(rows=5, per_row=2, label=20),  # noqa: B008 - frozen
    options: int = 0,
) -> Capabilities:
    return Capabilities(text=Limit(most, unit), marks=marks, parts=parts, buttons=buttons, options=options)


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


PRIVATE = Message((Text((Span("the code is 7"),)),), "en", only_for="ana", otherwise="Ask me in private.")


def test_what_is_for_one_person_is_for_whoever_is_there_alone() -> None:
    assert fit(PRIVATE, channel()) == Fitted((text("the code is 7", language="en"),), ())


def test_what_is_for_one_person_says_so_where_others_read_along() -> None:
    group = replace(channel(), shared=True, can=frozenset(("private_note",)))
    fitted = Fitted((replace(PRIVATE, otherwise=""),), ())
    assert fit(PRIVATE, group) == fitted
    assert fit(fitted.pieces[0], group) == fitted


@pytest.mark.parametrize(("otherwise", "shown"), [("Ask me in private.", ["Ask me in private."]), ("", [])])
def test_what_is_for_one_person_is_never_shown_to_all(otherwise: str, shown: list[str]) -> None:
    fitted = fit(replace(PRIVATE, otherwise=otherwise), replace(channel(), shared=True))
    assert (said(fitted), fitted.losses) == (shown, (Loss("message", "private"),))


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
        "1. Returns\n2. Fees (https://a.example/fees)\n\nWe are closed.\n\nSure?\n2. Yes\n3. No"
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
    fitted = fit(Message((picture,)), replace(channel(20), caption=Limit(12)))
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
        pytest.param([str(n) for n in range(41)], [""], id="too many"),
        pytest.param(["short", "a label beyond twenty"], ["a label beyond twenty"], id="too long"),
    ],
)
def test_choices_that_do_not_fit_on_buttons_become_a_numbered_list(labels: list[str], lost: list[str]) -> None:
    fitted = fit(Message((Choices(options(*labels), "Which?"),)), channel())
    assert said(fitted) == ["\n".join(["Which?", *(f"{n}. {label}" for n, label in enumerate(labels, 1))])]
    assert fitted.losses == tuple(Loss("choices", "buttons", label) for label in lost)


def test_more_choices_than_buttons_become_a_native_list() -> None:
    ask = Choices(options(*map(str, range(11))), "Which?", "quick")
    fitted = fit(Message((ask,)), channel(options=25))
    assert [piece.parts for piece in fitted.pieces] == [(replace(ask, look="list"),)]
    assert fitted.losses == (Loss("choices", "list"),)


@pytest.mark.parametrize(("longest", "look"), [(10, "list"), (0, "quick")])
def test_more_choices_than_one_message_holds_are_several(longest: int, look: str) -> None:
    fitted = fit(Message((Choices(options(*map(str, range(25))), "Which?"),)), channel(options=longest))
    shown = [part for piece in fitted.pieces for part in piece.parts if isinstance(part, Choices)]
    assert [(part.prompt, part.look, len(part.options)) for part in shown] == [
        ("Which?", look, 8),
        ("", look, 8),
        ("", look, 9),
    ]
    assert Loss("choices", "pages", "3") in fitted.losses


def test_a_list_that_a_channel_does_not_have_stands_on_buttons() -> None:
    ask = Choices(options("A", "B", "C"), "Which?", "list")
    assert fit(Message((ask,)), channel(options=2)).pieces[0].parts == (replace(ask, look="buttons"),)


def test_options_are_numbered_through_the_message() -> None:
    cards = (Card("Lamp", options=options("Buy")), Card("Chair", options=options("Buy it", "Measure")))
    message = Message((Carousel(cards), Choices(options("None of them"), "Or?")))
    assert said(fit(message, TERMINAL)) == [
        "Lamp\n\n1. Buy\n\nChair\n\n2. Buy it\n3. Measure\n\nOr?\n4. None of them",
    ]


def test_a_rating_becomes_buttons_or_a_list() -> None:
    grades = options("1", "2", "3")
    ask = Rating("How was it?", 3, grades)
    without = channel(parts=PARTS - {Rating})
    assert fit(Message((ask,)), without) == Fitted(
        (Message((Choices(grades, "How was it?"),)),), (Loss("rating", "part"),)
    )
    assert said(fit(Message((ask,)), TERMINAL)) == ["How was it?\n1. 1\n2. 2\n3. 3"]


def test_a_table_is_native_or_aligned_or_written_line_by_line() -> None:
    prices = Table(("Lamp", "Price"), (("Desk", "19 €"), ("Floor", "109 €")), "Prices")
    assert fit(Message((prices,)), channel(parts=PARTS | {Table})).pieces[0].parts == (prices,)
    aligned = "Lamp  | Price\n------+------\nDesk  | 19 €\nFloor | 109 €"
    fitted = fit(Message((prices,)), channel())
    assert fitted.pieces[0].parts == (Text((Span("Prices", ("bold",)), Span("\n"), Span(aligned, ("fence",)))),)
    assert fitted.losses == (Loss("table", "part"),)
    wide = Table(("Lamp", "About it"), (("Desk", "a lamp " * 10), ("", "more")))
    assert said(fit(Message((wide,)), channel())) == [
        f"Lamp: Desk\nAbout it: {' '.join(['a lamp'] * 10)}\n\nAbout it: more"
    ]


def test_a_table_that_is_too_large_for_a_native_one_becomes_text() -> None:
    big = Table(("n",), tuple((str(n),) for n in range(4)))
    to = replace(channel(parts=PARTS | {Table}), table=(3, 20))
    assert said(fit(Message((big,)), to)) == ["n\n-\n0\n1\n2\n3"]


def test_a_carousel_is_leafed_through_or_its_cards_follow_one_another() -> None:
    cards = tuple(Card(f"Lamp {n}", options=options("Buy")) for n in range(3))
    message = Message((Carousel(cards),))
    whole = replace(channel(parts=PARTS | {Carousel}), cards=2)
    assert [piece.parts for piece in fit(message, whole).pieces] == [
        (Carousel(cards[:1]),),
        (Carousel(cards[1:]),),
    ]
    assert [piece.parts for piece in fit(message, channel()).pieces] == [(card,) for card in cards]
    assert fit(message, channel()).losses == (Loss("carousel", "part"),)


def test_a_form_is_shown_where_there_are_forms() -> None:
    form = Form((Field("name", "What is your name?"), Field("size", "Which size?")), "About you", token="t")
    modal = replace(channel(), form="modal")
    assert fit(Message((form,)), modal) == Fitted((Message((form,)),), ())
    assert said(fit(Message((form,)), channel())) == ["About you\nWhat is your name?\nWhich size?"]


def test_raw_is_for_its_own_channel() -> None:
    raw = Raw("slack", {"blocks": []}, "A map.")
    assert fit(Message((raw,)), replace(channel(), raw="slack")).pieces[0].parts == (raw,)
    fitted = fit(Message((raw,)), replace(channel(), raw="discord"))
    assert (said(fitted), fitted.losses) == (["A map."], (Loss("raw", "part"),))


# Where files are messages of their own

CAPTIONS = Capabilities(
    text=Limit(100),
    caption=Limit(20),
    marks=ALL,
    parts=PARTS | {VCard},
    alone=frozenset((Location, VCard)),
    buttons=Buttons(rows=5, per_row=2, label=20),
    files=Attachments(per_message=3),
)
YES = Choices(options("Yes"))


def photo(number: int, caption: str = "") -> Media:
    return Media("image", f"f-{number}", f"{number}.jpg", caption=caption)


@pytest.mark.parametrize(
    ("parts", "pieces"),
    [
        pytest.param((text("Look:").parts[0], photo(1)), [1, 1], id="text is no caption"),
        pytest.param((photo(1, "short"), photo(2), photo(3), photo(4)), [3, 1], id="an album has its limit"),
        pytest.param((photo(1), Media("voice", "v", "v.ogg")), [1, 1], id="a voice note is in no album"),
        pytest.param((photo(1), YES), [2], id="one file has buttons"),
        pytest.param((photo(1), photo(2), YES), [1, 2], id="an album has none"),
        pytest.param((photo(1), Choices(options("Yes"), "Sure?")), [1, 1], id="a prompt is no caption"),
        pytest.param((Location(1, 2), VCard("Ada")), [1, 1], id="alone"),
        pytest.param((Location(1, 2), YES), [2], id="buttons go with it"),
        pytest.param((Card("Lamp", image="https://a.example/l.png"), text("It is new.").parts[0]), [1, 1], id="a card"),
        pytest.param((Card("Lamp"), text("It is new.").parts[0]), [2], id="a card without a picture"),
    ],
)
def test_files_are_messages_of_their_own_where_they_have_captions(parts: tuple[Part, ...], pieces: list[int]) -> None:
    assert [len(piece.parts) for piece in fit(Message(parts), CAPTIONS).pieces] == pieces


def test_a_card_with_too_much_text_for_a_caption_keeps_its_picture() -> None:
    card = Card("Lamp", "A lamp that says much.", "19 €", options("Buy"), "https://a.example/l.png")
    assert [piece.parts for piece in fit(Message((card,)), CAPTIONS).pieces] == [
        (Card("Lamp", image=card.image),),
        (Text((Span("A lamp that says much.\n19 €"),)), Choices(options("Buy"))),
    ]


# Counted after rendering

MARKDOWN = Syntax(escapes={"*": 1, "_": 1}, marks={"bold": 4, "fence": 8}, lines={"quote": 2}, link=4)


@pytest.mark.parametrize(
    ("spans", "pieces"),
    [
        pytest.param((Span("a*b_ cd_"),), ["a*b_", "cd_"], id="escapes"),
        pytest.param((Span("abcd efgh", ("bold",)),), ["abcd", "efgh"], id="marks in each piece"),
        pytest.param((Span("a\nb\nc", ("quote",)),), ["a\nb", "c"], id="lines"),
        pytest.param((Span("ab cd", (), "a:b"),), ["ab", "cd"], id="links in each piece"),
        pytest.param((Span("ab cd"), Span(" e", ("bold",))), ["ab cd", "e"], id="a mark at the end"),
    ],
)
def test_the_limit_counts_what_is_written(spans: tuple[Span, ...], pieces: list[str]) -> None:
    to = replace(channel(9), syntax=MARKDOWN)
    assert said(fit(Message((Text(spans),)), to)) == [
        piece if not spans[0].link else f"{piece} (a:b)" for piece in pieces
    ]


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
CARDS = st.builds(Card, SOME_TEXT, SOME_TEXT, SOME_TEXT, OPTIONS, st.sampled_from(["", "https://a.example/l.png"]))
ROWS = st.lists(st.tuples(SOME_TEXT, SOME_TEXT), max_size=3).map(tuple)
FIELDS = st.lists(st.builds(Field, st.just("name"), SOME_TEXT), max_size=3).map(tuple)
KINDS = st.sampled_from(["image", "voice", "file"])
PART: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, st.lists(SPANS, max_size=4).map(tuple)),
    st.builds(Choices, OPTIONS, SOME_TEXT, st.sampled_from(["buttons", "quick", "list"])),
    CARDS,
    st.builds(Carousel, st.lists(CARDS, max_size=3).map(tuple)),
    st.builds(Table, st.tuples(LABELS, LABELS), ROWS, SOME_TEXT),
    st.builds(Form, FIELDS, SOME_TEXT),
    st.builds(Sources, st.lists(st.builds(Source, SOME_TEXT, SOME_TEXT), max_size=3).map(tuple)),
    st.builds(Notice, st.just("key"), SOME_TEXT),
    st.builds(Media, KINDS, st.just("r"), SOME_TEXT, caption=SOME_TEXT, alt=SOME_TEXT),
    st.builds(Location, st.floats(-90, 90), st.floats(-180, 180), SOME_TEXT),
    st.builds(VCard, SOME_TEXT, SOME_TEXT),
    st.builds(Rating, SOME_TEXT, st.integers(2, 10), OPTIONS),
    st.builds(Raw, st.sampled_from(["slack", "discord"]), st.just({}), LABELS),
)
MESSAGE = st.builds(Message, st.lists(PART, max_size=4).map(tuple), reply_to=st.none() | st.integers(1, 9))
EVERY_PART = sorted((*PARTS, Carousel, Table, VCard), key=str)
LIMITS = st.builds(Limit, st.integers(1, 40), st.sampled_from(["char", "utf16", "byte"]))
CHANNEL = st.builds(
    Capabilities,
    text=LIMITS,
    caption=st.none() | st.builds(Limit, st.integers(1, 20)),
    marks=st.frozensets(st.sampled_from(markup.ORDER)),
    syntax=st.none() | st.just(MARKDOWN),
    parts=st.frozensets(st.sampled_from(EVERY_PART)),
    alone=st.frozensets(st.sampled_from([Location, VCard, Table, Card])),
    table=st.none() | st.just((2, 2)),
    cards=st.integers(0, 2),
    raw=st.sampled_from(["", "slack"]),
    buttons=st.none() | st.builds(Buttons, rows=st.integers(1, 3), per_row=st.integers(1, 2), label=st.integers(1, 9)),
    options=st.integers(0, 4),
    form=st.sampled_from(["native", "modal", "ask"]),
    files=st.none() | st.builds(Attachments, per_message=st.integers(1, 3)),
)


@settings(max_examples=PROPERTY_EXAMPLES)
@given(MESSAGE, CHANNEL)
def test_fitting_a_piece_changes_nothing(message: Message, to: Capabilities) -> None:
    for piece in fit(message, to).pieces:
        assert fit(piece, to) == Fitted((piece,), ())


@settings(max_examples=PROPERTY_EXAMPLES)
@given(MESSAGE, CHANNEL)
def test_every_character_arrives(message: Message, to: Capabilities) -> None:
    pieces = fit(message, to).pieces
    shown = [_seen(piece, with_links=bool(to.marks)) for piece in pieces]
    assert _dense("".join(shown)) == _dense(
        _seen(_with_the_last_choices_at_the_end(message), with_links=bool(to.marks))
    )
    assert all("".join(words.split()) for words in shown)


@settings(max_examples=PROPERTY_EXAMPLES)
@given(MESSAGE, CHANNEL)
def test_a_piece_is_one_message_there(message: Message, to: Capabilities) -> None:
    for piece in fit(message, to).pieces:
        files = [part for part in piece.parts if isinstance(part, Media)]
        others = [part for part in piece.parts if not isinstance(part, Media | Choices | Rating)]
        assert not any(map(options_of, piece.parts[:-1]))
        assert len(files) <= (to.files.per_message if to.files else 1)
        if files and to.caption is not None:
            assert others == []
            assert len(files) == 1 or not options_of(piece.parts[-1])
        if any(type(part) in to.alone for part in piece.parts):
            assert len(others) == 1


@settings(max_examples=PROPERTY_EXAMPLES)
@given(st.lists(SPANS, max_size=6), st.integers(60, 90), st.sampled_from(["char", "utf16", "byte"]))
def test_no_piece_is_longer_than_it_may_be(spans: list[Span], most: int, unit: Unit) -> None:
    to = replace(channel(most, unit), syntax=MARKDOWN)
    for piece in fit(Message((Text(tuple(spans)),)), to).pieces:
        (part,) = piece.parts
        assert isinstance(part, Text)
        assert _counted("".join(map(_in_markdown, part.spans)), unit) <= most


def _in_markdown(span: Span) -> str:
    """What `MARKDOWN` is the cost of."""
    words = span.text.replace("*", r"\*").replace("_", r"\_")
    if "quote" in span.marks:
        words = "> " + words.replace("\n", "\n> ")
    if "bold" in span.marks:
        words = f"**{words}**"
    if "fence" in span.marks:
        words = f"```\n{words}\n```"
    return f"[{words}]({span.link})" if span.link else words


def _counted(characters: str, unit: Unit) -> int:
    if unit == "char":
        return len(characters)
    return len(characters.encode("utf-8" if unit == "byte" else "utf-16-le")) // (1 if unit == "byte" else 2)


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
    """Without white space, and without what numbers consist of: an option has a number only in a list."""
    return "".join(character for character in characters if character not in "0123456789." and not character.isspace())


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
