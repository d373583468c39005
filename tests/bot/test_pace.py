"""How fast a platform may be called, and what goes first when there is little room."""

from __future__ import annotations

from datetime import timedelta

from bot.model import Address
from bot.pace import MOST_CHATS, Pacer, Rank
from bot.ports import Pace, Rate
from bot.testing.clock import SettableClock

SECOND = timedelta(seconds=1)
PACE = Pace(account=Rate(3, SECOND), chat=Rate(1, SECOND))


def at(chat: str, account: str = "shop") -> Address:
    return Address("memory", account, chat)


def waits(pacer: Pacer, chat: str, rank: Rank = "final", account: str = "shop") -> float:
    return round(pacer.wait(at(chat, account), PACE, rank).total_seconds(), 3)


async def test_a_chat_takes_one_in_a_second_and_an_account_three() -> None:
    clock = SettableClock()
    pacer = Pacer(clock)
    assert [waits(pacer, chat) for chat in ("1", "1", "2", "3", "4")] == [0, 1, 0, 0, 0.333]
    await clock.advance(0.4)
    assert [waits(pacer, chat) for chat in ("4", "5")] == [0, 0.267]
    assert waits(pacer, "1", account="other") == 0
    await clock.advance(60)
    assert [waits(pacer, chat) for chat in ("1", "2", "3", "4")] == [0, 0, 0, 0.333]


async def test_typing_and_edits_never_take_the_place_of_an_answer() -> None:
    pacer = Pacer(SettableClock())
    assert [waits(pacer, chat, "typing") for chat in ("1", "2", "3")] == [0, 0, 0]
    assert waits(pacer, "4", "edit") > 0
    assert [waits(pacer, chat) for chat in ("1", "2", "3")] == [0, 0, 0]


async def test_an_answer_counts_against_typing_and_edits() -> None:
    pacer = Pacer(SettableClock())
    assert waits(pacer, "1") == 0
    assert not pacer.may(at("1"), PACE, "edit")
    assert pacer.may(at("2"), PACE, "typing")


async def test_what_the_server_says_counts_for_everything_in_that_chat_alone() -> None:
    clock = SettableClock()
    pacer = Pacer(clock)
    pacer.hold(at("1"), timedelta(seconds=30))
    pacer.hold(at("1"), timedelta(seconds=3))
    assert waits(pacer, "1") == waits(pacer, "1", "typing") == 30
    assert waits(pacer, "2") == 0
    assert pacer.wait(at("1"), None, "final") == timedelta(seconds=30)
    await clock.advance(30)
    assert waits(pacer, "1") == 0


async def test_a_server_may_silence_a_whole_account() -> None:
    pacer = Pacer(SettableClock())
    pacer.hold(at("1"), timedelta(seconds=9), account=True)
    assert [waits(pacer, "2"), waits(pacer, "2", account="other")] == [9, 0]


async def test_where_no_pace_is_told_nothing_waits_and_nothing_piles_up() -> None:
    pacer = Pacer(SettableClock())
    for chat in range(MOST_CHATS + 100):
        assert not pacer.wait(at(str(chat)), None, "final")
        assert not pacer.wait(at(str(chat), str(chat)), PACE, "final")
    assert len(pacer._buckets) <= MOST_CHATS


APART = Pace(account=Rate(9, SECOND), chat=Rate(1, SECOND), apart={"edit": Pace(account=Rate(2, SECOND))})


async def test_calls_that_are_counted_apart_take_nothing_from_the_others() -> None:
    pacer = Pacer(SettableClock())
    assert [pacer.may(at(chat), APART, "edit") for chat in ("1", "1", "2")] == [True, True, False]
    assert [pacer.may(at(chat), APART, "final") for chat in ("1", "1", "2")] == [True, False, True]
    assert [pacer.may(at(chat), APART, "typing") for chat in ("1", "3")] == [False, True]


async def test_an_account_counts_them_all_the_same() -> None:
    pacer, few = Pacer(SettableClock()), Pace(account=Rate(2, SECOND), apart={"edit": Pace(chat=Rate(9, SECOND))})
    assert [pacer.may(at(chat), few, "final") for chat in ("1", "2")] == [True, True]
    assert not pacer.may(at("3"), few, "edit")


async def test_a_refused_edit_silences_edits_alone_where_they_are_counted_apart() -> None:
    pacer = Pacer(SettableClock())
    pacer.hold(at("1"), timedelta(seconds=9), pace=APART, rank="edit")
    assert [pacer.may(at("1"), APART, rank) for rank in ("edit", "final")] == [False, True]
    pacer.hold(at("2"), timedelta(seconds=9), pace=PACE, rank="edit")
    assert not pacer.may(at("2"), PACE, "final")
