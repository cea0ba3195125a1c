"""The failures of a device as its pulls see them."""

from chatd.core.model import StreamKey
from tests.store.driver import Store, failed, owed_deliveries


def test_a_delivery_says_how_often_it_failed(store: Store, bob: StreamKey) -> None:
    store.do(failed(bob, "r", 2))
    assert [one.retry_count for one in owed_deliveries(store, bob)] == [1, 0, 0, 0]
