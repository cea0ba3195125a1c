"""Readers: each query is answered, by what it found or by an error, and the reader lives on."""

import queue
import threading
import time
from dataclasses import dataclass, replace

import pytest

from chatd.core.deadline import Deadline, SilenceLimit
from chatd.default.rooms.store import GetRoom
from chatd.errors import Internal, RoomNotFound, StoreFailed, TimedOut, Unavailable
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.reader import Reader
from chatd.store.slices import Unfinished
from chatd.store.steady import steady_us
from chatd.store.worker import Completed
from tests.store.driver import Store


@dataclass(frozen=True, slots=True)
class Rows(Query[list[tuple[object, ...]]]):
    """The rows of any statement."""

    sql: str

    def answer(self, database: Database) -> list[tuple[object, ...]]:
        return database.rows(self.sql)


@dataclass(frozen=True, slots=True)
class Faulty(Query[None]):
    """A query with a programming error."""

    def answer(self, database: Database) -> None:
        raise ZeroDivisionError("by nought")


def test_a_refusal_is_the_answer(store: Store) -> None:
    with pytest.raises(RoomNotFound):
        store.ask(GetRoom("nowhere"))
    assert store.ask(Rows("SELECT 1")) == [(1,)]


def test_a_fault_in_a_query_is_its_own_answer_and_the_reader_lives_on(store: Store) -> None:
    with pytest.raises(Internal, match=r"ZeroDivisionError$"):
        store.ask(Faulty())
    assert store.ask(Rows("SELECT 1")) == [(1,)]


def test_a_statement_that_the_database_refuses_is_an_error_and_the_next_query_is_answered(
    store: Store,
) -> None:
    with pytest.raises((StoreFailed, Unavailable)):
        store.ask(Rows("SELECT no_such_column FROM room"))
    assert store.ask(Rows("SELECT room_id FROM room")) == [("r",)]


def test_a_query_sees_everything_that_was_committed_before_it_was_asked(store: Store) -> None:
    for number in range(20):
        store.open("bob", f"d{number}")
        assert store.ask(Rows("SELECT COUNT(*) FROM device")) == [(number + 1,)]


def test_a_reader_whose_connection_has_ended_gets_a_new_one_unnoticed(
    nodes: tuple[Store, Store], postgres_uri: str
) -> None:
    store, _ = nodes
    ((own,),) = store.ask(Rows("SELECT pg_backend_pid()"))
    killer = Database(postgres_uri)
    with killer.connection(readonly=True):
        assert killer.rows("SELECT pg_terminate_backend(?, 5000)", (own,)) == [(True,)]
    ((other,),) = store.ask(Rows("SELECT pg_backend_pid()"))
    assert other != own


@dataclass(frozen=True, slots=True)
class Counting(Query[int]):
    """A question that is answered in slices: it counts to ``end``, one in each."""

    end: int
    slices: list[int]
    at: int = 0

    def answer(self, database: Database) -> int:
        self.slices.append(self.at)
        if self.at == self.end:
            return self.at
        raise Unfinished(replace(self, at=self.at + 1))


def test_a_question_that_takes_long_is_answered_in_slices(store: Store) -> None:
    slices: list[int] = []
    assert store.ask(Counting(5, slices)) == 5
    assert slices == [0, 1, 2, 3, 4, 5]


@dataclass(frozen=True, slots=True)
class Slow(Query[str]):
    """A question that takes so long."""

    name: str
    seconds: float

    def answer(self, database: Database) -> str:
        time.sleep(self.seconds)
        return self.name


def test_a_reader_is_shared_by_time_and_a_slice_is_no_better_than_a_question(db_uri: str) -> None:
    """Ann asks ten cheap questions, while ben's dear ones and eve's, in slices, wait."""
    answers: list[object] = []
    done = threading.Event()
    database = Database(db_uri)

    def deliver(batch: list[Completed]) -> None:
        for one in batch:
            assert one.on_result is not None
            one.on_result(one.result)

    reader = Reader(database, deliver, max_batch=1)
    for number in range(3):
        reader.submit(Slow(f"ben{number}", 0.25), answers.append, "ben")
    reader.submit(Slices("eve", 0.25, 3), answers.append, "eve")
    for number in range(10):
        reader.submit(Slow(f"ann{number}", 0.001), answers.append, "ann")
    reader.submit(Slow("", 0.0), lambda _: done.set(), "last")
    reader.start()
    assert done.wait(20)
    reader.stop()
    cheap = [answers.index(f"ann{number}") for number in range(10)]
    assert cheap == sorted(cheap)
    assert cheap[-1] <= 10, f"at most one dear question is before her last one: {answers}"
    assert answers[-1] in ("ben2", "eve")


@dataclass(frozen=True, slots=True)
class Slices(Query[str]):
    """A question of so many slices, each of which takes so long."""

    name: str
    seconds: float
    left: int

    def answer(self, database: Database) -> str:
        time.sleep(self.seconds)
        if self.left == 1:
            return self.name
        raise Unfinished(replace(self, left=self.left - 1))


def test_nothing_more_is_read_of_a_question_whose_time_is_up(store: Store) -> None:
    slices: list[int] = []
    deadline = Deadline(steady_us() + 200_000, SilenceLimit(2**62))
    answer: queue.SimpleQueue[object] = queue.SimpleQueue()

    @dataclass(frozen=True, slots=True)
    class Endless(Query[None]):
        def answer(self, database: Database) -> None:
            slices.append(1)
            time.sleep(0.01)
            raise Unfinished(self)

    store.reader.submit(Endless(), answer.put, "ben", deadline)
    assert isinstance(answer.get(timeout=20), TimedOut)
    assert 1 <= len(slices) <= 30
