"""The command, run as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "cryptography",
    "channels.sandbox",
    "aiogram",
    "slack_bolt",
    "discord",
    "openai",
    "fastapi",
    "sqlalchemy.orm",
    "alembic",
    "dateparser",
    "PIL",
    "prometheus_client",
)


def run(*arguments: str, data: Path, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "config.main", *arguments],
        input=said,
        env={**kept, "FRONTDESK_DATA": str(data), "NO_COLOR": "1", "COLUMNS": "200", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_piped_conversation_reads_like_one(tmp_path: Path) -> None:
    done = run("chat", "--inspect", data=tmp_path, said="Track my order\nA-17\nI want a human\n")
    assert (done.returncode, done.stderr) == (0, "")
    parts = ["1. Track my order", "Which order is it?", 'order = "A-17"', "on its way", "asking a person to join"]
    places = [done.stdout.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places), done.stdout


def test_a_number_chooses_among_the_options_shown_last(tmp_path: Path) -> None:
    assert "Which order is it?" in run("chat", data=tmp_path, said="1\n").stdout


def test_the_customer_s_language_is_spoken(tmp_path: Path) -> None:
    done = run("chat", "--language", "fr", data=tmp_path, said="où est ma commande ?\n")
    assert "commande" in done.stdout.lower()
    assert "Which order" not in done.stdout


def test_check_finds_no_mistake_in_the_shop(tmp_path: Path) -> None:
    done = run("check", data=tmp_path)
    assert (done.returncode, "no mistakes" in done.stdout) == (0, True)


def test_check_tells_every_mistake_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "assistant.yaml").write_text("assistant: Ada\nlanguages: [en]\ngreeting: Hello.\n")
    (tmp_path / "a.yaml").write_text("flow: a\nversion: 1\ntitle: A\nsteps:\n  - sya: hello\n  - goto: nowhere\n")
    done = run("check", str(tmp_path), data=tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path}/a.yaml:5:5: " in done.stderr
    assert "Traceback" not in done.stderr


def test_check_tells_programs_as_json(tmp_path: Path) -> None:
    (tmp_path / "assistant.yaml").write_text("assistant: Ada\nlanguages: [en]\n")
    (tmp_path / "a.yaml").write_text("flow: a\nsteps: [{goto: nowhere}]\n")
    done = run("check", "--json", str(tmp_path), data=tmp_path)
    (mistake,) = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert mistake == {
        "path": f"{tmp_path}/a.yaml",
        "line": 2,
        "column": 16,
        "message": "there is no step 'nowhere' in this flow",
    }
    (tmp_path / "a.yaml").write_text("flow: a\nsteps: [{say: Hello.}]\n")
    assert run("check", "--json", str(tmp_path), data=tmp_path).stdout == "[]\n"


def test_an_account_is_added_listed_and_disabled(tmp_path: Path) -> None:
    added = run("user", "add", "ada@shop.example", "--name", "Ada", data=tmp_path, said="a long password\n")
    again = run("user", "add", "ada@shop.example", "--name", "Ada", data=tmp_path, said="a long password\n")
    assert (added.returncode, again.returncode) == (0, 1)
    assert "user list" in again.stderr
    run("user", "disable", "ada@shop.example", data=tmp_path)
    assert run("user", "list", data=tmp_path).stdout == "ada@shop.example\tAda\tagent\tdisabled\n"


def test_a_backup_is_a_whole_database(tmp_path: Path) -> None:
    run("user", "add", "ada@shop.example", "--name", "Ada", data=tmp_path, said="a long password\n")
    assert run("db", "backup", str(tmp_path / "copy.db"), data=tmp_path).returncode == 0
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    assert "ada@shop.example" in run("user", "list", data=tmp_path, FRONTDESK_DATABASE_URL=copy).stdout


@pytest.mark.parametrize("code", ["import bot.engine", "import config.main", "import channels", "import config.server"])
def test_nothing_heavy_is_imported_before_it_is_used(code: str, tmp_path: Path) -> None:
    found = f"{code}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", found], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_flow_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "track.svg"
    written = run("graph", "track_order", "--svg", str(picture), data=tmp_path)
    printed = run("graph", "track_order", data=tmp_path)
    unknown = run("graph", "track_oder", data=tmp_path)
    assert (written.returncode, written.stdout, picture.read_text()[:5]) == (0, "", "<svg ")
    assert "flowchart TD" in printed.stdout
    assert (unknown.returncode, "did you mean 'track_order'?" in unknown.stderr) == (1, True)


def test_the_schemas_of_a_project_s_files_are_printed_or_written(tmp_path: Path) -> None:
    printed = run("schema", "--names", data=tmp_path)
    assert json.loads(printed.stdout)["title"].startswith("Flows of a Frontdesk project")
    assert '"track_order"' in printed.stdout
    written = run("schema", "--into", str(tmp_path / "schemas"), data=tmp_path)
    assert written.stdout.splitlines() == [
        str(tmp_path / "schemas" / f"{name}.json") for name in ("flow", "texts", "assistant", "test")
    ]
    assert run("schema", "flows", data=tmp_path).stderr.startswith("frontdesk: there is a schema for flow, texts")
