"""TokenExpiry: a stream lasts no longer than its token. The device is told in time to renew it."""

import math
from collections.abc import Callable

from chatd.errors import ChatdError, NoStream, PermissionDenied
from chatd.gateway.admission import Admission
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, ServerFrame, TokenExpires

PERIOD = 0.25
"""Seconds between two looks: a stream may outlast its token by so long."""
NOTICE_SECONDS = 60.0
"""A device is told so long before its token expires, or when half of the token's time is left."""
LONGEST_MS = (1 << 53) - 1
"""A number that every client can hold."""


class TokenExpiry:
    """``now`` gives seconds since the Unix epoch. ``tick`` is to be called every PERIOD."""

    def __init__(
        self,
        admission: Admission,
        connections: ConnectionManager,
        sender: DeviceSender,
        *,
        now: Callable[[], float],
    ) -> None:
        self._admission = admission
        self._connections = connections
        self._sender = sender
        self._now = now
        self._due: dict[ClientConnection, float] = {}  # streams whose tokens expire: when to look next

    def watch(self, peer: ClientConnection) -> None:
        """The peer's stream has a token, a new one or its first."""
        self._due.pop(peer, None)
        if peer.stream is None or peer.identity is None or peer.identity.expires_at == math.inf:
            return
        expires_at = peer.identity.expires_at
        self._due[peer] = expires_at - min(NOTICE_SECONDS, (expires_at - self._now()) / 2)

    def tick(self) -> None:
        """Tell devices that are due, and end streams."""
        now = self._now()
        for peer, at in list(self._due.items()):
            if peer.stream is None or peer.identity is None:
                del self._due[peer]
            elif at <= now:
                self._look(peer, peer.identity.expires_at)
        self._connections.flush()

    def _look(self, peer: ClientConnection, expires_at: float) -> None:
        assert peer.identity is not None
        try:
            self._admission.check(peer.identity)
        except ChatdError as exc:
            del self._due[peer]
            self._sender.end(peer, exc)
        else:
            self._due[peer] = expires_at
            self._tell(peer)

    def _tell(self, peer: ClientConnection) -> None:
        assert peer.identity is not None
        left = peer.identity.expires_at - self._now()
        in_ms = 0 if left == math.inf else max(1, round(min(left * 1_000, LONGEST_MS)))
        self._sender.send(peer, ServerFrame(token_expires=TokenExpires(in_ms=in_ms)).SerializeToString())

    def on_renew(self, peer: ClientConnection, frame: ClientFrame) -> None:
        """Raises a ChatdError to refuse."""
        if peer.stream is None or peer.identity is None:
            raise NoStream("renew without a stream")
        identity = self._admission.authenticate(peer, frame.renew.token, peer.identity.profile_id)
        self._admission.limit_frame(peer, identity, frame.ByteSize())
        if not identity.may_replace(peer.identity):
            raise PermissionDenied("the token is not of the same client with the same rights")
        self._connections.authorise(peer, identity)
        self.watch(peer)
        self._tell(peer)
