"""The end of a deleted room's memberships: what one step of it costs."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.rooms.changes import DeleteRoom
from chatd.default.rooms.deletion import EndMemberships
from chatd.default.rooms.store import CreateRoom
from chatd.store.database import Database
from tests.store.driver import Store

GUESTS = 30_000
STEP = 1_000
NUMBERS = f"WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {GUESTS})"


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Store]:
    """Room "crowd" has GUESTS, p0 and so on."""
    uri = f"sqlite:///{tmp_path}/chatd.db"
    database = Database(uri)
    database.migrate()
    store = Store(uri)
    store.do(CreateRoom("crowd", "", "alice", ()))
    with database.connection(readonly=False):
        _fill(database)
    yield store
    store.close()


def _fill(database: Database) -> None:
    database.run(
        f"INSERT INTO subscription (room_id, profile_id, joined_seq) {NUMBERS} SELECT 'crowd', 'p' || n, 1 FROM n"
    )
    database.run(
        f"INSERT INTO room_role (room_id, profile_id, role) {NUMBERS} SELECT 'crowd', 'p' || n, ? FROM n",
        (int(MemberRole.GUEST),),
    )
    database.run(
        "UPDATE room SET member_count = member_count + ?, membership_version = membership_version + 1 "
        "WHERE room_id = 'crowd'",
        (GUESTS,),
    )


def test_a_step_goes_through_the_guests_a_few_times(crowded: Store) -> None:
    """And makes nothing for each of them: with the set of those who leave made anew for each guest
    a step took ten times as long."""
    crowded.do(DeleteRoom("crowd", "alice", False))

    def end(step: int) -> None:
        first = step * STEP
        crowded.do(EndMemberships("crowd", tuple(f"p{number}" for number in range(first, first + STEP))))

    end(0)  # reads the members
    step = min(cpu(partial(end, number)) for number in (1, 2, 3))
    roles = {f"p{number}": number for number in range(GUESTS)}
    gone = {f"p{number}" for number in range(STEP)}
    walk = min(cpu(lambda: {one: role for one, role in roles.items() if one not in gone}) for _ in range(3))
    assert step < 16 * walk, f"{step / walk:.1f} walks"


def cpu(action: Callable[[], object]) -> float:
    """Seconds of this process's CPU."""
    begun = time.process_time()
    action()
    return time.process_time() - begun
