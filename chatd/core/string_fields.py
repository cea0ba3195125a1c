"""The strings of a request, found by its descriptors: ids are normalised, and a NUL is refused.

Ids are found by the names of their fields: ``…_id``, ``…_ids`` and ``mentions``, also in messages
within the request. They are normalised to NFC where a request comes in, so that "café" is one room
however it was typed. A payload's Struct is content: ``core/payload.py`` judges it.
"""

import re
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from chatd.errors import InvalidId, InvalidText
from chatd.text import nfc

_BEYOND_ASCII = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
"""How each such character begins in UTF-8. A length of 128 to 16,383 never looks so in an
encoding, and few other numbers do."""


def may_hold_beyond_ascii(encoded: bytes) -> bool:
    """False if no string of an encoded message has a character beyond ASCII."""
    return _BEYOND_ASCII.search(encoded) is not None


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


def refuse_nul(request: Message) -> None:
    """Raises InvalidId or InvalidText if a string of the request holds a NUL: PostgreSQL's text
    cannot. A request whose encoding holds none need not be asked about."""
    for field in _string_fields(request.DESCRIPTOR):
        value = getattr(request, field.name)
        if any("\0" in one for one in value) if field.is_repeated else "\0" in value:
            raise (InvalidId if _is_id(field) else InvalidText)(f"{field.name} holds a NUL")
    for field in _message_fields(request.DESCRIPTOR):
        if field.is_repeated:
            for one in getattr(request, field.name):
                refuse_nul(one)
        elif request.HasField(field.name):
            refuse_nul(getattr(request, field.name))


def _is_id(field: FieldDescriptor) -> bool:
    return field.name.endswith(("_id", "_ids")) or field.name == "mentions"


@cache
def _string_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in descriptor.fields if field.type == field.TYPE_STRING)


@cache
def _id_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in _string_fields(descriptor) if _is_id(field))


@cache
def _message_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Messages of chatd's own."""
    return tuple(
        field
        for field in descriptor.fields
        if field.message_type is not None and field.message_type.file.package != "google.protobuf"
    )
