import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.curve import COMMAND, MORE, OVERHEAD_BYTES, CurveError, CurveFailure, CurveSession
from tests.core.curve.wire import sessions


def refused(session: CurveSession, command: bytes) -> CurveFailure:
    with pytest.raises(CurveError) as error:
        session.open(command)
    return error.value.failure


@given(st.lists(st.tuples(st.sampled_from([0, MORE, COMMAND]), st.binary(max_size=300))))
def test_frames_come_out_as_they_went_in(frames: list[tuple[int, bytes]]) -> None:
    client, server = sessions()
    for sender, receiver in ((client, server), (server, client)):
        sealed = [sender.seal(frame, flags) for flags, frame in frames]
        assert [len(one) for one in sealed] == [len(frame) + OVERHEAD_BYTES for _, frame in frames]
        assert [receiver.open(one) for one in sealed] == frames


def test_the_form_of_rfc_26() -> None:
    client, server = sessions()
    assert client.seal(b"").startswith(b"\x07MESSAGE" + (3).to_bytes(8, "big"))  # after HELLO and INITIATE
    assert server.seal(b"").startswith(b"\x07MESSAGE" + (2).to_bytes(8, "big"))  # after READY
    assert len(client.seal(b"")) == 33


def test_equal_frames_are_not_equal_on_the_wire() -> None:
    client, server = sessions()
    sealed = {one.seal(b"same")[16:] for one in (client, server, client, server)}
    assert len(sealed) == 4


def test_each_octet_counts() -> None:
    size = len(sessions()[0].seal(b"frame", MORE))
    for at in range(size):
        client, server = sessions()
        command = bytearray(client.seal(b"frame", MORE))
        command[at] ^= 1
        kinds = (CurveFailure.UNEXPECTED, CurveFailure.OUT_OF_SEQUENCE, CurveFailure.NOT_AUTHENTIC)
        assert refused(server, bytes(command)) == kinds[0 if at < 8 else 1 if at < 16 else 2]


@pytest.mark.parametrize("size", [*range(8, OVERHEAD_BYTES)])
def test_a_shorter_command_is_malformed(size: int) -> None:
    client, server = sessions()
    assert refused(server, client.seal(b"")[:size]) == CurveFailure.MALFORMED


def test_a_command_with_octets_after_it_is_refused() -> None:
    client, server = sessions()
    assert refused(server, client.seal(b"frame") + b"\x00") == CurveFailure.NOT_AUTHENTIC


@pytest.mark.parametrize(
    ("good", "bad"), [([], 1), ([0], 0), ([0], 2), ([0, 1], 0), ([0, 1], 1), ([0, 1, 2], 2)]
)
def test_commands_come_once_and_without_gaps(good: list[int], bad: int) -> None:
    client, server = sessions()
    sealed = [client.seal(b"%d" % number) for number in range(3)]
    for number in good:
        assert server.open(sealed[number]) == (0, b"%d" % number)
    assert refused(server, sealed[bad]) == CurveFailure.OUT_OF_SEQUENCE


def test_a_command_of_another_connection_is_refused() -> None:
    (client, _), (_, server) = sessions(), sessions()
    assert refused(server, client.seal(b"frame")) == CurveFailure.NOT_AUTHENTIC


def test_a_command_does_not_come_back_to_its_sender() -> None:
    client, _ = sessions()
    client.seal(b"3")
    command = client.seal(b"4")
    client._received = 3
    assert refused(client, command) == CurveFailure.NOT_AUTHENTIC


def test_nothing_is_opened_after_an_error() -> None:
    client, server = sessions()
    first, second = client.seal(b"first"), client.seal(b"second")
    assert refused(server, second) == CurveFailure.OUT_OF_SEQUENCE
    for command in (first, second, client.seal(b"third")):
        assert refused(server, command) == CurveFailure.OUT_OF_SEQUENCE


@pytest.mark.parametrize("flags", [3, 4, 5, 0x80, 0xFF])
def test_undefined_flags_are_refused(flags: int, monkeypatch: pytest.MonkeyPatch) -> None:
    client, server = sessions()
    tagged = [bytes(16) + bytes((flag,)) for flag in range(256)]
    monkeypatch.setattr("chatd.core.curve.session._TAG_AND_FLAGS", tagged)
    command = client.seal(b"", flags)
    monkeypatch.undo()
    assert refused(server, command) == CurveFailure.MALFORMED


def test_nonces_never_begin_again() -> None:
    client, server = sessions()
    client._sent = 2**64 - 2
    server._received = 2**64 - 2
    assert server.open(client.seal(b"last")) == (0, b"last")
    with pytest.raises(OverflowError):
        client.seal(b"one more")


@given(st.binary() | st.binary().map(lambda data: b"\x07MESSAGE" + (3).to_bytes(8, "big") + data))
def test_no_octets_raise_anything_else(data: bytes) -> None:
    _, server = sessions()
    refused(server, data)


def test_a_session_does_not_show_its_key() -> None:
    client, server = sessions()
    command = client.seal(b"frame")[:-1] + b"\x00"
    with pytest.raises(CurveError) as error:
        server.open(command)
    assert error.value.__context__ is None
    for text in (repr(server), str(error.value), repr(error.value)):
        assert repr(server._key) not in text
        assert server._key.hex() not in text


def test_sealing_takes_microseconds() -> None:
    """About 2.3 µs for 300 octets and 2.8 µs to open them, on two shared cores."""
    client, _ = sessions()
    frame = bytes(300)
    seconds = min(timeit.repeat(lambda: client.seal(frame), number=1000, repeat=20)) / 1000
    assert seconds < 30e-6
