"""The promises about deleted rooms: a deletion that was acknowledged is the room's last event, and
nothing is stored or accepted behind it."""

from collections.abc import Iterable, Mapping

from tests.chaos.history import Deletion, Invoke, Ok
from tests.chaos.rooms import Room
from tests.chaos.verdict import Findings


def check_deletions(
    found: Findings,
    deletions: Iterable[tuple[Deletion, Ok]],
    last: Mapping[str, int],
    sends: Iterable[tuple[Invoke, Ok]],
    rooms: Mapping[str, Room],
) -> None:
    """``last``: deleted rooms and the seqs of their last events, as the log has them. L: one that
    was acknowledged is missing. U: something stands behind one. RT: a send that began after the
    acknowledgement was accepted."""
    for deletion, ok in deletions:
        if last.get(deletion.room) != ok.seq:
            found.add(
                "L",
                f"the deletion of {deletion.room} was acknowledged at {ok.seq}, and is not there",
                deletion,
            )
    for name, seq in last.items():
        for later in sorted({*rooms[name].values, *rooms[name].changes}):
            if later > seq:
                found.add("U", f"{name} {later} stands behind the last event of the room, {seq}")
    over = {deletion.room: (ok.t, ok.seq) for deletion, ok in deletions}
    for invoke, ok in sends:
        ended, seq = over.get(invoke.room, (invoke.t, ok.seq))
        if invoke.t > ended and ok.seq < seq and not ok.duplicate:
            found.add("RT", f"{invoke.room} {ok.seq} was sent after the room had been deleted", invoke, ok)
