"""Limits that limit: whoever sends too much is told so and when to go on; whoever goes on then is
heard; operators are not limited."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest
import zmq

from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, User, daemon_with_users, token_of

USERS = ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ivy", "jan", "kim", "lee", "mia", "ned"]
ROOM = "room"
SETTINGS = {
    "MAX_EVENTS_PER_SECOND": 5,
    "PROFILE_EVENTS_PER_SECOND": 7,
    "ADDRESS_EVENTS_PER_SECOND": 16,
    "MAX_BYTES_PER_SECOND": 20_000,
    "PROFILE_BYTES_PER_SECOND": 30_000,
    "ADDRESS_BYTES_PER_SECOND": 70_000,
    "MAX_FRAMES_PER_SECOND": 20,
    "RATE_BURST_SECONDS": 2,
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(tmp_path_factory.mktemp("chatd"), USERS, SETTINGS) as running:
        with Conversation(running.uri, OPERATOR, "operator") as operator:
            operator.create_room(ROOM, *USERS)
        yield running


@pytest.fixture
def user(daemon: Daemon) -> Iterator[Callable[..., User]]:
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(User(daemon, name, **options))


class Meter:
    """The number that a limit lets through: the burst, and what time brings while it is
    measured."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._began = time.monotonic()

    def assert_limited(self, admitted: float, *, one: float = 1) -> None:
        """``one``: the size of a call."""
        burst = self._per_second * 2
        assert burst - one < admitted <= burst + self._per_second * (time.monotonic() - self._began) + one


def test_events_of_a_device(user: Callable[..., User]) -> None:
    ann = user("ann", address="127.0.0.11")
    meter = Meter(5)
    ann.begin_sending(ROOM, calls=30)
    stored, errors = ann.outcomes(30)
    meter.assert_limited(stored)
    for error in errors:
        assert (error.code, error.name, error.retry, error.message) == (
            606,
            "RATE_LIMITED",
            True,
            "this device may send 5 events a second",
        )
        assert 0 < error.retry_after_ms <= 200
    for _ in range(3):
        time.sleep(errors[-1].retry_after_ms / 1e3)
        ann.begin_sending(ROOM, calls=1)
        assert ann.outcomes(1) == (1, [])


def test_events_count_however_few_calls_they_come_in(user: Callable[..., User]) -> None:
    ben = user("ben", address="127.0.0.12")
    meter = Meter(5)
    ben.begin_sending(ROOM, calls=6, events=3)
    stored, errors = ben.outcomes(6)
    meter.assert_limited(stored * 3, one=3)
    assert errors[0].retry_after_ms > 200


def test_a_call_larger_than_the_burst_is_admitted_once_and_paid_for(user: Callable[..., User]) -> None:
    cat = user("cat", address="127.0.0.13")
    cat.begin_sending(ROOM, calls=2, events=50)
    stored, errors = cat.outcomes(2)
    assert stored == 1
    assert 5_000 < errors[0].retry_after_ms <= 10_000


def test_bytes_of_a_device(user: Callable[..., User]) -> None:
    dan = user("dan", address="127.0.0.14")
    meter = Meter(20_000)
    dan.begin_sending(ROOM, calls=9, size=7_800)
    stored, errors = dan.outcomes(9)
    meter.assert_limited(stored * 8_000, one=8_000)
    assert {error.message for error in errors} == {"this device may send 20,000 bytes a second"}


def test_all_devices_of_a_profile_together(user: Callable[..., User]) -> None:
    devices = [user("eve", address=f"127.0.0.{20 + number}") for number in range(4)]
    meter = Meter(7)
    for eve in devices:
        eve.begin_sending(ROOM, calls=9)
    outcomes = [eve.outcomes(9) for eve in devices]
    meter.assert_limited(sum(stored for stored, _ in outcomes))
    assert "this profile may send 7 events a second" in {
        error.message for _, errors in outcomes for error in errors
    }


def test_bytes_of_a_profile(user: Callable[..., User]) -> None:
    devices = [user("fay", address=f"127.0.0.{30 + number}") for number in range(3)]
    meter = Meter(30_000)
    for fay in devices:
        fay.begin_sending(ROOM, calls=4, size=9_800)
    outcomes = [fay.outcomes(4) for fay in devices]
    meter.assert_limited(sum(stored for stored, _ in outcomes) * 10_000, one=10_000)
    assert "this profile may send 30,000 bytes a second" in {
        error.message for _, errors in outcomes for error in errors
    }


def test_all_users_of_an_address_together(user: Callable[..., User]) -> None:
    users = [user(name, address="127.0.0.41") for name in ("gus", "hal", "ivy", "jan", "kim")]
    meter = Meter(16)
    for one in users:
        one.begin_sending(ROOM, calls=9)
    outcomes = [one.outcomes(9) for one in users]
    meter.assert_limited(sum(stored for stored, _ in outcomes))
    assert "this address may send 16 events a second" in {
        error.message for _, errors in outcomes for error in errors
    }
    lee = user("lee", address="127.0.0.42")
    lee.begin_sending(ROOM, calls=1)
    assert lee.outcomes(1) == (1, [])


