"""`make bench`: prints each figure beside its floor and writes `bench/out/results.json`.

Floor and product take turns, round by round; the median counts, and the ratio is what may be quoted: rates move with
the machine. `python -m bench --help` lists what can be chosen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measures import Measure, all_of

OUT = Path(__file__).parent / "out" / "results.json"


@dataclass(frozen=True)
class Result:
    name: str
    unit: str
    value: float
    floor: float
    ratio: float
    """value / floor."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="measures whose name begins so")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", default=os.environ.get("TEST_POSTGRES_DSN", ""), help="DSN of an empty database")
    given = parser.parse_args()
    results = []
    for measure in all_of(given.seconds, given.postgres):
        if measure.name.startswith(given.only):
            results.append(_measured(measure, given.rounds))
            _print(results[-1])
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


def _measured(measure: Measure, rounds: int) -> Result:
    pairs = [(asyncio.run(measure.floor()), asyncio.run(measure.product())) for _ in range(rounds)]
    floor, value = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    return Result(measure.name, measure.unit, round(value, 3), round(floor, 3), round(ratio, 3))


def _print(result: Result) -> None:
    print(
        f"{result.name:24} {result.value:12,.2f} {result.unit:10} floor {result.floor:12,.2f}   x {result.ratio:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
