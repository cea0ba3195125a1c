import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from chatd.core.curve import (
    MAX_HANDSHAKE_BYTES,
    CurveError,
    CurveFailure,
    CurveServer,
    CurveServerHandshake,
    KeyPair,
    encode_metadata,
    new_key_pair,
)
from chatd.core.curve import client as client_module
from chatd.core.curve.boxes import seal, shared_key
from chatd.core.curve.client import CurveClientHandshake
from tests.core.curve.wire import DEALER, NOW, ROUTER, handshake

SERVER = CurveServer(new_key_pair())


def refused(at_server: CurveServerHandshake, command: bytes, now: float = NOW) -> CurveFailure:
    with pytest.raises(CurveError) as error:
        at_server.command(command, now)
    assert at_server.client_key == b""
    with pytest.raises(RuntimeError):
        at_server.accept(ROUTER)
    return error.value.failure


def test_a_handshake() -> None:
    keys = new_key_pair()
    one = handshake(SERVER, keys)
    assert (len(one.hello), len(one.welcome), len(one.initiate)) == (200, 168, 257 + len(DEALER))
    assert one.server.command(one.initiate, NOW) is None
    assert one.server.client_key == keys.public
    assert one.server.metadata == {"socket-type": b"DEALER", "identity": b""}
    ready, session = one.server.accept(ROUTER)
    assert len(ready) == 30 + len(ROUTER)
    assert one.client.command(ready) is None
    assert one.client.metadata == {"socket-type": b"ROUTER", "identity": b""}
    assert one.client.session is not None
    assert session.open(one.client.session.seal(b"up")) == (0, b"up")
    assert one.client.session.open(session.seal(b"down")) == (0, b"down")


def changed(command: bytes, at: int, bits: int) -> bytes:
    octets = bytearray(command)
    octets[at] ^= bits
    return bytes(octets)


BITS = pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])


@BITS
def test_each_octet_of_hello_counts(bits: int) -> None:
    hello = CurveClientHandshake(SERVER.public, new_key_pair(), DEALER).hello()
    for at in range(len(hello)):
        refused(SERVER.handshake(), changed(hello, at, bits))


@BITS
def test_each_octet_of_initiate_counts(bits: int) -> None:
    for at in range(257 + len(DEALER)):
        one = handshake(SERVER)
        failure = refused(one.server, changed(one.initiate, at, bits))
        if 9 <= at < 105:
            assert failure == CurveFailure.BAD_COOKIE


@pytest.mark.parametrize("size", [0, 1, 6, 199, 201, 400])
def test_hello_of_another_length_is_refused(size: int) -> None:
    hello = handshake(SERVER).hello
    failure = refused(SERVER.handshake(), (hello + hello)[:size])
    assert failure == (CurveFailure.MALFORMED if size >= 6 else CurveFailure.UNEXPECTED)


@pytest.mark.parametrize("size", [9, 113, 256, 257, 257 + len(DEALER) - 1, 257 + len(DEALER) + 1])
def test_initiate_of_another_length_is_refused(size: int) -> None:
    one = handshake(SERVER)
    failure = refused(one.server, (one.initiate + bytes(100))[:size])
    assert failure == (CurveFailure.MALFORMED if size < 257 else CurveFailure.NOT_AUTHENTIC)


@pytest.mark.parametrize(("excess", "is_refused"), [(0, False), (1, True)])
def test_initiate_has_a_limit(excess: int, is_refused: bool) -> None:
    metadata = encode_metadata({"X": bytes(MAX_HANDSHAKE_BYTES - 257 - 6 + excess)})
    client = CurveClientHandshake(SERVER.public, new_key_pair(), metadata)
    at_server = SERVER.handshake()
    initiate = client.command(at_server.command(client.hello(), NOW) or b"")
    assert initiate is not None
    if is_refused:
        assert refused(at_server, initiate) == CurveFailure.MALFORMED
    else:
        assert at_server.command(initiate, NOW) is None


