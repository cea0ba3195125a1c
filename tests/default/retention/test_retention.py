"""A pass of retention under clocks that jump: nothing is destroyed by a step."""

from chatd.core.ids import topic_of
from chatd.core.online import OnlineTable
from chatd.default.requests.model import RequestKey
from chatd.default.requests.store import Once
from chatd.default.retention.retention import BATCH, DAY_US, ONLINE_KNOWN_SECONDS, Retention, RetentionRule
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposals import MakeOrPropose, ProposalState
from chatd.default.rooms.store import CreateRoom
from chatd.default.tokens.store import RevokeTokens
from tests.default.retention.log import fill
from tests.store.driver import DirectAccess, Store, event, send

RULE = RetentionRule(
    keep_days=30,
    keep_events=0,
    backlog_days=30,
    backlog_events=0,
    expiry_days=90,
    audit_days=365,
    proposal_days=7,
)


class Pass:
    """Passes of a node on a store whose clock a test turns."""

    def __init__(self, store: Store, rule: RetentionRule = RULE) -> None:
        self.store, self.online, self.seconds = store, OnlineTable(), 0.0
        self.retention = Retention(
            rule,
            DirectAccess(store),
            self.online,
            period=60.0,
            clock=lambda: store.now_us,
            steady=lambda: self.seconds,
        )

    def run(self, seconds: float = 60.0, *, step_us: int = 0) -> None:
        """So much later, after a step of the wall clock."""
        self.seconds += seconds
        self.store.now_us += round(seconds * 1e6) + step_us
        self.retention.begin()

    def left(self) -> tuple[int, int, int]:
        """Devices, events with contents, remembered ids."""
        rows = self.store.database.rows
        ((devices,),) = rows("SELECT COUNT(*) FROM device")
        ((events, ids),) = rows(
            "SELECT COALESCE(SUM(CASE WHEN length(delivery) > 0 THEN 1 ELSE 0 END), 0), COUNT(*) FROM room_event"
        )
        return devices, events, ids


def begin(store: Store) -> Pass:
    store.now_us = 1_000 * DAY_US
    for device in ("phone", "laptop"):
        store.open("bob", device)
    fill(store)
    made = Pass(store)
    made.run()
    return made


def test_a_clock_that_is_ahead_for_a_moment_destroys_nothing(store: Store) -> None:
    node = begin(store)
    before = node.left()
    node.run(step_us=100 * DAY_US)
    node.run(6.0)
    assert node.left() == before
    node.run(step_us=-100 * DAY_US)
    assert node.left() == before
    Pass(store).run(step_us=100 * DAY_US)
    assert node.left() == before, "nor a node that starts with such a clock"


def test_what_is_old_goes_when_the_clock_has_gone_well_for_a_day(store: Store) -> None:
    node = begin(store)
    for _ in range(101):
        node.run(86_400.0)
    assert node.left() == (0, 0, 0)


def test_answers_are_remembered_for_a_week(store: Store) -> None:
    node = begin(store)

    def answered() -> int:
        ((count,),) = store.database.rows("SELECT COUNT(*) FROM answered_request")
        return int(count)

    for number in range(BATCH + 1):
        key = RequestKey("alice", f"id{number}", b"")
        store.do(Once(AddSubscriptions("r", ("carol",), "alice", False), key, lambda change: b""))
    for _ in range(6):
        node.run(86_400.0)
    node.run(80_000.0)
    assert answered() == BATCH + 1
    node.run(10_000.0)
    assert answered() == 0, "in one pass, however many batches"


def test_a_step_that_stays_is_believed_after_a_day(store: Store) -> None:
    node = begin(store)
    before = node.left()
    node.run(step_us=100 * DAY_US)
    node.run(86_000.0)
    assert node.left() == before
    node.run(500.0)
    assert node.left()[0] == 0


def test_a_clock_that_is_ahead_for_a_moment_makes_no_revoked_token_good(store: Store) -> None:
    node = begin(store)
    for number in range(2):  # the newest is kept, whatever its age
        store.do(RevokeTokens(bytes([number]) * 32, "", store.now_us + 2 * DAY_US))

    def revoked() -> int:
        ((count,),) = store.database.rows("SELECT COUNT(*) FROM revocation")
        return int(count)

    node.run(step_us=100 * DAY_US)
    node.run(6.0)
    node.run(step_us=-100 * DAY_US)
    assert revoked() == 2
    for _ in range(3):
        node.run(86_400.0)
    assert revoked() == 1


def test_a_connected_device_never_expires(store: Store) -> None:
    node = begin(store)
    node.online.add(topic_of("bob", "phone"))
    for _ in range(101):
        node.run(86_400.0)
    assert store.database.rows("SELECT device_id FROM device") == [("phone",)]


def test_no_device_expires_before_the_connected_ones_are_known(store: Store) -> None:
    begin(store)
    store.now_us += 100 * DAY_US
    late = Pass(store)
    store.database.connect(readonly=False)
    store.database.run("UPDATE known_time SET at_us = ?", (store.now_us,))
    late.run(ONLINE_KNOWN_SECONDS - 1)
    assert late.left()[0] == 2
    late.run(1.0)
    assert late.left()[0] == 0


def test_an_event_stored_while_the_clock_was_behind_takes_no_other_with_it(store: Store) -> None:
    node = begin(store)
    node.run(step_us=-100 * DAY_US)
    store.do(send("alice", event("r", "behind")))
    node.run(step_us=100 * DAY_US)
    store.do(send("alice", event("r", "right")))
    store.publish()
    before = node.left()
    for _ in range(3):
        node.run(86_400.0)
    assert node.left() == before


def test_proposals_expire_and_are_forgotten_a_week_later(store: Store) -> None:
    node = begin(store)
    store.do(CreateRoom("s", "", "alice", ("carol",), rules=RoomRules(requires_approval=True)))
    add = AddSubscriptions("s", ("dan",), "carol", False)
    store.do(MakeOrPropose("s", add, "AddRoomSubscriptions", b""))

    def states() -> list[tuple[int]]:
        return store.database.rows("SELECT state FROM room_proposal")

    days = []
    while states():
        days.append(states()[0][0])
        node.run(86_400.0)
    assert days == [ProposalState.PENDING] * 7 + [ProposalState.EXPIRED] * 7
