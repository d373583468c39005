from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.channels.web.house import House, Visitor, opened


@pytest.fixture
def store_url() -> str:
    return "sqlite://"


@pytest.fixture
async def house(store_url: str) -> AsyncIterator[House]:
    async with opened(store_url=store_url) as house:
        yield house


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as client:
        yield client


@pytest.fixture
async def visitor(house: House, http: httpx2.AsyncClient) -> Visitor:
    visitor = Visitor(house, http)
    await visitor.sign_in()
    return visitor


@pytest.fixture(params=["socket", "stream"])
def carrier(request: pytest.FixtureRequest) -> str:
    return str(request.param)
