"""TG1: text with spans and entities both ways, counted in UTF-16 units."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bot import markup
from bot.model import Mark, Span
from channels.sandbox.telegram import text as platform
from channels.telegram.entities import Entity, spans_of, text_of, units

CHARACTERS = st.text(st.sampled_from("ab 😀é👩‍👩‍👧\n.ع"), min_size=1, max_size=8)
MARKS: list[Mark] = ["bold", "italic", "strike", "code", "fence", "quote", "heading"]
SPANS = st.lists(
    st.builds(
        Span,
        CHARACTERS,
        st.lists(st.sampled_from(MARKS), unique=True).map(tuple),
        st.sampled_from(["", "", "https://a.example/", "https://b.example/x"]),
    ),
    max_size=8,
)
INLINE: list[Mark] = ["bold", "italic", "strike"]
PLAIN_LOOKS = st.lists(
    st.builds(Span, CHARACTERS, st.lists(st.sampled_from(INLINE), unique=True).map(tuple)), max_size=8
)


@given(SPANS)
def test_tg1_what_is_sent_is_what_the_platform_takes(spans: list[Span]) -> None:
    words, entities = text_of(spans)
    assert words == "".join(span.text for span in markup.merge(spans)).strip()
    assert platform.checked(words, entities) == entities
    taken, _ = platform.formatted(words, entities, None)
    assert taken == words


@given(SPANS)
def test_tg1_no_entity_crosses_another_and_code_holds_none(spans: list[Span]) -> None:
    _, entities = text_of(spans)
    for one, other in combinations(entities, 2):
        (start, end), (begin, stop) = [(e["offset"], e["offset"] + e["length"]) for e in (one, other)]
        assert end <= begin or (start <= begin and stop <= end) or (begin <= start and end <= stop)
        if end > begin:
            assert {"code", "pre"}.isdisjoint((one["type"], other["type"])) or "blockquote" in (
                one["type"],
                other["type"],
            )


@given(PLAIN_LOOKS)
def test_tg1_there_and_back_nothing_is_lost(spans: list[Span]) -> None:
    words, entities = text_of(spans)
    back = spans_of(words, [Entity(e["type"], e["offset"], e["length"], e.get("url", "")) for e in entities])
    assert "".join(span.text for span in back) == words
    assert text_of(back) == (words, entities)


@given(
    st.text(max_size=20),
    st.lists(
        st.builds(
            Entity,
            st.sampled_from(["bold", "pre", "text_link", "url", "spoiler", "custom_emoji", "blockquote", "new_kind"]),
            st.integers(-5, 30),
            st.integers(-5, 30),
            st.sampled_from(["", "https://a.example/", "javascript:alert(1)"]),
        ),
        max_size=5,
    ),
)
def test_tg1_whatever_entities_say_the_words_stay(text: str, entities: list[Entity]) -> None:
    spans = spans_of(text, entities)
    assert "".join(span.text for span in spans) == text
    assert all(span.link in ("", "https://a.example/") or span.link.startswith("http") for span in spans)


@given(st.text(max_size=30))
def test_tg1_lengths_are_those_of_the_platform(text: str) -> None:
    assert units(text) == platform.units(text)


def test_tg1_spoiler_expandable_quote_and_custom_emoji_keep_their_words() -> None:
    entities = [
        Entity("spoiler", 0, 6),
        Entity("expandable_blockquote", 7, 5),
        Entity("custom_emoji", 13, 2),
        Entity("bold", 7, 2),
    ]
    assert spans_of("secret quote 😀", entities) == (
        Span("secret "),
        Span("qu", ("bold", "quote")),
        Span("ote", ("quote",)),
        Span(" 😀"),
    )


def test_tg1_a_link_that_is_its_own_label_is_left_to_the_platform() -> None:
    words, entities = text_of([Span("see "), Span("https://a.example/", (), "https://a.example/")])
    assert (words, entities) == ("see https://a.example/", [])
    assert spans_of(words, [Entity("url", 4, 18)])[1].link == "https://a.example/"
