"""Statements of PROTOCOL.md that no other conversation shows, each test under their names."""

from collections.abc import Callable

import pytest
import zmq

from chatd.pb.chat.v1.chat_pb2 import (
    AddRoomSubscriptionsRequest,
    RemoveRoomSubscriptionsRequest,
    SendEventsRequest,
    SendEventsResponse,
)
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import (
    Ack,
    ClientFrame,
    Heartbeat,
    Hello,
    Reject,
    Renew,
    RpcRequest,
    SetPresence,
)
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, event, seqs, texts

Connect = Callable[..., Conversation]
UNKNOWN_FIELD = b"\xfa\x07\x01a"
PIPELINED = 100


def live(connect: Connect, profile: str, **fields: object) -> Conversation:
    made = connect(profile)
    made.open("d", **fields)
    made.hear_kind("caught_up")
    return made


def send(text: str, room: str, call_id: int) -> RpcRequest:
    request = SendEventsRequest(events=[event(room, text, id_=f"{room}-{text}")])
    return RpcRequest(
        call_id=call_id,
        method="ChatService/SendEvents",
        payload=request.SerializeToString(),
        affinity=room,
    )


def test_t4_a_routing_id_means_nothing(connect: Connect, room: str) -> None:
    twins = [connect("bob", routing_id=b"twin") for _ in range(2)]
    for number, twin in enumerate(twins):
        assert twin.open(f"d{number}").device_id == f"d{number}"
    for twin in twins:
        twin.hear_kind("caught_up")


def test_t5_t6_a_connection_that_comes_again_has_no_stream(daemon: Daemon, connect: Connect) -> None:
    bob = live(connect, "bob")
    bob.socket.disconnect(daemon.uri)
    bob.socket.connect(daemon.uri)
    bob.heartbeat(1)
    assert bob.hear_kind("closed").error.code == 104


def test_o4_c10_c12_own_events_come_and_pipelined_sends_keep_their_order(connect: Connect, room: str) -> None:
    alice = live(connect, "alice")
    for number in range(PIPELINED):
        alice.say(call=send(str(number), room, number))
    stored: dict[int, int] = {}
    heard: list[EventDelivery] = []
    while len(stored) < PIPELINED or len(heard) < PIPELINED:
        frame = alice.hear()
        if frame.deliveries:
            heard += frame.deliveries
            alice.ack(len(heard))
        else:
            (ack,) = SendEventsResponse.FromString(frame.reply.payload).acks
            stored[frame.reply.call_id] = ack.seq
    assert [stored[number] for number in range(PIPELINED)] == list(range(2, PIPELINED + 2))
    assert texts(heard) == [str(number) for number in range(PIPELINED)]
    assert {one.event.sender_id for one in heard} == {alice.profile}


def test_c9_an_event_id_is_used_in_all_rooms(connect: Connect, room: str, own: Callable[[str], str]) -> None:
    alice = connect("alice")
    alice.create_room(own("other"))
    first, second = (SendEventsRequest(events=[event(name, "t", id_="e")]) for name in (room, own("other")))
    assert not alice.request("ChatService/SendEvents", first).HasField("error")
    assert alice.refused("ChatService/SendEvents", second) == 403


def test_o2_who_leaves_and_joins_again_finds_a_hole(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), live(connect, "bob")
    leave = RemoveRoomSubscriptionsRequest(room_id=room, profile_ids=[bob.profile])
    join = AddRoomSubscriptionsRequest(room_id=room, profile_ids=[bob.profile])
    alice.request("ChatService/RemoveRoomSubscriptions", leave)
    alice.send_texts(room, "missed")
    alice.request("ChatService/AddRoomSubscriptions", join)
    alice.send_texts(room, "back")
    for again in range(2):
        heard = bob.deliveries(3)
        assert seqs(heard) == [2, 4, 5]
        assert not any(one.HasField("skipped") for one in heard)
        assert heard[1].event.type == EventType.EVENT_TYPE_MEMBERSHIP
        assert [one.string_value for one in heard[1].payload["joined"].values] == [bob.profile]  # type: ignore[union-attr]
        if not again:  # in catch-up as in live delivery
            bob.bye()
            bob.hear_kind("closed")
            bob.open("d")


