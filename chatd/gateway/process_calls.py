"""GatewayProcessCalls: operators' calls that a default node passes on by the queue. They are for
this gateway, or for another node that it can reach."""

from functools import partial

import structlog

from chatd.core.wire import encode_reply
from chatd.errors import ChatdError, Unavailable
from chatd.gateway.backend import Backend
from chatd.gateway.default_node import Node
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.node.v1.node_pb2 import (
    AnswerProcessRequest,
    CallProcessRequest,
    CallProcessResponse,
    ProcessCall,
)
from chatd.transport.process_calls import ProcessCalls

log = structlog.get_logger()


class GatewayProcessCalls:
    """``own`` are those that are about this gateway."""

    def __init__(self, backend: Backend, own: ProcessCalls) -> None:
        self._backend = backend
        self._own = own

    def heard(self, call: ProcessCall, started_at_us: int) -> None:
        """The process of a node that started then wants something."""
        asking = next((one for one in self._backend.nodes if one.started_at_us == started_at_us), None)
        if asking is None:
            return  # it has just gone
        answered = partial(self._answered, asking, call.call_id)
        if not call.node_id:
            self._own.call(call.method, call.payload, answered)
            return
        node = next((one for one in self._backend.living() if one.node_id == call.node_id), None)
        request = CallProcessRequest(method=call.method, payload=call.payload).SerializeToString()
        on_reply = partial(self._passed_back, answered)
        if node is None or not self._backend.ask(node, "NodeService/CallProcess", request, on_reply):
            answered(b"", Unavailable(f"this gateway does not reach the default node {call.node_id}"))

    def _passed_back(self, answered: OnReply, payload: bytes, error: ChatdError | None) -> None:
        answered(CallProcessResponse.FromString(payload).payload if error is None else b"", error)

    def _answered(self, asking: Node, call_id: int, payload: bytes, error: ChatdError | None) -> None:
        request = AnswerProcessRequest(answer=encode_reply(call_id, payload, error))
        # One that does not come through is a gateway that does not answer: the operator is told.
        self._backend.ask(asking, "NodeService/AnswerProcess", request.SerializeToString(), _told)


def _told(payload: bytes, error: ChatdError | None) -> None:
    if error is not None:
        log.debug("An operator's call was not answered", error=str(error))
