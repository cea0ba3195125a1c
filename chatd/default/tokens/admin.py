"""AdminService's calls about tokens."""

from collections.abc import Callable

from chatd.core.ids import check_id, check_seq
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.tokens.model import Revocation
from chatd.default.tokens.store import ListRevocations, RevokeTokens
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2

DIGEST_BYTES = 32


class TokenAdmin:
    """``revoked`` is called when something was."""

    def __init__(self, revoked: Callable[[], None]) -> None:
        self._revoked = revoked
        self.part = Part(
            calls=(
                Call(
                    "AdminService/RevokeTokens",
                    admin_pb2.RevokeTokensRequest,
                    Role.OPERATE,
                    self.revoke_tokens,
                ),
                Call(
                    "AdminService/ListRevocations",
                    admin_pb2.ListRevocationsRequest,
                    Role.READ,
                    self.list_revocations,
                ),
            )
        )

    def revoke_tokens(self, caller: Caller, request: admin_pb2.RevokeTokensRequest) -> Answer:
        """End tokens before their time."""
        if bool(request.digest) == bool(request.profile_id):
            raise InvalidArgument("either digest or profile_id")
        if request.digest and len(request.digest) != DIGEST_BYTES:
            raise InvalidArgument(f"a digest has {DIGEST_BYTES} bytes, not {len(request.digest)}")
        if request.expires_at_us < 0:
            raise InvalidArgument("expires_at_us is below 0")
        profile_id = check_id("profile_id", request.profile_id) if request.profile_id else ""
        command = RevokeTokens(request.digest, profile_id, request.expires_at_us)
        return Write(
            command,
            lambda done: admin_pb2.RevokeTokensResponse(before_us=done.before_us),
            lambda done: self._revoked(),
        )

    def list_revocations(self, caller: Caller, request: admin_pb2.ListRevocationsRequest) -> Answer:
        """A page of what was revoked, the newest first."""

        def then(page: tuple[tuple[Revocation, ...], bool]) -> admin_pb2.ListRevocationsResponse:
            return admin_pb2.ListRevocationsResponse(revocations=map(_to_pb, page[0]), more=page[1])

        before = check_seq("before_version", request.before_version)
        return Read(ListRevocations(before, page_limit(request.limit)), then)


def _to_pb(one: Revocation) -> admin_pb2.Revocation:
    return admin_pb2.Revocation(
        version=one.version,
        digest=one.digest,
        profile_id=one.profile_id,
        before_us=one.before_us,
        expires_at_us=one.expires_at_us,
    )
