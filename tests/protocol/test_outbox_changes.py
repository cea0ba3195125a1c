"""PROTOCOL.md section 3.3, skips and replays: an operator changes what a device is owed, and its
open stream notices."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerRequest
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

Connect = Callable[..., Conversation]
NO_STREAM, SUPERSEDED, STREAM_UNKNOWN = 104, 600, 605
_tests = itertools.count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    settings = {"HEARTBEAT_INTERVAL_MS": 60_000, "REPAIR_PULL_SECONDS": 3_600, "ACK_FLUSH_MS": 5}
    if request.param == "postgres":
        cluster = request.getfixturevalue("postgres")
        settings["DB_URI"] = cluster.uri(cluster.new_database("t1"))
    with Daemon("all", tmp_path_factory.mktemp("chatd"), settings) as running:
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


@pytest.fixture
def room() -> str:
    return f"r{next(_tests)}"


@pytest.fixture
def alice(connect: Connect) -> Conversation:
    return connect("alice")


@pytest.fixture
def bob(connect: Connect, alice: Conversation, room: str) -> Conversation:
    """His device "d" has an open stream, and has been given events 1 to 6 of the room."""
    bob = connect(f"bob-{room}")
    bob.open("d")
    bob.hear_kind("caught_up")
    alice.create_room(room, bob.profile)
    alice.send_texts(room, *"abcde")
    assert shown(bob.deliveries(6)) == [1, 2, 3, 4, 5, 6]
    return bob


def shown(deliveries: list[EventDelivery]) -> list[int | str]:
    """17; 17r if it says that it is replayed; 17-19 for the marker of a skipped stretch."""
    return [_shown(one) for one in deliveries]


def _shown(one: EventDelivery) -> int | str:
    if one.HasField("skipped"):
        assert one.skipped.reason == SkipReason.SKIP_REASON_OPERATOR
        return f"{one.skipped.first_seq}-{one.skipped.last_seq}"
    return f"{one.event.seq}r" if one.replay else one.event.seq


def skip(alice: Conversation, bob: Conversation, request_id: str = "", **fields: object) -> int:
    request = admin_pb2.SkipOutboxRequest(profile_id=bob.profile, device_id="d", **fields)  # type: ignore[arg-type]
    reply = alice.request("AdminService/SkipOutbox", request, request_id=request_id)
    assert not reply.HasField("error"), reply.error
    return admin_pb2.SkipOutboxResponse.FromString(reply.payload).skipped


def replay(
    alice: Conversation, bob: Conversation, request_id: str = "", **fields: object
) -> admin_pb2.ReplayOutboxResponse:
    request = admin_pb2.ReplayOutboxRequest(profile_id=bob.profile, device_id="d", **fields)  # type: ignore[arg-type]
    reply = alice.request("AdminService/ReplayOutbox", request, request_id=request_id)
    assert not reply.HasField("error"), reply.error
    return admin_pb2.ReplayOutboxResponse.FromString(reply.payload)


def open_again(bob: Conversation) -> None:
    """S: Closed(605); C: Hello, S: Welcome."""
    assert bob.hear_kind("closed").error.code == STREAM_UNKNOWN
    welcome = bob.open("d")
    assert not welcome.new_device
    assert not welcome.rewound


def acknowledge(alice: Conversation, bob: Conversation, up_to: int, *, owed: int) -> None:
    """And wait until it is written."""
    bob.ack(up_to)
    request = admin_pb2.ListDevicesRequest(profile_id=bob.profile, device_id="d", limit=1)
    while True:
        reply = alice.request("AdminService/ListDevices", request)
        (device,) = admin_pb2.ListDevicesResponse.FromString(reply.payload).devices
        if device.owed == owed:
            return


def test_a_live_stream_that_is_stuck_gets_a_marker_and_goes_on(
    alice: Conversation, bob: Conversation, room: str
) -> None:
    """Six deliveries are in flight; what comes meanwhile keeps its place."""
    assert skip(alice, bob, room_id=room, until_seq=4) == 4
    alice.send_texts(room, "f")
    while (frame := bob.hear()).deliveries:
        assert shown(list(frame.deliveries)) == [7], "sent before the stream was told"
    assert frame.closed.error.code == STREAM_UNKNOWN
    bob.open("d")
    assert shown(bob.deliveries(4)) == ["1-4", 5, 6, 7]
    bob.hear_kind("caught_up")
    acknowledge(alice, bob, 4, owed=0)
    alice.send_texts(room, "g")
    assert shown(bob.deliveries(1)) == [8], "it is live"


def test_one_event_of_those_in_flight(alice: Conversation, bob: Conversation, room: str) -> None:
    assert skip(alice, bob, room_id=room, seq=3) == 1
    assert skip(alice, bob, room_id=room, seq=3) == 0
    open_again(bob)
    assert shown(bob.deliveries(6)) == [1, 2, "3-3", 4, 5, 6]
    bob.hear_kind("caught_up")


def test_what_was_acknowledged_comes_again_and_says_so(
    alice: Conversation, bob: Conversation, room: str
) -> None:
    acknowledge(alice, bob, 5, owed=1)
    done = replay(alice, bob, room_id=room, from_seq=4)
    assert (done.replayed, done.rooms, done.removed) == (2, 1, 0)
    bob.ack(6)  # of the stream that was, or of none: it does not undo the replay
    assert bob.hear_kind("closed").error.code == STREAM_UNKNOWN
    bob.hello("d", hello_id=2)
    while not (frame := bob.hear()).HasField("welcome"):
        assert frame.closed.error.code == NO_STREAM
    assert shown(bob.deliveries(3)) == ["4r", "5r", 6]
    bob.hear_kind("caught_up")
    acknowledge(alice, bob, 3, owed=0)
    alice.send_texts(room, "f")
    assert shown(bob.deliveries(1)) == [7]


def test_by_time_and_from_all_rooms(alice: Conversation, bob: Conversation, room: str) -> None:
    other = f"{room}-other"
    alice.create_room(other, bob.profile)
    (made,) = bob.deliveries(1)
    acknowledge(alice, bob, 7, owed=0)
    done = replay(alice, bob, from_us=made.event.sent_at_us)
    assert (done.replayed, done.rooms) == (1, 1)
    open_again(bob)
    assert [one.event.room_id for one in bob.deliveries(1)] == [other]
    bob.hear_kind("caught_up")
    assert skip(alice, bob, until_us=made.event.sent_at_us - 1) == 0
    assert skip(alice, bob, until_us=made.event.sent_at_us) == 1
    open_again(bob)
    assert shown(bob.deliveries(1)) == ["1-1"]


def test_a_dry_run_changes_nothing(alice: Conversation, bob: Conversation, room: str) -> None:
    acknowledge(alice, bob, 3, owed=3)
    assert replay(alice, bob, room_id=room, from_seq=1, dry_run=True).replayed == 3
    assert skip(alice, bob, dry_run=True) == 3
    assert skip(alice, bob, room_id=room, seq=5, dry_run=True) == 1
    alice.send_texts(room, "f")
    assert shown(bob.deliveries(1)) == [7]
    acknowledge(alice, bob, 7, owed=0)


def test_a_crash_loses_nothing_and_a_repeated_call_does_nothing_twice(
    connect: Connect, daemon: Daemon, alice: Conversation, bob: Conversation, room: str
) -> None:
    """The daemon is killed before anybody is told."""
    acknowledge(alice, bob, 4, owed=2)
    assert skip(alice, bob, f"skip-{room}", room_id=room, until_seq=5) == 1
    assert replay(alice, bob, f"replay-{room}", room_id=room, from_seq=3).replayed == 3
    daemon.kill()
    daemon.start()
    again, device = connect("alice"), connect(bob.profile)
    assert skip(again, bob, f"skip-{room}", room_id=room, until_seq=5) == 1
    assert replay(again, bob, f"replay-{room}", room_id=room, from_seq=3).replayed == 3
    device.open("d")
    assert shown(device.deliveries(4)) == ["3r", "4r", "5r", 6]


def test_the_device_that_another_gateway_has_opened_since_is_not_disturbed(
    connect: Connect, alice: Conversation, bob: Conversation, room: str
) -> None:
    skip(alice, bob, room_id=room, until_seq=2)
    newer = connect(bob.profile)
    newer.open("d")
    code = bob.hear_kind("closed").error.code
    assert code in (STREAM_UNKNOWN, SUPERSEDED)
    assert shown(newer.deliveries(5)) == ["1-2", 3, 4, 5, 6]
    newer.hear_kind("caught_up")


def test_receipts_tell_nobody_of_what_was_skipped(
    connect: Connect, alice: Conversation, bob: Conversation, room: str
) -> None:
    watching = connect("alice")
    watching.open("w", want_signals=True)
    bob_calls = connect(bob.profile)
    bob_calls.request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id=room, seq=1))
    skip(alice, bob, room_id=room, until_seq=4)
    open_again(bob)
    assert shown(bob.deliveries(3)) == ["1-4", 5, 6]
    bob.ack(3)
    told: set[tuple[int, int]] = set()
    while not any(last == 6 for _, last in told):
        heard = watching.hear().signals
        told |= {
            (one.delivered.first_seq, one.delivered.seq) for one in heard if one.delivered.room_id == room
        }
    assert not any(first <= seq <= last for first, last in told for seq in (1, 2, 3, 4))


def letters(alice: Conversation, bob: Conversation, method: str, **fields: object) -> Any:
    request = getattr(admin_pb2, f"{method}DeadLettersRequest")(all=True, profile_id=bob.profile, **fields)
    reply = alice.request(f"AdminService/{method}DeadLetters", request)
    assert not reply.HasField("error"), reply.error
    return getattr(admin_pb2, f"{method}DeadLettersResponse").FromString(reply.payload)


def reject(alice: Conversation, bob: Conversation, count: int) -> None:
    """The next ``count`` deliveries, which it acknowledges; all are dead letters afterwards."""
    heard = 0
    while heard < count:
        for _ in bob.hear().deliveries:
            heard += 1
            bob.say(reject=Reject(delivery=heard, reason="no"))
            bob.ack(heard)
    while letters(alice, bob, "Drop", dry_run=True).matching < count:
        pass


def test_more_dead_letters_than_a_window_are_replayed_to_a_live_stream(
    connect: Connect, alice: Conversation, room: str
) -> None:
    bob = connect(f"bob-{room}")
    bob.open("d", window_messages=8)
    alice.create_room(room, bob.profile)
    alice.send_texts(room, *map(str, range(29)))
    reject(alice, bob, 30)
    assert letters(alice, bob, "Replay", dry_run=True).matching == 30
    done = letters(alice, bob, "Replay", room_id=room)
    assert (len(done.replayed), done.next_after_letter_id) == (30, "")
    seen: list[int] = []
    while len(seen) < 30:
        heard = bob.hear().deliveries
        assert all(one.replay for one in heard)
        seen += [one.event.seq for one in heard]
        bob.ack(30 + len(seen))
    assert seen == list(range(1, 31))
    while letters(alice, bob, "Drop", dry_run=True).matching:
        pass


def test_dead_letters_are_dropped_all_at_once(connect: Connect, alice: Conversation, room: str) -> None:
    bob = connect(f"bob-{room}")
    bob.open("d")
    alice.create_room(room, bob.profile)
    alice.send_texts(room, *"ab")
    reject(alice, bob, 3)
    assert len(letters(alice, bob, "Drop", device_id="d").dropped) == 3
    assert not letters(alice, bob, "Drop").dropped
    for fields in (
        {"letter_ids": ["l"]},
        {"letter_ids": ["l"], "all": False, "room_id": "r"},
        {"all": False},
    ):
        request = admin_pb2.DropDeadLettersRequest(**{"all": True, **fields})  # type: ignore[arg-type]
        assert alice.refused("AdminService/DropDeadLetters", request) == 301


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("Skip", {"seq": 3}),
        ("Skip", {"room_id": "r", "seq": 3, "until_seq": 4}),
        ("Skip", {"until_us": -1}),
        ("Skip", {"room_id": "r", "until_seq": 2**63}),
        ("Replay", {}),
        ("Replay", {"from_seq": 3}),
        ("Replay", {"room_id": "r", "from_seq": 3, "from_us": 4}),
    ],
)
def test_a_point_that_is_none(alice: Conversation, method: str, fields: dict[str, object]) -> None:
    request = getattr(admin_pb2, f"{method}OutboxRequest")(profile_id="p", device_id="d", **fields)
    assert alice.refused(f"AdminService/{method}Outbox", request) == 301


def test_a_device_that_nobody_knows(alice: Conversation) -> None:
    for method, point in (("Skip", {}), ("Replay", {"from_us": 1})):
        request = getattr(admin_pb2, f"{method}OutboxRequest")(profile_id="p", device_id="d", **point)
        assert alice.refused(f"AdminService/{method}Outbox", request) == 407


def test_c7_they_are_answered_again_when_the_device_has_gone(
    alice: Conversation, bob: Conversation, room: str
) -> None:
    skipped = skip(alice, bob, f"skip-{room}", room_id=room)
    replayed = replay(alice, bob, f"replay-{room}", room_id=room, last=3)
    assert skipped == 6
    forget = admin_pb2.ForgetDeviceRequest(profile_id=bob.profile, device_id="d")
    assert not alice.request("AdminService/ForgetDevice", forget).HasField("error")
    assert skip(alice, bob, f"skip-{room}", room_id=room) == skipped
    assert replay(alice, bob, f"replay-{room}", room_id=room, last=3) == replayed
    request = admin_pb2.SkipOutboxRequest(profile_id=bob.profile, device_id="d")
    assert alice.refused("AdminService/SkipOutbox", request) == 407
    again = alice.request("AdminService/SkipOutbox", request, request_id=f"skip-{room}")
    assert again.error.code == 405, "another call"
    never = alice.request("AdminService/SkipOutbox", request, request_id=f"none-{room}")
    assert never.error.code == 407
