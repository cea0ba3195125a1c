"""PROTOCOL.md section 3, retries, dead letters, markers, replays: spoken over a raw socket."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import (
    GetDeliveryStatusRequest,
    GetDeliveryStatusResponse,
    SetReadMarkerRequest,
)
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventDelivery, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation, seqs, texts

Connect = Callable[..., Conversation]
RETRIES = 3


@pytest.fixture
def retry_ms() -> int:
    """The time in which a device has to acknowledge; tests that wait for its end have a short
    one."""
    return 60_000


@pytest.fixture(params=["sqlite", "postgres"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path, retry_ms: int) -> Iterator[Daemon]:
    """This test's own: it is restarted."""
    settings = {
        "DELIVERY_RETRY_MS": retry_ms,
        "MAX_DELIVERY_RETRIES": RETRIES,
        "HEARTBEAT_INTERVAL_MS": 10_000,
        "REPAIR_PULL_SECONDS": 3600,
        "ACK_FLUSH_MS": 5,
    }
    if request.param == "postgres":
        settings["DB_URI"] = request.getfixturevalue("postgres_uri")
    with Daemon("all", tmp_path, settings) as running:
        yield running


@pytest.fixture
def connect(daemon: Daemon) -> Iterator[Connect]:
    opened: list[Conversation] = []

    def open_one(profile: str) -> Conversation:
        opened.append(Conversation(daemon.uri, operator_token(daemon.folder), profile))
        return opened[-1]

    yield open_one
    for conversation in opened:
        conversation.__exit__()


def hear_deliveries(
    device: Conversation, until: Callable[[EventDelivery], bool], seconds: float = 20
) -> list[EventDelivery]:
    """Everything up to the first that fits, heartbeats going on meanwhile."""
    heard: list[EventDelivery] = []
    end = time.monotonic() + seconds
    while not any(map(until, heard)):
        assert time.monotonic() < end, f"not heard in {seconds} s; heard {heard}"
        device.heartbeat(0)
        try:
            heard += device.hear(0.1).deliveries
        except TimeoutError:
            continue
    return heard


def letters(conversation: Conversation) -> list[admin_pb2.DeadLetter]:
    reply = conversation.request("AdminService/ListDeadLetters", admin_pb2.ListDeadLettersRequest())
    return list(admin_pb2.ListDeadLettersResponse.FromString(reply.payload).letters)


def wait_for_letters(conversation: Conversation, count: int) -> list[admin_pb2.DeadLetter]:
    end = time.monotonic() + 10
    while len(found := letters(conversation)) != count:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("retry_ms", [200])
