"""Another log in place of the one before."""

from chatd.conformance.events import event, shown
from chatd.conformance.stage import Stage


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
