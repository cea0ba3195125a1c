"""An encrypted connection: the same messages inside, each frame sealed, and what is sent is sealed
in the order in which it is sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.curve import (
    COMMAND,
    MORE,
    OVERHEAD_BYTES,
    CurveClientHandshake,
    CurveServer,
    CurveSession,
    encode_metadata,
    new_key_pair,
)
from chatd.core.zmtp import MAX_SKIPPED_PARTS, Answer, Connection, CurveHandshake, ProtocolError
from tests.core.zmtp import peer as zmtp_peer
from tests.core.zmtp.listener import in_words, pieces
from tests.core.zmtp.peer import hello, wire
from tests.core.zmtp.reference import Said

MAX_BODY = 1_000
SERVER = CurveServer(new_key_pair())
KEYS = new_key_pair()
PING, PONG = b"\x04PING\0\x0a", b"\x04PONG"


def fresh() -> Connection:
    return Connection(max_body=MAX_BODY, handshake=CurveHandshake(SERVER, lambda: 1_000.0))


def answers(connection: Connection, sent: bytes) -> list[bytes]:
    """The bodies of the commands that answer it."""
    heard = []
    for event in connection.receive(sent):
        assert isinstance(event, Answer)
        answer = event.wire
        assert answer[0] & ~zmtp_peer.LONG == zmtp_peer.COMMAND
        heard.append(answer[9 if answer[0] & zmtp_peer.LONG else 2 :])
    return heard


def opened(kind: bytes = b"DEALER") -> tuple[Connection, CurveSession]:
    """The connection, and the client's side of it."""
    connection = fresh()
    client = CurveClientHandshake(SERVER.public, KEYS, encode_metadata({"Socket-Type": kind}))
    assert connection.opening == b"\xff" + bytes(8) + hello(b"CURVE", as_server=1)[9:]
    (welcome,) = answers(connection, hello(b"CURVE") + wire(zmtp_peer.COMMAND, client.hello()))
    initiate = client.command(welcome)
    assert initiate is not None
    (ready,) = answers(connection, wire(zmtp_peer.COMMAND, initiate))
    client.command(ready)
    assert client.session is not None
    assert connection.is_ready
    assert not connection.is_plain
    assert connection.client_key == KEYS.public
    return connection, client.session


def opened_frame(client: CurveSession, wire: bytes | bytearray) -> tuple[int, bytes]:
    sent = bytes(wire)
    assert not sent[0] & ~zmtp_peer.LONG, "libzmq takes the bits of the frame for those of the message"
    return client.open(sent[9 if sent[0] & zmtp_peer.LONG else 2 :])


def test_messages_in_both_directions() -> None:
    connection, client = opened()
    sent = [client.seal(b"hi"), client.seal(b"", MORE), client.seal(b"x" * MAX_BODY), client.seal(b"")]
    events = connection.receive(b"".join(wire(0, sealed) for sealed in sent))
    assert [in_words(event) for event in events] == [
        ("message", b"hi"),
        ("delimited", b"x" * MAX_BODY),
        ("message", b""),
    ]
    for body in (b"", b"short", b"l" * 1_000):
        assert opened_frame(client, connection.seal(body)) == (0, body)
    assert opened_frame(client, connection.seal(b"", zmtp_peer.MORE)) == (MORE, b"")


def test_a_message_in_a_command_frame_is_read_too() -> None:
    connection, client = opened()
    assert connection.receive(wire(zmtp_peer.COMMAND, client.seal(b"hi"))) == [b"hi"]


def test_a_pong_is_sealed_when_it_is_sent_and_not_when_the_ping_comes() -> None:
    """A client takes sealed frames only in the order in which they were sealed, and answers to what
    came before a PING may go before its PONG."""
    connection, client = opened()
    sent = wire(0, client.seal(b"a call")) + wire(0, client.seal(PING + b"context", COMMAND))
    call, pong = connection.receive(sent)
    assert call == b"a call"
    assert isinstance(pong, Answer)
    assert opened_frame(client, connection.seal(b"its reply")) == (0, b"its reply")
    assert opened_frame(client, pong.wire) == (COMMAND, PONG + b"context")
    assert opened_frame(client, connection.seal(b"a delivery")) == (0, b"a delivery")


