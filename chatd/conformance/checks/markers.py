"""Markers and replays."""

from chatd.conformance.events import ROOM, event, marker, shown, text_of
from chatd.conformance.stage import Stage
from chatd.pb.gateway.v1.gateway_pb2 import Start, StartPoint

GAP = ("marker", ROOM, "2", "4")


async def are_counted_and_recorded(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(1), marker(2, 4), event(5))
    await program.shows(*shown(1), GAP, *shown(5))
    await peer.hears_acks(3)
    peer.hang_up()
    peer, _ = await stage.welcome(epoch=2)
    peer.deliver(marker(2, 4), event(3), event(6))
    await program.shows(*shown(1), GAP, *shown(5, 6))
    await peer.hears_acks(3)


async def a_new_device_begins_behind_them(stage: Stage) -> None:
    start = Start(point=StartPoint.START_POINT_UNDELIVERED)
    program, peer, _ = await stage.open(new_device=True, start=start)
    peer.deliver(marker(2, 4), event(5))
    await program.shows(GAP, *shown(5))
    await peer.hears_acks(2)


def _replayed(seq: int) -> tuple[str, ...]:
    return ("replay", ROOM, str(seq), text_of(seq))


async def replays_are_shown(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(5))
    await peer.hears_acks(1)
    peer.deliver(event(2, replay=True))
    await peer.hears_acks(2)
    peer.deliver(event(5), event(6))
    await program.shows(*shown(5), _replayed(2), *shown(6))
    await peer.hears_acks(4)


async def a_replay_that_comes_again_is_not(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(5), event(2, replay=True), event(2, replay=True, retry_count=1), event(6))
    await program.shows(*shown(5), _replayed(2), *shown(6))
    await peer.hears_acks(4)


async def a_later_replay_is_shown_again(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    for acked in (1, 2):
        peer.deliver(event(2, replay=True))
        await peer.hears_acks(acked)
    await program.shows(_replayed(2), _replayed(2))
