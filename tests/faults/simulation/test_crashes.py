"""A worker ends at any step of a short scene, and its follower as well: nothing is lost, doubled or said by two."""

from __future__ import annotations

import itertools
import random

import pytest

from tests.faults.scale import SIMULATION_SEEDS
from tests.faults.simulation.scenes import SCENES, play

EVERY = 1 if SIMULATION_SEEDS >= 300 else 6
"""Under `make test` a part of the steps: every sixth, from a first one that rises with the scene."""
PAIRS = {50: 8, 300: 100}.get(SIMULATION_SEEDS)
"""Of steps of both lives; None: all."""


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_broken_when_nobody_ends(name: str) -> None:
    played = play(SCENES[name])
    assert (played.broken, len(played.steps)) == ((), 1)
    assert played.steps[0] > 50, "the scene takes place after the crashes are set"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENES)
def test_a_crash_at_any_step_breaks_nothing(name: str) -> None:
    scene = SCENES[name]
    (steps,) = play(scene).steps
    begin = 1 + list(SCENES).index(name) % EVERY
    found = {step: broken for step in range(begin, steps + 1, EVERY) if (broken := play(scene, (step,)).broken)}
    assert found == {}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", ["turn", "write"])
def test_a_crash_of_the_follower_breaks_nothing_either(name: str) -> None:
    scene = SCENES[name]
    (steps,) = play(scene).steps
    pairs = list(itertools.product(range(1, steps + 1), repeat=2))
    if PAIRS:
        pairs = random.Random(name).sample(pairs, PAIRS)
    assert {pair: broken for pair in pairs if (broken := play(scene, pair).broken)} == {}


def test_a_crash_is_one() -> None:
    """The same scene, ended half way, takes another course."""
    scene = SCENES["write"]
    assert play(scene).history != play(scene, (40,)).history == play(scene, (40,)).history
