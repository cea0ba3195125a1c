"""The checker is itself tested: a healthy history passes, and each planted fault is caught by its own letter."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.checker import Verdict, check
from tests.chaos.history import Fault, History, Invoke, Member, Ok, Record, Shown, Unknown, parse

ROOMS = ["a", "b"]
PROFILES = ["ann", "bob", "cyd"]


class World:
    """A history to be damaged, the log, and who is owed what."""

    def __init__(self, dice: random.Random) -> None:
        self.records: list[Record] = []
        self.log: dict[str, dict[int, str]] = {room: {} for room in ROOMS}
        self.devices = {(profile, device): dict.fromkeys(ROOMS, 1) for profile in PROFILES for device in ("x", "y")}
        self._time = 0.0
        members = {room: set(PROFILES[:2]) for room in ROOMS}
        for room in ROOMS:
            self._change(room, "joined", PROFILES[:2], members[room])
        for op in range(40):
            room = dice.choice(ROOMS)
            if op == 12:
                members["a"].add("cyd")
                self._change("a", "joined", ["cyd"], members["a"])
            if op == 28:
                self._change("a", "left", ["cyd"], members["a"])
                members["a"].discard("cyd")
            invoke = Invoke(self._now(), op, "ann", room, f"e{op}", op * 7)
            self.records.append(invoke)
            if op == 33:
                self.records.append(Unknown(self._now(), op))  # not stored
                continue
            seq = len(self.log[room]) + 1
            self.log[room][seq] = invoke.event_id
            self.records.append(Unknown(self._now(), op) if op == 20 else Ok(self._now(), op, seq))
            self._show(room, seq, invoke.event_id, invoke.body, members[room], repeat=op % 9 == 0)
        self.records.append(Fault(self._now(), "kill", "default0"))

    def _now(self) -> float:
        self._time += 1.0
        return self._time

    def _change(self, room: str, change: str, profiles: list[str], seen_by: set[str]) -> None:
        seq = len(self.log[room]) + 1
        self.log[room][seq] = f"m-{room}-{seq}"
        self.records += [Member(self._now(), change, room, profile, seq) for profile in profiles]
        self._show(room, seq, f"m-{room}-{seq}", 1, seen_by, repeat=False)

    def _show(self, room: str, seq: int, event_id: str, body: int, members: set[str], *, repeat: bool) -> None:
        for profile, device in self.devices:
            if profile in members:
                for again in [False, True][: 1 + repeat]:
                    self.records.append(Shown(self._now(), profile, device, room, seq, event_id, body, again, 0))

    def check(self) -> Verdict:
        return check(self.records, self.log, self.devices)

    def shown(self, profile: str = "bob", device: str = "x", room: str = "a") -> list[int]:
        """Where in the history a device was shown a room's events."""
        return [
            index
            for index, record in enumerate(self.records)
            if isinstance(record, Shown) and record[1:4] == (profile, device, room) and not record.repeat
        ]


@pytest.fixture
def world() -> World:
    return World(random.Random(1))


def test_a_healthy_history_passes(world: World) -> None:
    verdict = world.check()
    assert verdict.passed, verdict.violations
    assert (verdict.operations, verdict.acked, verdict.unknown, verdict.faults) == (40, 38, 2, {"kill": 1})
    assert verdict.checked > 150
    assert verdict.repeats > 0


def lose_one(world: World) -> None:
    del world.records[world.shown()[5]]


def lose_the_tail(world: World) -> None:
    del world.records[world.shown()[-1]]


def duplicate(world: World) -> None:
    index = world.shown()[3]
    world.records.insert(index + 1, world.records[index])


def swap(world: World) -> None:
    first, second = world.shown()[3:5]
    world.records[first], world.records[second] = world.records[second], world.records[first]


def leak_before_joining(world: World) -> None:
    record = world.records[world.shown()[2]]
    assert isinstance(record, Shown)
    world.records.append(record._replace(profile="cyd"))


def leak_after_leaving(world: World) -> None:
    record = world.records[world.shown()[-1]]
    assert isinstance(record, Shown)
    world.records.append(record._replace(profile="cyd"))


