"""Sends and other calls: deadlines, repeats, ids, order."""

import asyncio
from collections.abc import AsyncIterator

from chatd.conformance.events import ROOM
from chatd.conformance.findings import Failed
from chatd.conformance.peer import Peer
from chatd.conformance.program import TOKEN, Program
from chatd.conformance.stage import Stage
from chatd.pb.chat.v1.chat_pb2 import (
    CreateRoomRequest,
    CreateRoomResponse,
    SendEventsRequest,
    SendEventsResponse,
)
from chatd.pb.gateway.v1.gateway_pb2 import Error, RpcRequest

WAIT_MS = 400
LONGEST_DEADLINE = 60.0
LEAST_ID = 16
"""Characters in which 128 random bits can be written."""


class Room:
    """The room's log at the node that is played: events by id, in their order."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def store(self, call: RpcRequest) -> SendEventsResponse:
        if call.method != "ChatService/SendEvents":
            raise Failed(f"{call.method} is called where ChatService/SendEvents is due")
        acks = []
        for event in SendEventsRequest.FromString(call.payload).events:
            if event.room_id != ROOM:
                raise Failed(f"an event is for the room '{event.room_id}'")
            known = event.event_id in self.texts
            text = event.payload["text"]
            if self.texts.setdefault(event.event_id, str(text)) != text:
                raise Failed("C6: an event's id is used for other content")
            seq = list(self.texts).index(event.event_id) + 1
            acks.append({"event_id": event.event_id, "room_id": ROOM, "seq": seq, "duplicate": known})
        return SendEventsResponse(acks=acks)


async def _call(peer: Peer) -> RpcRequest:
    call: RpcRequest = await peer.hear("call")
    if call.token != TOKEN and not peer.epoch:
        raise Failed("C2: a call on a connection without a stream has no token")
    return call


def _refuse(peer: Peer, call: RpcRequest, code: int, *, retry_after_ms: int = 0) -> None:
    retry = code > 500
    error = Error(code=code, name=f"CODE_{code}", retry=retry, retry_after_ms=retry_after_ms)
    peer.say(reply={"call_id": call.call_id, "error": error})


async def _calls(stage: Stage, program: Program) -> AsyncIterator[tuple[Peer, RpcRequest]]:
    """Each call, on whatever connection, until the program has ended."""
    deadline = asyncio.get_running_loop().time() + LONGEST_DEADLINE
    while not program.has_ended:
        for peer in stage.gateway.peers:
            while peer.waiting:
                yield peer, await _call(peer)
        if asyncio.get_running_loop().time() > deadline:
            raise Failed("it does not end")
        await asyncio.sleep(0.01)


def _answer(peer: Peer, call: RpcRequest, room: Room) -> None:
    peer.say(reply={"call_id": call.call_id, "payload": room.store(call).SerializeToString()})


async def _answer_all(stage: Stage, program: Program, room: Room) -> None:
    async for peer, call in _calls(stage, program):
        _answer(peer, call, room)
    await program.ends(well=True)


async def are_sent_in_order(stage: Stage) -> None:
    program = await stage.run("send", ROOM, "a", "b", "c")
    room = Room()
    await _answer_all(stage, program, room)
    await program.shows(*(("sent", ROOM, str(seq)) for seq in (1, 2, 3)))
    if list(room.texts.values()) != ["a", "b", "c"]:
        raise Failed(f"the room has {list(room.texts.values())}")


async def keep_their_order_when_one_is_refused(stage: Stage) -> None:
    program = await stage.run("send", ROOM, "a", "b", "c")
    now = asyncio.get_running_loop().time
    room = Room()
    refused, refused_at, again_at = "", 0.0, 0.0
    async for peer, call in _calls(stage, program):
        ids = {event.event_id for event in SendEventsRequest.FromString(call.payload).events}
        if not refused:
            refused, refused_at = min(ids), now()
            _refuse(peer, call, 606, retry_after_ms=WAIT_MS)
            continue
        if refused in ids:
            again_at = again_at or now()
        _answer(peer, call, room)
    await program.ends(well=True)
    if list(room.texts.values()) != ["a", "b", "c"]:
        raise Failed(f"the room has {list(room.texts.values())} after a refusal of the first")
    if again_at - refused_at < WAIT_MS / 1e3:
        raise Failed(f"the refused send comes again before the {WAIT_MS} ms of retry_after_ms are over")


async def are_repeated_with_the_same_ids(stage: Stage) -> None:
    """The first answer is lost with its connection, the next is 501."""
    program = await stage.run("send", ROOM, "once")
    room = Room()
    attempts = 0
    async for peer, call in _calls(stage, program):
        attempts += 1
        if attempts == 1:
            room.store(call)
            peer.hang_up()
        elif attempts == 2:
            room.store(call)
            _refuse(peer, call, 501)
        else:
            _answer(peer, call, room)
    await program.ends(well=True)
    if len(room.texts) != 1:
        raise Failed(f"one text was stored {len(room.texts)} times, under other ids")


async def have_a_deadline(stage: Stage) -> None:
    program = await stage.run("send", ROOM, "unanswered")
    attempts = 0
    async for _ in _calls(stage, program):
        attempts += 1
        if attempts == 2:
            return


async def have_ids_of_their_own(stage: Stage) -> None:
    ids: list[str] = []
    for _ in range(2):
        program = await stage.run("send", ROOM, "the same", "the same")
        room = Room()
        await _answer_all(stage, program, room)
        ids += room.texts
    if len(set(ids)) != 4:
        raise Failed("the same text, sent four times, has fewer than four ids")
    if min(map(len, ids)) < LEAST_ID:
        raise Failed(f"the id '{min(ids, key=len)}' has fewer than 128 bits")


async def are_refused_for_good(stage: Stage) -> None:
    program = await stage.run("send", ROOM, "to strangers")
    attempts = 0
    async for peer, call in _calls(stage, program):
        attempts += 1
        if attempts > 1:
            raise Failed("a call that was refused for good is repeated")
        _refuse(peer, call, 401)
    await program.ends(well=False)


async def are_made_once(stage: Stage) -> None:
    program = await stage.run("room", ROOM, "alice", "carol")
    first: RpcRequest | None = None
    async for peer, call in _calls(stage, program):
        if first is None:
            first = _is_create_room(call)
            _refuse(peer, call, 502)
            continue
        if (call.request_id, call.payload) != (first.request_id, first.payload):
            raise Failed("the call is repeated with another request_id or payload")
        answer = CreateRoomResponse(room={"room_id": ROOM})
        peer.say(reply={"call_id": call.call_id, "payload": answer.SerializeToString()})
    await program.shows(("room", ROOM))
    await program.ends(well=True)


def _is_create_room(call: RpcRequest) -> RpcRequest:
    """Raises Failed."""
    if call.method != "ChatService/CreateRoom" or not call.request_id:
        raise Failed("CreateRoom has no request_id")
    request = CreateRoomRequest.FromString(call.payload)
    if (request.room_id, sorted(request.profile_ids)) != (ROOM, ["alice", "carol"]):
        raise Failed(f"CreateRoom is for '{request.room_id}' with {list(request.profile_ids)}")
    return call
