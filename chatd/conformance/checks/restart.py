"""The state that is on disk before an Ack, and the use that the next run makes of it."""

from chatd.conformance.events import ROOM, event, event_id, shown
from chatd.conformance.findings import Failed
from chatd.conformance.peer import LOG
from chatd.conformance.stage import Stage


async def keeps_what_it_acknowledged(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_messages=4)
    peer.deliver(event(1), event(2), event(3))
    await peer.hears_acks(3)
    await program.kill()
    await program.shows(*shown(1, 2, 3))
    program = await stage.stream()
    peer, _ = await stage.welcome(epoch=2)
    peer.deliver(event(3), event(4))
    await program.shows(*shown(4))
    await peer.hears_acks(2)


async def shows_what_it_did_not_acknowledge(stage: Stage) -> None:
    """Killed with deliveries that it has not read: they come again, and none is lost."""
    program, peer, _ = await stage.open(window_messages=64)
    for seq in range(1, 41):
        peer.deliver(event(seq, f"{seq} " + "x" * 2_000))
    await peer.hears_acks(1)
    await program.kill()
    acked = peer.acked
    before = {line[2] for line in program.lines}
    if not {str(seq) for seq in range(1, acked + 1)} <= before:
        raise Failed(f"it has acknowledged {acked} and shown {len(before)}")
    program = await stage.stream()
    peer, _ = await stage.welcome(epoch=2)
    peer.deliver(*(event(seq, f"{seq} " + "x" * 2_000) for seq in range(acked + 1, 41)))
    peer.deliver(event(41))
    await peer.hears_acks(41 - acked)
    missing = [seq for seq in range(1, 41) if str(seq) not in before | {line[2] for line in program.lines}]
    if missing:
        raise Failed(f"it has shown {missing} in neither run")
    if len(program.lines) != len({line[2] for line in program.lines}):
        raise Failed("it has shown an event twice in one run")


async def names_the_newest_event(stage: Stage) -> None:
    program, peer, hello = await stage.open()
    if hello.HasField("shown"):
        raise Failed("the first Hello names an event that was shown")
    peer.deliver(event(7), event(3, room="team"))
    await peer.hears_acks(2)
    program.terminate()
    await peer.hear("bye")
    peer.close_stream(0)
    await program.ends(well=True)
    await stage.stream()
    peer = await stage.gateway.connection()
    newest = (await peer.hello()).shown
    named = (newest.log, newest.room_id, newest.seq, newest.event_id)
    if named != (LOG, ROOM, 7, event_id(ROOM, 7)):
        raise Failed(f"Hello.shown names {named}, and {ROOM}/7 of {LOG} is the newest by its time")


async def says_bye(stage: Stage) -> None:
    program, peer, _ = await stage.open(window_messages=1_000, window_bytes=1 << 20)
    peer.deliver(event(1), event(2))
    await program.shows(*shown(1, 2))
    program.terminate()
    await peer.hear("bye")
    if peer.acked < len(program.lines):
        raise Failed(f"it says Bye with {peer.acked} acknowledged and {len(program.lines)} shown")
    peer.close_stream(0)
    await program.ends(well=True)
