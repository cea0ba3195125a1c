import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core.curve.metadata import decode_metadata, encode_metadata

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.+", min_size=1, max_size=255)


@given(st.dictionaries(NAMES, st.binary()))
def test_properties_survive(properties: dict[str, bytes]) -> None:
    assert decode_metadata(encode_metadata(properties)) == properties


def test_the_form_of_rfc_23() -> None:
    properties = {"Socket-Type": b"DEALER", "Identity": b""}
    encoded = b"\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
    assert encode_metadata(properties) == encoded
    assert decode_metadata(encoded) == {"socket-type": b"DEALER", "identity": b""}


GOOD = encode_metadata({"A": b"1"})


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x00\x00\x00\x00\x00",
        b"\x01 \x00\x00\x00\x00",
        b"\x02\xc3\xa4\x00\x00\x00\x00",
        GOOD + GOOD,
        GOOD + encode_metadata({"a": b"2"}),
        b"\x01A\xff\xff\xff\xff" + bytes(10),
        b"\xff" + b"A" * 100,
        *(GOOD[:size] for size in range(1, len(GOOD))),
        GOOD + b"\x01",
    ],
)
def test_bad_properties_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="a property of the connection"):
        decode_metadata(data)


@given(st.binary())
@example(GOOD)
def test_no_octets_raise_anything_else(data: bytes) -> None:
    try:
        properties = decode_metadata(data)
    except ValueError:
        return
    assert len(encode_metadata(properties)) == len(data)


@pytest.mark.parametrize("name", ["", "a b", "ä", "a" * 256, "a\n"])
def test_bad_names_are_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="no property"):
        encode_metadata({name: b""})