def test_w2_an_ack_for_less_or_the_same_changes_nothing(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), live(connect, "bob")
    alice.send_texts(room, "1", "2", "3")
    bob.deliveries(3)
    for up_to in (2, 2, 1, 0):
        bob.ack(up_to)
    bob.heartbeat(1)
    assert bob.hear_kind("heartbeat").mark == 1
    bob.bye()
    bob.hear_kind("closed")
    bob.open("d")
    assert texts(bob.deliveries(1)) == ["3"]


def test_w5_the_bytes_of_a_window_are_those_of_its_frames(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), live(connect, "bob")
    alice.send_texts(room, "a" * 100)
    assert bob.socket.poll(15_000)
    size = len(bob.socket.recv())
    bob.ack(1)
    bob.bye()
    bob.hear_kind("closed")
    bob.open("d", window_bytes=10 * size)
    bob.hear_kind("caught_up")
    alice.send_texts(room, *(chr(ord("b") + number) * 100 for number in range(20)))
    sizes: list[int] = []
    while sum(sizes) < 10 * size:
        assert bob.socket.poll(15_000)
        sizes.append(len(bob.socket.recv()))
    assert sum(sizes) == 10 * size
    bob.heartbeat(1)
    assert bob.hear_kind("heartbeat").mark == 1
    bob.hear_nothing(0.1)


@pytest.mark.parametrize("frame", [b"", UNKNOWN_FIELD])
def test_e2_a_frame_of_no_known_kind_names_none(connect: Connect, frame: bytes) -> None:
    bob = live(connect, "bob")
    bob.send_raw(frame)
    error = bob.hear_kind("error")
    assert (error.code, error.refused) == (102, "")


REFUSED = {
    "hello": (Hello(version=1, device_id="no id"), 302),
    "reject": (Reject(delivery=9), 604),
    "presence": (SetPresence(state=PresenceState.PRESENCE_STATE_OFFLINE), 301),
    "ack": (Ack(up_to=9), 603),
    "renew": (Renew(token="none"), 200),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_e2_an_error_names_the_kind_of_frame_that_was_refused(connect: Connect, kind: str) -> None:
    bob = live(connect, "bob")
    message, code = REFUSED[kind]
    if isinstance(message, Hello):
        message.token = bob.token
    bob.say(**{kind: message})
    frame = bob.hear()
    error = frame.closed.error if frame.HasField("closed") else frame.error
    assert (error.code, error.refused) == (code, kind)


@pytest.mark.parametrize("kind", ["ack", "heartbeat", "bye", "reject", "presence", "renew"])
def test_e2_a_frame_without_a_stream_is_named_too(connect: Connect, kind: str) -> None:
    bob = connect("bob")
    bob.say(**{kind: {}})
    error = bob.hear_kind("closed").error
    assert (error.code, error.refused) == (104, kind)


def test_e4_the_answer_to_a_bye_is_no_error(connect: Connect) -> None:
    bob = live(connect, "bob")
    bob.bye()
    error = bob.hear_kind("closed").error
    assert (error.code, error.name, error.retry, error.refused) == (0, "OK", False, "")


def test_v1_unknown_fields_are_passed_over(connect: Connect) -> None:
    bob = connect("bob")
    hello = Hello(version=7, token=bob.token, profile_id=bob.profile, device_id="d")
    bob.send_raw(
        ClientFrame(hello=Hello.FromString(hello.SerializeToString() + UNKNOWN_FIELD)).SerializeToString()
    )
    assert bob.hear_kind("welcome").version == 1
    bob.hear_kind("caught_up")
    bob.send_raw(ClientFrame(heartbeat=Heartbeat(mark=4)).SerializeToString() + UNKNOWN_FIELD)
    assert bob.hear_kind("heartbeat").mark == 4


def test_t1_a_req_makes_calls(connect: Connect, room: str) -> None:
    alice = connect("alice", kind=zmq.REQ)
    assert alice.send_texts(room, "by REQ") == [2]
