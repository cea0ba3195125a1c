"""The promises to those who change memberships, or invite: a change that was acknowledged stays
until it is changed again; a call whose outcome nobody knows has its effect once or never, and not
after its caller was told so."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from tests.chaos.history import UNTOLD, Change, Fail, Invoke, Ok, Unknown
from tests.chaos.verdict import Findings

Logged = tuple[str, str, int, bool]
"""Profile, room, seq, and whether a membership, or an invitation, begins with it."""
_SAID = {
    (True, False): "became a member of",
    (False, False): "left",
    (True, True): "was invited to",
    (False, True): "was invited no longer to",
}
_NAMES = {
    (True, False): "joining of",
    (False, False): "leaving of",
    (True, True): "invitation to",
    (False, True): "end of the invitation to",
}
CREATED = 1
"""The seq with which a room begins: its first members asked for nothing."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call and what came of it: the ``seq`` it was acknowledged with (0: nothing was to be done,
    UNTOLD), None if nobody knows; it had no effect after ``over``."""

    change: Change
    seq: int | None
    over: float


def name_of(change: Change) -> str:
    """For people."""
    return f"{change.profile}'s {_NAMES[change.joins, change.invitation]} {change.room}"


def outcomes(
    changes: Mapping[int, Change],
    acked: Mapping[int, Ok],
    unknown: Mapping[int, Unknown],
    failed: Mapping[int, Fail],
) -> list[Made]:
    """The calls that may have had an effect, in the order in which they began."""
    made = []
    for op, change in changes.items():
        if op in acked:
            made.append(Made(change, acked[op].seq, acked[op].t))
        elif op in unknown:
            made.append(Made(change, None, unknown[op].t))
        elif op not in failed:
            made.append(Made(change, None, inf))
    return sorted(made, key=lambda one: one.change.t)


class Clock:
    """When the seqs of a room were given away, as far as its senders can tell."""

    def __init__(self, sends: Iterable[tuple[Invoke, Ok]]) -> None:
        stored = [(invoke.t, ok.t, ok.seq) for invoke, ok in sends if not ok.duplicate]
        acked = sorted((t, seq) for _, t, seq in stored)
        self._acked = [t for t, _ in acked]
        self._highest = [0, *accumulate((seq for _, seq in acked), max)]  # of the first so many
        begun = sorted((t, seq) for t, _, seq in stored)
        self._begun = [t for t, _ in begun]
        lowest = [inf, *accumulate((seq for _, seq in reversed(begun)), min)]
        self._lowest = lowest[::-1]  # from there on

    def may_be(self, seq: int, begin: float, end: float) -> bool:
        """False if the seq was given away before ``begin`` or after ``end`` for sure: an event that
        was acknowledged before has a higher one, or one that was sent afterwards a lower one."""
        acked_before = bisect_left(self._acked, begin)
        first_after = bisect_right(self._begun, end)
        return self._highest[acked_before] < seq < self._lowest[first_after]


def check_changes(
    found: Findings,
    made: list[Made],
    log: Iterable[Logged],
    invitations: Iterable[Logged],
    sends: Iterable[tuple[Invoke, Ok]],
) -> None:
    """``log`` and ``invitations``: the changes that the rooms' logs have. Each is explained by one
    call that was made, in the calls' order (X); each that was acknowledged is there (L), at a seq
    of its time (RT)."""
    calls: dict[tuple[str, str, bool], list[Made]] = defaultdict(list)
    for one in made:
        calls[one.change.profile, one.change.room, one.change.invitation].append(one)
    if not calls:
        return
    in_log: dict[tuple[str, str, bool], list[tuple[int, bool]]] = defaultdict(list)
    for is_invitation, changes in ((False, log), (True, invitations)):
        for profile, room, seq, joins in changes:
            if (profile, room, is_invitation) in calls and seq > CREATED:
                in_log[profile, room, is_invitation].append((seq, joins))
    of_room: dict[str, list[tuple[Invoke, Ok]]] = defaultdict(list)
    for invoke, ok in sends:
        of_room[invoke.room].append((invoke, ok))
    clocks = {room: Clock(of_room[room]) for _, room, _ in calls}
    for key, mine in calls.items():
        _check_calls(found, mine, sorted(in_log[key]), clocks[key[1]])


def _check_calls(found: Findings, calls: list[Made], log: list[tuple[int, bool]], clock: Clock) -> None:
    place = 0
    explained = set()
    for seq, joins in log:
        match = next((at for at in range(place, len(calls)) if _explains(calls[at], seq, joins, clock)), None)
        if match is None:
            who = calls[0].change
            found.add(
                "X",
                f"{who.profile} {_SAID[joins, who.invitation]} {who.room} at {seq}, by no call whose time "
                "that was",
                *[one.change for one in calls if one.seq in (seq, None, UNTOLD)][:3],
            )
            continue
        place = match + 1
        explained.add(match)
    seqs = {seq for seq, _ in log}
    for at, one in enumerate(calls):
        if not one.seq:
            continue
        change = one.change
        what = f"{name_of(change)} at {one.seq}"
        if (at not in explained) if one.seq == UNTOLD else (one.seq not in seqs):
            found.add("L", f"{what} was acknowledged, and the log does not have it", change)
        elif one.seq != UNTOLD and not clock.may_be(one.seq, change.t, one.over):
            found.add("RT", f"{what} is older or younger than its call", change)


def _explains(call: Made, seq: int, joins: bool, clock: Clock) -> bool:
    if call.change.joins != joins:
        return False
    if call.seq not in (None, UNTOLD):
        return call.seq == seq
    return clock.may_be(seq, call.change.t, call.over)
