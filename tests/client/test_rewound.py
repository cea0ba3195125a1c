"""Asking what a log that went back has lost, without a gateway."""

from collections.abc import Sequence

import pytest

from chatd.client import rewound
from chatd.client.lifecycle import Lifecycle, StreamState
from chatd.client.resume import Resume
from chatd.client.rewound import Rewound
from chatd.pb.chat.v1.chat_pb2 import FindRewoundRequest, FindRewoundResponse, RewoundRoom
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, Skipped
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Error, RpcResponse, Welcome


class Asking:
    """A device that has shown rooms a to c, and hears of another log. ``said``: the marks of each
    call."""

    def __init__(self) -> None:
        self.said: list[list[tuple[str, int, str]]] = []
        self.told: list[str] = []
        self.resume = Resume()
        self.lifecycle = Lifecycle(None, on_end=lambda: None)
        self.rewound = Rewound(self._say, self.lifecycle, self.resume, self._on_rewound)
        self.call_id = 0
        self.resume.welcomed(Welcome(log="x"), 0.0)
        self.resume.receive(
            [
                EventDelivery(event=EventLink(room_id=room, seq=7, event_id=f"{room}7"))
                for room in ("a", "b", "c")
            ]
            + [EventDelivery(event=EventLink(room_id="b", seq=9), skipped=Skipped(first_seq=8, last_seq=9))],
            0.0,
        )

    def _say(self, frame: ClientFrame) -> bool:
        self.call_id = frame.call.call_id
        marks = FindRewoundRequest.FromString(frame.call.payload).marks
        self.said.append([(one.room_id, one.seq, one.event_id) for one in marks])
        return True

    def _on_rewound(self, rooms: Sequence[RewoundRoom]) -> None:
        self.told += [one.room_id for one in rooms]

    def welcomed(self, **welcome: object) -> None:
        self.resume.welcomed(Welcome(**welcome), 1.0)  # type: ignore[arg-type]
        self.lifecycle.welcomed()
        self.rewound.ask()

    def answered(self, *rooms: str) -> None:
        found = FindRewoundResponse(rooms=[RewoundRoom(room_id=room) for room in rooms])
        self.rewound.on_reply(RpcResponse(call_id=self.call_id, payload=found.SerializeToString()))


ALL = [("a", 7, "a7"), ("b", 9, ""), ("c", 7, "c7")]


@pytest.mark.parametrize("welcome", [{"log": "y"}, {"log": "x", "rewound": True}], ids=["log", "rewound"])
def test_another_log_is_asked_what_it_has_lost_once(welcome: dict[str, object]) -> None:
    asking = Asking()
    asking.welcomed(**welcome)
    asking.answered("a", "c")
    asking.welcomed(log=welcome["log"])
    assert (asking.said, asking.told) == ([ALL], ["a", "c"])


def test_the_same_log_is_asked_nothing() -> None:
    asking = Asking()
    asking.welcomed(log="x")
    assert asking.said == []


def test_an_answer_that_did_not_come_is_asked_for_again() -> None:
    asking = Asking()
    asking.welcomed(log="y")
    asking.welcomed(log="y")
    asking.welcomed(log="z")
    asking.answered()
    assert (asking.said, asking.told) == ([ALL, ALL, ALL], [])


def test_many_rooms_are_asked_about_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewound, "MAX_MARKS", 2)
    asking = Asking()
    asking.welcomed(log="y")
    asking.answered("b")
    asking.answered("c")
    assert (asking.said, asking.told) == ([ALL[:2], ALL[2:]], ["b", "c"])


def test_a_gateway_that_does_not_know_the_call_is_asked_no_more() -> None:
    asking = Asking()
    asking.welcomed(log="y")
    refused = RpcResponse(call_id=asking.call_id, error=Error(code=300, name="UNKNOWN_METHOD"))
    asking.rewound.on_reply(refused)
    asking.welcomed(log="y")
    assert (asking.said, asking.lifecycle.state) == ([ALL], StreamState.CATCHING_UP)


def test_an_error_of_the_application_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking()

    def fail(rooms: Sequence[RewoundRoom]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(asking.rewound, "_on_rewound", fail)
    asking.welcomed(log="y")
    asking.answered("a")
    with pytest.raises(OSError, match="the disk is full"):
        asking.lifecycle.raise_error()
