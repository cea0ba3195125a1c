"""JSON as clients get it: protobuf's own mapping, with the names of fields as proto/ has them."""

import json
import math
from typing import TypeVar

from google.protobuf.json_format import MessageToJson, Parse, ParseError, SerializeToJsonError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from chatd.errors import InvalidArgument

M = TypeVar("M", bound=Message)
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
MAX_DEPTH = 100
"""Messages and values in each other, as protobuf's own readers take them."""


def dumps(value: object) -> bytes:
    """A line of JSON. Raises ValueError for a text that is no Unicode, and for numbers that JSON
    has no words for."""
    return (_encode(value) + "\n").encode()


def loads(body: bytes) -> dict[str, object]:
    """A JSON object; no body is an empty one. Raises InvalidArgument."""
    try:
        found = json.loads(body.decode()) if body else {}
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
    except (ParseError, UnicodeError, RecursionError) as exc:
        # Behind the first line are names of fields as they are not in proto/.
        said = str(exc).partition("\n")[0] if isinstance(exc, ParseError) else "it is not JSON in UTF-8"
        raise InvalidArgument(f"the body is no {kind.DESCRIPTOR.name}: {said[:300]}") from exc


def message_text(message: Message) -> bytes:
    """A message as a line of JSON with all its fields. 64-bit integers are strings, as in all of
    protobuf's JSON."""
    return (to_json(message, all_fields=True) + "\n").encode()


def to_json(message: Message, *, all_fields: bool = False) -> str:
    """A message in JSON, in one line. Payloads may hold numbers that JSON has no words for: they
    are "NaN", "Infinity" and "-Infinity"."""
    try:
        return _to_json(message, all_fields)
    except (SerializeToJsonError, ValueError):
        copy = type(message)()
        copy.CopyFrom(message)
        _spell_numbers(copy)
        return _to_json(copy, all_fields)


def _to_json(message: Message, all_fields: bool) -> str:
    return MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=all_fields,
        indent=None,
        ensure_ascii=False,
    )


def _spell_numbers(message: Message) -> None:
    if isinstance(message, Value) and message.WhichOneof("kind") == "number_value":
        number = message.number_value
        if not math.isfinite(number):
            message.string_value = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inside = value.values() if field.message_type.fields_by_name["value"].message_type else ()
        else:
            inside = value if field.is_repeated else (value,)
        for one in inside:
            _spell_numbers(one)