def test_more_parts_are_refused_and_the_connection_goes_on() -> None:
    connection, client = opened()
    sent = [client.seal(b"one", MORE), client.seal(b"two"), client.seal(b"next")]
    events = connection.receive(b"".join(wire(0, sealed) for sealed in sent))
    assert [in_words(event) for event in events] == [("MALFORMED_FRAME", 3), ("message", b"next")]


@pytest.mark.parametrize("kind", [b"PUB", b"ROUTER", b""])
def test_another_kind_of_socket_is_refused(kind: bytes) -> None:
    with pytest.raises(ProtocolError):
        opened(kind)


@pytest.mark.parametrize("mechanism", [b"NULL", b"PLAIN"])
def test_another_mechanism_is_refused(mechanism: bytes) -> None:
    with pytest.raises(ProtocolError):
        fresh().receive(hello(mechanism))


@pytest.mark.parametrize(
    "sent",
    [
        wire(0, b"plain"),
        wire(zmtp_peer.COMMAND, PING),
        zmtp_peer.head(0, MAX_BODY + OVERHEAD_BYTES + 1),
        zmtp_peer.head(0, (1 << 64) - 1),
        wire(0),
    ],
)
def test_a_frame_that_is_not_sealed_or_too_large_ends_the_connection(sent: bytes) -> None:
    connection, _ = opened()
    with pytest.raises(ProtocolError):
        connection.receive(sent)


@pytest.mark.parametrize("flags", [zmtp_peer.MORE, zmtp_peer.COMMAND | zmtp_peer.MORE, 8, 128])
def test_a_sealed_frame_says_nothing_of_itself_outside(flags: int) -> None:
    connection, client = opened()
    with pytest.raises(ProtocolError):
        connection.receive(wire(flags, client.seal(b"hi")))


def test_what_is_wrong_inside_ends_the_connection_without_a_word() -> None:
    """libzmq takes an ERROR that is not sealed for a breach of the protocol, and never comes
    again."""
    for wrong in (
        [(MORE, b"one")] + [(MORE, b"")] * (MAX_SKIPPED_PARTS + 1),
        [(COMMAND, b"\x09PING")],
        [(COMMAND, b"\x05ERROR\0")],
    ):
        connection, client = opened()
        with pytest.raises(ProtocolError) as caught:
            connection.receive(b"".join(wire(0, client.seal(body, flags)) for flags, body in wrong))
        assert caught.value.answer == b""


def test_repeated_lost_and_changed_frames_end_the_connection() -> None:
    for damage in ("repeated", "lost", "changed"):
        connection, client = opened()
        first, second = wire(0, client.seal(b"1")), bytearray(wire(0, client.seal(b"2")))
        second[-1] ^= damage == "changed"
        sent = {"repeated": first + first, "lost": bytes(second), "changed": first + second}[damage]
        with pytest.raises(ProtocolError):
            connection.receive(sent)


Items = st.lists(
    st.one_of(
        st.binary(max_size=300).map(lambda body: ([(0, body)], [("message", body)])),
        st.binary(max_size=300).map(lambda body: ([(MORE, b""), (0, body)], [("delimited", body)])),
        st.binary(min_size=1, max_size=9).map(
            lambda body: ([(MORE, body), (MORE, b""), (0, b"")], [("MALFORMED_FRAME", len(body))])
        ),
        st.binary(max_size=30).map(lambda body: ([(COMMAND, b"\x04PONG" + body)], [])),
    ),
    max_size=10,
)


@given(Items, st.lists(st.integers(1, 300), max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_conversation_means_the_same_however_it_is_cut(
    items: list[tuple[list[tuple[int, bytes]], list[Said]]], cuts: list[int]
) -> None:
    expected = [event for _, events in items for event in events]
    for sizes in (cuts, [1] * 20_000):
        connection, client = opened()
        sent = b"".join(wire(0, client.seal(body, flags)) for frames, _ in items for flags, body in frames)
        said: list[Said] = []
        for piece in pieces(sent, sizes):
            said += map(in_words, connection.receive(piece))
            assert connection.kept < MAX_BODY + OVERHEAD_BYTES + 9
        assert said == expected


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_bytes_at_all_are_read_or_end_the_connection(data: bytes, in_frame: bool) -> None:
    connection, _ = opened()
    try:
        connection.receive(wire(0, data) if in_frame else data)
    except ProtocolError:
        return
    assert not in_frame
