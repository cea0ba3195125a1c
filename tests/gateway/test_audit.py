"""A gateway's audit lines on their way to a node: once a minute, bounded, and kept until one has
them."""

import pytest
from google.protobuf.message import Message

from chatd.core.audit import AuditKind, AuditLine
from chatd.core.seldom import MAX_KEYS
from chatd.errors import ChatdError, InvalidArgument, Unavailable
from chatd.gateway.audit import MAX_LINES, GatewayAudit
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.node.v1.node_pb2 import RecordAuditRequest


class House:
    """A gateway's audit, and a node that answers when it is told to."""

    def __init__(self) -> None:
        self.ready = True
        self.now = 0.0
        self.logged: list[AuditLine] = []
        self.requests: list[tuple[RecordAuditRequest, OnReply]] = []
        self.audit = GatewayAudit(
            "g", self, say=self.logged.append, now=lambda: self.now, clock=lambda: round(self.now * 1e6) + 1
        )

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        assert method == "NodeService/RecordAudit"
        assert isinstance(request, RecordAuditRequest)
        self.requests.append((request, on_reply))

    def guess(self, address: str = "192.0.2.1") -> None:
        self.audit.refused("Authenticate", address, "UNAUTHENTICATED")

    def flush(self) -> list[str]:
        """The addresses of the lines that are sent now."""
        before = len(self.requests)
        self.audit.flush()
        return [line.address for request, _ in self.requests[before:] for line in request.lines]

    def answer(self, error: ChatdError | None = None) -> None:
        self.requests[-1][1](b"", error)


@pytest.fixture
def house() -> House:
    return House()


def test_guesses_are_said_once_a_minute(house: House) -> None:
    for house.now in (0.0, 1.0, 59.0, 60.0):
        house.guess()
    assert [(line.repeated, line.at_us) for line in house.logged] == [(0, 1), (2, 60_000_001)]
    assert house.flush() == ["192.0.2.1"] * 2
    house.answer()
    assert house.flush() == []
    (request, _) = house.requests[0]
    assert len({line.line_id for line in request.lines}) == 2
    assert {(int(line.kind), line.what, line.gateway_id, line.outcome) for line in request.lines} == {
        (int(AuditKind.REFUSED), "Authenticate", "g", "UNAUTHENTICATED")
    }


def test_lines_stay_until_a_node_has_them(house: House) -> None:
    house.ready = False
    house.guess()
    assert house.flush() == []
    house.ready = True
    assert house.flush() == ["192.0.2.1"]
    house.guess("192.0.2.2")
    assert house.flush() == [], "one call at a time"
    house.answer(Unavailable("the node was lost"))
    assert house.flush() == ["192.0.2.1", "192.0.2.2"]
    first, second = house.requests
    assert first[0].lines[0] == second[0].lines[0], "by its id a node knows it"
    house.answer(InvalidArgument("a node that does not understand it"))
    assert house.flush() == []


def test_whoever_makes_up_addresses_fills_nothing(house: House) -> None:
    house.ready = False
    for minute in range(3):
        house.now = minute * 61.0
        for number in range(2 * MAX_KEYS):
            house.guess(f"2001:db8:0:{number:x}::1")
            house.guess(f"2001:db8:0:{number:x}::2")
    assert 3 * MAX_KEYS <= len(house.logged) <= 3 * (MAX_KEYS + 1)
    house.ready = True
    assert len(house.flush()) == MAX_LINES


def test_what_was_not_asked_for_is_cut(house: House) -> None:
    house.audit.refused("Authenticate", "a" * 1_000, "b" * 1_000, acting_for="\0" + "c" * 1_000_000)
    house.flush()
    (line,) = house.requests[0][0].lines
    assert max(len(line.address), len(line.outcome), len(line.acting_for)) <= 128
    assert "\0" not in line.acting_for
