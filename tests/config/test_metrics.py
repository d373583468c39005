"""The page itself, without a server."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from bot.units import Backlog
from config.metrics import page
from tests.config.test_operation import samples
from tests.journeys.crossings import Crossings
from tests.journeys.stage import stage


async def test_what_waits_is_told_with_its_age(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        await at.parts.engine.stop()
        await at.write("anybody?")
        await at.clock.advance(90)
        found = samples(bytes((await page(at.parts, Counter())).body).decode())
    assert found["frontdesk_unheard_conversations"] == 1
    assert found["frontdesk_unheard_oldest_seconds"] == 90


async def test_without_its_store_the_page_tells_what_the_process_knows(tmp_path: Path) -> None:
    down = Crossings(at=1, only=Backlog)
    async with stage(tmp_path, seen_as=down.of) as at:
        await at.write("hello")
        await at.settle()
        found = samples(bytes((await page(at.parts, Counter({("widget", "websocket"): 3}))).body).decode())
    assert found["frontdesk_store_up"] == 0
    assert "frontdesk_unheard_conversations" not in found
    assert found["frontdesk_arrivals_total['fresh', 'web']"] == 1
    assert found["frontdesk_connections['websocket', 'widget']"] == 3


async def test_every_metric_is_explained_and_nothing_else_is(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        shown = bytes((await page(at.parts, Counter())).body).decode()
    explained = (Path(__file__).parents[2] / "docs" / "operation.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^# TYPE (frontdesk_\w+) ", shown, re.MULTILINE))
    assert set(re.findall(r"`(frontdesk_\w+)", explained)) == names
