"""A session belongs to its connection: no other one has it, whatever it calls itself, and it ends
with it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.pb.admin.v1.admin_pb2 import EraseProfileRequest, ListConnectionsRequest, ListConnectionsResponse
from tests.chaos.proxy import FaultProxy
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, seqs
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of
from tests.raw_peer import GREETING, RawPeer, ready, target_of

ID = b"the-clients-own"
HEARTBEAT_SECONDS = 5.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    settings = {"HEARTBEAT_INTERVAL_MS": 1000 * HEARTBEAT_SECONDS, "REPAIR_PULL_SECONDS": 3600}
    with daemon_with_users(folder, ["ann", "ben"], settings) as running:
        yield running


def connections(daemon: Daemon, profile: str) -> int:
    with RawPeer(daemon.uri, OPERATOR) as operator:
        reply = operator.call("AdminService/ListConnections", ListConnectionsRequest(profile_id=profile))
        return len(ListConnectionsResponse.FromString(reply.payload).connections)


def wait_until_gone(daemon: Daemon, profile: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while connections(daemon, profile):
        assert time.monotonic() < deadline, "its stream has not ended"


@pytest.mark.parametrize("leaves", ["closes", "resets", "stays"])
def test_a_peer_with_anothers_routing_id_has_nothing_of_his(daemon: Daemon, leaves: str) -> None:
    room = f"room-{leaves}"
    with (
        Conversation(daemon.uri, token_of("ann")) as ann,
        RawPeer(daemon.uri, token_of("ben"), opening=GREETING + ready(identity=ID)) as ben,
    ):
        ann.create_room(room, "ben")
        ben.hello("phone")
        ben.hear_until("caught_up")
        ann.send_texts(room, "one")
        assert ben.hear().deliveries
        if leaves == "closes":
            ben.socket.close()
        elif leaves == "resets":
            ben.reset()
        for socket_type in (b"DEALER", b"REQ"):
            with RawPeer(daemon.uri, opening=GREETING + ready(socket_type, ID)) as thief:
                thief.say(heartbeat={"mark": 1})
                assert thief.hear().closed.error.code == 104
                assert thief.call("ChatService/ListUnread").error.code == 104
                ann.send_texts(room, f"for ben alone {socket_type!r}")
                with pytest.raises(TimeoutError):
                    thief.hear(0.3)


def test_an_operators_session_is_not_the_next_ones_either(daemon: Daemon) -> None:
    erase = EraseProfileRequest(profile_id="nobody")
    with RawPeer(daemon.uri, OPERATOR, opening=GREETING + ready(identity=b"op")) as operator:
        operator.hello("console")
        operator.hear_until("caught_up")
        assert operator.call("AdminService/EraseProfile", erase, token="").error.code != 200
    with RawPeer(daemon.uri, opening=GREETING + ready(identity=b"op")) as thief:
        assert thief.call("AdminService/EraseProfile", erase).error.code == 104


def test_nothing_is_missing_after_a_proxy_swallowed_and_cut(daemon: Daemon) -> None:
    """libzmq connects again by itself, with the same routing id, and tells its user nothing."""
    with (
        FaultProxy(target=target_of(daemon.uri)) as proxy,
        Conversation(daemon.uri, token_of("ann")) as ann,
        Conversation(proxy.uri, token_of("ben"), routing_id=ID) as ben,
    ):
        ann.create_room("swallowed", "ben")
        ben.open("tablet")
        ben.hear_kind("caught_up")
        shown: list[int] = []

        def show(texts: list[str]) -> None:
            ann.send_texts("swallowed", *texts)
            shown.extend(seqs(ben.deliveries(len(texts))))

        show(["1", "2", "3"])
        ben.ack(3)
        proxy.blackhole()
        ann.send_texts("swallowed", "4", "5", "6")
        time.sleep(0.3)
        proxy.cut()
        wait_until_gone(daemon, "ben", HEARTBEAT_SECONDS / 2)
        proxy.heal()
        ann.send_texts("swallowed", "7", "8", "9")
        ben.heartbeat(1)
        assert ben.hear_kind("closed").error.code == 104
        ben.hear_nothing(0.5)
        ben.open("tablet")
        while shown[-1] < shown[0] + 8:
            # The ack may have been swallowed, too: then what it said comes again.
            shown += [seq for seq in seqs(ben.hear().deliveries) if seq > shown[-1]]
        assert shown == list(range(shown[0], shown[0] + 9))


def test_forged_automatic_routing_ids_are_only_names(daemon: Daemon) -> None:
    """libzmq's ROUTER ends its process when it gives an id that a peer has announced."""
    held = []
    for number in range(3_000):
        peer = RawPeer(
            daemon.uri,
            token_of("ann") if number % 2 else "",
            opening=GREETING + ready(identity=b"\0" + number.to_bytes(4, "big")),
        )
        if number % 10:
            peer.socket.close()
        else:
            held.append(peer)
    with Conversation(daemon.uri, token_of("ben")) as ben:
        assert ben.refused("ChatService/Nothing", b"") == 300
    assert daemon.process is not None
    assert daemon.process.poll() is None
    for peer in held:
        peer.socket.close()


def test_a_peer_of_an_old_protocol_is_told_nothing_and_ended(daemon: Daemon) -> None:
    for opening in (
        b"\x01\0\x06\0hello",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x02" + bytes(53),
    ):
        with RawPeer(daemon.uri, opening=opening) as old:
            assert old.ends(2)
