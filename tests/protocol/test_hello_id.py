"""Frames of an earlier stream on a connection that has, or is opening, another: none of them is
taken for one of the new stream, in either direction."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, ClientFrame, Heartbeat, Reject, SetPresence
from chatd.pb.node.v1 import node_pb2
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation, texts
from tests.protocol.fake_node import FakeNode
from tests.protocol.limited import User, daemon_with_users

Connect = Callable[..., Conversation]
QUIET = 0.2
AWAY = PresenceState.PRESENCE_STATE_AWAY
OTHER = 77
"""The epoch of no stream of these tests."""

STALE = {
    "ack": lambda epoch: ClientFrame(ack=Ack(up_to=5, epoch=epoch)),
    "reject": lambda epoch: ClientFrame(reject=Reject(delivery=5, reason="no", epoch=epoch)),
    "presence": lambda epoch: ClientFrame(presence=SetPresence(state=AWAY, epoch=epoch)),
    "bye": lambda epoch: ClientFrame(bye=Bye(epoch=epoch)),
}
every_frame = pytest.mark.parametrize("frame", STALE)


def say(peer: Conversation, frame: str, epoch: int) -> None:
    peer.send_raw(STALE[frame](epoch).SerializeToString())


def test_a_client_that_heard_104_twice_has_one_stream_and_keeps_it(connect: Connect, room: str) -> None:
    """It says Hello for each of the two, and acknowledges what it counts after the first
    Welcome."""
    alice, bob = connect("alice"), connect("bob")
    bob.ack(1)
    bob.heartbeat(1)
    for hello_id in (1, 2):
        closed = bob.hear_kind("closed")
        assert (closed.error.code, closed.hello_id) == (104, 0)
        bob.hello("d", hello_id=hello_id)
    welcome = bob.hear_kind("welcome")
    if welcome.hello_id == 1:  # else the second Hello came before the first was answered
        bob.send_raw(STALE["ack"](welcome.epoch).SerializeToString())
        while not (frame := bob.hear()).HasField("welcome"):
            assert frame.HasField("caught_up"), frame
        welcome = frame.welcome
    assert welcome.hello_id == 2
    bob.hear_kind("caught_up")
    for _ in range(3):
        say(bob, "ack", OTHER)
    alice.send_texts(room, "for the one stream")
    assert texts(bob.deliveries(1)) == ["for the one stream"]
    say(bob, "ack", welcome.epoch)
    assert bob.hear_kind("closed").error.code == 603, "the stream's own epoch counts"


@every_frame
def test_a_frame_of_an_earlier_stream_is_ignored(connect: Connect, room: str, frame: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d", hello_id=1)
    bob.hear_kind("caught_up")
    say(bob, frame, OTHER)
    bob.hear_nothing(QUIET)
    alice.send_texts(room, "still open")
    assert texts(bob.deliveries(1)) == ["still open"]


@every_frame
def test_a_frame_that_names_the_streams_own_epoch_counts(connect: Connect, room: str, frame: str) -> None:
    bob = connect("bob")
    epoch = bob.open("d", hello_id=9).epoch
    bob.hear_kind("caught_up")
    say(bob, frame, epoch)
    if frame == "reject":
        assert (bob.hear_kind("error").code, bob.socket.poll(0)) == (604, 0)
    elif frame != "presence":
        closed = bob.hear_kind("closed")
        assert (closed.error.code, closed.hello_id) == ({"ack": 603, "bye": 0}[frame], 9)


@every_frame
def test_without_any_stream_the_client_learns_that_it_has_none(connect: Connect, frame: str) -> None:
    bob = connect("bob")
    say(bob, frame, OTHER)
    closed = bob.hear_kind("closed")
    assert (closed.error.code, closed.error.retry, closed.hello_id) == (104, True, 0)


def test_frames_that_are_ignored_count_as_frames(tmp_path: Path) -> None:
    settings = {"MAX_FRAMES_PER_SECOND": 10, "RATE_BURST_SECONDS": 1}
    with daemon_with_users(tmp_path, ["bob"], settings) as daemon, User(daemon, "bob") as bob:
        bob.open("d")
        bob.hear_kind("caught_up")
        for _ in range(50):
            say(bob, "ack", OTHER)
        assert bob.hear_kind("error").code == 606


def test_what_ends_a_stream_or_refuses_a_hello_names_the_hello(connect: Connect) -> None:
    bob, other = connect("bob"), connect("bob")
    bob.hello("no id", hello_id=1)
    error = bob.hear_kind("error")
    assert (error.code, error.hello_id) == (302, 1)
    assert bob.open("d", hello_id=2).hello_id == 2
    bob.hear_kind("caught_up")
    bob.hello("no id", hello_id=3)
    assert bob.hear_kind("error").hello_id == 3
    bob.say(reject=Reject(delivery=1))
    error = bob.hear_kind("error")
    assert (error.code, error.hello_id) == (604, 0), "a frame of the stream of Hello 2, which goes on"
    other.open("d", hello_id=4)
    closed = bob.hear_kind("closed")
    assert (closed.error.code, closed.hello_id) == (600, 2)
    other.hear_kind("caught_up")
    other.hello("d", version=0, hello_id=5)
    closed = other.hear_kind("closed")
    assert (closed.error.code, closed.hello_id) == (103, 5)
    other.heartbeat(1)
    closed = other.hear_kind("closed")
    assert (closed.error.code, closed.hello_id) == (104, 0)


def test_an_echo_is_told_by_its_mark_and_deliveries_before_a_welcome_are_the_earlier_streams(
    connect: Connect, room: str
) -> None:
    """One connection is in order: what was sent for the first stream comes before the second
    Welcome."""
    alice, bob = connect("alice"), connect("bob")
    bob.open("d", hello_id=1, window_messages=200)
    bob.hear_kind("caught_up")
    bob.heartbeat(41)
    alice.send_texts(room, *(f"{number}" for number in range(100)))
    bob.hello("d", hello_id=2, window_messages=200)
    before = 0
    while not (frame := bob.hear()).HasField("welcome"):
        assert frame.deliveries or frame.heartbeat == Heartbeat(mark=41), frame
        before += len(frame.deliveries)
    assert before <= 100
    assert len(bob.deliveries(100)) == 100, "all of them again: none was acknowledged"


# While a Hello waits for its epoch.


@pytest.fixture
def node() -> Iterator[FakeNode]:
    made = FakeNode()
    yield made
    made.close()


@pytest.fixture
def gateway(tmp_path: Path, node: FakeNode) -> Iterator[Daemon]:
    """Its calls wait for the test's answers."""
    settings = {"DEFAULT_URI": node.uri, "QUEUE_USER_EVENT_DELIVERY_URI": node.queue_uri}
    running = Daemon("gateway", tmp_path, settings).start(wait=False)
    try:
        node.until(lambda: b"chatd is ready" in running.log.read_bytes(), "the gateway is ready")
        yield running
    finally:
        running.kill()  # a gentle end would wait for answers that no test gives any more


