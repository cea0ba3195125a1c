"""Messages of protobuf for fuzz targets: filled ones to begin with, and a look at every string of
one, by its descriptor and not by what is tried."""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

DEPTH = 4


def filled(message: Message, text: str = "alice", *, depth: int = 0) -> Message:
    """The message with something in each field, with ``text`` and its name in each string."""
    if isinstance(message, Struct):
        message.update({"text": "hi", "list": [1.0, True, None, {"a": "b"}]})
        return message
    for field in _fields(message.DESCRIPTOR):
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth >= DEPTH:
                continue
            if field.is_repeated:
                if not _is_map(field):
                    filled(getattr(message, field.name).add(), text, depth=depth + 1)
            else:
                inner = getattr(message, field.name)
                inner.SetInParent()
                filled(inner, text, depth=depth + 1)
            continue
        value = f"{text}-{field.name}" if field.type == FieldDescriptor.TYPE_STRING else _value(field)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


@cache
def _fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(descriptor.fields)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _value(field: FieldDescriptor) -> object:
    match field.type:
        case FieldDescriptor.TYPE_BYTES:
            return b"x"
        case FieldDescriptor.TYPE_BOOL:
            return True
        case FieldDescriptor.TYPE_ENUM:
            return 1
        case _:
            return 7


def strings(message: Message) -> Iterator[tuple[str, str]]:
    """The names and values of all strings in it, but for those of Structs."""
    if isinstance(message, Struct):
        return
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING:
            for one in value if field.is_repeated else [value]:
                yield field.name, one
        elif field.type == FieldDescriptor.TYPE_MESSAGE and not _is_map(field):
            for one in value if field.is_repeated else [value]:
                yield from strings(one)
