"""The promises about invitations: nobody becomes a member without one, none has two outcomes, and
no profile is invited by one that it has blocked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.chaos.changes import Logged
from tests.chaos.history import Block, Change, Ok
from tests.chaos.restores import Logs
from tests.chaos.verdict import Findings

_STEPS = {
    (True, True): ("out", "invited", "was invited to"),
    (True, False): ("invited", "out", "was invited no longer to"),
    (False, True): ("invited", "in", "became a member of"),
    (False, False): ("in", "out", "left"),
}
"""Whether it is about an invitation, and whether it begins → the state before and after, in
words."""


def check_invitations(
    found: Findings, asked: Iterable[Change], log: Iterable[Logged], invitations: Iterable[Logged]
) -> None:
    """Profiles that were invited to a room go from one state to the next (X)."""
    places = {(one.profile, one.room) for one in asked if one.invitation}
    steps: dict[tuple[str, str], list[tuple[int, bool, bool]]] = defaultdict(list)
    for is_invitation, changes in ((False, log), (True, invitations)):
        for profile, room, seq, begins in changes:
            if (profile, room) in places:
                steps[profile, room].append((seq, is_invitation, begins))
    for (profile, room), mine in steps.items():
        state = "out"
        for seq, is_invitation, begins in sorted(mine):
            before, after, what = _STEPS[is_invitation, begins]
            if state != before:
                found.add("X", f"{profile} {what} {room} at {seq}, when it was {state}")
            state = after


def check_blocks(
    found: Findings,
    asked: Mapping[int, Change],
    blocks: Mapping[int, Block],
    acked: Mapping[int, Ok],
    logs: Logs,
) -> None:
    """No invitation is made while its profile surely blocks the one profile that invites (X)."""
    for op, change in asked.items():
        if not (change.invitation and change.joins and op in acked and acked[op].seq):
            continue
        end = acked[op].t
        for blocking, block in blocks.items():
            if not block.blocks or block.profile != change.profile or blocking not in acked:
                continue
            is_taken_back = any(not one.blocks and block.t <= one.t <= end for one in blocks.values())
            if acked[blocking].t < change.t and not is_taken_back and not logs.restored_between(block.t, end):
                found.add(
                    "X",
                    f"{change.profile} was invited to {change.room} at {acked[op].seq} by {block.other}, which "
                    "it had blocked",
                    block,
                    change,
                )