@every_frame
def test_a_frame_of_an_earlier_stream_does_not_end_the_hello_on_its_way(
    gateway: Daemon, node: FakeNode, frame: str
) -> None:
    with Conversation(gateway.uri, operator_token(gateway.folder), "bob") as bob:
        bob.hello("d", hello_id=1)
        node.hear("OpenStreams")
        say(bob, frame, OTHER)
        bob.hear_nothing(QUIET)
        node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[3]))
        welcome = bob.hear_kind("welcome")
        assert (welcome.epoch, welcome.hello_id) == (3, 1)
        bob.hello("d", hello_id=2)
        bob.bye()
        closed = bob.hear_kind("closed")
        assert (closed.error.code, closed.hello_id) == (0, 2), "a Bye without an epoch is for any"


def test_the_newer_epoch_keeps_the_stream_whichever_is_answered_first(
    gateway: Daemon, node: FakeNode
) -> None:
    """Else the older one has the stream here, and is told by the node that it has not."""
    token = operator_token(gateway.folder)
    with Conversation(gateway.uri, token, "bob") as newer, Conversation(gateway.uri, token, "bob") as older:
        newer.hello("d", hello_id=1)
        node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[4]))
        assert newer.hear_kind("welcome").epoch == 4
        older.hello("d", hello_id=2)
        node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[3]))
        closed = older.hear_kind("closed")
        assert (closed.error.code, closed.hello_id) == (600, 2)
        (unregistered,) = node.hear("CloseStreams").streams
        assert unregistered.epoch == 3
        newer.hear_nothing(QUIET)
        older.hello("d", hello_id=3)
        other_log = node_pb2.LogState(incarnation="another")
        node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[1], log=other_log))
        assert older.hear_kind("welcome").epoch == 1, "an epoch of another log says nothing"
        assert newer.hear_kind("closed").error.code == 600


# Calls without a token.


def test_a_call_without_a_token_where_there_is_no_stream_is_told_to_open_one(connect: Connect) -> None:
    bob = connect("bob")
    reply = bob.request("ChatService/ListUnread", b"", token="", profile_id="")
    assert (reply.error.code, reply.error.name, reply.error.retry) == (104, "NO_STREAM", True)
    bob.open("d")
    bob.hear_kind("caught_up")
    assert not bob.request("ChatService/ListUnread", b"", token="", profile_id="").HasField("error")


def test_a_call_without_a_token_after_the_gateways_restart(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon, Conversation(daemon.uri, operator_token(tmp_path), "bob") as bob:
        bob.open("d")
        bob.hear_kind("caught_up")
        daemon.kill()
        daemon.start()
        reply = bob.request("ChatService/ListUnread", b"", token="", profile_id="")
        assert (reply.error.code, reply.error.retry) == (104, True)
        assert bob.request("ChatService/ListUnread", b"", token="wrong").error.code == 200