def leak_to_a_stranger(world: World) -> None:
    record = world.records[world.shown()[2]]
    assert isinstance(record, Shown)
    world.records.append(record._replace(profile="eve"))


def invent(world: World) -> None:
    record = world.records[world.shown()[4]]
    assert isinstance(record, Shown)
    world.records[world.shown()[4]] = record._replace(event_id="nobody's")


def forget_an_acknowledged_event(world: World) -> None:
    last = max(world.log["a"])
    event_id = world.log["a"].pop(last)
    world.records = [record for record in world.records if not (isinstance(record, Shown) and record.event_id == event_id)]


def store_twice(world: World) -> None:
    world.log["a"][max(world.log["a"]) + 1] = world.log["a"][5]


def change_a_body(world: World) -> None:
    index = next(index for index in world.shown() if not getattr(world.records[index], "event_id").startswith("m-"))  # noqa: B009
    record = world.records[index]
    assert isinstance(record, Shown)
    world.records[index] = record._replace(body=record.body + 1)


def acknowledge_elsewhere(world: World) -> None:
    index = next(index for index, record in enumerate(world.records) if isinstance(record, Ok))
    record = world.records[index]
    assert isinstance(record, Ok)
    world.records[index] = record._replace(seq=record.seq + 1)


def turn_time_round(world: World) -> None:
    """The first send of a room is said to have begun after all others were acknowledged."""
    index = next(index for index, record in enumerate(world.records) if isinstance(record, Invoke) and record.op == 0)
    record = world.records[index]
    assert isinstance(record, Invoke)
    ok = next(index for index, record in enumerate(world.records) if isinstance(record, Ok) and record.op == 0)
    world.records[index] = record._replace(t=1e6)
    world.records[ok] = world.records[ok]._replace(t=1e6 + 1)


@pytest.mark.parametrize(
    ("damage", "letter"),
    [
        (lose_one, "L"),
        (lose_the_tail, "L"),
        (duplicate, "D"),
        (swap, "O"),
        (leak_before_joining, "X"),
        (leak_after_leaving, "X"),
        (leak_to_a_stranger, "X"),
        (invent, "U"),
        (forget_an_acknowledged_event, "L"),
        (store_twice, "V"),
        (change_a_body, "V"),
        (acknowledge_elsewhere, "V"),
        (turn_time_round, "RT"),
    ],
)
def test_each_planted_fault_is_caught(world: World, damage: Callable[[World], None], letter: str) -> None:
    damage(world)
    verdict = world.check()
    assert verdict.counts[letter], verdict.violations


def test_a_marker_excuses_what_it_covers_and_no_more(world: World) -> None:
    world.records = [record for record in world.records if not (isinstance(record, Shown) and record.repeat)]
    indexes = world.shown()[5:8]
    last = world.records[indexes[-1]]
    first = world.records[indexes[0]]
    assert isinstance(last, Shown)
    assert isinstance(first, Shown)
    world.records[indexes[-1]] = last._replace(event_id="", body=0, marker=first.seq)
    for index in reversed(indexes[:-1]):
        del world.records[index]
    assert world.check().passed
    del world.records[world.shown()[4]]
    assert world.check().counts["L"] == 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), choice=st.integers(0, 10_000), how=st.sampled_from(["lose", "duplicate", "swap"]))
def test_no_damage_to_what_was_shown_goes_unseen(seed: int, choice: int, how: str) -> None:
    world = World(random.Random(seed))
    assert world.check().passed
    shown = world.shown(*random.Random(choice).choice([("bob", "x", "a"), ("ann", "y", "b"), ("bob", "y", "b")]))
    place = choice % (len(shown) - 1)
    if how == "lose":
        del world.records[shown[place]]
    elif how == "duplicate":
        world.records.insert(shown[place], world.records[shown[place]])
    else:
        first, second = shown[place], shown[place + 1]
        world.records[first], world.records[second] = world.records[second], world.records[first]
    assert not world.check().passed


def test_a_history_survives_being_written_down(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("history") / "h.jsonl"
    with path.open("w") as file:
        history = History(file)
        for record in world.records:
            history.add(record)
    assert list(parse(path.read_text().splitlines())) == world.records
