"""Limits of connections, over the wire."""

from contextlib import ExitStack
from pathlib import Path

from tests.protocol.limited import OPERATOR, daemon_with_users, token_of
from tests.raw_peer import RawPeer

LIMIT = 5


def called(uri: str, token: str, stack: ExitStack, *, address: str = "127.0.0.1") -> RawPeer:
    """A connection that has authenticated with a call."""
    peer = stack.enter_context(RawPeer(uri, token, address=address))
    assert peer.call("ChatService/Nothing").error.code == 300
    return peer


def lives(peer: RawPeer) -> bool:
    return not peer.ends(0.05)


def test_a_profile_has_so_many_connections(tmp_path: Path) -> None:
    settings = {"MAX_CONNECTIONS_PER_PROFILE": LIMIT}
    with daemon_with_users(tmp_path, ["ann", "ben"], settings) as daemon, ExitStack() as stack:
        ben = called(daemon.uri, token_of("ben"), stack)
        device = stack.enter_context(RawPeer(daemon.uri, token_of("ann")))
        device.hello("phone")
        device.hear_until("caught_up")
        callers = [called(daemon.uri, token_of("ann"), stack) for _ in range(LIMIT - 1)]
        assert callers[0].call("ChatService/Nothing").error.code == 300
        newest = [called(daemon.uri, token_of("ann"), stack) for _ in range(2)]
        assert callers[1].ends()
        assert callers[2].ends()
        for peer in (ben, device, callers[0], callers[3], *newest):
            assert lives(peer)
        operators = [called(daemon.uri, OPERATOR, stack) for _ in range(3 * LIMIT)]
        assert all(lives(peer) for peer in operators)


def test_an_address_has_so_many_connections(tmp_path: Path) -> None:
    settings = {"MAX_CONNECTIONS_PER_ADDRESS": LIMIT}
    with daemon_with_users(tmp_path, ["ann", "ben"], settings) as daemon, ExitStack() as stack:
        here = [called(daemon.uri, token_of("ann"), stack) for _ in range(LIMIT)]
        elsewhere = called(daemon.uri, token_of("ann"), stack, address="127.0.0.2")
        ben = called(daemon.uri, token_of("ben"), stack)
        assert here[0].ends()
        operator = called(daemon.uri, OPERATOR, stack)
        for peer in (*here[1:], elsewhere, ben, operator):
            assert lives(peer)
