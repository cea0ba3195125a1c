"""The stage alone, pass by pass."""

import asyncio

import pytest

from chatd.core.ids import SIGNALS, topic_of
from chatd.default.notifications import invitations, offline_delivery, work
from chatd.default.notifications.enqueue import EnqueueNotifications
from chatd.default.notifications.invitations import EnqueueInvitations
from chatd.default.notifications.push import SetPush
from chatd.default.notifications.queue import ListNotifications
from chatd.default.rooms.invitations import DeclineInvitation
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import queued, register
from tests.default.notifications.stage import Stage
from tests.store.driver import MANY, Store, event, send


async def test_large_rooms_are_enqueued_page_by_page_and_not_too_often(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline_delivery, "PAGE", 10)
    monkeypatch.setattr(work, "PAGE", 10)
    stage = Stage(store)
    kept, commands = stage.kept, stage.access.commands
    people = tuple(f"p{number:02}" for number in range(25))
    store.do(CreateRoom("large", "", "alice", people))
    store.do(CreateRoom("small", "", "alice", people[:2]))
    for profile in people:
        store.open(profile, "phone")
        store.do(SetPush(profile, "phone", "log", "", "", "", MANY))

    def say(number: int) -> None:
        for room in ("large", "small"):
            store.do(send("alice", event(room, f"{room}{number}")))
        store.publish()

    say(1)
    stage.delivery.begin()
    assert [command.after for command in commands if isinstance(command, EnqueueNotifications)] == [
        "",
        "",
        "p09",
        "p19",
    ]
    async with asyncio.timeout(10):
        while stage.delivery.sender.sent.value < 24:
            await asyncio.sleep(0.01)
    assert sorted(one.profile_id for one in kept.notifications) == list(people)
    ((failed,), _) = store.ask(ListNotifications("waiting", "", 10))
    assert (failed.profile_id, failed.error) == ("p03", "the notifier failed: ZeroDivisionError")
    commands.clear()
    say(2)
    stage.delivery.begin()
    noted = [command.rooms for command in commands if isinstance(command, EnqueueNotifications)]
    assert noted == [("small",)], "the large one has just had its turn"
    store.now_us += 1_000_000
    stage.delivery.begin()
    assert (
        sum(command.rooms == ("large",) for command in commands if isinstance(command, EnqueueNotifications))
        == 3
    )
    await stage.delivery.stop(1)


PHONE = topic_of("dan", "phone")
PHONE_SIGNALS = topic_of("dan", "phone", SIGNALS)


@pytest.fixture
def stage(store: Store) -> Stage:
    """Dan is invited to "r", and his phone is connected and wants signals."""
    stage = Stage(store, delay=5)
    register(store, "dan", "phone")
    store.do(AddSubscriptions("r", ("dan",), "alice", False, invites=True))
    stage.online.add(PHONE)
    stage.signals.add(PHONE_SIGNALS)
    return stage


async def test_a_phone_that_was_dead_when_it_was_invited_is_notified_when_it_is_gone(stage: Stage) -> None:
    assert await stage.pass_after(5) == []
    assert await stage.pass_after(40) == []
    stage.online.remove(PHONE)
    stage.signals.remove(PHONE_SIGNALS)
    assert [one.kind for one in await stage.pass_after(60)] == ["invitation"]
    assert await stage.pass_after(60) == []
    assert queued(stage.store) == []


async def test_a_phone_that_lives_has_heard_of_an_invitation(stage: Stage) -> None:
    assert await stage.pass_after(170) == []
    assert len(queued(stage.store)) == 1
    assert await stage.pass_after(60) == []
    assert queued(stage.store) == []


async def test_a_phone_without_signals_hears_of_an_invitation_when_it_is_gone(stage: Stage) -> None:
    stage.signals.remove(PHONE_SIGNALS)
    for _ in range(5):
        assert await stage.pass_after(100) == []
    stage.online.remove(PHONE)
    assert [one.kind for one in await stage.pass_after(60)] == ["invitation"]


async def test_an_invitation_that_is_answered_waits_no_longer(stage: Stage) -> None:
    assert await stage.pass_after(5) == []
    stage.store.do(DeclineInvitation("r", "dan"))
    stage.online.remove(PHONE)
    assert await stage.pass_after(60) == []
    assert queued(stage.store) == []


async def test_the_invitations_of_each_room_have_their_turn(
    stage: Stage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "PAGE", 1)
    register(store, "carol", "phone")
    store.do(AddSubscriptions("r", ("carol",), "alice", False, invites=True))
    store.do(CreateRoom("zz", "", "alice", ()))
    store.do(AddSubscriptions("zz", ("dan",), "alice", False, invites=True))
    for _ in range(4):
        await stage.pass_after(5)
    enqueued = [one.rooms for one in stage.access.commands if isinstance(one, EnqueueInvitations)]
    assert enqueued == [("r",), ("zz",), ("r",)]
