"""Signals between being said and being published: gathered, coalesced, bounded; typing goes
first."""

from collections.abc import Sequence

import pytest

from chatd.core.ids import SIGNALS, topic_of
from chatd.core.model import Members
from chatd.core.online import OnlineTable
from chatd.default.signals import signals as module
from chatd.default.signals.signals import Signals
from chatd.pb.events.v1.signals_pb2 import ReadReceipt, Signal
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

ROOM = Members("r", 1, frozenset({"alice", "bob", "carol"}))


class Rig:
    def __init__(self) -> None:
        self.busy = False
        self.told: list[tuple[bytes, list[Signal]]] = []
        self.signals = Signals(OnlineTable(SIGNALS), self.publish, busy=lambda: self.busy, flush=0.05)

    def publish(self, topics: Sequence[bytes], body: bytes) -> None:
        self.told += [(topic, list(ServerFrame.FromString(body).signals)) for topic in topics]

    def come(self, *devices: tuple[str, str]) -> None:
        for device in devices:
            assert self.signals.online.add(topic_of(*device, SIGNALS))

    def flush(self) -> dict[str, list[str]]:
        """Topic → kinds told."""
        self.signals.flush()
        told, self.told = self.told, []
        return {
            topic[:-1].decode(): [str(one.WhichOneof("kind")) for one in signals] for topic, signals in told
        }


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.come(("alice", "a1"), ("alice", "a2"), ("bob", "b"), ("dave", "d"))
    return made


def test_typing_is_told_to_the_rooms_other_members(rig: Rig) -> None:
    rig.signals.typing(ROOM, "alice", True)
    assert rig.flush() == {"bob:b": ["typing"]}
    assert rig.flush() == {}, "once"


def test_a_receipt_is_told_to_all_devices_but_its_own(rig: Rig) -> None:
    rig.signals.delivered(ROOM, "alice", "a1", 1, 7)
    rig.signals.flush()
    told = {topic[:-1].decode(): [one.delivered for one in signals] for topic, signals in rig.told}
    assert told.keys() == {"alice:a2", "bob:b"}
    (own,), (other,) = told["alice:a2"], told["bob:b"]
    assert (own.device_id, other.device_id) == ("a1", ""), "devices are named to their own profile alone"
    assert (own.first_seq, own.seq) == (other.first_seq, other.seq) == (1, 7)


def test_a_marker_is_told_to_the_profiles_other_devices_whatever_the_room(rig: Rig) -> None:
    rig.signals.read(None, ReadReceipt(room_id="r", profile_id="alice", seq=3), "a1")
    assert rig.flush() == {"alice:a2": ["read"]}
    rig.signals.read(ROOM, ReadReceipt(room_id="r", profile_id="alice", seq=3), "")
    assert rig.flush() == {"alice:a1": ["read"], "alice:a2": ["read"], "bob:b": ["read"]}
    rig.come(("eve", "e"))
    rig.signals.read(ROOM, ReadReceipt(room_id="r", profile_id="eve", seq=3), "")
    assert rig.flush() == {"eve:e": ["read"]}, "a room is told nothing of a profile that has left"


def test_blocks_are_told_to_own_devices_each_profile_for_itself(rig: Rig) -> None:
    rig.signals.block("alice", ("bob", "dave"), True)
    rig.signals.block("alice", ("bob",), False)
    rig.signals.flush()
    assert {topic[:-1] for topic, _ in rig.told} == {b"alice:a1", b"alice:a2"}
    for _, signals in rig.told:
        assert {one.block.profile_id: one.block.blocked for one in signals} == {"bob": False, "dave": True}


def test_the_newest_of_each_is_told_in_one_message(rig: Rig) -> None:
    for seq in range(1, 50):
        rig.signals.delivered(ROOM, "alice", "a1", 1, seq)
        rig.signals.typing(ROOM, "alice", seq % 2 == 0)
    rig.signals.flush()
    (signals,) = (signals for topic, signals in rig.told if topic.startswith(b"bob:"))
    assert [one.delivered.seq for one in signals if one.HasField("delivered")] == [49]
    assert [one.typing.typing for one in signals if one.HasField("typing")] == [False]
    assert len(rig.told) == 2


def test_typing_is_dropped_first(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    for number in range(20):
        rig.signals.typing(Members(f"r{number}", 1, ROOM.profiles), "alice", True)
    assert rig.signals.dropped.value == 15
    for number in range(20):
        rig.signals.delivered(Members(f"r{number}", 1, ROOM.profiles), "alice", "a1", 1, 1)
    assert rig.signals.dropped.value == 15 + 15
    rig.signals.delivered(Members("r0", 1, ROOM.profiles), "alice", "a1", 1, 2)
    assert rig.signals.dropped.value == 30, "the newer of what waits takes its place"
    told = rig.flush()
    assert sorted(told["bob:b"]) == ["delivered"] * 5 + ["typing"] * 5


def test_nothing_but_receipts_when_there_is_more_important_work(rig: Rig) -> None:
    rig.busy = True
    rig.signals.typing(ROOM, "alice", True)
    rig.signals.delivered(ROOM, "alice", "a1", 1, 7)
    assert rig.flush() == {"alice:a2": ["delivered"], "bob:b": ["delivered"]}
    assert rig.signals.dropped.value == 1


def test_who_did_not_ask_is_not_told() -> None:
    rig = Rig()
    assert not rig.signals.wanted
    rig.signals.typing(ROOM, "alice", True)
    assert rig.flush() == {}
    rig.come(("bob", "b"))
    assert rig.signals.wanted
    rig.signals.online.remove(topic_of("bob", "b", SIGNALS))
    assert not rig.signals.wanted


def test_two_stretches_of_one_device_are_both_told(rig: Rig) -> None:
    rig.signals.delivered(ROOM, "alice", "a1", 1, 2)
    rig.signals.delivered(ROOM, "alice", "a1", 4, 5)
    rig.signals.delivered(ROOM, "alice", "a1", 4, 6)
    rig.signals.flush()
    (signals,) = (signals for topic, signals in rig.told if topic.startswith(b"bob:"))
    assert [(one.delivered.first_seq, one.delivered.seq) for one in signals] == [(1, 2), (4, 6)]
