"""Any list of messages, cut anywhere, is read as what it is; anything else is judged as a slow
second reader judges it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.zmtp.listener import compare, hear, pieces
from tests.core.zmtp.peer import COMMAND, MORE, OPENED, head, hello, ping, properties, ready, said, wire
from tests.core.zmtp.reference import Said, Verdict, judge

MAX_BODY = 300

Bodies = st.one_of(
    st.binary(max_size=20), st.sampled_from([0, 1, 254, 255, 256, 299, MAX_BODY]).map(lambda n: b"b" * n)
)
LargeBodies = st.sampled_from([MAX_BODY + 1, 2 * MAX_BODY, 4 * MAX_BODY]).map(lambda n: b"L" * n)
Forms = st.booleans()
Item = tuple[bytes, list[Said]]
"""The bytes that a peer sends, and their meaning."""


@st.composite
def messages(draw: st.DrawFn) -> Item:
    body = draw(Bodies)
    return wire(0, body, long=draw(Forms)), [("message", body)]


@st.composite
def delimited(draw: st.DrawFn) -> Item:
    """Commands may come between the parts, as libzmq's heartbeats do."""
    body, (between, answers) = draw(Bodies), draw(st.one_of(st.just((b"", [])), commands()))
    sent = wire(MORE, long=draw(Forms)) + between + wire(0, body, long=draw(Forms))
    return sent, [*answers, ("delimited", body)]


@st.composite
def too_large(draw: st.DrawFn) -> Item:
    body, delimiter = draw(LargeBodies), draw(st.sampled_from([b"", wire(MORE)]))
    return delimiter + wire(0, body), [("FRAME_TOO_LARGE", len(body))]


@st.composite
def too_many_parts(draw: st.DrawFn) -> Item:
    delimiter = draw(st.booleans())
    bodies = st.one_of(Bodies, LargeBodies)
    first = draw(bodies if delimiter else bodies.filter(bool))
    rest = draw(st.lists(bodies, min_size=1, max_size=64))
    parts = [wire(MORE, body) for body in [*[b""] * delimiter, first, *rest[:-1]]]
    return b"".join(parts) + wire(0, rest[-1]), [("MALFORMED_FRAME", len(first))]


@st.composite
def pings(draw: st.DrawFn) -> Item:
    context = draw(st.binary(max_size=40))
    pong = b"\x04PONG" + context[:16]
    return ping(context), [("answer", bytes([COMMAND, len(pong)]) + pong)]


@st.composite
def ignored(draw: st.DrawFn) -> Item:
    name = draw(st.sampled_from([b"SUBSCRIBE", b"CANCEL", b"PONG", b"X", b"", b"ping", b"READY"]))
    return said(name, draw(st.binary(max_size=400)), long=draw(Forms)), []


def commands() -> st.SearchStrategy[Item]:
    return st.one_of(pings(), ignored())


Conversations = st.lists(
    st.one_of(messages(), delimited(), too_large(), too_many_parts(), pings(), ignored()), max_size=12
)
Cuts = st.lists(st.one_of(st.integers(1, 12), st.integers(1, 700)), max_size=60)


@given(Conversations, Cuts)
@settings(max_examples=150, deadline=None)
def test_a_conversation_means_the_same_however_it_is_cut(items: list[Item], cuts: list[int]) -> None:
    data = OPENED + b"".join(sent for sent, _ in items)
    expected = Verdict([event for _, events in items for event in events], "")
    compare(data, cuts, expected, max_body=MAX_BODY)


Openings = st.sampled_from(
    [
        OPENED,
        OPENED,
        OPENED,
        hello(),
        hello(b"PLAIN"),
        hello(version=(3, 0)) + ready(b"REQ"),
        hello() + ready(b"PUB"),
        hello()
        + said(b"READY", properties((b"x-y", b"z"), (b"SOCKET-TYPE", b"REQ"), (b"Identity", b"\0" * 5))),
        hello() + said(b"ERROR", b"\x03bye"),
        b"",
    ]
)


Broken = st.sampled_from(
    [
        b"",
        b"",
        wire(MORE, b"endless") * 66 + wire(0),
        wire(COMMAND, b"\x05PING"),
        wire(COMMAND),
        wire(COMMAND | MORE, b"\x04PING\0\0"),
        head(0, 4 * MAX_BODY + 1),
        head(COMMAND, 8_193),
        said(b"ERROR", b"\x02no"),
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A conversation that may end in a breach of the protocol, with some bytes changed, put in or
    left out."""
    sent = [item for item, _ in draw(Conversations)]
    data = bytearray(draw(Openings) + b"".join(sent) + draw(Broken) + draw(messages())[0])
    for _ in range(draw(st.integers(0, 4))):
        farthest = draw(st.sampled_from([110, len(data)]))  # in the opening and the first heads, or anywhere
        place = draw(st.integers(0, min(farthest, len(data))))
        change = draw(st.integers(0, 2))
        if change == 0 and place < len(data):
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif change == 1:
            data[place:place] = draw(st.binary(min_size=1, max_size=9))
        else:
            del data[place : place + draw(st.integers(1, 9))]
    return bytes(data)


@given(damaged(), Cuts)
@settings(max_examples=300, deadline=None)
def test_damaged_input_is_judged_as_the_reference_judges_it(data: bytes, cuts: list[int]) -> None:
    compare(data, cuts, judge(data, MAX_BODY), max_body=MAX_BODY)


@given(st.sampled_from([b"", hello(), OPENED]), st.binary(max_size=400), Cuts)
@settings(max_examples=200, deadline=None)
def test_any_bytes_at_all_are_read_or_end_the_connection(
    opening: bytes, data: bytes, cuts: list[int]
) -> None:
    hear(pieces(opening + data, cuts), max_body=MAX_BODY)
