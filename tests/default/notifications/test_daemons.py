"""Devices that are away are notified by whole daemons: once for many events, never when connected,
by one of several nodes, after a crash too."""

import asyncio
import hmac
import time
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, message
from chatd.errors import InvalidArgument, PermissionDenied
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.notify.receiver import SECRET, Receiver, webhook
from tests.protocol.limited import OPERATOR, token_of, write_tokens
from tests.system.deployment import Deployment


async def away(client: Client, device: str, notifier: str = "webhook") -> None:
    """A device that has connected once, and is to be notified from now on."""
    async with client.stream(device, start=HEAD) as stream:
        await stream.caught_up()
    await client.set_push(device, notifier)


async def status(client: Client) -> admin_pb2.GetStatusResponse:
    return await client.call(
        "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
    )


async def queue(client: Client, state: int = 0) -> list[admin_pb2.Notification]:
    request = admin_pb2.ListNotificationsRequest()
    request.state = state  # type: ignore[assignment]
    return list(
        (
            await client.call("AdminService/ListNotifications", request, admin_pb2.ListNotificationsResponse)
        ).notifications
    )


async def until_queue(client: Client, wanted: int, state: int = 0) -> list[admin_pb2.Notification]:
    async with asyncio.timeout(20):
        while len(rows := await queue(client, state)) != wanted:
            await asyncio.sleep(0.05)
    return rows


