"""Faults planted in a healthy history, each with the letter that has to catch it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tests.chaos import healthy
from tests.chaos.healthy import Healthy
from tests.chaos.history import Change, Deleted, Fail, Invoke, Joined, Ok, Shown, Skipped

Operation = TypeVar("Operation", Invoke, Ok)


def shown(history: Healthy, profile: str = "bob", device: str = "desk", room: str = "a") -> list[int]:
    """Where in the history a device was first shown a room's events."""
    return [
        index
        for index, record in enumerate(history.records)
        if isinstance(record, Shown)
        and not record.repeat
        and (record.profile, record.device, record.room) == (profile, device, room)
    ]


def shown_at(history: Healthy, place: int, **who: str) -> Shown:
    record = history.records[shown(history, **who)[place]]
    assert isinstance(record, Shown)
    return record


def index_of(history: Healthy, kind: type[Operation], op: int) -> tuple[int, Operation]:
    return next(
        (index, one) for index, one in enumerate(history.records) if isinstance(one, kind) and one.op == op
    )


def change_of(history: Healthy, op: int) -> tuple[int, Change]:
    return next(
        (index, one) for index, one in enumerate(history.records) if isinstance(one, Change) and one.op == op
    )


def lose_one_in_the_middle(history: Healthy) -> None:
    del history.records[shown(history)[5]]


def lose_the_tail(history: Healthy) -> None:
    del history.records[shown(history)[-1]]


def lose_all_of_a_device(history: Healthy) -> None:
    for index in reversed(shown(history, room="b")):
        del history.records[index]


def lose_an_acknowledged_event_everywhere(history: Healthy) -> None:
    event_id, _ = history.log["a"].pop(max(history.log["a"]))
    history.records = [
        one for one in history.records if not (isinstance(one, Shown) and one.event_id == event_id)
    ]


def forget_in_the_log_alone(history: Healthy) -> None:
    """Shown to everybody and acknowledged, and the database does not have it."""
    history.log["a"].pop(max(history.log["a"]))


def lose_what_nobody_was_told_of(history: Healthy) -> None:
    stored = f"e{healthy.STORED_UNKNOWN}"
    index = next(
        index
        for index, one in enumerate(history.records)
        if isinstance(one, Shown) and one.event_id == stored
    )
    del history.records[index]


def lose_the_marker(history: Healthy) -> None:
    history.records = [one for one in history.records if not isinstance(one, Skipped)]


def silence_the_marker(history: Healthy) -> None:
    history.records = [
        replace(one, reason="") if isinstance(one, Skipped) else one for one in history.records
    ]


def duplicate(history: Healthy) -> None:
    history.records.insert(shown(history)[3] + 1, shown_at(history, 3))


def swap(history: Healthy) -> None:
    first, second = shown(history)[3:5]
    history.records[first], history.records[second] = history.records[second], history.records[first]


def leave_a_hole_in_the_log(history: Healthy) -> None:
    """A seq that was never given away: nobody misses it, and everybody sees the hole."""
    seq = len(history.log["a"]) + 2
    history.records.append(Invoke(history.now(), 98, "ann", "a", "e98", "h98"))
    history.log["a"][seq] = "e98", "h98"
    history.records += [
        Shown(history.now(), profile, device, 1, "a", seq, "e98", "h98")
        for profile in healthy.MEMBERS
        for device in healthy.DEVICES
    ]


def drop_what_is_no_repeat(history: Healthy) -> None:
    history.records.insert(shown(history)[3], replace(shown_at(history, 3), repeat=True))


def leak_before_joining(history: Healthy) -> None:
    history.records.append(replace(shown_at(history, 2), profile=healthy.GUEST, recipient=""))


def leak_after_leaving(history: Healthy) -> None:
    history.records.append(replace(shown_at(history, -1), profile=healthy.GUEST, recipient=""))


def leak_to_a_stranger(history: Healthy) -> None:
    history.records.append(replace(shown_at(history, 2), profile="eve", recipient=""))


def leak_to_another_profile(history: Healthy) -> None:
    history.records[shown(history)[4]] = replace(shown_at(history, 4), recipient="ann")


def leak_in_a_repeat(history: Healthy) -> None:
    history.records.append(replace(shown_at(history, 4), repeat=True, recipient="ann"))


def invent(history: Healthy) -> None:
    history.records[shown(history)[4]] = replace(shown_at(history, 4), event_id="nobody's")


def store_what_was_refused(history: Healthy) -> None:
    index, ok = index_of(history, Ok, 10)
    history.records[index] = Fail(ok.t, ok.op, 403)


def store_what_nobody_sent_or_sees(history: Healthy) -> None:
    history.log["empty"] = {1: ("nobody's", "h")}


def bring_back_who_was_removed(history: Healthy) -> None:
    """The first attempt to add the guest is executed after all, once the guest has been removed."""
    seq = history.store("a", "m98", "")
    history.records.append(Joined(history.now(), "a", healthy.GUEST, seq))
    history.records += [
        Shown(history.now(), healthy.GUEST, device, 1, "a", seq, "m98", "", recipient=healthy.GUEST)
        for device in healthy.DEVICES
    ]


def change_a_membership_twice(history: Healthy) -> None:
    """The first attempt is executed once the guest was removed by somebody else: no call of theirs
    is left that could have done it."""
    index, change = change_of(history, healthy.UNKNOWN_JOIN)
    del history.records[index : index + 2]
    bring_back_who_was_removed(history)
    assert change.joins


