"""How often each fault happens: one table for all fault tests, the simulation and the properties.

Tiers: `make test` (a minute or two), `make ci` (`CI=1`), `make faults` (`FAULTS=nightly`, and it takes a night).
Columns in the order of the tiers.
"""

from __future__ import annotations

import os
import secrets
from typing import Literal

Tier = Literal["test", "ci", "nightly"]


def _tier() -> Tier:
    if os.environ.get("FAULTS") == "nightly":
        return "nightly"
    return "ci" if os.environ.get("CI") else "test"


TIER = _tier()


def _of(test: float, ci: float, nightly: float) -> float:
    return {"test": test, "ci": ci, "nightly": nightly}[TIER]


def _count(test: int, ci: int, nightly: int) -> int:
    return int(_of(test, ci, nightly))


# Load

CHATS = _count(40, 200, 2_000)
RATE = _of(20, 20, 50)
"""Messages of customers a second."""
WORKERS = _count(2, 2, 3)
"""On PostgreSQL; on SQLite there is one."""

# Faults, on each database; of those of both there are twice as many

KILLS = _count(5, 50, 500)  # F1
KILL_EVERY = (_of(0.3, 0.2, 0.5), _of(0.6, 1, 5))
"""Seconds."""
STAGE_ROUNDS = _count(1, 2, 50)  # F2, on both databases together
DOWNS = _count(1, 2, 10)  # F3, of each kind
DOWN_SECONDS = (_of(3.5, 3, 5), _of(3.5, 5, 120))
REPEATS = _count(500, 2_500, 50_000)  # F8
ZOMBIES = _count(3, 15, 300)  # F11
STOPPED_LEASES = (1.1, _of(2, 3, 10))
RACES = _count(10, 250, 2_500)  # F14
POISONS = _count(1, 2, 50)  # F17, of each kind
TIMERS = _count(250, 2_500, 50_000)  # F20
SOCKETS = _count(20, 100, 2_000)  # F15

# Without processes

UPDATES = _count(1_000, 3_000, 10_000)
"""Of one platform, spoilt in some way."""
SIMULATION_SEEDS = _count(50, 300, 10_000)
PROPERTY_EXAMPLES = _count(100, 300, 2_000)
PROJECT_EXAMPLES = _count(30, 300, 2_000)
"""Random projects, each read and talked to: a quarter of a second."""

SEED = int(os.environ.get("FAULTS_SEED") or (1 if TIER == "ci" else secrets.randbelow(1 << 32)))
"""Of everything that is left to chance in this run; set FAULTS_SEED to what a failure printed.

CI always draws the same, so that it says the same of the same commit; new chances are for every other run.
"""