def test_bytes_of_an_address(user: Callable[..., User]) -> None:
    users = [user(name, address="127.0.0.43") for name in ("gus", "hal", "ivy", "jan", "kim")]
    meter = Meter(70_000)
    for one in users:
        one.begin_sending(ROOM, calls=2, size=18_800)
    outcomes = [one.outcomes(2) for one in users]
    meter.assert_limited(sum(stored for stored, _ in outcomes) * 19_000, one=19_000)
    assert "this address may send 70,000 bytes a second" in {
        error.message for _, errors in outcomes for error in errors
    }


def test_operators_are_not_limited_though_their_neighbours_are(
    daemon: Daemon, user: Callable[..., User]
) -> None:
    mia = user("mia", address="127.0.0.51")
    mia.begin_sending(ROOM, calls=40)
    assert mia.outcomes(40)[1]
    mia.begin_sending(ROOM, calls=100, token=OPERATOR, size=3_000)
    stored, errors = mia.outcomes(100)
    assert {error.code for error in errors} <= {401}, "limited"
    assert stored + len(errors) == 100


def test_a_stream_lives_on_and_its_calls_and_heartbeats_have_limits(user: Callable[..., User]) -> None:
    ned = user("ned", address="127.0.0.61")
    ned.open("laptop")
    ned.hear_kind("caught_up")
    heartbeats = Meter(20)
    for mark in range(100):
        ned.heartbeat(mark)
    heard = [ned.hear() for _ in range(100)]
    heartbeats.assert_limited(sum(frame.HasField("heartbeat") for frame in heard))
    refused = [frame.error for frame in heard if frame.HasField("error")]
    assert {error.code for error in refused} == {606}
    time.sleep(max(error.retry_after_ms for error in refused) / 1e3)
    ned.heartbeat(7)
    assert ned.hear_kind("heartbeat").mark == 7
    for _ in range(40):
        ned.say(reject={"delivery": 99})
    codes = [ned.hear_kind("error").code for _ in range(40)]
    assert codes[0] == 604
    assert codes[-1] == 606
    # Not the device's own stream, which is still there, but a hundred new ones.
    for number in range(30):
        ned.hello(f"device{number}")
    assert 606 in [frame.error.code for frame in (ned.hear() for _ in range(30))]


class Flood:
    """Sends the same frame as fast as it can, from a thread, whatever it is told."""

    def __init__(self, uri: str, frame: bytes) -> None:
        self.sent = 0
        self._stop = Event()
        self._thread = Thread(target=self._run, args=(uri, frame))

    def _run(self, uri: str, frame: bytes) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.linger, dealer.immediate, dealer.sndtimeo = 0, 1, 100
        dealer.connect(uri)
        dealer.rcvtimeo = 0
        while not self._stop.is_set():
            try:
                for _ in range(100):
                    dealer.send(frame)
                    self.sent += 1
                while True:
                    dealer.recv()
            except zmq.Again:
                pass
        context.destroy(linger=0)

    def __enter__(self) -> "Flood":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_who_goes_on_though_refused_is_disconnected(user: Callable[..., User]) -> None:
    lee = user("lee", address="127.0.0.71")
    assert lee.has_connected()
    lee.begin_sending(ROOM, calls=8_000)
    assert lee.is_disconnected()
    told = 0
    while lee.socket.poll(200):
        lee.socket.recv()
        told += 1
    assert told < 8_000
    # A new connection is heard again.
    lee.begin_sending(ROOM, calls=1)
    assert lee.hear_kind("reply")


@pytest.mark.parametrize(
    "frame",
    [
        ClientFrame(
            call=RpcRequest(method="ChatService/SendEvents", token=token_of("eve"), payload=b"\x0a\x00" * 20)
        ).SerializeToString(),
        ClientFrame(call=RpcRequest(method="ChatService/SendEvents", token="wrong")).SerializeToString(),
        b"\xff\xff",
    ],
    ids=["limited", "wrong tokens", "garbage"],
)
def test_others_are_served_while_one_floods(daemon: Daemon, user: Callable[..., User], frame: bytes) -> None:
    operator = user("ann", address="127.0.0.72")
    operator.token = OPERATOR
    took = []
    with Flood(daemon.uri, frame) as flood:
        for _ in range(150):
            began = time.monotonic()
            operator.refused("ChatService/GetHistory", b"")
            took.append(time.monotonic() - began)
    took.sort()
    assert took[148] < 2, took
    assert flood.sent > 1_000


def test_no_limits(tmp_path: Path) -> None:
    with daemon_with_users(
        tmp_path, ["ann"], dict.fromkeys(SETTINGS.keys() - {"RATE_BURST_SECONDS"}, 0)
    ) as daemon:
        with Conversation(daemon.uri, OPERATOR, "operator") as operator:
            operator.create_room(ROOM, "ann")
        with User(daemon, "ann") as ann:
            ann.begin_sending(ROOM, calls=100, events=60)
            assert ann.outcomes(100) == (100, [])
            ann.open("laptop")
            for mark in range(3_000):
                ann.heartbeat(mark)
            heard = 0
            while heard < 3_000:
                frame = ann.hear()
                assert not frame.HasField("error")
                heard += frame.HasField("heartbeat")
