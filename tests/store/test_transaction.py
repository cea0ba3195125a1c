"""Locks of a transaction."""

import pytest

from chatd.store.command import Locks
from chatd.store.transaction import Transaction
from tests.store.driver import Store


def test_code_that_relies_on_a_lock_notices_that_it_is_not_held(store: Store) -> None:
    with store.database.connection(readonly=False):
        transaction = Transaction(store.database, store.members, 1)
        transaction.lock([Locks(profiles=("p",))])
        transaction.must_hold(profile_id="p")
        with pytest.raises(AssertionError, match="profile"):
            transaction.must_hold(profile_id="q")
        with pytest.raises(AssertionError, match="notifications"):
            transaction.must_hold(notifications=True)
