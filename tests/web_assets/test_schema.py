"""The browser's types are those of the Python types, now."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.openapi import described
from config.schema import components
from tests.web_assets.building import ROOT

SHARED = ROOT / "web" / "shared"
OPENAPI: dict[str, Any] = json.loads((SHARED / "openapi.json").read_text("utf-8"))


def references(schema: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)))


def reachable(name: str) -> set[str]:
    found, ahead = set[str](), {name}
    while ahead:
        found |= ahead
        ahead = references([OPENAPI["components"]["schemas"][each] for each in ahead]) - found
    return found


def test_the_written_schema_is_the_present_one() -> None:
    assert asyncio.run(described()) == OPENAPI, "run `make types`"


def test_the_types_are_those_of_the_schema(tmp_path: Path) -> None:
    program = ROOT / "web" / "node_modules" / ".bin" / "openapi-typescript"
    if not program.exists() or not shutil.which("node"):
        pytest.skip("openapi-typescript is not installed: run `make web`")
    written = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["scripts"]["types"].split()
    options = [word for word in written[4:] if word.startswith("--")]
    made = tmp_path / "schema.d.ts"
    subprocess.run([program, SHARED / "openapi.json", "--output", made, *options], check=True, capture_output=True)
    assert made.read_text("utf-8") == (SHARED / "schema.d.ts").read_text("utf-8"), "run `make types`"


def test_every_reference_leads_somewhere() -> None:
    assert references(OPENAPI) <= set(OPENAPI["components"]["schemas"])


@pytest.mark.parametrize("union", ["WidgetServerFrame", "WidgetTokenGrant"])
def test_nothing_of_the_desk_can_reach_a_customer(union: str) -> None:
    assert {name for name in reachable(union) if not name.startswith("Widget")} == set()


def test_what_we_send_has_every_field_unless_defaults_are_left_out() -> None:
    schemas = components()
    assert set(schemas["WidgetWelcome"]["required"]) == set(schemas["WidgetWelcome"]["properties"])
    assert schemas["WidgetSpanView"]["required"] == ["text"]
    assert "secret" not in schemas["WidgetTokenGrant"]["required"]
    assert schemas["WidgetHello"]["required"] == ["frame", "token"]
