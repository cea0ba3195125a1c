"""The limits of a payload: every reader can parse its event, and nobody is kept busy by one."""

from collections.abc import Iterable

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from chatd.errors import InvalidText, PayloadTooLarge

MAX_DEPTH = 64
"""Messages inside each other, below the outermost, that every reader of protobuf takes. Dart's
(``CodedBufferReader.DEFAULT_RECURSION_LIMIT``) takes the fewest, 64. C++, Java, C#, Swift, Rust's
prost and upb (Python, Ruby, PHP) take 100, Go 10,000."""
PAYLOAD_DEPTH = 2
"""The payload's Struct is the second: ``ServerFrame.deliveries``, ``EventDelivery.payload``. So is
it in a SendEventsRequest and in a GetHistoryResponse."""
MAX_VALUES = 10_000
"""Values in the payloads of one request together: looking at them takes some 5 ms of the loop that
serves everybody."""

_SIGNS = b"\0\x0a\x12\x2a\x32"
_OTHERS = bytes(set(range(256)) - set(_SIGNS))
_FEW = (MAX_DEPTH - PAYLOAD_DEPTH - 2) // 3


def check_payload(payload: Struct, encoded: bytes, most: int) -> int:
    """The number of the payload's values, or a bound for it. Raises PayloadTooLarge for more than
    ``most`` or for nesting that not every reader takes, InvalidText for a NUL in a key or string.

    ``encoded`` is the payload's encoding, without unknown fields.
    """
    # Each value has a byte of its own among the signs: the tag of a list's element (0A) or of a
    # map entry's value (12). A list (32) adds two levels, a Struct (2A) three.
    signs = encoded.translate(None, _OTHERS)
    if len(signs) <= min(_FEW, most) and b"\0" not in signs:
        return len(signs)
    return _count(payload, most)


def _count(payload: Struct, most: int) -> int:
    """The same, value by value."""
    count = 0
    containers: list[tuple[Struct | ListValue, int]] = [(payload, PAYLOAD_DEPTH)]
    while containers:
        container, depth = containers.pop()
        if isinstance(container, Struct):
            count += len(container.fields)
            depth += 2  # that of its values: each is in a map entry
        else:
            count += len(container.values)
            depth += 1
        if count > most:
            raise PayloadTooLarge(f"the payloads of one request hold more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise PayloadTooLarge("lists and Structs in the payload lie too deep inside each other")
        for value in _values(container):
            kind = value.WhichOneof("kind")
            if kind == "string_value":
                if "\0" in value.string_value:
                    raise InvalidText("a string in the payload holds a NUL")
            elif kind == "struct_value":
                containers.append((value.struct_value, depth + 1))
            elif kind == "list_value":
                containers.append((value.list_value, depth + 1))
    return count


def _values(container: Struct | ListValue) -> Iterable[Value]:
    """Raises InvalidText for a NUL in a key."""
    if isinstance(container, ListValue):
        return container.values
    if any("\0" in key for key in container.fields):
        raise InvalidText("a key in the payload holds a NUL")
    return [container.fields[key] for key in container.fields]
