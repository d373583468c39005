"""Every mistake in a conversation test is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import FlowErrors, SettingsError
from bot.flow.read import read as read_flows
from config.talks import read as reading
from tests.config.talks.project import made

GOOD = "  - expect: {ask: order}\n"


def mistakes(folder: Path, *tests: str) -> list[str]:
    made(folder, *tests)
    with pytest.raises(FlowErrors) as raised:
        reading.read(reading.files(folder), read_flows(folder))
    return [str(problem).replace(f"{folder}/tests/", "") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("tset: x\n", "1.yaml:1:1: a conversation test is a mapping that begins with 'test: NAME', not a mapping"),
        ("- x\n", "1.yaml:1:1: a conversation test is a mapping that begins with 'test: NAME', not a list"),
        ("test: x\n", "1.yaml:1:1: the test lacks 'talk'"),
        ("test: x\ntalks: []\ntalk:\n" + GOOD, "1.yaml:2:1: the test has no key 'talks'; did you mean 'talk'?"),
        ("test: x\ntalk:\n  - customer: hi\n", "1.yaml:3:3: test 'x' expects nothing: it cannot fail"),
        ("test: x\ngiven: soon\ntalk:\n" + GOOD, "1.yaml:2:8: 'given' is a mapping, not a text"),
        ("test: x\ngiven: {nwo: 1}\ntalk:\n" + GOOD, "1.yaml:2:9: 'given' has no key 'nwo'; did you mean 'now'?"),
        (
            "test: x\ngiven: {now: soon}\ntalk:\n" + GOOD,
            "1.yaml:2:14: 'soon' is no moment; it looks like 2026-03-02T10:00Z",
        ),
        (
            "test: x\ngiven: {flow: retrun_item}\ntalk:\n" + GOOD,
            "1.yaml:2:15: 'given' names flow 'retrun_item', which is not declared; did you mean 'return_item'?",
        ),
        ("test: x\ngiven: {step: a}\ntalk:\n" + GOOD, "1.yaml:2:15: a step belongs to a flow: give 'flow' as well"),
        (
            "test: x\ngiven: {flow: return_item, step: ask_ordr}\ntalk:\n" + GOOD,
            "1.yaml:2:34: flow 'return_item' has no step 'ask_ordr', which is not declared; did you mean 'ask_order'?",
        ),
        (
            "test: x\ngiven: {flow: return_item, slots: {ordr: A-1}}\ntalk:\n" + GOOD,
            "1.yaml:2:36: 'given' fills slot 'ordr', which is not declared; did you mean 'order'?",
        ),
        (
            "test: x\ngiven: {actions: {fnid: 1}}\ntalk:\n" + GOOD,
            "1.yaml:2:19: 'given' stubs action 'fnid', which is not declared; did you mean 'find'?",
        ),
        (
            "test: x\ngiven: {actions: {find: []}}\ntalk:\n" + GOOD,
            "1.yaml:2:25: stub of 'find': an empty list gives no answer; a list as answer is written [[]]",
        ),
        (
            "test: x\ntalk:\n  - custmer: hi\n" + GOOD,
            "1.yaml:3:5: an entry of a talk has one of customer, expect, advance, agent, event, restart; "
            "did you mean 'customer'?",
        ),
        ("test: x\ntalk:\n  - customer: hi\n    langage: fr\n" + GOOD, "1.yaml:4:5: entry 'customer' has no key"),
        ("test: x\ntalk:\n  - customer: {prss: A}\n" + GOOD, "1.yaml:3:16: what the customer does has no key 'prss'"),
        ("test: x\ntalk:\n  - customer:\n" + GOOD, "1.yaml:4:3: a customer says a text, several at once as a list"),
        (
            "test: x\ntalk:\n  - advance: soon\n" + GOOD,
            "1.yaml:3:14: 'soon' is no span of time; it looks like 10s, 5m, 2h or 1d",
        ),
        (
            "test: x\ntalk:\n  - agent: sleeps\n" + GOOD,
            "1.yaml:3:12: an agent's act is 'sleeps', which is not declared",
        ),
        (
            "test: x\ntalk:\n  - agent: {}\n" + GOOD,
            "1.yaml:3:12: an agent does one of takes_over, hands_back, approves, refuses",
        ),
        (
            "test: x\ntalk:\n  - customer: hi\n    model: /strat x\n" + GOOD,
            "1.yaml:4:12: '/strat x' is no command; it looks like /start flow, /set slot=value or /human",
        ),
        ("test: x\ntalk:\n  - customer: hi\n    model: 1\n" + GOOD, "1.yaml:4:12: a model says texts, /commands"),
        ("test: x\ntalk:\n  - expect: {aks: order}\n", "1.yaml:3:14: 'expect' has no key 'aks'; did you mean 'ask'?"),
        ("test: x\ntalk:\n  - expect: order\n", "1.yaml:3:13: 'expect' is a mapping like {ask: order}, not a text"),
        (
            "test: x\ntalk:\n  - expect: {ask: [order]}\n",
            "1.yaml:3:19: 'expect': 'ask' is the slot of the pending question, or null for none, not a list",
        ),
        (
            "test: x\ntalk:\n  - expect: {ask: ordr}\n",
            "1.yaml:3:19: 'expect' names slot 'ordr', which is not declared; did you mean 'order'?",
        ),
        ("test: x\ntalk:\n  - expect: {did: fnid}\n", "1.yaml:3:19: 'expect' names action 'fnid'"),
        ("test: x\ntalk:\n  - expect: {did: {fnid: null}}\n", "1.yaml:3:20: 'expect' names action 'fnid'"),
        ("test: x\ntalk:\n  - expect: {slots: {ordr: 1}}\n", "1.yaml:3:22: 'expect' names slot 'ordr'"),
        (
            'test: x\ntalk:\n  - expect: {said: ["@wich"]}\n',
            "1.yaml:3:21: 'expect' names text 'wich', which is not declared; did you mean 'which'?",
        ),
        ("test: x\ntalk: [\n", "1.yaml:3:1: "),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, lines: str, message: str) -> None:
    found = mistakes(tmp_path, lines)
    assert found[0].startswith(message)


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "test: x\ntalk:\n  - expect: {a: 1}\n---\ntest: x\ntalk:\n  - expect: {b: 1}\n", "- x\n")
    assert [line.split(": ")[0] for line in found] == ["1.yaml:3:14", "1.yaml:5:7", "1.yaml:7:14", "2.yaml:1:1"]


def test_the_project_of_a_file_of_tests_is_found_above_it(tmp_path: Path) -> None:
    folder = made(tmp_path / "flows", f"test: x\ntalk:\n{GOOD}")
    file = folder / "tests" / "1.yaml"
    assert [reading.flow_folder(path) for path in (folder, folder / "tests", file)] == [folder] * 3
    assert [reading.files(path) for path in (folder, folder / "tests", file)] == [[file]] * 3
    with pytest.raises(SettingsError, match="belongs to no flow folder"):
        reading.flow_folder(tmp_path)
