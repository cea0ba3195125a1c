import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.key_pair import KEY_BYTES, KeyPair, decode_key, encode_key, new_key_pair

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


def test_the_example_of_rfc_32() -> None:
    hello_world = bytes.fromhex("864fd26fb559f75b")
    assert encode_key(hello_world * 4) == "HelloWorld" * 4
    assert decode_key("HelloWorld" * 4) == hello_world * 4


@given(KEYS)
def test_keys_survive_their_text(key: bytes) -> None:
    assert decode_key(encode_key(key)) == key


def test_libzmq_reads_the_same_text() -> None:
    pair = new_key_pair()
    secret = encode_key(pair.secret).encode()
    assert zmq.curve_public(secret) == encode_key(pair.public).encode()
    public, secret = zmq.curve_keypair()
    assert KeyPair.of_secret(decode_key(secret.decode())).public == decode_key(public.decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 39,
        "0" * 41,
        "0" * 39 + " ",
        "0" * 39 + "\n",
        "0" * 39 + '"',
        "0" * 39 + "é",
        "0" * 39 + "٣",
        "#" * 40,  # 85**5 - 1 is more than four octets
        "%nSc1" + "0" * 35,  # 2**32, the first that is
    ],
)
def test_bad_text_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="a key in Z85") as error:
        decode_key(text)
    assert not text or text not in str(error.value)


def test_the_largest_group_is_read() -> None:
    assert decode_key("%nSc0" * 8) == b"\xff" * KEY_BYTES


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        assert encode_key(decode_key(text)) == text
    except ValueError:
        pass


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_are_refused(size: int) -> None:
    good = new_key_pair()
    for make in (
        encode_key,
        KeyPair.of_secret,
        lambda key: KeyPair(key, good.secret),
        lambda key: KeyPair(good.public, key),
    ):
        with pytest.raises(ValueError, match="32 octets"):
            make(bytes(size))


def test_a_pair_does_not_show_its_secret() -> None:
    pair = new_key_pair()
    for shown in (repr(pair), str(pair), f"{pair}"):
        assert repr(pair.public) in shown
        assert repr(pair.secret) not in shown
    assert len({new_key_pair().secret for _ in range(10)}) == 10
