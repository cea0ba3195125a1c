"""chatd with a broker between its processes, whole: chat logs, takeover, gaps, resume, presence,
notifications; and a broker that goes away while chatd goes on."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatd.client import HEAD, Client
from chatd.pb.admin.v1.admin_pb2 import NotificationState
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.store.database import Database
from tests.bench.resume import resume
from tests.brokers import SECRET, BrokerProcess, broker
from tests.chaos.proxy import FaultProxy
from tests.daemons import Daemon
from tests.databases import Cluster
from tests.default.notifications.test_daemons import away, until_queue
from tests.notify.receiver import Receiver, webhook
from tests.protocol.conversation import Conversation, texts
from tests.system.deployment import Deployment
from tests.system.irc import LOGS, steps
from tests.system.test_faults import show
from tests.system.test_irc_replay import replay
from tests.system.test_presence import hear_state, watch
from tests.system.test_queue_losses import DOWN, UP, repairs, said
from tests.transport.queue.test_conformance import BROKERS

STEPS = 400
"""Lines of a chat log; the rest of it says no more."""
LOG_LIST = sorted(LOGS.glob("*.log"))


@dataclass
class OnBroker:
    """Two nodes, two gateways, and the broker between them, which they reach by ``proxy``."""

    deployment: Deployment
    proxy: FaultProxy
    db_uri: str


@pytest.fixture(scope="module", params=BROKERS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    with broker(request.param, tmp_path_factory.mktemp(request.param), password=SECRET) as process:
        yield process


def uri_of(running: BrokerProcess, port: int) -> str:
    return f"{running.kind}://chatd:{SECRET}@127.0.0.1:{port}/delivery"


@pytest.fixture(scope="module")
def on_broker(
    running: BrokerProcess, postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnBroker]:
    """Each test has rooms and profiles of its own."""
    folder = tmp_path_factory.mktemp("chatd")
    db_uri = postgres.uri(postgres.new_database("t1"))
    settings: Any = {
        "DELIVERY_RETRY_MS": 300_000,
        "PRESENCE_SETTLE_MS": 100,
        "PRESENCE_GRACE_SECONDS": 1,
        "NOTIFIERS": "log",
        "NOTIFY_TICK_SECONDS": 0.1,
        "NOTIFY_DELAY_SECONDS": 0.3,
    }
    with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
        queue = uri_of(running, proxy.port)
        with Deployment(folder, db_uri, defaults=2, gateways=2, queue=queue, **settings) as deployment:
            yield OnBroker(deployment, proxy, db_uri)


@pytest.mark.timeout(240)
@pytest.mark.skipif(not LOG_LIST, reason="the chat logs of ../shared/data/irc are not here")
async def test_every_device_shows_exactly_its_own(on_broker: OnBroker) -> None:
    """A gateway is killed on the way."""
    await replay(on_broker.deployment, list(steps(LOG_LIST[0]))[:STEPS], random.Random(1))


def test_the_older_stream_is_told_on_another_gateway(on_broker: OnBroker) -> None:
    uris, token = [on_broker.deployment.uri(number) for number in (0, 1)], on_broker.deployment.token
    with (
        Conversation(uris[0], token, "alice") as alice,
        Conversation(uris[0], token, "bob") as old,
        Conversation(uris[1], token, "bob") as new,
    ):
        alice.create_room("takeover", "bob")
        first = old.open("d")
        old.hear_kind("caught_up")
        assert new.open("d").epoch == first.epoch + 1
        assert old.hear_kind("closed").error.code == 600
        new.hear_kind("caught_up")
        alice.send_texts("takeover", "hello")
        assert texts(new.deliveries(1)) == ["hello"]


async def test_what_is_lost_on_the_way_is_found_and_pulled(on_broker: OnBroker) -> None:
    """The connections to the broker are cut again and again under load."""
    uri, token = on_broker.deployment.uri(1), on_broker.deployment.token
    async with (
        Client(uri, token, profile="carol") as carol,
        Client(uri, token, profile="dave") as dave,
        dave.stream("laptop", start=HEAD) as laptop,
    ):
        await carol.create_room("gaps", profiles=["dave"])
        await laptop.caught_up()
        shown: list[tuple[str, int, str]] = []
        showing = asyncio.create_task(show(laptop, shown, 300, 30))
        for number in range(300):
            if number % 60 == 30:
                on_broker.proxy.cut()
                on_broker.proxy.heal()
            await carol.send("gaps", f"{number}")
            await asyncio.sleep(0.002)
        await showing
        assert [text for _, _, text in shown] == [str(number) for number in range(300)]
        assert sum(await repairs(uri, token)) > 0


async def test_devices_of_a_gateway_that_is_killed_resume(on_broker: OnBroker) -> None:
    """With what is said meanwhile, by way of the other one."""
    deployment = on_broker.deployment
    assert len(await resume(deployment, 20)) == 20
    async with Client(deployment.uri(0), deployment.token, profile="alice", call_timeout=60) as alice:
        await alice.create_room("again")  # it serves again, for the tests that follow


def test_presence_is_told_over_both_gateways(on_broker: OnBroker) -> None:
    uris, token = [on_broker.deployment.uri(number) for number in (0, 1)], on_broker.deployment.token
    offline, away = PresenceState.PRESENCE_STATE_OFFLINE, PresenceState.PRESENCE_STATE_AWAY
    online = PresenceState.PRESENCE_STATE_ONLINE
    with (
        Conversation(uris[0], token, "watcher") as watcher,
        Conversation(uris[0], token, "watched") as near,
        Conversation(uris[1], token, "watched") as far,
    ):
        watcher.open("d")
        assert watch(watcher, "watched") == {"watched": offline}
        far.open("phone", presence=away)
        assert [state for state in hear_state(watcher, "watched", away) if state != offline] == [away]
        near.open("tablet")
        assert hear_state(watcher, "watched", online) == [online]
        near.bye()
        assert hear_state(watcher, "watched", away) == [away]
        far.bye()
        assert hear_state(watcher, "watched", offline) == [offline]


async def test_a_device_that_is_away_is_notified_and_one_that_is_there_is_not(on_broker: OnBroker) -> None:
    sent_state, waiting_state = (
        NotificationState.NOTIFICATION_STATE_SENT,
        NotificationState.NOTIFICATION_STATE_WAITING,
    )
    uri, token = on_broker.deployment.uri(), on_broker.deployment.token
    async with Client(uri, token, profile="ann") as ann, Client(uri, token, profile="ben") as ben:
        await ann.create_room("offline", profiles=["ben"])
        await away(ben, "phone", "log")
        async with ben.stream("laptop", start=HEAD) as laptop:
            await laptop.caught_up()
            await ben.set_push("laptop", "log")
            await ann.send("offline", "hello")  # the laptop does not acknowledge it
            (sent,) = await until_queue(ann, 1, sent_state)
            while (waiting := await until_queue(ann, 1, waiting_state))[0].at_us < sent.at_us + 1_000_000:
                await asyncio.sleep(0.05)  # it is postponed again and again
            assert [one.device_id for one in (sent, *waiting)] == ["phone", "laptop"]


def test_its_password_is_nowhere(on_broker: OnBroker) -> None:
    rows = Database(on_broker.db_uri).rows("SELECT kind, queue_uri FROM node")
    assert {(kind, queue) for kind, queue in rows} == {("default", ""), ("gateway", "")}
    files = [file for file in on_broker.deployment.folder.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"default1.log", "gateway1.log"}
    for file in files:
        assert SECRET.encode() not in file.read_bytes(), file


async def test_chatd_goes_on_without_its_broker(running: BrokerProcess, tmp_path: Path) -> None:
    """Streams pull; nobody who is connected is notified as if he were away; each process says so
    once, and when it is over."""
    async with Receiver() as receiver:
        with FaultProxy(target=("127.0.0.1", running.port)) as proxy:
            settings = webhook(receiver, NOTIFY_DELAY_SECONDS=1, PRESENCE_GRACE_SECONDS=1)
            queue = uri_of(running, proxy.port)
            db_uri = f"sqlite:///{tmp_path}/c.db"
            with Deployment(tmp_path, db_uri, defaults=1, gateways=1, queue=queue, **settings) as deployment:
                uri, token = deployment.uri(), deployment.token
                async with (
                    Client(uri, token, profile="alice", call_timeout=20) as alice,
                    Client(uri, token, profile="bob") as bob,
                ):
                    await alice.create_room("r", profiles=["bob"])
                    await away(bob, "laptop")
                    async with bob.stream("laptop", start=HEAD) as laptop:
                        await laptop.caught_up()
                        proxy.blackhole()
                        (node,), (gateway,) = deployment.defaults, deployment.gateways
                        await said(gateway, DOWN, 1)
                        for number in range(3):
                            await alice.send("r", f"while it is down {number}")
                            await show(laptop, [], 1, 6)
                            laptop.acknowledge()
                        proxy.heal()
                        await said(gateway, UP, 1)
                        await alice.send("r", "after it")
                        await show(laptop, [], 1, 6)
                        laptop.acknowledge()
                        await asyncio.sleep(1.2)  # who was thought to be away would be notified by now
                        assert receiver.received == []
                        _said_once(node, gateway)


def _said_once(node: Daemon, gateway: Daemon) -> None:
    log = node.log.read_text()
    assert log.count("The broker of the queue is away") == 1
    assert log.count("The broker of the queue is back") == 1
    assert "has fallen silent" not in log
    assert gateway.log.read_text().count(DOWN) == 1
