"""`frontdesk test`: which tests to run, and what is printed of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from structlog.testing import capture_logs

from bot.errors import SettingsError
from bot.flow.book import Book
from bot.flow.read import read as read_flows
from config.settings import read_settings
from config.talks import read as reading
from config.talks.coverage import coverage as covered
from config.talks.coverage import total
from config.talks.run import Result, play_all
from config.talks.talk import Talk
from config.talks.tell import failed

Echo = Callable[[str], None]


def all_pass(path: Path | None, *, only: str, coverage: bool, fail_under: float, echo: Echo) -> bool:
    """Whether all is well. Raises `FlowErrors` for what cannot be read, `SettingsError` when there is nothing to do."""
    path = path or read_settings().desk_file().flows
    flows = reading.flow_folder(path)
    book = read_flows(flows)
    talks = [talk for talk in reading.read(reading.files(path), book) if _is_meant(talk, only)]
    if not talks:
        raise SettingsError(
            f"{path}: no conversation test {f'whose name holds {only!r}' if only else 'in tests/*.yaml'}"
        )
    began = time.perf_counter()
    with capture_logs():  # what goes wrong is told by the tests
        results = asyncio.run(_play(talks, book, flows, echo))
    spent = time.perf_counter() - began
    bad = sum(bool(result.failures) for result in results)
    if coverage:
        enough = _tell_coverage(book, results, fail_under, echo)
    else:
        enough = True
    echo(
        f"{len(results) - bad} passed, {bad} failed in {spent:.2f} s"
        if bad
        else f"{len(results)} passed in {spent:.2f} s"
    )
    return not bad and enough


def _is_meant(talk: Talk, only: str) -> bool:
    return only.casefold() in f"{talk.mark.path} {talk.name}".casefold()


async def _play(talks: Sequence[Talk], book: Book, flows: Path, echo: Echo) -> list[Result]:
    results: list[Result] = []
    async for result in play_all(talks, book, flows):
        results.append(result)
        if result.failures:
            echo(failed(result) + "\n")
    return results


def _tell_coverage(book: Book, results: Sequence[Result], fail_under: float, echo: Echo) -> bool:
    found = covered(book, [(result.begun, result.events) for result in results])
    wide = max((len(each.flow) for each in found), default=0)
    for each in found:
        (steps, of_steps), (branches, of_branches) = each.steps, each.branches
        counts = f"steps {steps}/{of_steps}".ljust(16) + f"branches {branches}/{of_branches}".ljust(18)
        echo(f"{each.flow:<{wide}}  {counts}{each.percent:5.1f} %")
        for mark, what in each.missing:
            echo(f"  {mark.path}:{mark.line}:{mark.column}: {what}")
    percent = total(found)
    echo(f"{'all':<{wide}}  {'':34}{percent:5.1f} %")
    if percent < fail_under:
        echo(f"coverage is below {fail_under:g} %")
    return percent >= fail_under
