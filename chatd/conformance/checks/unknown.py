"""Things of a later version, and what only some clients understand."""

import zstandard

from chatd.conformance.events import event, shown
from chatd.conformance.findings import NotJudged
from chatd.conformance.stage import Stage
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

FIELD = b"\xfa\x07\x05later"  # number 127, length-delimited
OWN_TYPE = 99


async def fields_and_frames_are_passed_over(stage: Stage) -> None:
    program = await stage.stream()
    peer = await stage.gateway.connection()
    peer.welcome(await peer.hello(), raw=FIELD)
    peer.say_raw(FIELD)
    peer.say_raw(b"")
    peer.say(token_expires={"in_ms": 3_600_000})
    newer = event(1)
    peer.sent += 1
    delivery = type(newer).FromString(newer.SerializeToString() + FIELD)
    peer.say_raw(ServerFrame(deliveries=[delivery]).SerializeToString() + FIELD)
    peer.deliver(event(2))
    await program.shows(*shown(1, 2))
    await peer.hears_acks(2)


async def types_are_counted(stage: Stage) -> None:
    _, peer, _ = await stage.open()
    peer.deliver(event(1, type_=OWN_TYPE), event(2))
    await peer.hears_acks(2)


async def signals_are_not_counted(stage: Stage) -> None:
    program, peer, hello = await stage.open()
    if not hello.want_signals:
        raise NotJudged("its Hello does not set want_signals")
    peer.say(signals=[{"typing": {"room_id": "lobby", "profile_id": "alice", "typing": True}}])
    peer.deliver(event(1))
    peer.say(signals=[{}])
    await program.shows(*shown(1))
    await peer.hears_acks(1)


async def compressed_payloads_are_read(stage: Stage) -> None:
    program, peer, hello = await stage.open()
    if not hello.accept_zstd:
        raise NotJudged("its Hello does not set accept_zstd")
    text = "la " * 500
    delivery = event(1, text)
    frame = zstandard.ZstdCompressor(write_content_size=True).compress(delivery.payload.SerializeToString())
    delivery.ClearField("payload")
    delivery.is_compressed, delivery.compressed_payload = True, frame
    peer.deliver(delivery)
    await program.shows(("event", "lobby", "1", text))
    await peer.hears_acks(1)
