"""Each rule of ZMTP 3.1 as a ROUTER applies it, with the bytes that a peer sends."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from chatd.core.zmtp import (
    MAX_COMMAND_BYTES,
    MAX_COMMANDS,
    MAX_SKIPPED_PARTS,
    SKIP_FACTOR,
    Connection,
    NotZmtp3,
    ProtocolError,
    error_command,
    frame,
)
from tests.core.zmtp.listener import in_words
from tests.core.zmtp.peer import COMMAND, LONG, MORE, OPENED, head, hello, ping, properties, ready, said, wire
from tests.core.zmtp.reference import Said

MAX_BODY = 1_000
ERROR = b"\x05ERROR"


def fresh(max_body: int = MAX_BODY) -> Connection:
    return Connection(max_body=max_body)


def opened(max_body: int = MAX_BODY) -> Connection:
    connection = fresh(max_body)
    assert connection.receive(OPENED) == []
    return connection


def hear(connection: Connection, *chunks: bytes) -> list[Said]:
    return [in_words(event) for chunk in chunks for event in connection.receive(chunk)]


def refused(connection: Connection, *chunks: bytes) -> ProtocolError:
    """The error that the last chunk ends the connection with, and not one before."""
    for chunk in chunks[:-1]:
        connection.receive(chunk)
    with pytest.raises(ProtocolError) as caught:
        connection.receive(chunks[-1])
    return caught.value


def is_told(error: ProtocolError) -> bool:
    return error.answer[2:].startswith(ERROR)


class TestGreeting:
    def test_it_may_come_byte_by_byte(self) -> None:
        connection = fresh()
        for byte in hello():
            assert connection.receive(bytes([byte])) == []
        assert not connection.is_ready
        assert connection.receive(ready()) == []
        assert connection.is_ready

    def test_nothing_is_nothing(self) -> None:
        connection = fresh()
        assert connection.receive(b"") == []
        assert connection.receive(hello()) == []
        assert connection.receive(b"") == []
        assert connection.receive(ready()) == []
        assert connection.receive(b"") == []
        assert connection.is_ready

    def test_a_message_may_follow_at_once(self) -> None:
        assert hear(fresh(), OPENED + wire(0, b"hi")) == [("message", b"hi")]

    @pytest.mark.parametrize("first", [b"G", b"\x01", b"\x16", b"\0", b"\x7f"])
    def test_another_protocol_is_refused_at_its_first_byte(self, first: bytes) -> None:
        error = refused(fresh(), first)
        assert isinstance(error, NotZmtp3)
        assert error.answer == b""

    def test_zmtp_1_with_a_short_routing_id_is_refused_at_its_first_byte(self) -> None:
        assert isinstance(refused(fresh(), b"\x01"), NotZmtp3)

    def test_zmtp_1_with_a_long_routing_id_is_refused_at_its_tenth_byte(self) -> None:
        """Its frame begins as a signature does: 0xFF, eight bytes of size, flags."""
        assert isinstance(refused(fresh(), b"\xff" + (300).to_bytes(8, "big"), b"\0"), NotZmtp3)

    @pytest.mark.parametrize("revision", [0, 1, 2])
    def test_zmtp_2_is_refused_at_its_revision(self, revision: int) -> None:
        signature = hello()[:10]
        error = refused(fresh(), signature, bytes([revision]))
        assert isinstance(error, NotZmtp3)
        assert error.answer == b""

    @pytest.mark.parametrize("version", [(3, 0), (3, 1), (3, 9), (4, 0)])
    def test_later_versions_are_taken(self, version: tuple[int, int]) -> None:
        connection = fresh()
        connection.receive(hello(version=version) + ready())
        assert connection.is_ready

    @pytest.mark.parametrize("mechanism", [b"CURVE", b"PLAIN", b"GSSAPI", b"null", b"", b"NULL2", b"NULL\0x"])
    def test_another_mechanism_is_refused(self, mechanism: bytes) -> None:
        greeting = hello(mechanism)
        error = refused(fresh(), greeting[:63], greeting[63:])
        assert not isinstance(error, NotZmtp3)

    def test_the_padding_the_filler_and_the_role_are_not_looked_at(self) -> None:
        odd = bytearray(hello(as_server=1))
        odd[1:9] = b"\xaa" * 8
        odd[33:] = b"\xbb" * 31
        connection = fresh()
        connection.receive(bytes(odd) + ready())
        assert connection.is_ready

    def test_this_side_says_it_all_at_once(self) -> None:
        opening = fresh().opening
        signature, rest = opening[:10], opening[10:64]
        assert signature == b"\xff" + bytes(8) + b"\x7f"  # the padding is free, and libzmq's differs
        assert rest == hello()[10:]
        assert opening[64:] == ready(b"ROUTER")


class TestHandshake:
    @pytest.mark.parametrize("kind", [b"DEALER", b"REQ"])
    def test_a_dealer_and_a_req_are_taken(self, kind: bytes) -> None:
        connection = fresh()
        connection.receive(hello() + ready(kind))
        assert connection.is_ready

    @pytest.mark.parametrize("kind", [b"PUB", b"SUB", b"ROUTER", b"REP", b"PUSH", b"dealer", b""])
    def test_another_kind_of_socket_is_told_so(self, kind: bytes) -> None:
        error = refused(fresh(), hello(), ready(kind))
        assert error.answer == error_command("connect a DEALER or a REQ")

    def test_a_ready_without_properties_is_refused(self) -> None:
        assert is_told(refused(fresh(), hello(), said(b"READY")))

    @pytest.mark.parametrize(
        "metadata",
        [
            properties((b"socket-type", b"DEALER")),
            properties((b"SOCKET-TYPE", b"DEALER"), (b"identity", b"")),
            properties((b"Identity", b"x" * 255), (b"X-Own", b"\0" * 300), (b"sOCKET-tYPE", b"DEALER")),
        ],
    )
    def test_properties_come_in_any_order_and_case(self, metadata: bytes) -> None:
        connection = fresh()
        connection.receive(hello() + said(b"READY", metadata))
        assert connection.is_ready

    @pytest.mark.parametrize(
        "metadata",
        [
            b"\x0b",
            b"\x0bSocket-Typ",
            b"\x0bSocket-Type",
            b"\x0bSocket-Type\0\0\0",
            b"\x0bSocket-Type\0\0\0\x07DEALER",
            b"\x0bSocket-Type\xff\xff\xff\xffDEALER",
            b"\0\0\0\0\0",
            properties((b"Socket-Type", b"DEALER")) + b"\x01",
            properties((b"Socket-Type", b"DEALER")) + b"\0",
            properties((b"Socket-Type", b"DEALER"), (b"socket-type", b"DEALER")),
            properties((b"Socket-Type", b"DEALER"), (b"a b", b"")),
        ],
    )
    def test_metadata_that_does_not_parse_is_refused(self, metadata: bytes) -> None:
        error = refused(fresh(), hello(), said(b"READY", metadata))
        assert error.answer == error_command("invalid metadata")

    def test_an_identity_means_nothing(self) -> None:
        for identity in (b"", b"alice", b"\0\x01\x02\x03\x04", b"i" * 255):
            connection = fresh()
            metadata = properties((b"Socket-Type", b"DEALER"), (b"Identity", identity))
            assert hear(connection, hello() + said(b"READY", metadata) + wire(0, b"hi")) == [
                ("message", b"hi")
            ]

    def test_a_long_form_is_taken_up_to_its_limit(self) -> None:
        pair = (b"Socket-Type", b"DEALER")
        room = MAX_COMMAND_BYTES - len(b"\x05READY" + properties(pair, (b"X", b"")))
        most = said(b"READY", properties(pair, (b"X", b"x" * room)))
        connection = fresh()
        connection.receive(hello() + most)
        assert connection.is_ready
        assert is_told(refused(fresh(), hello(), head(COMMAND, MAX_COMMAND_BYTES + 1)))

    @pytest.mark.parametrize(
        "sent",
        [
            wire(0, b"hi"),
            wire(MORE),
            wire(COMMAND | MORE, b"\x05READY"),
            wire(COMMAND | 8, b"\x05READY"),
            said(b"HELLO"),
            said(b"ready", properties((b"Socket-Type", b"DEALER"))),
            ping(),
            wire(COMMAND),
            wire(COMMAND, b"\x06READY"),
        ],
    )
    def test_anything_else_before_the_ready_is_refused(self, sent: bytes) -> None:
        assert is_told(refused(fresh(), hello(), sent))

    def test_an_error_of_the_peer_ends_it_without_an_answer(self) -> None:
        assert refused(fresh(), hello(), said(b"ERROR", b"\x03no!")).answer == b""


class TestMessages:
    @pytest.mark.parametrize("size", [0, 1, 254, 255, 256, MAX_BODY])
    def test_short_and_long_frames(self, size: int) -> None:
        body = b"b" * size
        assert hear(opened(), wire(0, body)) == [("message", body)]
        assert hear(opened(), wire(0, body, long=True)) == [("message", body)]
        assert frame(body) == wire(0, body)

    @pytest.mark.parametrize("body", [b"", b"hi", b"b" * 255])
    def test_a_lone_short_one_needs_no_more_than_a_look(self, body: bytes) -> None:
        connection = opened()
        assert connection.lone(wire(0, body)) == body
        assert hear(connection, wire(0, body)) == [("message", body)]

    @pytest.mark.parametrize(
        ("before", "data"),
        [
            (b"", b""),
            (b"", b"\0"),
            (b"", wire(0, b"a") + wire(0, b"b")),
            (b"", wire(0, b"a")[:-1]),
            (b"", wire(0, b"a", long=True)),
            (b"", wire(MORE)),
            (b"", said(b"X")),
            (b"", wire(0, b"b" * 21)),  # too large
            (wire(MORE), wire(0, b"a")),  # behind a delimiter
            (wire(MORE, b"a"), wire(0, b"b")),  # of a message that is passed over
            (head(0, 21), wire(0, b"b")),  # of a frame that is passed over
            (head(0, 3), wire(0, b"b")),  # of a frame that is not whole
        ],
    )
    def test_anything_else_is_not_alone(self, before: bytes, data: bytes) -> None:
        connection = opened(max_body=20)
        connection.receive(before)
        assert connection.lone(data) is None

    def test_nothing_is_alone_before_the_handshake_is_over(self) -> None:
        connection = fresh()
        connection.receive(hello())
        assert connection.lone(wire(0, b"hi")) is None

    def test_one_behind_a_delimiter_says_so(self) -> None:
        assert hear(opened(), wire(MORE) + wire(0, b"a") + wire(0, b"b")) == [
            ("delimited", b"a"),
            ("message", b"b"),
        ]
        assert hear(opened(), wire(MORE, long=True), wire(0)) == [("delimited", b"")]

    def test_commands_may_come_between_the_parts(self) -> None:
        assert hear(opened(), wire(MORE) + ping(b"c") + said(b"X") + wire(0, b"a")) == [
            ("answer", said(b"PONG", b"c")),
            ("delimited", b"a"),
        ]

    @pytest.mark.parametrize(
        ("parts", "size"),
        [
            ([b"one", b"two"], 3),
            ([b"", b"one!", b"two"], 4),
            ([b"", b"", b"two"], 0),
            ([b"one", b"", b""], 3),
            ([b"x" * (MAX_BODY + 1), b""], MAX_BODY + 1),
        ],
    )
    def test_more_parts_are_refused_once_and_the_connection_goes_on(
        self, parts: list[bytes], size: int
    ) -> None:
        sent = b"".join(wire(MORE, part) for part in parts[:-1]) + wire(0, parts[-1])
        expected: list[Said] = [("MALFORMED_FRAME", size), ("message", b"next"), ("delimited", b"and so on")]
        assert hear(opened(), sent + wire(0, b"next") + wire(MORE) + wire(0, b"and so on")) == expected

    def test_one_that_is_too_large_is_passed_over_without_being_kept(self) -> None:
        for before in (b"", wire(MORE)):
            connection = opened()
            large = SKIP_FACTOR * MAX_BODY
            assert hear(connection, before + head(0, large)) == [("FRAME_TOO_LARGE", large)]
            for _ in range(large // 10):
                assert connection.unfinished == 1
                assert connection.receive(b"x" * 10) == []
                assert connection.kept == 0
            assert connection.unfinished == 0
            assert hear(connection, wire(0, b"next")) == [("message", b"next")]

    def test_one_that_is_far_too_large_ends_the_connection(self) -> None:
        for size in (SKIP_FACTOR * MAX_BODY + 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1):
            for flags in (0, MORE):
                assert is_told(refused(opened(), head(flags, size)))
            assert is_told(refused(opened(), wire(MORE, b"one"), head(0, size)))

    def test_a_message_without_end_ends_the_connection(self) -> None:
        connection = opened()
        assert hear(connection, wire(MORE, b"one")) == [("MALFORMED_FRAME", 3)]
        for _ in range(MAX_SKIPPED_PARTS):
            assert connection.receive(wire(MORE, b"x" * MAX_BODY)) == []
        assert is_told(refused(connection, wire(MORE)))

    def test_parts_are_counted_for_each_message(self) -> None:
        connection = opened()
        for _ in range(3):
            sent = wire(MORE, b"one") + wire(MORE) * (MAX_SKIPPED_PARTS - 1) + wire(0)
            assert hear(connection, sent) == [("MALFORMED_FRAME", 3)]

    @pytest.mark.parametrize("flag", [8, 16, 32, 64, 128])
    @pytest.mark.parametrize("others", [0, MORE, COMMAND])
    def test_reserved_flags_end_the_connection(self, flag: int, others: int) -> None:
        assert is_told(refused(opened(), wire(others | flag, b"x")))
        assert is_told(refused(opened(), wire(others | flag, b"x", long=True)))

    def test_only_an_unfinished_frame_is_kept(self) -> None:
        connection = opened()
        assert (connection.kept, connection.unfinished) == (0, 0)
        assert hear(connection, wire(0, b"a") + b"\0") == [("message", b"a")]
        assert (connection.kept, connection.unfinished) == (1, 2)
        connection.receive(b"\x05")
        assert (connection.kept, connection.unfinished) == (2, 7)
        connection.receive(b"12")
        assert (connection.kept, connection.unfinished) == (4, 7)
        assert hear(connection, b"345") == [("message", b"12345")]
        assert (connection.kept, connection.unfinished) == (0, 0)
        connection.receive(bytes([LONG]) + bytes(7))
        assert (connection.kept, connection.unfinished) == (8, 9)

    def test_no_more_is_kept_than_the_largest_body_and_its_head(self) -> None:
        connection = opened(max_body=100_000)
        most = 0
        for byte in wire(0, b"x" * 100_000):
            connection.receive(bytes([byte]))
            most = max(most, connection.kept)
        assert most == 100_000 + 9 - 1


class TestCommands:
    @pytest.mark.parametrize("size", [0, 1, 16, 17, 200])
    def test_a_ping_is_answered_with_its_context_cut_to_16_bytes(self, size: int) -> None:
        context = bytes(range(size))
        assert hear(opened(), ping(context)) == [("answer", said(b"PONG", context[:16]))]

    @pytest.mark.parametrize("short", [b"", b"\0"])
    def test_a_ping_without_a_whole_ttl_is_answered_too(self, short: bytes) -> None:
        assert hear(opened(), said(b"PING", short)) == [("answer", said(b"PONG"))]

    @pytest.mark.parametrize(
        "name", [b"SUBSCRIBE", b"CANCEL", b"PONG", b"READY", b"WHATEVER", b"", b"n" * 255]
    )
    def test_other_commands_are_ignored(self, name: bytes) -> None:
        connection = opened()
        for data in (b"", b"topic", b"x" * (MAX_COMMAND_BYTES - 1 - len(name))):
            for long in (False, True):
                assert connection.receive(said(name, data, long=long)) == []
        assert hear(connection, wire(0, b"hi")) == [("message", b"hi")]

    def test_a_command_larger_than_a_message_may_be_is_taken(self) -> None:
        assert hear(opened(max_body=10), said(b"X", b"x" * 200) + ping(b"c")) == [
            ("answer", said(b"PONG", b"c"))
        ]

    @pytest.mark.parametrize(
        "sent",
        [
            wire(COMMAND | MORE, b"\x04PING\0\0"),
            wire(COMMAND | MORE, b"\x04PING\0\0", long=True),
            head(COMMAND, MAX_COMMAND_BYTES + 1),
            wire(COMMAND),
            wire(COMMAND, b"\x05PING"),
        ],
    )
    def test_one_that_is_none_ends_the_connection(self, sent: bytes) -> None:
        assert is_told(refused(opened(), sent))
        assert is_told(refused(opened(), wire(MORE), sent))
        assert is_told(refused(opened(), wire(MORE, b"one"), sent))

    @pytest.mark.parametrize("one", [said(b""), ping()])
    def test_so_many_at_once_end_the_connection(self, one: bytes) -> None:
        connection = opened()
        for _ in range(10):
            connection.receive(one * MAX_COMMANDS)
            assert connection.commands == MAX_COMMANDS
        assert is_told(refused(connection, one * (MAX_COMMANDS + 1)))

    def test_an_error_ends_the_connection_without_an_answer(self) -> None:
        for reason in (b"", b"\0", b"\x03bye"):
            assert refused(opened(), said(b"ERROR", reason)).answer == b""

    def test_an_error_says_its_reason_in_ascii_and_within_its_byte(self) -> None:
        assert error_command("no") == said(b"ERROR", b"\x02no")
        assert error_command("nö") == said(b"ERROR", b"\x02n?")
        assert error_command("x" * 300) == said(b"ERROR", b"\xff" + b"x" * 255)


class TestCost:
    """CPU time of this thread, the less of two tries: a virtual machine's clock goes on while the
    machine does other work. The bounds are several times what is usual."""

    @staticmethod
    def seconds(connect: Callable[[], Connection], data: bytes, piece: int) -> float:
        chunks = [data[at : at + piece] for at in range(0, len(data), piece)]

        def once() -> float:
            connection = connect()
            begun = time.thread_time()
            for chunk in chunks:
                connection.receive(chunk)
            return time.thread_time() - begun

        return min(once(), once())

    def test_a_mebibyte_may_come_byte_by_byte(self) -> None:
        assert self.seconds(partial(opened, 1 << 20), wire(0, b"x" * (1 << 20)), 1) < 2

    def test_a_mebibyte_that_is_passed_over_too(self) -> None:
        assert self.seconds(partial(opened, 1 << 19), wire(0, b"x" * (1 << 20)), 1) < 2

    def test_a_mebibyte_of_small_frames_too(self) -> None:
        assert self.seconds(opened, wire(0, b"x" * 62) * (1 << 14), 1) < 4

    @pytest.mark.parametrize(
        "unit",
        [
            pytest.param(wire(0), id="empty messages"),
            pytest.param(wire(MORE) + wire(0), id="empty messages behind delimiters"),
            pytest.param(wire(MORE, b"x") + wire(0), id="refused messages"),
        ],
    )
    def test_the_smallest_frames_in_one_chunk(self, unit: bytes) -> None:
        chunk = unit * ((1 << 18) // len(unit))
        assert self.seconds(opened, chunk, len(chunk)) < 1
