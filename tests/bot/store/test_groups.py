"""What waits is sorted into groups of one kind, and no conversation notices."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.model import Address, ConversationId, State
from bot.ports import Unit
from bot.store.groups import grouped, place
from bot.store.sqlite import MemoryStore
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.testing.store import LEASE, Scene
from bot.units import Amend, Claim, Commit, Release, Settle

CLOCK = SettableClock()
SCENE = Scene(MemoryStore(CLOCK), CLOCK, SeededRandom())


def amend(conversation: str) -> Amend:
    return SCENE.amend(ConversationId(conversation))


def release(conversation: str) -> Release:
    return Release(conversation=ConversationId(conversation), fence=1)


def commit(conversation: str) -> Commit:
    return Commit(
        conversation=ConversationId(conversation),
        fence=1,
        epoch=0,
        turn=0,
        heard=1,
        entries=(),
        state=State(),
        language="",
        at=CLOCK.now(),
    )


def test_units_of_different_conversations_are_sorted_by_kind() -> None:
    units = [commit("a"), release("b"), commit("c"), release("d"), commit("e")]
    assert grouped(units) == [[0, 2, 4], [1, 3]]


def test_units_of_one_conversation_stay_in_order() -> None:
    units = [commit("a"), release("a"), commit("a"), commit("b")]
    assert grouped(units) == [[0], [1], [2, 3]]


def test_what_comes_in_has_an_address_and_the_rest_a_conversation() -> None:
    accept = SCENE.accept("hello")
    assert place(accept) == Address("memory", "shop", "1")
    assert place(commit("a")) == place(amend("a")) == "a"
    settle = Settle(delivery="a-12", attempt=1, state="sent", done=1, refs=(), at=CLOCK.now())  # type: ignore[arg-type]
    assert place(settle) == "a"
    assert place(Claim(lease=LEASE, most=1)) == place(Claim(lease=LEASE, most=2))
    assert place(replace(Claim(lease=LEASE, most=1), conversation=ConversationId("a"))) == "a"


_units = st.lists(
    st.one_of(
        st.sampled_from("abc").map(commit),
        st.sampled_from("abc").map(release),
        st.sampled_from("abc").map(amend),
        st.sampled_from("abc").map(lambda chat: SCENE.accept("hello", chat=chat)),
        st.just(Claim(lease=LEASE, most=1)),
    ),
    max_size=40,
)


@given(_units)
def test_every_unit_is_in_one_group_of_its_kind_after_those_before_it(units: list[Unit[object]]) -> None:
    groups = grouped(units)
    order = [position for group in groups for position in group]
    assert sorted(order) == list(range(len(units)))
    for group in groups:
        assert len({type(units[position]) for position in group}) == 1
    for where in {place(unit) for unit in units}:
        of_it = [position for position in order if place(units[position]) == where]
        assert of_it == sorted(of_it)