def acknowledge_a_change_that_is_nowhere(history: Healthy) -> None:
    history.records.append(Change(history.now(), 103, healthy.GUEST, "a", joins=True))
    history.records.append(Ok(history.now(), 103, 1_000))


def add_before_it_was_asked(history: Healthy) -> None:
    index, change = change_of(history, healthy.ASKED_JOIN)
    history.records[index] = replace(change, t=1e6)
    index, ok = index_of(history, Ok, healthy.ASKED_JOIN)
    history.records[index] = replace(ok, t=1e6 + 1)


def remove_long_after_it_was_acknowledged(history: Healthy) -> None:
    _, joined = index_of(history, Ok, healthy.ASKED_JOIN)
    index, change = change_of(history, healthy.ASKED_LEAVE)
    history.records[index] = replace(change, t=joined.t + 0.1)
    index, ok = index_of(history, Ok, healthy.ASKED_LEAVE)
    history.records[index] = replace(ok, t=joined.t + 0.2)


def invent_a_change_of_membership(history: Healthy) -> None:
    history.store("a", "m99", "")


def show_another_event(history: Healthy) -> None:
    other = shown_at(history, 6)
    history.records[shown(history)[4]] = replace(
        shown_at(history, 4), event_id=other.event_id, body_hash=other.body_hash
    )


def show_another_body(history: Healthy) -> None:
    history.records[shown(history)[-1]] = replace(shown_at(history, -1), body_hash="h0")


def store_twice(history: Healthy) -> None:
    history.store("a", *history.log["a"][4])


def acknowledge_elsewhere(history: Healthy) -> None:
    index, ok = index_of(history, Ok, 10)
    history.records[index] = replace(ok, seq=ok.seq + 1)


def turn_time_round(history: Healthy) -> None:
    """The first send of a room is said to have begun after all others were acknowledged."""
    first = next(one.op for one in history.records if isinstance(one, Invoke) and one.room == "b")
    index, invoke = index_of(history, Invoke, first)
    history.records[index] = replace(invoke, t=1e6)
    index, ok = index_of(history, Ok, first)
    history.records[index] = replace(ok, t=1e6 + 1)


def turn_time_round_of_an_unknown(history: Healthy) -> None:
    index, invoke = index_of(history, Invoke, healthy.STORED_UNKNOWN)
    history.records[index] = replace(invoke, t=1e6)


def store_behind_the_last_event(history: Healthy) -> None:
    """The late send is accepted."""
    at = next(
        at for at, one in enumerate(history.records) if isinstance(one, Fail) and one.op == healthy.LATE
    )
    del history.records[at]
    history.records.append(Ok(history.now(), healthy.LATE, history.store("b", "late", "late")))


def accept_after_the_deletion(history: Healthy) -> None:
    """The newest event before a deletion began when that had been acknowledged."""
    oks = {one.op: one for one in history.records if isinstance(one, Ok)}
    sends = [one for one in history.records if isinstance(one, Invoke) and one.room == "b" and one.op in oks]
    newest = max(sends, key=lambda one: oks[one.op].seq)
    index, invoke = index_of(history, Invoke, newest.op)
    history.records[index] = replace(invoke, t=1e6)


def bring_back_a_deleted_room(history: Healthy) -> None:
    """A deletion that was acknowledged is in no log."""
    seq = max(history.log["b"])
    del history.log["b"][seq]
    history.records = [
        one
        for one in history.records
        if not isinstance(one, Deleted) and not (isinstance(one, Shown) and one.event_id == "deleted")
    ]


def hide_a_deletion(history: Healthy) -> None:
    """A device never hears of it."""
    del history.records[shown(history, room="b")[-1]]


PLANTED: list[tuple[Callable[[Healthy], None], str]] = [
    (lose_one_in_the_middle, "L"),
    (lose_the_tail, "L"),
    (lose_all_of_a_device, "L"),
    (lose_an_acknowledged_event_everywhere, "L"),
    (forget_in_the_log_alone, "L"),
    (lose_what_nobody_was_told_of, "L"),
    (lose_the_marker, "L"),
    (silence_the_marker, "S"),
    (duplicate, "D"),
    (swap, "O"),
    (leave_a_hole_in_the_log, "O"),
    (drop_what_is_no_repeat, "O"),
    (leak_before_joining, "X"),
    (leak_after_leaving, "X"),
    (leak_to_a_stranger, "X"),
    (leak_to_another_profile, "X"),
    (leak_in_a_repeat, "X"),
    (bring_back_who_was_removed, "X"),
    (change_a_membership_twice, "X"),
    (invent, "U"),
    (store_what_was_refused, "U"),
    (store_what_nobody_sent_or_sees, "U"),
    (invent_a_change_of_membership, "U"),
    (show_another_event, "V"),
    (show_another_body, "V"),
    (store_twice, "V"),
    (acknowledge_elsewhere, "V"),
    (turn_time_round, "RT"),
    (turn_time_round_of_an_unknown, "RT"),
    (acknowledge_a_change_that_is_nowhere, "L"),
    (add_before_it_was_asked, "RT"),
    (store_behind_the_last_event, "U"),
    (accept_after_the_deletion, "RT"),
    (bring_back_a_deleted_room, "L"),
    (hide_a_deletion, "L"),
    (remove_long_after_it_was_acknowledged, "RT"),
]
