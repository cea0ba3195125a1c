"""Authentication: a chain of authenticators. The first that knows a token says whose it is."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from chatd.errors import PermissionDenied, TokenExpired, Unauthenticated
from chatd.gateway.authentication.identity import MAX_TOKEN_CHARACTERS, Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.text import nfc


class Authenticator(Protocol):
    """A kind of tokens."""

    def identify(self, token: str, digest: bytes) -> Identity | None:
        """The identity that a token shows; None: the next authenticator is asked. Raises
        Unauthenticated if the token is of this kind, and no good."""

    def confirm(self, identity: Identity) -> Identity | None:
        """The identity that the token of ``identity``, as its own, shows by now; None: this
        authenticator does not know it, or not any more."""


class Authentication:
    """``now`` gives seconds since the Unix epoch."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        revocations: Revocations,
        *,
        now: Callable[[], float],
    ) -> None:
        self._authenticators = authenticators
        self._revocations = revocations
        self._now = now

    def change(self, authenticators: Sequence[Authenticator]) -> None:
        """Go by these from now on."""
        self._authenticators = authenticators

    def authenticate(self, token: str, act_for: str) -> Identity:
        """The identity of ``token``, acting for the profile ``act_for`` if given.

        Raises Unauthenticated for no token and for an unknown one, TokenExpired, PermissionDenied
        when it may not act for another profile, InvalidId.
        """
        if not token:
            raise Unauthenticated("no token was given")
        identity = self._identify(token) if len(token) <= MAX_TOKEN_CHARACTERS else None
        if identity is None:
            raise Unauthenticated("no such token")
        self.check(identity)
        return identity.acting_for(nfc(act_for)) if act_for else identity

    def _identify(self, token: str) -> Identity | None:
        digest = digest_of(token)
        for authenticator in self._authenticators:
            identity = authenticator.identify(token, digest)
            if identity is not None:
                return identity
        return None

    def check(self, identity: Identity) -> None:
        """The token that showed ``identity`` is still good. Raises TokenExpired, Unauthenticated
        when it was revoked."""
        # Asked for each call: a token that lasts for ever, where none was revoked, costs nothing.
        if identity.expires_at != math.inf and identity.expires_at <= self._now():
            raise TokenExpired("the token has expired")
        if self._revocations.has_any and self._revocations.cover(identity):
            raise Unauthenticated("the token was revoked")

    def confirm(self, identity: Identity) -> Identity | None:
        """The identity that the token of ``identity`` shows by now, acting for the same profile;
        None if it is no longer good for that."""
        for authenticator in self._authenticators:
            own = authenticator.confirm(identity)
            if own is not None:
                try:
                    return own.acting_for(identity.profile_id)
                except PermissionDenied:
                    return None
        return None
