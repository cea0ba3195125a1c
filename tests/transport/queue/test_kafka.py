"""Kafka's own ways: the topic and what its records hold, several brokers, and gateways that are
late."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    BrokerResponseError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    RecordListTooLargeError,
)
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.broker_address import BrokerAddress
from chatd.transport.queue import kafka
from chatd.transport.queue.joined import join_topics
from chatd.transport.queue.kafka_cluster import PARTITIONS, KafkaCluster, topic_name
from tests.brokers import SECRET, BrokerProcess, Kafka, broker
from tests.chaos.proxy import FaultProxy
from tests.daemons import free_port
from tests.transport.queue.kafka_servers import Directory, Refusing
from tests.transport.queue.test_broker import ITSELF, Ends
from tests.transport.queue.test_broker import context as context
from tests.transport.queue.test_broker import ends as ends
from tests.transport.queue.test_conformance import ONE, until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[BrokerProcess]:
    with broker("kafka", tmp_path) as process:
        yield process


@asynccontextmanager
async def admin(running: BrokerProcess) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{running.port}")
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def test_the_topic_is_made_once_and_kept_short(ends: Ends, running: BrokerProcess) -> None:
    uri = f"{running.uri}/user.event.delivery"
    gateways = [ends.gateway(uri, name)[1] for name in ("g-1", "g-2", "g-3")]
    node = ends.node(uri)
    await until(lambda: all(gateway.is_heard for gateway in gateways) and not node.problem)
    async with admin(running) as client:
        (topic,) = await client.describe_topics(["user.event.delivery"])
        assert (topic["error_code"], len(topic["partitions"])) == (0, PARTITIONS)
        resource = ConfigResource(ConfigResourceType.TOPIC, "user.event.delivery")
        (described,) = await client.describe_configs([resource])
        configs = {entry[0]: entry[1] for entry in described.resources[0][4]}
        assert configs["retention.ms"] == "60000"


@pytest.mark.parametrize("partitions", [PARTITIONS - 1, PARTITIONS + 1])
async def test_a_topic_that_is_there_is_used_if_it_is_wide_enough(
    ends: Ends, running: BrokerProcess, partitions: int
) -> None:
    async with admin(running) as client:
        await client.create_topics([NewTopic("queue", partitions, 1)])
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    if partitions < PARTITIONS:
        await until(lambda: node.problem and subscriber.problem)
        assert f"the topic queue has {partitions} partitions, not {PARTITIONS}" in subscriber.problem
        return
    await until(lambda: subscriber.is_heard)
    node.publish_to("g-1", ITSELF, b"heard")
    await until(lambda: gateway.has_heard(b"heard"))


async def test_a_record_says_which_gateway_and_which_device_it_is_for(
    ends: Ends, running: BrokerProcess
) -> None:
    _, subscriber = ends.gateway(running.uri)
    await until(lambda: subscriber.is_heard)
    node = ends.node(running.uri)
    node.meet("g-1")
    node.publish(ONE, ("g-1",), b"for one")
    node.publish_to("g-1", join_topics([ONE, b"u2:d\0"]), b"for two")
    node.publish_to("g-1", ITSELF, b"to itself")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=f"127.0.0.1:{running.port}", auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition("queue", kafka.partition_of("g-1"))])
        records = [await consumer.getone() for _ in range(3)]
    finally:
        await consumer.stop()
    assert {record.key for record in records} == {b"g-1"}
    assert [record.headers for record in records] == [
        (("profile_id", b"u1"), ("device_id", b"dev1")), (), (),
    ]  # fmt: skip


async def test_a_gateway_hears_nothing_that_was_there_before_it(ends: Ends, running: BrokerProcess) -> None:
    _, subscriber = ends.gateway(running.uri)
    await until(lambda: subscriber.is_heard)
    node = ends.node(running.uri)
    node.meet("g-1")
    node.publish_to("g-1", ITSELF, b"before")
    await node.drain(5.0)
    subscriber.close()
    gateway, again = ends.gateway(running.uri)
    await until(lambda: again.is_heard)
    node.publish_to("g-1", ITSELF, b"after")
    await until(lambda: gateway.has_heard(b"after"))
    assert gateway.bodies == [b"after"]


async def test_a_broker_may_hang_up_on_an_idle_connection(
    ends: Ends, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters: list[KafkaCluster] = []

    class Kept(KafkaCluster):
        def __init__(self, address: BrokerAddress, topic: str, server: tuple[str, int]) -> None:
            super().__init__(address, topic, server)
            clusters.append(self)

    with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        gateway, subscriber = ends.gateway(running.uri)
        await until(lambda: subscriber.is_heard)
        monkeypatch.setattr(kafka, "KafkaCluster", Kept)
        node = ends.node(f"kafka://127.0.0.1:{proxy.port}")
        node.meet("g-1")
        node.publish_to("g-1", ITSELF, b"before")
        await node.drain(5.0)
        ((connection,),) = (cluster._connections.values() for cluster in clusters)
        proxy.cut()
        await until(lambda: not connection.connected())
        proxy.heal()
        node.publish_to("g-1", ITSELF, b"after")
        await until(lambda: gateway.has_heard(b"after"))
        assert (gateway.missed, node.problem) == ([], "")


@pytest.mark.parametrize("password", [SECRET, f"x{SECRET}"])
async def test_a_password_is_proven_instead_of_told_if_the_broker_can_do_that(
    ends: Ends, tmp_path: Path, password: str
) -> None:
    with broker("kafka", tmp_path, password=SECRET) as running:
        assert isinstance(running, Kafka)
        assert running.gate is not None
        running.gate.mechanism = "SCRAM-SHA-512"
        _, subscriber = ends.gateway(f"kafka://chatd:{password}@127.0.0.1:{running.port}")
        await until(lambda: subscriber.is_heard or subscriber.problem)
        assert subscriber.is_heard == (password == SECRET)
        assert subscriber.is_heard or "SaslAuthenticationFailed" in subscriber.problem


async def test_a_gateway_that_is_late_goes_on_at_the_end(
    ends: Ends, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "LATE_MESSAGES", 20)
    monkeypatch.setattr(kafka, "FETCH_BYTES", 1)  # one batch then
    with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        node = ends.node(running.uri)
        gateway, subscriber = ends.gateway(f"kafka://127.0.0.1:{proxy.port}")
        node.meet("g-1")
        await until(lambda: subscriber.is_heard)
        node.publish_to("g-1", ITSELF, b"before")
        await until(lambda: gateway.has_heard(b"before"))
        proxy.delay(0.3)
        published = 0
        async with asyncio.timeout(20):
            while not gateway.missed:
                node.publish_to("g-1", ITSELF, b"late")
                await node.drain(5.0)
                published += 1
                await asyncio.sleep(0.01)
        proxy.delay(0.0)
        async with asyncio.timeout(20):
            while not gateway.has_heard(b"after"):  # the end may be behind the first one
                node.publish_to("g-1", ITSELF, b"after")
                await node.drain(5.0)
                published += 1
        assert len(gateway.heard) < published


async def test_one_server_of_several_is_enough(ends: Ends, running: BrokerProcess) -> None:
    uri = f"kafka://127.0.0.1:{free_port()},127.0.0.1:{running.port},localhost:{free_port()}"
    gateway, subscriber = ends.gateway(uri)
    node = ends.node(uri)
    node.meet("g-1")
    await until(lambda: subscriber.is_heard and not node.problem)
    node.publish_to("g-1", ITSELF, b"heard")
    await until(lambda: gateway.has_heard(b"heard"))


async def test_an_error_of_the_broker_is_said(ends: Ends, capsys: pytest.CaptureFixture[str]) -> None:
    async with Refusing(NotLeaderForPartitionError) as uri:
        node = ends.node(uri)
        _, subscriber = ends.gateway(uri)
        node.meet("g-1")
        node.publish_to("g-1", ITSELF, b"refused")
        await until(lambda: node.problem and subscriber.problem)
        assert "NotLeaderForPartitionError: queue, partition" in subscriber.problem
        assert "NotLeaderForPartitionError: queue, partition" in capsys.readouterr().out


@pytest.mark.parametrize("error", [MessageSizeTooLargeError, RecordListTooLargeError])
async def test_a_message_that_is_too_large_for_the_broker_ends_nothing(
    ends: Ends, error: type[BrokerResponseError]
) -> None:
    async with Refusing(error) as uri:
        node = ends.node(uri)
        node.meet("g-1")
        for _ in range(2):
            node.publish_to("g-1", ITSELF, b"large")
            await node.drain(5.0)
        (dropped,) = node.counters
        assert (node.problem, dropped.value) == ("", 0)


async def test_each_partition_is_written_and_read_at_its_leader(
    ends: Ends, running: BrokerProcess, tmp_path: Path
) -> None:
    """Two brokers; one that a broker names is asked at the address it has for the others."""
    with broker("kafka", tmp_path) as second:
        for one in (running, second):
            _, makes_topic = ends.gateway(one.uri)
            await until(lambda gateway=makes_topic: gateway.is_heard)  # type: ignore[misc]
        directory = Directory(one=("127.0.0.1", running.port), two=("localhost", second.port))
        names = [f"g-{number}" for number in range(PARTITIONS)]
        parts = [kafka.partition_of(name) for name in names]
        directory.leaders = [number % 2 for number in range(PARTITIONS)]
        assert {directory.leaders[part] for part in parts} == {0, 1}
        async with directory as uri:
            node = ends.node(uri)
            gateways = [ends.gateway(uri, name) for name in names]
            direct = {
                leader: [ends.gateway(one.uri, name) for name in names]
                for leader, one in enumerate((running, second))
            }
            await until(lambda: all(subscriber.is_heard for _, subscriber in gateways))
            for subscribers in direct.values():
                await until(lambda all_of=subscribers: all(one.is_heard for _, one in all_of))  # type: ignore[misc]
            for name in names:
                node.meet(name)
                node.publish_to(name, ITSELF, b"heard")
            for at, part in enumerate(parts):
                await until(lambda gateway=gateways[at][0]: gateway.has_heard(b"heard"))  # type: ignore[misc]
                leader = directory.leaders[part]
                await until(lambda gateway=direct[leader][at][0]: gateway.has_heard(b"heard"))  # type: ignore[misc]
                assert direct[1 - leader][at][0].heard == []


async def test_a_partition_without_a_leader_holds_up_no_other(ends: Ends, running: BrokerProcess) -> None:
    _, makes_topic = ends.gateway(running.uri)
    await until(lambda: makes_topic.is_heard)
    mine, other = (
        "g-1",
        next(f"h-{n}" for n in range(99) if kafka.partition_of(f"h-{n}") != kafka.partition_of("g-1")),
    )
    directory = Directory(one=("127.0.0.1", running.port), two=("127.0.0.1", free_port()))
    directory.leaders[kafka.partition_of(mine)] = -1
    async with directory as uri:
        node = ends.node(uri)
        (orphan, lost), (gateway, known) = ends.gateway(uri, mine), ends.gateway(uri, other)
        await until(lambda: known.is_heard and lost.problem)
        assert "nobody leads it" in lost.problem
        node.meet(mine)
        node.meet(other)
        node.publish_to(mine, ITSELF, b"lost")
        node.publish_to(other, ITSELF, b"heard")
        await until(lambda: gateway.has_heard(b"heard"))
        assert node.problem == ""
        directory.leaders[kafka.partition_of(mine)] = 0
        await until(lambda: lost.is_heard)

        def is_heard() -> bool:
            node.publish_to(mine, ITSELF, b"heard")
            return orphan.has_heard(b"heard")

        await until(is_heard)
        assert orphan.missed
        assert gateway.missed == []


async def test_nothing_leaves_this_machine_in_clear_text(ends: Ends, running: BrokerProcess) -> None:
    """A broker may say anything of where the others are."""
    directory = Directory(one=("192.0.2.1", 9092), two=("127.0.0.1", running.port))
    async with directory as uri:
        node = ends.node(uri)
        _, subscriber = ends.gateway(uri)
        node.meet("g-1")
        node.publish_to("g-1", ITSELF, b"secret")
        await until(lambda: subscriber.problem and node.problem)
        assert "192.0.2.1, which is another machine: use kafka+ssl" in subscriber.problem


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("._2E-", max_size=8)


@given(NAMES, NAMES, st.sampled_from(["", "x" * 245]))
def test_topics_are_legal_and_do_not_collide(one: str, other: str, begin: str) -> None:
    topics = topic_name(begin + one), topic_name(begin + other)
    assert (topics[0] == topics[1]) == (one == other)
    for topic in topics:
        assert re.fullmatch(r"[A-Za-z0-9._-]{0,249}", topic)
        assert topic not in (".", "..")


def test_names_that_are_legal_are_kept() -> None:
    assert topic_name("user.event.delivery-2") == "user.event.delivery-2"
    assert topic_name("x" * 249) == "x" * 249
    assert topic_name("a_b/ü") == "a_5Fb_2F_C3_BC"
    assert (topic_name("."), topic_name("..")) == ("_2E", "_2E_2E")


async def test_a_topic_may_have_the_longest_name(ends: Ends, running: BrokerProcess) -> None:
    _, subscriber = ends.gateway(f"{running.uri}/{'x' * 250}")
    await until(lambda: subscriber.is_heard)
