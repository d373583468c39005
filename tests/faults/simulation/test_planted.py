"""The harness is believed as long as it catches every planted bug, and says nothing without one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.faults.scale import SIMULATION_SEEDS
from tests.faults.simulation.focused import CHECKS
from tests.faults.simulation.planted import PLANTED, Plant, Visitors
from tests.faults.simulation.runs import run
from tests.faults.simulation.scenes import SCENES, play
from tests.faults.simulation.widgets import run_widgets

MOST = min(SIMULATION_SEEDS, 300)
"""Seeds within which a bug must be caught."""


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_planted_bug_is_caught(planted: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The seed that once caught it is tried first; all of them are clean without it (`test_seeds`)."""
    planted.plant(monkeypatch)
    match planted.caught_by:
        case int(seed):
            assert any(run(each).broken for each in _first(seed)), f"not caught by {MOST} seeds"
        case Visitors(seed):
            assert any(run_widgets(each).broken for each in _first(seed)), f"not caught by {MOST} seeds"
        case (name, step):
            scene = SCENES[name]
            steps = _first(step, range(1, 200))
            assert any(play(scene, (each,)).broken for each in steps), "not caught at any step"
        case str(check):
            assert CHECKS[check](tmp_path), "not caught"


@pytest.mark.parametrize("check", CHECKS)
def test_without_a_bug_nothing_is_found(check: str, tmp_path: Path) -> None:
    assert CHECKS[check](tmp_path) == []


def _first(known: int, others: range = range(MOST)) -> Iterable[int]:
    yield known
    yield from (each for each in others if each != known)
