"""chatctl report, against a real daemon of its own: reports are of all rooms."""

from collections.abc import Iterator

import pytest

from chatctl.report import Activity, busiest
from chatd.pb.admin.v1 import admin_pb2
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        chatctl = Chatctl(running)
        chatctl("--as", "bob", "tail", "--device", "phone", "--count", "0")
        chatctl("--as", "carol", "tail", "--device", "pad", "--count", "0")
        for room, members in (("quiet", ("bob",)), ("busy", ("bob", "carol"))):
            chatctl("--as", "alice", "room", "create", room, *members)
        chatctl("--as", "alice", "send", "busy", "-", stdin="x\n" * 5)
        chatctl("--as", "bob", "send", "busy", "-", stdin="y\n" * 2)
        yield running


def test_rooms_and_senders_the_busiest_first(chatctl: Chatctl) -> None:
    rooms = chatctl.json("report", "rooms")
    assert [(one["room_id"], one["events"], one["senders"]) for one in rooms] == [
        ("busy", 8, 2),
        ("quiet", 1, 1),
    ]
    senders = chatctl.json("report", "senders", "--limit", "1")
    assert [(one["profile_id"], one["events"], one["rooms"]) for one in senders] == [("alice", 7, 2)]
    cut = chatctl("report", "senders", "--no-headers", "--limit", "1", "--sort", "events")
    assert "--limit of up to 100; only the rows that are listed are sorted" in cut.stderr
    (line,) = cut.stdout.splitlines()
    assert line.startswith("alice\t7\t2\t")
    assert chatctl.json("report", "rooms", "--since", "0s") == []


def test_the_devices_that_are_furthest_behind(chatctl: Chatctl) -> None:
    found = chatctl.json("report", "laggards")
    assert [(one["profile_id"], one["device_id"], one["owed"], one["rooms_owed"]) for one in found] == [
        ("bob", "phone", 9, 2),
        ("carol", "pad", 8, 1),
    ]
    assert all(one["oldest_at_us"] > 0 for one in found)
    assert [one["profile_id"] for one in chatctl.json("report", "laggards", "--limit", "1")] == ["bob"]


def test_counts_of_several_pages_add_up_and_nobody_is_no_sender() -> None:
    counts = [
        admin_pb2.EventCount(room_id="r", sender_id="a", events=2, last_at_us=5),
        admin_pb2.EventCount(room_id="r", sender_id="a", events=3, last_at_us=4),
        admin_pb2.EventCount(room_id="r", sender_id="", events=9, last_at_us=9),
    ]
    assert busiest(counts, lambda one: (one.sender_id, one.room_id)) == [Activity("a", 5, {"r"}, 5)]
    assert busiest(counts, lambda one: (one.room_id, one.sender_id)) == [Activity("r", 14, {"a"}, 9)]
