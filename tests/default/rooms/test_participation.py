"""A profile that a stranger put into a room is not seen there before it takes part."""

from collections.abc import Callable

import pytest

from chatd.core.model import StreamKey
from chatd.default.receipts.delivered import FindDelivered
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.members import ShareRoom
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.dead_letters.letters import ACKNOWLEDGED
from tests.store.driver import Store, acks, event, send


def seen(store: Store, by: str, *profiles: str) -> frozenset[str]:
    return store.ask(ShareRoom(by, profiles, everybody=False))


def put(store: Store) -> StreamKey:
    """Eve puts victim into a room of hers, and victim's device acknowledges what comes."""
    device = store.open("victim", "phone")
    store.do(CreateRoom("trap", "", "eve", ("victim",)))
    store.do(send("eve", event("trap", "hello")))
    store.do(acks((device, {"trap": 2})))
    return device


def delivered(store: Store) -> int:
    """Stretches that eve is told of."""
    return len(store.ask(FindDelivered(store.members, (("victim", "phone", "trap", 2),), 100))[1])


def test_a_stranger_learns_neither_presence_nor_deliveries(store: Store) -> None:
    put(store)
    assert seen(store, "eve", "victim", "eve") == {"eve"}
    assert seen(store, "victim", "eve") == {"eve"}, "eve has made the room"
    assert delivered(store) == 0
    status = store.ask(GetDeliveryStatus("trap", 2, "eve", False, "", 10))
    assert (status.recipients, status.delivered) == (1, 0)
    assert [(one.profile_id, one.devices, one.state) for one in status.profiles] == [("victim", (), 0)]
    status = store.ask(GetDeliveryStatus("trap", 2, "op", True, "", 10))
    assert (status.delivered, status.profiles[0].devices) == (1, (("phone", ACKNOWLEDGED),))


@pytest.mark.parametrize(
    "take_part",
    [
        lambda store: store.do(SetReadMarker("victim", "trap", 1, "")),
        lambda store: store.do(send("victim", event("trap", "who are you?"))),
    ],
    ids=["read", "wrote"],
)
def test_it_is_seen_once_it_takes_part(store: Store, take_part: Callable[[Store], object]) -> None:
    put(store)
    take_part(store)
    assert seen(store, "eve", "victim", "eve") == {"victim", "eve"}
    assert delivered(store) == 1
    status = store.ask(GetDeliveryStatus("trap", 2, "eve", False, "", 10))
    assert (status.delivered, status.profiles[0].devices, status.profiles[0].state) == (1, (), ACKNOWLEDGED)


def test_it_is_seen_no_more_once_it_has_left_even_if_it_is_put_there_again(store: Store) -> None:
    put(store)
    store.do(SetReadMarker("victim", "trap", 2, ""))
    store.do(RemoveSubscriptions("trap", ("victim",), "victim", False))
    assert seen(store, "eve", "victim") == frozenset()
    assert seen(store, "victim", "eve") == frozenset()
    assert delivered(store) == 0
    store.do(AddSubscriptions("trap", ("victim",), "eve", False))
    assert seen(store, "eve", "victim") == frozenset()
    assert delivered(store) == 0
    store.do(SetReadMarker("victim", "trap", 4, ""))
    assert seen(store, "eve", "victim") == {"victim"}
