"""The tables of ``state.py`` against the code: every way through a small stream is walked and
compared."""

import copy
from collections import defaultdict, deque
from collections.abc import Callable
from typing import NamedTuple

from chatd.core.model import Owed, OwedRun, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState, state

WINDOW = 4
IN_FLIGHT = 3  # deliveries; a walk ends beyond
CALLS = ("offer", "fall_behind", "begin_pull", "pulled", "pull_failed", "ack", "acks_written")
FLAGS = ("pulling", "missed", "alone", "again")


class Situation(NamedTuple):
    state: str
    pulling: bool = False
    missed: bool = False
    alone: bool = False
    again: bool = False


Ways = dict[tuple[Situation, str], set[Situation]]


def rows(first_cell: str, columns: int) -> dict[int, dict[str, str]]:
    """The table of the docstring whose header has this second cell: number of the row → header →
    cell."""
    lines = [line for line in (state.__doc__ or "").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(number for number, row in enumerate(cells) if row[:2] == ["#", first_cell])
    header, found = cells[start], dict[int, dict[str, str]]()
    for row in cells[start + 2 :]:
        if not row[0].isdigit():
            break
        found[int(row[0])] = dict(zip(header, row, strict=True))
    assert len(header) == columns
    return found


def situations() -> dict[int, Situation]:
    found = {}
    for number, row in rows("state", 7).items():
        found[number] = Situation(row["state"], *(row[flag] == "yes" for flag in FLAGS))
    return found


def ways_of_the_table() -> Ways:
    by_number, found = situations(), Ways()
    for number, row in rows("offer", 8).items():
        for call in CALLS:
            if row[call]:
                found[by_number[number], call] = {by_number[int(to)] for to in row[call].split()}
    return found


def situation_of(stream: DeviceStream) -> Situation:
    if stream.state is StreamState.CLOSED:
        return Situation("CLOSED")
    pull, redelivery = stream._pull, stream._redelivery
    pulling, missed = pull is not None, pull is not None and pull.missed
    alone, again = redelivery.alone > 0, redelivery.again is not None
    return Situation(stream.state.name, pulling, missed, alone, again)


def offer(behind: int, *, urgent: bool = False, size: int = 1) -> Callable[[DeviceStream], object]:
    """A message of the stream's only room, so many seqs behind the last that was sent."""

    def call(stream: DeviceStream) -> object:
        seq = stream._sent.position("a") + behind
        return stream.offer(Published((Run("a", seq, seq),), 1, b"x" * size, urgent))

    return call


def answer(count: int, *, more: bool = False, alone: bool = False) -> Callable[[DeviceStream], object]:
    """The answer to a pull: so many events, and the failed one if it was asked for."""

    def call(stream: DeviceStream) -> object:
        assert stream._pull is not None
        again, seq = stream._pull.again, stream._sent.position("a")
        runs = [OwedRun(*again, again[1], b"x", again=True)] if again is not None else []
        if count:
            runs.append(OwedRun("a", seq + 1, seq + count, b"x" * count))
        return stream.pulled(Owed(tuple(runs), more=more, alone=alone, cursors={"a": 0}))

    return call


def fail(stream: DeviceStream) -> None:
    stream.oldest_failed(send_again=True)
    stream.pending_acks.take()
    stream.acks_written()


STEPS: tuple[tuple[str, Callable[[DeviceStream], object]], ...] = (
    ("offer", offer(1)),
    ("offer", offer(5)),
    ("offer", offer(5, size=1000)),
    ("offer", offer(1, urgent=True)),
    ("offer", offer(5, urgent=True)),
    ("fall_behind", DeviceStream.fall_behind),
    ("begin_pull", DeviceStream.begin_pull),
    ("pulled", answer(0)),
    ("pulled", answer(1)),
    ("pulled", answer(0, more=True)),
    ("pulled", answer(1, more=True)),
    ("pulled", answer(1, more=True, alone=True)),
    ("pull_failed", DeviceStream.pull_failed),
    ("ack", lambda stream: stream.ack(stream.window.acked + 1)),
    ("ack", lambda stream: stream.ack(stream.window.sent)),
    ("acks_written", fail),
)


def is_possible(call: str, stream: DeviceStream) -> bool:
    """False for calls that a driver does not make."""
    if call in ("pulled", "pull_failed"):
        return stream._pull is not None
    return call != "ack" or not stream.window.empty


def details_of(stream: DeviceStream) -> object:
    """Everything that may make a difference to what follows."""
    pull, redelivery, window = stream._pull, stream._redelivery, stream.window
    asked = None
    if pull is not None:
        asked = (pull.again is not None, pull.again == redelivery.again, pull.urgent_only)
    urgent = (stream._urgent_owed, stream.wants_pull)
    in_flight = (window.sent - window.acked, redelivery.alone, redelivery.again == window.oldest)
    return situation_of(stream), asked, urgent, in_flight


def ways_of_the_code() -> Ways:
    first = DeviceStream(StreamKey("p", "d", 1), window_messages=WINDOW, window_bytes=100)
    seen, waiting, found = (
        {details_of(first)},
        deque([first]),
        defaultdict[tuple[Situation, str], set[Situation]](set),
    )
    while waiting:
        stream = waiting.popleft()
        before = situation_of(stream)
        for call, step in STEPS:
            if not is_possible(call, stream):
                continue
            after = copy.deepcopy(stream)
            step(after)
            if situation_of(after) != before:
                found[before, call].add(situation_of(after))
            if after.window.sent - after.window.acked <= IN_FLIGHT and details_of(after) not in seen:
                seen.add(details_of(after))
                waiting.append(after)
    return dict(found)


def described(ways: Ways) -> set[str]:
    """A line for each way: from where, by which call, to where."""

    def name(situation: Situation) -> str:
        flags = [flag for flag, is_set in zip(FLAGS, situation[1:], strict=True) if is_set]
        return " ".join([situation.state, *flags])

    single = [(here, call, there) for (here, call), targets in ways.items() for there in targets]
    return {f"{name(here)}: {call} → {name(there)}" for here, call, there in single}


def test_the_code_goes_the_ways_of_the_table_and_all_of_them() -> None:
    table, code = described(ways_of_the_table()), described(ways_of_the_code())
    assert code - table == set(), "the code does what the table does not say"
    assert table - code == set(), "the table says what never happens"


def test_every_situation_but_the_closed_one_is_passed_through() -> None:
    passed = {situation for situation, _ in ways_of_the_code()}
    assert passed == set(situations().values()) - {Situation("CLOSED")}


def test_every_stream_can_be_closed_and_a_closed_one_stays_so() -> None:
    stream = DeviceStream(StreamKey("p", "d", 1), window_messages=WINDOW, window_bytes=100)
    for prepare in (
        DeviceStream.begin_pull,
        answer(1),
        fail,
        DeviceStream.begin_pull,
        DeviceStream.fall_behind,
    ):
        prepare(stream)
        closed = copy.deepcopy(stream)
        closed.close()
        closed.close()
        closed.ack(closed.window.sent)
        closed.acks_written()
        assert not closed.offer(Published((Run("a", 2, 2),), 1, b"x"))
        assert closed.begin_pull() is None
        assert situation_of(closed) == Situation("CLOSED")


def test_the_transitions_are_those_of_the_table() -> None:
    by_state = {(situation.state, "CLOSED") for situation in situations().values()}
    for (here, _), targets in ways_of_the_table().items():
        by_state |= {(here.state, there.state) for there in targets}
    transitions = {(before.name, after.name) for (before, _), after in state.TRANSITIONS.items()}
    assert by_state == transitions
