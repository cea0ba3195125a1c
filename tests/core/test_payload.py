"""Nesting, values and NULs of payloads: judged as a reader counts them, and quickly."""

import time
from collections.abc import Callable

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from chatd.core.payload import MAX_DEPTH, MAX_VALUES, check_payload
from chatd.errors import InvalidText, PayloadTooLarge
from chatd.pb.chat.v1.chat_pb2 import GetHistoryResponse
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame


def lists(levels: int) -> Struct:
    """Lists inside each other."""
    value = Value(string_value="x")
    for _ in range(levels):
        outer = Value()
        outer.list_value.values.append(value)
        value = outer
    return Struct(fields={"a": value})


def structs(levels: int) -> Struct:
    value = Value(string_value="x")
    for _ in range(levels):
        value = Value(struct_value=Struct(fields={"b": value}))
    return Struct(fields={"a": value})


def check(payload: Struct, most: int = MAX_VALUES) -> int:
    return check_payload(payload, payload.SerializeToString(deterministic=True), most)


def depth(message: Message) -> int:
    """Messages inside each other, map entries too, as parsers count them."""
    deepest = 0
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE or field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            deepest = max([deepest, *(2 + depth(value[key]) for key in value)])
        else:
            deepest = max([deepest, *(1 + depth(one) for one in (value if field.is_repeated else [value]))])
    return deepest


@pytest.mark.parametrize(("nested", "most"), [(lists, 30), (structs, 20)])
def test_the_deepest_payload_that_every_reader_takes(nested: Callable[[int], Struct], most: int) -> None:
    for levels in range(most + 1):
        check(nested(levels))
    deepest = nested(most)
    frame, page = ServerFrame(), GetHistoryResponse()
    frame.deliveries.add(payload=deepest)
    page.events.add(payload=deepest)
    assert depth(frame) == depth(page) == MAX_DEPTH
    for levels in (most + 1, most + 5):
        with pytest.raises(PayloadTooLarge, match="too deep"):
            check(nested(levels))
    filled = nested(most + 1)
    filled.fields["text"].string_value = "a\n2*" * 100
    with pytest.raises(PayloadTooLarge, match="too deep"):
        check(filled)


def test_values_are_counted() -> None:
    many = Struct()
    many.fields["a"].list_value.values.extend([Value(null_value=0)] * 99)  # type: ignore[arg-type]
    assert check(many, most=100) == 100
    with pytest.raises(PayloadTooLarge, match="values"):
        check(many, most=99)
    with pytest.raises(PayloadTooLarge, match="values"):
        check(lists(4), most=4)
    assert check(lists(4), most=5) == 5
    text = Struct(fields={"text": Value(string_value="\n\x12" * 1_000)})
    assert check(text) == 1, "bytes that only look like values"
    for few in (Struct(), structs(3), lists(3), many):
        assert check(few) >= sum(1 for _ in values(few))


def values(payload: Struct) -> list[Value]:
    found: list[Value] = []
    todo = [payload.fields[key] for key in payload.fields]
    while todo:
        value = todo.pop()
        found.append(value)
        todo += value.list_value.values
        todo += [value.struct_value.fields[key] for key in value.struct_value.fields]
    return found


@pytest.mark.parametrize(
    "payload",
    [
        Struct(fields={"a\0": Value(number_value=1)}),
        Struct(fields={"a": Value(string_value="\0")}),
        Struct(fields={"a": Value(struct_value=Struct(fields={"\0": Value()}))}),
    ],
)
def test_a_nul_is_found_anywhere(payload: Struct) -> None:
    with pytest.raises(InvalidText):
        check(payload)
    check(Struct(fields={"a": Value(number_value=1), "b": Value(bool_value=False)}))


def test_a_payload_of_millions_of_values_is_refused_at_once() -> None:
    huge = Struct()
    huge.fields["a"].list_value.values.extend([Value()] * 1_000_000)
    encoded = huge.SerializeToString()
    started = time.perf_counter()
    with pytest.raises(PayloadTooLarge):
        check_payload(huge, encoded, MAX_VALUES)
    assert time.perf_counter() - started < 0.1
