"""A device's marks: what it has shown is kept across restarts."""

import pytest

from chatd.client.delivery import Delivery
from chatd.client.marks import Marks
from chatd.client.resume import Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Shown, Welcome


def delivery(room: str, seq: int, *, at: int = 0, replay: bool = False, connection: int = 1) -> Delivery:
    link = EventLink(room_id=room, seq=seq, event_id=f"{room}{seq}", sent_at_us=at)
    return Delivery(EventDelivery(event=link, replay=replay), connection=connection, log="x")


@pytest.fixture
def marks() -> Marks:
    made = Marks()
    for one in (
        delivery("a", 7, at=3),
        delivery("b", 4, at=2),
        delivery("a", 2, replay=True),
        Delivery(EventDelivery(event=EventLink(room_id="b", seq=9)), connection=1, log="x"),  # a marker
    ):
        made.add(one)
    return made


def test_they_are_the_same_after_a_restart(marks: Marks) -> None:
    again = Marks.loads(marks.dumps())
    assert (again.log, again.shown, again.ids) == ("x", {"a": 7, "b": 9}, {"a": "a7"})
    assert again.dumps() == marks.dumps()
    resume = Resume(again)
    assert resume.newest == Shown(log="x", room_id="a", seq=7, event_id="a7")
    resume.welcomed(Welcome(epoch=2, log="x", window_messages=8), now=0.0)
    fresh = resume.receive([delivery(room, seq).message for room, seq in (("a", 7), ("a", 8), ("b", 9))], 0.0)
    assert [(one.room_id, one.seq) for one in fresh] == [("a", 8)]


@pytest.mark.parametrize(
    "welcome", [Welcome(log="y"), Welcome(log="x", rewound=True)], ids=["log", "rewound"]
)
def test_another_log_empties_them(marks: Marks, welcome: Welcome) -> None:
    resume = Resume(marks)
    resume.welcomed(Welcome(log="x"), now=0.0)
    resume.welcomed(welcome, now=1.0)
    assert (marks.shown, marks.ids, marks.newest) == ({}, {}, None)
    lost = [(one.room_id, one.seq, one.event_id) for one in resume.before.values()]
    assert lost == [("a", 7, "a7"), ("b", 9, "")]
    marks.add(delivery("a", 8))
    assert marks.shown == {}, "it came before, of the log that is gone"
    marks.add(delivery("a", 1, connection=2))
    assert marks.shown == {"a": 1}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log": "x", "shown": [], "newest": null}'])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no marks|Expecting value"):
        Marks.loads(text)
