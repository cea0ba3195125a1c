"""Kafka as the queue's broker: one topic, and of it a partition for each gateway, which others may
share. A gateway reads from the end, without a group, and takes what has its id as key.

Requests are made by hand, over the library's connections: its consumer connects again in silence,
so that nobody would know what was missed, and tells only its log why it cannot.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from zlib import crc32

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from chatd.core.broker_address import BrokerAddress
from chatd.core.channel_numbers import STAMP_BYTES
from chatd.errors import Unavailable
from chatd.transport.queue.broker_connection import QUEUE
from chatd.transport.queue.joined import only_device
from chatd.transport.queue.kafka_cluster import PARTITIONS, KafkaCluster, check, topic_name

BATCH_BYTES = 1_000_000
"""Brokers take so much at once for a partition, unless they are told otherwise
(message.max.bytes)."""
FETCH_BYTES = 1_048_576
FETCH_WAIT_MS = 100
"""A broker answers when something has come, or after so long; some look only then."""
LATE_MESSAGES = 20_000
"""A gateway that is so many messages of its partition behind goes on at the end."""
TAKEN_MS = 2_000
"""The broker that leads a partition has a message within this time, or says that it has not."""
_TOO_LARGE = (MessageSizeTooLargeError.errno, RecordListTooLargeError.errno)
_LATEST = -1


class KafkaBroker:
    """``Broker``. A channel is a key."""

    connection_per_gateway = False

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._topic = topic_name(address.name)

    def channel(self, gateway: str) -> str:
        return gateway

    async def connect(self) -> "KafkaConnection":
        servers = self._address.servers
        failure: Unavailable | None = None
        for server in random.sample(servers, len(servers)):
            cluster = KafkaCluster(self._address, self._topic, server)
            try:
                with _translated():
                    await cluster.look_up()
                return KafkaConnection(cluster)
            except Unavailable as error:
                cluster.close()
                failure = error
            except BaseException:
                cluster.close()
                raise
        assert failure is not None, "an address has a server"
        raise failure


class KafkaConnection:
    """``Connection``."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self._cluster = cluster

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        with _translated():
            batches: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
            for partition, batch in _batches(messages).items():
                leader = await self._cluster.leader(partition)
                if leader is not None:  # else their numbers will be missing
                    batches[leader].append((partition, batch))
            await asyncio.gather(*(self._produce(leader, its) for leader, its in batches.items()))

    async def _produce(self, leader: int, batches: list[tuple[int, bytes]]) -> None:
        topic = self._cluster.topic
        answer = await self._cluster.ask(leader, ProduceRequest(None, 1, TAKEN_MS, [(topic, batches)]))
        for partition, error, *_ in answer.topics[0][1]:
            if error not in _TOO_LARGE:
                check(error, f"{topic}, partition {partition}")

    async def listen(self, channel: str, heard: Callable[[bytes], None], begun: Callable[[], None]) -> None:
        with _translated():
            key, topic = channel.encode(), self._cluster.topic
            partition = partition_of(channel)
            about = f"{topic}, partition {partition}"
            leader = await self._cluster.leader(partition)
            if leader is None:
                raise KafkaError(f"{about}: nobody leads it")
            ends = await self._cluster.ask(leader, OffsetRequest(-1, 0, [(topic, [(partition, _LATEST)])]))
            _, error, *_, position = ends.topics[0][1][0]
            check(error, about)
            begun()
            while True:
                wanted = [(topic, [(partition, position, FETCH_BYTES)])]
                answer = await self._cluster.ask(
                    leader, FetchRequest(FETCH_WAIT_MS, 1, FETCH_BYTES, 0, wanted)
                )
                _, error, end, *_, records = answer.topics[0][1][0]
                check(error, about)
                position = _read(records, key, heard) or position
                if end - position > LATE_MESSAGES:
                    position = end
                    begun()

    async def close(self) -> None:
        self._cluster.close()


def partition_of(channel: str) -> int:
    """The partition that a gateway reads."""
    return crc32(channel.encode()) % PARTITIONS


def _batches(messages: Sequence[tuple[str, bytes]]) -> dict[int, bytes]:
    """The messages of each partition, as brokers keep them. One that is too large is left out: its
    number will be missing, and streams pull what it held."""
    builders: dict[int, DefaultRecordBatchBuilder] = {}
    counts: dict[int, int] = defaultdict(int)
    for channel, body in messages:
        partition = partition_of(channel)
        if partition not in builders:
            builders[partition] = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, BATCH_BYTES)
        only = only_device(body, STAMP_BYTES)
        headers = [] if only is None else [("profile_id", only[0].encode()), ("device_id", only[1].encode())]
        is_taken = builders[partition].append(counts[partition], None, channel.encode(), body, headers)
        counts[partition] += is_taken is not None
    return {partition: bytes(builders[partition].build()) for partition, count in counts.items() if count}


def _read(records: bytes | None, key: bytes, heard: Callable[[bytes], None]) -> int:
    """Hand on the messages with the key; return the offset behind all, 0 if there are none."""
    batches = MemoryRecords(records or b"")
    position = 0
    while batches.has_next():
        batch = batches.next_batch()
        for record in batch:
            if record.key == key and record.value is not None:
                heard(record.value)
        position = batch.next_offset
    return position


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as chatd's."""
    try:
        yield
    except TimeoutError:
        raise Unavailable(f"{QUEUE} does not answer") from None
    except (KafkaError, OSError, ValueError) as error:
        detail = ascii(f"{type(error).__name__}: {error}"[:300])
        raise Unavailable(f"{QUEUE} cannot be used", detail=detail) from None
