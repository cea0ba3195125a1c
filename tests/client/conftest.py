"""A gateway that says what a test tells it to, and a client of it."""

from collections.abc import AsyncIterator

import pytest

from chatd.client import Client
from tests.client.fake_gateway import FakeGateway


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as running:
        yield running


@pytest.fixture
async def client(gateway: FakeGateway) -> AsyncIterator[Client]:
    async with Client(gateway.uri, "secret", profile="bob", call_timeout=5.0) as made:
        yield made
