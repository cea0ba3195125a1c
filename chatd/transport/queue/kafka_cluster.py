"""The brokers of a Kafka cluster, and the queue's topic there: who leads its partitions, and the
connections to them."""

import asyncio
import logging
import ssl
import time
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.metadata import MetadataRequest

from chatd.core.broker_address import BrokerAddress, is_this_machine
from chatd.transport.queue.broker_connection import SILENT_SECONDS

PARTITIONS = 16
"""The partitions of the topic. One may have more; every process uses these."""
CONFIG = {"cleanup.policy": "delete", "retention.ms": "60000", "segment.ms": "60000"}
"""For a topic that is made here: nobody reads what is older than seconds."""
LOOK_UP_SECONDS = 1.0
"""Between two looks for the leader of a partition that has none."""
_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
_LONGEST_TOPIC = 249
_GIVEN = -2
"""Stands for the broker whose address was given; the others have ids of their own."""

# It warns of passwords in clear text, which stay on this machine, and of what it raises too.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def topic_name(name: str) -> str:
    """The topic of a queue. Letters, digits, ``-`` and ``.`` stand for themselves, and no two names
    become the same: one that is too long ends in its SHA-256."""
    topic = quote(name, safe="").replace("~", "%7E").replace("_", "%5F").replace("%", "_")
    if not topic.strip("."):
        topic = topic.replace(".", "_2E")  # a folder of the broker's has its name
    if len(topic) <= _LONGEST_TOPIC:
        return topic
    digest = sha256(name.encode()).hexdigest()
    return f"{topic[: _LONGEST_TOPIC - len(digest) - 1]}_{digest}"


class KafkaCluster:
    """Raises what the library raises. ``server`` is one of the address's."""

    def __init__(self, address: BrokerAddress, topic: str, server: tuple[str, int]) -> None:
        self._address = address
        self.topic = topic
        self._places = {_GIVEN: server}
        self._connections: dict[int, AIOKafkaConnection] = {}
        self._leaders: dict[int, int] = {}
        self._looked_up = 0.0

    async def look_up(self) -> None:
        """Learn who leads the partitions; make the topic if there is none."""
        while True:
            found = await (await self._to(_GIVEN)).send(MetadataRequest([self.topic], False))
            places = {broker[0]: (broker[1], broker[2]) for broker in found.brokers}
            # One that is alone may be known to itself by an address at which it is not reached.
            is_alone = len(places) == 1
            self._places.update(places)
            ((error, _, _, partitions),) = found.topics
            if error == UnknownTopicOrPartitionError.errno:
                await self._make_topic(_GIVEN if is_alone else found.controller_id)
            elif error != LeaderNotAvailableError.errno:
                break
            await asyncio.sleep(0.05)
        check(error, self.topic)
        if len(partitions) < PARTITIONS:
            raise KafkaError(f"the topic {self.topic} has {len(partitions)} partitions, not {PARTITIONS}")
        self._leaders = {part[1]: _GIVEN if is_alone else part[2] for part in partitions if part[2] in places}
        self._looked_up = time.monotonic()

    async def _make_topic(self, controller: int) -> None:
        topic: Any = (self.topic, PARTITIONS, -1, [], list(CONFIG.items()))
        made = await (await self._to(controller)).send(CreateTopicsRequest([topic], 1_000, False))
        ((_, error, text),) = made.topic_errors
        if error != TopicAlreadyExistsError.errno:
            check(error, self.topic if text is None else text)

    async def leader(self, partition: int) -> int | None:
        """The broker that leads the partition; None if none does now."""
        if partition not in self._leaders and time.monotonic() > self._looked_up + LOOK_UP_SECONDS:
            await self.look_up()
        return self._leaders.get(partition)

    async def ask(self, broker: int, request: Any) -> Any:
        """The answer to a request. Raises TimeoutError after SILENT_SECONDS."""
        return await (await self._to(broker)).send(request)

    async def _to(self, broker: int) -> AIOKafkaConnection:
        connection = self._connections.get(broker)
        if connection is None or not connection.connected():  # brokers hang up on who is idle
            connection = self._connections[broker] = await self._connect(*self._places[broker])
        return connection

    async def _connect(self, host: str, port: int) -> AIOKafkaConnection:
        address = self._address
        if not address.is_encrypted and not is_this_machine(host):
            raise KafkaError(f"the broker calls itself {host}, which is another machine: use kafka+ssl")
        protocol = "SSL" if address.is_encrypted else "PLAINTEXT"
        options: dict[str, Any] = {"client_id": "chatd", "request_timeout_ms": SILENT_SECONDS * 1_000}
        if address.is_encrypted:
            options["ssl_context"] = ssl.create_default_context(cafile=address.ca_file or None)
        if not address.user:
            return await create_conn(host, port, security_protocol=protocol, **options)
        options["security_protocol"] = f"SASL_{protocol}"
        options["sasl_plain_username"] = address.user
        options["sasl_plain_password"] = address.password
        for mechanism in _MECHANISMS[:-1]:
            with suppress(UnsupportedSaslMechanismError):
                return await create_conn(host, port, sasl_mechanism=mechanism, **options)
        return await create_conn(host, port, sasl_mechanism=_MECHANISMS[-1], **options)

    def close(self) -> None:
        for connection in self._connections.values():
            # The library would wait until a broken connection takes what is left.
            if connection._writer is not None:
                connection._writer.transport.abort()
            connection.close()


def check(error: int, about: str) -> None:
    """Raises what the library has for a broker's error; 0 is none."""
    if error:
        raise for_code(error)(about)
