"""Revocations: tokens that are no longer good, as default nodes tell them."""

from collections.abc import Callable, Iterable

from chatd.gateway.authentication.identity import Identity
from chatd.pb.node.v1.node_pb2 import Revocation

_FORGET_FROM = 1_000


class Revocations:
    """``now`` gives seconds since the Unix epoch."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._digests: dict[bytes, float] = {}  # until when they are kept
        self._before: dict[str, float] = {}  # by profile
        self._forget_at = _FORGET_FROM
        self.has_any = False
        """False: no token was revoked."""

    def add(self, revocations: Iterable[Revocation]) -> None:
        """More of them; some may be known."""
        for one in revocations:
            self.has_any = True
            before = one.before_us / 1e6
            if one.digest:
                self._digests[one.digest] = one.expires_at_us / 1e6 or float("inf")
            else:
                self._before[one.profile_id] = max(before, self._before.get(one.profile_id, 0.0))
        if len(self._digests) > self._forget_at:
            now = self._now()
            self._digests = {digest: until for digest, until in self._digests.items() if until > now}
            self._forget_at = max(_FORGET_FROM, 2 * len(self._digests))

    def cover(self, identity: Identity) -> bool:
        """True if the token that showed the identity is no longer good."""
        if identity.digest in self._digests or identity.twin in self._digests:
            return True
        return bool(self._before) and identity.issued_at <= self._before.get(identity.owner, -1.0)
