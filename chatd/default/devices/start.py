"""The outbox entries of new devices: each begins where its start says, in the rooms that its
profile is a member of."""

from collections.abc import Mapping, Sequence

from chatd.core.start import HEAD, UNDELIVERED, Start
from chatd.default.devices.model import DeviceHello
from chatd.default.rooms.log_search import last_before_sql
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import StartPoint
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

_Key = tuple[str, str]
"""Profile and device."""
_AT_JOINED, _AT_UNDELIVERED = int(StartPoint.START_POINT_JOINED), int(StartPoint.START_POINT_UNDELIVERED)
_UNSTATED = "unstated"
"""In place of a ``Start.kind``: the Hello says nothing."""
_JOINED = "subscription.joined_seq - 1"
_LATER = "CASE WHEN {a} > {b} THEN {a} ELSE {b} END"
_UNDELIVERED = _LATER.format(a="subscription.delivered_seq", b=_JOINED)
_HAS_RECIPIENT = f"""EXISTS (
                SELECT 1
                FROM outbox
                WHERE outbox.room_id = subscription.room_id AND outbox.profile_id = subscription.profile_id
                    AND outbox.until_seq IS NULL AND outbox.start_seq <= {_UNDELIVERED})"""
"""True of a room of which a device of the profile is owed, or was given, all that is behind
UNDELIVERED."""
_LEFT_OUT = f"""
            SELECT delivery_gap.first_seq AS seq
            FROM delivery_gap
            WHERE delivery_gap.profile_id = outbox.profile_id AND delivery_gap.device_id = outbox.device_id
                AND delivery_gap.room_id = outbox.room_id AND delivery_gap.first_seq > {_UNDELIVERED}
                AND delivery_gap.reason <> {int(SkipReason.SKIP_REASON_RETENTION)}
            UNION ALL
            SELECT dead_letter.seq
            FROM dead_letter
            WHERE dead_letter.profile_id = outbox.profile_id AND dead_letter.device_id = outbox.device_id
                AND dead_letter.room_id = outbox.room_id AND dead_letter.seq > {_UNDELIVERED}
                AND dead_letter.state <> 'delivered'"""
"""Events that the cursor of a device has passed and the device has not had."""
_SINCE = last_before_sql("subscription.room_id", _JOINED, "room.head_seq", "v.value")

BEGIN = f"""
            SELECT v.profile_id, v.device_id, room.room_id,
                CASE
                    WHEN v.kind = 'last' THEN {_LATER.format(a="room.head_seq - v.value", b=_JOINED)}
                    WHEN v.kind = 'since_us' THEN {_SINCE}
                    WHEN v.kind = 'point' AND v.value = {_AT_JOINED} THEN {_JOINED}
                    WHEN v.kind = 'point' AND v.value = {_AT_UNDELIVERED}
                    THEN {_UNDELIVERED}
                    WHEN v.kind = '{_UNSTATED}' AND NOT {_HAS_RECIPIENT} THEN {_UNDELIVERED}
                    ELSE room.head_seq
                END AS after_seq
            FROM v
            JOIN subscription ON subscription.profile_id = v.profile_id AND subscription.left_seq IS NULL
            JOIN room ON room.room_id = subscription.room_id"""
"""The seq behind which each device of ``v`` (profile_id, device_id, kind, value) begins in each
room."""

FIND_LACKING = f"""
            SELECT DISTINCT subscription.profile_id
            FROM subscription
            WHERE subscription.profile_id IN ({{profiles}}) AND subscription.left_seq IS NULL
                AND CASE WHEN {_HAS_RECIPIENT} THEN 0 ELSE 1 END = 1"""
"""NOT EXISTS would be a join, for which PostgreSQL without statistics may read the whole outbox."""


def begin(transaction: Transaction, new: Sequence[DeviceHello]) -> dict[_Key, Start]:
    """Make the entries of devices that have just been registered; where each begins. One whose
    Hello does not say it begins at the head of the rooms of which another device of its profile is
    owed all that is undelivered, and at UNDELIVERED in the others. The command holds their
    profiles."""
    starts: dict[_Key, Start] = {}
    waiting = list(new)
    while waiting:
        # One of each profile: the next one sees what it is owed.
        this_round = {hello.profile_id: hello for hello in reversed(waiting)}
        unstated = [profile_id for profile_id, hello in this_round.items() if hello.start is None]
        lacking = _find_lacking(transaction, unstated)
        _make_entries(transaction, {hello.device: hello.start for hello in this_round.values()})
        for profile_id, hello in this_round.items():
            starts[hello.device] = hello.start or (UNDELIVERED if profile_id in lacking else HEAD)
        waiting = [hello for hello in waiting if hello.device not in starts]
    return starts


def _find_lacking(transaction: Transaction, profiles: Sequence[str]) -> set[str]:
    """Those of the profiles that have a room without a device that is owed all that is
    undelivered."""
    if not profiles:
        return set()
    rows = transaction.database.rows(FIND_LACKING.format(profiles=placeholders(len(profiles))), profiles)
    return {profile_id for (profile_id,) in rows}


def keep_delivered(transaction: Transaction, device: _Key) -> None:
    """A device goes: keep how far it came without leaving out an event, for the next device of
    its profile. The command holds the profile."""
    transaction.must_hold(profile_id=device[0])
    transaction.database.run(
        f"""
        UPDATE subscription
        SET delivered_seq = COALESCE(
            (SELECT MIN(left_out.seq) - 1 FROM ({_LEFT_OUT}) left_out WHERE left_out.seq <= outbox.acked_seq),
            outbox.acked_seq)
        FROM outbox
        WHERE outbox.profile_id = ? AND outbox.device_id = ? AND outbox.until_seq IS NULL
            AND subscription.profile_id = outbox.profile_id AND subscription.room_id = outbox.room_id
            AND subscription.left_seq IS NULL
            AND outbox.acked_seq > subscription.delivered_seq
            AND outbox.start_seq <= {_UNDELIVERED}
        """,
        device,
    )


def _make_entries(transaction: Transaction, starts: Mapping[_Key, Start | None]) -> None:
    database = transaction.database
    values, parameters = database.values(
        "ttti",
        [
            (*device, _UNSTATED, 0) if start is None else (*device, start.kind, start.value)
            for device, start in sorted(starts.items(), key=_device)
        ],
    )
    database.run(
        f"""
        WITH v(profile_id, device_id, kind, value) AS ({values}),
        begin_at AS MATERIALIZED ({BEGIN})
        INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us)
        SELECT profile_id, device_id, room_id, after_seq, after_seq, CAST(? AS BIGINT)
        FROM begin_at
        """,
        (*parameters, transaction.now_us),
    )
    named = [
        (*device, room_id, seq)
        for device, start in sorted(starts.items(), key=_device)
        if start is not None
        for room_id, seq in sorted(start.seqs.items())
    ]
    for chunk in chunks(named, columns=4):
        values, parameters = database.values("ttti", chunk)
        after = _LATER.format(a="v.seq", b=_JOINED)
        database.run(
            f"""
            WITH v(profile_id, device_id, room_id, seq) AS ({values})
            UPDATE outbox
            SET start_seq = {after}, acked_seq = {after}
            FROM v
            JOIN subscription ON subscription.room_id = v.room_id AND subscription.profile_id = v.profile_id
                AND subscription.left_seq IS NULL
            WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id
                AND outbox.room_id = v.room_id AND outbox.start_seq > v.seq
            """,
            parameters,
        )


def _device(item: tuple[_Key, Start | None]) -> _Key:
    return item[0]
