"""Strangers at a user's own address, and what they send before any limit: the user does not notice
them."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event, Thread

import pytest
import zmq

from chatd.pb.chat.v1.chat_pb2 import GetHistoryRequest
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, RpcRequest
from tests.daemons import Daemon
from tests.protocol.limited import User, daemon_with_users

USERS = ["ann", "ben"]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(tmp_path_factory.mktemp("chatd"), USERS, {}) as running:
        yield running


@pytest.fixture
def user(daemon: Daemon) -> Iterator[Callable[..., User]]:
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(User(daemon, name))


def median_call(user: User, count: int = 30) -> float:
    """Seconds that a quiet user's call takes; none may be refused for what others do."""
    taken = []
    for _ in range(count):
        began = time.monotonic()
        assert user.refused("ChatService/Nothing", b"") == 300
        taken.append(time.monotonic() - began)
        time.sleep(0.005)
    return statistics.median(taken)


class Attack:
    """A thread that sends the same frame again and again, over a connection that comes again when
    it is ended."""

    def __init__(self, daemon: Daemon, frame: bytes, *, pause: float) -> None:
        self._daemon, self._frame, self._pause = daemon, frame, pause
        self._stop = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> "Attack":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with User(self._daemon, "nobody") as stranger:
            stranger.socket.sndtimeo = 100
            while not self._stop.wait(self._pause):
                try:
                    stranger.send_raw(self._frame)
                    while stranger.socket.poll(0):
                        stranger.hear()
                except zmq.Again:
                    continue  # its connection has been ended


def test_a_flood_from_the_address_of_a_user_ends_no_connection_of_his(
    daemon: Daemon, user: Callable[..., User]
) -> None:
    ann = user("ann")
    ann.open("laptop")
    ann.hear_kind("caught_up")
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(Attack(daemon, b"\xff", pause=0))
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:  # the gateway itself refuses these
            assert ann.refused("NodeService/Nothing", b"") == 300
            time.sleep(0.01)
    assert "flooding" in daemon.log.read_text()
    assert not ann.is_disconnected(0.1)
    assert median_call(ann, 3) < 5


LARGE = "t" * MEGABYTE
MARKS = "\u0301\u0327" * (MEGABYTE // 4)


@pytest.mark.parametrize(
    "frame",
    [
        ClientFrame(call=RpcRequest(method="ChatService/Nothing", token=LARGE)),
        ClientFrame(hello=Hello(token=LARGE, device_id="d", version=1)),
        ClientFrame(call=RpcRequest(method="ChatService/Nothing", token="none", profile_id=MARKS)),
    ],
    ids=["call", "hello", "marks"],
)
def test_large_frames_of_strangers(daemon: Daemon, user: Callable[..., User], frame: ClientFrame) -> None:
    ann = user("ann")
    quiet = median_call(ann)
    with Attack(daemon, frame.SerializeToString(), pause=0.02):
        time.sleep(0.2)
        attacked = median_call(ann)
    assert attacked < max(3 * quiet, 0.05)
    assert not ann.is_disconnected(0.01)


def test_heaps_of_combining_marks_of_a_user(daemon: Daemon, user: Callable[..., User]) -> None:
    """In each id that a gateway or a node normalises; sorting one of them would take minutes."""
    ann, ben = user("ann"), user("ben")
    ben.open("laptop")
    ben.hear_kind("caught_up")
    quiet = median_call(ann)
    history = GetHistoryRequest(room_id=MARKS)
    began = time.monotonic()
    assert ben.refused("ChatService/GetHistory", history) == 302
    assert ben.refused("ChatService/Nothing", b"", affinity=MARKS) == 300
    assert ben.refused("ChatService/Nothing", b"", profile_id=MARKS) == 201
    ben.hello(MARKS)
    assert ben.hear_kind("error").code == 302
    assert time.monotonic() - began < 5
    assert median_call(ann) < max(3 * quiet, 0.05)


def test_the_bytes_of_a_frame_count_wherever_they_are(daemon: Daemon, user: Callable[..., User]) -> None:
    """A megabyte in a field that nobody reads is as much as a megabyte of payload."""
    ben = user("ben")
    codes = (ben.refused("ChatService/Nothing", b"", affinity=LARGE) for _ in range(100))
    assert next(codes) == 300
    assert 606 in codes


def test_a_connection_has_no_more_guesses_than_it_is_told(user: Callable[..., User]) -> None:
    ben = user("ben")
    good = ben.token
    for number, token in enumerate(["wrong"] * 3 + [good] * 3):
        ben.say(call=RpcRequest(call_id=number, method="ChatService/Nothing", token=token))
    for _ in range(6):
        assert ben.hear_kind("reply").error.code == 200
    assert ben.is_disconnected()