def test_a_device_that_never_acks_is_tried_with_growing_pauses_then_given_a_marker(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    bob.deliveries(1)
    bob.ack(1)
    alice.send_texts("r", "poison", "after")
    heard = hear_deliveries(bob, lambda one: one.HasField("skipped"))
    tries = [one for one in heard if one.event.seq == 2 and not one.HasField("skipped")]
    counts = [one.retry_count for one in tries]
    # On a busy machine two tries may come closer together than the pause that makes them two
    # failures.
    assert (counts == sorted(counts), sorted(set(counts))) == (True, list(range(RETRIES + 1)))
    marker = heard[-1]
    assert (marker.event.room_id, marker.event.seq, marker.skipped.first_seq) == ("r", 2, 2)
    assert marker.skipped.reason == SkipReason.SKIP_REASON_UNDELIVERABLE
    (letter,) = letters(alice)
    assert (letter.profile_id, letter.device_id, letter.event.seq, letter.attempts) == (
        "bob",
        "d",
        2,
        RETRIES + 1,
    )
    assert letter.first_failed_at_us < letter.dead_at_us

    bob.ack(1 + len(heard))
    bob.bye()
    hear_closed(bob)
    bob.open("d")
    bob.hear_kind("caught_up", 10)


def hear_closed(device: Conversation) -> None:
    while not device.hear().HasField("closed"):
        pass


@pytest.mark.parametrize("retry_ms", [200])
def test_a_message_that_crashes_its_device_each_time_does_not_block_it_for_ever(
    connect: Connect, daemon: Daemon, retry_ms: int
) -> None:
    """The device handles and acknowledges in order, and dies at the third of five; the daemon is
    restarted in between."""
    alice = connect("alice")
    bob = connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    bob.bye()
    bob.hear_kind("closed")
    alice.create_room("r", "bob")
    alice.send_texts("r", "1", "2", "poison", "4", "5")
    shown: dict[int, EventDelivery] = {}
    crashes = 0
    end = time.monotonic() + 60
    while 6 not in shown:
        assert time.monotonic() < end, shown
        device = connect("bob")
        device.open("d")
        handled = 0
        while 6 not in shown:
            poison = False
            for one in device.hear(5).deliveries:
                if texts([one]) == ["poison"]:
                    poison = True
                    break
                shown[one.event.seq] = one
                handled += 1
            if poison:
                break  # without acknowledging what it handled just before: lazy acks die with the device
            device.ack(handled)
        device.__exit__()
        crashes += 1
        if crashes == 3:
            daemon.stop()
            daemon.start()
        time.sleep(retry_ms / 1000)
    assert [seq for seq in sorted(shown) if not shown[seq].HasField("skipped")] == [1, 2, 3, 5, 6]
    assert shown[4].skipped.reason == SkipReason.SKIP_REASON_UNDELIVERABLE
    assert crashes > RETRIES
    (letter,) = letters(connect("operator"))
    assert letter.event.seq == 4


def test_a_rejected_delivery_becomes_a_dead_letter_and_can_be_replayed(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    alice.send_texts("r", "fine", "unreadable", "fine too")
    heard = bob.deliveries(4)
    bob.say(reject=Reject(delivery=3, reason="cannot\x1b decrypt"))
    bob.ack(4)
    (letter,) = wait_for_letters(alice, 1)
    assert (letter.event.seq, letter.text, letter.attempts) == (3, "cannot decrypt", 1)
    assert letter.reason == SkipReason.SKIP_REASON_REJECTED
    assert letter.event.event_id == heard[2].event.event_id

    request = admin_pb2.ReplayDeadLettersRequest(letter_ids=[letter.letter_id, "none"])
    reply = alice.request("AdminService/ReplayDeadLetters", request)
    done = admin_pb2.ReplayDeadLettersResponse.FromString(reply.payload)
    assert (list(done.replayed), list(done.unknown)) == ([letter.letter_id], ["none"])
    (replayed,) = bob.deliveries(1)
    assert (replayed.replay, texts([replayed]), replayed.event.seq) == (True, ["unreadable"], 3)
    alice.send_texts("r", "next")
    assert seqs(bob.deliveries(1)) == [5]
    bob.ack(6)
    wait_for_letters(alice, 0)


def test_a_rejection_of_what_is_not_in_flight_is_refused_and_the_stream_goes_on(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    bob.say(reject=Reject(delivery=1))
    assert bob.hear_kind("error").code == 604
    alice.create_room("r", "bob")
    bob.deliveries(1)


def test_a_rejection_without_a_stream_says_so(connect: Connect) -> None:
    bob = connect("bob")
    bob.say(reject=Reject(delivery=1))
    assert bob.hear_kind("closed").error.code == 104


def test_a_rejected_delivery_that_is_not_acknowledged_is_a_marker_next_time(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    connect("bob").request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="r", seq=1))
    alice.send_texts("r", "unreadable", "fine")
    bob.deliveries(3)
    bob.say(reject=Reject(delivery=2, reason="no"))
    wait_for_letters(alice, 1)
    bob.bye()
    hear_closed(bob)
    bob.open("d")
    heard = bob.deliveries(3)
    assert [one.HasField("skipped") for one in heard] == [False, True, False]
    assert heard[1].skipped.reason == SkipReason.SKIP_REASON_REJECTED
    assert "unreadable" not in str(heard[1]), "the marker says nothing of the contents"


def test_a_rejected_delivery_that_is_acknowledged_past_is_not_delivered(connect: Connect) -> None:
    alice, watching, bob = connect("alice"), connect("alice"), connect("bob")
    watching.open("a", want_signals=True)
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    connect("bob").request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="r", seq=1))
    alice.send_texts("r", "unreadable", "fine")
    bob.deliveries(3)
    bob.say(reject=Reject(delivery=2, reason="no"))
    bob.ack(3)
    told: set[tuple[int, int]] = set()
    while (3, 3) not in told:
        told |= {(one.delivered.first_seq, one.delivered.seq) for one in watching.hear().signals}
    assert not any(first <= 2 <= last for first, last in told)

    def states(seq: int) -> tuple[int, list[int]]:
        reply = alice.request("ChatService/GetDeliveryStatus", GetDeliveryStatusRequest(room_id="r", seq=seq))
        status = GetDeliveryStatusResponse.FromString(reply.payload)
        return status.delivered, [one.state for profile in status.profiles for one in profile.devices]

    assert states(2) == (0, [DeliveryState.DELIVERY_STATE_REJECTED])
    assert states(3) == (1, [DeliveryState.DELIVERY_STATE_ACKNOWLEDGED])


def test_a_dropped_letter_is_gone_and_its_marker_stays(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    bob.deliveries(1)
    bob.say(reject=Reject(delivery=1, reason="no"))
    (letter,) = wait_for_letters(alice, 1)
    reply = alice.request(
        "AdminService/DropDeadLetters", admin_pb2.DropDeadLettersRequest(letter_ids=[letter.letter_id])
    )
    assert list(admin_pb2.DropDeadLettersResponse.FromString(reply.payload).dropped) == [letter.letter_id]
    assert letters(alice) == []
    bob.bye()
    hear_closed(bob)
    bob.open("d")
    assert bob.deliveries(1)[0].HasField("skipped")


@pytest.mark.parametrize("retry_ms", [1_500])
def test_a_slow_device_that_makes_progress_is_not_tried_again(connect: Connect, retry_ms: int) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room("r", "bob")
    alice.send_texts("r", *(f"{number}" for number in range(9)))
    bob.deliveries(10)
    for number in range(1, 11):
        time.sleep(2 * retry_ms / 1000 / 10)
        bob.ack(number)
    bob.hear_nothing(0.2)
    assert letters(alice) == []


def test_a_device_is_told_when_it_is_new(connect: Connect) -> None:
    bob = connect("bob")
    assert bob.open("d").new_device
    bob.hear_kind("caught_up")
    assert not bob.open("d").new_device
