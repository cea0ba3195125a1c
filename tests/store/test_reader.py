"""Readers: each query is answered, by what it found or by an error, and the reader lives on."""

from dataclasses import dataclass

import pytest

from chatd.default.rooms.store import GetRoom
from chatd.errors import Internal, RoomNotFound, StoreFailed, Unavailable
from chatd.store.command import Query
from chatd.store.database import Database
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
