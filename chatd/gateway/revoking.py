"""Revoking: default nodes tell which tokens are no longer good; their streams end."""

from collections.abc import Sequence

from chatd.gateway.admission import Admission
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.connection import ClientConnection
from chatd.gateway.token_check import TokenCheck
from chatd.pb.node.v1.node_pb2 import Revocation


class Revoking:
    """``heard`` is told what each node says."""

    def __init__(self, revocations: Revocations, admission: Admission, check: TokenCheck) -> None:
        self._revocations = revocations
        self._admission = admission
        self._check = check

    def heard(self, revocations: Sequence[Revocation]) -> None:
        """A node has told of these; most often there are none."""
        if revocations:
            self._revocations.add(revocations)
            self._check.run(self._still_good)

    def _still_good(self, peer: ClientConnection, identity: Identity) -> Identity:
        self._admission.check(identity)
        return identity
