"""Invitations in the queue: each notifies for itself, while it is not answered, and in peace."""

import pytest

from chatd.default.notifications import invitations
from chatd.default.notifications.invitations import EnqueueInvitations
from chatd.default.notifications.push import ALL, NONE, SetPush, SetRoomNotifications
from chatd.default.notifications.work import FindNotificationWork
from chatd.default.rooms.blocks import BlockProfiles
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation, WithdrawInvitations
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.command import Command
from tests.default.notifications.driver import (
    DELAY,
    PAUSES,
    QUIET,
    claim,
    contents,
    fan_out,
    queued,
    register,
    say,
    send_due,
    settle,
)
from tests.store.driver import MANY, Store, event


def invite(store: Store, *rooms: str, by: str = "alice") -> None:
    """The guest is dan."""
    for room in rooms or ("r",):
        store.do(AddSubscriptions(room, ("dan",), by, False, invites=True))
    fan_out(store)


def test_an_invitation_is_told_to_each_device_once(store: Store) -> None:
    for device in ("phone", "tablet"):
        register(store, "dan", device)
    invite(store)
    assert queued(store, "waiting") == [("dan", "phone", "r", 2), ("dan", "tablet", "r", 2)]
    assert claim(store) == (), "it may be answered at once"
    store.now_us += DELAY
    sent = [("invitation", device, "r", 2) for device in ("phone", "tablet")]
    assert sorted(send_due(store)) == sent
    assert queued(store) == []
    store.do(EnqueueInvitations(("r", "gone"), DELAY, QUIET))
    assert queued(store) == [], "once"


@pytest.mark.parametrize(
    "answer",
    [
        AcceptInvitation("r", "dan"),
        DeclineInvitation("r", "dan"),
        WithdrawInvitations("r", ("dan",), "alice", False),
        BlockProfiles("dan", ("alice",)),
    ],
    ids=["accepted", "declined", "withdrawn", "blocked"],
)
def test_one_that_is_over_or_by_somebody_blocked_is_not_told(store: Store, answer: Command[object]) -> None:
    register(store, "dan", "phone")
    invite(store)
    store.do(answer)
    store.now_us += DELAY
    assert send_due(store) == []
    assert queued(store) == []


def test_levels_of_an_earlier_membership_count(store: Store) -> None:
    register(store, "dan", "phone")
    store.do(AddSubscriptions("r", ("dan",), "alice", False))
    store.do(SetRoomNotifications("dan", "r", NONE, 0))
    store.do(RemoveSubscriptions("r", ("dan",), "alice", False))
    invite(store)
    store.now_us += DELAY
    assert send_due(store) == []
    store.do(AcceptInvitation("r", "dan"))
    store.do(SetRoomNotifications("dan", "r", ALL, store.now_us + QUIET))
    store.do(RemoveSubscriptions("r", ("dan",), "alice", False))
    invite(store)
    store.now_us += DELAY
    assert send_due(store) == [], "it is muted for a while"


def test_the_next_one_while_one_is_being_told_is_told_too(store: Store) -> None:
    register(store, "dan", "phone")
    invite(store)
    store.now_us += DELAY
    (under_way,) = claim(store)
    store.do(DeclineInvitation("r", "dan"))
    invite(store)
    assert contents(store, under_way) == [("", 0)]
    settle(store, under_way)
    store.now_us += QUIET
    assert send_due(store) == [("invitation", "phone", "r", 4)]


def test_a_device_is_left_in_peace_between_two(store: Store) -> None:
    register(store, "dan", "phone")
    store.do(CreateRoom("mine", "", "alice", ("dan",)))
    store.do(CreateRoom("s", "", "alice", ()))
    say(store, event("mine", "hello"))
    invite(store, "r", "s")
    store.now_us += DELAY
    first, *_ = claim(store, 1)
    settle(store, first)
    store.now_us += DELAY
    assert claim(store) == ()
    store.now_us += QUIET
    assert len(claim(store)) == 2


def test_many_invitations_are_enqueued_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "PAGE", 4)
    people = tuple(f"p{number}" for number in range(10))
    for profile in people:
        register(store, profile, "phone")
    store.do(CreateRoom("zz", "", "alice", ()))
    for room, profiles in (("r", people), ("zz", people[:1])):
        store.do(AddSubscriptions(room, profiles, "alice", False, invites=True))
    sizes, after = [], ""
    while rooms := store.ask(FindNotificationWork(store.now_us, PAUSES, after)).inviting:
        store.do(EnqueueInvitations(rooms, DELAY, QUIET))
        after = rooms[-1]
        sizes.append((rooms, len(queued(store))))
    assert sizes == [(("r",), 4), (("zz",), 5), (("r",), 9), (("r",), 11)], "and a large room lets others in"


def test_a_page_ends_in_the_midst_of_a_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "PAGE", 2)
    register(store, "dan", "phone")
    for room in ("s", "t"):
        store.do(CreateRoom(room, "", "alice", ()))
        store.do(AddSubscriptions(room, ("carol", "dan"), "alice", False, invites=True))
    store.do(AddSubscriptions("r", ("dan",), "alice", False, invites=True))
    register(store, "carol", "phone")
    with store.database.connection(readonly=False):
        store.database.run("UPDATE invitation SET untold = 1")
        if store.database.engine == "postgres":
            store.database.commit()
    left = []
    for _ in range(3):
        store.do(EnqueueInvitations(("r", "s", "t"), DELAY, QUIET))
        left.append(len(queued(store)))
    assert left == [2, 4, 5]


def test_a_profile_without_a_device_to_notify_costs_nothing(store: Store) -> None:
    invite(store)
    assert store.database.rows("SELECT untold FROM invitation") == [(0,)]
    store.do(SetPush("dan", "phone", "log", "", "", "", MANY))
    fan_out(store)
    assert queued(store) == [], "and of an old invitation no new device is notified"
