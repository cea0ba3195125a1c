"""The stages together: urgent runs are published first, a room's own order is kept, and a device
gets urgent events in a message of their own."""

import time
from collections.abc import Sequence

from chatd.core.ids import topic_of
from chatd.core.model import CommittedRun, Members
from chatd.core.online import OnlineTable
from chatd.core.wire import split_queue_body
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.outbox_delivery import TIMED_EACH, OutboxDeliveryEventHandler
from chatd.default.fan_out.outbox_logging import RoomOutboxLoggingQueue
from chatd.pb.node.v1.node_pb2 import QueueHeader

BOB = topic_of("bob", "d")


def fan_out(*runs: CommittedRun) -> list[tuple[int, list[tuple[str, int]], bytes]]:
    """The messages that bob's device is sent: each one's priority, its runs' rooms and first seqs,
    its records."""
    sent: list[tuple[int, list[tuple[str, int]], bytes]] = []

    def publish(topics: Sequence[bytes], body: bytes) -> None:
        assert list(topics) == [BOB]
        encoded, records = split_queue_body(body)
        head = QueueHeader.FromString(encoded)
        sent.append((head.priority, [(run.room_id, run.first_seq) for run in head.runs], records))

    online = OnlineTable()
    online.add(BOB)
    logging = RoomOutboxLoggingQueue(
        OutboxDeliveryEventHandler(EventDeliveryQueueHandler(online, publish).handle).handle
    )
    logging.handle(runs)
    assert sorted(logging.take_marks()) == sorted(_marks(runs))
    return sent


def _marks(runs: Sequence[CommittedRun]) -> list[tuple[str, int, int]]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for one in runs:
        first.setdefault(one.room_id, one.first_seq)
        last[one.room_id] = one.last_seq
    return [(room, first[room], last[room]) for room in first]


def run(room: str, seq: int, priority: int) -> CommittedRun:
    return CommittedRun(
        room, seq, seq, f"{room}{seq} ".encode(), Members(room, 1, frozenset({"bob"})), priority
    )


def test_one_run_goes_straight_through() -> None:
    assert fan_out(run("a", 7, -1)) == [(-1, [("a", 7)], b"a7 ")]


def test_runs_of_one_priority_are_one_message_in_order() -> None:
    assert fan_out(run("a", 1, 0), run("b", 1, 0), run("a", 2, 0)) == [
        (0, [("a", 1), ("b", 1), ("a", 2)], b"a1 b1 a2 ")
    ]


def test_urgent_rooms_are_published_first_and_apart() -> None:
    sent = fan_out(run("a", 1, -1), run("b", 1, 0), run("c", 1, 1), run("d", 1, 3))
    assert sent == [(3, [("d", 1), ("c", 1)], b"d1 c1 "), (0, [("b", 1), ("a", 1)], b"b1 a1 ")]


def test_an_urgent_event_takes_along_what_is_before_it_in_its_room() -> None:
    sent = fan_out(run("a", 1, 0), run("b", 1, -1), run("b", 2, 2), run("b", 3, -1))
    assert sent == [(2, [("b", 1), ("b", 2), ("b", 3)], b"b1 b2 b3 "), (0, [("a", 1)], b"a1 ")]


def test_rooms_that_share_no_device_go_each_to_its_own_devices_and_others_are_joined() -> None:
    sent: list[tuple[list[bytes], bytes]] = []
    online = OnlineTable()
    topics = {profile: topic_of(profile, "d") for profile in ("ann", "bob", "cem", "dan")}
    for topic in topics.values():
        online.add(topic)

    def publish(to: Sequence[bytes], body: bytes) -> None:
        assert to is online.targets(rooms["a"]) or len(to) == 1, "the topics that are kept for the room"
        sent.append((sorted(to), split_queue_body(body)[1]))

    last_mile = EventDeliveryQueueHandler(online, publish)
    logging = RoomOutboxLoggingQueue(OutboxDeliveryEventHandler(last_mile.handle).handle)
    rooms = {
        room: Members(room, 1, frozenset(profiles))
        for room, profiles in {"a": ("ann", "bob"), "c": ("cem",), "d": ("dan", "cem"), "e": ("eve",)}.items()
    }
    runs = {room: CommittedRun(room, 1, 1, room.encode(), members, 0) for room, members in rooms.items()}
    logging.handle([runs["a"], runs["c"]])
    assert sent == [([topics["ann"], topics["bob"]], b"a"), ([topics["cem"]], b"c")]
    sent.clear()
    logging.handle([runs["c"], runs["d"], runs["e"]])
    assert sorted(sent) == [([topics["cem"]], b"cd"), ([topics["dan"]], b"d")]
    assert last_mile.deliveries_published.value == 6


def test_stages_are_timed_and_some_messages_say_when_they_were_published() -> None:
    heads: list[QueueHeader] = []

    def publish(topics: Sequence[bytes], body: bytes) -> None:
        heads.append(QueueHeader.FromString(split_queue_body(body)[0]))

    online = OnlineTable()
    online.add(BOB)
    delivery = OutboxDeliveryEventHandler(EventDeliveryQueueHandler(online, publish).handle)
    logging = RoomOutboxLoggingQueue(delivery.handle)
    before_us = time.time_ns() // 1_000
    for seq in range(1, 2 * TIMED_EACH + 1):
        runs = [run(room, seq, 0)._replace(committed_at=time.monotonic() - 3.0) for room in "ab"]
        logging.handle(runs if seq > TIMED_EACH else runs[:1])
    timed = [number for number, head in enumerate(heads) if head.published_at_us]
    assert timed == [0, TIMED_EACH], "one room alone, and two that are joined"
    assert all(before_us <= heads[one].published_at_us <= time.time_ns() // 1_000 for one in timed)
    assert sum(logging.times.counts) == sum(delivery.times.counts) == 2 * TIMED_EACH
    assert 3.0 <= logging.times.total / (2 * TIMED_EACH) < 10.0
    logging.handle([run("a", 100, 0)])
    assert sum(logging.times.counts) == 2 * TIMED_EACH, "nobody knows when a dead node committed it"
