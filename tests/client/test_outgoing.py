"""Events on their way out: made of a text, and compressed if that pays."""

import pytest
from google.protobuf.struct_pb2 import Struct

from chatd.client.outgoing import COMPRESS_MIN_BYTES, Packer, message
from chatd.core.compression import decompress

LONG = "la " * COMPRESS_MIN_BYTES


def test_a_message_has_an_id_of_its_own_unless_one_is_given() -> None:
    assert message("lobby", "hello").event_id != message("lobby", "hello").event_id
    assert message("lobby", "hello", event_id="mine").event_id == "mine"


def test_a_message_says_how_urgent_it_is_and_to_whom() -> None:
    made = message("lobby", "hello", priority=2, mentions=["bob"])
    assert (made.room_id, made.type, made.payload["text"]) == ("lobby", 1, "hello")
    assert (made.priority, list(made.mentions)) == (2, ["bob"])


def test_a_large_payload_is_compressed_and_nothing_else_is_touched() -> None:
    made = message("lobby", LONG, priority=1, mentions=["bob"])
    packed = Packer(compress=True).pack(made)
    assert not packed.HasField("payload")
    assert len(packed.compressed_payload) < COMPRESS_MIN_BYTES
    assert Struct.FromString(decompress(packed.compressed_payload)) == made.payload
    packed.ClearField("compressed_payload")
    packed.payload.CopyFrom(made.payload)
    assert packed == made


@pytest.mark.parametrize(("text", "compress"), [("hello", True), (LONG, False)])
def test_a_small_payload_or_one_that_is_not_to_be_compressed_stays(text: str, compress: bool) -> None:
    made = message("lobby", text)
    assert Packer(compress=compress).pack(made) is made
