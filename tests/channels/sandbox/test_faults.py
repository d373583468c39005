"""Faults by script."""

import asyncio

import msgspec
import pytest

from channels.sandbox.faults import Do, Faults, Met, Rule

LIMITED, GONE = Do(status=429, after=3), Do(cut=True)


def met(faults: Faults, *names: str) -> list[Do | None]:
    return [faults.next(name) for name in names]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(Rule(on="send", do=GONE), [GONE, None, GONE, GONE], id="each one"),
        pytest.param(Rule(on="send", nth=2, do=GONE), [None, None, GONE, None], id="the n-th of that name"),
        pytest.param(Rule(on="send", times=2, do=GONE), [GONE, None, GONE, None], id="so many"),
        pytest.param(Rule(on="se*", do=GONE), [GONE, GONE, GONE, GONE], id="any characters"),
        pytest.param(Rule(on="se?t", do=GONE), [None, GONE, None, None], id="any one character"),
        pytest.param(Rule(on="send", chance=0, do=GONE), [None] * 4, id="never by chance"),
    ],
)
def test_a_rule_is_met_as_it_says(rule: Rule, expected: list[Do | None]) -> None:
    faults = Faults()
    faults.script([rule])
    assert met(faults, "send", "sent", "send", "send") == expected


def test_the_first_rule_that_is_met_decides_and_all_count() -> None:
    faults = Faults()
    faults.script([Rule(on="send", nth=1, do=GONE), Rule(on="send", nth=2, do=LIMITED), Rule(on="*", do=Do(delay=1))])
    assert met(faults, "send", "send", "send") == [GONE, LIMITED, Do(delay=1)]
    assert [each.done for each in faults.rules()] == [1, 1, 1]


def test_a_new_script_counts_anew() -> None:
    faults = Faults()
    faults.script([Rule(on="send", nth=1, do=GONE)])
    faults.next("send")
    faults.script([Rule(on="send", nth=1, do=GONE)])
    assert faults.rules() == [Met(Rule(on="send", nth=1, do=GONE), 0)]
    assert faults.next("send") == GONE


def test_without_a_script_nothing_goes_wrong() -> None:
    assert Faults().next("send") is None


def test_a_seed_repeats_a_run() -> None:
    def run(seed: int) -> list[Do | None]:
        faults = Faults()
        faults.script([Rule(on="*", chance=0.5, do=GONE)], seed=seed)
        return met(faults, *["send"] * 40)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert {None, GONE} == set(run(7))


async def test_what_is_held_waits_for_the_next_script() -> None:
    faults = Faults()
    waiting = asyncio.ensure_future(faults.replaced())
    await asyncio.sleep(0)
    assert not waiting.done()
    faults.script([])
    async with asyncio.timeout(20):
        await waiting


def test_a_misspelt_rule_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="stauts"):
        msgspec.json.decode(b'[{"on": "send", "do": {"stauts": 429}}]', type=list[Rule])
