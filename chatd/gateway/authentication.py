"""Tokens and the profiles they belong to. The table keeps SHA-256 digests, so a look-up takes the
same time for every token and for any number of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from chatd.core.ids import check_id
from chatd.errors import PermissionDenied, Unauthenticated
from chatd.pb.node.v1.node_pb2 import Caller, Role
from chatd.text import nfc

MAX_TOKEN_CHARACTERS = 4_096
"""A longer token is refused unhashed: a client's frame may be a megabyte."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated client: its profile and its rights. ``digest`` is of the token that showed
    them; ``operator_id`` is that token's own profile when it acts for another one."""

    profile_id: str
    operator: bool
    digest: bytes = b""
    operator_id: str = ""

    def to_caller(self) -> Caller:
        return Caller(
            profile_id=self.profile_id,
            role=Role.ROLE_OPERATOR if self.operator else Role.ROLE_USER,
            operator_id=self.operator_id,
        )


class MayNotActFor(PermissionDenied):
    """A user of the profile ``profile_id`` has named another one."""

    def __init__(self, profile_id: str) -> None:
        super().__init__("only an operator's token may act for another profile")
        self.profile_id = profile_id


def digest_of(token: str) -> bytes:
    """The digest under which the table keeps a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


class TokenTable:
    """``identities`` are by the digests of their tokens."""

    def __init__(self, identities: Mapping[bytes, Identity]) -> None:
        self._identities = identities

    def __len__(self) -> int:
        return len(self._identities)

    def confirms(self, identity: Identity) -> bool:
        """True if the token that showed ``identity`` would show it again."""
        now = self._identities.get(identity.digest)
        return (
            now is not None
            and now.operator == identity.operator
            and (now.operator or now.profile_id == identity.profile_id)
        )

    def authenticate(self, token: str, act_for: str) -> Identity:
        """The identity of ``token``, acting for the profile ``act_for`` if given.

        Raises Unauthenticated for no token and for an unknown one, PermissionDenied when a user
        names another profile, InvalidId.
        """
        if not token:
            raise Unauthenticated("no token was given")
        # A dict compares digests, not tokens: how long it takes tells nothing about a token.
        identity = self._identities.get(digest_of(token)) if len(token) <= MAX_TOKEN_CHARACTERS else None
        if identity is None:
            raise Unauthenticated("no such token")
        act_for = nfc(act_for)
        if not act_for or act_for == identity.profile_id:
            return identity
        if not identity.operator:
            raise MayNotActFor(identity.profile_id)
        return Identity(
            check_id("profile_id", act_for),
            operator=True,
            digest=identity.digest,
            operator_id=identity.profile_id,
        )
