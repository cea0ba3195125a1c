"""Invariants on both engines: each is broken once, found by its name, and nothing else with it."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from chatd.core.ids import ERASED
from chatd.core.member_role import MemberRole
from chatd.default.invariants import INVARIANTS
from chatd.default.rooms.bans import BanProfiles
from chatd.default.rooms.blocks import BlockProfiles
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.direct import OpenDirectRoom
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposals import MakeOrPropose
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom
from chatd.pb.chat.v1 import chat_pb2
from chatd.store import invariant
from chatd.store.database import Database
from chatd.store.invariant import Finding, check
from tests.store.driver import Store
from tests.store.release import fill

LETTER = "'bob', 'phone', 'r', {seq}, 'l', '{state}', 'e', 'alice', 1, 1, 1, '', 5, 1, 1, 0, 0"
BROKEN = {
    "room.head": ("UPDATE room SET head_seq = 11", "DELETE FROM room_event WHERE seq = 12"),
    "room.marks": ("UPDATE room SET urgent_seq = 13", "UPDATE room SET first_seq = 14"),
    "room.active": (
        "UPDATE room SET active = 0",
        "DELETE FROM active_room",
        "UPDATE room SET published_seq = 0, active = 0",
    ),
    "room.unnotified": ("UPDATE room SET published_seq = 2 WHERE head_seq > 2",),
    "room.said": ("UPDATE room SET said = said + 1",),
    "room.members": ("UPDATE room SET member_count = 3",),
    "room.deleted": ("UPDATE room SET deleted_seq = 1",),
    "room.blocked": (
        "UPDATE room SET blocked = 0 WHERE kind = 1",
        "DELETE FROM block",
        "UPDATE room SET blocked = 1 WHERE room_id = 'club'",
    ),
    "block.profile": (
        "INSERT INTO block VALUES ('nobody', 'dave', 1)",
        "INSERT INTO block VALUES ('erin', 'erin', 1)",
    ),
    "role.member": (
        "UPDATE room_role SET profile_id = 'nobody' WHERE profile_id = 'erin'",
        "UPDATE room_role SET role = 6",
    ),
    "ban.member": ("UPDATE ban SET profile_id = 'erin'",),
    "invitation.member": (
        "UPDATE invitation SET profile_id = 'dave'",
        "INSERT INTO ban VALUES ('club', 'frank', 2, 1)",
    ),
    "invitation.room": (
        "UPDATE invitation SET room_id = 'gone'",
        "UPDATE invitation SET profile_id = 'nobody'",
    ),
    "proposal.room": ("UPDATE room_proposal SET room_id = 'gone'",),
    "proposal.state": (
        "UPDATE room_proposal SET state = 6",
        "UPDATE room_proposal SET state = 3",
        "UPDATE room_proposal SET decided_at_us = 1",
        "UPDATE room_proposal SET state = 3, decided_at_us = 1, seq = 1",
        "UPDATE room_proposal SET state = 2, decided_at_us = 1, seq = 99",
    ),
    "proposal.named": ("DELETE FROM named_in_proposal WHERE profile_id = 'erin'",),
    "proposal.names": (
        "INSERT INTO named_in_proposal VALUES ('club', 'gone', 'erin')",
        "INSERT INTO named_in_proposal VALUES ('gone', 'p', 'erin')",
    ),
    "event.room": (
        "INSERT INTO room_event SELECT 'gone', seq, 'x', sender_id, type, sent_at_us, content_hash, delivery, "
        "said, own FROM room_event WHERE seq = 1 AND room_id = 'r'",
    ),
    "event.gap": ("DELETE FROM room_event WHERE seq = 5 AND room_id = 'r'",),
    "event.content": ("UPDATE room_event SET delivery = content_hash WHERE seq = 7",),
    "event.said": ("UPDATE room_event SET said = said + 1 WHERE seq = 6",),
    "event.own": ("UPDATE room_event SET own = own + 1 WHERE seq = 6",),
    "mention.event": (
        "INSERT INTO mention VALUES ('bob', 'r', 13, 'alice')",
        "INSERT INTO mention VALUES ('', 'r', 2, 'bob')",
    ),
    "membership.room": ("UPDATE subscription SET room_id = 'gone' WHERE profile_id = 'carol'",),
    "membership.profile": (
        "INSERT INTO subscription (room_id, profile_id, joined_seq) VALUES ('r', 'nobody', 3)",
    ),
    "membership.delivered": ("UPDATE subscription SET delivered_seq = 13 WHERE profile_id = 'carol'",),
    "membership.span": ("UPDATE subscription SET left_seq = 13 WHERE profile_id = 'carol'",),
    "profile.rooms": ("UPDATE profile SET rooms = 2 WHERE profile_id = 'bob'",),
    "outbox.cursor": (
        "UPDATE outbox SET acked_seq = 13 WHERE profile_id = 'bob'",
        "UPDATE outbox SET acked_seq = -1",
    ),
    "outbox.end": ("UPDATE outbox SET until_seq = 13", "UPDATE outbox SET replay_until = 13"),
    "outbox.room": ("UPDATE outbox SET room_id = 'gone'",),
    "dead_letter.state": (f"INSERT INTO dead_letter VALUES ({LETTER.format(seq=6, state='odd')})",),
    "dead_letter.head": (f"INSERT INTO dead_letter VALUES ({LETTER.format(seq=13, state='dead')})",),
    "attempt.head": ("UPDATE delivery_attempt SET seq = 13",),
    "gap.span": ("INSERT INTO delivery_gap VALUES ('bob', 'phone', 'r', 4, 3, 1, 0)",),
    "device.failures": ("UPDATE device SET has_failures = 0 WHERE profile_id = 'bob'",),
    "read_marker.head": ("UPDATE read_marker SET seq = 13",),
    "notification.head": (
        "INSERT INTO notification VALUES ('bob', 'phone', '', 'r', 13, 'message', 'waiting', 1, 0, '', 0, 1)",
    ),
    "device.profile": ("UPDATE device SET profile_id = 'nobody' WHERE profile_id = 'alice'",),
    "outbox.orphan": ("UPDATE outbox SET device_id = 'gone' WHERE profile_id = 'alice'",),
    "delivery_attempt.orphan": ("UPDATE delivery_attempt SET device_id = 'gone'",),
    "dead_letter.orphan": (
        f"INSERT INTO dead_letter VALUES ({LETTER.format(seq=6, state='dead').replace('phone', 'gone')})",
    ),
    "delivery_gap.orphan": ("INSERT INTO delivery_gap VALUES ('bob', 'gone', 'r', 3, 3, 1, 0)",),
    "connection.orphan": ("INSERT INTO connection VALUES ('bob', 'gone', 1, 'g', '', 1, 1)",),
    "push.orphan": ("UPDATE push SET profile_id = 'nobody'",),
    "notification.orphan": (
        "INSERT INTO notification VALUES ('bob', 'gone', '', 'r', 3, 'message', 'waiting', 1, 0, '', 0, 1)",
    ),
    "room_notification.orphan": ("INSERT INTO room_notification VALUES ('nobody', 'r', 1, 0)",),
    "read_marker.orphan": ("UPDATE read_marker SET profile_id = 'nobody'",),
}
BESIDE = {
    "room.head": {"room.marks", "membership.span"},
    "proposal.room": {"proposal.named", "proposal.names"},
    "room.deleted": {"invitation.room", "proposal.room"},
    "room.members": {"room.blocked"},
    "event.gap": {"event.own"},
    "membership.profile": {"room.members"},
    "outbox.room": {"outbox.cursor"},
    "device.profile": {"outbox.orphan"},
}
"""Others that the same statement breaks, or may."""


@pytest.fixture(scope="module")
def database(shared_db_uri: str) -> Iterator[Database]:
    """A database with something of everything; what a test changes is rolled back."""
    fill(shared_db_uri)
    store = Store(shared_db_uri)
    store.do(CreateRoom("club", "", "dave", ("erin",)))
    store.do(SetMemberRole("club", ("erin",), MemberRole.MODERATOR, "dave", False))
    store.do(BanProfiles("club", ("mallory",), "erin", False))
    store.do(OpenDirectRoom("dave", "grace"))
    store.do(BlockProfiles("grace", ("dave",)))
    store.do(AddSubscriptions("club", ("frank",), "dave", False, invites=True))
    store.do(UpdateRoom("club", "dave", False, rules=RoomRules(requires_approval=True)))
    ban = BanProfiles("club", ("heidi",), "erin", False)
    request = chat_pb2.BanProfilesRequest(room_id="club", profile_ids=["heidi"]).SerializeToString()
    store.do(MakeOrPropose("club", ban, "BanProfiles", request))
    store.close()
    database = Database(shared_db_uri)
    with database.connection(readonly=False):
        yield database


def found(database: Database, *statements: str) -> list[Finding]:
    """The findings after these statements."""
    with database.db.atomic() as transaction:
        for statement in statements:
            database.run(statement)
        findings = check(database, INVARIANTS, lambda *_: None)
        transaction.rollback()
    return findings


def test_a_healthy_database_has_no_findings(database: Database) -> None:
    assert found(database) == []


def test_each_invariant_is_broken_here() -> None:
    assert BROKEN.keys() == {one.name for one in INVARIANTS}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_invariant_is_found(database: Database, name: str) -> None:
    for statement in BROKEN[name]:
        if name == "event.content":
            statement = statement.replace(
                "content_hash", "''" if database.engine == "sqlite" else "''::bytea"
            )
        names = {one.name for one in found(database, statement)}
        assert name in names
        assert names <= {name} | BESIDE.get(name, set()), statement


def test_a_finding_counts_rows_and_shows_one(database: Database) -> None:
    (one,) = found(database, "UPDATE room_event SET said = said + seq * 10 WHERE seq IN (6, 9)")
    assert (one.name, one.rows, one.example) == ("event.said", 4, "room_id r, seq 6")


def test_rows_are_walked_in_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariant, "PAGE", 5)
    steps: list[int] = []
    assert check(database, INVARIANTS, lambda _, done, total: steps.append(done)) == []
    rows = sum(
        database.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in {one.table for one in INVARIANTS}
    )
    assert (steps[-1], max(b - a for a, b in pairwise(steps)) <= 5) == (rows, True)
    (one,) = found(database, "UPDATE room_event SET own = own + 100 WHERE seq IN (6, 11)")
    assert (one.name, one.rows, one.example) == ("event.own", 4, "room_id r, seq 6")


def test_what_was_erased_counts_no_more_but_was_counted(database: Database) -> None:
    assert found(database, f"UPDATE room_event SET type = 3, sender_id = '{ERASED}' WHERE seq <= 5") == []
