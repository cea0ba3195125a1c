"""python -m tests.gateway.fronts.http.openapi DESCRIPTOR_SET FILE: make the description of the HTTP
front that /openapi.json shows. ``make proto`` runs it."""

import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from chatd.errors import WIRE_ERRORS
from chatd.gateway.fronts.http.service import JSON, PROTOBUF
from chatd.gateway.fronts.http.statuses import STATUSES
from tests.gateway.fronts.http.openapi_schemas import Comments, Schema, Schemas, all_schemas, reference

FILE = "chat/v1/chat.proto"
ABOUT = """The calls of chatd's ChatService over HTTP. 64-bit integers are strings in JSON, and an \
enum is its name. Bodies are not compressed. proto/HTTP.md and proto/PROTOCOL.md say more."""
KEY, PROFILE = "Idempotency-Key", "Chatd-Profile"
PARAMETERS: Schema = {
    "profile": {
        "name": PROFILE,
        "in": "header",
        "description": "The profile that an operator calls as.",
        "schema": {"type": "string"},
    },
    "request_id": {
        "name": KEY,
        "in": "header",
        "description": "The request's id: a call that changes something is executed once for each.",
        "schema": {"type": "string"},
    },
    "event_id": {
        "name": KEY,
        "in": "header",
        "description": "The event's id, if the body has none: sent again, it is stored once.",
        "schema": {"type": "string"},
    },
    "room": {
        "name": "room",
        "in": "path",
        "required": True,
        "description": "The room's id, quoted: / is %2F.",
        "schema": {"type": "string", "minLength": 1},
    },
}
ERROR: Schema = {
    "type": "object",
    "description": "The reason why a request was refused.",
    "properties": {
        "code": {"type": "integer", "description": "The error's number in PROTOCOL.md."},
        "name": {"type": "string", "description": "Its name there."},
        "message": {"type": "string", "description": "A sentence for people."},
        "retry": {"type": "boolean", "description": "True if the same request may succeed later."},
        "retry_after_ms": {"type": "integer", "minimum": 0, "description": "Not before then, in ms."},
    },
    "required": ["code", "name", "message", "retry", "retry_after_ms"],
    "additionalProperties": False,
}


def document(files: FileDescriptorSet) -> Schema:
    """The OpenAPI document. ``files`` hold FILE and what it imports, with their comments."""
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    (service,) = pool.FindFileByName(FILE).services_by_name.values()
    methods: list[MethodDescriptor] = list(service.methods)
    comments = Comments(files)
    asked = [method.input_type for method in methods]
    components = dict(all_schemas(Schemas(comments, asked), [*asked, *(one.output_type for one in methods)]))
    event = components["RoomEvent"]
    components["TextOrEvent"] = {
        **event,
        "description": "A text, or an event of any kind.",
        "properties": {
            "text": {"type": "string", "description": "What is said: payload.text."},
            **event["properties"],
        },
    }
    kinds = {kind.name: kind for one in methods for kind in (one.input_type, one.output_type)}
    components["Error"] = ERROR
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatd",
            "version": "v1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {
            **_rooms(kinds, reference(pool.FindMessageTypeByName("chat.v1.EventAck"))),
            **{
                f"/{service.full_name}/{method.name}": {"post": _call(method, comments)} for method in methods
            },
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The caller's token."}
            },
            "parameters": PARAMETERS,
            "responses": {str(status): _refusal(status) for status in sorted(set(STATUSES.values()))},
            "schemas": components,
        },
    }


def _rooms(kinds: dict[str, Descriptor], ack: Schema) -> Schema:
    unread = {
        "parameters": [
            _query("after", "Only rooms behind this one.", {"type": "string"}),
            _query("limit", "Rooms at most, 1 to 1,000; 0: 100.", _up_to(1_000)),
            _parameter("profile"),
        ],
        "responses": _answers(reference(kinds["ListUnreadResponse"])),
    }
    summary = "List the caller's rooms, and what is unread in each"
    return {
        "/v1/rooms/{room}/events": {
            "parameters": [_parameter("room")],
            "post": {
                "operationId": "send",
                "summary": "Store a text, or an event of any kind",
                "parameters": [_parameter("event_id"), _parameter("profile")],
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/TextOrEvent"}}},
                },
                "responses": _answers(ack),
            },
            "get": {
                "operationId": "history",
                "summary": "Read a page of a room's log, ascending, by default the newest",
                "parameters": [
                    _query("before", "Only events before this seq; 0: any.", _up_to(2**63 - 1)),
                    _query("after", "Events behind this seq, the oldest first.", _up_to(2**63 - 1)),
                    _query("around", "Events up to this seq and behind it; alone.", _up_to(2**63 - 1)),
                    _query(
                        "since", "Only events from this time on, microseconds; 0: any.", _up_to(2**63 - 1)
                    ),
                    _query(
                        "until", "Only events from before this time, microseconds; 0: any.", _up_to(2**63 - 1)
                    ),
                    _query("limit", "Events at most, 1 to 500; 0: 50.", _up_to(500)),
                    _parameter("profile"),
                ],
                "responses": _answers(reference(kinds["GetHistoryResponse"])),
            },
        },
        "/v1/rooms": {"get": {"operationId": "rooms", "summary": summary, **unread}},
        "/v1/unread": {"get": {"operationId": "unread", "summary": summary, **unread}},
    }


def _call(method: MethodDescriptor, comments: Comments) -> Schema:
    about = comments[method.full_name]
    anything = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in PROTOBUF}
    return {
        "operationId": method.name,
        "summary": about.partition(". ")[0].rstrip("."),
        "description": about,
        "parameters": [_parameter("request_id"), _parameter("profile")],
        "requestBody": {"content": {JSON: {"schema": reference(method.input_type)}, **anything}},
        "responses": _answers(reference(method.output_type), anything),
    }


def _answers(schema: Schema, others: Schema | None = None) -> Schema:
    done = {"description": "Done.", "content": {JSON: {"schema": schema}, **(others or {})}}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in set(STATUSES.values())}
    return {"200": done, **dict(sorted(refused.items()))}


def _refusal(status: int) -> Schema:
    names = [f"{WIRE_ERRORS[code].name} ({code})" for code, its in STATUSES.items() if its == status]
    response: dict[str, Any] = {
        "description": ", ".join(names),
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if any(WIRE_ERRORS[code].retry for code, its in STATUSES.items() if its == status):
        response["headers"] = {
            "Retry-After": {"description": "Seconds, if they are known.", "schema": {"type": "integer"}}
        }
    return response


def _query(name: str, about: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _up_to(most: int) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": most}


def _parameter(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


if __name__ == "__main__":
    read = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    text = json.dumps(document(read), ensure_ascii=False, indent=1)
    Path(sys.argv[2]).write_text(text + "\n", encoding="utf-8")
