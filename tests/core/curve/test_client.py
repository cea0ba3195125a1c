import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.curve import CurveClientHandshake, CurveError, CurveFailure, CurveServer, new_key_pair
from chatd.core.curve.commands import MAX_HANDSHAKE_BYTES
from tests.core.curve.wire import DEALER, NOW, ROUTER, Handshake, handshake

SERVER = CurveServer(new_key_pair())


def begun(server_key: bytes = SERVER.public) -> tuple[CurveClientHandshake, bytes]:
    """A client that waits for WELCOME, and the WELCOME."""
    client = CurveClientHandshake(server_key, new_key_pair(), DEALER)
    welcome = SERVER.handshake().command(client.hello(), NOW)
    assert welcome is not None
    return client, welcome


def answered(metadata: bytes = ROUTER) -> tuple[Handshake, bytes]:
    """A handshake whose client waits for READY, and the READY."""
    one = handshake(SERVER)
    one.server.command(one.initiate, NOW)
    return one, one.server.accept(metadata)[0]


def refused(client: CurveClientHandshake, command: bytes) -> CurveFailure:
    with pytest.raises(CurveError) as error:
        client.command(command)
    assert client.session is None
    with pytest.raises(CurveError):
        client.command(command)
    return error.value.failure


def changed(command: bytes, at: int, bits: int) -> bytes:
    octets = bytearray(command)
    octets[at] ^= bits
    return bytes(octets)


@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_each_octet_of_welcome_counts(bits: int) -> None:
    for at in range(168):
        client, welcome = begun()
        refused(client, changed(welcome, at, bits))


@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_each_octet_of_ready_counts(bits: int) -> None:
    for at in range(30 + len(ROUTER)):
        one, ready = answered()
        refused(one.client, changed(ready, at, bits))


@pytest.mark.parametrize("size", [8, 167, 169])
def test_welcome_of_another_length_is_malformed(size: int) -> None:
    client, welcome = begun()
    assert refused(client, (welcome + b"\x00")[:size]) == CurveFailure.MALFORMED


@pytest.mark.parametrize("size", [6, 29, MAX_HANDSHAKE_BYTES + 1])
def test_ready_of_another_length_is_malformed(size: int) -> None:
    one, ready = answered()
    assert refused(one.client, (ready + bytes(MAX_HANDSHAKE_BYTES))[:size]) == CurveFailure.MALFORMED


def test_metadata_must_be_in_order() -> None:
    one, ready = answered(b"\x05short")
    assert refused(one.client, ready) == CurveFailure.MALFORMED


def test_welcome_of_another_server_is_refused() -> None:
    other = CurveServer(new_key_pair())
    client, _ = begun()
    welcome = handshake(other).welcome
    assert refused(client, welcome) == CurveFailure.NOT_AUTHENTIC


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), bytes(33), b"\xff" * 32])
def test_a_server_has_a_proper_key(key: bytes) -> None:
    with pytest.raises(ValueError, match="no server has this key"):
        CurveClientHandshake(key, new_key_pair(), DEALER)


def test_commands_of_another_connection_are_refused() -> None:
    client, _ = begun()
    assert refused(client, handshake(SERVER).welcome) == CurveFailure.NOT_AUTHENTIC
    one, _ = answered()
    assert refused(one.client, answered()[1]) == CurveFailure.NOT_AUTHENTIC


def test_commands_come_once_and_in_their_order() -> None:
    one, ready = answered()
    assert refused(one.client, one.welcome) == CurveFailure.UNEXPECTED
    client, _ = begun()
    assert refused(client, ready) == CurveFailure.UNEXPECTED
    one, ready = answered()
    one.client.command(ready)
    with pytest.raises(CurveError) as error:
        one.client.command(ready)
    assert error.value.failure == CurveFailure.UNEXPECTED


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (b"\x03400", "refused: 400"),
        (b"\x00", "refused: "),
        (b"", "no proper reason"),
        (b"\x04400", "no proper reason"),
        (b"\x02400", "no proper reason"),
        (b"\x03\x1b[m", "no proper reason"),
        (b"\x02\xc3\xa4", "no proper reason"),
    ],
)
def test_an_error_of_the_server_ends_it(error: bytes, said: str) -> None:
    for client in (begun()[0], answered()[0].client):
        with pytest.raises(CurveError, match=said) as caught:
            client.command(b"\x05ERROR" + error)
        assert caught.value.failure == CurveFailure.REFUSED
        assert refused(client, b"\x05ERROR" + error) == CurveFailure.UNEXPECTED


PREFIXES = st.sampled_from([b"", b"\x07WELCOME", b"\x05READY", b"\x05ERROR", b"\x07MESSAGE"])


@given(PREFIXES, st.binary(max_size=200))
def test_no_octets_raise_anything_else(prefix: bytes, data: bytes) -> None:
    refused(begun()[0], prefix + data)
    refused(answered()[0].client, prefix + data)


def test_each_connection_has_keys_of_its_own() -> None:
    keys = new_key_pair()
    hellos = {CurveClientHandshake(SERVER.public, keys, DEALER).hello()[80:112] for _ in range(5)}
    assert len(hellos) == 5
    assert keys.public not in hellos
