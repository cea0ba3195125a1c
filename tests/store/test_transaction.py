"""The locks that a transaction takes for all its commands."""

import pytest

from chatd.store.command import Locks
from chatd.store.transaction import Transaction
from tests.store.driver import Store


def test_profiles_that_are_locked_exist(store: Store) -> None:
    with store.database.connection(readonly=False):
        Transaction(store.database, store.members, 1).lock(
            [Locks(profiles=("new", "alice")), Locks(profiles=("new",))]
        )
        assert store.database.rows("SELECT profile_id FROM profile ORDER BY profile_id") == [
            ("alice",),
            ("bob",),
            ("new",),
        ]


def test_code_that_relies_on_a_lock_notices_that_it_is_not_held(store: Store) -> None:
    with store.database.connection(readonly=False):
        transaction = Transaction(store.database, store.members, 1)
        transaction.lock([Locks(profiles=("p",))])
        transaction.must_hold(profile_id="p")
        with pytest.raises(AssertionError, match="profile"):
            transaction.must_hold(profile_id="q")
        with pytest.raises(AssertionError, match="notifications"):
            transaction.must_hold(notifications=True)
