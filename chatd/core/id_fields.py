"""The ids of a request, found by the names of its fields: ``…_id``, ``…_ids`` and ``mentions``,
also in messages within it.

They are normalised to NFC where a request comes in, so that "café" is one room however it was
typed.
"""

from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from chatd.text import nfc


def normalise_ids(request: Message) -> None:
    """Bring every id of the request, set or not, into Normalization Form C."""
    for field in _id_fields(request.DESCRIPTOR):
        value = getattr(request, field.name)
        if field.is_repeated:
            for index, one in enumerate(value):
                if not one.isascii():
                    value[index] = nfc(one)
        elif not value.isascii():
            setattr(request, field.name, nfc(value))
    for field in _message_fields(request.DESCRIPTOR):
        if field.is_repeated:
            for one in getattr(request, field.name):
                normalise_ids(one)
        elif request.HasField(field.name):
            normalise_ids(getattr(request, field.name))


@cache
def _id_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(
        field
        for field in descriptor.fields
        if field.type == field.TYPE_STRING
        and (field.name.endswith(("_id", "_ids")) or field.name == "mentions")
    )


@cache
def _message_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Messages of chatd's own; a payload's Struct is content, and content stays as it was sent."""
    return tuple(
        field
        for field in descriptor.fields
        if field.message_type is not None and field.message_type.file.package != "google.protobuf"
    )
