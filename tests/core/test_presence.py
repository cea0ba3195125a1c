"""Presence: the most reachable device counts, a quick reconnect is not seen, only settled changes
are told."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.ids import topic_of
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.pb.events.v1.signals_pb2 import PresenceState

OFFLINE, AWAY = PresenceState.PRESENCE_STATE_OFFLINE, PresenceState.PRESENCE_STATE_AWAY
BUSY, ONLINE = PresenceState.PRESENCE_STATE_BUSY, PresenceState.PRESENCE_STATE_ONLINE
GRACE, SETTLE = 10.0, 0.5


class Rig:
    def __init__(self) -> None:
        self.online = OnlineTable()
        self.board = PresenceBoard(self.online, grace=GRACE, settle=SETTLE)
        self.now = 100.0

    def come(self, device: str, profile: str = "bob") -> None:
        self.online.add(topic_of(profile, device))
        self.board.changed(profile, self.now)

    def go(self, device: str, profile: str = "bob") -> None:
        self.online.remove(topic_of(profile, device))
        self.board.changed(profile, self.now)

    def after(self, seconds: float) -> list[tuple[str, PresenceState]]:
        self.now += seconds
        return self.board.settled(self.now)


def test_who_is_watched_is_told_at_once_and_then_of_changes() -> None:
    rig = Rig()
    assert rig.board.watch("bob") == OFFLINE
    rig.come("phone")
    assert rig.after(SETTLE / 2) == []
    assert rig.after(SETTLE) == [("bob", ONLINE)]
    assert rig.after(GRACE) == []
    assert rig.board.watch("bob") == ONLINE, "another gateway"


def test_the_most_reachable_device_counts() -> None:
    rig = Rig()
    rig.come("phone")
    rig.come("tablet")
    rig.board.state("bob", "phone", AWAY, rig.now)
    assert rig.board.now_of("bob") == ONLINE
    rig.board.state("bob", "tablet", BUSY, rig.now)
    assert rig.board.now_of("bob") == BUSY
    rig.go("tablet")
    assert rig.board.now_of("bob") == AWAY
    rig.board.state("bob", "phone", BUSY, rig.now)
    rig.board.clear_state("bob", "phone", AWAY, rig.now)
    assert rig.board.now_of("bob") == BUSY, "the new is said before the old is taken back"
    rig.board.clear_state("bob", "phone", BUSY, rig.now)
    assert rig.board.now_of("bob") == ONLINE


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    rig = Rig()
    rig.come("phone")
    assert rig.board.watch("bob") == ONLINE
    rig.go("phone")
    assert rig.after(GRACE - 1) == []
    rig.come("phone")
    assert rig.after(SETTLE) == []
    rig.go("phone")
    assert rig.board.known_of("bob") == ONLINE
    assert rig.after(GRACE) == [("bob", OFFLINE)]


def test_who_is_not_watched_costs_nothing() -> None:
    rig = Rig()
    rig.come("phone")
    assert rig.after(1) == []
    rig.board.watch("bob")
    rig.board.watch("bob")
    rig.board.unwatch("bob")
    rig.go("phone")
    assert rig.after(GRACE) == [("bob", OFFLINE)], "one of two still watches"
    rig.board.unwatch("bob")
    rig.come("phone")
    assert rig.after(1) == []
    assert rig.board.known_of("bob") == ONLINE
    assert (rig.board._told, rig.board._due, rig.board._watched) == ({}, {}, {})


actions = st.lists(
    st.tuples(st.sampled_from(["come", "go", "away", "back", "wait", "long"]), st.sampled_from(["a", "b"])),
    max_size=40,
)


@given(actions)
def test_what_was_told_is_what_is_once_all_is_quiet(steps: list[tuple[str, str]]) -> None:
    rig = Rig()
    told = [rig.board.watch("bob")]
    away: set[str] = set()
    for step, device in steps:
        if step == "come" and topic_of("bob", device) not in rig.online:
            rig.come(device)
        elif step == "go" and topic_of("bob", device) in rig.online:
            rig.go(device)
        elif step == "away" and device not in away:
            away.add(device)
            rig.board.state("bob", device, AWAY, rig.now)
        elif step == "back" and device in away:
            away.remove(device)
            rig.board.clear_state("bob", device, AWAY, rig.now)
        else:
            told += [state for _, state in rig.after(GRACE + 1 if step == "long" else 0.3)]
    told += [state for _, state in rig.after(GRACE + 1)]
    assert told[-1] == rig.board.now_of("bob")
    assert all(one != other for one, other in pairwise(told)), "nothing is told twice"
    for device in away:
        rig.board.clear_state("bob", device, AWAY, rig.now)
    assert rig.board._states == {}
