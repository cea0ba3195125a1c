"""Reload: other tokens and limits under open streams. A stream whose token is no longer good ends;
nothing else does."""

from chatd.errors import Unauthenticated
from chatd.gateway.admission import Admission
from chatd.gateway.authentication import TokenTable
from chatd.gateway.connection import ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.rate_limits import RateSettings


class Reload:
    """Changes what Admission goes by."""

    def __init__(self, admission: Admission, connections: ConnectionManager, sender: DeviceSender) -> None:
        self._admission = admission
        self._connections = connections
        self._sender = sender

    def run(self, tokens: TokenTable, rates: RateSettings, door: DoorSettings) -> int:
        """Apply all three; the number of streams that were ended, Hellos on their way to one
        included."""
        self._admission.change(tokens, rates, door)
        ended = 0
        for peer in list(self._connections.peers):
            identity = peer.opening.identity if peer.opening is not None else peer.identity
            if identity is not None and not tokens.confirms(identity):
                self._sender.end(peer, Unauthenticated("the token is no longer good"))
                peer.identity = None
                ended += 1
        self._connections.flush()
        return ended
