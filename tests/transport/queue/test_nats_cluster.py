"""NATS's servers, of which the address names several: one of them is enough."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers import BrokerProcess, broker
from tests.daemons import free_port
from tests.transport.queue.test_broker import ITSELF, Ends, context, ends
from tests.transport.queue.test_conformance import until

__all__ = ["context", "ends"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[BrokerProcess]]:
    """Two servers that hand messages on to each other."""
    routes = [f"nats://127.0.0.1:{free_port()}" for _ in range(2)]
    with ExitStack() as stack:
        yield [
            stack.enter_context(broker("nats", tmp_path, "--cluster", own, "--routes", other))
            for own, other in (routes, routes[::-1])
        ]


async def test_a_server_that_is_lost_is_replaced_by_another(ends: Ends, cluster: list[BrokerProcess]) -> None:
    uri = ",".join((cluster[0].uri, *(f"127.0.0.1:{one.port}" for one in cluster[1:])))
    node = ends.node(uri)
    gateway, subscriber = ends.gateway(uri)
    node.meet("g-1")
    for number, lost in enumerate([None, *cluster]):
        if lost is not None:
            lost.stop()

        def is_heard(body: bytes = b"%d" % number) -> bool:
            """Their connections are made again, perhaps at different servers."""
            node.publish_to("g-1", ITSELF, body)
            return gateway.has_heard(body)

        await until(is_heard)
        if lost is not None:
            lost.start()
    assert subscriber.is_heard
