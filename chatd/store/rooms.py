"""Rooms and memberships. A change of membership is an event of the room's log, and moves outbox entries in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from chatd.core.model import Members, Room
from chatd.errors import AlreadyExists, ChatdError, NotAMember, PermissionDenied, RoomNotFound
from chatd.store.commands import AddSubscriptions, CreateRoom, MarkPublished, MembershipChange, RemoveSubscriptions
from chatd.store.push import mark_joining
from chatd.store.transaction import MAX_ROWS, LockedRoom, Transaction

C = TypeVar("C", AddSubscriptions, RemoveSubscriptions)


def create_rooms(transaction: Transaction, commands: Sequence[CreateRoom]) -> list[Room | ChatdError]:
    return [_create(transaction, command) for command in commands]


def _create(transaction: Transaction, command: CreateRoom) -> Room | ChatdError:
    database = transaction.database
    profiles = sorted({command.creator, *command.profiles})
    inserted = database.rows(
        "INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq, membership_version, member_count, hide_previews) "
        "VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?) ON CONFLICT (room_id) DO NOTHING RETURNING room_id",
        (command.room_id, command.name, command.creator, transaction.now_us, len(profiles), int(command.hide_previews)),
    )
    if not inserted:
        return AlreadyExists(f"room {command.room_id!r} exists")
    room = transaction.rooms[command.room_id] = LockedRoom(command.room_id, 0, 0)
    members = transaction.set_members(room, frozenset(profiles))
    seq = transaction.append_membership(room, command.creator, "joined", profiles, members)
    _subscribe(transaction, room, profiles, seq, owner=command.creator)
    transaction.flush()
    return Room(
        command.room_id,
        command.name,
        seq,
        0,
        room.version,
        transaction.now_us,
        command.creator,
        len(profiles),
        hide_previews=command.hide_previews,
    )


def _subscribe(transaction: Transaction, room: LockedRoom, profiles: Sequence[str], seq: int, *, owner: str | None) -> None:
    database = transaction.database
    values, parameters = database.values("ttii", [(room.room_id, profile_id, seq, int(profile_id == owner)) for profile_id in profiles])
    database.run(f"INSERT INTO subscription (room_id, profile_id, joined_seq, owner) {values}", parameters)
    marks = ", ".join("?" * len(profiles))
    # The entry begins before the joining itself: who joins sees it.
    database.run(
        "INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us) "
        f"SELECT profile_id, device_id, CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) "
        f"FROM device WHERE profile_id IN ({marks})",
        (room.room_id, seq - 1, seq - 1, transaction.now_us, *profiles),
    )
    mark_joining(transaction, room.room_id, profiles)


def add_subscriptions(transaction: Transaction, commands: Sequence[AddSubscriptions]) -> list[MembershipChange | ChatdError]:
    return [_refusable(transaction, command, _add) for command in commands]


def remove_subscriptions(transaction: Transaction, commands: Sequence[RemoveSubscriptions]) -> list[MembershipChange | ChatdError]:
    return [_refusable(transaction, command, remove) for command in commands]


def _refusable(transaction: Transaction, command: C, change: Callable[[Transaction, C], MembershipChange]) -> MembershipChange | ChatdError:
    try:
        return change(transaction, command)
    except ChatdError as exc:
        return exc


def _room_and_members(transaction: Transaction, room_id: str, by: str, operator: bool) -> tuple[LockedRoom, Members]:
    room = transaction.rooms.get(room_id)
    if room is None:
        raise RoomNotFound(f"no room {room_id!r}")
    members = transaction.members(room)
    if not operator and by not in members.profiles:
        raise NotAMember(f"{by!r} is not a member of room {room_id!r}")
    return room, members


def _add(transaction: Transaction, command: AddSubscriptions) -> MembershipChange:
    room, members = _room_and_members(transaction, command.room_id, command.by, command.operator)
    joining = sorted(set(command.profiles) - members.profiles)
    if not joining:
        return MembershipChange((), 0)
    after = transaction.set_members(room, members.profiles | set(joining))
    seq = transaction.append_membership(room, command.by, "joined", joining, after)
    _subscribe(transaction, room, joining, seq, owner=None)
    _count_members(transaction, after)
    return MembershipChange(tuple(joining), seq)


def remove(transaction: Transaction, command: RemoveSubscriptions, shown_as: Mapping[str, str] | None = None) -> MembershipChange:
    """End memberships. ``shown_as``: what the event calls a profile that must not be named."""
    room, members = _room_and_members(transaction, command.room_id, command.by, command.operator)
    if not command.operator and set(command.profiles) != {command.by}:
        owners = transaction.database.rows(
            "SELECT profile_id FROM subscription WHERE room_id = ? AND left_seq IS NULL AND owner = 1", (command.room_id,)
        )
        if (command.by,) not in owners:
            raise PermissionDenied(f"only the owner of room {command.room_id!r} may remove others")
    leaving = sorted(set(command.profiles) & members.profiles)
    if not leaving:
        return MembershipChange((), 0)
    # Those who leave still see that they did.
    named = [(shown_as or {}).get(profile_id, profile_id) for profile_id in leaving]
    seq = transaction.append_membership(room, command.by, "left", named, members)
    after = transaction.set_members(room, members.profiles - set(leaving))
    marks = ", ".join("?" * len(leaving))
    for table, column in (("subscription", "left_seq"), ("outbox", "until_seq")):
        transaction.database.run(
            f"UPDATE {table} SET {column} = ? WHERE room_id = ? AND profile_id IN ({marks}) AND {column} IS NULL",
            (seq, command.room_id, *leaving),
        )
    _count_members(transaction, after)
    return MembershipChange(tuple(leaving), seq)


def _count_members(transaction: Transaction, members: Members) -> None:
    transaction.database.run("UPDATE room SET member_count = ? WHERE room_id = ?", (len(members.profiles), members.room_id))


_NOTED = (
    "CASE WHEN EXISTS (SELECT 1 FROM subscription s WHERE s.room_id = room.room_id AND s.push = 1 AND s.left_seq IS NULL) "
    "OR room.notified_seq < room.published_seq THEN room.notified_seq ELSE v.last_seq END"
)
"""Where no member has a device to notify, nothing needs noting."""


def mark_published(transaction: Transaction, commands: Sequence[MarkPublished]) -> list[tuple[tuple[str, int, int], ...]]:
    """Move fan-out marks, each run only if it follows the mark: what another node has not finished before it is not leapt over."""
    rounds: dict[str, list[tuple[str, int, int]]] = {}
    for command in commands:
        for run in command.runs:
            rounds.setdefault(run[0], []).append(run)
    while rounds:
        batch = [runs.pop(0) for _, runs in zip(range(MAX_ROWS), rounds.values(), strict=False)]
        rounds = {room_id: runs for room_id, runs in rounds.items() if runs}
        values, parameters = transaction.database.values("tii", batch)
        transaction.database.run(
            f"WITH v(room_id, first_seq, last_seq) AS ({values}) UPDATE room SET published_seq = v.last_seq, notified_seq = {_NOTED} FROM v "
            "WHERE room.room_id = v.room_id AND room.published_seq >= v.first_seq - 1 AND room.published_seq < v.last_seq",
            parameters,
        )
    marked = _marks(transaction, sorted({run[0] for command in commands for run in command.runs}))
    return [tuple(run for run in command.runs if marked.get(run[0], run[2]) < run[2]) for command in commands]


def _marks(transaction: Transaction, room_ids: Sequence[str]) -> dict[str, int]:
    marks: dict[str, int] = {}
    for start in range(0, len(room_ids), MAX_ROWS):
        chunk = room_ids[start : start + MAX_ROWS]
        rows = transaction.database.rows(f"SELECT room_id, published_seq FROM room WHERE room_id IN ({', '.join('?' * len(chunk))})", chunk)
        marks.update((room_id, published_seq) for room_id, published_seq in rows)
    return marks