def test_metadata_must_be_in_order() -> None:
    client = CurveClientHandshake(SERVER.public, new_key_pair(), b"\x05short")
    at_server = SERVER.handshake()
    initiate = client.command(at_server.command(client.hello(), NOW) or b"")
    assert initiate is not None
    assert refused(at_server, initiate) == CurveFailure.MALFORMED


def test_another_servers_key_opens_nothing() -> None:
    other = CurveServer(new_key_pair())
    one = handshake(other)
    assert refused(SERVER.handshake(), one.hello) == CurveFailure.NOT_AUTHENTIC


@pytest.mark.parametrize(
    "public", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xed" + b"\xff" * 30 + b"\x7f"]
)
def test_keys_that_no_pair_has_are_refused(public: bytes) -> None:
    hello = handshake(SERVER).hello
    assert refused(SERVER.handshake(), hello[:80] + public + hello[112:]) == CurveFailure.NOT_AUTHENTIC


def test_hello_must_hold_zeros() -> None:
    pair = new_key_pair()
    key = shared_key(SERVER.public, pair.secret)
    assert key is not None
    nonce = (1).to_bytes(8, "big")
    start = b"\x05HELLO\x01\x00" + bytes(72) + pair.public + nonce
    for text, is_good in ((bytes(64), True), (bytes(63) + b"\x01", False)):
        hello = start + seal(text, b"CurveZMQHELLO---" + nonce, key)
        if is_good:
            assert SERVER.handshake().command(hello, NOW) is not None
        else:
            assert refused(SERVER.handshake(), hello) == CurveFailure.NOT_AUTHENTIC


# Replays


def test_hello_comes_once() -> None:
    one = handshake(SERVER)
    assert refused(one.server, one.hello) == CurveFailure.UNEXPECTED
    assert refused(one.server, one.initiate) == CurveFailure.UNEXPECTED


def test_initiate_comes_once() -> None:
    one = handshake(SERVER)
    one.server.command(one.initiate, NOW)
    with pytest.raises(CurveError) as error:
        one.server.command(one.initiate, NOW)
    assert error.value.failure == CurveFailure.UNEXPECTED
    with pytest.raises(RuntimeError):
        one.server.accept(ROUTER)


def test_a_recorded_connection_cannot_be_repeated() -> None:
    """Otherwise the server would open the same session again, with the same nonces."""
    one = handshake(SERVER)
    one.server.command(one.initiate, NOW)
    again = SERVER.handshake()
    assert again.command(one.hello, NOW) is not None
    assert refused(again, one.initiate) == CurveFailure.BAD_COOKIE


def test_a_cookie_is_good_for_its_own_connection_only() -> None:
    one, other = handshake(SERVER), handshake(SERVER)
    assert refused(one.server, other.initiate) == CurveFailure.BAD_COOKIE
    assert refused(SERVER.handshake(), other.initiate) == CurveFailure.UNEXPECTED


def test_a_cookie_may_be_too_old() -> None:
    for seconds, is_good in ((59.9, True), (60.0, False)):
        server = CurveServer(new_key_pair())
        one = handshake(server)
        if is_good:
            assert one.server.command(one.initiate, NOW + seconds) is None
        else:
            assert refused(one.server, one.initiate, NOW + seconds) == CurveFailure.BAD_COOKIE


def test_a_listener_without_connections_forgets_its_cookie_keys() -> None:
    server = CurveServer(new_key_pair())
    one = handshake(server)
    server.discard_cookie_keys(NOW + 60.0)
    assert refused(one.server, one.initiate, NOW) == CurveFailure.BAD_COOKIE


def test_initiate_must_follow_its_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    for nonce in (0, 1, 3, 2**64 - 1):
        monkeypatch.setattr(client_module, "_INITIATE_NONCE", nonce)
        one = handshake(SERVER)
        assert refused(one.server, one.initiate) == CurveFailure.OUT_OF_SEQUENCE


# Several pairs


