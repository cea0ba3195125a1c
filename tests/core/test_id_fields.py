"""Every id of every request is found by its field's name; contents are left alone."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chatd.core.id_fields import normalise_ids
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2

DECOMPOSED, COMPOSED = "cafe\u0301", "caf\xe9"
NO_IDS = {"name", "notifier", "endpoint", "p256dh", "auth", "kind", "text"}
"""Strings of requests that are no ids. A new one belongs here, or is named as an id."""


def requests() -> Iterator[Descriptor]:
    files: tuple[FileDescriptor, ...] = (chat_pb2.DESCRIPTOR, admin_pb2.DESCRIPTOR)
    for file in files:
        for service in file.services_by_name.values():
            yield from (call.input_type for call in service.methods)


def strings(message: Message) -> Iterator[tuple[str, str]]:
    """Fill every string of a message with the decomposed text, and read all of them."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_STRING:
            yield from ((field.name, one) for one in (value if field.is_repeated else (value,)))
        elif field.message_type is not None and field.message_type.file.package != "google.protobuf":
            for one in value if field.is_repeated else (value,):
                yield from strings(one)


def fill(message: Message) -> None:
    for field in message.DESCRIPTOR.fields:
        own = field.message_type is not None and field.message_type.file.package != "google.protobuf"
        if field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                getattr(message, field.name).extend([DECOMPOSED, "plain"])
            else:
                setattr(message, field.name, DECOMPOSED)
        elif own:
            fill(getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name))


@pytest.mark.parametrize("descriptor", list(requests()), ids=lambda one: one.name)
def test_every_id_of_a_request_is_composed(descriptor: Descriptor) -> None:
    request = GetMessageClass(descriptor)()
    fill(request)
    normalise_ids(request)
    for name, value in strings(request):
        assert value in ((DECOMPOSED, "plain") if name in NO_IDS else (COMPOSED, "plain")), name


def test_contents_stay_as_they_were_sent() -> None:
    request = chat_pb2.SendEventsRequest()
    made = request.events.add(room_id=DECOMPOSED)
    made.payload["text"] = DECOMPOSED
    normalise_ids(request)
    assert (made.room_id, made.payload["text"]) == (COMPOSED, DECOMPOSED)
