"""PROTOCOL.md section 3.10: the log has a name, and a client can ask whether it still has what it
has shown."""

from collections.abc import Callable

import pytest

from chatd.pb.gateway.v1.gateway_pb2 import Shown
from tests.protocol.conversation import Conversation, id_of

Connect = Callable[..., Conversation]


def test_the_welcome_names_the_log(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    name = bob.open("laptop").log
    assert len(name) == 16
    assert alice.open("laptop").log == name


@pytest.mark.parametrize(
    ("seq", "text", "rewound"),
    [(2, "one", False), (3, "two", False), (4, "three", True), (2, "two", True)],
    ids=["known", "the head", "past the head", "another event"],
)
def test_a_welcome_says_when_the_log_does_not_have_what_was_shown(
    connect: Connect, room: str, seq: int, text: str, rewound: bool
) -> None:
    alice, bob = connect("alice"), connect("bob")
    alice.send_texts(room, "one", "two")
    log = bob.open("laptop").log
    bob.hear_kind("caught_up")
    shown = Shown(log=log, room_id=room, seq=seq, event_id=id_of(room, text))
    welcome = bob.open("laptop", shown=shown)
    assert (welcome.log, welcome.rewound) == (log, rewound)


def test_a_stranger_learns_nothing_of_a_room(connect: Connect, room: str) -> None:
    alice, mallory = connect("alice"), connect("mallory")
    alice.send_texts(room, "one")
    log = mallory.open("laptop").log
    mallory.hear_kind("caught_up")
    for seq, text in ((1, "x"), (2, "one"), (2, "x"), (9, "x")):
        shown = Shown(log=log, room_id=room, seq=seq, event_id=id_of(room, text))
        assert mallory.open("laptop", shown=shown).rewound
        mallory.hear_kind("caught_up")


def test_what_was_shown_of_another_log_says_nothing(connect: Connect, room: str) -> None:
    bob = connect("bob")
    assert not bob.open("laptop", shown=Shown(log="other", room_id=room, seq=99, event_id="x")).rewound


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("room_id", "a:b", 302), ("event_id", "", 302), ("log", "x" * 200, 302), ("seq", 2**63, 301)],
)
def test_a_malformed_event_is_refused(
    connect: Connect, room: str, field: str, value: object, code: int
) -> None:
    bob = connect("bob")
    shown = {"log": "x", "room_id": room, "seq": 1, "event_id": "e", field: value}
    bob.hello("laptop", shown=Shown(**shown))  # type: ignore[arg-type]
    assert bob.hear_kind("error").code == code
