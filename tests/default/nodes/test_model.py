import pytest

from chatd.default.nodes.model import Lease


def lease(
    uri: str, queue_uri: str = "", kind: str = "default", node_id: str = "n", place: str = "p"
) -> Lease:
    return Lease(uri, kind, node_id, queue_uri or uri, "1", 5, 100, place=place)


MEM, TWICE, SAME = "on mem://", "a NODE_ID of its own", "an address of its own"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (lease("inproc://a#p.1"), lease("inproc://a#q.2", place="q"), MEM),
        (lease("inproc://a#p.1"), lease("tcp://h:1", place="q"), MEM),
        (lease("tcp://h:1", "inproc://q"), lease("tcp://h:2", place="q", node_id="m"), MEM),
        (lease("tcp://h:1"), lease("ipc:///x", place="q"), TWICE),
        (lease("ipc:///x"), lease("ipc:///x", place="q", node_id="m"), SAME),
        (lease("tcp://h:1"), lease("ipc:///x", place="q", node_id="m"), ""),
        (lease("tcp://h:1#new"), lease("tcp://h:1#old"), ""),
        (lease("inproc://a#p.1"), lease("inproc://a#p.1"), ""),
        (lease("inproc://a#p.1"), lease("tcp://h:1", kind="gateway", place=""), ""),
    ],
)
def test_nodes_that_exclude_each_other(one: Lease, other: Lease, why: str) -> None:
    for found in (one.exclusion(other), other.exclusion(one)):
        assert why in found
        assert bool(why) == bool(found)


def test_a_private_lease_is_one_process_s() -> None:
    own = lease("inproc://a").private_to("place", 7)
    assert (own.uri, own.address, own.pid, own.place) == ("inproc://a#place.7", "inproc://a", "7", "place")
    other = lease("tcp://h:1#key.9").private_to("place", 7)
    assert (other.uri, other.pid, other.place) == ("tcp://h:1#key.9", "", "place")
