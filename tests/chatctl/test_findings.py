"""Each thing that can be wrong is found, and its advice says what to do."""

import pytest

from chatctl.findings import Finding, Looked, findings
from chatd import __version__
from chatd.pb.admin.v1 import admin_pb2 as admin

NOW = 1_000_000_000_000
SECOND = 1_000_000


def looked() -> Looked:
    """All is well."""
    node = admin.Node(node_id="n", kind="default", uri="u", version=__version__, lease_left_us=SECOND)
    return Looked(
        admin.GetStatusResponse(
            node_id="n", database="sqlite", gateways=[admin.GatewayStatus(gateway_id="g")]
        ),
        0.01,
        admin.ListNodesResponse(nodes=[node]),
        admin.ListOutboxResponse(),
        admin.ListDeadLettersResponse(),
        admin.ListNotificationsResponse(),
    )


def bad(found: Looked) -> list[Finding]:
    return [one for one in findings(found, now_us=NOW, owed_for_us=60 * SECOND) if not one.is_good]


def only(found: Looked) -> Finding:
    (one,) = bad(found)
    assert one.advice
    return one


def test_nothing_is_wrong() -> None:
    assert bad(looked()) == []


def test_a_slow_answer() -> None:
    found = looked()
    slow = Looked(found.status, 2.5, found.nodes, found.laggards, found.letters, found.notifications)
    assert only(slow).found == "node n answers in 2500 ms"


def test_a_drained_process_is_said_and_is_no_fault() -> None:
    found = looked()
    found.nodes.nodes[0].drained = True
    assert bad(found) == []
    said = [one.found for one in findings(found, now_us=NOW, owed_for_us=60 * SECOND)]
    assert "drained by an operator; chatctl node resume n lets it serve again" in said


def test_a_database_that_is_away() -> None:
    found = looked()
    found.status.database_away_since_us = NOW - 90 * SECOND
    assert only(found).found == "sqlite has been away for 1m30s"
    asked = Looked(found.status, found.took, found.nodes)
    assert only(asked).found == "sqlite has been away for 1m30s"
    shown = findings(asked, now_us=NOW, owed_for_us=SECOND)[-3:]
    assert [(one.name, one.found) for one in shown] == [
        (name, "not known while the database is away")
        for name in ("deliveries", "dead letters", "notifications")
    ]


def test_a_cache_that_is_away() -> None:
    found = looked()
    found.status.cache_problem = "the cache of connections does not answer"
    assert only(found).found == "the cache of connections does not answer"


def test_the_lease_of_an_old_key_is_no_silence() -> None:
    found = looked()
    now = found.nodes.nodes[0]
    now.uri = "tcp://node.example:7401#5e31"
    old = found.nodes.nodes.add()
    old.CopyFrom(now)
    old.uri, old.lease_left_us = "tcp://node.example:7401#ca20", -5 * SECOND
    assert bad(found) == []
    now.lease_left_us = -SECOND
    assert [one.name for one in bad(found)] == ["default n", "default n"]


@pytest.mark.parametrize(("silent", "is_bad"), [(80, False), (100, True)])
def test_who_is_silent_only_since_the_database_is_away_may_serve(silent: int, is_bad: bool) -> None:
    found = looked()
    found.status.database_away_since_us = NOW - 90 * SECOND
    found.nodes.nodes[0].lease_left_us = -silent * SECOND
    assert [one.name for one in bad(found)] == ["database", *(["default n"] if is_bad else [])]


def test_nodes_that_are_silent_refused_or_of_another_version() -> None:
    found = looked()
    found.nodes.nodes.add(
        node_id="m", kind="gateway", uri="v", version=__version__, lease_left_us=-5 * SECOND
    )
    assert only(found).found == "silent for 5.0s, at v"
    found.nodes.nodes[1].drained = True  # it said that it stops
    assert bad(found) == []
    found.nodes.nodes[1].refused = "too old"
    assert only(found).found == "refused: too old"
    found = looked()
    found.nodes.nodes.add(node_id="m", kind="gateway", version="9.9", lease_left_us=SECOND)
    assert (only(found).name, "9.9" in only(found).found) == ("versions", True)


def test_no_gateway() -> None:
    found = looked()
    del found.status.gateways[:]
    assert only(found).name == "gateways"


@pytest.mark.parametrize(
    ("online", "seconds", "is_bad"), [(True, 90, True), (False, 90, False), (True, 30, False)]
)
def test_only_connected_devices_are_late(online: bool, seconds: int, is_bad: bool) -> None:
    found = looked()
    assert found.laggards is not None
    found.laggards.rows.add(
        profile_id="bob",
        device_id="phone",
        room_id="lobby",
        acked_seq=16,
        oldest_at_us=NOW - seconds * SECOND,
        online=online,
    )
    assert [one.advice for one in bad(found)] == ["chatctl why lobby:17 bob/phone"] * is_bad


def test_what_was_given_up() -> None:
    found = looked()
    assert found.letters is not None
    assert found.notifications is not None
    found.letters.letters.add()
    found.notifications.notifications.add()
    found.notifications.more = True
    assert [one.found for one in bad(found)] == ["1 given up", "1+ given up"]


@pytest.mark.parametrize(
    ("heard_for", "queue_problem", "found"),
    [
        (1, "", ""),
        (5, "", "has not asked for 5.0s"),
        (1, "no default node's queue reaches this gateway", "no default node's queue reaches this gateway"),
    ],
)
def test_a_gateway_that_is_not_well(heard_for: int, queue_problem: str, found: str) -> None:
    one = looked()
    one.nodes.nodes.add(node_id="g", kind="gateway", uri="g", version=__version__, lease_left_us=SECOND)
    gateway = one.status.gateways[0]
    gateway.uri, gateway.heard_for_us, gateway.queue_problem = "g", heard_for * SECOND, queue_problem
    assert "".join(finding.found for finding in bad(one)) == found


def test_a_gateway_with_a_lease_asks_the_node() -> None:
    one = looked()
    one.nodes.nodes.add(node_id="h", kind="gateway", uri="h", version=__version__, lease_left_us=SECOND)
    assert bad(one) == [], "the node has just started"
    one.status.uptime_seconds = 60
    assert only(one).found == "does not ask node n"