def test_a_client_may_know_either_key_while_it_is_changed() -> None:
    old, new = new_key_pair(), new_key_pair()
    server = CurveServer(old, new)
    assert server.public == new.public
    for pair in (old, new):
        one = handshake(server, server_key=pair.public)
        assert one.server.command(one.initiate, NOW) is None


def test_a_key_that_is_dropped_is_good_for_handshakes_that_have_begun() -> None:
    old, new = new_key_pair(), new_key_pair()
    server = CurveServer(old, new)
    begun = handshake(server, server_key=old.public)
    server.pairs = (new,)
    assert begun.server.command(begun.initiate, NOW) is None
    late = CurveClientHandshake(old.public, new_key_pair(), DEALER).hello()
    assert refused(server.handshake(), late) == CurveFailure.NOT_AUTHENTIC
    one = handshake(server)
    assert one.server.command(one.initiate, NOW) is None


def test_a_vouch_is_for_the_key_that_hello_was_made_for() -> None:
    """Either key would do for the server, but then a vouch would say less than its client said."""
    old, new = new_key_pair(), new_key_pair()
    server = CurveServer(old, new)
    client, at_server = CurveClientHandshake(old.public, new_key_pair(), DEALER), server.handshake()
    welcome = at_server.command(client.hello(), NOW)
    assert welcome is not None
    client._server_key = new.public
    initiate = client.command(welcome)
    assert initiate is not None
    assert refused(at_server, initiate) == CurveFailure.BAD_VOUCH


# Vouches


def test_the_client_must_own_the_key_that_it_names() -> None:
    """A thief of a public key has not its secret."""
    victim, thief = new_key_pair(), new_key_pair()
    one = handshake(SERVER, KeyPair(victim.public, thief.secret))
    assert refused(one.server, one.initiate) == CurveFailure.BAD_VOUCH


def initiate_with_vouch(monkeypatch: pytest.MonkeyPatch, vouched: slice, by: bytes) -> CurveFailure:
    """The server's answer when ``vouched`` of C' and S is replaced ``by`` other octets."""

    def seal_other(text: bytes, nonce: bytes, key: bytes) -> bytes:
        if nonce.startswith(b"VOUCH---"):
            octets = bytearray(text)
            octets[vouched] = by
            text = bytes(octets)
        return seal(text, nonce, key)

    monkeypatch.setattr(client_module, "seal", seal_other)
    one = handshake(SERVER)
    return refused(one.server, one.initiate)


def test_a_vouch_is_for_this_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_key_pair().public
    assert initiate_with_vouch(monkeypatch, slice(0, 32), other) == CurveFailure.BAD_VOUCH


