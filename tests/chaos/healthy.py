"""A healthy history, to be damaged: two rooms, three profiles with two devices each, and everything
that may happen without harm."""

import random

from tests.chaos.history import (
    UNTOLD,
    Block,
    Change,
    Deleted,
    Deletion,
    Fail,
    Fault,
    Invited,
    Invoke,
    Joined,
    Left,
    Ok,
    OwnEvent,
    Record,
    Shown,
    Skipped,
    Uninvited,
    Unknown,
)

ROOMS = ("a", "b")
MEMBERS = ("ann", "bob")
GUEST = "cyd"
"""Joins room a in the middle, and leaves it."""
INVITED = "dan"
"""Accepts an invitation to room a, leaves, and declines the next one; in the end it blocks ann."""
DEVICES = ("desk", "phone")
SENDS = 40
JOIN, LEAVE, STORED_UNKNOWN, LOST_UNKNOWN, RETRIED, REFUSED, DEAD_LETTER = 12, 28, 20, 33, 7, 9, 24
"""The sends before or at which these happen. A retried event is sent again, as another operation;
the dead letter is one device's."""
UNKNOWN_JOIN, ASKED_JOIN, ASKED_LEAVE = 100, 101, 102
"""Operations of whoever changes the guest's membership."""
ASKED_DELETION, LATE = 104, 105
"""Room b is deleted in the end; then a send is refused."""
ASKED_INVITATION, ASKED_ACCEPTANCE, ASKED_LEAVING, ASKED_AGAIN, DECLINED, BLOCKED = range(106, 112)
Kind = type[Joined] | type[Left] | type[Invited] | type[Uninvited]
ASKED: dict[int, tuple[int, Kind, str]] = {
    JOIN: (ASKED_JOIN, Joined, GUEST),
    LEAVE: (ASKED_LEAVE, Left, GUEST),
    14: (ASKED_INVITATION, Invited, INVITED),
    17: (ASKED_ACCEPTANCE, Joined, INVITED),
    23: (ASKED_LEAVING, Left, INVITED),
    26: (ASKED_AGAIN, Invited, INVITED),
    31: (DECLINED, Uninvited, INVITED),
}
"""Changes of memberships and invitations before sends."""


class Healthy:
    """``log`` and ``registered`` are what the checker wants besides ``records``."""

    def __init__(self, dice: random.Random) -> None:
        self.records: list[Record] = []
        self.log: dict[str, dict[int, tuple[str, str]]] = {room: {} for room in ROOMS}
        self.registered = {
            (profile, device): dict.fromkeys(ROOMS, 1)
            for profile in (*MEMBERS, GUEST, INVITED)
            for device in DEVICES
        }
        self._time = 0.0
        self._present = {room: set(MEMBERS) for room in ROOMS}
        for room in ROOMS:
            self._change(room, Joined, *MEMBERS)
        for op in range(SENDS):
            if op == JOIN:
                self._lose_a_change(UNKNOWN_JOIN)
            if op in ASKED:
                self._ask_for_a_change(*ASKED[op])
            self._send(
                op,
                "a" if op == DEAD_LETTER else dice.choice(ROOMS),
                dice.choice(MEMBERS),
                again=dice.random() < 0.2,
            )
        self.records += [Block(self.now(), BLOCKED, INVITED, "ann", True), Ok(self.now(), BLOCKED, 0)]
        self._delete("b")
        self.records.append(Fault(self.now(), "kill", "default0"))

    def now(self) -> float:
        self._time += 1.0
        return self._time

    def store(
        self,
        room: str,
        event_id: str,
        body_hash: str,
        *,
        again: bool = False,
        dead: tuple[str, str] | None = None,
    ) -> int:
        """Append to the log, and show it to whoever is there. ``again``: twice, the second time as
        a repeat. ``dead``: not to this device."""
        seq = len(self.log[room]) + 1
        self.log[room][seq] = event_id, body_hash
        for profile, device in self.registered:
            if profile not in self._present[room]:
                continue
            if (profile, device) == dead:
                self.records.append(Skipped(self.now(), profile, device, 1, room, seq, seq, "undeliverable"))
                continue
            self.records.append(
                Shown(self.now(), profile, device, 1, room, seq, event_id, body_hash, recipient=profile)
            )
            if again:
                self.records.append(
                    Shown(
                        self.now(),
                        profile,
                        device,
                        2,
                        room,
                        seq,
                        event_id,
                        body_hash,
                        1,
                        profile,
                        repeat=True,
                    )
                )
        return seq

    def _ask_for_a_change(self, op: int, kind: Kind, profile: str) -> None:
        invitation = kind in (Invited, Uninvited)
        self.records.append(Change(self.now(), op, profile, "a", kind in (Joined, Invited), invitation))
        seq = self.change(kind, profile)
        self.records.append(Ok(self.now(), op, UNTOLD if kind is Uninvited else seq))

    def change(self, kind: Kind, profile: str) -> int:
        """In the log of room a: the seq."""
        if kind is Joined:
            self._present["a"].add(profile)
        self._change("a", kind, profile)
        if kind is Left:
            self._present["a"].discard(profile)
        return len(self.log["a"])

    def _lose_a_change(self, op: int) -> None:
        """A first attempt, of which nothing came."""
        self.records.append(Change(self.now(), op, GUEST, "a", joins=True))
        self.records.append(Unknown(self.now(), op))

    def _delete(self, room: str) -> None:
        self.records.append(Deletion(self.now(), ASKED_DELETION, room))
        seq = self.store(room, "deleted", "")
        self.records.append(Deleted(self.now(), room, seq))
        self.records.append(Ok(self.now(), ASKED_DELETION, seq))
        self.records.append(Invoke(self.now(), LATE, "ann", room, "late", "late"))
        self.records.append(Fail(self.now(), LATE, 401))

    def _change(self, room: str, kind: Kind, *profiles: str) -> None:
        seq = self.store(room, f"m{len(self.log[room])}", "")
        self.records.append(OwnEvent(self.now(), room, seq))
        self.records += [kind(self.now(), room, profile, seq) for profile in profiles]

    def _send(self, op: int, room: str, sender: str, *, again: bool) -> None:
        event_id, body_hash = f"e{op}", f"h{op}"
        self.records.append(Invoke(self.now(), op, sender, room, event_id, body_hash))
        if op == REFUSED:
            self.records.append(Fail(self.now(), op, 403))
            return
        if op == LOST_UNKNOWN:
            self.records.append(Unknown(self.now(), op))
            return
        seq = self.store(
            room, event_id, body_hash, again=again, dead=("bob", "phone") if op == DEAD_LETTER else None
        )
        self.records.append(
            Unknown(self.now(), op) if op in (STORED_UNKNOWN, RETRIED) else Ok(self.now(), op, seq)
        )
        if op == RETRIED:
            self.records.append(Invoke(self.now(), SENDS, sender, room, event_id, body_hash))
            self.records.append(Ok(self.now(), SENDS, seq, duplicate=True))
