"""A database of its own for each fault test, on each of the two stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.migrate import upgrade
from tests import services
from tests.faults import scale


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"faults: counts of {scale.TIER!r}, FAULTS_SEED={scale.SEED}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[services.Server]:
    """Unlike the other tests' server it keeps what it has committed, and may be stopped."""
    try:
        with (
            services.postgres_server(services.KEEPING) as server,
            services.database(server.address, "faults_template") as template,
        ):
            upgrade(template)
            yield server
    except services.Missing as missing:
        pytest.skip(f"not run: {missing}")


@pytest.fixture
def postgres(postgres_server: services.Server, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"faults_{abs(hash(request.node.nodeid)):x}"
    with services.database(postgres_server.address, name, template="faults_template") as address:
        yield address


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'frontdesk.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(request.param)
    return address
