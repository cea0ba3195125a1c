"""TokenCheck: all streams are looked at when something has changed about tokens."""

from collections.abc import Callable

from chatd.errors import ChatdError
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.token_expiry import TokenExpiry

Look = Callable[[ClientConnection, Identity], Identity]
"""The identity that the stream's token shows by now. Raises a ChatdError if it is no longer
good."""


class TokenCheck:
    """Ends streams whose tokens are no longer good."""

    def __init__(self, connections: ConnectionManager, sender: DeviceSender, expiry: TokenExpiry) -> None:
        self._connections = connections
        self._sender = sender
        self._expiry = expiry

    def run(self, look: Look) -> int:
        """Look at each stream, and at each Hello on its way to one; the number that were ended."""
        ended = 0
        for peer in list(self._connections.peers):
            before = peer.opening.identity if peer.opening is not None else peer.identity
            if before is None:
                continue
            try:
                now = look(peer, before)
            except ChatdError as exc:
                self._sender.end(peer, exc)
                ended += 1
                continue
            if now is not before:
                self._connections.authorise(peer, now)
                self._expiry.watch(peer)
        self._connections.flush()
        return ended
