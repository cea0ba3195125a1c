"""Repeats, holes, several rooms, several deliveries in a frame."""

from chatd.conformance.events import event, shown
from chatd.conformance.stage import Stage


async def drops_repeats_of_another_connection(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(1), event(2), event(3))
    await peer.hears_acks(3)
    peer.hang_up()
    peer, _ = await stage.welcome(epoch=2)
    peer.deliver(event(2), event(3, retry_count=1), event(4))
    await program.shows(*shown(1, 2, 3, 4))
    await peer.hears_acks(3)


async def counts_repeats_of_the_same_connection(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(1), event(2))
    peer.deliver(event(1, retry_count=1))
    peer.deliver(event(3))
    await program.shows(*shown(1, 2, 3))
    await peer.hears_acks(4)


async def keeps_rooms_apart(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(7), event(3, room="team"), event(8), event(4, room="team"))
    await program.shows(*shown(7), *shown(3, room="team"), *shown(8), *shown(4, room="team"))
    await peer.hears_acks(4)


async def does_not_wait_for_a_hole(stage: Stage) -> None:
    program, peer, _ = await stage.open()
    peer.deliver(event(2), event(9))
    await program.shows(*shown(2, 9))
    await peer.hears_acks(2)
