"""A small project with conversation tests, and what playing them comes to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import dedent

from structlog.testing import capture_logs

from bot.flow.book import Book
from bot.flow.read import read as read_flows
from config.talks import read as reading
from config.talks.run import Result, play_all
from config.talks.tell import failed
from tests.bot.flow.script import ACTIONS, HEADER, project

FLOWS = """
flow: return_item
version: 1
about: The customer wants to send something back.
examples: [I want to return something]
slots:
  order: {type: order_id}
  reason: {type: choice, of: [damaged, wrong_size]}
  agreed: {type: yes_no, always_ask: true}
steps:
  - ask: order
    say: "@which"
    stuck: {handoff: returns, note: "No order named."}
  - do: find
    with: {order: order}
    into: found
    fails: {handoff: returns}
  - when: found.days < 0
    then:
      - say: "Order {{ order }} is **too** late."
      - end: refused
  - ask: reason
    say: Why?
  - ask: agreed
    say: "@sure"
  - when: "!agreed"
    then: [{end: abandoned}]
  - do: book_it
    with: {order: order}
    into: number
  - say: "Your number is {{ number }}."
"""

TEXTS = """
not_an_order: No order.
which: Which order is it?
sure: "{% if reason == 'damaged' %}Sorry for the damage. {% endif %}Return **{{ order }}**, shall I?"
"""

KNOWLEDGE = """# Refunds

## How long a refund takes

A refund takes five working days after the parcel has arrived.
"""


def made(folder: Path, *tests: str, flows: str = FLOWS, python: str = "", header: str = HEADER) -> Path:
    """Tests are files `1.yaml`, `2.yaml`, ...; `python` goes below the usual actions."""
    folder.mkdir(exist_ok=True)
    project(folder, flows, texts={"en": TEXTS}, actions=ACTIONS + dedent(python), header=header)
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "refunds.md").write_text(KNOWLEDGE)
    (folder / "tests").mkdir()
    for number, lines in enumerate(tests, 1):
        (folder / "tests" / f"{number}.yaml").write_text(dedent(lines).lstrip())
    return folder


def played(folder: Path, *tests: str, flows: str = FLOWS, python: str = "", header: str = HEADER) -> list[Result]:
    made(folder, *tests, flows=flows, python=python, header=header)
    book = read_flows(folder)
    return asyncio.run(_played(book, folder))


async def _played(book: Book, folder: Path) -> list[Result]:
    with capture_logs():
        return [result async for result in play_all(reading.read(reading.files(folder), book), book, folder)]


def told(folder: Path, test: str, *, flows: str = FLOWS, python: str = "") -> str:
    """What is printed of one test; empty: it passes."""
    (result,) = played(folder, test, flows=flows, python=python)
    return failed(result).replace(f"{folder}/", "")
