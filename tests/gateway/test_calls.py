"""Calls that wait for their answers: many sends or few others, then their profile's connections are
not read."""

import time

import pytest
from google.protobuf.message import Message

from chatd.errors import ChatdError, TokenExpired, Unauthenticated
from chatd.gateway.admission import Admission
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable
from chatd.gateway.calls import ClientCalls
from chatd.gateway.calls_under_way import MAX_WEIGHT, WEIGHT_OF_A_SEND, WEIGHT_OF_OTHERS
from chatd.gateway.connection import ClientConnection
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.newcomers import Newcomers
from chatd.gateway.rate_limits import RateLimits, RateSettings
from chatd.gateway.refusals import Refusals
from chatd.gateway.stream_log import StreamLog
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest
from chatd.pb.node.v1.node_pb2 import Caller, Revocation
from tests.gateway.links import KeptLink

TOKEN = "t"
MAX_SENDS = MAX_WEIGHT // WEIGHT_OF_A_SEND
MAX_OTHERS = MAX_WEIGHT // WEIGHT_OF_OTHERS


class NoNode:
    """No default node answers."""

    ready = False

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        raise AssertionError("it is not ready")


REVOKED = bytes(32)


def made_revocations() -> Revocations:
    revocations = Revocations(now=time.time)
    revocations.add([Revocation(digest=REVOKED)])
    return revocations


class House:
    """Calls of one connection, and a default node that answers when it is told to."""

    def __init__(self) -> None:
        tokens = TokenTable({digest_of(TOKEN): Identity("alice", digest=digest_of(TOKEN))})
        admission = Admission(
            Authentication((tokens,), made_revocations(), now=time.time),
            RateLimits(RateSettings(0, 0, 0, 0, 0, 0, 0, 1)),
            Doorkeeper(DoorSettings(0.0, 10, 0)),
            Newcomers(1_000_000, now=lambda: 0.0, later=lambda seconds, action: None),
            GatewayAudit("g", NoNode(), say=lambda line: None, now=lambda: 0.0),
        )
        sender = DeviceSender(lambda peer, /, *, failed: None, stream_log=StreamLog())
        self.calls = ClientCalls(
            "g",
            admission,
            sender,
            Refusals(admission, sender),
            forward=self.forward,
            watch=lambda peer, ids: None,
        )
        self.waiting: list[OnReply] = []
        self.link, self.other = KeptLink(), KeptLink()
        self.peers = [ClientConnection(link, 0.0) for link in (self.link, self.other)]

    def forward(
        self,
        method: str,
        payload: bytes,
        caller: Caller | None,
        on_reply: OnReply,
        *,
        affinity: str = "",
        request_id: str = "",
    ) -> None:
        self.waiting.append(on_reply)

    def call(self, method: str, count: int, *, of: int = 0) -> None:
        for number in range(count):
            call = RpcRequest(call_id=number, method=method, token=TOKEN)
            self.calls.on_call(self.peers[of], ClientFrame(call=call))

    def answer(self, count: int, error: ChatdError | None = None) -> None:
        for _ in range(count):
            self.waiting.pop(0)(b"", error)


@pytest.mark.parametrize(
    ("method", "most"), [("ChatService/SendEvents", MAX_SENDS), ("ChatService/GetHistory", MAX_OTHERS)]
)
def test_a_connection_is_not_read_while_too_many_of_its_calls_wait(method: str, most: int) -> None:
    house = House()
    house.call(method, most - 1)
    assert house.link.holds == 0
    house.call(method, 1)
    assert house.link.holds == 1
    house.answer(1)
    assert house.link.holds == 0
    house.answer(most - 1)
    assert (house.link.holds, len(house.link.heard())) == (0, most)


def test_sends_and_others_wait_together() -> None:
    house = House()
    house.call("ChatService/SendEvents", MAX_SENDS - 1)
    house.call("ChatService/GetHistory", 1)
    assert house.link.holds == 1
    house.answer(MAX_SENDS - 1)
    assert house.link.holds == 0


def test_connections_of_a_profile_wait_together_and_go_on_in_turn() -> None:
    house = House()
    house.call("ChatService/GetHistory", MAX_OTHERS)
    house.call("ChatService/GetHistory", 1, of=1)
    assert (house.link.holds, house.other.holds) == (1, 1)
    house.answer(1)
    assert (house.link.holds, house.other.holds) == (1, 1), "there is no room yet"
    house.answer(1)
    assert (house.link.holds, house.other.holds) == (0, 1), "the one that was held first"
    house.answer(1)
    assert (house.link.holds, house.other.holds) == (0, 0)
    house.answer(MAX_OTHERS - 2)
    house.call("ChatService/GetHistory", 1)
    assert house.link.holds == 0


def test_a_stream_s_calls_are_refused_as_soon_as_its_token_expires_or_is_revoked() -> None:
    """Whenever the stream itself is ended."""
    house = House()
    peer = house.peers[0]
    for identity, code in (
        (Identity("alice"), 0),
        (Identity("alice", expires_at=time.time() + 60), 0),
        (Identity("alice", expires_at=time.time() - 0.001), TokenExpired.code),
        (Identity("bob", digest=REVOKED), Unauthenticated.code),
    ):
        peer.identity = identity
        house.calls.on_call(peer, ClientFrame(call=RpcRequest(call_id=1, method="ChatService/GetHistory")))
        if not code:
            house.answer(1)
        (frame,) = house.link.heard()
        assert frame.reply.error.code == code
