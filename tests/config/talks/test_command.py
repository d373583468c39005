"""`frontdesk test`, run as people run it."""

from __future__ import annotations

from pathlib import Path

from tests.config.talks.project import made
from tests.config.test_main import run

PASSES = "test: passes\ntalk:\n  - customer: I want to return something\n  - expect: {ask: order}\n"
FAILS = "test: does not pass\ntalk:\n  - customer: I want to return something\n  - expect: {ask: reason}\n"


def test_the_exit_code_says_whether_all_pass(tmp_path: Path) -> None:
    folder = made(tmp_path / "flows", PASSES, FAILS)
    both = run("test", str(folder), data=tmp_path)
    assert (both.returncode, both.stderr) == (1, "")
    assert f"{folder}/tests/2.yaml:4:19: does not pass\n  expected    ask: reason\n" in both.stdout
    assert "1 passed, 1 failed in" in both.stdout
    one = run("test", str(folder), "-k", "1.yaml", data=tmp_path)
    assert (one.returncode, one.stdout[:9]) == (0, "1 passed ")


def test_coverage_is_told_and_can_be_asked_for(tmp_path: Path) -> None:
    folder = made(tmp_path / "flows", PASSES)
    done = run("test", str(folder / "tests" / "1.yaml"), "--coverage", "--fail-under", "50", data=tmp_path)
    assert done.returncode == 1
    assert "return_item  steps 1/13      branches 0/6" in done.stdout
    assert f"{folder}/flows.yaml:13:5: step 'do_find' is never taken" in done.stdout
    assert "coverage is below 50 %" in done.stdout


def test_what_cannot_be_run_is_told_without_a_traceback(tmp_path: Path) -> None:
    folder = made(tmp_path / "flows", "test: x\ntalk:\n  - expect: {aks: order}\n")
    wrong = run("test", str(folder), data=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith(f"{folder}/tests/1.yaml:3:14: 'expect' has no key 'aks'; did you mean 'ask'?")
    nothing = run("test", str(made(tmp_path / "empty")), data=tmp_path)
    assert nothing.returncode == 1
    assert "no conversation test in tests/*.yaml" in nothing.stderr
    unknown = run("test", str(folder), "--from", "nobody", data=tmp_path)
    assert unknown.returncode == 1
    assert "Traceback" not in unknown.stderr
