"""Every id of every request is found by its field's name, and a NUL in any string. Contents are
left alone."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chatd.core.string_fields import may_hold_beyond_ascii, normalise_ids, refuse_nul
from chatd.errors import ChatdError, InvalidId, InvalidText
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame

DECOMPOSED, COMPOSED = "cafe\u0301", "caf\xe9"
NO_IDS = {"name", "notifier", "endpoint", "p256dh", "auth", "kind", "text", "level", "after", "order_by"} | {
    "query",
    "description",
    "key",
    "value",
}
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


def test_every_character_beyond_ascii_is_seen_in_an_encoding_and_few_lengths_are_taken_for_one() -> None:
    for code in (0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF, *range(0x80, 0xD800, 61)):
        assert may_hold_beyond_ascii(b"\x01 " + chr(code).encode()), hex(code)
    request = chat_pb2.SendEventsRequest()
    made = request.events.add(event_id="e", room_id="r")
    for length in (*range(300), *range(300, 16_000, 61)):
        made.payload["text"] = "x" * length
        assert not may_hold_beyond_ascii(request.SerializeToString()), length


def test_contents_stay_as_they_were_sent() -> None:
    request = chat_pb2.SendEventsRequest()
    made = request.events.add(room_id=DECOMPOSED)
    made.payload["text"] = DECOMPOSED
    normalise_ids(request)
    assert (made.room_id, made.payload["text"]) == (COMPOSED, DECOMPOSED)


def with_nuls(made: Message, within: Message) -> Iterator[str]:
    """``made`` with a NUL in one of the strings of ``within``, which is a part of it, after the
    other."""
    for field in within.DESCRIPTOR.fields:
        own = field.message_type is not None and field.message_type.file.package != "google.protobuf"
        if field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                getattr(within, field.name).extend(["fine", "a\0b"])
            else:
                setattr(within, field.name, "a\0b")
            yield field.name
            within.ClearField(field.name)
        elif own:
            inner = getattr(within, field.name)
            yield from with_nuls(made, inner.add() if field.is_repeated else inner)
            within.ClearField(field.name)


@pytest.mark.parametrize("descriptor", [*requests(), ClientFrame.DESCRIPTOR], ids=lambda one: one.name)
def test_a_nul_in_any_string_is_refused(descriptor: Descriptor) -> None:
    request = GetMessageClass(descriptor)()
    refuse_nul(request)
    for name in with_nuls(request, request):
        with pytest.raises(ChatdError, match=f"{name} holds a NUL") as refused:
            refuse_nul(request)
        is_id = name.endswith(("_id", "_ids")) or name == "mentions"
        assert isinstance(refused.value, InvalidId if is_id else InvalidText)
    fill(request)
    refuse_nul(request)
