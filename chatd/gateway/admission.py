"""Who is heard, and how much of them: tokens, rate limits and the doorkeeper, as the gateway asks them frame by frame."""

import asyncio

from chatd.errors import Unauthenticated
from chatd.gateway.authentication import Identity, TokenTable
from chatd.gateway.connection import ClientConnection
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.rate_limits import RateLimits, RateSettings, events_in
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest
from chatd.transport.accepted import AcceptedConnections
from chatd.transport.sockets import Socket


class Admission:
    """``watch`` gives it the connections, ``tick`` is to be called every ``period`` seconds, ``close`` ends it."""

    def __init__(self, tokens: TokenTable, rates: RateSettings, door: DoorSettings) -> None:
        self._tokens = tokens
        self._limits = RateLimits(rates)
        self._door = Doorkeeper(door)
        self.period = self._door.period
        self.tick = self._door.tick

    def watch(self, loop: asyncio.AbstractEventLoop, router: Socket, monitor: Socket) -> AcceptedConnections:
        """Follow the connections of ``router``, of which ``monitor`` tells."""
        self._connections = AcceptedConnections(loop, router, monitor, on_accepted=self._door.accepted, on_ended=self._door.ended)
        self._door.bind(self._connections)
        return self._connections

    def authenticate(self, peer: ClientConnection, token: str, act_for: str) -> Identity:
        """The identity of ``token``, which came over the peer's connection. Raises what ``TokenTable.authenticate`` does."""
        try:
            identity = self._tokens.authenticate(token, act_for)
        except Unauthenticated:
            if token:  # none at all is no guess
                self._door.failed(peer.routing_id, peer.heard_at)
            raise
        self._door.authenticated(peer.routing_id)
        return identity

    def limit_call(self, peer: ClientConnection, identity: Identity, call: RpcRequest) -> None:
        """Raises RateLimited."""
        if not identity.operator:
            self._limit(peer, identity, events_in(call), len(call.payload))

    def limit_frame(self, peer: ClientConnection, identity: Identity | None, size: int) -> None:
        """Any frame but calls, acks and heartbeats: counts as one event. Raises RateLimited."""
        if identity is not None and not identity.operator:
            self._limit(peer, identity, 1, size)

    def _limit(self, peer: ClientConnection, identity: Identity, events: int, size: int) -> None:
        address = self._door.address_of(peer.routing_id)
        self._limits.admit(peer, identity.profile_id, address, events=events, size=size, now=peer.heard_at)

    def limit_acks(self, peer: ClientConnection) -> None:
        """Acks and heartbeats count only as frames, of which there may be many. Raises RateLimited."""
        peer.frames_left -= 1
        if peer.frames_left < 0:
            self._limits.more_frames(peer, peer.heard_at)

    def may_be_told(self, peer: ClientConnection, size: int) -> bool:
        """Whether a peer whose frame of so many bytes is refused is to be told so. If not, it went on for too long: its connection has been ended."""
        return self._door.refused(peer.routing_id, size, peer.heard_at)

    def close(self) -> None:
        self._connections.close()
