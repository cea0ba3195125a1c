"""Calls that cost much, by one user who makes as many as he may: another one, in a quiet room, is
served as before."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.default.devices.model import DeviceHello
from chatd.default.devices.store import OpenStreams
from chatd.default.rooms.store import CreateRoom
from chatd.store.database import Database
from tests.attacker import attack
from tests.bystander import Bystander
from tests.call_attacks import CLUB, PROFILES, ROOM
from tests.daemons import Daemon
from tests.protocol.limited import daemon_with_users, token_of
from tests.store.driver import Store, event, send

log = logging.getLogger(__name__)
MEMBERS = 100_000
SHARED = 4_000
DEVICES = 32
NUMBERS = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {count})"
MEMBERSHIP = """
    INSERT INTO subscription (room_id, profile_id, joined_seq, left_seq, push)
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A room of MEMBERS with a long page of history; SHARED rooms of "eve" and those whom she asks
    for; "ben" has all the devices that he may have, and those whom he makes members have two."""
    folder: Path = tmp_path_factory.mktemp("chatd")
    running = daemon_with_users(folder, ["ann", "ben", "eve"], {})
    uri = f"sqlite:///{folder}/chatd.db"
    Database(uri).migrate()
    store = Store(uri)
    store.do(CreateRoom(ROOM, "", "ben", ("eve",)))
    store.do(CreateRoom(CLUB, "", "ben", ()))
    for number in range(20):
        store.do(send("ben", event(ROOM, f"e{number}", b"\x0a" + b"x" * 50_000)))
    store.do(OpenStreams(tuple(DeviceHello("ben", f"d{number}") for number in range(DEVICES)), DEVICES))
    store.do(
        OpenStreams(tuple(DeviceHello(one, device) for one in PROFILES for device in ("a", "b")), DEVICES)
    )
    store.publish()
    store.close()
    database = Database(uri)
    with database.connection(readonly=False):
        database.run(
            f"{MEMBERSHIP} {NUMBERS.format(count=MEMBERS)} SELECT ?, 'm' || n, 1, NULL, 0 FROM n", (ROOM,)
        )
        database.run("UPDATE room SET member_count = member_count + ?, membership_version = 2", (MEMBERS,))
        database.run(
            f"""
            INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq,
                membership_version, member_count)
            {NUMBERS.format(count=SHARED)} SELECT 's' || n, '', 'eve', 1, 0, 0, 1, 101 FROM n
            """
        )
        for profile in ("eve", *PROFILES[:100]):
            database.run(
                f"{MEMBERSHIP} {NUMBERS.format(count=SHARED)} SELECT 's' || n, ?, 1, NULL, 0 FROM n",
                (profile,),
            )
    with running:
        yield running


@pytest.mark.parametrize(
    ("kind", "user"),
    [
        ("history", "ben"),
        ("presence", "eve"),
        ("status", "ben"),
        ("rooms", "ben"),
        ("crowded_rooms", "ben"),
        ("members", "ben"),
        ("nulls", "ben"),
        ("nested", "ben"),
    ],
)
def test_another_user_is_served_beside_dear_calls(daemon: Daemon, kind: str, user: str) -> None:
    with Bystander(daemon.uri, token_of("ann")) as ann:
        ann.be_quiet()
        with attack(kind, daemon.uri, token_of(user)):
            ann.watch()
        log.info("%s: %s", kind, ann.assert_served())
