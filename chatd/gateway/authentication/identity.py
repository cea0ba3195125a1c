"""Identity: an authenticated client, and the rights that its token shows."""

import math
from dataclasses import dataclass, replace
from hashlib import sha256

from chatd.core.ids import check_id
from chatd.core.scopes import NO_SCOPES, Scope, scopes_to_pb
from chatd.errors import ChatdError, InvalidArgument, PermissionDenied
from chatd.pb.node.v1.node_pb2 import ROLE_OPERATOR, ROLE_USER, Caller

MAX_TOKEN_CHARACTERS = 4_096
"""A longer token is refused unhashed: a client's frame may be a megabyte."""


class MayNotActFor(PermissionDenied):
    """A token of the profile ``owner`` was to act for another one."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"only an operator's token with the scope '{Scope.OPERATE.value}' may act for another profile"
        )
        self.owner = owner


@dataclass(frozen=True, slots=True)
class Identity:
    """A client, as one of its tokens shows it.

    ``digest`` is the token's, ``twin`` that of another form of the same token; empty: it has none.
    ``source`` names the authenticator that knows it. An operator has ``scopes``. ``devices`` are
    those that it may stream for; empty: any. ``key`` is the public key that the client must have;
    empty: any, or none. ``issued_at`` and ``expires_at`` are in seconds since the Unix epoch.
    """

    profile_id: str
    scopes: frozenset[Scope] = NO_SCOPES
    digest: bytes = b""
    source: str = ""
    devices: frozenset[str] = frozenset()
    key: bytes = b""
    issued_at: float = 0.0
    expires_at: float = math.inf
    twin: bytes = b""
    token_profile_id: str = ""
    """The token's own profile, of an operator who acts for another one."""

    @property
    def operator(self) -> bool:
        return bool(self.scopes)

    @property
    def owner(self) -> str:
        """The token's own profile."""
        return self.token_profile_id or self.profile_id

    def acting_for(self, profile_id: str) -> "Identity":
        """The same client acting for a profile; empty: for its own. Raises PermissionDenied,
        InvalidId."""
        if not profile_id or profile_id == self.profile_id:
            return self
        if Scope.OPERATE not in self.scopes:
            raise MayNotActFor(self.profile_id)
        # Done for each call of such a client: ``replace`` takes four times as long.
        return Identity(
            check_id("profile_id", profile_id),
            self.scopes,
            self.digest,
            self.source,
            self.devices,
            self.key,
            self.issued_at,
            self.expires_at,
            self.twin,
            token_profile_id=self.profile_id,
        )

    def own(self) -> "Identity":
        """The same client for its own profile."""
        return replace(self, profile_id=self.owner, token_profile_id="") if self.token_profile_id else self

    def may_replace(self, other: "Identity") -> bool:
        """True if a stream that ``other`` opened may go on with this token: it is the same client,
        with the same rights."""
        return (self.owner, self.scopes, self.devices, self.key) == (
            other.owner,
            other.scopes,
            other.devices,
            other.key,
        )

    def check_key(self, key: bytes) -> None:
        """The connection's client has shown this public key; empty: none. Raises
        PermissionDenied."""
        if self.key and self.key != key:
            raise PermissionDenied("the token is for a client with another key")

    def check_device(self, device_id: str) -> None:
        """Raises PermissionDenied if the token is not for this device."""
        if self.devices and device_id not in self.devices:
            raise PermissionDenied("the token is for other devices")

    def to_caller(self, address: str = "", gateway_id: str = "") -> Caller:
        """``address``: where it called from, over the gateway ``gateway_id``."""
        if not self.scopes:
            return Caller(profile_id=self.profile_id, role=ROLE_USER, address=address, gateway_id=gateway_id)
        return Caller(
            profile_id=self.profile_id,
            role=ROLE_OPERATOR,
            address=address,
            gateway_id=gateway_id,
            scopes=scopes_to_pb(self.scopes),
            operator_id=self.token_profile_id,
        )


def digest_of(token: str) -> bytes:
    """The digest under which a token is known; the token itself is kept nowhere."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def rights(role: object, scopes: object) -> frozenset[Scope]:
    """The scopes of a token whose role and scopes were given so; None: not at all. An operator has
    all, unless some are named. Raises InvalidArgument, which quotes nothing."""
    if role not in (None, "user", "operator"):
        raise InvalidArgument('role must be "user" or "operator"')
    if scopes is None:
        return frozenset(Scope) if role == "operator" else NO_SCOPES
    names = [scope.value for scope in Scope]
    if not isinstance(scopes, list) or not scopes or not all(scope in names for scope in scopes):
        raise InvalidArgument(f"scopes must be a list of {', '.join(names)}")
    if role != "operator":
        raise InvalidArgument('scopes are for role = "operator"')
    return frozenset(map(Scope, scopes))


def device_ids(devices: object) -> frozenset[str]:
    """The devices of a token that were given so; None: not at all. Raises InvalidArgument, which
    quotes nothing."""
    if devices is None:
        return frozenset()
    if not isinstance(devices, list) or not devices or not all(isinstance(one, str) for one in devices):
        raise InvalidArgument("devices must be a list of device ids")
    try:
        return frozenset(check_id("device_id", one) for one in devices)
    except ChatdError:
        raise InvalidArgument("devices must be a list of device ids") from None
