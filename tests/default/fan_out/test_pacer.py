"""FanOutPacer: at once after a quiet moment, together under load, urgent without waiting; nothing
lost, a room's order kept."""

from collections.abc import Callable, Sequence

from chatd.core.model import CommittedRun, Members
from chatd.core.priority import URGENT
from chatd.default.fan_out.pacer import DELIVERY_SECONDS, JOINED_BYTES, JOINED_EVENTS, FanOutPacer

EVERYBODY = Members("r", 1, frozenset({"a", "b"}))
OTHERS = Members("r", 2, frozenset({"a"}))


class Stage:
    """FanOutPacer with a clock of the test's own; each event goes to ``devices``."""

    def __init__(self, *, longest: float = 0.01, devices: int = 1_000) -> None:
        self.now = 0.0
        self.emitted: list[list[tuple[str, int, int]]] = []
        self.records: list[bytes] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self._published = 0
        self._devices = devices
        self.gathering = FanOutPacer(
            self._emit,
            published=lambda: self._published,
            now=lambda: self.now,
            later=self._later,
            longest=longest,
        )

    def _emit(self, runs: Sequence[CommittedRun]) -> None:
        self.emitted.append([(run.room_id, run.first_seq, run.last_seq) for run in runs])
        self.records += [run.records for run in runs]
        self._published += sum(run.last_seq - run.first_seq + 1 for run in runs) * self._devices

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, act))

    def commit(self, *runs: CommittedRun) -> None:
        self.gathering.handle(runs)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [act for at, act in self.timers if at <= self.now]
        self.timers = [(at, act) for at, act in self.timers if at > self.now]
        for act in due:
            act()


def run(
    first: int, last: int, *, room: str = "r", members: Members = EVERYBODY, priority: int = 0, size: int = 1
) -> CommittedRun:
    return CommittedRun(room, first, last, bytes([first % 256]) * size, members, priority)


def test_after_a_quiet_moment_events_go_at_once() -> None:
    stage = Stage()
    for number in range(1, 4):
        stage.commit(run(number, number))
        stage.pass_time(0.011)
    assert stage.emitted == [[("r", 1, 1)], [("r", 2, 2)], [("r", 3, 3)]]


def test_what_comes_while_the_last_fan_out_is_passed_on_goes_as_one() -> None:
    stage = Stage()
    stage.commit(run(1, 1))
    for number in range(2, 6):
        stage.commit(run(number, number))
        stage.commit(run(number - 1, number - 1, room="s"))
    assert stage.emitted == [[("r", 1, 1)]]
    stage.pass_time(1_000 * DELIVERY_SECONDS)
    assert stage.emitted[1:] == [[("r", 2, 5), ("s", 1, 4)]]
    assert stage.records[1] == bytes([2, 3, 4, 5])


def test_few_deliveries_hold_nothing_up() -> None:
    stage = Stage(devices=10)
    stage.commit(run(1, 1))
    stage.pass_time(10 * DELIVERY_SECONDS)
    stage.commit(run(2, 2))
    assert len(stage.emitted) == 2


def test_the_wait_is_bounded_and_can_be_turned_off() -> None:
    stage = Stage(devices=10**6)
    stage.commit(run(1, 1))
    stage.commit(run(2, 2))
    stage.pass_time(0.01)
    assert len(stage.emitted) == 2
    stage = Stage(longest=0.0, devices=10**6)
    stage.commit(run(1, 1))
    stage.commit(run(2, 2))
    assert len(stage.emitted) == 2


def test_the_urgent_do_not_wait_and_take_along_what_was_before_them() -> None:
    stage = Stage()
    stage.commit(run(1, 1))
    stage.commit(run(2, 2))
    stage.commit(run(3, 3, priority=URGENT))
    assert stage.emitted == [[("r", 1, 1)], [("r", 2, 3)]]
    stage.pass_time(1.0)
    assert len(stage.emitted) == 2


def test_runs_for_other_people_or_too_large_together_stay_apart_and_in_order() -> None:
    stage = Stage()
    stage.commit(run(1, 1))
    stage.commit(
        run(2, 2),
        run(3, 3, members=OTHERS),
        run(4, 4, members=OTHERS),
        run(5, 4 + JOINED_EVENTS, members=OTHERS),
    )
    stage.commit(run(5 + JOINED_EVENTS, 5 + JOINED_EVENTS, members=OTHERS, size=JOINED_BYTES))
    stage.gathering.release()
    last = JOINED_EVENTS + 5
    assert stage.emitted[1:] == [[("r", 2, 2)], [("r", 3, 4)], [("r", 5, last - 1)], [("r", last, last)]]
