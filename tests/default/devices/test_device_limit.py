"""Newcomers of full profiles: each takes another device's place, or is refused; everybody else in
the same call is served."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatd.core.deadline import Deadline, SilenceLimit
from chatd.core.ids import topic_of
from chatd.core.online import OnlineTable
from chatd.core.start import HEAD
from chatd.default.answer import CallStore
from chatd.default.devices import store as devices_store
from chatd.default.devices.device_limit import CONNECTED_KNOWN_SECONDS, MAX_ATTEMPTS, DeviceLimit, Opened
from chatd.default.devices.model import DeviceHello, Registered
from chatd.default.devices.replacement import FindReplaceable
from chatd.default.devices.store import OpenStreams
from chatd.errors import Overtaken, TooManyDevices, Unavailable
from chatd.store.command import Query
from tests.store.driver import DirectAccess, Store

MOST = 3
DEADLINE = Deadline(2**62, SilenceLimit(2**62))
LONG_US = 60_000_000


class Rig:
    """A limit of MOST devices on a store that answers at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.access = DirectAccess(store)
        self.online = OnlineTable()
        self.steady = 0.0
        self.told: list[tuple[bytes, int]] = []
        self.limit = DeviceLimit(
            self.online,
            most=MOST,
            tell_epoch=lambda topic, epoch: self.told.append((topic, epoch)),
            clock=lambda: store.now_us,
            steady=lambda: self.steady,
        )
        self.steady = CONNECTED_KNOWN_SECONDS

    def open(self, *devices: str, profile: str = "bob") -> list[object]:
        """The outcome of each: an epoch, or the class of the error."""
        return self.open_all([(profile, device) for device in devices])

    def open_all(self, devices: Sequence[tuple[str, str]], *ordinals: int) -> list[object]:
        outcomes: list[Opened] = []
        store = CallStore(self.access, "", DEADLINE)
        given = ordinals or [0] * len(devices)
        hellos = [DeviceHello(*one, HEAD, ordinal) for one, ordinal in zip(devices, given, strict=True)]
        self.limit.open(store, hellos, outcomes.extend, lambda error: pytest.fail(str(error)))
        return [one.epoch if isinstance(one, Registered) else type(one) for one in outcomes]

    def connect(self, *devices: str) -> None:
        for device in devices:
            self.online.add(topic_of("bob", device))


@pytest.fixture
def rig(store: Store) -> Rig:
    return Rig(store)


def test_newcomers_replace_devices_that_are_away_and_the_rest_is_refused(rig: Rig) -> None:
    assert rig.open("a", "b", "c") == [1, 1, 1]
    rig.store.now_us += LONG_US
    rig.connect("b")
    assert rig.open("d", "e", "f", "g") == [1, 1, TooManyDevices, TooManyDevices]
    assert rig.told == [(topic_of("bob", "a"), 2), (topic_of("bob", "c"), 2)]
    assert rig.limit.replaced.value == 2
    assert rig.open("b", "d", "e", "a") == [2, 2, 2, TooManyDevices]


def test_every_step_has_the_call_s_deadline(rig: Rig) -> None:
    rig.open("a", "b", "c")
    rig.store.now_us += LONG_US
    rig.open("d")
    assert len(rig.access.deadlines) == 3
    assert all(deadline is DEADLINE for deadline in rig.access.deadlines)


def test_three_hundred_hellos_in_one_call_make_no_more_devices(rig: Rig) -> None:
    """And the second call does not replace those of the first: they may be connected by now."""
    names = [f"d{number}" for number in range(300)]
    assert rig.open(*names) == [1] * MOST + [TooManyDevices] * 297
    assert rig.open(*(f"e{number}" for number in range(300))) == [TooManyDevices] * 300
    assert rig.store.database.rows("SELECT COUNT(*) FROM device") == [(MOST,)]


def test_one_profiles_newcomers_refuse_nobody_else(rig: Rig) -> None:
    assert rig.open("a", "b", "c") == [1, 1, 1]
    wanted = [("bob", "d"), ("carol", "d"), ("bob", "a"), ("bob", "e"), ("dave", "d")]
    assert rig.open_all(wanted) == [TooManyDevices, 1, 2, TooManyDevices, 1]


def test_a_late_hello_is_refused_alone_and_a_newcomer_s_ordinal_is_kept(rig: Rig) -> None:
    bob = [("bob", "a"), ("bob", "b"), ("bob", "c")]
    assert rig.open_all(bob, 5, 5, 5) == [1, 1, 1]
    rig.store.now_us += LONG_US
    assert rig.open_all([("bob", "d"), bob[2], ("carol", "d"), bob[1]], 5, 4, 1, 6) == [1, Overtaken, 1, 2]
    assert rig.open_all([("bob", "d")], 4) == [Overtaken]


def test_many_full_profiles_in_one_call(rig: Rig) -> None:
    profiles = [f"p{number}" for number in range(500)]
    full = [(profile, f"d{number}") for profile in profiles for number in range(MOST)]
    assert rig.open_all(full) == [1] * len(full)
    rig.steady = 0.0
    assert rig.open_all([(profile, "new") for profile in profiles]) == [Unavailable] * 500


def test_a_node_that_has_just_started_replaces_nothing(rig: Rig) -> None:
    rig.open("a", "b", "c")
    rig.store.now_us += LONG_US
    rig.steady = CONNECTED_KNOWN_SECONDS - 0.1
    assert rig.open("d", "a") == [Unavailable, 2]
    rig.steady = CONNECTED_KNOWN_SECONDS
    rig.store.now_us += LONG_US
    assert rig.open("d") == [1]


def test_a_newcomer_that_is_always_too_late_is_told_to_try_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device that is found has come back each time."""
    rig.open("a", "b", "c")
    rig.store.now_us += LONG_US
    asked = 0
    ask: Callable[..., None] = rig.access.ask

    def late(query: Query[Any], then: Callable[[Any], None], failed: Any, **asked_by: Any) -> None:
        nonlocal asked
        if isinstance(query, FindReplaceable):
            asked += 1
            then("gone")
        else:
            ask(query, then, failed, **asked_by)

    monkeypatch.setattr(rig.access, "ask", late)
    assert rig.open("d") == [Unavailable]
    assert asked == MAX_ATTEMPTS


def test_devices_that_do_not_fit_one_transaction_are_opened_in_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices_store, "MAX_NEW_ENTRIES", 1)
    wanted = [("bob", "a"), ("alice", "x"), ("bob", "b"), ("bob", "a"), ("bob", "c"), ("bob", "d")]
    assert rig.open_all(wanted) == [1, 1, 1, 2, 1, TooManyDevices]
    assert sum(isinstance(command, OpenStreams) for command in rig.access.commands) == 4
