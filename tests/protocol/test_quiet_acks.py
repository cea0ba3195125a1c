"""Acks on a deployment where nothing else happens: a room's devices are not owed for long what they
have acknowledged."""

import time
from collections.abc import Callable, Iterator

import pytest

from chatd.gateway.unwritten_acks import AT_ONCE
from chatd.pb.admin.v1.admin_pb2 import ListOutboxRequest, ListOutboxResponse
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation

LONGEST = 10.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    with Daemon("all", folder, {"ACK_FLUSH_MS": int(1_000 * LONGEST)}) as running:
        yield running


def owed(alice: Conversation, room: str) -> int:
    reply = alice.request("AdminService/ListOutbox", ListOutboxRequest(room_id=room))
    return len(ListOutboxResponse.FromString(reply.payload).rows)


def test_the_acks_of_a_room_are_written_long_before_the_longest_wait(
    connect: Callable[..., Conversation], own: Callable[[str], str]
) -> None:
    alice, room = connect("alice"), own("room")
    members = [connect(f"member{number}") for number in range(AT_ONCE + 8)]
    alice.create_room(room, *(member.profile for member in members))
    for member in members:
        member.open("d")
    alice.send_texts(room, "hi")
    for member in members:
        member.deliveries(1)
    assert owed(alice, room) == len(members)
    began = time.monotonic()
    for member in members:
        member.ack(1)
    while owed(alice, room):
        assert time.monotonic() < began + LONGEST / 2, "they wait for their turns"
        time.sleep(0.02)
