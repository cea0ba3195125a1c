"""Every method of ChatService over HTTP: JSON, or protobuf that is forwarded unread."""

from collections.abc import Mapping, Sequence

from aiohttp.web import Response
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chatd.errors import InvalidArgument, UnknownMethod
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.json_text import message_from, message_text
from chatd.pb.chat.v1.chat_pb2 import DESCRIPTOR

PROTOBUF = ("application/protobuf", "application/x-protobuf")
JSON = "application/json"
_SERVICE = DESCRIPTOR.services_by_name["ChatService"]
_KINDS: Mapping[str, tuple[type[Message], type[Message]]] = {
    method.name: (GetMessageClass(method.input_type), GetMessageClass(method.output_type))
    for method in _SERVICE.methods
}
NO_STORE = {"Cache-Control": "no-store"}
JSON_HEADERS = {**NO_STORE, "Content-Type": JSON}
"""In one: aiohttp takes longer to add the content type to others."""


async def call_method(exchange: Exchange, method: str) -> Response:
    """Answer in the form that was asked in. Raises ChatdError."""
    kinds = _KINDS.get(method)
    if kinds is None:
        raise UnknownMethod(f"{_SERVICE.full_name} has no method {method[:100]!r}")
    request_kind, response_kind = kinds
    content_type = exchange.request.content_type
    request_id = exchange.header("Idempotency-Key")
    body = await exchange.body()
    if content_type in PROTOBUF:
        answer = await exchange.call(f"ChatService/{method}", body, request_id=request_id)
        return Response(body=answer, content_type=content_type, headers=NO_STORE)
    if body and content_type != JSON:
        raise InvalidArgument(f"the body must be {JSON} or {PROTOBUF[0]}")
    asked = message_from(body, request_kind)
    answer = await exchange.call(
        f"ChatService/{method}",
        asked.SerializeToString(),
        affinity=_room_of(asked),
        request_id=request_id,
    )
    return Response(body=message_text(response_kind.FromString(answer)), headers=JSON_HEADERS)


def _room_of(message: Message) -> str:
    """The room that a request is about; empty if it is about none, or several."""
    events: Sequence[Message] = getattr(message, "events", [])
    return str(getattr(events[0] if events else message, "room_id", ""))
