"""The promises to senders: an event is stored once, and one that was acknowledged before another
was sent comes before it."""

from collections import defaultdict
from collections.abc import Mapping

from tests.chaos.history import Invoke, Ok
from tests.chaos.rooms import Room
from tests.chaos.verdict import Findings

INVOKED, ACKED = 0, 1
"""In this order at the same time: only what was acknowledged strictly before counts."""


def check_places(found: Findings, tried: list[Invoke], rooms: Mapping[str, Room]) -> None:
    """V: a sender's event has one place in all rooms; other senders may use its id, and even send
    the same."""
    by_id: dict[str, set[str]] = defaultdict(set)
    by_value: dict[tuple[str, str], set[str]] = defaultdict(set)
    for invoke in tried:
        by_id[invoke.event_id].add(invoke.sender)
        by_value[invoke.event_id, invoke.body_hash].add(invoke.sender)
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    value_places: dict[tuple[str, str], int] = defaultdict(int)
    too_many: set[str] = set()
    for name, room in rooms.items():
        for seq, value in room.values.items():
            if value not in by_value:
                continue
            places[value[0]].append((name, seq))
            value_places[value] += 1
            if value_places[value] > len(by_value[value]) or len(places[value[0]]) > len(by_id[value[0]]):
                too_many.add(value[0])
    examples: dict[str, list[Invoke]] = {event_id: [] for event_id in too_many}
    for invoke in tried if too_many else []:
        if invoke.event_id in too_many:
            examples[invoke.event_id].append(invoke)
    for event_id in sorted(too_many):
        found.add(
            "V",
            f"{event_id}, which {len(by_id[event_id])} sent, is at {places[event_id]}",
            *examples[event_id][:3],
        )


def check_real_time(
    found: Findings, tried: list[Invoke], acked: Mapping[int, Ok], rooms: Mapping[str, Room]
) -> None:
    """RT, in one sweep over each room's moments. An event begins with its first attempt; what
    nobody acknowledged counts if it was stored."""
    begins: dict[tuple[str, str, str, str], Invoke] = {}
    oks: dict[tuple[str, str, str, str], Ok] = {}
    senders: dict[tuple[str, str, str], int] = defaultdict(int)
    for invoke in tried:
        event = invoke.room, invoke.event_id, invoke.body_hash, invoke.sender
        if event not in begins:
            senders[event[:3]] += 1
        if event not in begins or invoke.t < begins[event].t:
            begins[event] = invoke
        ok = acked.get(invoke.op)
        if ok is not None and (event not in oks or ok.t < oks[event].t):
            oks[event] = ok
    stored = {(name, *value): seq for name, room in rooms.items() for seq, value in room.values.items()}
    moments: dict[str, list[tuple[float, int, int, Invoke | Ok]]] = defaultdict(list)
    for event, invoke in begins.items():
        ok = oks.get(event)
        if ok is not None:
            moments[invoke.room] += [(invoke.t, INVOKED, ok.seq, invoke), (ok.t, ACKED, ok.seq, ok)]
        elif event[:3] in stored and senders[event[:3]] == 1:
            moments[invoke.room].append((invoke.t, INVOKED, stored[event[:3]], invoke))
    for name, room_moments in moments.items():
        highest, holder = 0, None
        for _, kind, seq, record in sorted(room_moments, key=lambda moment: moment[:2]):
            if kind == ACKED and seq > highest:
                highest, holder = seq, record
            elif kind == INVOKED and seq < highest and holder is not None:
                found.add(
                    "RT", f"{name} {seq} was sent after {highest} had been acknowledged", record, holder
                )
