"""A client that comes with the routing id of another has nothing of the other's, however quick it
is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chatd.pb.admin.v1.admin_pb2 import ListConnectionsRequest, ListConnectionsResponse
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, texts

Connect = Callable[..., Conversation]
ID = b"a-clients-own"
AT_ONCE = 5.0
"""Seconds, far fewer than three heartbeats take."""


def is_connected(operator: Conversation, profile: str) -> bool:
    request = ListConnectionsRequest(profile_id=profile, limit=10)
    reply = operator.request("AdminService/ListConnections", request, profile_id="")
    return len(ListConnectionsResponse.FromString(reply.payload).connections) > 0


@contextmanager
def stranger(daemon: Daemon) -> Iterator[tuple[Conversation, ServerFrame]]:
    """A client without a token that has said Heartbeat, and the answer. libzmq does not hear it
    while the earlier connection with its id is there."""
    for _ in range(50):
        with Conversation(daemon.uri, "", "", routing_id=ID) as made:
            made.heartbeat(1)
            try:
                answer = made.hear(0.3)
            except TimeoutError:
                continue
            yield made, answer
            return
    raise AssertionError("never heard")


@pytest.mark.parametrize("attempt", range(5))
def test_a_stranger_with_a_dropped_clients_id_has_no_stream(
    connect: Connect, daemon: Daemon, room: str, attempt: int
) -> None:
    alice, bob = connect("alice"), connect("bob", routing_id=ID)
    bob.open("phone")
    bob.hear_kind("caught_up")
    bob.socket.close(0)
    with stranger(daemon) as (other, answer):
        assert answer.closed.error.code == 104
        alice.send_texts(room, "for bob alone")
        other.hear_nothing(0.5)
        assert other.refused("ChatService/ListUnread", b"") == 104


def test_the_stream_of_a_dropped_connection_ends_at_once(connect: Connect) -> None:
    """And not after three heartbeats; what it had acknowledged counts."""
    alice, bob = connect("alice"), connect("bob")
    room = f"dropped-{bob.profile}"
    alice.create_room(room, bob.profile)
    bob.open("phone")
    bob.hear_kind("caught_up")
    while not is_connected(alice, bob.profile):
        bob.heartbeat(1)
        bob.hear_kind("heartbeat")
    alice.send_texts(room, "one", "two")
    bob.deliveries(2)
    bob.ack(1)
    bob.socket.close(1_000)
    deadline = time.monotonic() + AT_ONCE
    while is_connected(alice, bob.profile):
        assert time.monotonic() < deadline, "still there"
    again = connect("bob")
    again.profile = bob.profile
    again.open("phone")
    assert texts(again.deliveries(1)) == ["two"]


def test_a_late_hello_counts_no_failure_of_the_stream_that_is_there(connect: Connect, room: str) -> None:
    """A Hello that opens nothing (609) says nothing about what is in flight."""
    alice, bob, late = connect("alice"), connect("bob"), connect("bob")
    bob.open("phone", ordinal=5)
    bob.hear_kind("caught_up")
    alice.send_texts(room, "in flight")
    bob.deliveries(1)
    late.hello("phone", ordinal=4)
    assert late.hear_kind("closed").error.code == 609
    bob.bye()
    assert bob.hear_kind("closed").error.code == 0
    bob.open("phone", ordinal=6)
    (again,) = bob.deliveries(1)
    assert again.retry_count == 0
