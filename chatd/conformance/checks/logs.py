"""Another log in place of the one before."""

from chatd.conformance.events import ROOM, event, event_id, shown
from chatd.conformance.findings import Failed, NotJudged
from chatd.conformance.stage import Stage
from chatd.pb.chat.v1.chat_pb2 import FindRewoundRequest, FindRewoundResponse, RewoundRoom

FIND_REWOUND = "ChatService/FindRewound"


async def another_name(stage: Stage) -> None:
    await _is_shown_again(stage, log="c6be08417a95d3f2")


async def rewound(stage: Stage) -> None:
    await _is_shown_again(stage, rewound=True)


async def _is_shown_again(stage: Stage, **welcome: object) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(1), event(2), event(3))
    await peer.hears_acks(3)
    peer.hang_up()
    peer, _ = await stage.welcome(epoch=2, **welcome)
    peer.deliver(event(2))
    await program.shows(*shown(1, 2, 3, 2))
    await peer.hears_acks(1)


async def another_name_after_a_restart(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(1), event(2))
    await peer.hears_acks(2)
    await program.kill()
    program = await stage.stream()
    peer, _ = await stage.welcome(epoch=2, log="c6be08417a95d3f2")
    peer.deliver(event(1))
    await program.shows(*shown(1))
    await peer.hears_acks(1)


async def what_was_lost(stage: Stage) -> None:
    """A client that asks does so about the newest event shown of each room; the answer moves
    nothing."""
    program, peer, _ = await stage.open()
    peer.deliver(event(1), event(2), event(3))
    await peer.hears_acks(3)
    peer.hang_up()
    peer, _ = await stage.welcome(epoch=2, log="c6be08417a95d3f2")
    peer.deliver(event(2))
    await peer.hears_acks(1)
    if peer.waiting != "call":
        raise NotJudged("it does not ask what was lost")
    call = await peer.hear("call")
    if call.method != FIND_REWOUND:
        raise NotJudged("it does not ask what was lost")
    marks = [
        (one.room_id, one.seq, one.event_id) for one in FindRewoundRequest.FromString(call.payload).marks
    ]
    if marks not in ([(ROOM, 3, event_id(ROOM, 3))], [(ROOM, 3, "")]):
        raise Failed(f"it has shown {ROOM} up to 3, and asks about {marks}")
    answer = FindRewoundResponse(rooms=[RewoundRoom(room_id=ROOM, head_seq=2, shown_seq=3)])
    peer.say(reply={"call_id": call.call_id, "payload": answer.SerializeToString()})
    peer.deliver(event(3))
    await program.shows(*shown(1, 2, 3, 2, 3))
    await peer.hears_acks(2)
