"""Values of the subject."""

from dataclasses import dataclass

from chatd.pb.node.v1 import node_pb2


@dataclass(frozen=True, slots=True)
class Revocation:
    """A token that is no longer good, by its SHA-256; or, with an empty ``digest``, all of a
    profile's tokens that were issued before ``before_us``. After ``expires_at_us`` (0: never) they
    would not be good anyway. Each revocation has a higher ``version`` than those before."""

    version: int
    digest: bytes
    profile_id: str
    before_us: int
    expires_at_us: int

    def to_pb(self) -> node_pb2.Revocation:
        return node_pb2.Revocation(
            digest=self.digest,
            profile_id=self.profile_id,
            before_us=self.before_us,
            expires_at_us=self.expires_at_us,
        )
