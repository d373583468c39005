"""Whole runs of visitors whose lines break: each sees every event once, in order, and no draft outlives its turn."""

from __future__ import annotations

import pytest

from tests.faults.scale import SIMULATION_SEEDS
from tests.faults.simulation.test_seeds import AT_ONCE
from tests.faults.simulation.widgets import run_widgets


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, max(20, SIMULATION_SEEDS // 3), AT_ONCE))
def test_visitors_see_all_of_it_once(first: int) -> None:
    seeds = range(first, first + AT_ONCE)
    assert {seed: found for seed in seeds if (found := run_widgets(seed).broken)} == {}


def test_a_seed_of_visitors_replays_bit_by_bit() -> None:
    assert len({run_widgets(5).history for _ in range(3)}) == 1
