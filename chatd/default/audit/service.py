"""The calls about the audit: operators list it, gateways add their lines."""

from chatd.core.audit import AuditLine, from_pb
from chatd.core.ids import check_seq
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.audit.store import ListAudit, RecordAudit
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.node.v1 import node_pb2

MAX_LINES = 1_000


class AuditService:
    def __init__(self) -> None:
        self.part = Part(
            calls=(
                Call("AdminService/ListAudit", admin_pb2.ListAuditRequest, Role.READ, self.list_audit),
                Call("NodeService/RecordAudit", node_pb2.RecordAuditRequest, Role.GATEWAY, self.record_audit),
            )
        )

    def list_audit(self, caller: Caller, request: admin_pb2.ListAuditRequest) -> Answer:
        """Lines, the newest first."""

        def then(page: tuple[tuple[AuditLine, ...], bool]) -> admin_pb2.ListAuditResponse:
            return admin_pb2.ListAuditResponse(lines=[line.to_pb() for line in page[0]], more=page[1])

        query = ListAudit(
            request.profile_id,
            check_seq("since_us", max(0, request.since_us)),
            request.before_line_id,
            page_limit(request.limit),
        )
        return Read(query, then)

    def record_audit(self, caller: Caller, request: node_pb2.RecordAuditRequest) -> Answer:
        """Keep a gateway's lines, which it has logged itself."""
        if not 1 <= len(request.lines) <= MAX_LINES:
            raise InvalidArgument(f"{len(request.lines)} lines; a request has 1 to {MAX_LINES}")
        try:
            lines = tuple(from_pb(line) for line in request.lines)
        except ValueError as exc:
            raise InvalidArgument("a line of a kind that is not known here") from exc
        return Write(RecordAudit(lines), lambda _: node_pb2.RecordAuditResponse())
