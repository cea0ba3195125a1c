"""PROTOCOL.md section 3, spoken over a raw socket."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.daemons import Daemon, operator_token
from tests.protocol.conftest import HEARTBEAT_MS
from tests.protocol.conversation import Conversation, seqs, texts

Connect = Callable[..., Conversation]
QUICK_MS = 500


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with quick heartbeats."""
    settings = {"HEARTBEAT_INTERVAL_MS": QUICK_MS}
    with Daemon("all", tmp_path_factory.mktemp("quick"), settings) as running:
        yield running


@pytest.fixture
def quiet(quick: Daemon, own: Callable[[str], str]) -> Iterator[Conversation]:
    """With a stream there."""
    with Conversation(quick.uri, operator_token(quick.folder), own("bob")) as bob:
        bob.open("d")
        bob.hear_kind("caught_up")
        yield bob


def test_hello_deliveries_ack_bye(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    welcome = bob.open("first-laptop")
    assert (welcome.profile_id, welcome.device_id, welcome.version) == (bob.profile, "first-laptop", 1)
    assert (welcome.window_messages, welcome.window_bytes) == (64, 262_144)
    assert welcome.heartbeat_interval_ms == HEARTBEAT_MS
    bob.hear_kind("caught_up")

    alice.send_texts(room, "one", "two")
    heard = bob.deliveries(2)
    assert texts(heard) == ["one", "two"]
    assert seqs(heard) == [2, 3]
    assert {(one.event.room_id, one.event.sender_id) for one in heard} == {(room, alice.profile)}

    bob.ack(2)
    bob.bye()
    assert bob.hear_kind("closed").error.code == 0

    again = bob.open("first-laptop")
    assert again.epoch == welcome.epoch + 1
    bob.hear_kind("caught_up")


def test_what_is_not_acknowledged_comes_again(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.send_texts(room, "1", "2", "3")
    bob.deliveries(3)
    bob.ack(1)
    bob.bye()
    bob.hear_kind("closed")

    bob.open("d")
    assert texts(bob.deliveries(2)) == ["2", "3"]


def test_a_device_offline_is_caught_up(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    bob.bye()
    bob.hear_kind("closed")
    sent = [alice.send_texts(room, *(f"{batch}-{number}" for number in range(100)))[-1] for batch in range(3)]
    bob.open("d", window_messages=1000)
    assert seqs(bob.deliveries(300)) == list(range(2, sent[-1] + 1))
    bob.hear_kind("caught_up")


def test_the_window_bounds_what_is_in_flight(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d", window_messages=10)
    bob.hear_kind("caught_up")
    for number in range(50):
        alice.send_texts(room, f"{number}")
    bob.deliveries(10)
    bob.hear_nothing(0.3)
    heard = 10
    while heard < 50:
        bob.ack(heard)
        fresh = bob.deliveries(min(10, 50 - heard))
        assert seqs(fresh) == list(range(heard + 2, heard + 2 + len(fresh)))
        heard += len(fresh)


def test_the_window_bounds_bytes_but_lets_one_large_delivery_through(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d", window_bytes=2000)
    bob.hear_kind("caught_up")
    alice.send_texts(room, "a" * 10_000, "b" * 10_000)
    assert len(bob.deliveries(1)) == 1
    bob.hear_nothing(0.3)
    bob.ack(1)
    assert texts(bob.deliveries(1)) == ["b" * 10_000]


def test_heartbeats_come_back_and_keep_a_quiet_stream_open(quiet: Conversation) -> None:
    deadline = time.monotonic() + 5 * QUICK_MS / 1000
    mark = 0
    while time.monotonic() < deadline:
        mark += 1
        quiet.heartbeat(mark)
        assert quiet.hear_kind("heartbeat").mark == mark
        quiet.hear_nothing(QUICK_MS / 2000)


def test_three_silent_intervals_end_the_stream(quiet: Conversation) -> None:
    began = time.monotonic()
    quiet.heartbeat(1)
    quiet.hear_kind("heartbeat")
    closed = quiet.hear_kind("closed")
    intervals = (time.monotonic() - began) * 1000 / QUICK_MS
    assert closed.error.code == 601
    assert closed.error.retry
    assert 2.5 < intervals < 10


def test_the_newest_hello_takes_the_stream_over(connect: Connect, room: str) -> None:
    alice, old, new = connect("alice"), connect("bob"), connect("bob")
    old.open("d")
    old.hear_kind("caught_up")
    new.open("d")
    assert old.hear_kind("closed").error.code == 600
    new.hear_kind("caught_up")
    alice.send_texts(room, "to the new one")
    assert texts(new.deliveries(1)) == ["to the new one"]
    old.hear_nothing(0.2)


def test_an_ack_for_more_than_was_sent_ends_the_stream(connect: Connect, room: str) -> None:
    bob = connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    bob.ack(1)
    assert bob.hear_kind("closed").error.code == 603
    bob.ack(1)
    assert bob.hear_kind("closed").error.code == 104


@pytest.mark.parametrize("frame", ["ack", "heartbeat", "bye"])
def test_stream_frames_need_a_stream(connect: Connect, frame: str) -> None:
    bob = connect("bob")
    getattr(bob, frame)(*([1] if frame != "bye" else []))
    error = bob.hear_kind("closed").error
    assert (error.code, error.retry) == (104, True)


def test_another_profiles_devices_and_prefixes_hear_nothing(connect: Connect, room: str) -> None:
    alice, stranger, prefix = connect("alice"), connect("bobby"), connect("bob")
    stranger.open("d1")
    stranger.hear_kind("caught_up")
    prefix.open("d1")
    prefix.hear_kind("caught_up")
    bob = connect("bob")
    bob.open("d10")
    bob.hear_kind("caught_up")
    alice.send_texts(room, "x")
    assert len(bob.deliveries(1)) == len(prefix.deliveries(1)) == 1
    stranger.hear_nothing(0.3)
    bob.hear_nothing(0.1)


def test_who_joins_sees_from_the_joining_who_leaves_sees_to_the_leaving(connect: Connect, room: str) -> None:
    from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsRequest, RemoveRoomSubscriptionsRequest

    alice, carol = connect("alice"), connect("carol")
    carol.open("d")
    carol.hear_kind("caught_up")
    alice.send_texts(room, "before")
    alice.request(
        "ChatService/AddRoomSubscriptions",
        AddRoomSubscriptionsRequest(room_id=room, profile_ids=[carol.profile]),
    )
    alice.send_texts(room, "during")
    assert seqs(carol.deliveries(2)) == [3, 4]
    alice.request(
        "ChatService/RemoveRoomSubscriptions",
        RemoveRoomSubscriptionsRequest(room_id=room, profile_ids=[carol.profile]),
    )
    alice.send_texts(room, "after")
    assert seqs(carol.deliveries(1)) == [5]
    carol.hear_nothing(0.3)


def test_a_hello_right_behind_a_bye_opens_a_stream_that_stays(connect: Connect, room: str) -> None:
    """The Bye waits for its acks to be written, and then ends its own stream only."""
    alice, bob = connect("alice"), connect("bob")
    for device in ("one", "two", "three"):
        bob.open(device)
        bob.hear_kind("caught_up")
        alice.send_texts(room, f"for {device}")
        bob.deliveries(1)
        bob.ack(1)
        bob.bye()
        bob.hello(device)
        while bob.hear().HasField("welcome") is False:
            pass
        alice.send_texts(room, f"again for {device}")
        assert texts(bob.deliveries(1)) == [f"again for {device}"]
        bob.heartbeat(1)
        while not (frame := bob.hear()).HasField("heartbeat"):
            assert frame.HasField("caught_up")
        bob.ack(1)
        bob.bye()
        bob.hear_kind("closed")
