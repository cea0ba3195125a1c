"""The drivers of the queue, by what carries it: a broker, or ZeroMQ if there is none. A broker's
library is imported only where its address is set."""

import asyncio
import ssl
from collections.abc import Callable
from importlib import import_module

from chatd.core.broker_address import BrokerAddress
from chatd.errors import extra, os_error
from chatd.transport.queue import Publisher, SendFrame, Subscriber
from chatd.transport.queue.broker import BrokerPublisher, BrokerSubscriber
from chatd.transport.queue.broker_connection import Broker
from chatd.transport.queue.zeromq import ZeroMQPublisher, ZeroMQSubscriber

LIBRARIES = {"amqp": "aiormq", "kafka": "aiokafka"}
"""Those that are not called like the driver."""


def make_publisher(
    loop: asyncio.AbstractEventLoop,
    address: BrokerAddress | None,
    *,
    started_at_us: int,
    seam: Callable[[SendFrame], SendFrame],
) -> Publisher:
    """Raises what ``make_broker`` raises."""
    if address is None:
        return ZeroMQPublisher(loop, started_at_us=started_at_us, seam=seam)
    return BrokerPublisher(loop, make_broker(address), started_at_us=started_at_us, seam=seam)


def make_subscriber(
    loop: asyncio.AbstractEventLoop, address: BrokerAddress | None, gateway: str
) -> Subscriber:
    """Raises what ``make_broker`` raises."""
    if address is None:
        return ZeroMQSubscriber(loop, gateway)
    return BrokerSubscriber(loop, make_broker(address), gateway)


def make_broker(address: BrokerAddress) -> Broker:
    """Raises what ``check_usable`` raises."""
    check_usable(address, "a queue", "QUEUE_CA_FILE")
    if address.driver == "nats":
        from chatd.transport.queue.nats import NatsBroker

        return NatsBroker(address)
    if address.driver == "amqp":
        from chatd.transport.queue.amqp import AmqpBroker

        return AmqpBroker(address)
    if address.driver == "kafka":
        from chatd.transport.queue.kafka import KafkaBroker

        return KafkaBroker(address)
    from chatd.transport.queue.redis import RedisBroker

    return RedisBroker(address)


def check_usable(address: BrokerAddress, what: str, ca_key: str) -> None:
    """Raises ConfigError if the library is missing; also, or StartFailed, if the certificates that
    ``ca_key`` names cannot be read. ``what`` is to be there."""
    with extra(address.driver, f"{what} on {address.driver}"):
        import_module(LIBRARIES.get(address.driver, address.driver))
    if address.ca_file:
        try:
            ssl.create_default_context(cafile=address.ca_file)
        except OSError as exc:
            raise os_error(f"{ca_key}: {address.ca_file}", exc) from exc