async def test_a_device_that_is_away_is_notified_once(db_uri: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        with Deployment(
            tmp_path, db_uri, defaults=1, gateways=1, **webhook(receiver, NOTIFY_DELAY_SECONDS=1)
        ) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", name="The lobby", profiles=["bob"])
                await away(bob, "phone")
                async with bob.stream("laptop", start=HEAD) as laptop:
                    await bob.set_push("laptop", "webhook")
                    await laptop.caught_up()
                    await alice.send_events([message("r", f"line {number}") for number in range(99)])
                    await alice.send("r", "two\nlines \x1b[31m and " + "much more " * 500)
                    (first,) = await receiver.until(1)
                    found = first.json()
                    assert (found["kind"], found["profile_id"], found["device_id"]) == (
                        "message",
                        "bob",
                        "phone",
                    )
                    assert (found["room_id"], found["room_name"], found["sender_id"], found["seq"]) == (
                        "r",
                        "The lobby",
                        "alice",
                        101,
                    )
                    assert found["badge"] == 100
                    assert found["preview"].startswith("two lines [31m and much more much more")
                    assert (len(found["preview"]), found["preview"][-1]) == (120, "…")
                    at, mac = (part.split("=")[1] for part in first.headers["X-Chatd-Signature"].split(","))
                    assert (
                        mac
                        == hmac.new(SECRET.encode(), at.encode() + b"." + first.body, "sha256").hexdigest()
                    )
                    assert abs(time.time() - int(at)) < 60
                    # The laptop is there, and has not taken anything: it is not notified. Nor the
                    # phone again, in its quiet period.
                    await asyncio.sleep(0.5)
                    assert len(receiver.received) == 1
                # Now it is away, without having acknowledged.
                _, second = await receiver.until(2)
                assert second.json()["device_id"] == "laptop"
                await alice.send("r", "later")
                late = await receiver.until(4)
                assert sorted(one.json()["device_id"] for one in late[2:]) == ["laptop", "phone"]
                assert {(one.json()["preview"], one.json()["badge"]) for one in late[2:]} == {("later", 101)}
                # A device that comes and takes everything is owed no notification.
                await alice.send("r", "seen")
                async with bob.stream("phone", start=HEAD) as phone, asyncio.timeout(20):
                    async for delivery in phone:
                        if delivery.text == "seen":
                            phone.acknowledge()
                            break
                await receiver.until(5)
                await until_queue(alice, 0, admin_pb2.NOTIFICATION_STATE_WAITING)
                assert [one.json()["device_id"] for one in receiver.received[4:]] == ["laptop"]
                assert (await status(alice)).notifications_sent == 5


async def test_rooms_hide_previews_and_profiles_choose_levels(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        uri = f"sqlite:///{tmp_path}/c.db"
        with Deployment(tmp_path, uri, defaults=1, gateways=1, **webhook(receiver)) as deployment:
            uri, token = deployment.uri(), deployment.token
            people = [Client(uri, token, profile=profile) for profile in ("alice", "bob", "carol", "dave")]
            alice, bob, carol, dave = people
            room = await alice.create_room("secret", profiles=["bob", "carol", "dave"], hide_previews=True)
            assert room.hide_previews
            for client in (bob, carol, dave):
                await away(client, "phone")
            await carol.set_room_notifications("secret", chat.NOTIFICATION_LEVEL_MENTIONS)
            await dave.set_room_notifications(
                "secret", muted_until_us=time.time_ns() // 1_000 + 3_600_000_000
            )
            await alice.send("secret", "for everybody")
            (first,) = await receiver.until(1)
            assert (first.json()["profile_id"], first.json()["preview"], first.json()["sender_id"]) == (
                "bob",
                "",
                "alice",
            )
            await bob.set_room_notifications("secret", chat.NOTIFICATION_LEVEL_NONE)
            await alice.send("secret", "for carol", mentions=["carol", "dave", "bob"])
            _, second = await receiver.until(2)
            assert (second.json()["profile_id"], second.json()["seq"]) == ("carol", 3)
            await dave.set_room_notifications("secret")
            await alice.send("secret", "for dave")
            last = await receiver.until(3)
            assert [one.json()["profile_id"] for one in last] == ["bob", "carol", "dave"]
            for client in people:
                client.close()


async def test_failures_are_tried_again_and_then_left_to_operators(tmp_path: Path) -> None:
    statuses = iter([500, 302, 200] + [503] * 4)
    async with Receiver(lambda: next(statuses, 200)) as receiver:
        uri = f"sqlite:///{tmp_path}/c.db"
        with Deployment(
            tmp_path, uri, defaults=1, gateways=1, **webhook(receiver, NOTIFY_MAX_RETRIES=3)
        ) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", profiles=["bob"])
                await away(bob, "phone")
                await alice.send("r", "first")
                await receiver.until(3)
                (sent,) = await until_queue(alice, 1, admin_pb2.NOTIFICATION_STATE_SENT)
                assert (sent.attempts, sent.error, sent.notifier) == (3, "", "webhook")
                await alice.send("r", "second")
                (dead,) = await until_queue(alice, 1, admin_pb2.NOTIFICATION_STATE_DEAD)
                assert (dead.attempts, dead.error, dead.seq) == (4, "HTTP 503", 3)
                found = await status(alice)
                assert (found.notifications_sent, found.notifications_failed, found.notifications_dead) == (
                    1,
                    6,
                    1,
                )
                retry = admin_pb2.RetryNotificationsRequest(profile_id="bob")
                assert (
                    await alice.call(
                        "AdminService/RetryNotifications", retry, admin_pb2.RetryNotificationsResponse
                    )
                ).retried == 1
                last = await receiver.until(8)
                assert last[-1].json()["preview"] == "second"


async def test_a_node_killed_before_it_notified_does_so_when_it_is_back(db_uri: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        settings = webhook(receiver, NOTIFY_DELAY_SECONDS=1, FANOUT_REPAIR_SECONDS=0.2)
        with Deployment(tmp_path, db_uri, defaults=1, gateways=1, **settings) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", profiles=["bob"])
                await away(bob, "phone")
                await alice.send("r", "just before")
                await asyncio.to_thread(deployment.defaults[0].kill)
                assert receiver.received == []
                deployment.defaults[0].start()
                (first, *_) = await receiver.until(1)
                assert first.json()["preview"] == "just before"


async def test_one_of_two_nodes_notifies(postgres_uri: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        settings = webhook(receiver, NOTIFY_QUIET_SECONDS=3600)
        with Deployment(tmp_path, postgres_uri, defaults=2, gateways=1, **settings) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with (
                Client(uri, token, profile="alice", call_timeout=30) as alice,
                Client(uri, token, profile="bob") as bob,
            ):
                rooms = [f"r{number}" for number in range(6)]
                for room in rooms:
                    await alice.create_room(room, profiles=["bob"])
                for number in range(10):
                    await away(bob, f"phone{number}")
                await asyncio.gather(*(alice.send(room, "hello") for room in rooms))
                await receiver.until(10)
                await until_queue(alice, 10, admin_pb2.NOTIFICATION_STATE_SENT)
                await asyncio.sleep(0.5)  # another node's would come with its next tick
                assert sorted(one.json()["device_id"] for one in receiver.received) == [
                    f"phone{number}" for number in range(10)
                ]


async def test_an_event_that_was_read_elsewhere_is_dismissed(db_uri: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        with Deployment(tmp_path, db_uri, defaults=1, gateways=1, **webhook(receiver)) as deployment:
            uri, token = deployment.uri(), deployment.token
            async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
                await alice.create_room("r", profiles=["bob"])
                await away(bob, "phone")
                await alice.send("r", "hello")
                await receiver.until(1)
                await until_queue(alice, 1, admin_pb2.NOTIFICATION_STATE_SENT)
                await bob.call(
                    "ChatService/SetReadMarker",
                    chat.SetReadMarkerRequest(room_id="r", seq=2, device_id="laptop"),
                    chat.SetReadMarkerResponse,
                )
                _, dismissal = await receiver.until(2)
                found = dismissal.json()
                assert (found["kind"], found["device_id"], found["room_id"], found["seq"]) == (
                    "dismiss",
                    "phone",
                    "r",
                    2,
                )
                assert (found["preview"], found["sender_id"]) == ("", "")
                await until_queue(alice, 0)


async def test_an_invitation_is_told_to_devices_that_are_away_and_by_nobody_blocked(
    db_uri: str, tmp_path: Path
) -> None:
    async with Receiver() as receiver:
        write_tokens(tmp_path, ["alice", "bob", "carol"])
        settings = webhook(receiver, ADD_CONSENT="invite")
        with Deployment(tmp_path, db_uri, defaults=1, gateways=1, **settings) as deployment:
            uri = deployment.uri()
            async with (
                Client(uri, token_of("alice")) as alice,
                Client(uri, token_of("bob")) as bob,
                Client(uri, token_of("carol")) as carol,
                bob.stream("laptop", start=HEAD) as laptop,
            ):
                await laptop.caught_up()
                for device in ("phone", "laptop"):
                    await bob.set_push(device, "webhook")
                await bob.block(["carol"])
                await alice.create_room("r", name="The attic", profiles=["bob"], hide_previews=True)
                (first,) = await receiver.until(1)
                found = first.json()
                (invitation,) = [one async for one in bob.invitations()]
                assert found == {
                    "kind": "invitation",
                    "profile_id": "bob",
                    "device_id": "phone",
                    "room_id": "r",
                    "room_name": "The attic",
                    "seq": 0,
                    "sender_id": "alice",
                    "badge": 0,
                    "preview": "",
                    "sent_at_us": invitation.invited_at_us,
                }
                with pytest.raises(PermissionDenied):
                    await carol.create_room("theirs", profiles=["bob"])
                await bob.unblock(["carol"])
                await carol.create_room("theirs", profiles=["bob"])
                await bob.block(["carol"])
                await alice.create_room("s", profiles=["bob"])
                _, second = await receiver.until(2)
                assert (second.json()["room_id"], second.json()["device_id"]) == ("s", "phone")
                async with Client(uri, OPERATOR) as operator:
                    waiting = await until_queue(operator, 2)
                assert {(one.device_id, one.room_id) for one in waiting} == {("laptop", "r"), ("laptop", "s")}
                assert len(receiver.received) == 2
                await laptop.close()
                *_, late = await receiver.until(3)
                assert (late.json()["kind"], late.json()["device_id"]) == ("invitation", "laptop")


async def test_a_notifier_the_operators_do_not_have_is_refused(tmp_path: Path) -> None:
    with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=0, gateways=0) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="bob") as bob:
            for notifier in ("exec", "webpush", "smoke signals"):
                with pytest.raises(InvalidArgument):
                    await bob.set_push("phone", notifier)
            await bob.set_push("phone", "log")
            await bob.set_push("phone", "")
