"""chatd's reader of ZMTP, driven by tests: what it says, in the reference's words."""

from collections.abc import Iterable, Iterator

from chatd.core.zmtp import MAX_COMMAND_BYTES, Answer, Connection, Delimited, Event, NotZmtp3, ProtocolError
from tests.core.zmtp.reference import Said, Verdict


def in_words(event: Event) -> Said:
    if isinstance(event, bytes):
        return "message", event
    if isinstance(event, Delimited):
        return "delimited", event.body
    if isinstance(event, Answer):
        return "answer", event.wire
    return event.error.name, event.size


def end_of(error: ProtocolError) -> str:
    if isinstance(error, NotZmtp3):
        return "foreign"
    return "told" if error.answer else "silent"


def pieces(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes, then the rest."""
    at = 0
    for size in sizes:
        if at < len(data):
            yield data[at : at + size]
        at += size
    if at < len(data):
        yield data[at:]


def hear(chunks: Iterable[bytes], *, max_body: int) -> Verdict:
    """Feed a new connection, as a front does. It holds no more than one unfinished frame at any
    time."""
    connection = Connection(max_body=max_body)
    most = max(max_body, MAX_COMMAND_BYTES) + 9
    said: list[Said] = []
    for chunk in chunks:
        message = connection.lone(chunk)
        if message is not None:
            said.append(("message", message))
            continue
        try:
            events = connection.receive(chunk)
        except ProtocolError as exc:
            return Verdict(said, end_of(exc))
        said += map(in_words, events)
        assert connection.kept < most
        assert (connection.unfinished > 0) >= (connection.kept > 0)
        assert connection.kept <= connection.unfinished
    return Verdict(said, "")


def compare(data: bytes, sizes: Iterable[int], expected: Verdict, *, max_body: int) -> None:
    """The data means the same in one piece, byte by byte and in these pieces. Frames that come in
    one piece with an error are lost."""
    assert hear(pieces(data, [1] * len(data)), max_body=max_body) == expected
    for chunks in (pieces(data, []), pieces(data, sizes)):
        said, end = hear(chunks, max_body=max_body)
        assert end == expected.end
        assert said == expected.said[: len(said)] if end else said == expected.said
