from __future__ import annotations

import pytest
from starlette.types import Scope

from bot.testing.clock import SettableClock
from channels.web.limits import Pace, Places, address_of


def test_a_pace_lets_a_minutes_worth_pass_at_once_and_then_one_at_a_time() -> None:
    pace = Pace(30, SettableClock())
    assert [pace.take("a") for _ in range(31)] == [0.0] * 30 + [pytest.approx(2.0)]
    assert pace.take("b") == 0.0


async def test_the_wait_it_tells_is_the_wait_it_takes() -> None:
    clock = SettableClock()
    pace = Pace(30, clock)
    while not (wait := pace.take("a")):
        pass
    await clock.advance(wait - 0.01)
    assert pace.take("a") > 0.0
    await clock.advance(0.02)
    assert pace.take("a") == 0.0


async def test_what_was_refused_does_not_count() -> None:
    clock = SettableClock()
    pace = Pace(60, clock)
    waits = [pace.take("a") for _ in range(1000)]
    assert waits[-1] == pytest.approx(1.0)


async def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    clock = SettableClock()
    pace = Pace(60, clock)
    for number in range(1000):
        pace.take(str(number))
    assert len(pace) == 1000
    await clock.advance(61)
    for number in range(500):
        pace.take(f"new {number}")
    assert len(pace) == 500


def test_there_are_never_more_buckets_than_allowed() -> None:
    pace = Pace(1, SettableClock(), most_keys=100)
    for number in range(1000):
        pace.take(str(number))
    assert len(pace) == 100
    assert pace.take("999") > 0.0  # The latest are kept.


def test_a_place_left_is_free_again() -> None:
    places = Places(2)
    assert [places.enter("a"), places.enter("a"), places.enter("a"), places.enter("b")] == [True, True, False, True]
    places.leave("a")
    assert places.enter("a")
    for key in ("a", "a", "b"):
        places.leave(key)
    assert len(places) == 0


@pytest.mark.parametrize(
    ("client", "key"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1%eth0", 1), "2001:db8:1:2::/64"),
        (("testclient", 1), "testclient"),
        (None, ""),
    ],
)
def test_an_address_counts_by_what_one_customer_is_given(client: object, key: str) -> None:
    scope: Scope = {"client": client}
    assert address_of(scope) == key
