"""`make bench`: prints each figure beside its floor and writes `bench/out/results.json`.

Floor and product take turns, round by round; the median counts, and the ratio is what may be quoted: rates move with
the machine. `python -m bench --help` lists what can be chosen.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench.measures import Measure, all_of
from tests import services

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
    parser.add_argument("--only", default="", help="figures whose name begins so")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", default=os.environ.get("TEST_POSTGRES_DSN", ""), help="DSN of a server")
    given = parser.parse_args()
    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        postgres = given.postgres or _postgres(stack)
        for measure in all_of(given.seconds, postgres):
            if any(name.startswith(given.only) for name in measure.units):
                results += _measured(measure, given.rounds)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


def _postgres(stack: contextlib.ExitStack) -> str:
    """A server of this run's own, as durable as one in use; empty where none is installed."""
    try:
        return stack.enter_context(services.postgres(("synchronous_commit=on", "shared_buffers=256MB")))
    except services.Missing as missing:
        print(f"left out: PostgreSQL, {missing}", flush=True)
        return ""


def _measured(measure: Measure, rounds: int) -> Iterator[Result]:
    pairs = [(uvloop.run(measure.floor()), uvloop.run(measure.product())) for _ in range(rounds)]
    for name, unit in measure.units.items():
        floors, values = [one[name] for one, _ in pairs], [one[name] for _, one in pairs]
        ratio = statistics.median(ours / theirs for theirs, ours in zip(floors, values, strict=True))
        floor, value = statistics.median(floors), statistics.median(values)
        result = Result(name, unit, round(value, 3), round(floor, 3), round(ratio, 3))
        _print(result)
        yield result


def _print(result: Result) -> None:
    print(
        f"{result.name:28} {result.value:12,.2f} {result.unit:8} floor {result.floor:12,.2f}   x {result.ratio:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
