"""JSON as clients get it: protobuf's own mapping, with the names of fields as proto/ has them."""

import json
from typing import TypeVar

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import Message

from chatd.errors import InvalidArgument

M = TypeVar("M", bound=Message)
MAX_DEPTH = 100
"""Messages and values in each other, as protobuf's own readers take them."""


def dumps(value: object) -> bytes:
    """A line of JSON."""
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def loads(body: bytes) -> dict[str, object]:
    """A JSON object; no body is an empty one. Raises InvalidArgument."""
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise InvalidArgument("the body is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise InvalidArgument("the body must be a JSON object")
    return found


def message_from(body: bytes, kind: type[M]) -> M:
    """The message in a body; no body is an empty one. Raises InvalidArgument."""
    if not body:
        return kind()
    if not body.lstrip().startswith(b"{"):  # protobuf takes an empty list for an object
        raise InvalidArgument("the body must be a JSON object")
    try:
        return Parse(body, kind(), max_recursion_depth=MAX_DEPTH)
    except (ParseError, UnicodeDecodeError, RecursionError) as exc:
        said = str(exc) if isinstance(exc, ParseError) else "it is not JSON in UTF-8"
        raise InvalidArgument(f"the body is no {kind.DESCRIPTOR.name}: {said}") from exc


def message_text(message: Message) -> bytes:
    """A message as a line of JSON with all its fields. 64-bit integers are strings, as in all of
    protobuf's JSON."""
    text = MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=None,
        ensure_ascii=False,
    )
    return (text + "\n").encode()
