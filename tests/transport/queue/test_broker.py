"""Brokers that go away, freeze, lose their memory, ask for passwords, and gateways that stop."""

import asyncio
import logging
import re
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiokafka.protocol.fetch import FetchRequest_v4

from chatd.core.broker_address import SCHEMES, BrokerAddress
from chatd.errors import ChatdError, ConfigError
from chatd.transport.queue import amqp, kafka, kafka_cluster, nats, redis
from chatd.transport.queue.broker import BrokerPublisher, BrokerSubscriber
from chatd.transport.queue.drivers import LIBRARIES, make_broker, make_subscriber
from chatd.transport.queue.joined import join_topics
from chatd.transport.sockets import Context, new_context
from tests.brokers import SECRET, BrokerProcess, RabbitMq, broker
from tests.certificates import Authority
from tests.chaos.proxy import FaultProxy
from tests.transport.queue import raw_amqp
from tests.transport.queue.test_conformance import BROKERS, ONE, STARTED_AT, Gateway, until

ENCRYPTED = {driver: scheme for scheme, (driver, _, is_encrypted) in SCHEMES.items() if is_encrypted}
ITSELF = join_topics(())


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(params=BROKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def running(kind: str, tmp_path: Path) -> Iterator[BrokerProcess]:
    with broker(kind, tmp_path) as process:
        yield process


class Ends:
    """A node and gateways of brokers, closed at the end."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._ends: list[BrokerPublisher | BrokerSubscriber] = []

    def node(self, uri: str, ca_file: str = "") -> BrokerPublisher:
        address = BrokerAddress.parse(uri, "queue", ca_file)
        publisher = BrokerPublisher(self._loop, make_broker(address), started_at_us=STARTED_AT)
        publisher.open(self._context, "", lambda gateway, there: None)
        self._ends.append(publisher)
        return publisher

    def gateway(self, uri: str, name: str = "g-1", ca_file: str = "") -> tuple[Gateway, BrokerSubscriber]:
        address = BrokerAddress.parse(uri, "queue", ca_file)
        subscriber = BrokerSubscriber(self._loop, make_broker(address), name)
        gateway = Gateway(subscriber, name)
        subscriber.open(self._context, (), gateway.heard.extend, gateway.on_missed)
        self._ends.append(subscriber)
        return gateway, subscriber

    async def close(self) -> None:
        for end in self._ends:
            end.close()
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        if ending:
            await asyncio.wait(ending, timeout=5)


@pytest.fixture
async def ends(context: Context) -> AsyncIterator[Ends]:
    made = Ends(context)
    yield made
    await made.close()


async def test_a_broker_that_comes_back_empty_is_a_hole(
    ends: Ends,
    running: BrokerProcess,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    await until(lambda: subscriber.is_heard)
    node.publish_to("g-1", ITSELF, b"before")
    await until(lambda: gateway.has_heard(b"before"))
    assert (node.problem, subscriber.problem, gateway.missed) == ("", "", [])

    running.stop()
    (dropped,) = node.counters
    await until(lambda: not subscriber.is_heard)
    begun = time.monotonic()
    while not node.problem:
        node.publish(ONE, ("g-1",), b"lost")
        await asyncio.sleep(0.005)
    for _ in range(1_000):
        node.publish(ONE, ("g-1",), b"lost")
    assert time.monotonic() - begun < 10, "nothing waits"
    assert dropped.value >= 1_000
    assert node.is_subscribed("g-1"), "nobody is offline for it"
    await until(lambda: subscriber.problem)

    running.start()
    await until(lambda: subscriber.is_heard and not node.problem)
    assert gateway.missed == [1], "streams pull what was published meanwhile"
    node.publish_to("g-1", ITSELF, b"after")
    await until(lambda: gateway.has_heard(b"after"))
    assert gateway.missed == [1, 2], "the numbers say it too"
    assert (node.problem, subscriber.problem) == ("", "")
    said = capsys.readouterr().out
    assert said.count("The broker of the queue is away; gateways pull instead") == 1
    assert said.count("The broker of the queue is back") == 1
    loud = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert loud == [], "no library has anything to add"


async def test_a_frozen_link_is_noticed_at_both_ends(
    ends: Ends, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(nats, "PING_SECONDS", 0.07)
    monkeypatch.setattr(amqp, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(amqp, "HEARTBEAT_SECONDS", 60)  # it would notice, too, later
    monkeypatch.setattr(kafka_cluster, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr("chatd.transport.queue.sender.SEND_SECONDS", 0.3)
    monkeypatch.setattr("chatd.transport.queue.broker_connection.CONNECT_SECONDS", 0.5)
    with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        uri = running.uri_at(proxy.port)
        node = ends.node(uri)
        gateway, subscriber = ends.gateway(uri)
        node.meet("g-1")
        await until(lambda: subscriber.is_heard)
        node.publish_to("g-1", ITSELF, b"before")
        await until(lambda: gateway.has_heard(b"before"))
        proxy.blackhole()
        node.publish_to("g-1", ITSELF, b"lost")
        await until(lambda: not subscriber.is_heard and node.problem)
        assert re.search("does not answer|stale connection", subscriber.problem)
        proxy.heal()
        await until(lambda: subscriber.is_heard and not node.problem)
        node.publish_to("g-1", ITSELF, b"after")
        await until(lambda: gateway.has_heard(b"after"))
        assert gateway.missed


async def test_a_broker_that_is_away_is_not_back_when_the_last_gateway_goes(
    ends: Ends, running: BrokerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    await until(lambda: subscriber.is_heard)
    node.publish_to("g-1", ITSELF, b"before")
    await until(lambda: gateway.has_heard(b"before"))
    running.stop()
    while not node.problem:
        node.publish_to("g-1", ITSELF, b"lost")
        await asyncio.sleep(0.005)
    node.forget("g-1")
    assert bool(node.problem) == (running.kind != "nats"), "there it has no connection now, and needs none"
    assert "is back" not in capsys.readouterr().out
    running.start()
    node.meet("g-1")
    said: list[str] = []

    def is_back() -> bool:
        said.append(capsys.readouterr().out)
        return "is back" in "".join(said)

    await until(is_back)
    assert not node.problem


async def test_a_broker_may_come_later(ends: Ends, running: BrokerProcess) -> None:
    running.stop()
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    await until(lambda: node.problem and subscriber.problem)
    running.start()
    await until(lambda: subscriber.is_heard and not node.problem)
    node.publish_to("g-1", ITSELF, b"heard")
    await until(lambda: gateway.has_heard(b"heard"))


async def test_what_was_published_leaves_before_the_end(ends: Ends, running: BrokerProcess) -> None:
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    await until(lambda: subscriber.is_heard)
    for _ in range(5_000):
        node.publish(ONE, ("g-1",), bytes(200))
    await node.drain(5.0)
    node.close()
    await until(lambda: gateway.has_heard_in_all(5_000))
    assert gateway.missed == []


async def test_a_gateway_that_stands_still_holds_up_no_other(ends: Ends, running: BrokerProcess) -> None:
    """It is subscribed, and does not read: 60 MB are published to it. RabbitMQ keeps the newest
    half."""
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    for name in ("g-1", "stopped"):
        node.meet(name)
    await until(lambda: subscriber.is_heard)
    channel = make_broker(BrokerAddress.parse(running.uri, "queue")).channel("stopped")
    with _subscribed(running, channel) as connection:
        for number in range(60):
            for _ in range(100):
                node.publish(ONE, ("stopped",), bytes(10_000))
            sent = time.monotonic()
            node.publish_to("g-1", ITSELF, b"%d" % number)
            await until(lambda body=b"%d" % number: gateway.has_heard(body))  # type: ignore[misc]
            assert time.monotonic() - sent < 5.0
        if running.kind == "amqp":
            node.publish_to("stopped", ITSELF, b"the last one")
            kept, tail = 0, b""
            while b"the last one" not in tail:
                read = await asyncio.to_thread(connection.recv, 1_048_576)
                kept, tail = kept + len(read), tail[-100:] + read
            assert kept < 50_000_000
    assert gateway.missed == []


def _subscribed(running: BrokerProcess, channel: str) -> socket.socket:
    """A connection that is subscribed to the channel, and of which nobody reads more than the
    broker's answer; Kafka's gives no other than the messages."""
    if running.kind == "amqp":
        return raw_amqp.subscribe(running.uri, "queue", channel)
    connection = socket.create_connection(("127.0.0.1", running.port), timeout=5)
    if running.kind == "redis":
        connection.sendall(f"SUBSCRIBE {channel}\r\n".encode())
        wanted = b"subscribe"
    elif running.kind == "kafka":
        partition = (kafka.partition_of(channel), 0, 50_000_000)
        request = FetchRequest_v4(-1, 10_000, 1, 50_000_000, 0, [("queue", [partition])])
        message = request.build_request_header(1, "stopped").encode() + request.encode()
        connection.sendall(struct.pack(">i", len(message)) + message)
        return connection
    else:
        connection.sendall(
            f'CONNECT {{"verbose":false,"headers":true}}\r\nSUB {channel} 1\r\nPING\r\n'.encode()
        )
        wanted = b"PONG"
    heard = b""
    while wanted not in heard:
        heard += connection.recv(4_096)
    return connection


@pytest.mark.parametrize("kind", ["redis", "nats", "amqp"], indirect=True)
async def test_a_message_for_one_device_says_whose_it_is(ends: Ends, running: BrokerProcess) -> None:
    """As headers, where the broker has any; Redis's messages begin with the topic. For Kafka see
    ``test_kafka.py``."""
    node = ends.node(running.uri)
    node.meet("g-1")
    channel = make_broker(BrokerAddress.parse(running.uri, "queue")).channel("g-1")
    with _subscribed(running, channel) as connection:
        connection.setblocking(False)
        node.publish_to("g-1", join_topics([ONE, b"u2:d\0"]), b"for two")
        node.publish_to("g-1", ITSELF, b"to itself")
        node.publish(ONE, ("g-1",), b"for one")
        heard = b""
        while b"for one" not in heard:
            heard += await asyncio.get_running_loop().sock_recv(connection, 65_536)
    before, _, after = heard.partition(b"to itself")
    assert b"profile_id" not in before
    if running.kind == "nats":
        assert b"profile_id: u1\r\ndevice_id: dev1\r\n" in after
    elif running.kind == "amqp":
        assert b"\x0aprofile_idS\0\0\0\2u1" in after
        assert b"\x09device_idS\0\0\0\4dev1" in after
    else:
        assert ONE in after


async def test_a_password_is_given_and_never_shown(
    ends: Ends,
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with broker(kind, tmp_path, password=SECRET) as running:
        right = f"{kind}://chatd:{SECRET}@127.0.0.1:{running.port}"
        wrong = f"{kind}://chatd:x{SECRET}@127.0.0.1:{running.port}"
        none = f"{kind}://127.0.0.1:{running.port}"
        node, lost = ends.node(right), ends.node(wrong)
        (gateway, known), (_, refused), (_, stranger) = map(ends.gateway, (right, wrong, none))
        node.meet("g-1")
        lost.meet("g-1")
        await until(lambda: known.is_heard and refused.problem and stranger.problem and lost.problem)
        node.publish_to("g-1", ITSELF, b"heard")
        await until(lambda: gateway.has_heard(b"heard"))
        said = capsys.readouterr().out + refused.problem + stranger.problem + lost.problem
        assert "cannot be used" in said
        assert SECRET not in said + caplog.text
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_tls_is_checked_and_never_left_out(
    ends: Ends, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.transport.queue.broker_connection.CONNECT_SECONDS", 1.0)
    with broker(kind, tmp_path) as plain, _encrypted(plain, tmp_path) as (port, authority):
        begin = f"{ENCRYPTED[kind]}://chatd:{SECRET}@"
        ca_file = str(authority.root)
        uri = f"{begin}localhost:{port}"
        node = ends.node(uri, ca_file)
        gateway, known = ends.gateway(uri, ca_file=ca_file)
        _, unknown = ends.gateway(uri)
        _, other_name = ends.gateway(f"{begin}127.0.0.1:{port}", ca_file=ca_file)
        _, clear = ends.gateway(f"{begin}localhost:{plain.port}", ca_file=ca_file)
        node.meet("g-1")
        await until(lambda: known.is_heard and clear.problem)
        for refused in (unknown, other_name):
            await until(lambda refused=refused: "CERTIFICATE_VERIFY_FAILED" in refused.problem)  # type: ignore[misc]

        def is_heard() -> bool:
            node.publish_to("g-1", ITSELF, b"heard")
            return gateway.has_heard(b"heard")

        await until(is_heard)
        assert not any(one.is_heard for one in (unknown, other_name, clear))


@contextmanager
def _encrypted(plain: BrokerProcess, folder: Path) -> Iterator[tuple[int, Authority]]:
    """The port of a broker that takes only TLS, and whose its certificate for localhost is."""
    if isinstance(plain, RabbitMq):
        yield plain.tls_port, plain.authority
        return
    authority = Authority(folder, "authority")
    certificate, key = map(str, authority.issue("broker", "localhost"))
    if plain.kind == "kafka":
        tls = [certificate, key]
    elif plain.kind == "nats":
        tls = ["--tls", "--tlscert", certificate, "--tlskey", key]
    else:
        tls = [
            "--port",
            "0",
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            certificate,
            "--tls-key-file",
            key,
        ]
        tls += ["--tls-ca-cert-file", certificate, "--tls-port"]
    with broker(plain.kind, folder, *tls, password=SECRET) as running:
        yield running.port, authority


async def test_a_library_that_is_missing_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARIES.get(kind, kind), None)
    address = BrokerAddress.parse(f"{kind}://127.0.0.1", "queue")
    with pytest.raises(ConfigError, match=rf"pip install 'chatd\[{kind}\]'"):
        make_subscriber(asyncio.get_running_loop(), address, "g-1")


async def test_a_message_that_the_broker_does_not_take_is_missing_and_no_other(
    ends: Ends, running: BrokerProcess
) -> None:
    """NATS and Kafka take a megabyte, the others more."""
    node = ends.node(running.uri)
    gateway, subscriber = ends.gateway(running.uri)
    node.meet("g-1")
    await until(lambda: subscriber.is_heard)
    large = bytes(2_000_000)
    for body in (b"before", large, b"after"):
        node.publish_to("g-1", ITSELF, body)
    await until(lambda: gateway.has_heard(b"after"))
    if running.kind in ("nats", "kafka"):
        assert (gateway.bodies, gateway.missed) == ([b"before", b"after"], [2])
    else:
        assert (gateway.bodies, gateway.missed) == ([b"before", large, b"after"], [])
    assert node.problem == ""


@pytest.mark.parametrize("kind", ["redis", "nats", "amqp"], indirect=True)
async def test_a_user_who_may_not_use_the_channels_is_said_to(ends: Ends, kind: str, tmp_path: Path) -> None:
    """The broker that stands for Kafka lets every user do everything."""
    forbidden = list[str]()
    if kind == "redis":
        forbidden = ["--user", *["chatd", "on", "nopass", "&other:*", "+@all", "--user", "default", "off"]]
    elif kind == "nats":
        config = tmp_path / "nats.conf"
        config.write_text(
            "authorization { users = [ { user: chatd, password: x, "
            'permissions: { publish: "other.>", subscribe: "other.>" } } ] }'
        )
        forbidden = ["-c", str(config)]
    with broker(kind, tmp_path, *forbidden) as running:
        user = f"other:{SECRET}" if kind == "amqp" else "chatd:x"
        uri = f"{kind}://{user}@127.0.0.1:{running.port}"
        node = ends.node(uri)
        _, subscriber = ends.gateway(uri)
        node.meet("g-1")
        node.publish_to("g-1", ITSELF, b"nobody may hear this")
        await until(lambda: node.problem and subscriber.problem)
        assert re.search("[Pp]ermission|access to exchange 'queue'", subscriber.problem)


async def test_queues_and_gateways_may_have_any_names(ends: Ends, running: BrokerProcess) -> None:
    """And no two of them are taken for one."""
    queues = ["amq.a b", "amq:2Ea%20b", "*>~é#?", "*>~é#?" + "é" * 120, "*>~é#?" + "é" * 121]
    gateways = ["g.1-é*", "g%2E1-é*", "g>" + "x" * 140]
    uris = [f"{running.uri}/{quote(queue, safe='')}" for queue in queues]
    heard = [(uri, name, *ends.gateway(uri, name)) for uri in uris for name in gateways]
    nodes = {uri: ends.node(uri) for uri in uris}
    await until(lambda: all(subscriber.is_heard for *_, subscriber in heard))
    for uri, name, *_ in heard:
        nodes[uri].meet(name)
        nodes[uri].publish_to(name, ITSELF, f"{name} {uri}".encode())
    await until(lambda: all(gateway.heard for *_, gateway, _ in heard))
    for uri, name, gateway, _ in heard:
        nodes[uri].publish_to(name, ITSELF, b"last")
        await until(lambda gateway=gateway: gateway.has_heard(b"last"))  # type: ignore[misc]
        assert gateway.bodies == [f"{name} {uri}".encode(), b"last"]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_said(kind: str, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.crt"
    if content is not None:
        file.write_text(content)
    scheme = ENCRYPTED[kind]
    with pytest.raises(ChatdError, match=f"QUEUE_CA_FILE: {file}"):
        make_broker(BrokerAddress.parse(f"{scheme}://localhost", "queue", str(file)))


async def test_a_library_that_fails_in_its_own_way_is_tried_again(
    ends: Ends, running: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = type(make_broker(BrokerAddress.parse(running.uri, "queue")))
    connect = driver.connect
    failures = [AssertionError("unexpected")] * 2

    async def failing(self: Any) -> Any:
        if failures:
            raise failures.pop()
        return await connect(self)

    monkeypatch.setattr(driver, "connect", failing)
    _, subscriber = ends.gateway(running.uri)
    await until(lambda: "AssertionError" in subscriber.problem)
    await until(lambda: subscriber.is_heard)
