"""What only some projects need is loaded when it is needed: a start stays quick and small."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("babel", "cel", "dateparser", "jinja2", "markdown_it", "pydantic", "rapidfuzz", "ruamel")

CODE = """
import sys
import bot.commands
import bot.flow.declare, bot.flow.describe, bot.flow.fold, bot.flow.interpreter, bot.flow.read, bot.flow.understand
import bot.responders.fallback, bot.responders.in_flow
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_flows_import_no_heavy_library() -> None:
    loaded = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in HEAVY if name in loaded] == []
