from chatd.core.outage import FIRST_PAUSE, LONGEST_PAUSE, OneCause, Outage
from chatd.errors import Unavailable


class Kept:
    """A log that keeps what it is told, and a clock that stands."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    info = warning


def outage() -> tuple[Kept, Outage]:
    kept = Kept()
    return kept, Outage(kept, "fails", "works", now=lambda: kept.now)


def test_a_line_at_each_end() -> None:
    log, one = outage()
    for second in range(28):
        log.now = float(second)
        one.failed(Unavailable("away"), streams=2)
    assert one.since == 0
    one.worked()
    one.worked()
    assert one.since is None
    assert log.lines == [
        ("fails", {"error": "away", "code": 501, "streams": 2}),
        ("works", {"after_seconds": 27.0, "failures": 28}),
    ]


def test_what_lasts_is_said_ever_more_rarely() -> None:
    log, one = outage()
    day = 86_400
    for second in range(day):
        log.now = float(second)
        one.failed(Unavailable("away"))
    assert log.lines[1] == (
        "fails",
        {"error": "away", "code": 501, "for_seconds": FIRST_PAUSE, "failures": FIRST_PAUSE + 1},
    )
    assert len(log.lines) < day / LONGEST_PAUSE + 10


def test_what_comes_and_goes_is_not_said_each_time() -> None:
    log, one = outage()
    for tenth in range(100):
        log.now = tenth / 10
        one.failed(Unavailable("away"))
        one.worked()
    assert [event for event, _ in log.lines] == ["fails", "works"]


def test_what_works_is_not_said() -> None:
    log, one = outage()
    one.worked()
    assert log.lines == []


def test_the_end_says_what_it_is_given() -> None:
    log, one = outage()
    one.failed(Unavailable("away"))
    one.worked(waiting=7)
    assert log.lines[-1] == ("works", {"after_seconds": 0.0, "failures": 1, "waiting": 7})


def test_one_cause_is_said_once() -> None:
    log, cause = Kept(), OneCause()
    writes, reads = (
        Outage(log, f"{what} fail", f"{what} work", now=lambda: log.now, cause=cause)
        for what in ("writes", "reads")
    )
    for second in range(5):
        log.now = float(second)
        reads.failed(Unavailable("away"))
        writes.failed(Unavailable("away"))
    assert writes.since == reads.since == 0
    writes.worked()
    reads.worked()
    assert [event for event, _ in log.lines] == ["reads fail", "reads work"]
    log.now = 1_000.0
    reads.failed(Unavailable("away"))
    writes.failed(Unavailable("full"))
    reads.worked()
    log.now += 1
    writes.failed(Unavailable("full"))
    writes.worked()
    assert [event for event, _ in log.lines][2:] == ["reads fail", "reads work", "writes fail", "writes work"]
