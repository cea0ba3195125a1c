"""A network of four hosts: a default node, two gateways, clients."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.system.two_machines.hosts import Network, Refused, network


@pytest.fixture
def hosts() -> Iterator[Network]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(network("node", "east", "west", "away"))
        except (Refused, OSError) as exc:
            pytest.skip(f"there are no network namespaces here: {exc}")
        yield made
