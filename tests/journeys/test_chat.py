"""`frontdesk chat` as a person runs it: a script at a pipe, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUCK = 60.0


def chat() -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "FRONTDESK"))}
    return subprocess.Popen(
        [sys.executable, "-m", "config.main", "chat"],
        cwd=ROOT,
        env={**environment, "COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )


def test_a_script_reads_like_a_conversation_and_ends_with_its_last_answer() -> None:
    with chat() as running:
        out, err = running.communicate(b"where is my order?\nA-17\n", STUCK)
    shown = out.decode()
    assert (running.returncode, err) == (0, b"")
    asked, told = shown.index("Which order is it?"), shown.rindex("A-17")
    assert asked < told
    assert "Order A-17" in shown


def test_ctrl_c_ends_it_without_waiting_for_a_line() -> None:
    with chat() as running:
        assert running.stdout is not None
        while b"Opening hours" not in running.stdout.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(STUCK) == 130  # its input is still open
        assert running.stderr is not None
        assert running.stderr.read() == b""
