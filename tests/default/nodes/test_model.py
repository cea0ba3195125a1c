import pytest

from chatd.default.nodes.model import Lease


def lease(uri: str, queue_uri: str = "", kind: str = "default") -> Lease:
    return Lease(uri, kind, "n", queue_uri or uri, "1", 5, 100)


@pytest.mark.parametrize(
    ("one", "other", "excludes"),
    [
        (lease("inproc://a#p.1"), lease("inproc://a#q.2"), True),
        (lease("inproc://a#p.1"), lease("tcp://h:1"), True),
        (lease("tcp://h:1", "inproc://q"), lease("tcp://h:2"), True),
        (lease("tcp://h:1"), lease("ipc:///x"), False),
        (lease("inproc://a#p.1"), lease("inproc://a#p.1"), False),
        (lease("inproc://a#p.1"), lease("tcp://h:1", kind="gateway"), False),
    ],
)
def test_nodes_that_exclude_each_other(one: Lease, other: Lease, excludes: bool) -> None:
    assert (one.excludes(other), other.excludes(one)) == (excludes, excludes)


def test_a_private_lease_is_one_process_s() -> None:
    own = lease("inproc://a").private_to("place", 7)
    assert (own.uri, own.address) == ("inproc://a#place.7", "inproc://a")
    assert (own.was_at("place"), own.was_at("plac"), own.was_at("")) == (True, False, False)
    assert lease("tcp://h:1").private_to("place", 7).uri == "tcp://h:1"
