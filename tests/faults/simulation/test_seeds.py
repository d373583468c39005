"""Whole runs, each with a fault weather and an order of its steps that its seed decides: nothing may ever be broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.scale import SIMULATION_SEEDS
from tests.faults.simulation.runs import run

KEPT = Path(__file__).parents[1] / "seeds.txt"
"""A number a line: seeds that once failed, and are always run."""
AT_ONCE = 10


def kept() -> list[int]:
    return [int(line) for line in KEPT.read_text().split()]


def broken(seeds: range | list[int]) -> dict[int, tuple[str, ...]]:
    return {seed: found for seed in seeds if (found := run(seed).broken)}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, SIMULATION_SEEDS, AT_ONCE))
def test_nothing_is_broken_whatever_happens(first: int) -> None:
    found = broken(range(first, first + AT_ONCE))
    assert found == {}, f"add to {KEPT.name}: {' '.join(map(str, found))}"


def test_what_was_broken_once_is_not_broken_again() -> None:
    assert broken(kept()) == {}


@pytest.mark.parametrize("seed", [3, 6, 25])
def test_a_seed_replays_bit_by_bit(seed: int) -> None:
    assert len({run(seed).history for _ in range(3)}) == 1


def test_a_run_is_about_500_events_long() -> None:
    assert 250 < run(1).events < 750
