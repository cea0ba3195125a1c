"""Reload: other tokens and limits under open streams. A stream whose token is no longer good ends;
nothing else does."""

from collections.abc import Sequence

from chatd.errors import ChatdError, Unauthenticated
from chatd.gateway.admission import Admission
from chatd.gateway.authentication.chain import Authenticator
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.rate_limits import RateSettings
from chatd.gateway.token_expiry import TokenExpiry


class Reload:
    """Changes what Admission goes by."""

    def __init__(
        self,
        admission: Admission,
        connections: ConnectionManager,
        sender: DeviceSender,
        expiry: TokenExpiry,
    ) -> None:
        self._expiry = expiry
        self._admission = admission
        self._connections = connections
        self._sender = sender

    def run(self, tokens: Sequence[Authenticator], rates: RateSettings, door: DoorSettings) -> int:
        """Apply all three; the number of streams that were ended, Hellos on their way to one
        included."""
        self._admission.change(tokens, rates, door)
        ended = 0
        for peer in list(self._connections.peers):
            identity = peer.opening.identity if peer.opening is not None else peer.identity
            if identity is not None and not self._goes_on(peer, identity):
                self._sender.end(peer, Unauthenticated("the token is no longer good"))
                peer.identity = None
                ended += 1
        self._connections.flush()
        return ended

    def _goes_on(self, peer: ClientConnection, identity: Identity) -> bool:
        """True if the token is still good for the stream, which then has the rights that it shows
        by now."""
        by_now = self._admission.confirm(identity)
        if by_now is None:
            return False
        try:
            by_now.check_key(peer.link.client_key)
            by_now.check_device(peer.device_id)
            self._admission.check(by_now)
        except ChatdError:
            return False
        self._connections.authorise(peer, by_now)
        self._expiry.watch(peer)
        return True
