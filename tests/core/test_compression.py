"""zstd frames: what pays is made smaller, and no frame is believed."""

import random
import string

import pytest
import zstandard
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.compression import Compressor, decompress
from chatd.core.wire import (
    delivery_record,
    encode_delivery,
    plain_delivery,
    plain_records,
    replayed,
    tried_before,
)
from chatd.errors import MalformedFrame, PayloadTooLarge
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

TEXT = b"the quick brown fox jumps over the lazy dog; " * 50


def frame_of(content: bytes, **options: object) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(content)  # type: ignore[arg-type]


def test_what_pays_is_compressed() -> None:
    compressor = Compressor(min_bytes=100, level=3)
    frame = compressor.compress(TEXT)
    assert frame is not None
    assert len(frame) < len(TEXT) / 10
    assert decompress(frame, len(TEXT)) == TEXT
    assert compressor.compress(TEXT[:99]) is None, "too small"
    assert compressor.compress(random.Random(1).randbytes(5_000)) is None, "no smaller"
    assert Compressor(min_bytes=0, level=3).compress(TEXT) is None, "turned off"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x28\xb5\x2f\xfd",
        b"no zstd at all",
        frame_of(TEXT)[:-3],
        frame_of(TEXT) + b"more",
        frame_of(TEXT) + frame_of(b"another"),
        frame_of(TEXT, write_content_size=False),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd",  # a skippable frame
    ],
    ids=["empty", "magic", "garbage", "cut", "trailing", "two", "size not declared", "skippable"],
)
def test_frames_that_are_refused(frame: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decompress(frame)


def test_a_bomb_is_refused_by_what_it_declares() -> None:
    bomb = frame_of(b"\0" * 50_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(PayloadTooLarge, match="50000000 bytes; the limit is 1000"):
        decompress(bomb, 1_000)
    with pytest.raises(PayloadTooLarge):
        decompress(bomb)
    assert decompress(frame_of(b"x" * 1_000), 1_000) == b"x" * 1_000


@pytest.mark.parametrize("declared", [0, 1, 200, 255])
def test_a_bomb_that_lies_is_refused_by_what_it_holds(declared: int) -> None:
    honest = frame_of(b"\0" * 256)  # its size stands in the two bytes behind the descriptor, less 256
    assert honest[4] >> 6 == 1
    single_byte = bytes((honest[4] & 0x3F | 0x20,)) + bytes((declared,))
    with pytest.raises(MalformedFrame):
        decompress(honest[:4] + single_byte + honest[7:], 1_000)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_content_or_an_error(noise: bytes) -> None:
    for frame in (noise, b"\x28\xb5\x2f\xfd" + noise):
        try:
            assert len(decompress(frame, 1_000)) <= 1_000
        except (MalformedFrame, PayloadTooLarge):
            pass


@given(st.integers(0, 2_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_frame_is_content_or_an_error(at: int, damage: bytes) -> None:
    frame = bytearray(frame_of(TEXT))
    at %= len(frame)
    frame[at : at + len(damage)] = damage
    try:
        assert len(decompress(bytes(frame), len(TEXT))) <= len(TEXT)
    except (MalformedFrame, PayloadTooLarge):
        pass


def struct_of(text: str) -> bytes:
    payload = Struct()
    payload["text"] = text
    return payload.SerializeToString()


def deliveries(texts: list[str], min_bytes: int) -> tuple[bytes, list[EventDelivery]]:
    """Records with every payload of so many bytes compressed, and what they are when none is."""
    compressor = Compressor(min_bytes=min_bytes, level=3)
    records, plain = [], []
    for number, text in enumerate(texts):
        link, payload = (
            EventLink(event_id=f"e{number}", room_id="r" * (number % 200), seq=number + 1),
            struct_of(text),
        )
        frame = compressor.compress(payload)
        records.append(delivery_record(encode_delivery(link, frame or payload, compressed=frame is not None)))
        plain.append(EventDelivery.FromString(encode_delivery(link, payload)))
    return b"".join(records), plain


@given(
    st.lists(
        st.text(string.ascii_letters, min_size=1, max_size=20).map(lambda text: text * 40),
        min_size=1,
        max_size=5,
    )
)
def test_records_are_made_plain(texts: list[str]) -> None:
    records, wanted = deliveries(texts, min_bytes=100)
    plain = plain_records(records, 1 << 20)
    assert plain is not None
    assert list(ServerFrame.FromString(plain).deliveries) == wanted
    assert plain_records(plain, 1 << 20) is plain, "nothing to do"


def test_what_would_grow_too_large_is_not_made_plain() -> None:
    records, _ = deliveries(["x" * 10_000] * 5, min_bytes=100)
    assert plain_records(records, 40_000) is None
    assert plain_records(records, 60_000) is not None
    plain, _ = deliveries(["x" * 10_000] * 5, min_bytes=0)
    assert plain_records(plain, 40_000) is plain, "it is as large as it was sent"


def test_what_stands_behind_the_payload_stays() -> None:
    records, (wanted,) = deliveries(["x" * 1_000], min_bytes=100)
    delivery = ServerFrame.FromString(records).deliveries[0].SerializeToString()
    plain = EventDelivery.FromString(plain_delivery(replayed(tried_before(delivery, 3))))
    wanted.retry_count, wanted.replay = 3, True
    assert plain == wanted
