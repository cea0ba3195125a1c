from chatd.core.ids import topic_of
from chatd.core.model import Members
from chatd.core.online import OnlineTable

A1, A2, B1 = topic_of("a", "1"), topic_of("a", "2"), topic_of("b", "1")


def members(*profiles: str, version: int = 1) -> Members:
    return Members("r", version, frozenset(profiles))


def test_targets_are_the_devices_of_members_that_are_online() -> None:
    online = OnlineTable()
    for topic in (A1, A2, B1):
        assert online.add(topic)
    assert set(online.targets(members("a", "c"))) == {A1, A2}
    assert len(online) == 3


def test_coming_and_going_is_seen_although_targets_are_kept() -> None:
    online, room = OnlineTable(), members("a", "b")
    assert online.targets(room) == ()
    online.add(A1)
    assert online.targets(room) == (A1,)
    online.add(topic_of("stranger", "1"))
    assert online.targets(room) == (A1,)
    online.remove(A1)
    assert online.targets(room) == ()


def test_a_new_membership_is_looked_up_again() -> None:
    online = OnlineTable()
    online.add(A1)
    online.add(B1)
    assert online.targets(members("a")) == (A1,)
    assert set(online.targets(members("a", "b", version=2))) == {A1, B1}


def test_a_topic_subscribed_twice_is_online_until_both_end() -> None:
    online = OnlineTable()
    online.add(A1)
    online.add(A1)
    online.remove(A1)
    assert A1 in online
    online.remove(A1)
    assert A1 not in online
    online.remove(A1)
    assert len(online) == 0


def test_many_changes_do_not_hide_one() -> None:
    online, room = OnlineTable(), members("a", "b", "c")
    online.targets(room)
    for number in range(30_000):
        online.add(topic_of(f"p{number}", "d"))
    online.add(B1)
    assert online.targets(room) == (B1,)


def test_a_prefix_is_no_subscription() -> None:
    assert not OnlineTable().add(b"")
    assert not OnlineTable().add(b"a:")
