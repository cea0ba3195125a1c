"""Admission: which client is heard, and how much of it. Asks tokens, rate limits and the
doorkeeper, frame by frame."""

from collections.abc import Sequence

import structlog

from chatd.core.seldom import Seldom
from chatd.errors import PermissionDenied, RateLimited, Unauthenticated
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.authentication.chain import Authentication, Authenticator
from chatd.gateway.authentication.identity import Identity, MayNotActFor
from chatd.gateway.connection import ClientConnection
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.newcomers import Newcomers
from chatd.gateway.rate_limits import RateLimits, RateSettings, events_in
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest

log = structlog.get_logger()


class Admission:
    """Asks the tokens, the limits and the doorkeeper, in this order."""

    def __init__(
        self,
        tokens: Authentication,
        limits: RateLimits,
        door: Doorkeeper,
        newcomers: Newcomers,
        audit: GatewayAudit,
    ) -> None:
        self._tokens = tokens
        self._limits = limits
        self._door = door
        self._newcomers = newcomers
        self._audit = audit
        self._seldom = Seldom()

    def change(self, tokens: Sequence[Authenticator], rates: RateSettings, door: DoorSettings) -> None:
        """Go by these from now on. Frames that were counted so far stay counted."""
        self._tokens.change(tokens)
        self._limits.change(rates)
        self._door.change(door)
        self._newcomers.change(door.per_profile)

    def authenticate(
        self, peer: ClientConnection, token: str, act_for: str, *, opens: bool = False
    ) -> Identity:
        """The identity of ``token``, which came over the peer's connection; ``opens``: to open a
        stream. Raises what ``Authentication.authenticate`` does, and AuthenticationPending too for
        a profile that comes too often."""
        if self._door.is_leaving(peer.link):
            raise Unauthenticated("too many wrong tokens came over this connection")
        try:
            identity = self._tokens.authenticate(token, act_for)
        except Unauthenticated as exc:
            if token:  # none at all is no guess
                self._door.failed(peer.link, peer.heard_at)
                self._audit.refused("Authenticate", peer.link.origin, exc.name)
            raise
        except MayNotActFor as exc:
            self._audit.refused(
                "Authenticate", peer.link.origin, exc.name, profile_id=exc.owner, acting_for=act_for
            )
            raise
        try:
            identity.check_key(peer.link.client_key)
        except PermissionDenied as exc:
            self._audit.refused("Authenticate", peer.link.origin, exc.name, profile_id=identity.owner)
            raise
        is_new = not peer.link.is_request and not self._door.is_of(peer.link, identity.profile_id)
        if not identity.operator and (opens or is_new):
            self._newcomers.admit(peer.link, identity.profile_id)
        peer.caller = identity
        self._newcomers.authenticated(peer.link)
        self._door.authenticated(peer.link, identity.profile_id, operator=identity.operator)
        return identity

    def check(self, identity: Identity) -> None:
        """A frame came from an identity that was shown before. Raises TokenExpired,
        Unauthenticated."""
        self._tokens.check(identity)

    def confirm(self, identity: Identity) -> Identity | None:
        """The identity that its token shows by now; None if it is no longer good."""
        return self._tokens.confirm(identity)

    def limit_call(self, peer: ClientConnection, identity: Identity, call: RpcRequest, size: int) -> None:
        """``size`` is that of the call's frame in bytes. Raises RateLimited."""
        if not identity.operator:
            self._limit(peer, identity, events_in(call), size)

    def limit_frame(self, peer: ClientConnection, identity: Identity | None, size: int) -> None:
        """Any frame but calls, acks and heartbeats: counts as one event. Raises RateLimited."""
        if identity is not None and not identity.operator:
            self._limit(peer, identity, 1, size)

    def _limit(self, peer: ClientConnection, identity: Identity, events: int, size: int) -> None:
        try:
            self._limits.admit(peer, identity.profile_id, events=events, size=size, now=peer.heard_at)
        except RateLimited as exc:
            self._say_limited(peer, identity.profile_id, exc)
            raise

    def limit_acks(self, peer: ClientConnection) -> None:
        """Acks and heartbeats count only as frames, of which there may be many. Raises
        RateLimited."""
        peer.frames_left -= 1
        if peer.frames_left < 0:
            try:
                self._limits.more_frames(peer, peer.heard_at)
            except RateLimited as exc:
                self._say_limited(peer, "" if peer.identity is None else peer.identity.profile_id, exc)
                raise

    def _say_limited(self, peer: ClientConnection, profile_id: str, error: RateLimited) -> None:
        repeated = self._seldom.due((profile_id, peer.link.address), peer.heard_at)
        if repeated is not None:
            log.info(
                "A client is rate-limited",
                profile=profile_id,
                address=peer.link.origin,
                limit=str(error),
                repeated=repeated,
            )

    def may_be_told(self, peer: ClientConnection, size: int) -> bool:
        """True if a client whose frame of so many bytes is refused is to be told so. False: it went
        on for too long, and its connection has been ended."""
        return self._door.refused(peer.link, size, peer.heard_at)