def test_a_vouch_is_for_this_server(monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_key_pair().public
    assert initiate_with_vouch(monkeypatch, slice(32, 64), other) == CurveFailure.BAD_VOUCH


def test_another_clients_vouch_is_worth_nothing() -> None:
    """Its INITIATE was recorded, but the box around the vouch is for another connection."""
    victim = handshake(SERVER)
    one = handshake(SERVER)
    mixed = one.initiate[:105] + victim.initiate[105:]
    assert refused(one.server, mixed) == CurveFailure.NOT_AUTHENTIC


# Verdicts


def test_a_refusal_is_an_error_with_a_status() -> None:
    one = handshake(SERVER)
    one.server.command(one.initiate, NOW)
    assert one.server.refuse("400") == b"\x05ERROR\x03400"
    with pytest.raises(RuntimeError):
        one.server.accept(ROUTER)


def test_there_is_one_verdict_and_only_after_initiate() -> None:
    one = handshake(SERVER)
    for decide in (lambda: one.server.accept(ROUTER), lambda: one.server.refuse("400")):
        with pytest.raises(RuntimeError):
            decide()
    one.server.command(one.initiate, NOW)
    one.server.accept(ROUTER)
    with pytest.raises(RuntimeError):
        one.server.accept(ROUTER)


def test_a_client_that_does_not_wait_for_ready_is_refused() -> None:
    one = handshake(SERVER)
    one.server.command(one.initiate, NOW)
    with pytest.raises(CurveError) as error:
        one.server.command(b"\x07MESSAGE" + bytes(25), NOW)
    assert error.value.failure == CurveFailure.UNEXPECTED
    with pytest.raises(RuntimeError):
        one.server.accept(ROUTER)


# Anything


PREFIXES = st.sampled_from(
    [b"", b"\x05HELLO", b"\x05HELLO\x01\x00" + bytes(72), b"\x08INITIATE", b"\x05ERROR"]
)
ANYTHING = st.builds(lambda prefix, data: prefix + data, PREFIXES, st.binary(max_size=400))


@given(ANYTHING)
def test_no_octets_raise_anything_else(data: bytes) -> None:
    refused(SERVER.handshake(), data)
    refused(handshake(SERVER).server, data)


class Order(RuleBasedStateMachine):
    """Commands of several connections reach their own server's side, or another's, in any order.

    The model: a side takes any first HELLO, then the INITIATE that answers its own WELCOME, and
    nothing after a command that it did not take.
    """

    commands = Bundle("commands")

    def __init__(self) -> None:
        super().__init__()
        self.server = CurveServer(new_key_pair())
        self.clients: dict[bytes, CurveClientHandshake] = {}
        self.sides: list[CurveServerHandshake] = []
        self.awaited: list[str] = []
        self.initiates: list[bytes] = []

    @rule()
    def open_connection(self) -> None:
        self.sides.append(self.server.handshake())
        self.awaited.append("HELLO")
        self.initiates.append(b"")

    @rule(target=commands)
    def begin(self) -> bytes:
        client = CurveClientHandshake(self.server.public, new_key_pair(), DEALER)
        hello = client.hello()
        self.clients[hello] = client
        return hello

    @rule(target=commands, data=ANYTHING)
    def make_up(self, data: bytes) -> bytes:
        return data

    @rule(target=commands, command=commands, number=st.integers(0, 5))
    def deliver(self, command: bytes, number: int):  # type: ignore[no-untyped-def]
        if number >= len(self.sides):
            return multiple()
        side, awaited = self.sides[number], self.awaited[number]
        should = (awaited == "HELLO" and command in self.clients) or (
            awaited == "INITIATE" and command == self.initiates[number] != b""
        )
        try:
            reply = side.command(command, NOW)
        except CurveError:
            assert not should
            self.awaited[number] = "NOTHING"
            return multiple()
        assert should
        if reply is None:
            self.awaited[number] = "VERDICT"
            return multiple()
        self.awaited[number] = "INITIATE"
        client = self.clients[command]
        try:
            initiate = client.command(reply)
        except CurveError:  # it has had a WELCOME before
            return reply
        assert initiate is not None
        self.initiates[number] = initiate
        return initiate

    @rule(number=st.integers(0, 5))
    def accept(self, number: int) -> None:
        if number >= len(self.sides):
            return
        if self.awaited[number] == "VERDICT":
            self.sides[number].accept(ROUTER)
        else:
            with pytest.raises(RuntimeError):
                self.sides[number].accept(ROUTER)
        self.awaited[number] = "NOTHING" if self.awaited[number] == "VERDICT" else self.awaited[number]

    @invariant()
    def a_client_is_known_after_initiate_only(self) -> None:
        for side, awaited in zip(self.sides, self.awaited, strict=True):
            if awaited in ("HELLO", "INITIATE"):
                assert side.client_key == b""
            if awaited == "VERDICT":
                assert side.client_key != b""


TestOrder = Order.TestCase


def test_neither_errors_nor_objects_show_secrets() -> None:
    keys = new_key_pair()
    server = CurveServer(keys)
    one = handshake(server)
    with pytest.raises(CurveError) as error:
        one.server.command(changed(one.initiate, 200, 1), NOW)
    for shown in (repr(server), repr(one.server), repr(one.client), repr(error.value), str(error.value)):
        for secret in (keys.secret, server.cookie_keys._keys[0].key):
            assert repr(secret) not in shown
            assert secret.hex() not in shown
    assert error.value.__context__ is None
