"""Events that are stored and do not parse: devices and pages get a marker, everything around them
goes on."""

import asyncio

import pytest
from structlog.testing import capture_logs

from chatd.core.compression import Compressor
from chatd.core.model import OwedRun, Pull, StreamAcks, StreamKey
from chatd.core.priority import URGENT
from chatd.core.wire import encode_delivery
from chatd.default.messages.history import GetHistory
from chatd.default.messages.unreadable import Unreadable
from chatd.default.notifications.push import MENTIONS, SetPush, SetRoomNotifications
from chatd.default.outbox.backlog import PullOwed
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.store import GetBroadcast
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.rooms.store import CreateRoom
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventDelivery, EventLink, SkipReason
from tests.default.notifications.stage import Stage
from tests.protocol.test_poison import nested
from tests.store.driver import MANY, RULE, Store, acks, deliveries, event, send

POISON = nested(49)
SENTENCE = "A stored event cannot be read; a marker takes its place"


@pytest.fixture
def bob(store: Store) -> StreamKey:
    """His device, before the room's events 2 to 6."""
    stream = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"e{number}", mentions=("bob",)) for number in range(5))))
    return stream


def spoil(store: Store, *seqs: int, delivery: bytes | None = None) -> None:
    for seq in seqs:
        link = EventLink(event_id=f"e{seq - 2}", room_id="r", seq=seq, sender_id="alice", mentions=["bob"])
        damaged = encode_delivery(link, POISON) if delivery is None else delivery
        with store.database.connection(readonly=False):
            store.database.begin(lock_ms=1_000)
            store.database.run(
                "UPDATE room_event SET delivery = ? WHERE room_id = 'r' AND seq = ?", (damaged, seq)
            )
            store.database.commit()


def places(runs: tuple[OwedRun, ...]) -> list[tuple[int, int, bool]]:
    return [(run.first_seq, run.last_seq, run.skipped) for run in runs]


def test_a_marker_takes_the_place_of_each_and_the_log_names_it_once(store: Store, bob: StreamKey) -> None:
    spoil(store, 2, 4, 5)
    unreadable = Unreadable()
    other = store.open("alice", "d")
    pulls = (Pull(bob), Pull(other, sent={"r": 3}), Pull(bob, max_bytes=1), Pull(bob, max_messages=2))
    with capture_logs() as logs:
        answers = store.ask(PullOwed(pulls, unreadable=unreadable))
        store.ask(PullOwed(pulls, unreadable=unreadable))
    expected = [(2, 2, True), (3, 3, False), (4, 4, True), (5, 5, True), (6, 6, False)]
    assert places(answers[0].runs) == expected
    assert [one.error for one in answers] == [None] * 4
    assert places(answers[2].runs) == expected[:1]
    assert places(answers[3].runs) == expected[:2]
    markers = [one for one in deliveries(answers[0].runs) if one.HasField("skipped")]
    assert [(one.event.seq, one.skipped.first_seq, one.skipped.last_seq) for one in markers] == [
        (seq, seq, seq) for seq in (2, 4, 5)
    ]
    assert {one.skipped.reason for one in markers} == {SkipReason.SKIP_REASON_UNREADABLE}
    assert [(one["event"], one["room"], one["seq"]) for one in logs] == [
        (SENTENCE, "r", seq) for seq in (2, 4, 5)
    ]


@pytest.mark.parametrize("damage", ["frame", "content"])
def test_a_payload_that_cannot_be_decompressed(store: Store, bob: StreamKey, damage: str) -> None:
    """Only devices that want it plain need a marker for it; the others get the frame."""
    packed = Compressor(min_bytes=1, level=1).compress(POISON * 20)
    assert packed is not None
    packed = packed[:-5] if damage == "frame" else packed
    link = EventLink(event_id="e0", room_id="r", seq=2)
    spoil(store, 2, delivery=encode_delivery(link, packed, compressed=True))
    assert places(store.owed(bob, plain=True).runs) == [(2, 2, True), (3, 6, False)]
    assert places(store.owed(bob).runs) == [(2, 6, False)]


def test_what_was_skipped_was_not_delivered(store: Store, bob: StreamKey) -> None:
    spoil(store, 3)
    passed = StreamAcks(bob, {"r": 6}, removed=(("r", 3, 3),))
    store.do(AckCursors((passed,), RULE))
    states = [
        store.ask(GetDeliveryStatus("r", seq, "ops", True, "", 10)).profiles[0].devices for seq in (2, 3)
    ]
    assert states == [
        (("d", DeliveryState.DELIVERY_STATE_ACKNOWLEDGED),),
        (("d", DeliveryState.DELIVERY_STATE_REMOVED),),
    ]


@pytest.mark.parametrize("plain", [True, False])
def test_a_page_of_history_has_a_marker(store: Store, bob: StreamKey, plain: bool) -> None:
    spoil(store, 3)
    page, more = store.ask(GetHistory("r", "bob", False, 0, 10, plain))
    shown = [EventDelivery.FromString(one) for one in page]
    assert [one.event.seq for one in shown] == [1, 2, 3, 4, 5, 6]
    assert [one.skipped.reason for one in shown if one.HasField("skipped")] == [
        SkipReason.SKIP_REASON_UNREADABLE
    ]
    assert not more


@pytest.mark.parametrize("delivery", [None, b"\xff\xff\xff"])
def test_operators_and_erasing_go_on(store: Store, bob: StreamKey, delivery: bytes | None) -> None:
    spoil(store, 3, delivery=delivery)
    found, _, _ = store.ask(GetBroadcast("r", 3))
    assert found
    while store.erase("alice").more:
        continue
    assert not [one for one in deliveries(store.owed(bob).runs) if one.HasField("skipped")], "it is blank now"


async def test_notifications_go_on(store: Store, bob: StreamKey) -> None:
    """Also for a profile that wants to be told of mentions only; without a preview."""
    stage = Stage(store)
    kept = stage.kept
    store.do(CreateRoom("s", "", "alice", ("carol",)))
    for profile in ("bob", "carol"):
        store.open(profile, "d")
        store.do(SetPush(profile, "d", "log", "", "", "", MANY))
    store.do(SetRoomNotifications("bob", "r", MENTIONS, 0))
    store.do(send("alice", event("s", "s"), event("r", "e5", priority=URGENT, mentions=("bob",))))
    spoil(store, 7)
    store.publish()
    stage.delivery.begin()
    async with asyncio.timeout(10):
        while len(kept.notifications) < 2:
            await asyncio.sleep(0.01)
    assert {(one.profile_id, one.room_id, one.preview) for one in kept.notifications} == {
        ("bob", "r", ""),
        ("carol", "s", ""),
    }
    store.do(acks((bob, {"r": 7})))
