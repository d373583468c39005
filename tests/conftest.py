"""What every test may ask for, and what none may do: reach beyond this machine, or be skipped unseen in `make ci`."""

import ipaddress
import os
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("bot.testing.channel")  # before a harness imports it

from tests import services  # noqa: E402

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

NOTHING_SKIPPED = os.environ.get("CI_NOTHING_SKIPPED") == "1"

_beyond = list[str]()
_skipped = list[str]()


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server for the whole run, as `postgresql://`. Tests take `postgres_database` instead."""
    yield from _service("TEST_POSTGRES_DSN", services.postgres)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A server for the whole run. Tests share it: each uses channel names and keys of its own."""
    yield from _service("TEST_REDIS_URL", services.redis)


@pytest.fixture(scope="session")
def postgres_template(postgres_dsn: str) -> Iterator[str]:
    """The name of a migrated database, to be copied for each test: a copy takes 30 ms, a migration many times that."""
    from bot.store.migrate import upgrade

    name = _new_name("template")
    with services.database(postgres_dsn, name) as dsn:
        upgrade(dsn)
        yield name


@pytest.fixture
def postgres_database(postgres_dsn: str, postgres_template: str) -> Iterator[str]:
    """The address of a fresh, migrated database, as `postgresql://`, dropped after the test."""
    with services.database(postgres_dsn, _new_name("test"), template=postgres_template) as dsn:
        yield dsn


def _service(variable: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    if given := os.environ.get(variable):
        yield given
        return
    with ExitStack() as stack:
        try:
            address = stack.enter_context(start())
        except services.Missing as missing:
            pytest.skip(f"{missing}: install it, or set {variable}")
        yield address


def _new_name(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


# The guard of the network. An audit hook sees every socket of this process, whoever opens it, and patches nothing.
# What opens it may swallow the error, so the test fails afterwards as well.


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    match event, arguments:
        case "socket.connect" | "socket.sendto", (_, (host, *_)):
            pass
        case "socket.getaddrinfo" | "socket.gethostbyname", (host, *_):
            pass
        case _:
            return
    if not _is_local(event, host):
        _beyond.append(f"{event} {host!r}")
        raise RuntimeError(f"a test may not reach beyond loopback: {event} {host!r}")


def _is_local(event: str, host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    reaches = event in ("socket.connect", "socket.sendto")  # looking up a literal asks nobody
    return not reaches or mapped.is_loopback or mapped.is_unspecified


sys.addaudithook(_stay_on_loopback)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    yield
    reached = ", ".join(_beyond)
    _beyond.clear()
    if reached:
        pytest.fail(f"reached beyond loopback: {reached}", pytrace=False)


# Under `make ci` a skip is a failure: there everything is installed, so it means that a promise went untested.


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NOTHING_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skipped.append(f"{report.nodeid}: {why}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped:
        terminalreporter.section("skipped, although nothing may be skipped", red=True)
        for line in _skipped:
            terminalreporter.line(line, red=True)
